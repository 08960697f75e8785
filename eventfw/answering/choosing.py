"""Choosing: sources that send many kinds of events to one function, of which each handler takes some."""

from __future__ import annotations

from ..options import printable
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort


class Choosing(Trigger):
    """A trigger that asks for exact values of some fields of an event. Of all that take an event, the one that asks for
    most gets it, so a handler that asks for little takes what the others leave."""

    choices: tuple[str, ...] = ()
    """What can be asked for: the names of attributes, ``None`` where every value is taken."""

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        """What an event says of each of ``choices``."""
        raise NotImplementedError

    @property
    def asked(self) -> tuple[str | None, ...]:
        """What is asked for, in the order of ``choices``."""
        return tuple(getattr(self, name) for name in self.choices)

    def mismatch(self, raw: Any) -> str:
        for name, wanted, said in zip(self.choices, self.asked, self.told(raw), strict=True):
            if wanted is not None and said != wanted:
                return f"{name} `{printable(said)}` is not `{wanted}`"
        return ""

    @classmethod
    def index(cls, triggers: Sequence[Choosing]) -> Finder:
        """By the values asked for, the most first."""
        table: dict[tuple[str | None, ...], list[int]] = {}
        for position, trigger in enumerate(triggers):
            table.setdefault(trigger.asked, []).append(position)
        forms = sorted({tuple(value is not None for value in key) for key in table}, key=sum, reverse=True)

        def find(raw: Any) -> list[int]:
            told, most = cls.told(raw), 0
            found: list[int] = []
            for form in forms:
                if found and sum(form) < most:
                    break
                if any(on and said is None for said, on in zip(told, form, strict=True)):
                    continue
                hits = table.get(tuple(said if on else None for said, on in zip(told, form, strict=True)))
                if hits:
                    found += hits
                    most = sum(form)
            return found

        return Finder(find, exact=True)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        if not isinstance(other, Choosing) or type(other) is not type(self):
            return None
        pairs = list(zip(self.choices, self.asked, other.asked, strict=True))
        apart = any(one is not None and two is not None and one != two for _, one, two in pairs)
        if apart or sum(one is None for _, one, _ in pairs) != sum(two is None for _, _, two in pairs):
            return None
        fields = {name: one if two is None else two for name, one, two in pairs}
        found: dict[str, Any] = self.sample(**{name: value for name, value in fields.items() if value is not None})
        return found


def only_one(trigger: Trigger, function: Function, template: Template, permission: str, source: str) -> None:
    """Refuse a second function for a source that invokes one. ``permission`` is the logical id of its permission."""
    if template.has(permission) and template.properties(permission)["FunctionName"] != template.function_arn(function):
        raise trigger.refused(
            f"{source} invokes one function, and its handlers are in several. Write @app.function({function.name!r}) "
            f"above each of them."
        )
