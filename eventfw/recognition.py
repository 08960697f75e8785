"""Recognition: what kind of event is this, by the rules in the table of sources."""

from __future__ import annotations

from .sources.table import (
    CONTEXT_2_RULES,
    CONTEXT_RULES,
    EVENT_RULES,
    FIRST_RULES,
    ITEM_RULES,
    RECORD_KINDS,
    RECORD_RULES,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .sources.table import Rules

UNKNOWN = "unknown"


def identify(raw: Any) -> str:
    """The kind of an event, by the field that tells it; ``"unknown"`` for what no source sends. Never raises.

    Of a batch only the first record or item is looked at: AWS never mixes sources.
    """
    if isinstance(raw, list):
        return _kind(ITEM_RULES, raw[0] if raw else None) or UNKNOWN
    if not isinstance(raw, dict):
        return UNKNOWN
    records = raw.get("Records")
    if isinstance(records, list) and records:
        return _record_kind(records[0]) or UNKNOWN
    context = CONTEXT_2_RULES if raw.get("version") == "2.0" else CONTEXT_RULES
    return (
        _kind(FIRST_RULES, raw)
        or _kind(context, raw.get("requestContext"))
        # Not one by one, there are too many; and sorted, because the order of an event's keys means nothing.
        or _kind(EVENT_RULES, raw, sorted(EVENT_RULES.keys() & raw.keys()))
        or UNKNOWN
    )


def _record_kind(record: Any) -> str | None:
    source = record.get("eventSource") if isinstance(record, dict) else None
    return RECORD_KINDS.get(source) if isinstance(source, str) else _kind(RECORD_RULES, record)


def _kind(rules: Rules, event: Any, keys: Iterable[str] | None = None) -> str | None:
    """The kind whose rule stands under a key of the event, and whose shape the event has."""
    if isinstance(event, dict):
        for key in rules if keys is None else keys:
            if key in event:
                for kind, shape in rules[key].items():
                    if _fits(event, shape):
                        return kind
    return None


def _fits(event: dict[str, Any], shape: dict[str, Any]) -> bool:
    for key, want in shape.items():
        value, form = event.get(key), type(want)
        if form is tuple:
            if type(value) is not type(want[0]) or value not in want:  # 1 is not true
                return False
        elif form is dict:
            if not isinstance(value, dict) or not _fits(value, want):
                return False
        elif form is str:
            if not isinstance(value, str) or want not in value:
                return False
        elif want is None:
            if value is not None:
                return False
        elif form is list:
            item = value[0] if isinstance(value, list) and value else None
            if not isinstance(item, dict) or not _fits(item, want[0]):
                return False
        elif not isinstance(value, want):
            return False
    return True
