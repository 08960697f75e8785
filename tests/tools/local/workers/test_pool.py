"""Functions run in worker processes: what they see, what Lambda would answer, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from live import alive

from eventfw.errors import LocalError
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.pool import BrokenApp, Pool, Result
from eventfw.tools.local.workers.request import InvocationRequest

pytestmark = pytest.mark.spread

HEAD = """
    import os, sys, time
    from eventfw import App

    app = App("shop")
"""
DOOR = "http://127.0.0.1:9"

Test = Callable[[Pool], Awaitable[None]]


def write(folder: Path, body: str, name: str = "app.py", head: str = HEAD) -> None:
    (folder / name).write_text(textwrap.dedent(head) + textwrap.dedent(body))


@contextlib.asynccontextmanager
async def running(folder: Path, **options: Any) -> AsyncIterator[Pool]:
    pool = Pool(folder, endpoint=DOOR, **options)
    try:
        await pool.start()
        yield pool
    finally:
        await pool.stop()


def run(folder: Path, test: Test, **options: Any) -> None:
    async def main() -> None:
        async with running(folder, **options) as pool:
            await test(pool)

    asyncio.run(asyncio.wait_for(main(), 60))


async def call(pool: Pool, function: str, event: Any = None, **options: Any) -> Any:
    """The function's result, parsed; of a failed one, the error document."""
    result = await pool.invoke(InvocationRequest(function, json.dumps(event).encode(), **options))
    return json.loads(result.payload)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - other processes bring it about
            await asyncio.sleep(0.01)


FAILURES = """
    @app.function(timeout=1)
    def work(event, context):
        exec(event)
        return os.getpid()
"""


def failing(folder: Path, code: str, **options: Any) -> tuple[Result, int, int]:
    """What an invocation comes to that runs ``code``, and the worker's process before and after it."""
    write(folder, FAILURES)
    found: list[Any] = []

    async def test(pool: Pool) -> None:
        found.append(await call(pool, "work", "pass"))
        found.append(await pool.invoke(InvocationRequest("work", json.dumps(code).encode(), request_id="r-1")))
        found.append(await call(pool, "work", "pass"))

    run(folder, test, **options)
    return found[1], found[0], found[2]


@pytest.mark.parametrize("spawn", [False, True])
def test_an_exception_gives_type_message_and_the_users_frames(tmp_path: Path, spawn: bool) -> None:
    result, before, after = failing(tmp_path, "raise KeyError('ü')", spawn=spawn)
    error = json.loads(result.payload)
    assert (error["errorType"], error["errorMessage"], error["requestId"]) == ("KeyError", "'ü'", "r-1")
    assert error["stackTrace"][0].startswith(f'  File "{tmp_path}/app.py", line ')
    assert "\n[ERROR] KeyError: 'ü'\nTraceback (most recent call last):\n" in result.logs
    assert before == after


def returning(folder: Path, expression: str) -> Result:
    write(folder, f"@app.function()\ndef give(event):\n    return {expression}\n", head=textwrap.dedent(HEAD))
    found: list[Result] = []

    async def test(pool: Pool) -> None:
        found.append(await pool.invoke(InvocationRequest("give", b"null")))

    run(folder, test)
    return found[0]


def test_a_result_at_the_limit_arrives_whole(tmp_path: Path) -> None:
    result = returning(tmp_path, "'x' * 6_291_554")
    assert not result.error
    assert len(result.payload) == 6_291_556


