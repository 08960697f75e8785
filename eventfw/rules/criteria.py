"""Filters of event source mappings: which records of a queue or stream reach the function.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
"""

from __future__ import annotations

from ..errors import RuleError
from .dialects import LAMBDA
from .pattern import EventPattern
from .reading import Members, as_text, loads, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

FILTERS_MAX = 5
FILTERS_ON_REQUEST = 10
PATTERN_MAX = 4096  # characters

JSON, PLAIN, BINARY, ABSENT = "JSON", "plain text", "no UTF-8 text", "absent"


class Source:
    """What a kind of source lets filters see.

    ``data``: the fields that hold what was sent. ``documented``: the fields that the guide lets filters use.
    ``encoded``: data comes as base64. ``only_json``: a filter of data is an object, and data that is no JSON is
    dropped. ``lenient``: a filter of data is skipped where data has another format, and the rest decides.
    """

    __slots__ = ("data", "documented", "encoded", "lenient", "only_json")

    def __init__(
        self, *data: str, encoded: bool = False, only_json: bool = False, lenient: bool = False, also: str = ""
    ) -> None:
        self.data = data
        self.documented = (data[0], also) if also else data[:1]
        self.encoded = encoded
        self.only_json = only_json
        self.lenient = lenient


SOURCES = {
    "sqs": Source("body"),
    "kinesis": Source("data", encoded=True, only_json=True),
    "dynamodb": Source("dynamodb", only_json=True, also="eventName"),
    "msk": Source("value", "key", encoded=True, lenient=True),
    "kafka_self_managed": Source("value", "key", encoded=True, lenient=True),
    "mq_activemq": Source("data", encoded=True, lenient=True),
    "mq_rabbitmq": Source("data", encoded=True, lenient=True),
}


class FilterCriteria:
    """Checked filters; a record that one of them takes reaches the function, and without filters every record does.

    ``criteria``: the API's ``{"Filters": [{"Pattern": "..."}]}``, or a list of patterns, each a dict or its JSON text
    of at most 4096 characters. ``kind``: the source, as :func:`eventfw.routing.identify` calls it. ``limit``: how many
    filters the account may use, 5 unless AWS raised it, to 10 at most.

    The data of a record (``body`` of SQS, ``data`` of Kinesis and MQ, ``value`` of Kafka) is seen as text or as JSON:
    ``{"body": ["x"]}`` asks for text, ``{"body": {"a": ["x"]}}`` for JSON, and neither takes the other. What SQS
    drops is deleted from the queue. ``doubts``: sentences on conditions that the guide does not promise.
    Raises RuleError for what Lambda refuses, with the filter's number.
    """

    __slots__ = ("doubts", "filters", "kind", "source")

    def __init__(
        self, criteria: Mapping[str, Any] | Sequence[Mapping[str, Any] | str], kind: str, *, limit: int = FILTERS_MAX
    ) -> None:
        if not isinstance(kind, str) or kind not in SOURCES:
            raise RuleError(
                f"kind must be one of {', '.join(SOURCES)} for filters, not {kind!r}: Lambda filters no other."
            )
        if not isinstance(limit, int) or not FILTERS_MAX <= limit <= FILTERS_ON_REQUEST:
            raise RuleError(f"limit must be {FILTERS_MAX} to {FILTERS_ON_REQUEST} for filters, not {limit!r}.")
        self.kind = kind
        self.source = SOURCES[kind]
        patterns = _patterns(criteria)
        if len(patterns) > limit:
            raise RuleError(
                f"A mapping has at most {limit} filters, not {len(patterns)}. "
                f"Join some of them with $or, or ask AWS for a quota of {FILTERS_ON_REQUEST}."
            )
        self.filters: list[Filter] = []
        for index, pattern in enumerate(patterns):
            try:
                self.filters.append(Filter(pattern, kind))
            except RuleError as error:
                raise RuleError(f"Filter {index + 1}: {error.message}") from None
        self.doubts = tuple(doubt for one in self.filters for doubt in one.doubts)

    def __repr__(self) -> str:
        return f"FilterCriteria([{', '.join(one.pattern.text for one in self.filters)}], {self.kind!r})"

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Whether a record, in the form in which the function would get it, reaches the function."""
        return not self.mismatch(record)

    def mismatch(self, record: Mapping[str, Any]) -> str:
        """Why a record does not reach the function, in words; empty when it does. Never raises."""
        if not self.filters:
            return ""
        if not isinstance(record, dict):
            return "the record is not an object"
        seen, formats = _seen(record, self.kind)
        reasons = []
        for one in self.filters:
            reason = one.mismatch(seen, formats)
            if not reason:
                return ""
            reasons.append(reason)
        if len(reasons) == 1:
            return reasons[0]
        return f"none of {len(reasons)} filters fits: " + "; ".join(dict.fromkeys(reasons))


class Filter:
    """One filter of a mapping, for records as :func:`_seen` gives them."""

    __slots__ = ("doubts", "formats", "pattern", "rest", "source")

    def __init__(self, pattern: Mapping[str, Any] | str, kind: str) -> None:
        self.source = SOURCES[kind]
        text = as_text(pattern, "a pattern")
        if len(text) > PATTERN_MAX:
            raise RuleError(
                f"a pattern has at most {PATTERN_MAX} characters, not {len(text)}. Shorten it, or split it."
            )
        self.pattern = EventPattern(text, dialect=LAMBDA)
        members = loads(text, members=True)
        if self.source.only_json:
            _refuse_text(members, kind)
        #: Of each field of data that the pattern asks for outside of $or: the format it asks for.
        self.formats = {}
        for name, value in members:
            field = name.partition(".")[0]
            if field in self.source.data:
                self.formats[field] = JSON if field != name or isinstance(value, Members) else PLAIN
        #: The pattern without its conditions on data; None when there are no others.
        self.rest: EventPattern | None = None
        rest = Members(pair for pair in members if pair[0].partition(".")[0] not in self.source.data)
        if self.source.lenient and self.formats and rest:
            self.rest = EventPattern(_written(rest), dialect=LAMBDA)
        self.doubts = tuple(dict.fromkeys(_doubts(members, self.source, kind)))

    def mismatch(self, seen: dict[str, Any], formats: dict[str, str]) -> str:
        """Why a record is dropped, in words; empty when the filter takes it."""
        pattern: EventPattern | None = self.pattern
        for field, wanted in self.formats.items():
            found = formats.get(field, ABSENT)
            if found not in (wanted, ABSENT):
                if not self.source.lenient:
                    return f"`{field}` is {found}, and the filter asks for {wanted}"
                pattern = self.rest
        if pattern is None:
            return ""
        try:
            return pattern.mismatch(seen)
        except RuleError as error:
            return error.message


def _patterns(criteria: Any) -> list[Any]:
    """The patterns of the API's form, or of a list."""
    if isinstance(criteria, (list, tuple)):
        return list(criteria)
    if not isinstance(criteria, dict) or set(criteria) - {"Filters"}:
        raise RuleError(f'Filters are a list, or {{"Filters": [{{"Pattern": "..."}}]}}, not {_kind_of(criteria)}.')
    filters = criteria.get("Filters") or []
    if not isinstance(filters, (list, tuple)):
        raise RuleError(f'Filters must be a list of {{"Pattern": "..."}}, not {_kind_of(filters)}.')
    for index, one in enumerate(filters):
        if not isinstance(one, dict) or set(one) != {"Pattern"} or not isinstance(one["Pattern"], str):
            raise RuleError(f'Filter {index + 1}: it must be {{"Pattern": text}}, the text being JSON.')
    return [one["Pattern"] for one in filters]


