"""An event that patterns match: to show what a pattern takes, and that two patterns take the same.

Values are looked for among what the patterns name, and what is found is tried against the patterns themselves, so an
event that is given does match. Where none is found there may still be one. Runs on the developer's machine only.
"""

from __future__ import annotations

from .matchers import Addresses, AnyCase, AnythingBut, Prefix, Present, Range, Suffix, Wildcard
from .reading import FALSE, NULL, TRUE, token

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from .fields import Field
    from .matchers import Matcher
    from .pattern import EventPattern

    #: A string with gaps: what stands between them, for each place the characters it may be.
    Shape = list[list[str]]

_ADDRESSES_MAX = 256  # of one block that are tried
_FILLERS = ("", "example", "0", "\u2603")
_ANYTHING: tuple[Any, ...] = ("example", "", 1, 0.5, -1, 10**12, True, False, None)
_NONE = object()


class Effort:
    """How much may be looked at before giving up: branches, values and places of strings."""

    def __init__(self, steps: int = 2_000_000) -> None:
        self.left = steps

    def spend(self, steps: int) -> bool:
        """Whether that much was left."""
        self.left -= steps
        return self.left >= 0


def witness(
    patterns: Sequence[EventPattern], base: Mapping[str, Any], texts: Iterable[str] = (), effort: Effort | None = None
) -> dict[str, Any] | None:
    """``base`` with what makes all of one or two patterns match it; ``None`` where nothing was found.

    ``texts`` are names whose value is always a string.
    """
    from itertools import product

    effort, strings = effort or Effort(), frozenset(texts)
    for chosen in product(*(pattern.branches for pattern in patterns)):
        if not effort.spend(1):
            break
        if len(chosen) < 2 or not _apart(*chosen):
            event = _satisfying(chosen, base, strings, effort)
            if event is not None and all(pattern.matches(event) for pattern in patterns):
                return event
    return None


def satisfiable(field: Field, *, text: bool) -> bool:
    """Whether some value satisfies a field; with ``text``, some string."""
    values = (value for value in _candidates([field], Effort()) if isinstance(value, str) or not text)
    return any(field.test(token(value)) for value in values)


def _apart(one: Mapping[str, Field], other: Mapping[str, Field]) -> bool:
    """Whether two branches exclude one another by the exact values they name: the usual case, seen quickly."""
    fewer, more = (one, other) if len(one) <= len(other) else (other, one)
    for name, field in fewer.items():
        rival = more.get(name)
        plain = rival is not None and not (field.absent or field.matchers or rival.absent or rival.matchers)
        if rival is not None and plain and field.tokens.isdisjoint(rival.tokens):
            return True
    return False


def _satisfying(
    branches: Sequence[Mapping[str, Field]], base: Mapping[str, Any], strings: frozenset[str], effort: Effort
) -> dict[str, Any] | None:
    wanted: dict[str, list[Field]] = {}
    for branch in branches:
        for name, field in branch.items():
            wanted.setdefault(name, []).append(field)
    event: dict[str, Any] = _copy(base)
    for name, fields in sorted(wanted.items(), key=lambda item: -len(item[1])):  # what both ask for fails first
        if all(field.absent for field in fields):
            continue
        fitting = _fitting(fields, effort, text=name in strings)
        if fitting is _NONE or not _put(event, name.split("."), fitting, wanted):
            return None
    return event


def _fitting(fields: list[Field], effort: Effort, *, text: bool) -> Any:
    """A value that satisfies all fields."""
    for value in _candidates(fields, effort):
        if not effort.spend(1):
            break
        if (isinstance(value, str) or not text) and all(field.test(token(value)) for field in fields):
            return value
    return _NONE


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _put(event: dict[str, Any], steps: list[str], value: Any, wanted: Mapping[str, Any]) -> bool:
    """Set a value at a path; not where another wanted value stands already."""
    node = event
    for depth, step in enumerate(steps[:-1], 1):
        inner = node.get(step)
        if not isinstance(inner, dict):
            if step in node and ".".join(steps[:depth]) in wanted:
                return False
            inner = node[step] = {}
        node = inner
    there = node.get(steps[-1])
    if isinstance(there, dict) and there:
        return False
    node[steps[-1]] = [value] if isinstance(there, list) else value
    return True


def _candidates(fields: list[Field], effort: Effort) -> Iterator[Any]:
    """Values that may satisfy all fields: what they name first, the simplest before the odd ones."""
    for field in fields:
        yield from (_plain(one) for one in field.tokens)
    shapes = [[shape for matcher in field.matchers for shape in _shapes(matcher)] for field in fields]
    if len(fields) == 1:
        for shape in shapes[0]:
            yield from _filled(shape)
    else:
        for first in shapes[0]:
            for other in shapes[1]:
                common = _laid_over(first, other, effort)
                if common is not None:
                    yield from _filled(common)
    matchers = [matcher for field in fields for matcher in field.matchers]
    yield from _numbers(matchers)
    heads = ["".join(place[0] for place in shape[0]) for each in shapes for shape in each]
    for matcher in matchers:
        yield from _addresses(matcher, heads)
    yield from _ANYTHING


