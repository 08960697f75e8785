"""What the local server's ASGI apps share: reading a request, writing a response, and saying what happened."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[str, str]]

#: What concerns one connection only (RFC 9110, section 7.6.1) and is not passed on, in either direction.
HOP_BY_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
    "transfer-encoding", "upgrade",
))  # fmt: skip


class Outcome(Protocol):
    """What one invocation gave: the function's payload, or its error's; and what it took, in MB and, of an environment
    that had to be started first, in milliseconds."""

    @property
    def payload(self) -> bytes: ...

    @property
    def error(self) -> bool: ...

    @property
    def memory_used(self) -> int: ...

    @property
    def init_ms(self) -> float: ...


def failure(payload: bytes) -> str:
    """Lambda's error payload (``errorType``, ``errorMessage``) in a line; another payload's beginning."""
    try:
        data = json.loads(payload)
    except ValueError:
        data = None
    if not isinstance(data, dict) or "errorMessage" not in data:
        return payload[:500].decode(errors="replace")
    kind = data.get("errorType")
    return f"{kind}: {data['errorMessage']}" if kind else str(data["errorMessage"])


#: Runs a function, by its short name, on the bytes of an event.
Invoke = Callable[[str, bytes], Awaitable[Outcome]]


class BodyTooLarge(Exception):
    """The request's body is longer than was asked for."""


class ClientGone(Exception):
    """The client closed the connection before its request had arrived."""


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request as it was sent: ``path`` and ``query`` are still encoded, header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"

    @property
    def target(self) -> str:
        """The path and the query string, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def header(self, name: str) -> str:
        """All values of the header, joined with a comma; empty without one. ``name`` is lower case."""
        return ",".join(value for key, value in self.headers if key == name)

    def with_headers(self, **changes: str) -> HttpRequest:
        """The request with these headers replaced or added; ``_`` in a name stands for ``-``."""
        added = {name.replace("_", "-"): value for name, value in changes.items()}
        kept = [(name, value) for name, value in self.headers if name not in added]
        return replace(self, headers=[*kept, *added.items()])


@dataclass(slots=True)
class HttpResponse:
    """A response to send. ``problem`` tells the developer why it is not what the function returned, ``outcome`` what
    the function gave."""

    status: int
    headers: Headers
    body: bytes = b""
    problem: str = ""
    outcome: Outcome | None = None


@dataclass(slots=True)
class Exchange:
    """One request that was answered, for the terminal. ``function`` is empty where none was invoked, and ``outcome``
    there where it tells what the function took. ``cache`` says how it went where a cache was asked: ``Hit``."""

    method: str
    target: str
    status: int
    function: str
    seconds: float
    problem: str = ""
    outcome: Outcome | None = None
    cache: str = ""


Observe = Callable[[Exchange], None]


def unobserved(exchange: Exchange) -> None:
    """The observer of whoever wants to see nothing."""


def head_of(scope: Scope) -> HttpRequest:
    """The request without its body."""
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    return HttpRequest(
        method=scope["method"],
        path=raw_path.partition(b"?")[0].decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=[(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        source_ip=client[0] if client else "127.0.0.1",
        protocol=f"HTTP/{scope['http_version']}",
    )


async def body_of(request: HttpRequest, receive: Receive, limit: int) -> bytes:
    """The request's whole body, of at most ``limit`` bytes. Raises BodyTooLarge and ClientGone."""
    announced = request.header("content-length")
    if announced.isdigit() and int(announced) > limit:
        raise BodyTooLarge
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise BodyTooLarge
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def respond(send: Send, response: HttpResponse) -> None:
    """Send the response with its exact length.

    The head and the body follow each other without a pause of the event loop, which is what lets uvloop write both at
    once; a client on a kept-alive connection never waits for a second segment.
    """
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    if response.status not in (204, 304):
        headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


class PlainHttp:
    """An ASGI app for which a request to connect a WebSocket is a GET request like any other."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        await receive()

        async def body() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def answer(message: Message) -> None:
            await send({**message, "type": f"websocket.{message['type']}"})

        # uvicorn has taken these two out of the headers.
        headers = [*scope["headers"], (b"connection", b"upgrade"), (b"upgrade", b"websocket")]
        told = {"type": "http", "method": "GET", "scheme": "http", "headers": headers}
        await self.app({**scope, **told}, body, answer)


async def refuse_protocol(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer what is not an HTTP request: acknowledge the server's start and stop, close a WebSocket."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        return
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def without_hop_by_hop(headers: Headers) -> Headers:
    """The headers to pass on: without those of the connection, and those that its Connection header names."""
    named = {part.strip().lower() for name, value in headers if name == "connection" for part in value.split(",")}
    return [(name, value) for name, value in headers if name not in HOP_BY_HOP and name not in named]


def request_id(size: int) -> str:
    """A random identifier of ``size`` bytes in URL-safe base64, as API Gateway and CloudFront write theirs."""
    return b64encode(os.urandom(size), b"-_").decode("ascii")
