"""Wildcards: what stands between their stars, and how complex they are to match.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html#eb-filtering-wildcard-matching
"""

from __future__ import annotations

from ..errors import RuleError
from .reading import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_STATES_MAX = 2000  # combinations of places that are looked at before what was found so far is the answer
STAR, OTHER = "", "any other"  # what no character of a wildcard is


def segments(text: str) -> list[str]:
    """What stands between the stars; ``\\*`` and ``\\\\`` are the characters themselves. Raises RuleError."""
    parts, current, index = [], "", 0
    while index < len(text):
        char = text[index]
        if char == "*":
            if text[index + 1 : index + 2] == "*":
                raise RuleError(f"two stars in a row mean no more than one: {shown(text)}. Remove one")
            parts.append(current)
            current = ""
        elif char == "\\":
            index += 1
            char = text[index : index + 1]
            if char not in ("*", "\\"):
                raise RuleError(f"a backslash stands before * or \\ only: {shown(text)}. Double it")
            current += char
        else:
            current += char
        index += 1
    return [*parts, current]


def complexity(wildcards: Sequence[Sequence[str]], enough: int) -> int:
    """At how many of their places at once the matching of a field's wildcards can be, for the worst text.

    It is what EventBridge limits. ``wildcards`` are their segments. A star is a place from when it is reached on; a
    character is one right after it was read. A place that several wildcards begin with counts for each of them. No more
    than ``enough`` is told apart.
    """
    quick = sum(map(_at_most, wildcards))
    if quick <= enough:
        return quick
    tree = _Tree(wildcards)
    begin = tree.closed({tree.step(0, '"')})
    pending, seen, most = [begin], {begin}, 0
    for active in pending:  # which grows meanwhile
        most = max(most, sum(tree.weights[place] for place in active))
        if most > enough or len(seen) > _STATES_MAX:
            break
        letters = {letter for place in active for letter in tree.after[place]} - {STAR}
        for letter in (*sorted(letters), OTHER):
            reached = {place for place in active if place in tree.stars}
            reached |= {tree.after[place][letter] for place in active if letter in tree.after[place]}
            closed = tree.closed(reached)
            if closed not in seen:
                seen.add(closed)
                pending.append(closed)
    return most


class _Tree:
    """The places of wildcards, those with the same beginning being one."""

    def __init__(self, wildcards: Sequence[Sequence[str]]) -> None:
        self.after: list[dict[str, int]] = [{}]
        self.stars: set[int] = set()
        self.weights = [0]
        for parts in wildcards:
            place = 0
            for char in ('"', *_chars(parts), '"'):
                place = self.step(place, char)
                self.weights[place] += 1

    def step(self, place: int, char: str) -> int:
        """The place after a character, or after a star."""
        to = self.after[place].setdefault(char, len(self.after))
        if to == len(self.after):
            self.after.append({})
            self.weights.append(0)
            if char == STAR:
                self.stars.add(to)
        return to

    def closed(self, places: set[int]) -> frozenset[int]:
        """Places, and the stars right after them, which may stand for nothing."""
        return frozenset(places | {self.after[place][STAR] for place in places if STAR in self.after[place]})


def _chars(parts: Sequence[str]) -> list[str]:
    chars = [*parts[0]]
    for part in parts[1:]:
        chars += [STAR, *part]
    return chars


def _at_most(parts: Sequence[str]) -> int:
    """A bound that is seen quickly: every star, and in every part as many places as its own beginnings overlap."""
    return len(parts) + sum(_overlap(part) for part in parts[1:]) + (1 if len(parts) > 1 else 0)


def _overlap(part: str) -> int:
    """How many beginnings of a text can end at one place: the longest chain of borders."""
    borders, depths, most = [0] * len(part), [1] * len(part), min(1, len(part))
    for at in range(1, len(part)):
        size = borders[at - 1]
        while size and part[at] != part[size]:
            size = borders[size - 1]
        if part[at] == part[size]:
            size += 1
            depths[at] = depths[size - 1] + 1
        borders[at] = size
        most = max(most, depths[at])
    return most
