"""Deleting a whole stack, and the stacks of a stage that its app no longer has."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Clients, aws_errors
from eventfw.tools.deploy.events import Ended, Follower
from eventfw.tools.deploy.plan import StackPlan, from_templates
from eventfw.tools.deploy.stacks import APP_TAG, REVIEW, STAGE_TAG, StackState, read_template, stacks_of

if TYPE_CHECKING:
    from eventfw.tools.build.artifacts import Artifacts
    from eventfw.tools.deploy.report import Reporter

EDGE_REGION = "us-east-1"


def is_edge(stack: StackState) -> bool:
    """Whether it is a stage's stack of Lambda@Edge functions, which AWS may refuse to delete for hours."""
    stage = f"{stack.tags.get(APP_TAG)}-{stack.tags.get(STAGE_TAG)}"
    return stack.region == EDGE_REGION and stack.name == f"{stage}-edge"


def edge_last(stacks: list[StackState]) -> list[StackState]:
    """The same order, with what AWS may refuse to delete at the end."""
    return sorted(stacks, key=is_edge)


def delete_stack(clients: Clients, stack: StackState, report: Reporter) -> None:
    """Delete a stack and wait for it. Raises DeployError where AWS does not."""
    client = clients.client("cloudformation", stack.region)
    follower = Follower(client, stack, report, clients.endpoint_url, cancel="A deletion cannot be cancelled.")
    with aws_errors(f"deleting the stack {stack.name}", clients.endpoint_url):
        client.delete_stack(StackName=stack.id, ClientRequestToken=uuid.uuid4().hex)
    ended = follower.until_ended()
    if ended.status != "DELETE_COMPLETE":
        raise DeployError(undeleted(stack, ended), place=stack.name)


def undeleted(stack: StackState, ended: Ended) -> str:
    """Why a stack is still there, and what to do."""
    if "replicated function" in ended.why():
        return (
            f"The stack {stack.name} is left. {ended.why()}\nCloudFront removes the copies of a Lambda@Edge function "
            "some hours after its distribution is gone, and AWS deletes no function before. Run this again then."
        )
    return f"The stack {stack.name} was not deleted. {ended.why()}\nMend this and run this again."


def stacks_that_left(clients: Clients, artifacts: Artifacts) -> list[StackState]:
    """Stacks of the stage that an earlier version of the app had and this one has not, the edge's last."""
    names = {(stack.name, stack.region or clients.region) for stack in artifacts.stacks}
    found = [
        stack
        for region in sorted({clients.region, EDGE_REGION})
        for stack in stacks_of(clients, artifacts.app, region)
        if stack.tags.get(STAGE_TAG) == artifacts.stage and stack.status != REVIEW
    ]
    return edge_last([stack for stack in found if (stack.name, stack.region) not in names])


def plan_of_removal(clients: Clients, stack: StackState) -> StackPlan:
    """What goes with a stack."""
    with aws_errors(f"reading the template of {stack.name}", clients.endpoint_url):
        template = read_template(clients.client("cloudformation", stack.region), stack.id)
    return StackPlan(stack.name, stack.region, from_templates(template, {}))


def delete_what_left(clients: Clients, left: list[StackState], report: Reporter) -> None:
    """Delete the stacks that the app no longer has. AWS may refuse the edge's for hours, which is told and no more."""
    for stack in left:
        try:
            delete_stack(clients, stack, report)
        except DeployError as error:
            if not is_edge(stack):
                raise
            report.note(error.message, "warn")


def says_names_are_taken(message: str) -> bool:
    """Whether CloudFormation refuses because something of these names is there already."""
    return any(words in message for words in ("already exist", "DeletionPolicy", "another stack"))


def names_taken(left: list[StackState]) -> str:
    """What to add to a refusal while stacks that left the app still own their names."""
    commands = "\n".join(
        f"  aws cloudformation delete-stack --region {one.region} --stack-name {one.name}" for one in left
    )
    return (
        "The app no longer has some of its stacks, which may still own the names that others now take over. Delete "
        f"them first, and deploy again:\n{commands}"
    )
