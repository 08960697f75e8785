"""Change sets: made, read, executed, and never left behind."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Client, aws_errors
from eventfw.tools.deploy.data import Template, data_ids
from eventfw.tools.deploy.stacks import ABSENT, StackState

MAX_TEMPLATE_BYTES = 51_200
"""Longer templates are given by URL (TemplateBody's limit in CreateChangeSet)."""

_NAMED_IAM = {
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
}
_NOTHING = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Request:
    """Everything CreateChangeSet is told about a stack.

    ``source`` is ``TemplateBody`` or ``TemplateURL``; ``previous`` names the parameters that keep their value.
    """

    template: Template
    source: dict[str, str]
    parameters: dict[str, str]
    previous: tuple[str, ...]
    tags: list[dict[str, str]]


@dataclass(frozen=True)
class ChangeSet:
    """A change set that is ready; ``empty`` when there is nothing to change, and then it is already deleted."""

    id: str
    stack_id: str
    changes: list[dict[str, Any]]
    empty: bool = False

    @property
    def imports(self) -> bool:
        """Whether it takes existing resources into the stack."""
        return any(change.get("ResourceChange", {}).get("Action") == "Import" for change in self.changes)


class ChangeSets:
    """The change sets of one region's CloudFormation."""

    def __init__(self, client: Client, endpoint_url: str | None, *, emulated: bool) -> None:
        self._client = client
        self._endpoint_url = endpoint_url
        self._emulated = emulated

    def create(self, state: StackState, request: Request) -> ChangeSet:
        """Make a change set and wait for it; a DeployError says what CloudFormation found wrong."""
        made = self._create(state, request)
        if self._emulated and made.imports:
            # The embedded AWS calls the very bucket that is imported a name conflict; AWS does not.
            self._delete(made.id)
            made = self._create(state, request, DisableValidation=True)
        return made

    def adopt(self, state: StackState, request: Request, resources: list[dict[str, Any]]) -> ChangeSet:
        """Make a change set that takes existing resources into the stack, by their ids, and changes nothing else: not
        even the stack's tags, which it may only repeat."""
        request = replace(request, tags=[{"Key": key, "Value": value} for key, value in state.tags.items()])
        return self._create(
            state, request, ChangeSetType="IMPORT", ResourcesToImport=resources, ImportExistingResources=False
        )

    def execute(self, change_set: ChangeSet) -> None:
        """Start it. A failure goes back to what was there; it is said, because AWS documents two different defaults."""
        with aws_errors("executing the change set", self._endpoint_url):
            self._client.execute_change_set(
                ChangeSetName=change_set.id, DisableRollback=False, ClientRequestToken=uuid.uuid4().hex
            )

    def discard(self, change_set: ChangeSet, *, with_stack: bool) -> None:
        """Delete a change set that is not executed, and the empty stack that was made for it."""
        self._delete(change_set.id)
        if with_stack:
            with aws_errors("deleting the stack made for the change set", self._endpoint_url):
                self._client.delete_stack(StackName=change_set.stack_id)

    def _create(self, state: StackState, request: Request, **more: Any) -> ChangeSet:
        kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in request.previous]
        given = [{"ParameterKey": name, "ParameterValue": value} for name, value in sorted(request.parameters.items())]
        with aws_errors(f"making a change set for {state.name}", self._endpoint_url):
            said = {
                "ChangeSetType": _kind(state),
                "ImportExistingResources": bool(data_ids(request.template)),
                **request.source,
                **more,
            }
            answer = self._client.create_change_set(
                StackName=state.name,
                ChangeSetName=f"eventfw-{uuid.uuid4().hex}",
                Description="Made by eventfw deploy",
                Parameters=given + kept,
                Tags=request.tags,
                Capabilities=capabilities(request.template),
                **said,
            )
            described = self._settled(answer["Id"])
        made = ChangeSet(answer["Id"], answer["StackId"], described["Changes"])
        if described["Status"] == "CREATE_COMPLETE":
            return made
        reason = described.get("StatusReason", "")
        nothing = any(words in reason for words in _NOTHING)
        problems = [] if nothing else self.validation_errors(ChangeSetName=made.id)
        self.discard(made, with_stack=state.status == ABSENT)
        if nothing:
            return ChangeSet(made.id, made.stack_id, [], empty=True)
        raise DeployError(_refused(reason, problems), place=state.name)

    def _settled(self, change_set: str) -> dict[str, Any]:
        for pause in pauses():
            pages = list(self._client.get_paginator("describe_change_set").paginate(ChangeSetName=change_set))
            if not pages[0]["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
                break
            time.sleep(pause)
        return {**pages[0], "Changes": [change for page in pages for change in page.get("Changes", [])]}

    def validation_errors(self, **where: str) -> list[str]:
        """What CloudFormation's early validation found, with the path of each; ``where`` names a stack or change set.

        An older boto3, an emulator, or credentials without ``cloudformation:DescribeEvents`` know of none.
        """
        from botocore.exceptions import ClientError

        if not hasattr(self._client, "describe_events"):
            return []
        try:
            events = self._client.describe_events(**where, Filters={"FailedEvents": True})["OperationEvents"]
        except ClientError:
            return []
        return [
            f"{event.get('ValidationPath') or event.get('LogicalResourceId', '')}: "
            f"{event.get('ValidationStatusReason', '')}"
            for event in events
            if event.get("EventType") == "VALIDATION_ERROR"
        ]

    def _delete(self, change_set: str) -> None:
        with aws_errors("deleting the change set", self._endpoint_url):
            self._client.delete_change_set(ChangeSetName=change_set)


def capabilities(template: Template) -> list[str]:
    """What CloudFormation asks to be told it may do: create IAM resources, and give them names."""
    resources = [item for item in template.get("Resources", {}).values() if item["Type"].startswith("AWS::IAM::")]
    if any(_NAMED_IAM.get(item["Type"]) in item.get("Properties", {}) for item in resources):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if resources else []


def pauses() -> Iterator[float]:
    """Seconds between two looks: short at first, for emulators, then two seconds, for AWS's request rates."""
    pause = 0.05
    while True:
        yield pause
        pause = min(pause * 1.5, 2.0)


def _kind(state: StackState) -> str:
    return "CREATE" if state.is_new else "UPDATE"


def _refused(reason: str, problems: list[str]) -> str:
    found = "".join(f"\n  {problem}" for problem in problems)
    return (
        f"CloudFormation refused the change set: {reason or 'it gave no reason'}{found}\n"
        "Nothing was changed. Mend what it names and deploy again."
    )
