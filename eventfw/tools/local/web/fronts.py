"""Function URLs, load balancers and VPC Lattice on this machine: each under a path of its own on the HTTP port, since
nothing here resolves their host names. ``/_url/FUNCTION/photos`` is ``/photos`` at the function's URL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, NamedTuple
from uuid import uuid4

from eventfw.errors import EventfwError
from eventfw.http_forms import TargetRequest
from eventfw.paths import HttpTable
from eventfw.sources.alb import unmet
from eventfw.sources.vpc_lattice import unmatched
from eventfw.tools.local.web import alb, lattice
from eventfw.tools.local.web.apis import LocalApi, preflight, with_cors
from eventfw.tools.local.web.asgi import (
    ASGIApp,
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
    respond,
    unobserved,
    without_hop_by_hop,
)
from eventfw.tools.local.web.function_url import url_error, url_event, url_response
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.workers.results import Throttled

URL_LIMIT = 6 * 1024 * 1024  # bytes of a request's body at a function URL


class Address(NamedTuple):
    """Where a front is: the kind and the function in a request's path."""

    prefix: str
    function: str


PREFIXES = {"function_url": "_url", "alb": "_alb", "vpc_lattice": "_lattice"}
LIMITS = {"_url": URL_LIMIT, "_alb": alb.BODY_LIMIT, "_lattice": lattice.BODY_LIMIT}
_BELOW = tuple(f"/{prefix}/" for prefix in LIMITS)


class Fronts:
    """An ASGI app that answers requests to fronts, and leaves all others to the app ``beyond``."""

    def __init__(
        self, beyond: ASGIApp, invoke: Invoke, *, guard: Guard | None = None, observe: Observe = unobserved
    ) -> None:
        self.beyond = beyond
        self.invoke = invoke
        self.guard = guard or Guard()
        self.observe = observe
        self.known: dict[Address, list[Mapping[str, Any]]] = {}

    def replace(self, described: Iterable[Mapping[str, Any]]) -> None:
        """Answer at these from the next request on."""
        known: dict[Address, list[Mapping[str, Any]]] = {}
        for one in described:
            known.setdefault(Address(PREFIXES[one["kind"]], one["function"]), []).append(one)
        self.known = known

    @property
    def paths(self) -> list[str]:
        """Where they all are."""
        return [f"/{prefix}/{function}" for prefix, function in self.known]

    def takes(self, path: str) -> bool:
        """Whether a request for an encoded path is answered here."""
        return path.startswith(_BELOW)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = head_of(scope) if scope["type"] == "http" else None
        if request is None or not self.takes(request.path):
            await self.beyond(scope, receive, send)
            return
        started = perf_counter()
        try:
            function, response = await self._answer(request, receive, scope)
        except ClientGone:
            return
        await respond(send, response)
        seconds = perf_counter() - started
        self.observe(Exchange(request.method, request.target, response.status, function, seconds, response.problem))

    async def _answer(self, request: HttpRequest, receive: Receive, scope: Scope) -> tuple[str, HttpResponse]:
        """The function that was invoked, if any, and the response."""
        refused = self.guard.refusal(request.headers)
        if refused:
            return "", refused
        _, prefix, function, *rest = request.path.split("/", 3)
        told = self.known.get(Address(prefix, function))
        if told is None:
            text = f"Nothing is served at /{prefix}/{function}. There is: {', '.join(self.paths) or 'nothing'}.\n"
            return "", HttpResponse(404, [("content-type", "text/plain; charset=utf-8")], text.encode(), text.strip())
        refused = alb.alb_refusal(request) if prefix == "_alb" else None  # before headers of the connection go
        if refused:
            return "", refused
        sent = forwarded(replace(request, path="/" + "".join(rest)), scope)
        try:
            sent = replace(sent, body=await body_of(request, receive, LIMITS[prefix]))
        except BodyTooLarge:
            return "", too_large(prefix)
        sent = sent.with_headers(content_length=str(len(sent.body))) if sent.body else sent
        try:
            if prefix == "_url":
                return await self._at_url(told[0], function, sent)
            return await (self._at_balancer if prefix == "_alb" else self._at_lattice)(told, function, sent)
        except Throttled as error:
            return function, throttled(prefix, error)

    async def _invoked(self, function: str, event: dict[str, Any]) -> tuple[bytes, str]:
        """What the function gave, or what was wrong. Raises Throttled."""
        try:
            outcome = await self.invoke(function, json.dumps(event, separators=(",", ":")).encode())
        except Throttled:
            raise
        except EventfwError as error:
            return b"", str(error)
        return outcome.payload, f"{function} failed: {failure(outcome.payload)}" if outcome.error else ""

    async def _at_url(self, told: Mapping[str, Any], function: str, request: HttpRequest) -> tuple[str, HttpResponse]:
        """The answer at a function URL, which answers preflight requests itself."""
        shared = LocalApi("", HttpTable(()), cors=told["cors"])
        answered = preflight(shared, request)
        if answered is not None:
            return "", answered
        caller = None
        if told["auth"] == "AWS_IAM":
            if "AWS4-HMAC-SHA256" not in request.header("authorization") and "X-Amz-Signature=" not in request.query:
                problem = f"the URL of {function} takes signed requests only."
                body = b'{"Message":"Forbidden"}'
                return "", HttpResponse(403, [("content-type", "application/json")], body, problem)
            caller = {"accountId": "000000000000", "userArn": "arn:aws:iam::000000000000:root"}
        event = url_event(request, request_id=str(uuid4()), received=datetime.now(UTC), caller=caller)
        # The URL's own host name, by which its events are known; the Host header says how this machine is reached.
        context, domain = event["requestContext"], f"{function}.lambda-url.us-east-1.on.aws"
        context.update(apiId=function, domainName=domain, domainPrefix=function)
        if len(event.get("body", "")) > URL_LIMIT:  # in base64 it is a third longer than it was sent
            return "", with_cors(shared, request, too_large("_url"))
        payload, problem = await self._invoked(function, event)
        response = url_error(problem=problem) if problem else url_response(payload)
        return function, with_cors(shared, request, response)

    async def _at_balancer(
        self, told: list[Mapping[str, Any]], function: str, request: HttpRequest
    ) -> tuple[str, HttpResponse]:
        """The answer behind a load balancer, if one of the function's rules takes the request."""
        several = told[0]["multi_value"]
        event = alb.alb_event(request, multi_value=several)
        read = TargetRequest(event)
        missed = [unmet(one["conditions"], request.method, read, host="") for one in told]
        if "" not in missed:
            return "", no_rule(function, missed)
        payload, problem = await self._invoked(function, event)
        if problem:
            return function, alb.alb_error(502, problem=problem)
        return function, alb.alb_response(payload, multi_value=several)

    async def _at_lattice(
        self, told: list[Mapping[str, Any]], function: str, request: HttpRequest
    ) -> tuple[str, HttpResponse]:
        """The answer of VPC Lattice, if one of the function's rules takes the request."""
        event = lattice.lattice_v2_event(request, received=datetime.now(UTC))
        read = TargetRequest(event)
        missed = [unmatched(one["match"], request.method, read) for one in told]
        if "" not in missed:
            return "", no_rule(function, missed)
        payload, problem = await self._invoked(function, event)
        return function, lattice.lattice_error(problem=problem) if problem else lattice.lattice_response(payload)


