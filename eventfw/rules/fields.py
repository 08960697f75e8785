"""The scalars of an event by name, and whether one event satisfies all fields of a pattern at once.

A name is the path to a scalar, its steps joined with dots; lists add no step. Of an event with lists of objects, two
fields must be satisfied by the *same* object of a list (AWS calls it array consistency), so every scalar carries its
place: which lists it is in, and in which element of each.
"""

from __future__ import annotations

from ..errors import RuleError
from .matchers import AnythingBut
from .reading import DEEPEST, Members, named, token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

    from .matchers import Matcher

    Place = tuple[tuple[int, int], ...]
    Scalars = dict[str, list[tuple[Any, Place]]]
    Branch = Sequence[tuple[str, "Field"]]

#: Ways to combine elements of several lists that are kept at once before giving up.
COMBINATIONS_MAX = 20_000
#: Values compared and list elements combined, for one event and one pattern, before giving up.
STEPS_MAX = 4_000_000
#: The places of all objects in lists, each as many as it has lists around it.
PLACES_MAX = 1_000_000


class Field:
    """What a pattern wants of one name: one of ``tokens``, what one of ``matchers`` takes, or nothing at all.

    ``cost``: how many comparisons one value may take.
    """

    __slots__ = ("absent", "cost", "matchers", "tokens")

    def __init__(self, tokens: Collection[Any], matchers: Collection[Matcher], absent: bool) -> None:
        self.tokens = frozenset(tokens)
        self.matchers = tuple(matchers)
        self.absent = absent
        self.cost = 1 + sum(1 + len(one.matchers) if isinstance(one, AnythingBut) else 1 for one in self.matchers)

    def test(self, value: Any) -> bool:
        """Whether a scalar will do."""
        return value in self.tokens or any(matcher.test(value) for matcher in self.matchers)


class Wanted:
    """The names that patterns ask for, as a tree of their steps, so that nothing else is looked into.

    ``None`` leads from the last step of a name to the name.
    """

    __slots__ = ("root",)

    def __init__(self, names: Iterable[str]) -> None:
        self.root: dict[str | None, Any] = {}
        for name in dict.fromkeys(names):
            node = self.root
            for step in name.split("."):
                node = node.setdefault(step, {})
            node[None] = name

    def of(self, event: dict[str, Any] | Members) -> Scalars:
        """The scalars of an event that have a wanted name. Raises RuleError for lists over 1000 levels deep."""
        walk = _Walk()
        walk.pending.append((event, self.root, ()))
        while walk.pending:
            members, node, place = walk.pending.pop()
            for name, value in members.items() if isinstance(members, dict) else members:
                below = node.get(name) if type(name) is str and "." not in name else _below(node, name)
                if not below:
                    continue
                if isinstance(value, (dict, list, tuple)):
                    walk.take(value, below, place)
                elif None in below:
                    walk.found.setdefault(below[None], []).append((token(value), place))
        return walk.found


def _below(node: dict[str | None, Any], name: object) -> dict[str | None, Any] | None:
    """Where a name of several steps leads in the tree of wanted ones."""
    if not isinstance(name, str):
        return None  # no JSON
    below: dict[str | None, Any] | None = node
    for step in name.split("."):
        below = below.get(step)  # type: ignore[union-attr]
        if below is None:
            break
    return below


class _Walk:
    """A walk through an event: the scalars found, and the objects still to be looked into."""

    __slots__ = ("found", "lists", "pending", "places")

    def __init__(self) -> None:
        self.found: Scalars = {}
        self.pending: list[tuple[dict[str, Any] | Members, dict[str | None, Any], Place]] = []
        self.lists = 0
        self.places = 0

    def take(self, value: Any, node: dict[str | None, Any], place: Place) -> None:
        """Take up the value of a name that is wanted, or that a wanted one begins with."""
        if isinstance(value, (dict, Members)):
            if len(node) > (None in node):
                self.pending.append((value, node, place))
        elif isinstance(value, (list, tuple)):
            self._elements(value, node, place)
        elif None in node:
            self.found.setdefault(node[None], []).append((token(value), place))

    def _elements(self, values: Sequence[Any], node: dict[str | None, Any], place: Place) -> None:
        nested: list[tuple[Sequence[Any], Place]] = [(values, place)]
        while nested:
            elements, outer = nested.pop()
            self.lists += 1
            if len(outer) > DEEPEST:
                raise RuleError(f"The event is nested over {DEEPEST} levels deep. Flatten it.")
            for index, value in enumerate(elements):
                if isinstance(value, (list, tuple)) and not isinstance(value, Members):
                    nested.append((value, self._place(outer, index)))
                elif isinstance(value, (dict, Members)):
                    self.take(value, node, self._place(outer, index))
                else:  # a scalar's own list does not count: any of its elements will do
                    self.take(value, node, outer)

    def _place(self, outer: Place, index: int) -> Place:
        self.places += len(outer) + 1
        if self.places > PLACES_MAX:
            raise RuleError(f"The event has lists within lists of over {PLACES_MAX} places in all. Flatten it.")
        return (*outer, (self.lists, index))


