"""The HTTP gateway: answers the app's routes on this machine as API Gateway's HTTP API would."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Protocol

from eventfw.errors import EventfwError
from eventfw.tools.local.asgi import (
    BodyTooLarge,
    ClientGone,
    Exchange,
    HttpRequest,
    HttpResponse,
    Invoke,
    Observe,
    Receive,
    Scope,
    Send,
    body_of,
    failure,
    head_of,
    refuse_protocol,
    request_id,
    respond,
    unobserved,
    without_hop_by_hop,
)
from eventfw.tools.local.guard import Guard
from eventfw.tools.local.http_api import (
    BODY_LIMIT,
    HEADERS_LIMIT,
    PAYLOAD_LIMIT,
    TIMEOUT,
    gateway_error,
    http_event,
    http_response,
)
from eventfw.tools.local.waiting import TimedInvoke


class Routes(Protocol):
    """Which handler a request reaches."""

    def match(self, method: str, path: str, /) -> tuple[str, dict[str, str], str, str] | None:
        """Route key, path parameters, function and handler; None when no route matches."""


class Gateway:
    """An ASGI app that turns each request into a payload-format-2.0 event, invokes, and converts the result.

    Assigning ``routes`` takes effect with the next request; those under way keep the route they have matched.
    ``timeout`` is in seconds: the gateway then answers 503 and the function goes on, as on AWS.
    """

    def __init__(
        self,
        routes: Routes,
        invoke: Invoke,
        *,
        guard: Guard | None = None,
        observe: Observe = unobserved,
        timeout: float = TIMEOUT,
    ) -> None:
        self.routes = routes
        self.invoke = TimedInvoke(invoke, timeout)
        self.guard = guard or Guard()
        self.observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_protocol(scope, receive, send)
            return
        started, identity, request = perf_counter(), request_id(11), head_of(scope)
        try:
            function, response = await self._answer(request, receive, identity, scope)
        except ClientGone:
            return
        response.headers.append(("apigw-requestid", identity))
        await respond(send, response)
        seconds = perf_counter() - started
        self.observe(Exchange(request.method, request.target, response.status, function, seconds, response.problem))

    async def _answer(
        self, request: HttpRequest, receive: Receive, identity: str, scope: Scope
    ) -> tuple[str, HttpResponse]:
        """The function that was invoked, if any, and the response."""
        refused = self.guard.refusal(request.headers) or _over_the_limit(request)
        if refused:
            return "", refused
        found = self.routes.match(request.method, request.path)
        if found is None:
            return "", gateway_error(404)
        route_key, path_parameters, function, _ = found
        try:
            body = await body_of(request, receive, BODY_LIMIT)
        except BodyTooLarge:
            return "", gateway_error(413, problem=f"the body is over the {BODY_LIMIT} bytes of an HTTP API.")
        event = http_event(
            _forwarded(request, body, scope),
            route_key,
            path_parameters,
            request_id=identity,
            received=datetime.now(UTC),
        )
        return function, await self._invoked(function, json.dumps(event, separators=(",", ":")).encode())

    async def _invoked(self, function: str, event: bytes) -> HttpResponse:
        if len(event) > PAYLOAD_LIMIT:
            return gateway_error(413, problem=f"the event has {len(event)} bytes, over Lambda's {PAYLOAD_LIMIT}.")
        try:
            outcome = await self.invoke(function, event)
        except TimeoutError:
            return gateway_error(503, problem=f"{function} ran longer than the gateway's {self.invoke.seconds:g} s.")
        except EventfwError as error:
            return gateway_error(500, problem=str(error))
        if outcome.error:
            return gateway_error(500, problem=f"{function} failed: {failure(outcome.payload)}")
        if len(outcome.payload) > PAYLOAD_LIMIT:
            problem = f"{function} returned {len(outcome.payload)} bytes, over Lambda's {PAYLOAD_LIMIT}."
            return gateway_error(500, problem=problem)
        return http_response(outcome.payload)


def _over_the_limit(request: HttpRequest) -> HttpResponse | None:
    size = len(f"{request.method} {request.target} {request.protocol}")
    size += sum(len(value) for _, value in request.headers)
    if size <= HEADERS_LIMIT:
        return None
    return gateway_error(431, problem=f"request line and header values have {size} bytes, over {HEADERS_LIMIT}.")


def _forwarded(request: HttpRequest, body: bytes, scope: Scope) -> HttpRequest:
    """The request as the integration gets it: without the connection's headers, with those that the gateway adds."""
    server = scope.get("server")
    before = request.header("x-forwarded-for")
    kept = [(name, value) for name, value in without_hop_by_hop(request.headers) if name != "expect"]
    return replace(request, headers=kept, body=body).with_headers(
        content_length=str(len(body)),
        x_forwarded_for=f"{before}, {request.source_ip}" if before else request.source_ip,
        x_forwarded_port=str(server[1] if server and server[1] else 80),
        x_forwarded_proto=scope.get("scheme", "http"),
    )
