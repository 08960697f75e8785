"""PatternSet: which of thousands of patterns take an event, without trying each.

Every branch of a pattern is filed under one of its fields, the one that the fewest other branches share, in a form that
a value of an event leads to directly: a dictionary for exact values, prefixes, suffixes, addresses and parts of
wildcards, a tree for ranges of numbers. An event's values then lead to a few candidates, and only those are tried.
"""

from __future__ import annotations

from .fields import Wanted, satisfied
from .matchers import Addresses, AnyCase, Prefix, Range, Suffix, Wildcard, address
from .pattern import EventPattern, as_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from .fields import Field, Scalars

    Key = tuple[Any, ...]

_GRAM = 3  # characters of the part of a wildcard that it is filed under


class PatternSet:
    """Patterns, by their position. A dict or a JSON text among them becomes an :class:`EventPattern`."""

    def __init__(self, patterns: Iterable[EventPattern | Mapping[str, Any] | str]) -> None:
        self.patterns = [each if isinstance(each, EventPattern) else EventPattern(each) for each in patterns]
        self._branches = [
            (position, branch) for position, pattern in enumerate(self.patterns) for branch in pattern.ordered
        ]
        self._wanted = Wanted(name for _, branch in self._branches for name, _ in branch)
        self._always: list[int] = []
        self._index: dict[str, _Name] = {}
        self._file()

    def __len__(self) -> int:
        return len(self.patterns)

    def matching(self, event: Mapping[str, Any] | str) -> list[int]:
        """The positions of the patterns that take an event, ascending.

        Raises RuleError for what is no JSON object, as :meth:`EventPattern.matches` does.
        """
        scalars = self._wanted.of(as_event(event))
        found = set()
        for number in self._candidates(scalars):
            position, branch = self._branches[number]
            if position not in found and satisfied(branch, scalars):
                found.add(position)
        return sorted(found)

    def _candidates(self, scalars: Scalars) -> set[int]:
        candidates = set(self._always)
        for name, values in scalars.items():
            index = self._index.get(name)
            if index is not None:
                candidates.update(index.anything)
                for value, _ in values:
                    index.collect(value, candidates)
        return candidates

    def _file(self) -> None:
        """File each branch under its rarest field, and each matcher of that under its rarest key."""
        leads = [[(name, _leads(field)) for name, field in branch] for _, branch in self._branches]
        counts: dict[tuple[str, Key], int] = {}
        for fields in leads:
            for name, choices in fields:
                for keys in choices:
                    for key in keys:
                        counts[name, key] = counts.get((name, key), 0) + 1
        for number, fields in enumerate(leads):
            best: tuple[int, str, list[Key]] | None = None
            for name, choices in fields:
                chosen = [min(keys, key=lambda key: counts[name, key]) for keys in choices]
                cost = sum(counts[name, key] for key in chosen)
                if chosen and (best is None or cost < best[0]):
                    best = cost, name, chosen
            if best is None:
                self._always.append(number)  # every field of it may be absent
                continue
            index = self._index.setdefault(best[1], _Name())
            for key in best[2]:
                index.add(key, number)
        for index in self._index.values():
            index.close()


def _leads(field: Field) -> list[list[Key]]:
    """What leads to a field: for each of its alternatives some keys, of which one is enough. Nothing for absence."""
    if field.absent:
        return []
    return [[("is", 0, token)] for token in field.tokens] + [_keys(matcher) for matcher in field.matchers]


def _keys(matcher: Any) -> list[Key]:
    """``(how, length, what)``, or a range itself; ``("any",)`` where only the field's presence leads there."""
    if isinstance(matcher, (Prefix, Suffix)) and matcher.text:
        return [("prefix" if isinstance(matcher, Prefix) else "suffix", len(matcher.text), matcher.text)]
    if isinstance(matcher, AnyCase) and matcher.text and matcher.text.isascii():
        return [(f"any-case {matcher.part}", len(matcher.text), matcher.text.lower())]
    if isinstance(matcher, Addresses):
        low, high = int.from_bytes(matcher.low, "big"), int.from_bytes(matcher.high, "big")
        bits = (low ^ high).bit_length()
        return [("address", bits, (len(matcher.low), low >> bits))]
    if isinstance(matcher, Range):
        start = float("-inf") if matcher.low is None else matcher.low
        end = float("inf") if matcher.high is None else matcher.high
        return [("is", 0, start) if start == end else ("range", start, end)]
    return _wildcard_keys(matcher.segments) if isinstance(matcher, Wildcard) else [("any",)]


