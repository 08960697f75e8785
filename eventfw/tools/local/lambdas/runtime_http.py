"""The HTTP of Lambda's Runtime API: one connection of a runtime, and one answer for each of its requests.

uvicorn serves everything else here. It hides from its apps what this API is about: that a runtime's connection was
closed after its event was handed out, the trailers that end a streamed response, and the case of header names, which
bootstraps written as shell scripts look for.
"""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol, cast

import httptools

from eventfw.tools.local.web.offers import Http1Parser
from eventfw.tools.local.workers.answers import PAYLOAD_LIMIT

if TYPE_CHECKING:
    from eventfw.tools.local.web.asgi import Headers
    from eventfw.tools.local.web.guard import Guard

GUARDED = frozenset(("host", "origin", "referer", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest"))
JSON = [("Content-Type", "application/json")]


class Request:
    """A request of a runtime. Header names are lower case; ``trailers`` are there once it is complete."""

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: Headers = []
        self.trailers: Headers = []
        self.body = bytearray()
        self.too_large = False

    @property
    def path(self) -> str:
        """The path, without a query string."""
        return self.target.partition(b"?")[0].decode("latin-1")

    def header(self, name: str) -> str:
        """A header's value; empty without one."""
        return next((value for key, value in self.headers if key == name), "")

    def trailer(self, name: str) -> str:
        """A trailer's value; empty without one."""
        return next((value for key, value in self.trailers if key == name), "")

    def take(self, body: bytes) -> None:
        """Keep a part of the body, unless the whole is over Lambda's limit: then nothing of it."""
        self.too_large = self.too_large or len(self.body) + len(body) > PAYLOAD_LIMIT
        if self.too_large:
            self.body.clear()
        else:
            self.body += body


class Runtimes(Protocol):
    """What a connection tells of: a request that is to be answered, at once or later, and its end."""

    def requested(self, connection: Connection, request: Request) -> None:
        """Answer the request, now or when there is something to answer."""

    def hung_up(self, connection: Connection, unfinished: Request | None) -> None:
        """The connection is closed; ``unfinished`` had begun to arrive."""


class Connection(asyncio.Protocol):
    """One connection of a runtime. Requests on it follow one another, each after the answer to the one before."""

    def __init__(self, runtimes: Runtimes, guard: Guard) -> None:
        self.runtimes = runtimes
        self.guard = guard
        self.requests = 0
        self.agent = ""
        self.invocation: Any = None  # the last that was handed out on this connection
        self._parser = Http1Parser(self, self._head)
        self._transport: asyncio.Transport | None = None
        self._arriving: Request | None = None
        self._complete_head = False
        self._unanswered = False
        self._stays = True
        self._trusted: Headers | None = None  # what the guard has let pass on this connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.runtimes.hung_up(self, self._arriving)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # it is a fault here, and no runtime's
        except httptools.HttpParserError:
            self._stays = False
            self.refuse(HTTPStatus.BAD_REQUEST, "BadRequest", "This is not an HTTP request of the Runtime API.")

    def _head(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """The target and the headers of the request that is arriving."""
        request = self._arriving or Request()
        return request.target, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]

    def on_message_begin(self) -> None:
        self._arriving, self._complete_head = Request(), False
        self.requests += 1
        if self._unanswered:
            self.close()  # a second request before the answer to the first: no client of this API does that

    def on_url(self, url: bytes) -> None:
        if self._arriving is not None:
            self._arriving.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._arriving is not None:
            fields = self._arriving.trailers if self._complete_head else self._arriving.headers
            fields.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        request = self._arriving
        if request is None or self._transport is None or self._parser.declining:
            return
        self._complete_head = True
        request.method = self._parser.get_method().decode("latin-1")
        self.agent = request.header("user-agent")
        if request.header("expect").lower() == "100-continue":  # libcurl asks so before a body of over 1 MB
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._arriving is not None:
            self._arriving.take(body)

    def on_message_complete(self) -> None:
        if self._parser.declining:
            self.requests -= 1
            return
        request, self._arriving = self._arriving, None
        if request is None or self._transport is None or self._transport.is_closing():
            return
        self._unanswered, self._stays = True, self._parser.should_keep_alive()
        named = [one for one in request.headers if one[0] in GUARDED]
        refusal = self.guard.refusal(request.headers) if named != self._trusted else None
        if refusal is not None:
            self.answer(refusal.status, refusal.headers, refusal.body)
        else:
            self._trusted = named
            self.runtimes.requested(self, request)

    def accept(self) -> None:
        """Lambda's answer to whatever a runtime reports."""
        self.answer(HTTPStatus.ACCEPTED, JSON, b'{"status":"OK"}\n')

    def refuse(self, status: HTTPStatus, error_type: str, message: str) -> None:
        """Lambda's answer to what it does not take."""
        body = json.dumps({"errorMessage": message, "errorType": error_type}) + "\n"
        self.answer(status, JSON, body.encode())

    def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Answer the request, in one write."""
        if self._transport is None:
            return
        self._unanswered = False
        fields = [*headers, ("Content-Length", str(len(body)))]
        if not self._stays:
            fields.append(("Connection", "close"))
        head = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields)]
        self._transport.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
        if not self._stays:
            self.close()

    def close(self) -> None:
        """End the connection, with what was written to it."""
        if self._transport is not None:
            self._transport.close()
