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

STAR = None
_TRIES_MAX = 10_000  # pairs of branches
_SIZE_MAX = 250_000  # of the table in which two texts with stars are laid over one another
_FILLERS = ("", "example", "0", "\u2603")
_ANYTHING: tuple[Any, ...] = ("example", "", 1, 0.5, -1, 10**12, True, False, None)


def witness(
    patterns: Sequence[EventPattern], base: Mapping[str, Any], texts: Iterable[str] = ()
) -> dict[str, Any] | None:
    """``base`` with what makes all of one or two patterns match it; ``None`` where nothing was found.

    ``texts`` are names whose value is always a string.
    """
    from itertools import islice, product

    strings = frozenset(texts)
    for chosen in islice(product(*(pattern.branches for pattern in patterns)), _TRIES_MAX):
        event = _satisfying(chosen, base, strings)
        if event is not None and all(pattern.matches(event) for pattern in patterns):
            return event
    return None


def satisfiable(field: Field, *, text: bool) -> bool:
    """Whether some value satisfies a field; with ``text``, some string."""
    return any(field.test(token(value)) for value in _candidates([field]) if isinstance(value, str) or not text)


def _satisfying(
    branches: Sequence[dict[str, Field]], base: Mapping[str, Any], strings: frozenset[str]
) -> dict[str, Any] | None:
    wanted: dict[str, list[Field]] = {}
    for branch in branches:
        for name, field in branch.items():
            wanted.setdefault(name, []).append(field)
    event: dict[str, Any] = _copy(base)
    for name, fields in sorted(wanted.items(), key=lambda item: -len(item[1])):  # what both ask for fails first
        if all(field.absent for field in fields):
            continue
        values = (value for value in _candidates(fields) if isinstance(value, str) or name not in strings)
        fitting = next((value for value in values if all(field.test(token(value)) for field in fields)), _NONE)
        if fitting is _NONE or not _put(event, name.split("."), fitting, wanted):
            return None
    return event


_NONE = object()


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


def _candidates(fields: list[Field]) -> Iterator[Any]:
    """Values that may satisfy all fields: what they name first, the simplest before the odd ones."""
    for field in fields:
        yield from (_plain(one) for one in field.tokens)
    shapes = [list(_shapes(field)) for field in fields]
    for first in shapes[0]:
        for other in shapes[-1]:
            common = _laid_over(first, other)
            if common is not None:
                yield from common
    for field in fields:
        for matcher in field.matchers:
            yield from _numbers(matcher)
            yield from _addresses(matcher)
    yield from _ANYTHING


def _plain(one: Any) -> Any:
    if one in (TRUE, FALSE, NULL):
        return {TRUE: True, FALSE: False, NULL: None}[one]
    return int(one) if isinstance(one, float) and one.is_integer() else one


def _shapes(field: Field) -> Iterator[list[str | None]]:
    """The strings a field may have, as characters with stars between."""
    for one in field.tokens:
        if isinstance(one, str):
            yield list(one)
    for matcher in field.matchers:
        yield from _shapes_of(matcher)


def _shapes_of(matcher: Matcher) -> Iterator[list[str | None]]:
    if isinstance(matcher, Prefix):
        yield [*matcher.text, STAR]
    elif isinstance(matcher, Suffix):
        yield [STAR, *matcher.text]
    elif isinstance(matcher, AnyCase):
        for text in (matcher.text.lower(), matcher.text.upper()):
            yield [*[STAR] * (matcher.part == "suffix"), *text, *[STAR] * (matcher.part == "prefix")]
    elif isinstance(matcher, Wildcard):
        shape: list[str | None] = []
        for segment in matcher.segments:
            shape += [*segment, STAR]
        yield shape[:-1]
    elif isinstance(matcher, (Present, AnythingBut)):
        yield [STAR]


def _laid_over(first: list[str | None], other: list[str | None]) -> Iterator[str] | None:
    """Strings that have both shapes; ``None`` where there is none, or it would take too long to see."""
    if len(first) * len(other) > _SIZE_MAX:
        return None
    came: dict[tuple[int, int], tuple[tuple[int, int], str | None, bool]] = {}
    pending, end = [(0, 0)], (len(first), len(other))
    seen = {(0, 0)}
    for at in pending:  # which grows meanwhile: the shortest way is found first
        if end in seen:
            break
        for to, char, open_ in _steps(first, other, *at):
            if to not in seen:
                seen.add(to)
                came[to] = (at, char, open_)
                pending.append(to)
    if end not in seen:
        return None
    shape: list[str | None] = []
    at = end
    while at != (0, 0):
        at, char, open_ = came[at]
        shape += [char] if char is not None else [STAR] * open_
    shape.reverse()
    return (
        "".join(filler if char is STAR else char for char in shape) for filler in (_FILLERS if STAR in shape else ("",))
    )


def _steps(
    first: list[str | None], other: list[str | None], i: int, j: int
) -> Iterator[tuple[tuple[int, int], str | None, bool]]:
    """Where two shapes go on to: ``(places, the character that is written, whether both are free there)``."""
    one = first[i] if i < len(first) else "end"
    two = other[j] if j < len(other) else "end"
    if one is STAR and two is STAR:
        yield (i + 1, j), STAR, True
        yield (i, j + 1), STAR, True
    elif one is STAR:
        yield (i + 1, j), STAR, False
        if two != "end":
            yield (i, j + 1), two, False
    elif two is STAR:
        yield (i, j + 1), STAR, False
        if one != "end":
            yield (i + 1, j), one, False
    elif one == two != "end":
        yield (i + 1, j + 1), one, False


def _numbers(matcher: Matcher) -> Iterator[float]:
    if isinstance(matcher, Range):
        low = matcher.low if matcher.low is not None else (matcher.high or 0.0) - 1
        high = matcher.high if matcher.high is not None else low + 2
        for value in (low, high, low + 1, high - 1, (low + high) / 2):
            yield _plain(value)


def _addresses(matcher: Matcher) -> Iterator[str]:
    if isinstance(matcher, Addresses):
        from ipaddress import ip_address

        for packed in (matcher.low, matcher.high):
            yield str(ip_address(packed))