def _wildcard_keys(segments: list[str]) -> list[Key]:
    if len(segments) == 1:
        return [("is", 0, segments[0])]
    parts = {segment[at : at + _GRAM] for segment in segments for at in range(len(segment) - _GRAM + 1)}
    keys: list[Key] = [("part", _GRAM, part) for part in sorted(parts)]
    keys += [("prefix", len(segments[0]), segments[0])] * bool(segments[0])
    keys += [("suffix", len(segments[-1]), segments[-1])] * bool(segments[-1])
    return keys or [("any",)]


class _Name:
    """The branches filed under one name."""

    def __init__(self) -> None:
        self.exact: dict[Any, list[int]] = {}
        self.tables: dict[tuple[str, int], dict[Any, list[int]]] = {}
        self.anything: list[int] = []
        self._intervals: list[tuple[float, float, int]] = []
        self._tops: list[float] = []

    def add(self, key: Key, number: int) -> None:
        how = key[0]
        if how == "any":
            self.anything.append(number)
        elif how == "range":
            self._intervals.append((key[1], key[2], number))
        elif how == "is":
            self.exact.setdefault(key[2], []).append(number)
        else:
            self.tables.setdefault((how, key[1]), {}).setdefault(key[2], []).append(number)

    def close(self) -> None:
        """Sort the ranges into a balanced tree: the middle of every part is its root, with the part's highest end."""
        self._intervals.sort()
        self._tops = [0.0] * len(self._intervals)
        pending = [(0, len(self._intervals), False)]
        while pending:  # children before parents
            start, end, done = pending.pop()
            if start >= end:
                continue
            middle = (start + end) // 2
            if not done:
                pending += [(start, end, True), (start, middle, False), (middle + 1, end, False)]
                continue
            below = [self._tops[(a + b) // 2] for a, b in ((start, middle), (middle + 1, end)) if a < b]
            self._tops[middle] = max([self._intervals[middle][1], *below])

    def collect(self, value: Any, candidates: set[int]) -> None:
        """Add the branches that a value leads to."""
        exact = self.exact.get(value)
        if exact:
            candidates.update(exact)
        if type(value) is str:
            for (how, length), table in self.tables.items():
                for key in _LEADS[how](value, length):
                    if key in table:
                        candidates.update(table[key])
        elif type(value) is float and self._intervals:
            candidates.update(self._around(value))

    def _around(self, value: float) -> Iterator[int]:
        pending = [(0, len(self._intervals))]
        while pending:
            start, end = pending.pop()
            middle = (start + end) // 2
            if start >= end or self._tops[middle] < value:
                continue
            low, high, number = self._intervals[middle]
            pending.append((start, middle))
            if low <= value:
                pending.append((middle + 1, end))
                if value <= high:
                    yield number


def _address_key(value: str, bits: int) -> list[Any]:
    given = address(value)
    return [] if given is None else [(len(given), int.from_bytes(given, "big") >> bits)]


_LEADS: dict[str, Any] = {  # how a string leads to the keys of a table
    "prefix": lambda value, length: (value[:length],),
    "suffix": lambda value, length: (value[-length:],),
    "any-case whole": lambda value, length: (value.lower(),),
    "any-case prefix": lambda value, length: (value[:length].lower(),),
    "any-case suffix": lambda value, length: (value[-length:].lower(),),
    "address": _address_key,
    "part": lambda value, length: {value[at : at + length] for at in range(len(value) - length + 1)},
}
