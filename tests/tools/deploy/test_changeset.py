"""Change sets that CloudFormation refuses, and those that change outputs alone."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw.errors import DeployError
from eventfw.tools.deploy.changeset import ChangeSets, Request
from eventfw.tools.deploy.events import Ended
from eventfw.tools.deploy.removal import undeleted
from eventfw.tools.deploy.stacks import StackState
from eventfw.tools.deploy.target import Target

NEW = StackState("gallery-dev", "eu-west-1")
REQUEST = Request({"Resources": {}}, {"TemplateBody": "{}"}, {"Version": "v2"}, ("Kept",), [])


class CloudFormation:
    """Answers as CloudFormation does for one change set, and remembers what it was asked."""

    def __init__(self, status: str, reason: str = "", events: list[dict[str, Any]] | None = None) -> None:
        self.answers = [{"Status": "CREATE_IN_PROGRESS"}, {"Status": status, "StatusReason": reason, "Changes": []}]
        self.events = events or []
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def create_change_set(self, **given: Any) -> dict[str, str]:
        self.calls.append(("create", given))
        return {"Id": "arn:change-set", "StackId": "arn:stack"}

    def get_paginator(self, name: str) -> CloudFormation:
        return self

    def paginate(self, **given: Any) -> list[dict[str, Any]]:
        return [self.answers.pop(0)]

    def describe_events(self, **given: Any) -> dict[str, Any]:
        self.calls.append(("events", given))
        return {"OperationEvents": self.events}

    def execute_change_set(self, **given: Any) -> None:
        self.calls.append(("execute", given))

    def delete_change_set(self, **given: Any) -> None:
        self.calls.append(("delete", given))

    def delete_stack(self, **given: Any) -> None:
        self.calls.append(("delete stack", given))


def test_early_validation_errors_are_shown_with_their_paths() -> None:
    found = {
        "EventType": "VALIDATION_ERROR",
        "ValidationPath": "/Resources/Q/Properties/VisibilityTimeout",
        "ValidationStatusReason": "100000 is greater than 43200",
    }
    client = CloudFormation("FAILED", "Validation failed", [found, {"EventType": "STACK_EVENT"}])
    with pytest.raises(DeployError) as refused:
        ChangeSets(client, None, emulated=False).create(NEW, REQUEST)

    assert "Validation failed\n  /Resources/Q/Properties/VisibilityTimeout: 100000 is greater" in str(refused.value)
    assert [name for name, _ in client.calls] == ["create", "events", "delete", "delete stack"]


def test_parameters_are_given_or_keep_their_value() -> None:
    client = CloudFormation("CREATE_COMPLETE")
    ChangeSets(client, None, emulated=False).create(NEW, REQUEST)
    assert client.calls[0][1]["Parameters"] == [
        {"ParameterKey": "Version", "ParameterValue": "v2"},
        {"ParameterKey": "Kept", "UsePreviousValue": True},
    ]
    assert client.calls[0][1]["ChangeSetType"] == "CREATE"


def test_going_back_on_failure_is_said_and_not_left_to_a_default() -> None:
    client = CloudFormation("CREATE_COMPLETE")
    sets = ChangeSets(client, None, emulated=False)
    sets.execute(sets.create(NEW, REQUEST))
    name, given = client.calls[-1]
    assert (name, given["DisableRollback"]) == ("execute", False)
    assert given["ClientRequestToken"]


def test_a_change_of_outputs_alone_is_a_change() -> None:
    made = ChangeSets(CloudFormation("CREATE_COMPLETE"), None, emulated=False).create(NEW, REQUEST)
    target = Target("gallery-dev", "eu-west-1", {}, {}, NEW, {}, [])
    assert not made.empty and target.plan_from(made).changed


@pytest.mark.parametrize(
    "words", ["The submitted information didn't contain changes.", "No updates are to be performed."]
)
def test_no_changes_are_not_an_error(words: str) -> None:
    existing = StackState("gallery-dev", "eu-west-1", "UPDATE_COMPLETE", "arn:stack")
    client = CloudFormation("FAILED", words)
    assert ChangeSets(client, None, emulated=False).create(existing, REQUEST).empty
    assert [name for name, _ in client.calls] == ["create", "delete"]


def test_replicas_of_an_edge_function_are_explained() -> None:
    reason = "Lambda was unable to delete arn:x because it is a replicated function."
    cause = {
        "LogicalResourceId": "RedirectVersion",
        "ResourceType": "AWS::Lambda::Version",
        "ResourceStatus": "DELETE_FAILED",
        "ResourceStatusReason": reason,
    }
    text = undeleted(NEW, Ended("DELETE_FAILED", cause))
    assert reason in text and "some hours after" in text
