"""What waits in the asynchronous queue is there in the next run, also where the server had no time to say good-bye."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path

from eventfw.tools.local.lambdas.asynchronous import AsynchronousQueue
from eventfw.tools.local.lambdas.waiting_events import WaitingEvents
from eventfw.tools.local.terminal import Terminal

from .test_asynchronous import DONE, FAILED, Bench, in_loop


def waiting_events(queue: AsynchronousQueue, path: Path) -> tuple[WaitingEvents, io.StringIO]:
    said = io.StringIO()
    return WaitingEvents(queue, path, Terminal(said)), said


async def written(path: Path, count: int) -> None:
    async with asyncio.timeout(20):
        while not path.exists() or len(json.loads(path.read_text())["events"]) != count:  # noqa: ASYNC110, ASYNC240 - a file
            await asyncio.sleep(0.01)


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@in_loop
async def test_what_waits_is_written_when_it_changes_and_taken_up_by_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    bench = Bench(FAILED)
    waiting, _ = waiting_events(bench.queue, path)
    bench.accept()
    await bench.clock.advance(1)
    keeping = asyncio.create_task(waiting.keep())
    await written(path, 1)
    await ended(keeping)  # and no word to the queue: the server was killed
    await bench.queue.stop()
    after = Bench(DONE)
    waiting, said = waiting_events(after.queue, path)
    keeping = asyncio.create_task(waiting.keep())
    await asyncio.sleep(0)
    await after.clock.advance(200)
    assert [request for _, request in after.attempts] == ["id-1"]
    assert "Goes on with 1 asynchronous event of the last run." in said.getvalue()
    await waiting.leave()
    await ended(keeping)
    assert json.loads(path.read_text())["events"] == []


@in_loop
async def test_what_waits_at_the_time_of_an_advanced_clock_waits_no_longer_at_the_present(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    bench = Bench(FAILED)
    waiting, _ = waiting_events(bench.queue, path)
    await bench.clock.advance(86_400)
    bench.accept()
    await bench.clock.advance(50)
    keeping = asyncio.create_task(waiting.keep())
    await written(path, 1)
    await waiting.leave()
    await ended(keeping)
    after = Bench(DONE)
    waiting, _ = waiting_events(after.queue, path)
    keeping = asyncio.create_task(waiting.keep())
    await asyncio.sleep(0)
    await after.clock.advance(9)
    assert after.attempts == []
    await after.clock.advance(1)
    assert after.attempts == [(10, "id-1")]
    await ended(keeping)


@in_loop
async def test_leaving_keeps_what_has_not_ended_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    bench = Bench(FAILED)
    waiting, said = waiting_events(bench.queue, path)
    keeping = asyncio.create_task(waiting.keep())
    await written(path, 0)
    await ended(keeping)
    bench.accept()
    await bench.clock.advance(1)
    await waiting.leave()
    assert "Kept 1 asynchronous event for the next run." in said.getvalue()
    [left] = json.loads(path.read_text())["events"]
    assert (left["request_id"], left["attempts"]) == ("id-1", 1)
    assert await bench.queue.stop() == 0


@in_loop
async def test_a_server_that_never_took_up_what_was_left_leaves_it(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text("[1]")
    waiting, _ = waiting_events(Bench(DONE).queue, path)
    await waiting.leave()
    assert path.read_text() == "[1]"


@in_loop
async def test_what_cannot_be_read_is_put_aside_and_told(tmp_path: Path) -> None:
    path = tmp_path / "events.json"
    path.write_text('[{"function"')
    waiting, said = waiting_events(Bench(DONE).queue, path)
    keeping = asyncio.create_task(waiting.keep())
    await asyncio.sleep(0)
    await written(path, 0)
    await ended(keeping)
    assert "cannot be read" in said.getvalue()
    assert (tmp_path / "events.broken").read_text() == '[{"function"'


@in_loop
async def test_what_cannot_be_written_is_told_once_and_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "events.json"
    bench = Bench(FAILED)
    waiting, said = waiting_events(bench.queue, path)
    bench.accept()
    await bench.clock.advance(1)
    keeping = asyncio.create_task(waiting.keep())
    async with asyncio.timeout(20):
        while "cannot be written" not in said.getvalue():  # noqa: ASYNC110 - a thread says so
            await asyncio.sleep(0.01)
    await waiting.leave()
    assert not keeping.done()
    await ended(keeping)
    assert said.getvalue().count("No such file or directory") == 1
    assert "Kept" not in said.getvalue()


@in_loop
async def test_what_can_be_written_again_is(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "events.json"
    bench = Bench(FAILED)
    waiting, said = waiting_events(bench.queue, path)
    bench.accept()
    await bench.clock.advance(1)
    keeping = asyncio.create_task(waiting.keep())
    async with asyncio.timeout(20):
        while "cannot be written" not in said.getvalue():  # noqa: ASYNC110 - a thread says so
            await asyncio.sleep(0.01)
    await ended(keeping)
    path.parent.mkdir()
    await waiting.leave()
    assert "Kept 1 asynchronous event for the next run." in said.getvalue()
    assert len(json.loads(path.read_text())["events"]) == 1
