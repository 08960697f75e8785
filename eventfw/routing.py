"""Routing: what kind of event is this, which handlers does it reach, and why not the others."""

from __future__ import annotations

from .errors import RoutingError
from .http import raw_path
from .sources.table import RECORD_SOURCES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from .app import App, Handler
    from .trigger import Trigger

UNKNOWN = "unknown"


def identify(raw: Any) -> str:
    """The kind of an event, by the field that tells it; ``"unknown"`` for what no source sends. Never raises."""
    if not isinstance(raw, dict):
        return UNKNOWN
    records = raw.get("Records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        if "cf" in records[0]:
            return "cloudfront"
        source = records[0].get("eventSource")
        return RECORD_SOURCES.get(source, UNKNOWN) if isinstance(source, str) else UNKNOWN
    context = raw.get("requestContext")
    if isinstance(context, dict) and isinstance(context.get("http"), dict) and raw.get("version") == "2.0":
        if "routeArn" in raw:
            return "apigw_authorizer_v2"
        domain = context.get("domainName")
        return "function_url" if isinstance(domain, str) and ".lambda-url." in domain else "apigw_http_v2"
    if "detail-type" in raw and "source" in raw and "detail" in raw:
        return "eventbridge"
    return "s3_test_event" if raw.get("Event") == "s3:TestEvent" else UNKNOWN


class Route:
    """Where an event goes.

    ``reached`` are the handlers it reaches; ``why`` says for each of the others, by name, the first condition that
    failed.
    """

    def __init__(self, kind: str, reached: list[Handler], why: dict[str, str]) -> None:
        self.kind = kind
        self.reached = reached
        self.why = why

    def __repr__(self) -> str:
        return f"<Route {self.kind} -> {', '.join(handler.name for handler in self.reached) or 'nothing'}>"


class HttpTable:
    """The routes of an API, as data: ``(method, path as API Gateway writes it, function, handler)``.

    :meth:`match` takes the most specific route: a literal segment before a parameter, a parameter before a greedy one,
    the method itself before ``ANY``. It walks the path's segments, so it costs the same with one route and with 300.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
    """

    def __init__(self, routes: Iterable[Sequence[str]]) -> None:
        self.routes = [tuple(route) for route in routes]
        self._root: dict[str, Any] = {}
        for method, path, function, handler in self.routes:
            node = self._root
            for segment in path[1:].split("/"):
                shape = ("{+}" if segment.endswith("+}") else "{}") if segment.startswith("{") else segment
                node = node.setdefault("/" + shape, {})
            node[method] = (path, function, handler)

    def match(self, method: str, path: str) -> tuple[str, dict[str, str], str, str] | None:
        """``(route key, raw path parameters, function, handler)`` of the route that takes a raw path, or ``None``."""
        segments = path[1:].split("/")
        found = self._walk(self._root, segments, 0, method)
        if found is None:
            return None
        key_method, (template, function, handler) = found
        return f"{key_method} {template}", _parameters(template, segments), function, handler

    def _walk(self, node: Mapping[str, Any], segments: list[str], index: int, method: str) -> Any:
        if index == len(segments):
            key = method if method in node else "ANY"
            return (key, node[key]) if key in node else None
        segment = segments[index]
        for shape in ("/" + segment, "/{}") if segment else ("/",):
            deeper = node.get(shape)
            if deeper is not None:
                found = self._walk(deeper, segments, index + 1, method)
                if found is not None:
                    return found
        greedy = node.get("/{+}")
        if greedy is None or not any(segments[index:]):
            return None
        return self._walk(greedy, [], 0, method)


def _parameters(template: str, segments: list[str]) -> dict[str, str]:
    found = {}
    for index, part in enumerate(template[1:].split("/")):
        if part.endswith("+}"):
            found[part[1:-2]] = "/".join(segments[index:])
        elif part.startswith("{"):
            found[part[1:-1]] = segments[index]
    return found


class Router:
    """Which handlers of an app an event reaches. Compiled once; making one ends the app's registration."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.functions = app.functions
        self._table: HttpTable | None = None
        self._routes: dict[str, dict[str, tuple[Handler, Trigger]]] = {}
        for function in self.functions.values():
            keys = self._routes[function.name] = {}
            for handler in function.handlers:
                for trigger in handler.triggers:
                    for key in getattr(trigger, "route_keys", ()):
                        keys[key] = (handler, trigger)

    def http_routes(self) -> list[tuple[str, str, str, str]]:
        """The routes as data, for :class:`HttpTable`."""
        rows = []
        for function, keys in self._routes.items():
            for key, (handler, _) in keys.items():
                method, _, path = key.partition(" ")
                rows.append((method, path, function, handler.name))
        return rows

    def route(self, raw: Any) -> Route:
        """The handlers that an event reaches among all triggers of the app, and why it does not reach the others."""
        kind = identify(raw)
        taken = self._most_specific(raw) if kind == "apigw_http_v2" else None
        reached, why = [], {}
        for handler in self.app.handlers:
            reasons = [_reason(trigger, kind, raw) for trigger in handler.triggers]
            if taken is not None and handler.name != taken and "" in reasons:
                why[handler.name] = f"the more specific route of `{taken}` takes it"
            elif "" in reasons:
                reached.append(handler)
            else:
                why[handler.name] = "; ".join(dict.fromkeys(reasons))
        return Route(kind, reached, why)

    def _most_specific(self, raw: Any) -> str | None:
        """The handler whose route the API would take for a request."""
        if self._table is None:
            self._table = HttpTable(self.http_routes())
        try:
            found = self._table.match(raw["requestContext"]["http"]["method"], raw_path(raw))
        except (KeyError, TypeError, AttributeError):
            return None  # not a whole event: every trigger says what it misses
        return found[3] if found else None

    def pick(self, function: str, raw: Any, context: Any = None) -> tuple[Handler, Trigger]:
        """The one handler that an invocation of a function runs, and the trigger it runs under."""
        if type(raw) is dict and raw.get("version") == "2.0" and type(raw.get("routeKey")) is str:
            found = self._routes[function].get(raw["routeKey"])
            if found is not None:
                return found
        kind = identify(raw)
        fits, direct, reasons = [], None, []
        for handler in self.functions[function].handlers:
            for trigger in handler.triggers:
                if not trigger.kinds:
                    direct = (handler, trigger)
                    continue
                reason = _reason(trigger, kind, raw)
                if reason:
                    reasons.append(f"{handler.name} ({trigger.title()}): {reason}")
                else:
                    fits.append((handler, trigger))
        if len(fits) > 1 and kind == "apigw_http_v2":  # an event that does not name its route
            taken = self._most_specific(raw)
            fits = [fit for fit in fits if fit[0].name == taken] or fits
        if len({handler.name for handler, _ in fits}) > 1:
            both = " and ".join(handler.name for handler, _ in fits[:2])
            raise RoutingError(f"Function {function!r} got an event of kind {kind} that would run both {both}.")
        if fits or direct:
            return fits[0] if fits else direct  # type: ignore[return-value]
        raise RoutingError(
            f"Function {function!r} got an event of kind {kind} that none of its handlers takes. " + ". ".join(reasons)
        )


def _reason(trigger: Trigger, kind: str, raw: Any) -> str:
    """Why a trigger does not take an event, or ``""``."""
    if kind not in trigger.kinds:
        wanted = " or ".join(trigger.kinds) or "invoked directly only"
        return f"kind {kind} is not {wanted}" if trigger.kinds else wanted
    try:
        return trigger.mismatch(raw)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        return f"the event is not a whole {kind} event ({type(error).__name__}: {error})"
