"""PatternSet: which of thousands of patterns take an event, without trying each.

Every branch of a pattern is filed under one of its fields, the one that the fewest other branches share, in a form that
a value of an event leads to directly: a dictionary for exact values, prefixes, suffixes, addresses and parts of
wildcards, a tree for ranges of numbers. An event's values then lead to a few candidates, and only those are tried.
"""

from __future__ import annotations

from .fields import Trial, Wanted
from .matchers import Addresses, AnyCase, Prefix, Range, Suffix, Wildcard, address
from .pattern import EventPattern, as_event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
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
        self._always: list[int] = []  # branches that nothing leads to
        self._led: list[list[int]] = []  # branches by the field they are filed under
        self._index: dict[str, _Name] = {}
        self._file()

    def __len__(self) -> int:
        return len(self.patterns)

    def matching(self, event: Mapping[str, Any] | str) -> list[int]:
        """The positions of the patterns that take an event, ascending.

        Raises RuleError for what is no JSON object, as :meth:`EventPattern.matches` does.
        """
        scalars = self._wanted.of(as_event(event))
        found: list[int] = []
        position, trial = -1, Trial(scalars)
        for number in sorted(self._candidates(scalars)):
            previous, (position, branch) = position, self._branches[number]
            if found and found[-1] == position:
                continue
            if position != previous:
                trial = Trial(scalars)
            if trial.satisfies(branch):
                found.append(position)
        return found

    def _candidates(self, scalars: Scalars) -> set[int]:
        led: set[int] = set()
        for name, values in scalars.items():
            index = self._index.get(name)
            if index is not None:
                led.update(index.anything)
                for value, _ in values:
                    index.collect(value, led)
        candidates = set(self._always)
        for lead in led:
            candidates.update(self._led[lead])
        return candidates

    def _file(self) -> None:
        """File each branch under its rarest field, and each matcher of that under its rarest key."""
        uses: dict[tuple[str, Field], int] = {}
        for _, branch in self._branches:
            for pair in branch:
                uses[pair] = uses.get(pair, 0) + 1
        leads = {(name, field): _leads(field) for name, field in uses}
        counts: dict[tuple[str, Key], int] = {}
        for (name, field), choices in leads.items():
            for key in (key for keys in choices for key in keys):
                counts[name, key] = counts.get((name, key), 0) + uses[name, field]
        chosen: dict[tuple[str, Field], list[Key]] = {}
        costs: dict[tuple[str, Field], int] = {}
        for pair, choices in leads.items():
            if choices:
                chosen[pair] = [min(keys, key=lambda key: counts[pair[0], key]) for keys in choices]
                costs[pair] = sum(counts[pair[0], key] for key in chosen[pair])
        places: dict[tuple[str, Field], int] = {}
        for number, (_, branch) in enumerate(self._branches):
            best = min((pair for pair in branch if pair in costs), key=costs.__getitem__, default=None)
            if best is None:
                self._always.append(number)  # every field of it may be absent
                continue
            if best not in places:
                places[best] = len(self._led)
                self._led.append([])
                self._index.setdefault(best[0], _Name()).file(chosen[best], places[best])
            self._led[places[best]].append(number)
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
    if isinstance(matcher, AnyCase):
        return _any_case_keys(matcher.text, matcher.part)
    if isinstance(matcher, Addresses):
        low, high = int.from_bytes(matcher.low, "big"), int.from_bytes(matcher.high, "big")
        bits = (low ^ high).bit_length()
        return [("address", bits, (len(matcher.low), low >> bits))]
    if isinstance(matcher, Range):
        start = float("-inf") if matcher.low is None else matcher.low
        end = float("inf") if matcher.high is None else matcher.high
        return [("is", 0, start) if start == end else ("range", start, end)]
    return _wildcard_keys(matcher.segments) if isinstance(matcher, Wildcard) else [("any",)]


def _any_case_keys(text: str, part: str) -> list[Key]:
    """The ASCII letters that a string must begin or end with; others have forms of several letters."""
    folded = text.lower()
    if text.isascii() and part == "whole":
        return [("any-case whole", 0, folded)]
    keys: list[Key] = []
    start = next((at for at, char in enumerate(text) if not char.isascii()), len(text))
    end = next((at for at, char in enumerate(reversed(text)) if not char.isascii()), len(text))
    if start and part != "suffix":
        keys.append(("any-case prefix", start, text[:start].lower()))
    if end and part != "prefix":
        keys.append(("any-case suffix", end, text[-end:].lower()))
    return keys or [("any",)]


def _wildcard_keys(segments: list[str]) -> list[Key]:
    parts = {segment[at : at + _GRAM] for segment in segments for at in range(len(segment) - _GRAM + 1)}
    keys: list[Key] = [("part", _GRAM, part) for part in sorted(parts)]
    keys += [("prefix", len(segments[0]), segments[0])] * bool(segments[0])
    keys += [("suffix", len(segments[-1]), segments[-1])] * bool(segments[-1])
    return keys or [("any",)]


class _Name:
    """What is filed under one name."""

    def __init__(self) -> None:
        self.exact: dict[Any, list[int]] = {}
        self.tables: dict[str, dict[int, dict[Any, list[int]]]] = {}
        self.anything: list[int] = []
        self._intervals: list[tuple[float, float, int]] = []
        self._tops: list[float] = []

    def file(self, keys: Iterable[Key], lead: int) -> None:
        for key in keys:
            how = key[0]
            if how == "any":
                self.anything.append(lead)
            elif how == "range":
                self._intervals.append((key[1], key[2], lead))
            elif how == "is":
                self.exact.setdefault(key[2], []).append(lead)
            else:
                self.tables.setdefault(how, {}).setdefault(key[1], {}).setdefault(key[2], []).append(lead)

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

    def collect(self, value: Any, led: set[int]) -> None:
        """Add what a value leads to."""
        led.update(self.exact.get(value, ()))
        if type(value) is str:
            for how, tables in self.tables.items():
                seen = _SEEN[how](value) if how in _SEEN else value
                for length, table in tables.items() if seen is not None else ():
                    for key in _LEADS[how](seen, length):
                        led.update(table.get(key, ()))
        elif type(value) is float and self._intervals:
            led.update(self._around(value))

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


def _address(value: str) -> tuple[int, int] | None:
    given = address(value)
    return None if given is None else (len(given), int.from_bytes(given, "big"))


_SEEN: dict[str, Callable[[str], Any]] = {  # how a string is seen before it leads anywhere; None: it leads nowhere
    "address": _address,
    "any-case whole": str.lower,
}
_LEADS: dict[str, Callable[[Any, int], Iterable[Any]]] = {  # how it leads to the keys of a table
    "prefix": lambda value, length: (value[:length],),
    "suffix": lambda value, length: (value[-length:],),
    "any-case whole": lambda value, length: (value,),
    "any-case prefix": lambda value, length: (value[:length].lower(),),
    "any-case suffix": lambda value, length: (value[-length:].lower(),),
    "address": lambda value, bits: ((value[0], value[1] >> bits),),
    "part": lambda value, length: {value[at : at + length] for at in range(len(value) - length + 1)},
}
