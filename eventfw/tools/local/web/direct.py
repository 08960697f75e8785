"""The short way of plain requests: from a connection straight to a warm worker, and back from its answer.

It is for routes of HTTP APIs that ask no authorizer, and only for requests that need no waiting. All others are for the
ASGI app, which answers these just the same: events and responses are made by the same functions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Protocol
from urllib.parse import unquote

from eventfw.tools.local.web.apis import LocalApi, with_cors
from eventfw.tools.local.web.asgi import Exchange, Headers, HttpRequest, HttpResponse, Outcome, request_id
from eventfw.tools.local.web.fronts import Fronts
from eventfw.tools.local.web.gateway import Gateway, forwarded, now, response_of, values_size
from eventfw.tools.local.web.http_api import HEADERS_LIMIT, Head, event_text
from eventfw.tools.local.web.trouble import Trouble
from eventfw.tools.local.web.websockets import WebSockets

BODY_LIMIT = 64 * 1024  # bytes: a longer body takes its time anyway
PROTOCOL = "HTTP/1.1"
SPECIAL = frozenset(("expect", "transfer-encoding", "upgrade"))  # headers that ask for more than an answer


class Begin(Protocol):
    """Runs a function on an event, if that can begin at once and is over in so many seconds; whether it does."""

    def __call__(self, function: str, event: bytes, answer: Callable[[Outcome], None], within: float, /) -> bool: ...


class Sender:
    """What one list of headers comes to, with one address: made once, since a client repeats its headers."""

    __slots__ = ("head", "origin", "plain", "size")

    def __init__(self, headers: Headers, body: bytes, source_ip: str, port: int, gateway: Gateway) -> None:
        self.origin = HttpRequest("", "", headers=headers, body=body, source_ip=source_ip)
        self.plain = SPECIAL.isdisjoint(name for name, _ in headers) and gateway.guard.refusal(headers) is None
        self.size = values_size(self.origin)
        self.head = Head(forwarded(self.origin, port, "http").headers, source_ip)


class Plain:
    """One request on the short way. ``answer`` is given the response, whenever it has come."""

    __slots__ = (
        "answer",
        "api",
        "begun",
        "body",
        "function",
        "gateway",
        "identity",
        "method",
        "path",
        "query",
        "sender",
    )

    protocol = PROTOCOL
    api: LocalApi
    function: str
    gateway: Gateway

    def __init__(
        self, method: str, path: str, query: str, body: bytes, sender: Sender, answer: Callable[[HttpResponse], None]
    ) -> None:
        self.begun = perf_counter()
        self.method = method
        self.path = path
        self.query = query
        self.body = body
        self.sender = sender
        self.answer = answer
        self.identity = request_id(11)

    @property
    def target(self) -> str:
        """The path and the query string, as in the request line."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def ended(self, outcome: Outcome) -> None:
        """The function's outcome is there."""
        try:
            response = response_of(self.api, self.function, outcome, self.sender.origin)
        except Exception as error:  # else the worker's connection, which tells of the outcome, would end by it
            response = self.broken(error)
        self.responded(response)

    def broken(self, error: Exception) -> HttpResponse:
        """The answer where there is none by a fault of ours, as uvicorn gives it; the fault is told."""
        told = {"message": f"{self.method} {self.target} could not be answered", "exception": error}
        asyncio.get_running_loop().call_exception_handler(told)
        return HttpResponse(500, [("content-type", "text/plain; charset=utf-8")], b"Internal Server Error")

    def responded(self, response: HttpResponse) -> None:
        """The response is there, but for what the gateway adds."""
        response = with_cors(self.api, self.sender.origin, response)
        response.headers.append(("apigw-requestid", self.identity))
        self.answer(response)
        seconds, function, outcome = perf_counter() - self.begun, self.function, response.outcome
        told = Exchange(self.method, self.target, response.status, function, seconds, response.problem, outcome)
        self.gateway.observe(told)


class Direct:
    """Takes plain requests for a gateway that stands behind others."""

    def __init__(
        self, websockets: WebSockets, fronts: Fronts, gateway: Gateway, begin: Begin, trouble: Trouble | None = None
    ) -> None:
        self.websockets = websockets
        self.fronts = fronts
        self.gateway = gateway
        self.begin = begin
        self.trouble = trouble
        self._waiting: set[asyncio.Task[None]] = set()  # a task that nobody refers to could be collected

    def take(self, request: Plain) -> bool:
        """Begin to answer a request, if it is for the short way; whether it is."""
        sender, gateway, path = request.sender, self.gateway, request.path
        if self.trouble is not None and self.trouble.headers:
            return False
        size = sender.size + len(request.method) + len(request.target) + len(PROTOCOL) + 2
        if not sender.plain or size > HEADERS_LIMIT or self.fronts.takes(path) or self.websockets.takes(unquote(path)):
            return False
        api, below = gateway.apis.find(path)
        if below is None or api.rest or (api.cors is not None and request.method == "OPTIONS"):
            return False
        found = api.routes.match(request.method, below)
        if found is None or found[0] in api.guards:
            return False
        route_key, path_parameters, request.function, _ = found
        request.api, request.gateway, stage = api, gateway, api.stage
        named = request.identity
        text = event_text(
            sender.head, request, route_key, path_parameters, request_id=named, received=now(), stage=stage
        )
        event = text.encode()
        if not self.begin(request.function, event, request.ended, gateway.invoke.seconds):
            task = asyncio.get_running_loop().create_task(self._wait(request, event))
            self._waiting.add(task)
            task.add_done_callback(self._waiting.discard)
        return True

    async def _wait(self, request: Plain, event: bytes) -> None:
        """Answer a request whose function cannot run at once."""
        sent = request.sender.origin
        try:
            response = await self.gateway.invoked(request.api, request.function, event, sent)
        except Exception as error:
            response = request.broken(error)
        request.responded(response)
