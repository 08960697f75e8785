"""One stack on its way: what it should be, what it is, and what lies between the two."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.deploy.changeset import ChangeSet, Request
from eventfw.tools.deploy.data import Template
from eventfw.tools.deploy.kept import Resource
from eventfw.tools.deploy.plan import StackPlan, from_change_set, from_templates, ordered
from eventfw.tools.deploy.stacks import FAILED_CREATION, StackState


@dataclass(eq=False)
class Target:
    """A stack of the artifacts in its region.

    ``earlier`` are the stacks deployed before it: a parameter named like an output of theirs is filled from it.
    ``before`` is the template that is deployed now, empty when none is. ``values`` are the parameters that the
    change set, if there is one, was made with. ``adopted`` is kept data that is taken back by its id before.
    """

    name: str
    region: str
    template: Template
    source: dict[str, str]
    state: StackState
    before: Template
    earlier: list[Target]
    values: dict[str, str] = field(default_factory=dict)
    change_set: ChangeSet | None = None
    plan: StackPlan | None = None
    adopted: dict[str, Resource] = field(default_factory=dict)

    @property
    def failed_creation(self) -> bool:
        """Whether all there is of it is a creation that failed: it holds nothing, and must go before the next."""
        return self.state.status == FAILED_CREATION

    @property
    def must_change(self) -> bool:
        """Whether its plan announces something."""
        return self.plan is not None and self.plan.changed

    def inputs(self) -> dict[str, str] | None:
        """The parameters that earlier stacks' outputs fill; None while one of them is not known yet."""
        values: dict[str, str] = {}
        for earlier in self.earlier:
            for name in self._taken_from(earlier):
                if name not in earlier.state.outputs:
                    return None
                values[name] = earlier.state.outputs[name]
        return values

    def request(self, values: dict[str, str], tags: list[dict[str, str]]) -> Request:
        """What CreateChangeSet is told; a parameter that nothing fills is refused."""
        declared = self._parameters()
        rest = [name for name in declared if name not in values]
        previous = tuple(name for name in rest if name in self.state.parameters)
        missing = [name for name in rest if name not in previous and "Default" not in declared[name]]
        if missing:
            raise DeployError(
                f"The template's parameters {', '.join(missing)} have no value: no earlier stack has an output of "
                "that name. Give them a Default.",
                place=self.name,
            )
        return Request(self.template, self.source, values, previous, tags)

    def plan_from_templates(self) -> StackPlan:
        """The plan before a change set can be made: an input is not known yet, or a failed creation is in the way."""
        changes = from_templates({} if self.failed_creation else self.before, self.template)
        changes = ordered(
            replace(change, action="adopt", physical_id=self.adopted[change.logical_id].physical_id)
            if change.logical_id in self.adopted
            else change
            for change in changes
        )
        is_new = self.state.is_new or self.failed_creation
        return StackPlan(self.name, self.region, changes, self._follows(), is_new=is_new)

    def plan_from(self, made: ChangeSet) -> StackPlan:
        """The plan that a change set is."""
        changes = from_change_set(made.changes, self.before, self.template)
        outputs_only = not made.empty and not changes
        return StackPlan(
            self.name, self.region, changes, self._follows(), is_new=self.state.is_new, outputs_only=outputs_only
        )

    def require_shown(self, shown: StackPlan | None) -> None:
        """Refuse to remove or replace what the plan that was agreed to did not show."""
        agreed = shown.destructive() if shown else set()
        surprises = sorted(self.plan.destructive() - agreed) if self.plan else []
        if surprises:
            listed = ", ".join(f"{action} {logical_id}" for action, logical_id in surprises)
            raise DeployError(
                f"With the new outputs of the stacks before it, {self.name} would also {listed}, which the plan did "
                "not show. That stack was left as it is. Deploy again to see the whole plan.",
                place=self.name,
            )

    def _parameters(self) -> dict[str, Any]:
        declared: dict[str, Any] = self.template.get("Parameters", {})
        return declared

    def _taken_from(self, earlier: Target) -> set[str]:
        return set(earlier.template.get("Outputs", {})) & set(self._parameters())

    def _follows(self) -> tuple[str, ...]:
        """The earlier stacks that change and whose outputs this one takes."""
        return tuple(earlier.name for earlier in self.earlier if earlier.must_change and self._taken_from(earlier))
