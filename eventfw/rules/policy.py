"""SNS filter policies: which messages a subscription takes.

https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
"""

from __future__ import annotations

from ..errors import RuleError
from .dialects import SNS
from .pattern import EventPattern
from .reading import Members, as_text, loads, number, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

SCOPES = ("MessageAttributes", "MessageBody")
KEYS_MAX = 5
COMBINATIONS_MAX = 150
BYTES_MAX = 256 * 1024
WILDCARDS_MAX = 3  # stars in one value
WILDCARD_POINTS_MAX = 100
NUMBER_MAX = 10**9
DIGITS_MAX = 5  # after the point


class FilterPolicy:
    """A checked filter policy.

    ``policy``: a dict, or its JSON text of at most 256 KB; an empty object takes every message. ``scope`` is
    ``MessageAttributes`` or ``MessageBody``: what of a message is compared. Only a policy on the body may nest keys.
    At most 5 keys hold values, and the numbers of their values multiply to at most 150; in a policy on the body each
    number counts as often as its key lies deep, and the alternatives of ``$or`` add up.

    ``doubts``: sentences on what SNS takes without promising that it matches. Raises RuleError for what SNS refuses.
    """

    __slots__ = ("doubts", "pattern", "scope", "text")

    def __init__(self, policy: Mapping[str, Any] | str, scope: str = "MessageAttributes") -> None:
        if scope not in SCOPES:
            raise RuleError(f"scope must be MessageAttributes or MessageBody for a filter policy, not {scope!r}.")
        self.scope = scope
        self.text = _text(policy)
        self.pattern: EventPattern | None = None
        self.doubts: tuple[str, ...] = ()
        members = loads(self.text, members=True)
        if members == [] and isinstance(members, Members):
            return
        self.pattern = EventPattern(self.text, dialect=SNS)
        branches = self.pattern.branches
        forks = not any(name == "$or" or name.endswith(".$or") for branch in branches for name in branch)
        fields = list(_fields(members, forks))
        if scope == "MessageAttributes":
            _refuse_nesting(fields)
        _refuse_keys(max(len(branch) for branch in branches))
        _refuse_combinations(_combinations(members, forks))
        _refuse_wildcards(fields)
        self.doubts = tuple(dict.fromkeys(doubt for field in fields for doubt in _doubts(field)))

    def __repr__(self) -> str:
        return f"FilterPolicy({self.text}, {self.scope!r})"

    def matches(self, attributes: Mapping[str, Any] | None = None, body: str | None = None) -> bool:
        """Whether a message is delivered.

        ``attributes``: as ``Publish`` takes them (``DataType`` and ``StringValue``), or as a Lambda function gets them
        (``Type`` and ``Value``). ``body``: the message's text. Whichever the scope does not ask for is ignored.
        """
        return not self.mismatch(attributes, body)

    def mismatch(self, attributes: Mapping[str, Any] | None = None, body: str | None = None) -> str:
        """The first condition that a message fails, in words; empty when it is delivered. Never raises."""
        if self.pattern is None:
            return ""
        try:
            event = _body(body) if self.scope == "MessageBody" else _attributes(attributes)
            return self.pattern.mismatch(event)
        except RuleError as error:
            return error.message


class _FieldValues:
    """One key of a policy that holds values: its path, how deep it lies, and the values."""

    __slots__ = ("depth", "path", "values")

    def __init__(self, path: str, depth: int, values: list[Any]) -> None:
        self.path = path
        self.depth = depth
        self.values = values


def _text(policy: Mapping[str, Any] | str) -> str:
    text = as_text(policy, "A filter policy")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise RuleError("A filter policy is UTF-8, and this has a character that is not: a lone surrogate.") from None
    if size > BYTES_MAX:
        raise RuleError(f"A filter policy must be at most {BYTES_MAX} bytes long, not {size}. Shorten it.")
    return text


def _forks(name: str, value: Any, forks: bool) -> bool:
    return forks and name == "$or" and len(value) > 1 and all(isinstance(one, Members) for one in value)


def _fields(members: Members, forks: bool, path: str = "", depth: int = 1) -> Iterator[_FieldValues]:
    """The keys that hold values, of all alternatives."""
    for name, value in members:
        inner = f"{path}.{name}" if path else name
        if isinstance(value, Members):
            yield from _fields(value, forks, inner, depth + 1)
        elif _forks(name, value, forks):
            for one in value:
                yield from _fields(one, forks, path, depth)
        else:
            yield _FieldValues(inner, depth, value)


def _combinations(members: Members, forks: bool, depth: int = 1) -> int:
    """How SNS counts: ``4 values at depth 3`` times ``3 values at depth 2`` is 4 x 3 x 3 x 2."""
    product = 1
    for name, value in members:
        if isinstance(value, Members):
            product *= _combinations(value, forks, depth + 1)
        elif _forks(name, value, forks):
            product *= sum(_combinations(one, forks, depth) for one in value)
        else:
            product *= len(value) * depth
    return product


