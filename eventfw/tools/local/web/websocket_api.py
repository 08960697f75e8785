"""What a WebSocket API writes and answers: its events, the route of a message, errors, ``@connections``.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, request_id
from eventfw.tools.local.web.http_shared import common_log_time, decoded_query, epoch_milliseconds, listed
from eventfw.tools.local.web.proxy_event import recased

MESSAGE_LIMIT = 128 * 1024  # bytes
CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
KINDS = {CONNECT: "CONNECT", DISCONNECT: "DISCONNECT"}


@dataclass(frozen=True)
class SocketRoute:
    """A route of an API: which function it leads to, whether that answers, and who may connect."""

    function: str
    reply: bool
    guard: Mapping[str, Any] | None


@dataclass
class SocketApi:
    """A WebSocket API: its routes, and where in a message their names are."""

    name: str
    selection: str
    routes: dict[str, SocketRoute] = field(default_factory=dict)

    def route_of(self, body: str) -> str:
        """The route that a message names, if the API has it, else ``$default``."""
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            return DEFAULT
        for name in self.selection.split(".")[2:]:
            found = found.get(name) if isinstance(found, dict) else None
        named = found if isinstance(found, str) else json.dumps(found)
        return named if named in self.routes and named not in KINDS else DEFAULT


def socket_apis(described: list[dict[str, Any]]) -> dict[str, SocketApi]:
    """The APIs of a description of the app, by name."""
    apis: dict[str, SocketApi] = {}
    for one in described:
        api = apis.setdefault(one["api"], SocketApi(one["api"], one["selection"]))
        api.routes[one["route"]] = SocketRoute(one["function"], one["reply"], one["guard"])
    return apis


@dataclass(frozen=True)
class Client:
    """Who connected, and to what."""

    id: str
    api: str
    domain: str
    source_ip: str
    agent: str
    connected: datetime
    authorizer: dict[str, Any] | None = None


def socket_event(client: Client, route: str, **more: Any) -> dict[str, Any]:
    """What is common to the events of a connection; ``more`` goes into ``requestContext``."""
    now, identity = datetime.now(UTC), request_id(11)
    context: dict[str, Any] = {
        "routeKey": route,
        "eventType": KINDS.get(route, "MESSAGE"),
        "extendedRequestId": identity,
        "requestTime": common_log_time(now),
        "messageDirection": "IN",
        "stage": client.api,
        "connectedAt": epoch_milliseconds(client.connected),
        "requestTimeEpoch": epoch_milliseconds(now),
        "identity": {"sourceIp": client.source_ip, "userAgent": client.agent or None},
        "requestId": identity,
        "domainName": client.domain,
        "connectionId": client.id,
        "apiId": client.api,
        **more,
    }
    if client.authorizer is not None:
        context["authorizer"] = client.authorizer
    return {"requestContext": context, "isBase64Encoded": False}


def connect_event(client: Client, request: HttpRequest) -> dict[str, Any]:
    """The event of a request to connect."""
    headers, query = recased(request.headers), decoded_query(request.query)
    event = {"headers": dict(headers), "multiValueHeaders": listed(headers), **socket_event(client, CONNECT)}
    if query:
        event |= {"queryStringParameters": dict(query), "multiValueQueryStringParameters": listed(query)}
    return event


def message_event(client: Client, route: str, message: str) -> dict[str, Any]:
    """The event of a message."""
    return {**socket_event(client, route, messageId=request_id(11)), "body": message}


def disconnect_event(client: Client, code: int, reason: str) -> dict[str, Any]:
    """The event of a connection that ended."""
    return socket_event(client, DISCONNECT, disconnectStatusCode=code, disconnectReason=reason)


def error_text(message: str, event: Mapping[str, Any]) -> str:
    """What a client is sent where a message of its went wrong."""
    context = event["requestContext"]
    told = {"message": message, "connectionId": context["connectionId"], "requestId": context["requestId"]}
    return json.dumps(told, separators=(",", ":"))


def seen(client: Client, active: datetime) -> HttpResponse:
    """What ``GET @connections/ID`` says."""
    told = {
        "connectedAt": stamp(client.connected),
        "identity": {"sourceIp": client.source_ip, "userAgent": client.agent},
        "lastActiveAt": stamp(active),
    }
    return HttpResponse(200, [("content-type", "application/json")], json.dumps(told).encode())


def gone() -> HttpResponse:
    """What is said of a connection that is not there: yet, or any more."""
    headers = [("content-type", "application/json"), ("x-amzn-errortype", "GoneException")]
    return HttpResponse(410, headers, b'{"message":null}', "there is no such connection: not yet, or no more.")


def too_long() -> HttpResponse:
    """What is said to a message that is too long."""
    headers = [("content-type", "application/json"), ("x-amzn-errortype", "PayloadTooLargeException")]
    problem = f"a message has at most {MESSAGE_LIMIT} bytes."
    return HttpResponse(413, headers, b'{"message":"Payload too large"}', problem)


def stamp(moment: datetime) -> str:
    """``2026-01-01T00:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
