"""``@app.websocket``: connections to a WebSocket API of API Gateway, and the messages that come through them."""

from __future__ import annotations

from ..errors import PayloadError
from ..events import Event
from ..http import Headers, HTTPError, Query, Response, as_response, encoded_body
from ..options import flag, printable, refused
from ..trigger import Trigger, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any

    from ..app import App, Handler
    from ..function import Function
    from ..resources.resource import Template
    from ..resources.websocket_api import WebSocketApi
    from ..trigger import Finder

ROUTE_MAX = 128  # characters
CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
TYPES = {CONNECT: "CONNECT", DISCONNECT: "DISCONNECT"}


class WebSocketEvent(Event):
    """A connection that is made or ended, or a message that came through it.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
    """

    def summary(self) -> str:
        return f"{self.route_key} {self.connection_id}"

    @property
    def _context(self) -> dict[str, Any]:
        return self.raw["requestContext"]  # type: ignore[no-any-return]

    @property
    def connection_id(self) -> str:
        """The connection's id, to send messages to it."""
        return str(self._context["connectionId"])

    @property
    def route_key(self) -> str:
        """The route: ``$connect``, ``$disconnect``, ``$default``, or the one that the message names."""
        return str(self._context["routeKey"])

    @property
    def event_type(self) -> str:
        """``CONNECT``, ``MESSAGE`` or ``DISCONNECT``."""
        return str(self._context["eventType"])

    @property
    def body(self) -> bytes:
        """The message's bytes, at most 128 KB; ``b""`` for what is no message."""
        body = self.raw.get("body")
        if body and self.raw.get("isBase64Encoded"):
            from base64 import b64decode

            return b64decode(body)
        return str(body or "").encode()

    @property
    def text(self) -> str:
        """The message as UTF-8 text. Not text: a 400."""
        try:
            return self.body.decode()
        except ValueError:
            raise HTTPError(400, "The message is not UTF-8 text.") from None

    @property
    def json(self) -> Any:
        """The message read as JSON. Not JSON: a 400."""
        from json import loads

        try:
            return loads(self.body)
        except (ValueError, RecursionError) as error:
            raise HTTPError(400, f"The message is not JSON: {error}.") from None

    @property
    def headers(self) -> Headers:
        """The header fields of the request to connect, every value of each; none in messages."""
        return Headers(self.raw.get("multiValueHeaders") or self.raw.get("headers") or {})

    @property
    def query(self) -> Query:
        """The query parameters of the request to connect, decoded; none in messages."""
        query = Query("")
        several = self.raw.get("multiValueQueryStringParameters") or self.raw.get("queryStringParameters") or {}
        for name, value in several.items():
            query._values[name] = value if isinstance(value, list) else [value]
        return query

    @property
    def authorizer(self) -> dict[str, Any]:
        """What the authorizer said of the caller when it connected: its context; ``{}`` without one."""
        return self._context.get("authorizer") or {}

    @property
    def source_ip(self) -> str:
        """The client's address."""
        return str((self._context.get("identity") or {}).get("sourceIp") or "")

    @property
    def domain_name(self) -> str:
        """The host name that the client connected to."""
        return str(self._context.get("domainName") or "")

    @property
    def stage(self) -> str:
        """The API's stage, which is called as the API is."""
        return str(self._context["stage"])

    @property
    def request_id(self) -> str:
        """API Gateway's id of the event."""
        return str(self._context.get("requestId") or "")

    @property
    def connected_at(self) -> datetime:
        """When the connection was made, with time zone."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(self._context["connectedAt"] / 1000, UTC)

    @property
    def disconnect_code(self) -> int | None:
        """With what code the connection ended, 1000 or 1001 for example; ``None`` in other events."""
        return self._context.get("disconnectStatusCode")

    @property
    def disconnect_reason(self) -> str:
        """Why the connection ended, if that was said."""
        return str(self._context.get("disconnectReason") or "")


class WebSocket(Trigger):
    """Run for what happens on a route of a WebSocket API.

    Options
        ``api``: an ``app.websocket_api``.
        ``route``: ``"$connect"``, ``"$disconnect"``, or the name of a route, which messages name in the field that the
        API's ``route_selection_expression`` says; ``"$default"`` gets the messages that name no other.
        ``authorizer``: who may connect: the handler of an ``@app.authorizer`` or its name, or ``"iam"`` for signed
        requests. It is for ``"$connect"``.
        ``reply``: whether what the handler returns is sent back through the connection. It is for messages.

    A message has at most 128 KB, in frames of 32 KB. A connection lasts two hours, and 10 minutes without messages. A
    handler has 29 seconds.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/websocket-api-develop-routes.html
    """

    decorator = "websocket"
    example = '@app.websocket(chat, "sendMessage")'
    kinds = ("apigw_websocket",)
    answers = (HTTPError, PayloadError)

    def __init__(
        self,
        api: WebSocketApi,
        route: str,
        *,
        authorizer: Callable[..., Any] | str | None = None,
        reply: bool = False,
    ) -> None:
        super().__init__()
        self.websocket_api = api
        self.route = route
        self.authorizer: Any = authorizer
        self.reply = reply
        self.validate()

    def validate(self) -> None:
        if not hasattr(self.websocket_api, "add_websocket"):
            raise refused(f"api must be what app.websocket_api(...) gave for websocket, not {self.websocket_api!r}.")
        route: object = self.route
        if not isinstance(route, str) or not 0 < len(route) <= ROUTE_MAX or not route.isprintable():
            raise refused(f"route must be text of 1 to {ROUTE_MAX} characters for websocket, not {route!r}.")
        if route.startswith("$") and route not in (CONNECT, DISCONNECT, DEFAULT):
            raise refused(f"Routes with $ are {CONNECT}, {DISCONNECT} and {DEFAULT} for websocket, not {route!r}.")
        by: object = self.authorizer
        if by is not None and not callable(by) and not isinstance(by, str):
            raise refused(
                f"authorizer must be the handler of an @app.authorizer or its name, or 'iam' for websocket, not {by!r}."
            )
        if by is not None and route != CONNECT:
            raise refused(f"authorizer is for the route {CONNECT} of websocket: it is asked once for a connection.")
        if flag("websocket", "reply", self.reply) and route in TYPES:
            raise refused(f"reply is for messages, not for the route {route} of websocket. Remove it.")

    def settle(self, app: App, handler: Handler) -> None:
        """Find the authorizer, and tell it for which API it is asked."""
        if self.authorizer is not None and self.authorizer != "iam":
            found = self.authorizer = self.authorizer_named(self.authorizer, app, handler, self.websocket_api)
            if found.type == "TOKEN":
                raise self.refused("WebSocket APIs have REQUEST authorizers only. Remove type= of the authorizer.")

    def key(self) -> list[tuple[str, str]]:
        api = self.websocket_api.key
        return [(f"websocket {api} {self.route}", f"The route {self.route} of the WebSocket API {api!r}")]

    def title(self) -> str:
        return f"WebSocket {self.websocket_api.key} {self.route}"

    def parse(self, raw: Any, context: Any) -> WebSocketEvent:
        return WebSocketEvent(raw, context)

    def payload(self, event: WebSocketEvent) -> Any:
        return event.json

    def encode(self, result: Any, event: WebSocketEvent) -> dict[str, Any]:
        """The status, by which API Gateway lets a client connect or not, and what is sent back."""
        if event.event_type == "DISCONNECT":
            return {"statusCode": 200}
        if event.event_type == "CONNECT":
            return connecting(result)
        failed = isinstance(result, (HTTPError, PayloadError))
        if result is None or (failed and not self.reply):
            return {"statusCode": as_response(result).status if failed else 200}
        if not self.reply:
            raise TypeError(
                f"The handler of the route {self.route} returned a {type(result).__name__}, and nobody would get it. "
                f"Write reply=True in @app.websocket(...), or return nothing."
            )
        response = as_response(result)
        body, is_base64, _ = encoded_body(response)
        if is_base64:
            raise TypeError("A handler's reply through a WebSocket is text or JSON. Send bytes with boto3.")
        return {"statusCode": response.status, "body": body}

    def mismatch(self, raw: Any) -> str:
        context = raw["requestContext"]
        if context["stage"] != self.websocket_api.key:
            return f"WebSocket API `{printable(context['stage'])}` is not `{self.websocket_api.key}`"
        return (
            "" if context["routeKey"] == self.route else f"route {printable(context['routeKey'])} is not {self.route}"
        )

    @classmethod
    def index(cls, triggers: Sequence[WebSocket]) -> Finder:
        """By the API's stage and the route."""

        def leads(raw: Any) -> list[tuple[str, str]]:
            context = raw["requestContext"]
            return [(context["stage"], context["routeKey"])]

        return filed(([(trigger.websocket_api.key, trigger.route)] for trigger in triggers), leads)

    def resources(self, function: Function, template: Template) -> None:
        """The route in the API."""
        self.websocket_api.add_websocket(template, function, self)

    def local(self) -> tuple[str, dict[str, Any]]:
        guard: dict[str, Any] | None = None if self.authorizer is None else {"kind": "iam"}
        if guard and self.authorizer != "iam":
            guard = {**self.authorizer.guard(), "scopes": [], "ttl": 0}  # it keeps no answers
        api = self.websocket_api
        told = {"api": api.key, "selection": api.route_selection_expression, "route": self.route}
        return "websockets", {**told, "reply": self.reply, "guard": guard}

    def sample(self, **fields: Any) -> dict[str, Any]:
        """An event of the route. Fields: ``connection_id``, ``authorizer`` (its context); to connect ``headers`` and
        ``query``; at the end ``disconnect_code`` and ``disconnect_reason``; else ``body``, which is JSON unless it is
        text, and names the route unless it says which."""
        kind = TYPES.get(self.route, "MESSAGE")
        own = {"CONNECT": ("headers", "query"), "MESSAGE": ("body",)}
        told = own.get(kind, ("disconnect_code", "disconnect_reason"))
        self.fields_among(fields, ("connection_id", "authorizer", *told))
        context: dict[str, Any] = {
            "routeKey": self.route,
            "eventType": kind,
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "messageDirection": "IN",
            "stage": self.websocket_api.key,
            "connectedAt": 1767225600000,
            "requestTimeEpoch": 1767225600000,
            "identity": {"sourceIp": "203.0.113.10", "userAgent": "eventfw"},
            "requestId": "JKJaXmPLvHcESHA=",
            "domainName": "example.execute-api.us-east-1.amazonaws.com",
            "connectionId": str(fields.get("connection_id", "JKJaXmPLvHcCEXA=")),
            "apiId": "example",
        }
        if fields.get("authorizer") is not None:
            context["authorizer"] = dict(fields["authorizer"])
        event: dict[str, Any] = {"requestContext": context, "isBase64Encoded": False}
        if kind == "CONNECT":
            from urllib.parse import parse_qs

            headers: dict[str, str] = {"Host": context["domainName"], **(fields.get("headers") or {})}
            several = parse_qs(str(fields.get("query", "")), keep_blank_values=True)
            event["headers"] = headers
            event["multiValueHeaders"] = {name: [value] for name, value in headers.items()}
            if several:
                event["queryStringParameters"] = {name: values[-1] for name, values in several.items()}
                event["multiValueQueryStringParameters"] = several
        elif kind == "DISCONNECT":
            context["disconnectStatusCode"] = fields.get("disconnect_code", 1001)
            context["disconnectReason"] = fields.get("disconnect_reason", "")
        else:
            context["messageId"] = "JKJaXfPLvHcCEXA="
            event["body"] = self._message(fields.get("body"))
        return event

    def _message(self, body: Any) -> str:
        """The text of a message that reaches the route."""
        if isinstance(body, str):
            return body
        from json import dumps

        if self.route != DEFAULT and (body is None or isinstance(body, dict)):
            named: Any = self.route
            *outer, last = self.websocket_api.route_selection_expression.split(".")[2:]
            named = {last: named}
            for field in reversed(outer):
                named = {field: named}
            body = {**named, **(body or {})}
        return dumps(body)


def connecting(result: Any) -> dict[str, Any]:
    """Whether a client may connect: what API Gateway makes of a ``$connect`` handler's answer."""
    if result is None or result is True:
        return {"statusCode": 200}
    if result is False:
        return {"statusCode": 403}
    if isinstance(result, (HTTPError, PayloadError, Response)):
        response = as_response(result)
        headers = {name: response.headers.get(name) for name in response.headers}
        body, is_base64, content_type = encoded_body(response)
        if content_type:
            headers.setdefault("content-type", content_type)
        return {"statusCode": response.status, "headers": headers, "body": body, "isBase64Encoded": is_base64}
    raise TypeError(
        f"A $connect handler returns nothing or True to let the client connect, False or a Response to say otherwise, "
        f"or raises HTTPError; not {result!r:.200}."
    )
