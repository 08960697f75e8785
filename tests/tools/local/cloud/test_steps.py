"""Tasks of state machines on their way through the local server: run, and told of by their token."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.resources.state_tasks import MARK
from eventfw.tools.local.clock import RealClock
from eventfw.tools.local.cloud.control import Control
from eventfw.tools.local.cloud.steps import Step, StepFunctions
from eventfw.tools.local.workers.results import Result

Serve = Callable[[Any], int]
WHOLE = {MARK: {"whole": True, "token": "t1", "input": {"key": "cat"}}}


@pytest.mark.parametrize(
    "event",
    [
        b"{}",
        b"[1]",
        b"eventfw.step",
        json.dumps({MARK: 5}).encode(),
        json.dumps({MARK: {"input": 5}}).encode(),
        json.dumps({**WHOLE, "more": 1}).encode(),
    ],
)
def test_other_events_tell_of_no_task(event: bytes) -> None:
    assert Step.within(event) is None


def test_a_task_has_its_token_and_the_functions_event() -> None:
    step = Step.within(json.dumps(WHOLE).encode())
    assert step == Step("t1", b'{"key": "cat"}', True)


def test_a_result_is_the_tasks_or_within_that_of_invoke() -> None:
    done = Result(b'{"width": 640}')
    assert Step("t1", b"", True).report(done) == ("SendTaskSuccess", {"taskToken": "t1", "output": '{"width": 640}'})
    _, sent = Step("t1", b"", False).report(done)
    assert json.loads(sent["output"]) == {"ExecutedVersion": "$LATEST", "Payload": {"width": 640}, "StatusCode": 200}


def test_an_error_is_told_by_its_name() -> None:
    payload = b'{"errorType": "NoPicture", "errorMessage": "none"}'
    action, sent = Step("t1", b"", True).report(Result(payload, error=True))
    assert (action, sent["error"], json.loads(sent["cause"])["errorMessage"]) == (
        "SendTaskFailure",
        "NoPicture",
        "none",
    )


def test_what_a_runtime_of_ones_own_answers_is_told_too() -> None:
    step = Step("t1", b"", True)
    for payload in (b"out of luck", b"[1]", b"{}", b'{"errorType": null}'):
        action, sent = step.report(Result(payload, error=True))
        assert (action, sent["error"], sent["cause"]) == ("SendTaskFailure", "Lambda.Unknown", payload.decode())
    assert step.report(Result(b"<html>"))[1]["output"] == '"<html>"'
    assert step.report(Result(b""))[1]["output"] == "null"
    _, sent = Step("t1", b"", False).report(Result(b"<html>"))
    assert json.loads(sent["output"])["Payload"] == "<html>"


class Told(StepFunctions):
    """Keeps what it is told."""

    def __init__(self) -> None:
        super().__init__(lambda: None)
        self.calls: list[tuple[str, dict[str, str]]] = []

    async def tell(self, action: str, sent: dict[str, str]) -> None:
        self.calls.append((action, sent))


@pytest.mark.parametrize("broken", [False, True])
def test_a_push_of_a_task_is_run_and_told(serve: Serve, broken: bool) -> None:
    ran: list[tuple[str, bytes, str]] = []

    class Service:
        async def invoke(self, function: str, event: bytes, *, source: str) -> Result:
            ran.append((function, event, source))
            if broken:
                raise LocalError("It cannot be imported.")
            return Result(b"5")

    told = Told()
    control = Control(Service(), "secret", RealClock(), told)  # type: ignore[arg-type]
    connection = http.client.HTTPConnection("127.0.0.1", serve(control), timeout=30)
    connection.request("POST", control.push_url("") + "/measure", json.dumps(WHOLE).encode())
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b"null")
    connection.close()
    assert ran == [("measure", b'{"key": "cat"}', "step")]
    [(action, sent)] = told.calls
    assert action == ("SendTaskFailure" if broken else "SendTaskSuccess")
    assert sent.get("error") == ("Eventfw.Refused" if broken else None)
