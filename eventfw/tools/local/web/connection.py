"""A connection of HTTP clients: plain requests go the short way; for any other one the connection is uvicorn's, which
leads to the ASGI app, until that is answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from time import time
from typing import Any, cast

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from eventfw.tools.local.web.asgi import HttpResponse
from eventfw.tools.local.web.direct import BODY_LIMIT, SPECIAL, Direct, Sender
from eventfw.tools.local.web.offers import Http1Parser

#: The line of a request, as nearly all are: others are parsed even after the same headers.
_LINE = re.compile(rb"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/(?!/)[A-Za-z0-9/._~%!$&'()*+,;=:@?-]*) HTTP/1\.1")

Other = Callable[["HttpConnection"], HttpToolsProtocol]

HELD_LIMIT = 64 * 1024  # bytes that are kept of what comes before the answer; the client then has to wait
IDLE_SECONDS = 5.0  # that a connection without a request is kept, as by uvicorn


class HttpConnection(asyncio.Protocol):
    """One connection. ``connections`` are the server's, which ends them; ``other`` makes the other protocol for it.

    Only a request that has arrived whole, and nothing after it, can go the short way. So uvicorn's protocol gets
    everything of a request, or nothing.
    """

    def __init__(self, directs: Mapping[int, Direct], connections: set[Any], other: Other) -> None:
        self.directs = directs
        self.connections = connections
        self.other = other
        self.transport: asyncio.Transport = None  # type: ignore[assignment] # until it is connected
        self.direct: Direct | None = None
        self._loop = asyncio.get_running_loop()
        self._source, self._port = "", 0
        self._parser = httptools.HttpRequestParser(self)
        self._arrived = b""  # of the request that is arriving
        self._held = b""  # what came before the answer to the last one
        self._answering = self._bodiless = False
        self._url, self._body = b"", b""
        self._begun = self._complete = 0
        self._rest = b""  # all that followed the line of the last request, where that was headers only
        self._headers: list[tuple[bytes, bytes]] = []
        self._known: list[tuple[bytes, bytes]] | None = None  # the last request's headers, and
        self._sender: Sender = None  # type: ignore[assignment] # what they came to
        self._closing = False
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connections.add(self)
        self._source = transport.get_extra_info("peername")[0]
        self._port = transport.get_extra_info("sockname")[1]
        self.direct = self.directs.get(self._port)
        if self.direct is None:
            self._hand_over()

    def connection_lost(self, error: Exception | None) -> None:
        self._leave()

    def shutdown(self) -> None:
        """End after the answer that is under way; the server's wish, once it stops."""
        self._closing = True
        if not self._answering:
            self.transport.close()

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # a client that does not read its answers is not to ask for more

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    # What arrives.

    def data_received(self, data: bytes) -> None:
        if self._answering:
            self._hold(data)
        elif self._arrived:
            self._arrived += data
            self._parse(data)
        else:
            self._arrived = data
            line, _, rest = data.partition(b"\r\n")
            found = _LINE.fullmatch(line) if rest and rest == self._rest else None
            if found is None:
                self._url, self._headers, self._body = b"", [], b""
                self._begun = self._complete = 0
                self._parse(data)
            elif not self._begin(found[1].decode(), found[2].decode()):
                self._hand_over()

    def _parse(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._hand_over()
            return
        if self._complete:
            if self._begun != 1 or not self._take():
                self._hand_over()
        elif len(self._arrived) > BODY_LIMIT or self._begun != 1 or self._special():
            self._hand_over()

    def _special(self) -> bool:
        """Whether the rest of a request may not come before it is asked for, or be long."""
        return any(name.lower().decode("latin-1") in SPECIAL for name, _ in self._headers)

    def on_message_begin(self) -> None:
        self._begun += 1

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self._complete += 1

    def _take(self) -> bool:
        """Begin to answer the request that has been parsed, if it is for the short way."""
        url, parser, direct = self._url, self._parser, self.direct
        if direct is None or url[:1] != b"/" or url[1:2] == b"/" or b"#" in url or not url.isascii():
            return False
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return False
        if self._headers != self._known:
            headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in self._headers]
            self._sender = Sender(headers, self._body, self._source, self._port, direct.gateway)
            self._known = self._headers
        self._rest = self._arrived.partition(b"\r\n")[2] if not self._body else b""
        return self._begin(parser.get_method().decode("ascii"), url.decode("ascii"))

    def _begin(self, method: str, url: str) -> bool:
        """Begin to answer a request with the headers of :attr:`_sender`, if it is for the short way."""
        arrived, self._arrived = self._arrived, b""
        self._answering, self._bodiless = True, method == "HEAD"
        if self.direct is not None and self.direct.take(method, url, self._sender, self._body, self._answer):
            return True
        self._arrived, self._answering = arrived, False
        return False

    def _hold(self, data: bytes) -> None:
        """Keep what comes before the last request is answered."""
        self._held += data
        if len(self._held) > HELD_LIMIT:
            self.transport.pause_reading()

    # What is answered.

    def _answer(self, response: HttpResponse) -> None:
        self._answering = False
        if self.transport.is_closing():
            return  # the client did not wait for it
        self.transport.write(rendered(response, without_body=self._bodiless, last=self._closing))
        if self._closing:
            self.transport.close()
            return
        self._wait()
        if self._held:
            held, self._held = self._held, b""
            self.transport.resume_reading()
            self.data_received(held)

    def _wait(self) -> None:
        """Be idle from now on, until something arrives."""
        self._idle_since = self._loop.time()
        if self._idle_timer is None:
            self._idle_timer = self._loop.call_later(IDLE_SECONDS, self._look)

    def _look(self) -> None:
        """Close an idle connection: one timer after the other, since setting one for each answer costs."""
        left = self._idle_since + IDLE_SECONDS - self._loop.time()
        if self._answering or self._arrived:
            left = IDLE_SECONDS
        if left > 0.001:
            self._idle_timer = self._loop.call_later(left, self._look)
        else:
            self.transport.close()

    # Other requests.

    def _hand_over(self) -> None:
        """Make the connection uvicorn's, with all that has arrived of a request."""
        self._leave()
        arrived, self._arrived = self._arrived, b""
        protocol = self.other(self)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)
        if arrived:
            protocol.data_received(arrived)

    def take_back(self) -> None:
        """Go on after a request that was answered otherwise, where there is a short way."""
        self.connections.add(self)
        self._parser = httptools.HttpRequestParser(self)
        self.transport.set_protocol(self)
        self._wait()

    def _leave(self) -> None:
        self.connections.discard(self)
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None


