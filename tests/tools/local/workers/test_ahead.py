"""Events sent ahead to a busy worker: one after the other there, and never both there and elsewhere."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tools.local.workers.test_pool import call, run, until, write

from eventfw.tools.local.workers import handle
from eventfw.tools.local.workers.ahead import LONGEST, MOST
from eventfw.tools.local.workers.pool import Pool, Result
from eventfw.tools.local.workers.wire import request_id_of

pytestmark = pytest.mark.spread

WORK = """
    had = []

    @app.function(timeout=5)
    def work(event, context):
        had.append(event["number"])
        exec(event["code"])
        return [event["number"], os.getpid(), had]
"""


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits, waits for as long as a busy machine takes."""
    monkeypatch.setattr(handle, "PATIENCE", 30.0)


@pytest.fixture(autouse=True)
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is quick, however busy the machine is."""
    monkeypatch.setattr(handle, "QUICK", 1e9)


async def quick(pool: Pool) -> None:
    """Have a warm worker that is known for short events, and events that meet one another."""
    await call(pool, "work", {"number": 0, "code": "pass"})
    while not any(worker.ahead.quick for worker in pool.workers):
        told = begun(pool, 0, "had.clear()")
        assert not pool.begin("work", b"{}", print, 30.0) or told.done()
        await told


def begun(pool: Pool, number: int, code: str = "pass", *, surely: bool = True) -> asyncio.Future[Result | None]:
    """What an event is told, which has to be once."""
    told: asyncio.Future[Result | None] = asyncio.get_running_loop().create_future()
    if not pool.begin("work", json.dumps({"number": number, "code": code}).encode(), told.set_result, 30.0):
        assert not surely
        told.set_result(None)
    return told


async def answers(told: list[asyncio.Future[Result | None]]) -> list[Any]:
    return [json.loads(result.payload) if result is not None else None for result in await asyncio.gather(*told)]


@pytest.mark.usefixtures("patient")
def test_a_busy_worker_answers_what_it_was_sent_ahead_in_order(tmp_path: Path) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        await quick(pool)
        found = await answers([begun(pool, number) for number in range(1, 2 + MOST)])
        assert [one[0] for one in found] == list(range(1, 2 + MOST))
        assert len({one[1] for one in found}) == 1
        assert found[-1][2] == list(range(1, 2 + MOST))
        assert len(pool.workers) == 1

    run(tmp_path, test)


@pytest.mark.usefixtures("patient")
def test_what_each_prints_is_its_own(tmp_path: Path) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        for _ in range(5):
            await quick(pool)
            codes = ["print(1)", "pass", "os.write(1, b'3')", "sys.stderr.write('4')", "pass", "print(6)"]
            results = await asyncio.gather(*(begun(pool, number, code) for number, code in enumerate(codes, 1)))
            assert [result and result.printed for result in results] == ["1\n", "", "3\n", "4\n", "", "6\n"]

    run(tmp_path, test)


def test_whoever_waits_for_a_long_event_is_given_back_and_not_begun_with(tmp_path: Path) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        await quick(pool)
        told = [begun(pool, 1, "time.sleep(0.2)"), begun(pool, 2), begun(pool, 3)]
        first, second, third = await answers(told)
        assert first[2] == [1] and second is None and third is None
        assert (await answers([begun(pool, 4)]))[0][1:] == [first[1], [1, 4]]

    run(tmp_path, test)


@pytest.mark.usefixtures("patient")
def test_a_worker_that_ends_has_not_begun_with_what_waits(tmp_path: Path) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        await quick(pool)
        first, second, third, fourth = [
            begun(pool, 1), begun(pool, 2, "os._exit(3)"), begun(pool, 3), begun(pool, 4)
        ]  # fmt: skip
        ended = await second
        assert (await answers([first]))[0][0] == 1
        assert ended is not None and ended.error_type == "Runtime.ExitError"
        assert await answers([third, fourth]) == [None, None]
        assert (await call(pool, "work", {"number": 5, "code": "pass"}))[2] == [5]

    run(tmp_path, test)


@pytest.mark.usefixtures("patient")
def test_what_the_worker_gets_while_the_one_before_is_taken_back_is_begun_with(tmp_path: Path) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        await quick(pool)
        [worker] = pool.workers
        os.kill(worker.pid, signal.SIGSTOP)
        first, second = begun(pool, 1), begun(pool, 2, "open('begun', 'w').close(); time.sleep(0.2)")
        message = worker.ahead._theirs.recv(LONGEST)  # as taken_back does
        os.kill(worker.pid, signal.SIGCONT)
        await until(lambda: (tmp_path / "begun").exists())
        rest = worker.ahead.taken_back
        worker.ahead.taken_back = lambda: {request_id_of(message): message, **rest()}  # type: ignore[method-assign]
        worker.give_back()
        worker.ahead.taken_back = rest  # type: ignore[method-assign]
        assert await answers([first]) == [None]
        assert (await answers([second]))[0][::2] == [2, [2]]
        assert (await answers([begun(pool, 3)]))[0][::2] == [3, [2, 3]]

    run(tmp_path, test)


def test_a_reload_runs_what_has_not_begun_with_the_new_code(tmp_path: Path) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        await quick(pool)
        reloading = asyncio.create_task(pool.reload())
        while not reloading.done():
            told = [begun(pool, 1, "time.sleep(0.002)"), begun(pool, 2, surely=False)]
            await asyncio.sleep(0)
            first, second = await asyncio.gather(*told)
            assert first is not None and not first.error, first and first.payload
            assert first is not None and json.loads(first.payload)[0] == 1
            assert second is None or not second.error, second.payload
        assert (await call(pool, "work", {"number": 5, "code": "pass"}))[0] == 5

    run(tmp_path, test)


def test_long_events_and_those_of_slow_functions_do_not_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, WORK)

    async def test(pool: Pool) -> None:
        await quick(pool)
        told = [begun(pool, 1)]
        event = json.dumps({"number": 2, "code": "pass", "more": "x" * LONGEST}).encode()
        assert not pool.begin("work", event, print, 30.0)  # the only worker is busy
        await answers(told)
        monkeypatch.setattr(handle, "QUICK", 1000)
        await answers([begun(pool, 3, "time.sleep(0.002)")])
        told = [begun(pool, 4)]
        assert not pool.begin("work", b"{}", print, 30.0)
        await answers(told)

    run(tmp_path, test)
