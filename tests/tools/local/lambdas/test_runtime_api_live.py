"""AWS's own runtime client, and one of a few lines, in the place of the workers of a real ``eventfw local``."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from live import PATIENCE, Live, command, environment, eventfw, write

from eventfw.tools.local.state import read_state

APP = """
    import sys, time
    from eventfw import App

    app = App("demo")

    @app.http("/hello/{name}")
    def hello(name):
        return {"hello": name}

    @app.function(timeout=1, environment={"COLOUR": "red"})
    def work(event, context):
        if event == "fail":
            raise KeyError("order 7")
        if event == "exit":
            sys.exit(3)
        if event == "sleep":
            time.sleep(1.2)
        return [event, context.aws_request_id, context.client_context and context.client_context.custom]
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("runtimes")
    write(folder / "app.py", APP)
    server = Live(folder, "--no-cloud", "--runtime-api")
    yield server
    assert server.stop() == 0


@contextmanager
def attached(live: Live, function: str, *program: str) -> Iterator[None]:
    """A runtime by ``eventfw attach``, for as long as the test lasts."""
    process = subprocess.Popen(
        command("attach", function, *program), cwd=live.folder, env=environment(AWS_PROFILE="real"), stderr=-3
    )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 143


def invoke(live: Live, function: str, event: Any, **how: Any) -> tuple[Any, dict[str, Any]]:
    door = read_state(live.folder).control
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("lambda", endpoint_url=door, region_name="us-east-1", **keys)  # type: ignore[call-overload]
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event).encode(), **how)
    return json.loads(answer["Payload"].read()), answer


def test_awslambdaric_answers_fails_runs_late_and_ends_as_on_lambda(live: Live) -> None:
    with attached(live, "work"):
        context = b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
        result, answer = invoke(live, "work", {"a": "ü"}, ClientContext=context)
        assert result == [{"a": "ü"}, answer["ResponseMetadata"]["RequestId"], {"k": "v"}]
        assert "FunctionError" not in answer
        error, answer = invoke(live, "work", "fail")
        assert answer["FunctionError"] == "Unhandled"
        assert (error["errorType"], error["errorMessage"]) == ("KeyError", "'order 7'")
        assert f'File "{live.folder}/app.py"' in "".join(error["stackTrace"])
        error, _ = invoke(live, "work", "sleep")
        assert error["errorType"] == "Sandbox.Timedout"
        assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
        again, _ = invoke(live, "work", "again")  # by another runtime: the late answer ended the first
        assert again[0] == "again"
        error, _ = invoke(live, "work", "exit")
        assert error["errorType"] == "Runtime.ExitError"


def test_requests_reach_a_runtime_through_the_gateway_and_a_save_keeps_it(live: Live) -> None:
    with attached(live, "api"):
        assert live.get("/hello/ann") == {"hello": "ann"}
        address, said = read_state(live.folder).runtimes["api"]["AWS_LAMBDA_RUNTIME_API"], len(live.lines)
        write(live.folder / "app.py", APP + "\n\n    @app.function()\n    def added(event):\n        pass\n")
        live.says("Reloaded", after=said)
        state = read_state(live.folder)
        assert state.runtimes["api"]["AWS_LAMBDA_RUNTIME_API"] == address and "added" in state.runtimes
        assert live.get("/hello/bob") == {"hello": "bob"}


def test_a_runtime_of_a_few_lines_streams_its_answer(live: Live) -> None:
    variables = read_state(live.folder).runtimes["work"]
    assert variables == live.addresses["runtimes"]["work"]
    runtime = http.client.HTTPConnection(variables["AWS_LAMBDA_RUNTIME_API"], timeout=PATIENCE)

    def serve() -> None:
        runtime.request("GET", "/2018-06-01/runtime/invocation/next")
        event = runtime.getresponse()
        event.read()
        path = f"/2018-06-01/runtime/invocation/{event.headers['Lambda-Runtime-Aws-Request-Id']}/response"
        mode = {"Lambda-Runtime-Function-Response-Mode": "streaming"}
        runtime.request("POST", path, iter([b'{"st', b'ream": ', b"true}"]), mode, encode_chunked=True)
        assert runtime.getresponse().status == 202
        runtime.close()

    thread = threading.Thread(target=serve)
    thread.start()
    assert invoke(live, "work", {})[0] == {"stream": True}
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_attach_runs_a_command_with_the_functions_variables(live: Live) -> None:
    shown = eventfw(live.folder, "attach", "work", "env", AWS_PROFILE="real")
    variables = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
    assert variables["COLOUR"] == "red" and variables["AWS_LAMBDA_FUNCTION_NAME"] == "work"
    assert variables["AWS_LAMBDA_RUNTIME_API"] and "AWS_PROFILE" not in variables


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wrok"], "no Runtime API for 'wrok'. It serves: api, work"),
        (["work", "no-such-program"], "'no-such-program' cannot be run: No such file or directory"),
    ],
)
def test_attach_says_what_it_cannot_run(live: Live, arguments: list[str], said: str) -> None:
    failed = eventfw(live.folder, "attach", *arguments)
    assert failed.returncode == 1 and said in failed.stderr and "Traceback" not in failed.stderr


def test_a_function_that_the_app_has_not_ends_the_start(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    failed = eventfw(tmp_path, "local", "--port", "0", "--no-cloud", "--runtime-api", "wrok")
    assert failed.returncode == 1
    assert "no function 'wrok', named by --runtime-api. It has: api, work." in failed.stderr
