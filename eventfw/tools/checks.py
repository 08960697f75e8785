"""What is wrong with an app's routing before any event comes: handlers that are ambiguous, shadowed or unreachable."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

from eventfw.rules.witness import Effort

if TYPE_CHECKING:
    from eventfw.app import App, Handler
    from eventfw.function import Function
    from eventfw.trigger import Trigger

AMBIGUOUS, SHADOWED, UNREACHABLE, UNCHECKED = "ambiguous", "shadowed", "unreachable", "unchecked"
DOUBTFUL = "doubtful"
#: Steps for the triggers of one function: enough for 300 rules, which is all that a bus has.
EFFORT = 5_000_000


@dataclass(frozen=True)
class Finding:
    """Something about one or two triggers that their author did not mean.

    ``kind`` is ``ambiguous`` (two triggers of one function take the same event), ``shadowed`` (others take every event
    before it), ``unreachable`` (no event is taken by it), ``unchecked`` (a function's patterns are too many or too
    involved to compare all of them) or ``doubtful`` (a resource that can be made, and may not be meant so). ``example``
    is an event that shows an ambiguity.
    """

    kind: str
    handlers: tuple[str, ...]
    place: str
    message: str
    example: dict[str, Any] | None = field(default=None, compare=False)

    @property
    def refused(self) -> bool:
        """Whether an app with it is not built."""
        return self.kind == AMBIGUOUS

    def row(self) -> dict[str, Any]:
        """The finding for scripts."""
        return {
            "kind": self.kind,
            "handlers": list(self.handlers),
            "place": self.place,
            "message": self.message,
            "refused": self.refused,
            "example": self.example,
        }


def check(app: App) -> list[Finding]:
    """Everything that is found, ambiguities first. Asking ends the app's registration."""
    found = [finding for function in app.functions.values() for finding in _ambiguous(function)]
    pairs = [(handler, trigger) for handler in app.handlers for trigger in handler.triggers]
    triggers = [trigger for _, trigger in pairs]
    for handler, trigger in pairs:
        shadow = trigger.shadow(triggers)
        if shadow:
            found.append(Finding(SHADOWED, (handler.name,), trigger.place, shadow))
        for fault in trigger.faults():
            found.append(Finding(UNREACHABLE, (handler.name,), trigger.place, fault))
    for resource in app.resources:
        found += [Finding(DOUBTFUL, (), resource.place, remark) for remark in resource.remarks()]
    return found


def _ambiguous(function: Function) -> Iterator[Finding]:
    """Pairs of triggers of one function that one event reaches. The source would invoke the function for each of them,
    and nothing in the event says which invocation is whose."""
    pairs = [(handler, trigger) for handler in function.handlers for trigger in handler.triggers]
    unmarked = {id(handler): (handler, trigger) for handler, trigger in reversed(pairs) if not trigger.kinds}
    for one, other in combinations(reversed(unmarked.values()), 2):
        yield _unmarked(function, one, other)
    effort = Effort(EFFORT)
    for one, other in combinations(pairs, 2):
        event = one[1].overlap(other[1], effort)
        if event is None and type(one[1]) is not type(other[1]):  # the later source may know of the earlier
            event = other[1].overlap(one[1], effort)
        if event is not None:
            yield _ambiguity(function, one, other, event)
        if effort.left < 0:
            yield _given_up(function)
            return


def _unmarked(function: Function, one: tuple[Handler, Trigger], other: tuple[Handler, Trigger]) -> Finding:
    (first, first_trigger), (second, second_trigger) = one, other
    message = (
        f"{second.name} ({second_trigger.title()}) and {first.name} ({first_trigger.title()}, at "
        f"{first_trigger.place}) are in one function, {function.name!r}, and nothing in their events tells them "
        f"apart. Give one of them a function of its own."
    )
    return Finding(AMBIGUOUS, (first.name, second.name), second_trigger.place, message)


def _given_up(function: Function) -> Finding:
    message = (
        f"The triggers of function {function.name!r} are too many or too involved to compare each with each: an event "
        f"may reach two of them. Give some of the handlers a function of their own."
    )
    return Finding(UNCHECKED, tuple(handler.name for handler in function.handlers), function.place, message)


def _ambiguity(
    function: Function, one: tuple[Handler, Trigger], other: tuple[Handler, Trigger], event: dict[str, Any]
) -> Finding:
    (first, first_trigger), (second, second_trigger) = one, other
    shown = json.dumps(event, ensure_ascii=True)
    if first is second:
        message = (
            f"Two triggers of {first.name}, here and at {first_trigger.place}, take the same event, which would run it "
            f"twice. Make them exclude one another, or write one for both. Such an event: {shown}"
        )
    else:
        message = (
            f"{second.name} and {first.name} (at {first_trigger.place}) are in one function, {function.name!r}, and "
            f"take the same event, which does not say for which of them the function was invoked. Give one of them a "
            f"function of its own, or make them exclude one another. Such an event: {shown}"
        )
    return Finding(AMBIGUOUS, (first.name, second.name), second_trigger.place, message, event)
