"""The scalars of an event by name, and whether one event satisfies all fields of a pattern at once.

A name is the path to a scalar, its steps joined with dots; lists add no step. Of an event with lists of objects, two
fields must be satisfied by the *same* object of a list (AWS calls it array consistency), so every scalar carries its
place: which lists it is in, and in which element of each.
"""

from __future__ import annotations

from ..errors import RuleError
from .reading import DEEPEST, Members, token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

    from .matchers import Matcher

    Place = tuple[tuple[int, int], ...]
    Scalars = dict[str, list[tuple[Any, Place]]]

#: Ways to combine elements of several lists that are looked at before giving up.
COMBINATIONS_MAX = 20_000


class Field:
    """What a pattern wants of one name: one of ``tokens``, what one of ``matchers`` takes, or nothing at all."""

    __slots__ = ("absent", "matchers", "tokens")

    def __init__(self, tokens: Collection[Any], matchers: Collection[Matcher], absent: bool) -> None:
        self.tokens = frozenset(tokens)
        self.matchers = tuple(matchers)
        self.absent = absent

    def test(self, value: Any) -> bool:
        """Whether a scalar will do."""
        return value in self.tokens or any(matcher.test(value) for matcher in self.matchers)


class Wanted:
    """The names that patterns ask for, and every beginning of them, so that nothing else is looked into."""

    __slots__ = ("inner", "names")

    def __init__(self, names: Iterable[str]) -> None:
        self.names = set(names)
        self.inner: set[str] = set()
        for name in self.names:
            end = name.find(".")
            while end >= 0:
                self.inner.add(name[:end])
                end = name.find(".", end + 1)

    def of(self, event: dict[str, Any] | Members) -> Scalars:
        """The scalars of an event that have a wanted name. Raises RuleError for one nested over 1000 levels deep."""
        names, inner = self.names, self.inner
        found: Scalars = {}
        pending: list[tuple[Any, str | None, Place]] = [(event, None, ())]
        lists = 0
        while pending:
            node, above, place = pending.pop()
            for key, value in node.items() if type(node) is dict else node:
                name = key if above is None else f"{above}.{key}"
                kind = type(value)
                if kind is dict or kind is Members:
                    if name in inner:
                        pending.append((value, name, place))
                elif kind is list or kind is tuple:
                    if name in inner or name in names:
                        lists = _elements(value, name, place, lists, self, found, pending)
                elif name in names:
                    found.setdefault(name, []).append((token(value), place))
        return found


def _elements(
    values: Sequence[Any], name: str, place: Place, lists: int, wanted: Wanted, found: Scalars, pending: list[Any]
) -> int:
    """Take up the elements of a list, and of the lists in it. Returns how many lists there have been."""
    nested: list[tuple[Sequence[Any], Place]] = [(values, place)]
    while nested:
        elements, outer = nested.pop()
        lists += 1
        if len(outer) > DEEPEST:
            raise RuleError(f"The event is nested over {DEEPEST} levels deep. Flatten it.")
        for index, value in enumerate(elements):
            kind = type(value)
            if kind is dict or kind is Members:
                if name in wanted.inner:
                    pending.append((value, name, (*outer, (lists, index))))
            elif kind is list or kind is tuple:
                nested.append((value, (*outer, (lists, index))))
            elif name in wanted.names:  # a scalar's own list does not count: any of its elements will do
                found.setdefault(name, []).append((token(value), outer))
    return lists


def satisfied(branch: Sequence[tuple[str, Field]], scalars: Scalars) -> bool:
    """Whether an event's scalars satisfy all fields of a branch, which are sorted by name, at once.

    Raises RuleError where the answer would take too many combinations of list elements.
    """
    placed = False
    for name, field in branch:
        values = scalars.get(name)
        if values is None:
            if not field.absent:
                return False
            continue
        fits = False
        for value, place in values:
            if place:
                placed = True
            if not fits and field.test(value):
                fits = True
        if not fits and not (field.absent and all(place for _, place in values)):
            return False
    return not placed or _consistent(branch, scalars)


def _consistent(branch: Sequence[tuple[str, Field]], scalars: Scalars) -> bool:
    """Field by field: the sets of list elements that satisfy all fields so far."""
    last = {
        number: at for at, (name, _) in enumerate(branch) for _, place in scalars.get(name, ()) for number, _ in place
    }
    states: set[Place] = {()}
    for at, (name, field) in enumerate(branch):
        values = scalars.get(name, ())
        fitting = _tree(place for value, place in values if field.test(value))
        anything = _tree(place for _, place in values) if field.absent else None
        reached: set[Place] = set()
        for state in states:
            chosen = dict(state)
            ends = _agreeing(fitting, chosen)
            if anything is not None and not _agreeing(anything, chosen, once=True):
                ends.append(())
            for place in ends:
                merged = {**chosen, **dict(place)} if place else chosen
                # what no later field asks about does not tell two states apart
                reached.add(tuple(sorted(pair for pair in merged.items() if last[pair[0]] > at)))
            if len(reached) > COMBINATIONS_MAX:
                raise RuleError(f"The event combines more than {COMBINATIONS_MAX} list elements in the field {name!r}.")
        states = reached
        if not states:
            return False
    return True


def _tree(places: Iterable[Place]) -> dict[Any, Any]:
    """Places as a tree: list number, then element, then what is in it; ``None`` marks a place that ends there."""
    root: dict[Any, Any] = {}
    for place in places:
        node = root
        for number, index in place:
            node = node.setdefault(number, {}).setdefault(index, {})
        node[None] = place
    return root


def _agreeing(tree: dict[Any, Any], chosen: dict[int, int], *, once: bool = False) -> list[Place]:
    """The places of a tree that take no other element of a list than the one chosen; only one of them when ``once``."""
    found: list[Place] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        for number, elements in node.items():
            if number is None:
                found.append(elements)
                if once:
                    return found
            elif number in chosen:
                if chosen[number] in elements:
                    pending.append(elements[chosen[number]])
            else:
                pending.extend(elements.values())
    return found
