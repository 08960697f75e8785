"""Artifacts -> stacks: upload what is new, make change sets, show the plan, ask, execute, tell the outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eventfw.errors import DeployError
from eventfw.tools.deploy.access import Access, Clients, aws_errors
from eventfw.tools.deploy.adopt import adoptable, to_import, with_adopted
from eventfw.tools.deploy.bucket import CodeBucket
from eventfw.tools.deploy.changeset import MAX_TEMPLATE_BYTES, ChangeSet, ChangeSets, Request
from eventfw.tools.deploy.data import Template, with_literal_names
from eventfw.tools.deploy.events import Ended, Follower
from eventfw.tools.deploy.plan import Plan
from eventfw.tools.deploy.removal import (
    delete_what_left,
    names_taken,
    plan_of_removal,
    says_names_are_taken,
    stacks_that_left,
)
from eventfw.tools.deploy.report import Reporter, Silent
from eventfw.tools.deploy.show import ordered_outputs
from eventfw.tools.deploy.stacks import (
    ABSENT,
    StackState,
    read_state,
    read_template,
    require_deployable,
    stack_tags,
)
from eventfw.tools.deploy.target import Target
from eventfw.tools.deploy.unused import tag_unused

if TYPE_CHECKING:
    from eventfw.tools.build.artifacts import Artifacts, Stack

Confirm = Callable[[Plan], bool]
"""Shows a plan and asks; False leaves everything as it was."""


class Declined(DeployError):
    """The plan was shown and the answer was no."""


@dataclass(frozen=True)
class Outcome:
    """What a deployment did: the plan, and every stack's outputs, URLs first."""

    plan: Plan
    outputs: dict[str, dict[str, str]]

    @property
    def changed(self) -> bool:
        return self.plan.changed


def deploy(
    artifacts: Artifacts,
    *,
    access: Access | None = None,
    confirm: Confirm | None = None,
    report: Reporter | None = None,
) -> Outcome:
    """Bring every stack of ``artifacts`` to AWS, or to the endpoint ``access`` names.

    ``confirm`` is asked once, with the plan over all stacks, before anything changes; ``None`` agrees. Raises
    ``Declined`` when it answers False, ``Interrupted`` on Ctrl-C while CloudFormation works, and ``DeployError``
    for everything that is refused or fails.
    """
    deployment = _Deployment(artifacts, Clients(access or Access()), report or Silent())
    deployment.upload()
    try:
        plan = deployment.plan()
        if plan.changed:
            if confirm is not None and not confirm(plan):
                raise Declined("The plan was declined: no stack was changed.")
            deployment.execute()
    finally:
        deployment.discard()
    if plan.changed:
        deployment.tag_unused()
    return Outcome(plan, deployment.outputs())