def test_the_function_sees_its_own_environment_and_no_account(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        @app.function(environment={"MODE": "x"}, memory=512)
        def seen(event):
            return dict(os.environ)
        """,
    )

    async def test(pool: Pool) -> None:
        seen = await call(pool, "seen")
        assert seen["MODE"] == "x"
        assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "seen"
        assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
        assert seen["AWS_ENDPOINT_URL"] == DOOR
        assert seen["AWS_CONFIG_FILE"] == seen["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
        assert "AWS_PROFILE" not in seen
        assert "SECRET" not in " ".join(seen.values())

    account = {"AWS_PROFILE": "prod", "AWS_ACCESS_KEY_ID": "SECRET", "AWS_ENDPOINT_URL_S3": "SECRET", "TOKEN": "SECRET"}
    run(tmp_path, test, environ={**os.environ, **account})


def test_boto3_in_a_handler_reaches_the_door_with_nobodys_credentials(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        import boto3

        @app.function()
        def where(event):
            client = boto3.client("s3")
            return [client.meta.endpoint_url, boto3.Session().get_credentials().access_key]
        """,
    )

    async def test(pool: Pool) -> None:
        assert await call(pool, "where") == [DOOR, "test"]

    run(tmp_path, test)


def test_the_context_is_complete(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        @app.function(timeout=7)
        def seen(event, context):
            left = context.get_remaining_time_in_millis()
            assert 6_000 < left <= 7_000, left
            return [context.function_name, context.function_version, context.invoked_function_arn,
                    context.memory_limit_in_mb, context.aws_request_id, context.log_group_name,
                    context.client_context.custom["a"], context.identity.cognito_identity_id]
        """,
    )

    async def test(pool: Pool) -> None:
        assert await call(pool, "seen", request_id="r", client_context={"custom": {"a": 1}}) == [
            "seen",
            "$LATEST",
            "arn:aws:lambda:us-east-1:000000000000:function:seen",
            "256",
            "r",
            "/aws/lambda/seen",
            1,
            None,
        ]

    run(tmp_path, test)


def test_output_belongs_to_its_invocation_and_is_told_line_by_line(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        import logging
        print("importing")

        @app.function()
        def talk(event):
            print("one")
            os.write(2, b"two\\nthree")
            logging.warning("four")
            time.sleep(0)
        """,
    )
    lines: list[tuple[str, str, str]] = []

    async def test(pool: Pool) -> None:
        result = await pool.invoke(InvocationRequest("talk", b"1", request_id="r"))
        again = await pool.invoke(InvocationRequest("talk", b"1", request_id="s"))
        assert result.logs.startswith("START RequestId: r Version: $LATEST\none\ntwo\nthree[WARNING]\t")
        assert "Z\tr\tfour\nEND RequestId: r\nREPORT RequestId: r\tDuration: " in result.logs
        assert again.logs.startswith("START RequestId: s Version: $LATEST\none\n")

    run(tmp_path, test, oversight=Oversight(lambda *line: lines.append(line)))
    assert ("talk", "", "importing") in lines
    assert ("talk", "r", "one") in lines
    assert ("talk", "s", "two") in lines


def test_workers_are_reused_and_concurrent_events_get_one_each_up_to_the_limit(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        @app.function()
        def work(event):
            time.sleep(event)
            return os.getpid()
        """,
    )

    async def test(pool: Pool) -> None:
        first = await call(pool, "work", 0)
        assert await call(pool, "work", 0) == first
        pids = await asyncio.gather(*(call(pool, "work", 0.1) for _ in range(9)))
        assert len(set(pids)) == 3
        assert first in pids

    run(tmp_path, test, limit=3)


def test_all_functions_together_stay_within_the_total(tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(6)]
    write(tmp_path, "".join(f"\n@app.function()\ndef {name}(event): return os.getpid()\n" for name in names))

    async def test(pool: Pool) -> None:
        pids = [await call(pool, name) for name in names]
        await until(lambda: sum(alive(pid) for pid in pids) <= 2)
        assert len(await asyncio.gather(*(call(pool, name) for name in names))) == 6

    run(tmp_path, test, total=2)


def test_a_late_answer_never_reaches_another_caller(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        @app.function()
        def echo(event):
            time.sleep(event["sleep"])
            return event["name"]
        """,
    )

    async def test(pool: Pool) -> None:
        await call(pool, "echo", {"sleep": 0, "name": "warm"})
        left = asyncio.ensure_future(call(pool, "echo", {"sleep": 0.3, "name": "left"}))
        await asyncio.sleep(0.1)
        left.cancel()
        answers = await asyncio.gather(*(call(pool, "echo", {"sleep": 0, "name": str(at)}) for at in range(20)))
        assert answers == [str(at) for at in range(20)]

    run(tmp_path, test, limit=1)


