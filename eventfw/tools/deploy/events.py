"""Follows a stack operation: every resource as it moves, the first cause when it fails."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Client, aws_errors
from eventfw.tools.deploy.changeset import pauses
from eventfw.tools.deploy.report import Reporter, State
from eventfw.tools.deploy.stacks import StackState

_CANCELLED = ("Resource creation cancelled", "Resource update cancelled", "Resource deletion cancelled")
_STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Ended:
    """How an operation ended: the stack's status, and its first failed event, where one failed."""

    status: str
    cause: dict[str, Any] | None = None

    @property
    def invalid(self) -> bool:
        """Whether early validation stopped it before anything was touched."""
        return bool(self.cause) and (self.cause or {}).get("DetailedStatus") == "VALIDATION_FAILED"

    def why(self) -> str:
        """The first cause: resource, type, status and AWS's reason."""
        if self.cause is None:
            return "CloudFormation names no cause."
        return (
            f"{self.cause['LogicalResourceId']} ({self.cause['ResourceType']}) {self.cause['ResourceStatus']}: "
            f"{self.cause.get('ResourceStatusReason', 'no reason given')}"
        )


class Follower:
    """Reads the events of a stack from the moment it was made; ``cancel`` says how the operation can be cancelled."""

    def __init__(
        self, client: Client, state: StackState, report: Reporter, endpoint_url: str | None, *, cancel: str
    ) -> None:
        self._client = client
        self._state = state
        self._report = report
        self._endpoint_url = endpoint_url
        self._cancel = cancel
        self._seen = {event["EventId"] for event in self._newest_page()}
        self._events: list[dict[str, Any]] = []

    def until_ended(self) -> Ended:
        """Report events until the operation ended; Ctrl-C leaves it to CloudFormation and says so."""
        try:
            return self._until_ended()
        except KeyboardInterrupt:
            raise Interrupted(self._goes_on(), place=self._state.name) from None

    def _until_ended(self) -> Ended:
        for pause in pauses():
            time.sleep(pause)
            status = self._status()
            self._read()
            started = any(self._of_the_stack(event) for event in self._events)
            if started and not status.endswith("_IN_PROGRESS"):
                break
        return Ended(status, first_cause(self._events))

    def _goes_on(self) -> str:
        where = f"--region {self._state.region} --stack-name {self._state.name}"
        return (
            f"Interrupted, but CloudFormation goes on with {self._state.name}. "
            f"`aws cloudformation describe-stack-events {where}` shows how far it is. {self._cancel}"
        )

    def _status(self) -> str:
        with aws_errors(f"watching the stack {self._state.name}", self._endpoint_url):
            return str(self._client.describe_stacks(StackName=self._state.id)["Stacks"][0]["StackStatus"])

    def _newest_page(self) -> list[dict[str, Any]]:
        with aws_errors(f"reading the events of {self._state.name}", self._endpoint_url):
            events: list[dict[str, Any]] = self._client.describe_stack_events(StackName=self._state.id)["StackEvents"]
        return events

    def _read(self) -> None:
        """Take the events since the last look; AWS lists them newest first."""
        fresh: list[dict[str, Any]] = []
        with aws_errors(f"reading the events of {self._state.name}", self._endpoint_url):
            for page in self._client.get_paginator("describe_stack_events").paginate(StackName=self._state.id):
                new = [event for event in page["StackEvents"] if event["EventId"] not in self._seen]
                fresh += new
                if len(new) < len(page["StackEvents"]):
                    break
        for event in reversed(fresh):
            self._seen.add(event["EventId"])
            self._events.append(event)
            self._tell(event)

    def _of_the_stack(self, event: dict[str, Any]) -> bool:
        return event["ResourceType"] == _STACK and event.get("PhysicalResourceId") == self._state.id

    def _tell(self, event: dict[str, Any]) -> None:
        status = event["ResourceStatus"]
        reason = event.get("ResourceStatusReason") or ""
        shown = f": {reason}" if reason and status.endswith("_FAILED") else ""
        line = f"  {self._state.name}  {status:<20}  {event['LogicalResourceId']}  {event['ResourceType']}{shown}"
        self._report.step(f"{self._state.name}/{event['LogicalResourceId']}", line, _state_of(status))


class Interrupted(DeployError):
    """Ctrl-C while CloudFormation works: the operation goes on without us."""

    exit_code = 130


def first_cause(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The failure that came first in time; those that follow are resources cancelled because of it."""
    failed = [
        event
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
        and not (event.get("ResourceStatusReason") or "").startswith(_CANCELLED)
    ]
    return next((event for event in failed if event["ResourceType"] != _STACK), failed[0] if failed else None)


def _state_of(status: str) -> State:
    if status.endswith("_FAILED") or status in ("ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"):
        return "failed"
    return "running" if status.endswith("_IN_PROGRESS") else "done"