class _Deployment:
    """The steps of one deployment, and what they know of each other."""

    def __init__(self, artifacts: Artifacts, clients: Clients, report: Reporter) -> None:
        self._artifacts = artifacts
        self._clients = clients
        self._report = report
        self._buckets: dict[str, CodeBucket] = {}
        self._targets: list[Target] = []
        self._left: list[StackState] = []
        report.note(
            f"{artifacts.app}-{artifacts.stage} -> account {clients.account}, region {clients.region}"
            + (f", at {clients.endpoint_url}" if clients.endpoint_url else ""),
            "dim",
        )

    def upload(self) -> None:
        """Upload the zips each stack's region needs; those already there are left alone."""
        hashes = {asset.sha256: asset for asset in self._artifacts.assets}
        wanted = {
            (self._region(stack), function.asset)
            for stack in self._artifacts.stacks
            for function in self._artifacts.functions
            if function.stack == stack.name and function.asset
        }
        for region, sha256 in sorted(wanted):
            asset = hashes[sha256]
            self._bucket(region).put_asset(self._artifacts.app, asset)

    def plan(self) -> Plan:
        """Make the change sets that can be made now, and the plan over all stacks."""
        self._left = stacks_that_left(self._clients, self._artifacts)
        for stack in self._artifacts.stacks:
            target = self._target(stack)
            self._targets.append(target)
            inputs = target.inputs()
            if inputs is None or target.failed_creation or target.adopted:
                target.plan = target.plan_from_templates()
            else:
                self._make_change_set(target, inputs)
        plans = [target.plan for target in self._targets if target.plan is not None]
        return Plan((*plans, *(plan_of_removal(self._clients, stack) for stack in self._left)))

    def execute(self) -> None:
        """Execute each stack's change set in order, made anew where an earlier stack's outputs changed it."""
        for target in self._targets:
            if target.failed_creation:
                self._remove_failed_creation(target)
            if target.adopted:
                self._take_back(target)
            inputs = target.inputs()
            if inputs is None:
                raise DeployError(
                    "A stack before it does not have all the outputs that its template names. Deploy again.",
                    place=target.name,
                )
            if inputs != target.values or (target.must_change and target.change_set is None):
                self._plan_again(target, inputs)
            if target.change_set is not None:
                self._execute(target, target.change_set)
        delete_what_left(self._clients, self._left, self._report)

    def discard(self) -> None:
        """Delete the change sets that were not executed; failing is only told: another error may be on its way."""
        for target in self._targets:
            if target.change_set is not None:
                try:
                    self._discard(target, target.change_set)
                except DeployError as error:
                    self._report.note(f"A change set of {target.name} is left behind: {error}", "warn")

    def tag_unused(self) -> None:
        """Let old code expire. The deployment is done by then, so a failure here is told and no more."""
        for bucket in self._buckets.values():
            try:
                tag_unused(self._clients, bucket, self._artifacts.app)
            except DeployError as error:
                self._report.note(f"Old code in {bucket.name} was not marked for expiry: {error}", "warn")

    def outputs(self) -> dict[str, dict[str, str]]:
        """Every stack's outputs, in deploy order."""
        return {target.name: ordered_outputs(target.state.outputs) for target in self._targets}

    def _region(self, stack: Stack) -> str:
        return stack.region or self._clients.region

    def _bucket(self, region: str) -> CodeBucket:
        if region not in self._buckets:
            self._buckets[region] = CodeBucket(self._clients, region, self._report)
        return self._buckets[region]

    def _change_sets(self, region: str) -> ChangeSets:
        return ChangeSets(
            self._clients.client("cloudformation", region), self._clients.endpoint_url, emulated=self._clients.emulated
        )

    def _target(self, stack: Stack) -> Target:
        region = self._region(stack)
        state = read_state(self._clients, stack.name, region)
        require_deployable(state, self._artifacts.app, self._artifacts.stage)
        template = with_literal_names(stack.template, self._clients.account, region, self._clients.partition)
        source = self._source(region, template)
        before: Template = {}
        if not state.is_new:
            with aws_errors(f"reading the template of {stack.name}", self._clients.endpoint_url):
                before = read_template(self._clients.client("cloudformation", region), stack.name)
        owner = (self._artifacts.app, self._artifacts.stage)
        adopted = adoptable(self._clients, owner, region, before, template)
        return Target(stack.name, region, template, source, state, before, earlier=list(self._targets), adopted=adopted)

    def _source(self, region: str, template: Template) -> dict[str, str]:
        """The template as CreateChangeSet takes it: a long one by its address in the code bucket."""
        body = json.dumps(template, sort_keys=True, separators=(",", ":"))
        if len(body.encode()) <= MAX_TEMPLATE_BYTES:
            return {"TemplateBody": body}
        return {"TemplateURL": self._bucket(region).put_template(self._artifacts.app, body.encode())}

    def _make_change_set(self, target: Target, inputs: dict[str, str]) -> None:
        tags = stack_tags(self._artifacts.app, self._artifacts.stage, self._artifacts.tags)
        try:
            made = self._change_sets(target.region).create(target.state, target.request(inputs, tags))
        except DeployError as error:
            if not self._left or not says_names_are_taken(error.message):
                raise
            raise DeployError(f"{error.message}\n{names_taken(self._left)}", place=error.place) from None
        target.values = inputs
        target.change_set = None if made.empty else made
        target.plan = target.plan_from(made)

    def _take_back(self, target: Target) -> None:
        """Import kept data that is known by its id only; the rest of the stack is made after it.

        An import gives a new stack no tags, by which it is known as the app's: it gets them at once.
        """
        with_it = with_adopted({} if target.state.is_new else target.before, target.template, target.adopted)
        change_sets, is_new = self._change_sets(target.region), target.state.is_new
        request = Request(with_it, self._source(target.region, with_it), {}, tuple(target.state.parameters), [])
        self._execute(target, change_sets.adopt(target.state, request, to_import(target.adopted)))
        target.before, target.adopted = with_it, {}
        if is_new:
            tags = stack_tags(self._artifacts.app, self._artifacts.stage, self._artifacts.tags)
            tagging = change_sets.create(target.state, replace(request, tags=tags))
            if not tagging.empty:
                self._execute(target, tagging)

    def _plan_again(self, target: Target, inputs: dict[str, str]) -> None:
        shown = target.plan
        if target.change_set is not None:
            self._discard(target, target.change_set)
        self._make_change_set(target, inputs)
        target.require_shown(shown)

    def _discard(self, target: Target, change_set: ChangeSet) -> None:
        target.change_set = None
        self._change_sets(target.region).discard(change_set, with_stack=target.state.status == ABSENT)

    def _execute(self, target: Target, change_set: ChangeSet) -> None:
        client = self._clients.client("cloudformation", target.region)
        state = StackState(target.name, target.region, target.state.status, change_set.stack_id)
        where = f"--region {state.region} --stack-name {state.name}"
        cancel = f"`aws cloudformation cancel-update-stack {where}` cancels it."
        if state.is_new:
            cancel = "Once it ended, `eventfw destroy` takes it away again."
        follower = Follower(client, state, self._report, self._clients.endpoint_url, cancel=cancel)
        self._change_sets(target.region).execute(change_set)
        target.change_set = None
        ended = follower.until_ended()
        if ended.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
            raise DeployError(self._failure(target, state, ended), place=target.name)
        target.state = read_state(self._clients, target.name, target.region)

    def _failure(self, target: Target, state: StackState, ended: Ended) -> str:
        details = self._change_sets(target.region).validation_errors(StackName=state.id) if ended.invalid else []
        left = {
            "UPDATE_ROLLBACK_COMPLETE": "The stack is what it was before",
            "ROLLBACK_COMPLETE": "What was created was removed again",
        }.get(ended.status, f"The stack is left {ended.status}")
        done = [earlier.name for earlier in target.earlier]
        kept = f"; {', '.join(done)} stays deployed" if done else ""
        return (
            f"The deployment failed. {ended.why()}"
            + "".join(f"\n  {line}" for line in details)
            + f"\n{left}{kept}. Mend this and deploy again."
        )

    def _remove_failed_creation(self, target: Target) -> None:
        """A stack whose creation failed holds nothing, and CloudFormation updates no such stack."""
        client = self._clients.client("cloudformation", target.region)
        follower = Follower(
            client, target.state, self._report, self._clients.endpoint_url, cancel="Deploy again once it ended."
        )
        with aws_errors(f"removing the failed stack {target.name}", self._clients.endpoint_url):
            client.delete_stack(StackName=target.state.id)
        ended = follower.until_ended()
        if ended.status != "DELETE_COMPLETE":
            raise DeployError(f"What a failed creation left could not be removed. {ended.why()}", place=target.name)
        target.state = StackState(target.name, target.region)
