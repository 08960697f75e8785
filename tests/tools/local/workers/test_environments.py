"""Execution environments: their folders, their bounds, their logs, and every way in which a function fails."""

from __future__ import annotations

import asyncio
import json
import re
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import alive, until

from eventfw.tools.local.workers.limits import Limits
from eventfw.tools.local.workers.log_lines import opening
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.pool import Pool
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result

APP = """
    import json, logging, os, signal, subprocess, sys, tempfile, threading, time
    from eventfw import App

    app = App("shop")
    print("imported")

    @app.function(timeout=1)
    def work(event, context):
        return eval(event) if event.startswith("(") else exec(event, globals())

    @app.function(memory=128, timeout=20)
    def small(event):
        exec(event, globals())
        return "survived"

    @app.function(log_format="JSON", application_log_level="WARN")
    def talk(event, context):
        logging.getLogger("a").info("quiet")
        logging.getLogger("a").warning("loud %d", 1, extra={"order": 7})
        print("plain")
        return context.log_stream_name
"""
MANY = "".join(f"\n    @app.function()\n    def f{number}(event): return os.getpid()\n" for number in range(500))

NAMES = {f"f{number}" for number in range(500)}


class Environments:
    """A pool in a thread of its own, for tests that are no coroutines."""

    def __init__(self, folder: Path) -> None:
        self.told: list[str] = []
        self.lines: list[tuple[str, str, str]] = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        oversight = Oversight(lambda *line: self.lines.append(line), Limits(self.told.append))
        self.pool = Pool(folder, endpoint="http://127.0.0.1:9", oversight=oversight)
        self.run(self.pool.start())
        self.loaded = len(self.pool.workers)

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    def invoke(self, event: Any, function: str = "work", request_id: str = "r-1") -> Result:
        result: Result = self.run(
            self.pool.invoke(InvocationRequest(function, json.dumps(event).encode(), request_id=request_id))
        )
        return result

    def value(self, expression: str) -> Any:
        return json.loads(self.invoke(f"({expression})").payload)

    def close(self) -> None:
        self.run(self.pool.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Environments]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "app.py").write_text(textwrap.dedent(APP + MANY))
    running = Environments(folder)
    yield running
    running.close()


def test_many_functions_have_a_process_only_once_they_are_invoked(environments: Environments) -> None:
    assert environments.loaded <= 1
    pids = {environments.invoke(None, name).payload for name in ("f3", "f77", "f499")}
    assert len(pids) == 3
    made = [worker.function for worker in environments.pool.workers if worker.function in NAMES]
    assert sorted(made) == ["f3", "f499", "f77"]


def ends(code: str, said: str) -> Any:
    return pytest.param(code, "Runtime.ExitError", f"RequestId: r-1 Error: Runtime exited with{said}", id=code[:20])


def fails(code: str, kind: str, message: str) -> Any:
    return pytest.param(code, kind, message, id=code[:20])


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ends("os._exit(7)", " error: exit status 7"),
        ends("sys.exit(3)", " error: exit status 3"),
        ends("sys.exit()", "out providing a reason"),
        ends("os.kill(os.getpid(), signal.SIGSEGV)", " error: signal: segmentation fault"),
        ends("raise KeyboardInterrupt", " error: signal: interrupt"),
        fails("bytes(1 << 60)", "MemoryError", ""),
        fails(
            "({1})", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"
        ),
        fails(
            "(held := {}).update(me=held) or held",
            "Runtime.MarshalError",
            "Unable to marshal response: Circular reference detected",
        ),
        fails(
            "('x' * 6_291_555)",
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        ),
    ],
)
def test_each_way_to_fail_gives_lambdas_error_and_harms_no_other_event(
    environments: Environments, code: str, kind: str, message: str
) -> None:
    result = environments.invoke(code)
    error = json.loads(result.payload)
    assert result.error
    assert (error["errorType"], error["errorMessage"]) == (kind, message)
    assert result.memory_used > 5  # of an ended process, too
    assert environments.value("6 * 7") == 42


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise ValueError", "[ERROR] ValueError\nTraceback (most recent call last):\n"),
        (
            "({1})",
            "[ERROR] Runtime.MarshalError: Unable to marshal response: Object of type set is not JSON serializable"
            "\nTraceback (most recent call last):\nEND ",
        ),
    ],
)
def test_an_error_stands_in_the_log_as_lambdas_runtime_writes_it(
    environments: Environments, code: str, said: str
) -> None:
    assert f"\n{said}" in environments.invoke(code).logs


