"""Event patterns: which events an EventBridge rule takes.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
"""

from __future__ import annotations

from ..errors import RuleError
from .dialects import EVENTBRIDGE
from .fields import Trial, Wanted
from .grammar import compiled
from .reading import Members, as_text, loads, named, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .dialects import Dialect
    from .fields import Field


class EventPattern:
    """A checked event pattern.

    ``pattern`` is a dict, or the JSON text of one. ``dialect`` says whose operators it may use: EventBridge takes all.
    A value of an event that is a list matches when one of its elements does, and of lists of objects one object must
    satisfy all fields. Raises RuleError for what the service would refuse, with the path to the fault.
    """

    __slots__ = ("branches", "dialect", "ordered", "text", "wanted")

    def __init__(self, pattern: Mapping[str, Any] | str, *, dialect: Dialect = EVENTBRIDGE) -> None:
        self.dialect = dialect
        self.text, members = read(pattern, dialect)
        self.branches = compiled(members, dialect)
        self.ordered = [sorted(branch.items()) for branch in self.branches]
        self.wanted = Wanted(name for branch in self.branches for name in branch)

    def __repr__(self) -> str:
        return f"EventPattern({self.text})"

    def matches(self, event: Mapping[str, Any] | str) -> bool:
        """Whether an event (a dict, or its JSON text) is one the pattern asks for.

        Raises RuleError for text that is not a JSON object, and for an event that combines so many elements of lists
        that no answer is found in a bounded time.
        """
        return self._takes(Trial(self.wanted.of(as_event(event))))

    def _takes(self, trial: Trial) -> bool:
        return any(map(trial.satisfies, self.ordered))

    def mismatch(self, event: Mapping[str, Any] | str) -> str:
        """The first condition that an event fails, in words; empty when it matches. Raises as :meth:`matches` does."""
        trial = Trial(self.wanted.of(as_event(event)))
        if self._takes(trial):
            return ""
        faults = [_first_fault(branch, trial) for branch in self.branches[:3]]
        count = len(self.branches)
        if count == 1:
            return faults[0]
        return f"none of {count} alternatives fits: {'; '.join(dict.fromkeys(faults))}{'; ...' if count > 3 else ''}"


def read(pattern: Mapping[str, Any] | str, dialect: Dialect) -> tuple[str, Members]:
    """A pattern as ``(its JSON text, the members of its object)``."""
    text = as_text(pattern, "A pattern")
    if len(text) > dialect.longest:
        raise RuleError(
            f"{dialect.name} takes patterns of at most {dialect.longest} characters, not {len(text)}. "
            f"Shorten it, or split it."
        )
    members = loads(text, members=True)
    if not isinstance(members, Members):
        raise RuleError(f'A pattern is an object such as {{"source": ["my.app"]}}, not {shown(members)}.')
    return text, members


def as_event(event: Mapping[str, Any] | str) -> dict[str, Any] | Members:
    """An event as the dict that it is, or as the members of its JSON text: of a name that comes twice, both count."""
    value = loads(event, members=True) if isinstance(event, str) else event
    if not isinstance(value, (dict, Members)):
        raise RuleError(f"An event is a JSON object, not {shown(value)}.")
    return value


def _first_fault(branch: Mapping[str, Field], trial: Trial) -> str:
    for name, field in branch.items():
        values = trial.scalars.get(name)
        if values is None:
            if not field.absent:
                return f"`{named(name)}` is absent, wanted {wanted(field)}"
        elif not trial.fit(name, field):
            found = ", ".join(shown(value) for value, _ in values[:3]) + (", ..." if len(values) > 3 else "")
            return f"`{named(name)}` is {found}, wanted {wanted(field)}"
    names = ", ".join(f"`{named(name)}`" for name in branch)
    return f"no one element of a list satisfies all of {names}"


def wanted(field: Field) -> str:
    """What a field asks for, in words."""
    words = [*sorted(map(shown, field.tokens)), *map(str, field.matchers), *["absent"] * field.absent]
    return " or ".join(words[:4]) + (" or ..." if len(words) > 4 else "")
