"""Tumbling windows: spans of time, one after another, over which a function hands its state on.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STATE_LIMIT = 1024 * 1024  # bytes of JSON, for a shard
NO_STATE = "the function returned no state, which a tumbling window needs"

TOO_LARGE = "the window's state is over 1 MB: the window ends early, and goes on without it"


@dataclass
class Window:
    """One window, ``start`` and ``end`` in seconds since 1970, with what the function left there."""

    start: float
    end: float
    state: Any = field(default_factory=dict)

    @classmethod
    def around(cls, arrival: float, seconds: int) -> Window:
        """The window in which a record arrived."""
        start = arrival // seconds * seconds
        return cls(start, start + seconds)

    def holds(self, arrival: float) -> bool:
        """Whether a record belongs to it, or came too late for one before it."""
        return arrival < self.end

    def fields(self, shard: str, source: str, *, final: bool, early: bool) -> dict[str, Any]:
        """What an event has beside its records."""
        return {
            "window": {"start": _moment(self.start), "end": _moment(self.end)},
            "state": self.state,
            "shardId": shard,
            "eventSourceARN": source,
            "isFinalInvokeForWindow": final,
            "isWindowTerminatedEarly": early,
        }


def oversized(state: Any) -> bool:
    """Whether a state is larger than Lambda keeps."""
    return len(json.dumps(state, separators=(",", ":")).encode()) > STATE_LIMIT


def _moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
