"""Front: what function URLs, load balancers and VPC Lattice have in common, which lead requests to a function as they
are and know no routes of ours."""

from __future__ import annotations

from ..errors import PayloadError
from ..http import HTTPError, Request, method_and_path
from ..paths import HttpTable
from ..trigger import Trigger
from .requests import encoded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..app import App, Handler
    from ..rules.witness import Effort

FIELDS = ("method", "path", "query", "body", "headers")


class Front(Trigger):
    """A way for HTTP requests to a function.

    On a handler without routes, the handler gets every request that comes this way, but for those that a route of the
    same function takes. On a handler with routes of ``http`` (``get``, ``post``...), all routes of its function are
    reached this way too, and the function answers the rest with 404 or 405.
    """

    answers = (HTTPError, PayloadError)
    shares_api = None
    name = ""
    """What it is called in sentences."""

    def __init__(self) -> None:
        super().__init__()
        self.routed: list[Trigger] = []
        self.routes = HttpTable(())

    def settle(self, app: App, handler: Handler) -> None:
        """Learn the routes of its function, which go first."""
        self.routed = [one for one in handler.triggers if one.route_keys]
        self.routes = HttpTable(
            (*key.split(" ", 1), "", other.name)
            for other in app.handlers
            if other.function == handler.function
            for trigger in other.triggers
            for key in trigger.route_keys
        )

    def parse(self, raw: Any, context: Any) -> Request:
        return Request(raw, context)

    def payload(self, event: Request) -> Any:
        return event.json

    def encode(self, result: Any, event: Request) -> dict[str, Any]:
        return encoded(result, event)

    def mismatch(self, raw: Any) -> str:
        if self.routed:
            return f"the routes of its function take requests to the {self.name}"
        if not self.routes.routes:
            return ""
        found = self.routes.match(*method_and_path(raw))
        return f"the route {found[0]} of `{found[3]}` in its function takes it" if found else ""

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """Two of a kind in one function get the same requests, unless their routes do."""
        same = isinstance(other, Front) and other.decorator == self.decorator and other.handler != self.handler
        if not same or self.routed or other.routed:  # type: ignore[attr-defined]
            return None
        raw: dict[str, Any] = self.sample()
        return raw

    def request(self, fields: Mapping[str, Any]) -> tuple[str, str, str, dict[str, str], str | None]:
        """The method, path, query, headers and body of a sample; unless said, for the first of the handler's routes."""
        self.fields_among(fields, FIELDS)
        method, path = "GET", "/"
        if self.routed:
            method, path = method_and_path(self.routed[0].sample())
        headers = {str(name).lower(): str(value) for name, value in (fields.get("headers") or {}).items()}
        body = fields.get("body")
        if body is not None and not isinstance(body, str):
            from json import dumps

            body = dumps(body)
            headers.setdefault("content-type", "application/json")
        method, path = str(fields.get("method") or method).upper(), str(fields.get("path") or path)
        return method, path, str(fields.get("query") or ""), headers, body


class Ruled(Front):
    """A front with rules: the one of the lowest priority whose conditions a request meets takes it.

    The service has decided that before the function is invoked. Only where several rules lead to one function, whose
    event does not say which, their conditions are looked at again.
    """

    priority: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self.peers: list[Ruled] = []

    def settle(self, app: App, handler: Handler) -> None:
        """Learn which other rules lead to the function."""
        super().settle(app, handler)
        for other in app.handlers:
            if other.function == handler.function and not any(one.route_keys for one in other.triggers):
                self.peers += [one for one in other.triggers if isinstance(one, Ruled) and one.kinds == self.kinds]

    @property
    def place_among(self) -> float:
        """Where the rule stands: one without a priority comes last."""
        return float("inf") if self.priority is None else self.priority

    def unmet(self, raw: Any) -> str:
        """The first condition that an event does not meet, or ``""``."""
        raise NotImplementedError

    def mismatch(self, raw: Any) -> str:
        why = super().mismatch(raw)
        if why or len(self.peers) < 2:
            return why
        why = self.unmet(raw)
        first = next((one for one in self.peers if one.place_among < self.place_among and not one.unmet(raw)), None)
        if why or first is None:
            return why
        return f"the rule of `{first.handler}`, of priority {first.priority}, takes it"

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """None: of two rules one goes before the other."""
        return None


def listed(values: Any) -> list[Any]:
    """One or several values as a list."""
    return list(values) if isinstance(values, (list, tuple)) else [values]


def likely(pattern: str) -> str:
    """A text that fits a pattern."""
    return pattern.replace("*", "example").replace("?", "x")


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern, in which ``*`` is anything and ``?`` one character."""
    first, *rest = pattern.split("*")
    if not rest:
        return len(first) == len(text) and begins(text, first)
    last, at = rest.pop(), len(first)
    if not begins(text, first):
        return False
    for part in rest:
        found = next((each for each in range(at, len(text) + 1) if begins(text[each:], part)), -1)
        if found < 0:
            return False
        at = found + len(part)
    end = len(text) - len(last)
    return end >= at and begins(text[end:], last)


def begins(text: str, part: str) -> bool:
    """Whether a text begins with a part, in which ``?`` is one character."""
    return len(text) >= len(part) and all(want in ("?", got) for want, got in zip(part, text, strict=False))
