"""The plan: what a deployment adds, changes, replaces and removes, and what of it deserves a second look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from eventfw.tools.deploy.data import Template, data_ids

Action = Literal["replace", "remove", "change", "adopt", "add"]

_ACTIONS: dict[str, Action] = {"Add": "add", "Modify": "change", "Remove": "remove", "Import": "adopt"}
_ORDER: tuple[Action, ...] = ("replace", "remove", "change", "adopt", "add")

_PERMISSIONS = frozenset(
    {
        "AWS::Events::EventBusPolicy",
        "AWS::KMS::Key",
        "AWS::Lambda::LayerVersionPermission",
        "AWS::Lambda::Permission",
        "AWS::Lambda::Url",
        "AWS::Logs::ResourcePolicy",
        "AWS::S3::AccessPointPolicy",
        "AWS::S3::BucketPolicy",
        "AWS::SNS::TopicInlinePolicy",
        "AWS::SNS::TopicPolicy",
        "AWS::SQS::QueueInlinePolicy",
        "AWS::SQS::QueuePolicy",
        "AWS::SecretsManager::ResourcePolicy",
    }
)
#: What no update replaces, whatever changes in it. The embedded AWS does not know, and says Conditional.
_NEVER_REPLACED = frozenset({"AWS::CloudFront::Distribution"})


@dataclass(frozen=True)
class Change:
    """One resource that a deployment touches.

    ``certain`` is False where CloudFormation decides on the way whether a changed resource is replaced.
    ``is_data`` marks a resource the template retains, ``is_permission`` one that says who may do what. ``loses`` is
    CloudFormation's word that the resource there is now will be deleted, not kept.
    """

    action: Action
    logical_id: str
    type: str
    physical_id: str = ""
    properties: tuple[str, ...] = ()
    certain: bool = True
    is_data: bool = False
    loses: bool = False

    @property
    def is_permission(self) -> bool:
        return self.type.startswith("AWS::IAM::") or self.type in _PERMISSIONS

    def as_json(self) -> dict[str, Any]:
        """The change for ``--json``."""
        return {
            "action": self.action,
            "logical_id": self.logical_id,
            "type": self.type,
            "physical_id": self.physical_id,
            "properties": list(self.properties),
            "certain": self.certain,
            "data": self.is_data,
            "loses": self.loses,
            "permission": self.is_permission,
        }


@dataclass(frozen=True)
class StackPlan:
    """What happens to one stack.

    ``follows`` names the earlier stacks whose outputs this one takes and that change first; ``outputs_only`` is a
    change of outputs or tags alone.
    """

    stack: str
    region: str
    changes: tuple[Change, ...] = ()
    follows: tuple[str, ...] = ()
    is_new: bool = False
    outputs_only: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.changes) or self.outputs_only

    def count(self, action: Action) -> int:
        """How many of its changes have an action."""
        return sum(change.action == action for change in self.changes)

    def destructive(self) -> set[tuple[str, str]]:
        """What a plan must have shown before it may happen: removals and replacements."""
        return {(change.action, change.logical_id) for change in self.changes if change.action in ("remove", "replace")}

    def as_json(self) -> dict[str, Any]:
        """The plan of the stack for ``--json``."""
        return {
            "stack": self.stack,
            "region": self.region,
            "new": self.is_new,
            "follows": list(self.follows),
            "outputs_only": self.outputs_only,
            "changes": [change.as_json() for change in self.changes],
        }


@dataclass(frozen=True)
class Plan:
    """What happens to every stack of a stage, in deploy order."""

    stacks: tuple[StackPlan, ...]

    @property
    def changed(self) -> bool:
        return any(stack.changed for stack in self.stacks)


def from_change_set(changes: list[dict[str, Any]], before: Template, after: Template) -> tuple[Change, ...]:
    """The plan in DescribeChangeSet's ``Changes``."""
    data = data_ids(before) | data_ids(after)
    items = [item["ResourceChange"] for item in changes if "ResourceChange" in item]
    replaced = {item["LogicalResourceId"] for item in items if item.get("Replacement") == "True"}
    return ordered([_change(item, data, replaced) for item in items])


def from_templates(before: Template, after: Template) -> tuple[Change, ...]:
    """The plan read off two templates, where CloudFormation cannot be asked yet; replacements are not known."""
    old, new, data = before.get("Resources", {}), after.get("Resources", {}), data_ids(before) | data_ids(after)
    found: list[Change] = []
    for logical_id in old.keys() | new.keys():
        was, now = old.get(logical_id), new.get(logical_id)
        action: Action = "add" if was is None else "remove" if now is None else "change"
        if was == now:
            continue
        names = _differing(was.get("Properties", {}), now.get("Properties", {})) if was and now else ()
        found.append(
            Change(
                action,
                logical_id,
                (now or was)["Type"],
                properties=names,
                certain=action != "change",
                is_data=logical_id in data,
            )
        )
    return ordered(found)


def _change(item: dict[str, Any], data: set[str], replaced: set[str]) -> Change:
    action = _ACTIONS.get(item["Action"], "change")
    replacement = item.get("Replacement")
    if replacement == "Conditional" and (item["ResourceType"] in _NEVER_REPLACED or _only_follows(item, replaced)):
        replacement = "False"
    if action == "change" and replacement in ("True", "Conditional"):
        action = "replace"
    return Change(
        action=action,
        logical_id=item["LogicalResourceId"],
        type=item["ResourceType"],
        physical_id=item.get("PhysicalResourceId", ""),
        properties=_properties(item, action),
        certain=replacement != "Conditional",
        is_data=item["LogicalResourceId"] in data,
        loses=item.get("PolicyAction", "").endswith("Delete"),
    )


def _only_follows(item: dict[str, Any], replaced: set[str]) -> bool:
    """Whether it could be replaced only if something it refers to were, and that keeps its identity.

    CloudFormation cannot tell in advance what a changed resource's Ref or GetAtt will be, and says Conditional of all
    that refers to it: of every permission and route, whenever a function's code changes.
    """
    forcing = [
        detail
        for detail in item.get("Details", [])
        if detail.get("Target", {}).get("RequiresRecreation") in ("Always", "Conditionally")
    ]
    return bool(forcing) and all(
        detail.get("ChangeSource") in ("ResourceReference", "ResourceAttribute")
        and detail.get("CausingEntity", "").partition(".")[0] not in replaced
        for detail in forcing
    )


def _properties(item: dict[str, Any], action: Action) -> tuple[str, ...]:
    """The changed properties; of a replaced resource, those that force it."""
    targets = [detail.get("Target", {}) for detail in item.get("Details", [])]
    if action == "replace":
        forcing = [target for target in targets if target.get("RequiresRecreation") in ("Always", "Conditionally")]
        targets = forcing or targets
    return tuple(sorted({target.get("Name") or target.get("Attribute", "") for target in targets} - {""}))


def _differing(old: dict[str, Any], new: dict[str, Any]) -> tuple[str, ...]:
    return tuple(sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name)))


def ordered(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes as a plan shows them: what replaces and removes first."""
    return tuple(sorted(changes, key=lambda change: (_ORDER.index(change.action), change.logical_id)))
