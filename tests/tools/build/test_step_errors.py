"""The local variant of state machines: tasks of the app wait for a token, and nothing else about them changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from templates import deployed, local, properties

from eventfw import App
from eventfw.resources.state_tasks import MARK

INVOKE = "arn:aws:states:::lambda:invoke"
FUNCTION = "${MeasureFunction}"
TOKEN = {"token.$": "$$.Task.Token"}


def made(state: dict[str, Any], **options: Any) -> dict[str, Any]:
    """What the embedded AWS gets of the only state of a machine."""
    app = App("demo")
    app.state_machine("thumbnails", {"StartAt": "Only", "States": {"Only": state}}, **options)

    @app.step()
    def measure(photo: Any) -> None: ...

    before = json.loads(properties(deployed(app), "ThumbnailsStateMachine")["DefinitionString"])
    assert MARK not in str(before)
    found: dict[str, Any] = json.loads(properties(local(app), "ThumbnailsStateMachine")["DefinitionString"])
    return found["States"]["Only"]  # type: ignore[no-any-return]


def task(resource: str = "measure", **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": resource, "End": True, **more}


@pytest.mark.parametrize(
    ("state", "field", "sent"),
    [
        (task(), "Parameters", {"whole": True, **TOKEN, "input.$": "$"}),
        (task(Parameters={"a.$": "$.b"}), "Parameters", {"whole": True, **TOKEN, "input": {"a.$": "$.b"}}),
        (
            task(INVOKE, Parameters={"FunctionName": "measure", "Payload.$": "$.a"}),
            "Parameters",
            {"whole": False, **TOKEN, "input.$": "$.a"},
        ),
        (
            task(INVOKE, Parameters={"FunctionName": "measure"}),
            "Parameters",
            {"whole": False, **TOKEN, "input": {}},
        ),
        (
            task(QueryLanguage="JSONata"),
            "Arguments",
            {"whole": True, "token": "{% $states.context.Task.Token %}", "input": "{% $states.input %}"},
        ),
    ],
)
def test_a_task_sends_its_token_with_its_input(state: dict[str, Any], field: str, sent: dict[str, Any]) -> None:
    found = made({**state, "ResultPath": None} if field == "Parameters" else state)
    assert found["Resource"] == f"{INVOKE}.waitForTaskToken"
    assert found[field] == {"FunctionName": FUNCTION, "Payload": {MARK: sent}}
    kept = {name: value for name, value in state.items() if name not in ("Resource", field)}
    assert {**found, **kept} == found


@pytest.mark.parametrize(
    "state",
    [
        task("arn:aws:lambda:us-east-1:123456789012:function:theirs"),
        task(INVOKE, Parameters={"FunctionName": "measure", "InvocationType": "Event"}),
        task(f"{INVOKE}.waitForTaskToken", Parameters={"FunctionName": "measure", "Payload": TOKEN}),
        {"Type": "Parallel", "Branches": [{"StartAt": "One", "States": {"One": task()}}], "End": True},
    ],
)
def test_other_tasks_and_those_in_parallel_are_left_as_they_are(state: dict[str, Any]) -> None:
    assert MARK not in str(made(state))


def test_express_machines_are_left_as_they_are() -> None:
    assert MARK not in str(made(task(), type="EXPRESS"))


def test_tasks_in_a_map_are_changed() -> None:
    processor = {"StartAt": "One", "States": {"One": task()}}
    assert MARK in str(made({"Type": "Map", "ItemProcessor": processor, "End": True}))