def no_rule(function: str, missed: list[str]) -> HttpResponse:
    """The answer to a request that no rule takes; on AWS the listener's default action answers it."""
    problem = f"no rule leads to {function}: {'; '.join(missed)}"
    return HttpResponse(404, [("content-type", "text/plain; charset=utf-8")], f"{problem}\n".encode(), problem)


def throttled(prefix: str, error: Throttled) -> HttpResponse:
    """The answer where no more of a function may run: at its URL Lambda's own, elsewhere as if it had failed."""
    if prefix == "_alb":
        return alb.alb_error(502, problem=str(error))
    if prefix == "_lattice":
        return lattice.lattice_error(problem=str(error))
    body = {"Reason": error.reason, "Type": "User", "message": "Rate Exceeded."}
    headers = [("content-type", "application/json"), ("x-amzn-errortype", "TooManyRequestsException")]
    return HttpResponse(429, headers, json.dumps(body).encode(), str(error))


def too_large(prefix: str) -> HttpResponse:
    """The answer to a request whose body is too large."""
    problem = f"the body is over the {LIMITS[prefix]} bytes that are taken here."
    if prefix == "_alb":
        return alb.alb_error(413, problem=problem)
    return HttpResponse(413, [("content-type", "text/plain")], b"Request Entity Too Large", problem)


def forwarded(request: HttpRequest, scope: Scope) -> HttpRequest:
    """The request as the function gets it: without the connection's headers, with those that AWS adds."""
    server = scope.get("server")
    before = request.header("x-forwarded-for")
    return replace(request, headers=without_hop_by_hop(request.headers)).with_headers(
        x_forwarded_for=f"{before}, {request.source_ip}" if before else request.source_ip,
        x_forwarded_port=str(server[1] if server and server[1] else 80),
        x_forwarded_proto=scope.get("scheme", "http"),
    )