class AsgiConnection(HttpToolsProtocol):
    """uvicorn's protocol for what an :class:`HttpConnection` leaves to it, and gets back when that is answered."""

    def __init__(self, back: HttpConnection, **given: Any) -> None:
        super().__init__(**given)
        self._back = back
        self._between = True  # two requests, as far as anything has arrived
        self.parser: Any = Http1Parser(self, lambda: (self.url, self.headers), self._should_upgrade)

    def on_message_begin(self) -> None:
        self._between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if not self.parser.declining:
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.declining:
            super().on_message_complete()
            self._between = True

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._back.direct is None:
            return  # there is nothing to go back to: uvicorn keeps it, and closes it when the server ends
        last = self._between and self.cycle.response_complete  # nothing has come after the request that is answered
        if last and self.cycle.keep_alive and not self.flow.write_paused and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.connections.discard(self)
            self._back.take_back()


def rendered(response: HttpResponse, *, without_body: bool, last: bool) -> bytes:
    """A response as it goes over the wire, at once; ``last`` says that the connection ends with it."""
    status, body = response.status, response.body
    lines = [_first_lines(status, int(time()))]
    lines += [f"{name}: {value}\r\n" for name, value in response.headers]
    if status not in (204, 304):
        lines.append(f"content-length: {len(body)}\r\n")
    lines.append("connection: close\r\n\r\n" if last else "\r\n")
    head = "".join(lines).encode("latin-1")
    return head if without_body else head + body


@lru_cache(maxsize=32)
def _first_lines(status: int, second: int) -> str:
    """The status line and the date."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\ndate: {formatdate(second, usegmt=True)}\r\n"