class Fit:
    """What a field makes of an event's scalars of its name.

    ``places``: where the scalars are that will do, of those in lists; ``bare``: whether one in no list will do.
    ``present``: where any scalar is, for a field that may be absent.
    """

    __slots__ = ("bare", "places", "present")

    def __init__(self, field: Field, values: Sequence[tuple[Any, Place]]) -> None:
        self.bare = False
        self.places: list[Place] = []
        last: Place | None = None
        for value, place in values:
            if place is not last and field.test(value):  # one element of a list of scalars is enough
                last = place
                if place:
                    self.places.append(place)
                else:
                    self.bare = True
        self.present = [place for _, place in values] if field.absent else []

    def __bool__(self) -> bool:
        return self.bare or bool(self.places)


class Trial:
    """One event before one pattern: its scalars, what each field makes of them, and how much was looked at."""

    __slots__ = ("_fits", "_steps", "_taken", "scalars")

    def __init__(self, scalars: Scalars) -> None:
        self.scalars = scalars
        self._fits: dict[Field, Fit] = {}
        self._taken: dict[Field, bool] = {}
        self._steps = 0

    def fit(self, name: str, field: Field) -> Fit:
        """What a field makes of the scalars, found out once: branches share fields."""
        fit = self._fits.get(field)
        if fit is None:
            values = self.scalars.get(name, ())
            self._spend(len(values) * field.cost)
            fit = self._fits[field] = Fit(field, values)
        return fit

    def _takes(self, field: Field, value: Any) -> bool:
        """Whether the only scalar of a field's name will do."""
        taken = self._taken.get(field)
        if taken is None:
            taken = self._taken[field] = field.test(value)
        return taken

    def satisfies(self, branch: Branch) -> bool:
        """Whether the scalars satisfy all fields of a branch, which are sorted by name, at once.

        Raises RuleError where the answer would take too many combinations of list elements.
        """
        fields = []
        absent = False
        for name, field in branch:
            values = self.scalars.get(name)
            if values is None:
                if not field.absent:
                    return False
                continue
            if len(values) == 1 and not values[0][1]:  # in no list: there is nothing to choose
                if not self._takes(field, values[0][0]):
                    return False
                continue
            fit = self.fit(name, field)
            if not fit and not field.absent:
                return False
            absent = absent or field.absent
            fields.append((name, field, fit))
        if not absent:  # then a scalar in no list suits the others best
            fields = [each for each in fields if not each[2].bare]
        if len(fields) < 2:
            return not fields or bool(fields[0][2])
        return self._consistent(fields)

    def _consistent(self, fields: Sequence[tuple[str, Field, Fit]]) -> bool:
        """Field by field: the sets of list elements that satisfy all fields so far."""
        first: dict[int, int] = {}
        last: dict[int, int] = {}
        for at, (_, _, fit) in enumerate(fields):
            self._spend(len(fit.places) + len(fit.present))
            for place in (*fit.places, *fit.present):
                for number, _ in place:
                    first.setdefault(number, at)
                    last[number] = at
        states: set[Place] = {()}
        for at, (name, field, fit) in enumerate(fields):
            # what no later field asks about does not tell two states apart
            later = {number for number in last if last[number] > at}
            shared = {number for number in last if first[number] < at or last[number] > at}
            takes = _tree([*fit.places, *[()] * fit.bare], shared)
            there = _tree(fit.present, shared) if field.absent else None
            states = self._reached(states, takes, there, later, name)
            if not states:
                return False
        return True

    def _reached(
        self, states: set[Place], takes: dict[Any, Any], there: dict[Any, Any] | None, later: set[int], name: str
    ) -> set[Place]:
        """The states after one more field; one is enough where no later field asks about a list."""
        reached: set[Place] = set()
        for state in states:
            chosen = dict(state)
            ends = self._agreeing(takes, chosen)
            if there is not None and not self._agreeing(there, chosen, once=True):
                ends.append(())
            for place in ends:
                merged = {**chosen, **dict(place)}
                reached.add(tuple(sorted(pair for pair in merged.items() if pair[0] in later)))
            if reached and not later:
                break
            if len(reached) > COMBINATIONS_MAX:
                raise RuleError(f"The event combines more than {COMBINATIONS_MAX} list elements in {named(name)}.")
        return reached

    def _agreeing(self, tree: dict[Any, Any], chosen: dict[int, int], *, once: bool = False) -> list[Place]:
        """The places of a tree that take no other element of a list than the one chosen; only one when ``once``."""
        found: list[Place] = []
        pending = [tree]
        while pending:
            node = pending.pop()
            self._spend(1 + len(node))
            for number, elements in node.items():
                if number is None:
                    found.append(elements)
                    if once:
                        return found
                elif number not in chosen:
                    pending.extend(elements.values())
                elif chosen[number] in elements:
                    pending.append(elements[chosen[number]])
        return found

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > STEPS_MAX:
            raise RuleError(f"The event has so many list elements that an answer would take over {STEPS_MAX} steps.")


def _tree(places: Iterable[Place], shared: set[int]) -> dict[Any, Any]:
    """Places as a tree: list number, then element, then what is in it; ``None`` marks a place that ends there.

    Lists that are not ``shared``, which no other field asks about, are left out: any element of them will do.
    """
    root: dict[Any, Any] = {}
    for place in places:
        kept = tuple(pair for pair in place if pair[0] in shared)
        node = root
        for number, index in kept:
            node = node.setdefault(number, {}).setdefault(index, {})
        node[None] = kept
    return root
