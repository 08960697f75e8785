"""State machines on a running ``eventfw local``: real clients start executions, which run the handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from live import Live, until, write

APP = """
    import json
    from eventfw import App, StepTask

    app = App("gallery")
    orders = app.queue("orders")

    def note(name, what):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([name, what]) + "\\n")

    class NoPicture(Exception):
        pass

    @app.step()
    def measure(photo):
        note("measure", photo)
        if photo["key"] == "none":
            raise NoPicture("none")
        return {"key": photo["key"], "width": 640}

    @app.step()
    def resize(photo):
        note("resize", photo)
        return {"width": photo["width"] // 2}

    @app.step(wait_for_task_token=True)
    def approve(task: StepTask):
        if task.input["key"] == "bad":
            raise NoPicture("bad")
        task.succeed({"approved": True})

    @app.sqs_consumer(orders)
    def ordered(message):
        note("ordered", message.body)

    app.state_machine("thumbnails", "thumbnails.asl.json", uses=[orders.send])
    resizing = {"FunctionName": "resize", "Payload": "{% $states.input %}"}
    invoke = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": resizing, "End": True}
    states = {"Resize": {**invoke, "Output": "{% $states.result.Payload %}"}}
    each = {"StartAt": "One", "States": {"One": {**invoke, "Retry": [{"ErrorEquals": ["KeyError"], "MaxAttempts": 0}]}}}
    mapped = {"Type": "Map", "ItemProcessor": each, "End": True}
    app.state_machine("all", {"QueryLanguage": "JSONata", "StartAt": "All", "States": {"All": mapped}})
    app.state_machine("quick", {"QueryLanguage": "JSONata", "StartAt": "Resize", "States": states}, type="EXPRESS")
"""
INVOKE = "arn:aws:states:::lambda:invoke"
DEFINITION: dict[str, Any] = {
    "StartAt": "Measure",
    "States": {
        "Measure": {
            "Type": "Task",
            "Resource": "measure",
            "Retry": [{"ErrorEquals": ["NoPicture"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1}],
            "Catch": [{"ErrorEquals": ["NoPicture"], "ResultPath": "$.error", "Next": "Refused"}],
            "Next": "Resize",
        },
        "Resize": {
            "Type": "Task",
            "Resource": INVOKE,
            "Parameters": {"FunctionName": "resize", "Payload.$": "$"},
            "ResultPath": "$.resized",
            "Next": "Order",
        },
        "Order": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "${orders.url}", "MessageBody.$": "$.key"},
            "ResultPath": None,
            "Next": "Approve",
        },
        "Approve": {
            "Type": "Task",
            "Resource": f"{INVOKE}.waitForTaskToken",
            "Parameters": {"FunctionName": "approve", "Payload": {"key.$": "$.key", "token.$": "$$.Task.Token"}},
            "TimeoutSeconds": 20,
            "ResultPath": "$.approval",
            "Catch": [{"ErrorEquals": ["NoPicture"], "ResultPath": "$.error", "Next": "Refused"}],
            "End": True,
        },
        "Refused": {"Type": "Pass", "End": True},
    },
}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("steps")
    write(folder / "app.py", APP)
    write(folder / "thumbnails.asl.json", json.dumps(DEFINITION))
    server = Live(folder)
    yield server
    server.stop()


def executed(live: Live, machine: str, sent: Any) -> dict[str, Any]:
    """How an execution ended."""
    client = live.client("stepfunctions")
    arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{machine}"
    execution = client.start_execution(stateMachineArn=arn, input=json.dumps(sent))["executionArn"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else found

    return until(ended, "the end of the execution")


def test_an_execution_runs_the_handlers_and_what_integrates(live: Live) -> None:
    done = executed(live, "thumbnails", {"key": "cat"})
    assert done["status"] == "SUCCEEDED", done
    output = json.loads(done["output"])
    assert output["resized"]["Payload"] == {"width": 320}
    assert output["approval"] == {"approved": True}
    assert live.noted("measure") == [{"key": "cat"}]
    assert {"key": "cat", "width": 640} in live.noted("resize")
    until(lambda: live.noted("ordered") == ["cat"], "the message")


def test_a_task_that_waits_fails_by_the_name_of_what_was_raised(live: Live) -> None:
    done = executed(live, "thumbnails", {"key": "bad"})
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["error"]["Error"] == "NoPicture"


def test_retry_and_catch_match_what_a_handler_raises_by_its_name(live: Live) -> None:
    done = executed(live, "thumbnails", {"key": "none"})
    assert done["status"] == "SUCCEEDED", done
    error = json.loads(done["output"])["error"]
    assert error["Error"] == "NoPicture"
    assert json.loads(error["Cause"])["errorMessage"] == "none"
    assert live.noted("measure").count({"key": "none"}) == 2


def test_an_execution_fails_by_the_name_of_what_was_raised_within_a_map_too(live: Live) -> None:
    done = executed(live, "all", [{"width": 10}, {"width": 20}])
    assert [one["Payload"] for one in json.loads(done["output"])] == [{"width": 5}, {"width": 10}]
    assert executed(live, "all", [{"width": 10}, {}])["error"] == "KeyError"


def test_jsonata_is_run(live: Live) -> None:
    assert json.loads(executed(live, "quick", {"width": 10})["output"]) == {"width": 5}


def test_a_client_waits_for_an_express_execution(live: Live) -> None:
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "stepfunctions",
        endpoint_url=live.addresses["aws"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(inject_host_prefix=False),
    )
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:quick"
    assert json.loads(client.start_sync_execution(stateMachineArn=arn, input='{"width": 30}')["output"]) == {
        "width": 15
    }


def test_a_saved_definition_is_taken_over(live: Live) -> None:
    changed = {"StartAt": "Measure", "States": {"Measure": {"Type": "Pass", "Result": 5, "End": True}}}
    said = len(live.lines)
    write(live.folder / "thumbnails.asl.json", json.dumps(changed))
    live.says("up to date", after=said)
    assert json.loads(executed(live, "thumbnails", {"key": "cat"})["output"]) == 5