def _plain(one: Any) -> Any:
    if one in (TRUE, FALSE, NULL):
        return {TRUE: True, FALSE: False, NULL: None}[one]
    return int(one) if isinstance(one, float) and one.is_integer() else one


def _shapes(matcher: Matcher) -> Iterator[Shape]:
    """The strings a matcher takes, if any."""
    if isinstance(matcher, Prefix):
        yield [[*matcher.text], []]
    elif isinstance(matcher, Suffix):
        yield [[], [*matcher.text]]
    elif isinstance(matcher, AnyCase):
        letters = [_cases(char) for char in matcher.text]
        yield {"whole": [letters], "prefix": [letters, []], "suffix": [[], letters]}[matcher.part]
    elif isinstance(matcher, Wildcard):
        yield [[*segment] for segment in matcher.segments]
    elif isinstance(matcher, (Present, AnythingBut)):
        yield [[], []]


def _cases(char: str) -> str:
    """The forms of a letter, of those that are one character."""
    return "".join(dict.fromkeys(form for form in (char.lower(), char.upper()) if len(form) == 1)) or char


def _filled(shape: Shape) -> Iterator[str]:
    """Strings of a shape: with nothing in its gaps, and with something."""
    parts = ["".join(place[0] for place in part) for part in shape]
    for filler in _FILLERS if len(parts) > 1 else ("",):
        yield filler.join(parts)


def _laid_over(first: Shape, other: Shape, effort: Effort) -> Shape | None:
    """A shape whose strings have both shapes. Two with gaps have one whenever their beginnings and their ends agree."""
    if not effort.spend(sum(map(len, first)) + sum(map(len, other))):
        return None
    if len(first) == 1 or len(other) == 1:
        whole, gaps = (first[0], other) if len(first) == 1 else (other[0], first)
        return _inside(whole, gaps, effort)
    head, tail = _merged(first[0], other[0]), _merged(first[-1][::-1], other[-1][::-1])
    return None if head is None or tail is None else [head, *first[1:-1], *other[1:-1], tail[::-1]]


def _merged(one: list[str], other: list[str]) -> list[str] | None:
    """What has both beginnings; ``None`` where they differ."""
    size = min(len(one), len(other))
    both = _placed(one[:size], other[:size], 0)
    return None if both is None else [*both, *one[size:], *other[size:]]


def _inside(whole: list[str], gaps: Shape, effort: Effort) -> Shape | None:
    """``whole`` as far as it has the shape of ``gaps``: each part at its leftmost place, the last at the end."""
    if len(gaps) == 1:
        found = _placed(whole, gaps[0], 0) if len(whole) == len(gaps[0]) else None
        return None if found is None else [found]
    start, end = 0, len(whole) - len(gaps[-1])
    for part in gaps[:-1]:
        for at in range(start, end - len(part) + 1):
            fitting = _placed(whole, part, at) if effort.spend(1) else None
            if fitting is not None or part is gaps[0]:
                break
        else:
            return None
        if fitting is None:
            return None
        whole, start = fitting, at + len(part)
    last = _placed(whole, gaps[-1], end) if end >= start else None
    return None if last is None else [last]


def _placed(whole: list[str], part: list[str], at: int) -> list[str] | None:
    """``whole`` with what it has in common with ``part`` at a place."""
    found = [*whole]
    for offset, place in enumerate(part, at):
        found[offset] = "".join(char for char in whole[offset] if char in place)
        if not found[offset]:
            return None
    return found


def _numbers(matchers: list[Matcher]) -> Iterator[float]:
    """The bounds of all ranges, what lies between each two, and beyond the outermost."""
    from itertools import pairwise

    ranges = [matcher for matcher in matchers if isinstance(matcher, Range)]
    bounds = sorted({bound for one in ranges for bound in (one.low, one.high) if bound is not None})
    for bound in bounds:
        yield _plain(bound)
    for low, high in pairwise(bounds):
        yield _plain((low + high) / 2)
    if bounds:
        yield _plain(bounds[0] - 1)
        yield _plain(bounds[-1] + 1)


def _addresses(matcher: Matcher, heads: list[str]) -> Iterator[str]:
    """The first addresses of a block and its last, and those that begin as a string is to begin."""
    if isinstance(matcher, Addresses):
        from ipaddress import ip_address

        low, high = (int.from_bytes(packed, "big") for packed in (matcher.low, matcher.high))
        for number in [*range(low, min(low + _ADDRESSES_MAX, high + 1)), high]:
            yield str(ip_address(number.to_bytes(len(matcher.low), "big")))
        for head in heads:
            parts = head.removesuffix(".").split(".")
            for last in range(1, 256) if len(parts) < 4 else ():
                yield ".".join([*parts, *["0"] * (3 - len(parts)), str(last)])