def test_none_is_a_result(environments: Environments) -> None:
    result = environments.invoke("pass")
    assert (result.payload, result.error) == (b"null", False)


def test_what_a_thread_prints_late_belongs_to_no_answer(environments: Environments) -> None:
    late = "def late():\n    while not os.path.exists('go'): time.sleep(0.005)\n    print('late')\n"
    late += "threading.Thread(target=late).start()"
    assert "late" not in environments.invoke(late, request_id="r-late").logs.splitlines()
    (Path(environments.pool.place.directory) / "go").touch()
    until(lambda: ("work", "", "late") in environments.lines)
    assert "late" not in environments.invoke("pass", request_id="r-next").logs.splitlines()


def test_an_event_that_hangs_ends_at_its_timeout_and_its_late_answer_reaches_nobody(environments: Environments) -> None:
    async def together() -> list[Any]:
        events = ["(time.sleep(5) or 'late')", "(1)", "(2)"]
        running = [
            environments.pool.invoke(InvocationRequest("work", json.dumps(event).encode(), request_id="r"))
            for event in events
        ]
        return [json.loads(result.payload) for result in await asyncio.gather(*running)]

    late, *rest = environments.run(together())
    assert late == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: r Error: Task timed out after 1.00 seconds",
    }
    assert rest == [1, 2]
    assert environments.value("3") == 3


@pytest.mark.parametrize(
    "code",
    [
        "kept = b'x' * (200 << 20); time.sleep(60)",
        "len(b'x' * (200 << 20))",
        "subprocess.run([sys.executable, '-c', 'import time; x = b\"x\" * (200 << 20); time.sleep(60)'])",
    ],
    ids=["watched", "soon given back", "in a child"],
)
def test_more_memory_than_the_function_has_ends_the_environment(environments: Environments, code: str) -> None:
    environments.told.clear()
    result = environments.invoke(code, "small")
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": "RequestId: r-1 Error: Runtime exited with error: signal: killed",
    }
    assert "Max Memory Used: 128 MB\t" in result.logs
    assert "\tStatus: error\tError Type: Runtime.OutOfMemory\t" in result.logs
    assert "over its 128 MB" in environments.told[0]
    assert "@app.function(memory=" in environments.told[0]
    assert json.loads(environments.invoke("pass", "small").payload) == "survived"


def test_address_space_is_not_memory(environments: Environments) -> None:
    assert json.loads(environments.invoke("import mmap; mmap.mmap(-1, 4 << 30)", "small").payload) == "survived"


def test_each_environment_has_a_temporary_folder_that_goes_with_it(environments: Environments) -> None:
    assert environments.value("open(tempfile.gettempdir() + '/note', 'w').close()") is None
    folder = environments.value("tempfile.gettempdir()")
    assert environments.value("os.listdir(tempfile.gettempdir())") == ["note"]
    assert environments.value("os.environ['TMPDIR']") == folder
    pid = environments.value("os.getpid()")
    environments.invoke("os._exit(1)")
    until(lambda: not alive(pid) and not Path(folder).exists())
    assert environments.value("tempfile.gettempdir()") != folder
    assert environments.value("os.listdir(tempfile.gettempdir())") == []


def test_a_file_over_the_storage_cannot_be_written(environments: Environments) -> None:
    error = json.loads(environments.invoke("tempfile.TemporaryFile().truncate(513 << 20)").payload)
    assert error["errorType"] == "OSError"
    assert "File too large" in error["errorMessage"]


