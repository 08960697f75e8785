"""A plan and the outputs of a deployment, in lines for a person."""

from __future__ import annotations

from eventfw.tools.deploy.plan import Action, Change, Plan, StackPlan
from eventfw.tools.deploy.report import Reporter, Style

_MARKS: dict[Action, tuple[str, Style]] = {
    "replace": ("!", "bad"),
    "remove": ("-", "bad"),
    "change": ("~", "warn"),
    "adopt": ("=", "good"),
    "add": ("+", "good"),
}
_COUNTS: tuple[tuple[Action, str], ...] = (
    ("add", "to add"),
    ("adopt", "to adopt"),
    ("change", "to change"),
    ("replace", "to REPLACE"),
    ("remove", "to remove"),
)


def show_plan(plan: Plan, report: Reporter) -> None:
    """Print what will happen, stack by stack, with what deserves a look marked."""
    for stack in plan.stacks:
        report.note(f"{stack.stack} ({stack.region}): {_summary(stack)}", "strong")
        width = max((len(change.logical_id) for change in stack.changes), default=0)
        kinds = max((len(change.type) for change in stack.changes), default=0)
        for change in stack.changes:
            mark, style = _MARKS[change.action if change.certain or change.is_data else "change"]
            line = f"  {mark} {change.logical_id:<{width}}  {change.type:<{kinds}}  {_remark(change)}"
            report.note(line.rstrip(), style)
        if stack.follows and not stack.is_new:
            report.note(
                f"  takes outputs of {', '.join(stack.follows)}, which is deployed first; anything then to be "
                "removed or replaced that is not listed here stops the deployment",
                "dim",
            )


def show_outputs(outputs: dict[str, dict[str, str]], report: Reporter) -> None:
    """Print the outputs of every stack, URLs first: the stack that has one, and within it."""
    with_url = {stack: any(_is_url(*item) for item in values.items()) for stack, values in outputs.items()}
    for stack, values in sorted(outputs.items(), key=lambda item: not with_url[item[0]]):
        width = max((len(name) for name in values), default=0)
        if values:
            report.note(f"{stack}:", "strong")
        for name, value in ordered_outputs(values).items():
            report.note(f"  {name:<{width}}  {value}")


def ordered_outputs(values: dict[str, str]) -> dict[str, str]:
    """The outputs of a stack, URLs first, then by name."""
    return dict(sorted(values.items(), key=lambda item: (not _is_url(item[0], item[1]), item[0])))


def _is_url(name: str, value: str) -> bool:
    return value.startswith(("http://", "https://")) and "queue" not in name.lower()


def _summary(stack: StackPlan) -> str:
    counts = [f"{stack.count(action)} {words}" for action, words in _COUNTS if stack.count(action)]
    if stack.outputs_only:
        counts.append("outputs or tags change")
    return ", ".join(counts) or ("follows what is before it" if stack.follows else "nothing to change")


def _remark(change: Change) -> str:
    parts: list[str] = []
    names = ", ".join(change.properties)
    if change.action == "replace":
        parts.append(f"{'REPLACED' if change.certain else 'MAY BE REPLACED'}{f' by {names}' if names else ''}")
        if change.is_data:
            fate = "is DELETED" if change.loses else f"stays{_at(change)}, outside the stack"
            parts.append(f"DATA: the new one is empty; the old one {fate}")
    elif change.action == "remove" and change.is_data:
        parts.append("DATA: is DELETED" if change.loses else f"DATA: leaves the stack and is kept{_at(change)}")
    elif change.action == "adopt":
        parts.append(f"there already, taken over with its data{_at(change)}")
    elif names:
        parts.append(names if change.certain else f"{names} (replacement not known yet)")
    if change.is_permission:
        parts.append("[permissions]")
    return "; ".join(parts)


def _at(change: Change) -> str:
    return f" as {change.physical_id}" if change.physical_id else ""
