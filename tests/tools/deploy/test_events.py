"""The first cause is the first failure in time that is not another's consequence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from eventfw.tools.build.artifacts import Artifacts
from eventfw.tools.deploy import events
from eventfw.tools.deploy.access import Access, Clients
from eventfw.tools.deploy.deploy import deploy
from eventfw.tools.deploy.events import Interrupted, first_cause
from eventfw.tools.deploy.stacks import read_state


def event(logical_id: str, status: str, reason: str = "", type_: str = "AWS::SQS::Queue") -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ResourceType": type_,
    }


def test_cancelled_resources_and_the_stack_itself_are_not_the_cause() -> None:
    stack = "AWS::CloudFormation::Stack"
    happened = [
        event("g", "UPDATE_IN_PROGRESS", type_=stack),
        event("A", "CREATE_FAILED", "Resource creation cancelled"),
        event("B", "CREATE_FAILED", "no such role"),
        event("C", "CREATE_FAILED", "later"),
        event("g", "UPDATE_FAILED", "failed to create: [B]", stack),
    ]
    assert (first_cause(happened) or {})["LogicalResourceId"] == "B"
    assert (first_cause(happened[4:]) or {})["LogicalResourceId"] == "g"
    assert first_cause(happened[:2]) is None


def test_ctrl_c_leaves_the_operation_to_cloudformation_and_says_how_to_follow_it(
    make: Callable[..., Artifacts],
    template: dict[str, Any],
    access: Access,
    clients: Clients,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(events.time, "sleep", interrupted)
    with pytest.raises(
        Interrupted, match=r"CloudFormation goes on.*describe-stack-events --region eu-west-1"
    ) as stopped:
        deploy(make(template), access=access)
    assert stopped.value.exit_code == 130
    assert read_state(clients, "gallery-dev", "eu-west-1").status.startswith("CREATE_")


def test_pauses_grow_to_two_seconds() -> None:
    from itertools import islice

    pauses = list(islice(events.pauses(), 30))
    assert pauses[0] < 0.1 and pauses[-1] == 2.0
    assert timedelta(seconds=pauses[5]) > timedelta(seconds=pauses[4])
