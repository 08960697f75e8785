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
