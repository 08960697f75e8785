"""Takes a stage's stacks away: data is kept and listed, or deleted when that is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Access, Clients, aws_errors, code_of
from eventfw.tools.deploy.bucket import CodeBucket
from eventfw.tools.deploy.deploy import Declined
from eventfw.tools.deploy.kept import Resource, data_of, delete_resource, left_behind, protected, resources_of
from eventfw.tools.deploy.removal import EDGE_REGION, delete_stack, edge_last, is_edge
from eventfw.tools.deploy.report import Reporter, Silent
from eventfw.tools.deploy.stacks import REVIEW, STAGE_TAG, StackState, stacks_of
from eventfw.tools.deploy.unused import tag_unused

_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


@dataclass(frozen=True)
class Destruction:
    """What destroy is about to do, or did: the stacks in the order they go, the data, the messages lost."""

    app: str
    stage: str
    stacks: tuple[StackState, ...]
    data: tuple[Resource, ...]
    messages: dict[str, int]
    delete_data: bool

    @property
    def name(self) -> str:
        """What the user types to agree to the loss of data."""
        return f"{self.app}-{self.stage}"

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.stacks and not (self.delete_data and self.data)

    def as_json(self) -> dict[str, Any]:
        """The destruction for ``--json``."""
        listed = [{"type": item.type, "physical_id": item.physical_id, "region": item.region} for item in self.data]
        return {
            "stacks": [stack.name for stack in self.stacks],
            "messages": self.messages,
            "deleted" if self.delete_data else "kept": listed,
        }


ConfirmDestruction = Callable[[Destruction], bool]
"""Shows what will go and asks; False leaves everything as it was."""


def destroy(
    app: str,
    stage: str,
    *,
    access: Access | None = None,
    delete_data: bool = False,
    confirm: ConfirmDestruction | None = None,
    report: Reporter | None = None,
) -> Destruction:
    """Delete the stacks of a stage, those that take another's outputs first; ``confirm=None`` agrees.

    Data stays unless ``delete_data``. While a queue holds messages, it is refused without ``delete_data``, and with it
    while a table or user pool has deletion protection. A stage
    that has no stack is no error. Raises ``Declined`` when ``confirm`` answers False.
    """
    clients, told = Clients(access or Access()), report or Silent()
    plan = _planned(clients, app, stage, delete_data)
    if plan.empty:
        return plan
    if plan.messages and not delete_data:
        raise DeployError(_messages(plan.messages), place=plan.name)
    guarded = protected(clients, list(plan.data)) if delete_data else []
    if guarded:
        raise DeployError(_guarded(guarded), place=plan.name)
    if confirm is not None and not confirm(plan):
        raise Declined("Declined: nothing was destroyed.")
    edge = [stack for stack in plan.stacks if is_edge(stack)]
    for stack in plan.stacks:
        if stack not in edge:
            delete_stack(clients, stack, told)
    if delete_data:
        for resource in plan.data:
            delete_resource(clients, resource, told)
    for stack in edge:  # last, since AWS may refuse it for hours
        delete_stack(clients, stack, told)
    _release_code(clients, app, plan, told)
    return plan


def _planned(clients: Clients, app: str, stage: str, delete_data: bool) -> Destruction:
    regions = sorted({clients.region, EDGE_REGION})
    stacks = [
        stack for region in regions for stack in stacks_of(clients, app, region) if stack.tags.get(STAGE_TAG) == stage
    ]
    for stack in stacks:
        if stack.status.endswith("_IN_PROGRESS") and stack.status != REVIEW:
            raise DeployError(
                f"The stack {stack.name} in {stack.region} is {stack.status}. Wait for its end, and run destroy again.",
                place=stack.name,
            )
    data: set[Resource] = {kept for region in regions for kept in left_behind(clients, app, stage, region)}
    messages: dict[str, int] = {}
    for stack in stacks:
        if stack.status == REVIEW:
            continue
        resources = resources_of(clients, stack)
        data = {kept for kept in data if kept.physical_id not in {item.physical_id for item in resources}}
        data |= set(data_of(clients, stack, resources))
        messages |= _waiting(clients, resources)
    return Destruction(
        app, stage, tuple(edge_last(_dependents_first(clients, stacks))), tuple(sorted(data)), messages, delete_data
    )


def _dependents_first(clients: Clients, stacks: list[StackState]) -> list[StackState]:
    """A stack whose outputs fill another's parameters goes after that other one."""
    left, ordered = sorted(stacks, key=lambda stack: (stack.region, stack.name)), []
    while left:
        free = [
            stack
            for stack in left
            if not any(set(stack.outputs) & set(other.parameters) for other in left if other is not stack)
        ]
        free = free or left  # two stacks that name each other's outputs: CloudFormation sees no dependency, nor do we
        ordered += free
        left = [stack for stack in left if stack not in free]
    return ordered


def _waiting(clients: Clients, resources: list[Resource]) -> dict[str, int]:
    """Messages in each queue that holds some: visible, in flight and delayed."""
    from botocore.exceptions import ClientError

    found: dict[str, int] = {}
    for queue in resources:
        if queue.type != "AWS::SQS::Queue":
            continue
        with aws_errors(f"counting the messages of {queue.physical_id}", clients.endpoint_url):
            try:
                counts = clients.client("sqs", queue.region).get_queue_attributes(
                    QueueUrl=queue.physical_id, AttributeNames=list(_COUNTS)
                )["Attributes"]
            except ClientError as error:
                if code_of(error).endswith(("NonExistentQueue", "QueueDoesNotExist")):
                    continue
                raise
        total = sum(int(counts.get(name, 0)) for name in _COUNTS)
        if total:
            found[queue.physical_id.rpartition("/")[2]] = total
    return found


def _messages(messages: dict[str, int]) -> str:
    listed = ", ".join(f"{name} ({count})" for name, count in sorted(messages.items()))
    return (
        f"Queues still hold messages, which would be lost: {listed}. Let the handlers finish them, or give "
        "--delete-data to delete them, and all other data, too."
    )


def _guarded(resources: list[Resource]) -> str:
    return (
        f"These have deletion protection: {', '.join(map(str, resources))}. Nothing was destroyed. Deploy them with "
        "deletion_protection=False, or switch it off in the console, and run destroy again."
    )


def _release_code(clients: Clients, app: str, plan: Destruction, report: Reporter) -> None:
    """Let the code that no stack of the app uses any more expire; the stacks are gone, so a failure is only told."""
    for region in sorted({stack.region for stack in plan.stacks}):
        bucket = CodeBucket(clients, region, report)
        try:
            if bucket.exists():
                tag_unused(clients, bucket, app)
        except DeployError as error:
            report.note(f"Old code in {bucket.name} was not marked for expiry: {error}", "warn")