def test_files_over_the_storage_end_the_environment(environments: Environments) -> None:
    environments.told.clear()
    fill = "files = [tempfile.NamedTemporaryFile() for _ in 'ab']\n"
    fill += "for file in files: os.posix_fallocate(file.fileno(), 0, 300 << 20)\ntime.sleep(60)"
    result = environments.invoke(fill, "small")
    error = json.loads(result.payload)
    assert error["errorType"] == "Runtime.ExitError"
    assert error["errorMessage"].endswith("MB of temporary files, over ephemeral_storage=512")
    assert "@app.function(ephemeral_storage=" in environments.told[0]


@pytest.mark.parametrize("stop", ["breakpoint()", "import pdb; pdb.set_trace()"])
def test_a_breakpoint_that_nobody_sits_at_is_passed_over_with_a_sentence(environments: Environments, stop: str) -> None:
    result = environments.invoke(f"{stop}\nprint('on')")
    assert not result.error
    assert "The breakpoint is passed over: nobody is asked here.\non\n" in result.logs


def test_standard_input_is_empty(environments: Environments) -> None:
    assert json.loads(environments.invoke("input()").payload)["errorType"] == "EOFError"
    assert environments.value("sys.stdin.read()") == ""


def test_logs_tell_what_became_of_an_invocation(environments: Environments) -> None:
    result = environments.invoke("print('here'); 1 / 0")
    lines = result.logs.splitlines()
    assert lines[:3] == ["START RequestId: r-1 Version: $LATEST", "here", "[ERROR] ZeroDivisionError: division by zero"]
    assert lines[-2:][0] == "END RequestId: r-1"
    assert result.memory_used > 5
    assert f"\tMax Memory Used: {result.memory_used} MB\t" in lines[-1]
    assert result.journal is not None
    assert len(result.journal.lines or ()) == 2  # the traceback is one event of the log


def test_json_logs_are_objects_and_filtered_by_level(environments: Environments) -> None:
    result = environments.invoke({}, "talk")
    first, warning, last = map(json.loads, result.logs.splitlines())
    assert (first["type"], last["type"]) == ("platform.start", "platform.report")
    assert warning["message"] == "loud 1"
    assert (warning["level"], warning["order"], warning["requestId"]) == ("WARNING", 7, "r-1")
    assert result.journal is not None
    assert json.loads(result.payload) == result.journal.stream.name
    assert [text for _, text in result.journal.before] == ["imported"]
    assert result.init_ms > 0
    assert environments.invoke({}, "talk").init_ms == 0


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("import nowhere", "Runtime.ImportModuleError", "[ERROR] Runtime.ImportModuleError: Unable to import module"),
        ("os._exit(4)", "Runtime.ExitError", "RequestId: r-1 Error: Runtime exited with error: exit status 4"),
    ],
)
def test_an_environment_that_does_not_start_has_a_log(tmp_path: Path, code: str, kind: str, said: str) -> None:
    head = "import os\nfrom eventfw import App\napp = App('shop')\nprint('begins')\n"
    guard = f"if os.environ.get('AWS_LAMBDA_FUNCTION_NAME') == 'work':\n    {code}\n"
    (tmp_path / "app.py").write_text(f"{head}{guard}@app.function()\ndef work(event): ...\n")
    running = Environments(tmp_path)
    try:
        result = running.invoke(None)
    finally:
        running.close()
    assert (result.error, result.error_type) == (True, kind)
    lines = result.logs.splitlines()
    assert lines[:2] == ["START RequestId: r-1 Version: $LATEST", "begins"]
    assert lines[2].startswith(said)
    assert lines[-1].endswith(f"\tStatus: error\tError Type: {kind}\t")
    assert result.journal is not None
    began, told = (text for _, text in opening(result.journal)[:2])
    assert began.startswith("INIT_START ")
    assert re.fullmatch(rf"INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: {kind}", told)
    assert (result.init_ms, result.journal.duration_ms > 0) == (0, True)