def _written(value: Any) -> str:
    """JSON text of what was read with ``members``, every name as often as it came."""
    from json import dumps

    if isinstance(value, Members):
        return "{" + ",".join(f"{dumps(name, ensure_ascii=False)}:{_written(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    return dumps(value, ensure_ascii=False) if value is None or isinstance(value, (str, bool)) else str(value)


def _alternatives(members: Members) -> Iterator[tuple[str, Any]]:
    """The names and values of a pattern's first level, those within ``$or`` included."""
    pending = [members]
    while pending:
        for name, value in pending.pop():
            if name == "$or" and isinstance(value, list) and not isinstance(value, Members):
                pending.extend(one for one in value if isinstance(one, Members))
            else:
                yield name, value


def _refuse_text(members: Members, kind: str) -> None:
    for name, value in _alternatives(members):
        if name in SOURCES[kind].data and not isinstance(value, Members):
            raise RuleError(
                f'{name}: {kind} filters take JSON only. Write an object such as {{"{name}": {{"key": [1]}}}}.'
            )


def _doubts(members: Members, source: Source, kind: str) -> Iterator[str]:
    for name, value in _alternatives(members):
        if name.partition(".")[0] not in source.documented:
            listed = " and ".join(source.documented)
            yield f"{name}: Lambda's guide lets {kind} filters use {listed} only. It may never match."
        if kind == "dynamodb" and _compares_n(value):
            yield f"{name}: DynamoDB writes numbers as text, so numeric never matches an N. Compare with text."


def _compares_n(value: Any) -> bool:
    """Does a pattern compare the value of a DynamoDB number as a number?"""
    pending = [("", value)]
    while pending:
        name, inner = pending.pop()
        if isinstance(inner, Members):
            pending.extend(inner)
        elif name == "$or":
            pending.extend(("", one) for one in inner)
        elif name in ("N", "NS") and any(isinstance(one, Members) and one[0][0] == "numeric" for one in inner):
            return True
    return False


def _seen(record: dict[str, Any], kind: str) -> tuple[dict[str, Any], dict[str, str]]:
    """``(a record as filters see it, the format of each field of data)``."""
    source = SOURCES[kind]
    seen = dict(record)
    inner = seen.pop("kinesis", None) if kind == "kinesis" else None
    if isinstance(inner, dict):
        seen.update(inner)
    formats = {}
    for field in source.data:
        if field in seen:
            seen[field], formats[field] = _data(seen[field], source.encoded)
            if formats[field] == BINARY:
                del seen[field]
    return seen, formats


def _data(value: Any, encoded: bool) -> tuple[Any, str]:
    """``(data as filters see it, its format)``."""
    if not isinstance(value, str):
        return value, JSON if isinstance(value, (dict, list)) else ABSENT
    if encoded:
        from binascii import a2b_base64

        try:
            value = a2b_base64(value).decode()
        except ValueError:
            return None, BINARY
    try:
        parsed = loads(value)
    except RuleError:
        return value, PLAIN
    # A scalar is JSON as well, but who sends `42` or `true` as a message means the text.
    return (parsed, JSON) if isinstance(parsed, (dict, list)) else (value, PLAIN)


def _kind_of(value: Any) -> str:
    return f"an object with {', '.join(map(repr, list(value)[:3]))}" if isinstance(value, dict) else shown(value)