def test_who_leaves_the_queue_takes_no_worker_along(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        @app.function()
        def work(event):
            time.sleep(event)
            return os.getpid()
        """,
    )

    async def test(pool: Pool) -> None:
        tasks = [asyncio.ensure_future(call(pool, "work", 0.05)) for _ in range(6)]
        await asyncio.sleep(0.15)
        for task in tasks[2:]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await call(pool, "work", 0)

    run(tmp_path, test, limit=1)


def test_idle_workers_end(tmp_path: Path) -> None:
    write(tmp_path, "\n@app.function()\ndef work(event): return os.getpid()\n")

    async def test(pool: Pool) -> None:
        pid = await call(pool, "work")
        await until(lambda: not alive(pid))
        assert await call(pool, "work") != pid

    run(tmp_path, test, idle_seconds=0.2)


def test_an_unknown_function_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    write(tmp_path, "\n@app.function()\ndef work(event): return 1\n")

    async def test(pool: Pool) -> None:
        with pytest.raises(LocalError, match=r"no function 'wrok'. It has: work"):
            await pool.invoke(InvocationRequest("wrok", b"{}"))

    run(tmp_path, test)


VERSION = """
    @app.function()
    def version(event):
        time.sleep(event)
        return {number}
"""


def test_a_save_is_answered_by_the_new_code_while_events_in_flight_keep_theirs(tmp_path: Path) -> None:
    write(tmp_path, VERSION.format(number=1))

    async def test(pool: Pool) -> None:
        assert await call(pool, "version", 0) == 1
        flight = asyncio.ensure_future(call(pool, "version", 0.5))
        waiting = asyncio.ensure_future(call(pool, "version", 0))
        await asyncio.sleep(0.1)
        write(tmp_path, VERSION.format(number=2))  # as long as before, and within the same second
        await pool.reload()
        assert await call(pool, "version", 0) == 2
        assert await flight == 1
        assert await waiting == 2
        assert pool.generation == 2

    run(tmp_path, test, limit=1)


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("def broken(:\n", 6, "SyntaxError: invalid syntax"),
        ("import nowhere_to_be_found\n", 6, "No module named 'nowhere_to_be_found'"),
        ("app.function(memory=1)\n", 6, "memory must be 128 to 10240"),
        ("sys.exit(4)\n", 6, "SystemExit"),
        ("os._exit(4)\n", 0, "exit status 4"),
    ],
)
def test_a_broken_save_keeps_the_last_good_app(tmp_path: Path, code: str, line: int, message: str) -> None:
    write(tmp_path, VERSION.format(number=1))

    async def test(pool: Pool) -> None:
        write(tmp_path, code)
        with pytest.raises(BrokenApp, match=message) as caught:
            await pool.reload()
        assert caught.value.line == line
        assert await call(pool, "version", 0) == 1
        write(tmp_path, VERSION.format(number=2))
        await pool.reload()
        assert await call(pool, "version", 0) == 2

    run(tmp_path, test)


def test_an_app_that_is_broken_from_the_start_can_be_mended(tmp_path: Path) -> None:
    write(tmp_path, "1 / 0\n")

    async def main() -> None:
        pool = Pool(tmp_path, endpoint=DOOR)
        try:
            with pytest.raises(BrokenApp, match="ZeroDivisionError") as caught:
                await pool.start()
            assert "1 / 0" in caught.value.traceback
            with pytest.raises(LocalError, match="could not be loaded yet"):
                await pool.invoke(InvocationRequest("version", b"0"))
            write(tmp_path, VERSION.format(number=1))
            await pool.reload()
            assert await call(pool, "version", 0) == 1
        finally:
            await pool.stop()

    asyncio.run(main())


def test_the_description_names_functions_and_the_projects_own_files(tmp_path: Path) -> None:
    write(tmp_path, "VALUE = 3\n", name="helper.py", head="")
    write(tmp_path, "import helper\n\n@app.http('/')\ndef root(): return helper.VALUE\n", head=textwrap.dedent(HEAD))

    async def test(pool: Pool) -> None:
        assert list(pool.description["functions"]) == ["api"]
        assert list(pool.files) == [str(tmp_path / "app.py"), str(tmp_path / "helper.py")]
        assert await pool.describe() == pool.description

    run(tmp_path, test)


def test_the_describing_worker_is_the_first_of_api(tmp_path: Path) -> None:
    write(
        tmp_path,
        """
        with open("imports.txt", "a") as file:
            print("x", file=file)

        @app.http("/")
        def root(): ...

        @app.function("api")
        @app.http("/pid")
        def pid(): ...
        """,
    )

    async def test(pool: Pool) -> None:
        event = {"version": "2.0", "rawPath": "/pid", "routeKey": "GET /pid", "requestContext": {"http": {}}}
        await call(pool, "api", event)
        assert (tmp_path / "imports.txt").read_text() == "x\n"

    run(tmp_path, test)


def test_third_party_modules_are_learned_and_the_users_own_are_not(tmp_path: Path) -> None:
    write(tmp_path, "X = 1\n", name="helper.py", head="")
    write(tmp_path, "import helper, jinja2\n\n@app.function()\ndef work(event): return 1\n", head=textwrap.dedent(HEAD))

    async def test(pool: Pool) -> None:
        data = json.loads((tmp_path / ".eventfw" / "preload.json").read_text())
        assert "jinja2.environment" in data["modules"]
        assert not {"helper", "app", "eventfw"} & set(data["modules"])
        await until(lambda: pool._nurseries.current is not None and "jinja2" in pool._nurseries.current.modules)
        assert await call(pool, "work") == 1

    run(tmp_path, test)


def test_what_the_app_imports_no_longer_is_forgotten_with_what_it_brought(tmp_path: Path) -> None:
    rest = "\n@app.function()\ndef work(event): return sorted({'jinja2', 'markupsafe', 'yarl'} & set(sys.modules))\n"
    write(tmp_path, "import yarl\nfrom jinja2 import Template\n" + rest, head=textwrap.dedent(HEAD))

    async def test(pool: Pool) -> None:
        def imported() -> set[str]:
            return set(pool._nurseries.current.modules) if pool._nurseries.current is not None else set()

        await until(lambda: {"jinja2", "yarl"} <= imported())
        write(tmp_path, "import yarl\n" + rest, head=textwrap.dedent(HEAD))
        await pool.reload()
        await until(lambda: "yarl" in imported() and not {"jinja2", "markupsafe"} & imported())
        await pool.reload()
        assert await call(pool, "work") == ["yarl"]
        assert "jinja2" not in (tmp_path / ".eventfw" / "preload.json").read_text()

    run(tmp_path, test)


def test_a_module_that_starts_threads_is_left_to_the_workers(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    (site / "threaded").mkdir(parents=True)
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
    (site / "threaded" / "__init__.py").write_text(source)
    project = tmp_path / "project"
    project.mkdir()
    write(project, "import threaded\n\n@app.function()\ndef work(event): return 1\n", head=textwrap.dedent(HEAD))

    async def test(pool: Pool) -> None:
        def forks_without() -> bool:
            nursery = pool._nurseries.current
            return nursery is not None and nursery.forks and bool(nursery.modules) and "threaded" not in nursery.modules

        await until(forks_without)
        assert await call(pool, "work") == 1

    run(project, test, environ={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{site}"})


def test_a_changed_library_is_imported_again(tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    site.mkdir()
    library = site / "library.py"
    library.write_text("VALUE = 1\n")
    project = tmp_path / "project"
    project.mkdir()
    write(
        project,
        "import library\n\n@app.function()\ndef work(event): return library.VALUE\n",
        head=textwrap.dedent(HEAD),
    )

    async def test(pool: Pool) -> None:
        await until(lambda: pool._nurseries.current is not None and "library" in pool._nurseries.current.modules)
        await pool.reload()
        assert await call(pool, "work") == 1
        library.write_text("VALUE = 22\n")
        await pool.reload()
        assert await call(pool, "work") == 22

    run(project, test, environ={**os.environ, "PYTHONPATH": f"{Path.cwd()}{os.pathsep}{site}"})


def test_a_dead_zygote_is_replaced_by_one_however_many_need_it(tmp_path: Path) -> None:
    one = "\n@app.function()\ndef {}(event): return os.getppid()\n"
    write(tmp_path, one.format("work") + one.format("more"))

    async def test(pool: Pool) -> None:
        zygote = await call(pool, "work")
        os.kill(zygote, signal.SIGKILL)
        await until(lambda: pool._nurseries.current is not None and not pool._nurseries.current.alive)
        work, more = await asyncio.gather(call(pool, "work"), call(pool, "more"))
        assert work == more != zygote

    run(tmp_path, test)


def test_an_earlier_zygote_ends_with_its_last_worker(tmp_path: Path) -> None:
    write(
        tmp_path, "import jinja2\n\n@app.function()\ndef work(event): return os.getppid()\n", head=textwrap.dedent(HEAD)
    )

    async def test(pool: Pool) -> None:
        earlier = await call(pool, "work")
        await until(lambda: pool._nurseries.current is not None and "jinja2" in pool._nurseries.current.modules)
        assert alive(earlier)
        await pool.reload()
        await until(lambda: not alive(earlier))
        assert await call(pool, "work") != earlier

    run(tmp_path, test)


SPINNING = """
    @app.function()
    def spin(event):
        child = os.fork()
        if child == 0:
            time.sleep(600)
        with open("pids.draft", "w") as file:
            print(os.getppid(), os.getpid(), child, file=file)
        os.rename("pids.draft", "pids.txt")
        while True: pass
"""


def test_nothing_is_left_after_stop(tmp_path: Path) -> None:
    write(tmp_path, SPINNING)

    async def main() -> None:
        pool = Pool(tmp_path, endpoint=DOOR)
        await pool.start()
        invocation = asyncio.ensure_future(pool.invoke(InvocationRequest("spin", b"1")))
        await until((tmp_path / "pids.txt").exists)
        await pool.stop()
        assert (await invocation).error_type == "Runtime.ExitError"
        pids = [int(pid) for pid in (tmp_path / "pids.txt").read_text().split()]
        await until(lambda: not any(alive(pid) for pid in pids))

    asyncio.run(main())


def test_nothing_is_left_after_the_server_is_killed(tmp_path: Path) -> None:
    write(tmp_path, SPINNING)
    program = f"""
import asyncio
from eventfw.tools.local.workers.pool import Pool
from eventfw.tools.local.workers.request import InvocationRequest
async def main():
    pool = Pool({str(tmp_path)!r}, endpoint={DOOR!r})
    await pool.start()
    await pool.invoke(InvocationRequest("spin", b"1"))
asyncio.run(main())
"""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    server = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(temporary)})

    async def main() -> None:
        await until((tmp_path / "pids.txt").exists)
        server.kill()
        server.wait()
        pids = [int(pid) for pid in (tmp_path / "pids.txt").read_text().split()]
        await until(lambda: not any(alive(pid) for pid in pids))
        await until(lambda: not list(temporary.iterdir()))

    asyncio.run(main())
