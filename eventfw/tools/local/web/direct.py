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
from eventfw.tools.local.web.gateway import Gateway, forwarded, line_size, now, response_of, values_size
from eventfw.tools.local.web.http_api import HEADERS_LIMIT, Head, Target, event_text
from eventfw.tools.local.web.trouble import Trouble
from eventfw.tools.local.web.websockets import WebSockets

BODY_LIMIT = 64 * 1024  # bytes: a longer body takes its time anyway
MOST_PLACES = 500  # URLs that are remembered
SPECIAL = frozenset(("expect", "transfer-encoding", "upgrade"))  # headers that ask for more than an answer


Answer = Callable[[HttpResponse], None]


class Begin(Protocol):
    """Runs a function on an event, if that can begin at once and is over in so many seconds; whether it does.

    ``answer`` is told ``None`` where it could not begin after all.
    """

    def __call__(
        self, function: str, event: bytes, answer: Callable[[Outcome | None], None], within: float, /
    ) -> bool: ...


class Sender:
    """What one list of headers comes to, with one address: made once, since a client repeats its headers."""

    __slots__ = ("head", "origin", "plain", "size")

    def __init__(self, headers: Headers, body: bytes, source_ip: str, port: int, gateway: Gateway) -> None:
        self.origin = HttpRequest("", "", headers=headers, body=body, source_ip=source_ip)
        self.plain = SPECIAL.isdisjoint(name for name, _ in headers) and gateway.guard.refusal(headers) is None
        self.size = values_size(self.origin)
        self.head = Head(forwarded(self.origin, port, "http").headers, source_ip)


class Place:
    """What one request line comes to: whom it reaches, and its part of the event."""

    __slots__ = ("api", "function", "method", "size", "target", "text")

    def __init__(self, request: HttpRequest, api: LocalApi, found: tuple[str, dict[str, str], str, str]) -> None:
        route_key, path_parameters, self.function, _ = found
        self.api = api
        self.method = request.method
        self.target = request.target
        self.size = line_size(request)
        self.text = Target(request, route_key, path_parameters, stage=api.stage)


class Plain:
    """One request on the short way. ``answer`` is given the response, whenever it has come."""

    __slots__ = ("answer", "begun", "direct", "event", "gateway", "identity", "place", "sender")

    def __init__(self, direct: Direct, place: Place, sender: Sender, answer: Answer) -> None:
        self.begun = perf_counter()
        self.direct = direct
        self.gateway = direct.gateway
        self.event = b""
        self.place = place
        self.sender = sender
        self.answer = answer
        self.identity = request_id(11)

    def ended(self, outcome: Outcome | None) -> None:
        """The function's outcome is there, or it has to be waited for."""
        if outcome is None:
            self.direct.wait(self)
            return
        try:
            response = response_of(self.place.api, self.place.function, outcome, self.sender.origin)
        except Exception as error:  # else the worker's connection, which tells of the outcome, would end by it
            response = self.broken(error)
        self.responded(response)

    def broken(self, error: Exception) -> HttpResponse:
        """The answer where there is none by a fault of ours, as uvicorn gives it; the fault is told."""
        told = {"message": f"{self.place.method} {self.place.target} could not be answered", "exception": error}
        asyncio.get_running_loop().call_exception_handler(told)
        return HttpResponse(500, [("content-type", "text/plain; charset=utf-8")], b"Internal Server Error")

    def responded(self, response: HttpResponse) -> None:
        """The response is there, but for what the gateway adds."""
        place = self.place
        response = with_cors(place.api, self.sender.origin, response)
        response.headers.append(("apigw-requestid", self.identity))
        self.answer(response)
        seconds, function, problem = perf_counter() - self.begun, place.function, response.problem
        told = Exchange(place.method, place.target, response.status, function, seconds, problem, response.outcome)
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
        self._places: dict[tuple[str, str], Place] = {}
        self._of: tuple[object, object] = (None, None)  # the APIs that these belong to

    def place(self, method: str, url: str) -> Place | None:
        """Whom a request for a URL reaches, if it is for the short way whatever its headers are."""
        of = self._of
        if of[0] is not self.gateway.apis or of[1] is not self.websockets.apis or len(self._places) > MOST_PLACES:
            self._of = self.gateway.apis, self.websockets.apis
            self._places = {}
        place = self._places.get((method, url))
        if place is None:
            place = self._found(method, url)
            if place is not None:
                self._places[method, url] = place
        return place

    def _found(self, method: str, url: str) -> Place | None:
        path, _, query = url.partition("?")
        if self.fronts.takes(path) or self.websockets.takes(unquote(path)):
            return None
        api, below = self.gateway.apis.find(path)
        if below is None or api.rest or (api.cors is not None and method == "OPTIONS"):
            return None
        found = api.routes.match(method, below)
        if found is None or found[0] in api.guards:
            return None
        return Place(HttpRequest(method, path, query), api, found)

    def take(self, method: str, url: str, sender: Sender, body: bytes, answer: Answer) -> bool:
        """Begin to answer a request, if it is for the short way; whether it is."""
        if not sender.plain or (self.trouble is not None and self.trouble.headers):
            return False
        place, gateway = self.place(method, url), self.gateway
        if place is None or place.size + sender.size > HEADERS_LIMIT:
            return False
        request = Plain(self, place, sender, answer)
        text = event_text(sender.head, place.text, body, request_id=request.identity, received=now())
        request.event = text.encode()
        if not self.begin(place.function, request.event, request.ended, gateway.invoke.seconds):
            self.wait(request)
        return True

    def wait(self, request: Plain) -> None:
        """Answer a request whose function cannot run at once."""
        task = asyncio.get_running_loop().create_task(self._wait(request))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _wait(self, request: Plain) -> None:
        place, sent = request.place, request.sender.origin
        try:
            response = await self.gateway.invoked(place.api, place.function, request.event, sent)
        except Exception as error:
            response = request.broken(error)
        request.responded(response)