def _refuse_nesting(fields: list[_FieldValues]) -> None:
    for field in fields:
        if field.depth > 1:
            raise RuleError(
                f"{field.path}: message attributes have no keys within keys. "
                f'Use the scope MessageBody, or write the values beside the key: "key": ["value"].'
            )


def _refuse_keys(count: int) -> None:
    if count > KEYS_MAX:
        raise RuleError(f"A filter policy has at most {KEYS_MAX} keys that hold values, not {count}. Remove some.")


def _refuse_combinations(count: int) -> None:
    if count > COMBINATIONS_MAX:
        words = str(count) if count < 10**9 else "over a billion"
        raise RuleError(
            f"A filter policy makes at most {COMBINATIONS_MAX} combinations, not {words}: the numbers of values of "
            f"all keys multiply, each times the depth of its key. Use fewer values, or several subscriptions."
        )


def _refuse_wildcards(fields: list[_FieldValues]) -> None:
    """SNS's limits for policies with wildcards; where the guide can be read in two ways, the one that refuses less."""
    total = 0
    for field in fields:
        points = []
        stars_of_all = 0
        for value in field.values:
            if isinstance(value, Members) and value[0][0] in ("wildcard", "anything-but"):
                stars = max(_stars(value), default=0)
                stars_of_all += stars
                if stars > WILDCARDS_MAX:
                    raise RuleError(f"{field.path}: a wildcard has at most {WILDCARDS_MAX} stars, not {stars}.")
                points.append(3 if stars > 1 else 1)
        total += sum(points) * len(points) if stars_of_all else 0
    if total > WILDCARD_POINTS_MAX:
        raise RuleError(
            f"The wildcards of a filter policy make at most {WILDCARD_POINTS_MAX} points, not {total}: of each key, "
            f"the sum of 1 for a value with one star and 3 for more, times the number of such values. Use fewer."
        )


def _stars(condition: Members) -> Iterator[int]:
    """The stars of each wildcard in ``{"wildcard": ...}`` or ``{"anything-but": {"wildcard": ...}}``."""
    name, value = condition[0]
    if name == "anything-but":
        if isinstance(value, Members) and value and value[0][0] == "wildcard":
            yield from _stars(value)
        return
    for text in value if isinstance(value, list) else [value]:
        if isinstance(text, str):
            yield text.replace("\\\\", "").replace("\\*", "").count("*")


def _doubts(field: _FieldValues) -> Iterator[str]:
    for value in _numbers(field.values):
        text = repr(value)
        digits = text.partition(".")[2]
        if not isinstance(value, float) or abs(value) > NUMBER_MAX or "e" in text or len(digits) > DIGITS_MAX:
            yield (
                f"{field.path}: SNS promises to compare numbers from -10^9 to 10^9 with {DIGITS_MAX} digits after the "
                f"point, and {shown(value)} is none. It may never match."
            )


def _numbers(values: Any) -> Iterator[Any]:
    pending = [values]
    while pending:
        value = pending.pop()
        if isinstance(value, Members):
            pending.extend(inner for _, inner in value)
        elif isinstance(value, list):
            pending.extend(value)
        elif value is not None and not isinstance(value, (str, bool)):
            yield value


def _body(body: str | None) -> dict[str, Any]:
    """A message's body as an object. Raises RuleError for any other: a policy on the body never takes it."""
    if not isinstance(body, str):
        raise RuleError("the message has no body")
    try:
        value = loads(body)
    except RuleError:
        raise RuleError("the body is not JSON") from None
    if not isinstance(value, dict):
        raise RuleError("the body is JSON, but not an object")
    return value


def _attributes(attributes: object) -> dict[str, Any]:
    """The attributes that can be compared, by name: binary ones, and those that SNS would refuse, are absent."""
    found: dict[str, Any] = {}
    for name, attribute in attributes.items() if isinstance(attributes, dict) else ():
        if not isinstance(attribute, dict):
            continue
        kind = str(attribute.get("DataType") or attribute.get("Type") or "")
        value = attribute.get("StringValue", attribute.get("Value"))
        base, _, label = kind.partition(".")
        if label == "Array" and base in ("String", "Number"):
            value = _array(value)
        elif base == "Number":
            value = _number(value)
        elif base != "String" or not isinstance(value, str):
            continue
        if value is not None:
            found[str(name)] = value
    return found


def _array(text: object) -> list[Any] | None:
    if not isinstance(text, str):
        return None
    try:
        value = loads(text)
    except RuleError:
        return None
    return value if isinstance(value, list) else None


def _number(value: object) -> Any:
    """A number attribute's value; ``None`` for what is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if not text or not frozenset("0123456789+-.eE").issuperset(text):
        return None
    try:
        float(text)
        return number(text)
    except (ValueError, ArithmeticError):
        return None
