"""Event: a payload with lazy, documented names."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Event:
    """What a handler receives: properties that read ``raw`` when they are asked for.

    ``raw`` is the payload exactly as AWS sent it, so that a field without a property is never out of reach, and a field
    that AWS adds later breaks nothing. ``context`` is Lambda's context. Middleware may set attributes of its own.
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        self.raw = raw
        self.context = context

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.summary()}>"

    def summary(self) -> str:
        """A few words that tell this event from others, for logs and ``repr``."""
        return f"{type(self.raw).__name__}"


def instant(text: str) -> Any:
    """An AWS timestamp (ISO 8601, ``Z``) as an aware :class:`datetime.datetime`."""
    from datetime import datetime

    return datetime.fromisoformat(text)
