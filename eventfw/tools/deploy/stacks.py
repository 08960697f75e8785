"""A stack as CloudFormation has it: its status, what may be done in that status, and the app it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Client, Clients, aws_errors, code_of
from eventfw.tools.deploy.data import Template

APP_TAG = "eventfw:app"
STAGE_TAG = "eventfw:stage"

ABSENT = ""
REVIEW = "REVIEW_IN_PROGRESS"
FAILED_CREATION = "ROLLBACK_COMPLETE"


@dataclass(frozen=True)
class StackState:
    """What DescribeStacks says; ``status`` is empty when there is no such stack."""

    name: str
    region: str
    status: str = ABSENT
    id: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    created: datetime | None = None

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever created under this name: absent, or only reviewed."""
        return self.status in (ABSENT, REVIEW)

    @property
    def at_rest(self) -> bool:
        """Whether its last operation ended and left nothing to repair."""
        return not self.status.endswith(("_IN_PROGRESS", "_FAILED"))


def stack_tags(app: str, stage: str, more: Mapping[str, str]) -> list[dict[str, str]]:
    """The tags of every stack of a stage, ``more`` among them; CloudFormation hands them to the resources."""
    tags = {**more, APP_TAG: app, STAGE_TAG: stage}
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def read_state(clients: Clients, name: str, region: str) -> StackState:
    """The stack of a name, or of an id, in a region."""
    from botocore.exceptions import ClientError

    with aws_errors(f"looking for the stack {name}", clients.endpoint_url):
        try:
            found = clients.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]
        except ClientError as error:
            if code_of(error) == "ValidationError" and "does not exist" in str(error):
                return StackState(name, region)
            raise
    return _state(found, region)


def stacks_of(clients: Clients, app: str, region: str) -> list[StackState]:
    """Every stack in a region that carries the app's tag."""
    return [state for state in _stacks(clients, region) if state.tags.get(APP_TAG) == app]


def apps_of(clients: Clients, stage: str, region: str) -> set[str]:
    """The names of the apps that have stacks of a stage in a region."""
    tags = [state.tags for state in _stacks(clients, region)]
    return {one[APP_TAG] for one in tags if APP_TAG in one and one.get(STAGE_TAG) == stage}


def _stacks(clients: Clients, region: str) -> list[StackState]:
    with aws_errors(f"listing the stacks in {region}", clients.endpoint_url):
        pages = clients.client("cloudformation", region).get_paginator("describe_stacks").paginate()
        states = [_state(found, region) for page in pages for found in page["Stacks"]]
    return [state for state in states if state.status != "DELETE_COMPLETE"]


def read_template(cloudformation: Client, stack: str) -> Template:
    """The template a stack was last given, as it was sent."""
    from botocore.exceptions import ClientError

    try:
        body: Any = cloudformation.get_template(StackName=stack, TemplateStage="Original")["TemplateBody"]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return {}
        raise
    return dict(body) if isinstance(body, dict) else {}


def require_deployable(state: StackState, app: str, stage: str) -> None:
    """Refuse a stack that is not this stage's, or that an update cannot start from, with the way out."""
    owner = (state.tags.get(APP_TAG), state.tags.get(STAGE_TAG))
    if not state.is_new and owner != (app, stage):
        whose = f"of the app {owner[0]!r}, stage {owner[1]!r}" if owner[0] else "not eventfw's"
        raise DeployError(
            f"The stack {state.name} in {state.region} is {whose}, and a deployment would replace what "
            "is in it. Give the app or the stage another name.",
            place=state.name,
        )
    remedy = _remedy(state)
    if remedy:
        raise DeployError(f"The stack {state.name} in {state.region} is {state.status}. {remedy}", place=state.name)


def _remedy(state: StackState) -> str:
    aws = f"aws cloudformation {{}} --region {state.region} --stack-name {state.name}"
    if state.status == "UPDATE_ROLLBACK_FAILED":
        return (
            "Going back from a failed update failed too. See why with `"
            + aws.format("describe-stack-events")
            + "`, mend it, run `"
            + aws.format("continue-update-rollback")
            + "`, and deploy again."
        )
    if state.status in ("UPDATE_FAILED", "CREATE_FAILED"):
        return "It was left half done. Run `" + aws.format("rollback-stack") + "`, and deploy again."
    if state.status in ("ROLLBACK_FAILED", "DELETE_FAILED"):
        return "Remove what is left of it with `eventfw destroy`, and deploy again."
    if state.status.endswith("_IN_PROGRESS") and state.status != REVIEW:
        return (
            "Another deployment is at work on it. Wait for its end with `"
            + aws.format("describe-stack-events")
            + "`, and deploy again."
        )
    return ""


def _state(found: dict[str, Any], region: str) -> StackState:
    return StackState(
        name=found["StackName"],
        region=region,
        status=found["StackStatus"],
        id=found["StackId"],
        outputs={output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])},
        parameters={item["ParameterKey"]: item.get("ParameterValue", "") for item in found.get("Parameters", [])},
        tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
        created=found.get("CreationTime"),
    )
