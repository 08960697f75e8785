"""Tasks of state machines: input in, result out; and tasks that wait for a token are always told how they went."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from templates import allowed, deployed

from eventfw import App, StepTask
from eventfw.errors import RegistrationError
from eventfw.sources.step import DATA_MAX, ResultTooLarge
from eventfw.testing import Client


class NoPicture(Exception):
    pass


@dataclass
class Photo:
    key: str


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """What Step Functions is told."""
    calls: list[tuple[str, dict[str, Any]]] = []

    class Stepfunctions:
        def __getattr__(self, name: str) -> Any:
            return lambda **given: calls.append((name, given))

    monkeypatch.setitem(sys.modules, "boto3", SimpleNamespace(client=lambda service: Stepfunctions()))
    return calls


def test_the_handler_receives_the_input_and_its_result_is_the_tasks() -> None:
    app = App("demo")

    @app.step()
    def measure(photo: Any) -> Any:
        return {**photo, "width": 640}

    assert Client(app).send(measure, input={"key": "cat"}) == {"key": "cat", "width": 640}


def test_models_go_in_and_out() -> None:
    app = App("demo")

    @app.step()
    def measure(photo: Photo) -> Photo:
        return Photo(photo.key.upper())

    assert Client(app).send(measure, input={"key": "cat"}) == {"key": "CAT"}


def test_what_is_raised_is_lambdas_to_tell() -> None:
    app = App("demo")

    @app.step()
    def measure(photo: Any) -> None:
        raise NoPicture("none")

    with pytest.raises(NoPicture):
        Client(app).send(measure)


def test_a_result_that_a_state_cannot_hold_is_refused() -> None:
    app = App("demo")

    @app.step()
    def measure(photo: Any) -> Any:
        return {"data": "ü" * photo["letters"]}

    client, room = Client(app), (DATA_MAX - len('{"data":""}')) // 2
    assert client.send(measure, input={"letters": room})
    with pytest.raises(ResultTooLarge, match="Keep it in S3"):
        client.send(measure, input={"letters": room + 1})


def waiting(app: App, body: Any) -> Any:
    @app.step(wait_for_task_token=True)
    def approve(task: StepTask) -> Any:
        return body(task)

    return approve


def test_a_task_that_waits_is_told_what_the_handler_says(told: list[Any]) -> None:
    app = App("demo")
    approve = waiting(app, lambda task: task.succeed({"by": task.input["by"]}))
    assert Client(app).send(approve, input={"by": "ann"}, token="t1") is None
    assert told == [("send_task_success", {"taskToken": "t1", "output": '{"by":"ann"}'})]


def test_what_a_handler_returns_that_has_a_token_does_not_count(told: list[Any]) -> None:
    app = App("demo")
    approve = waiting(app, lambda task: "later")
    assert Client(app).send(approve) is None
    assert told == []


def test_a_task_that_waits_has_failed_when_the_handler_raises(told: list[Any]) -> None:
    app = App("demo")

    def refuse(task: StepTask) -> None:
        raise NoPicture("none")

    approve = waiting(app, refuse)
    assert Client(app).send(approve, token="t1") is None
    [(name, given)] = told
    assert (name, given["taskToken"], given["error"]) == ("send_task_failure", "t1", "NoPicture")
    assert json.loads(given["cause"]) == {"errorMessage": "none", "errorType": "NoPicture"}


def test_a_task_is_told_of_once(told: list[Any]) -> None:
    app = App("demo")

    def twice(task: StepTask) -> None:
        task.fail("TooLarge", "by far")
        task.succeed()

    approve = waiting(app, twice)
    Client(app).send(approve)
    assert [name for name, _ in told] == ["send_task_failure"]
    assert told[0][1]["error"] == "TooLarge"


def test_without_a_token_the_error_is_lambdas_to_tell(told: list[Any]) -> None:
    app = App("demo")
    waiting(app, lambda task: task.token)
    with pytest.raises(KeyError, match=r"token\.\$.*Task\.Token"):
        Client(app).invoke("approve", {})
    assert told == []


def test_a_token_that_was_kept_ends_its_task(told: list[Any]) -> None:
    task = StepTask.waiting("t2")
    task.heartbeat()
    task.succeed()
    assert told == [
        ("send_task_heartbeat", {"taskToken": "t2"}),
        ("send_task_success", {"taskToken": "t2", "output": "null"}),
    ]


def test_the_input_is_without_the_token() -> None:
    app = App("demo")

    @app.step(wait_for_task_token=True, token_key="task")
    def approve(photo: Photo, task: StepTask) -> None:
        seen.append((photo, task.input, task.token))

    seen: list[Any] = []
    Client(app).send(approve, input={"key": "cat"}, token="t3")
    assert seen == [(Photo("cat"), {"key": "cat"}, "t3")]


def test_only_what_waits_may_report_tasks() -> None:
    app = App("demo")
    waiting(app, lambda task: None)

    @app.step()
    def measure(photo: Any) -> None: ...

    template = deployed(app)
    actions = ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"]
    assert allowed(template, "ApproveRole") == [(actions, ["*"])]
    assert allowed(template, "MeasureRole") == []


def test_a_handler_for_two_sources_without_a_mark_is_refused() -> None:
    app = App("demo")

    @app.step()
    @app.iot_rule("SELECT * FROM 'doors'")
    def both(event: Any) -> None: ...

    with pytest.raises(RegistrationError, match="nothing in the events tells them apart"):
        deployed(app)


@pytest.mark.parametrize("options", [{"wait_for_task_token": 1}, {"token_key": ""}, {"token_key": 5}])
def test_options_that_cannot_work_are_refused(options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").step(**options)
