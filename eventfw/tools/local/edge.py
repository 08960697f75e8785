"""The edge: runs edge functions in front of the gateway, as a CloudFront distribution would."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from eventfw.errors import EventfwError, LocalError
from eventfw.rules.edge import check_edge
from eventfw.tools.local.asgi import (
    ASGIApp,
    BodyTooLarge,
    ClientGone,
    Exchange,
    HttpRequest,
    HttpResponse,
    Invoke,
    Message,
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
)
from eventfw.tools.local.cloudfront import (
    HEAD_LIMIT,
    METHODS,
    URL_LIMIT,
    changed_request,
    edge_event,
    edge_request,
    error_page,
    generated_response,
    origin_request,
    viewer_response,
)
from eventfw.tools.local.guard import Guard, host_name
from eventfw.tools.local.http_api import BODY_LIMIT
from eventfw.tools.local.waiting import TimedInvoke

#: Seconds an edge function may take.
TIMEOUT = 30.0


@dataclass(frozen=True)
class Association:
    """That a distribution runs a function on an event type."""

    function: str
    event_type: str
    distribution: str
    handler: str = ""
    include_body: bool = False


@dataclass
class Visit:
    """One viewer's request on its way: the functions that its distribution runs, and the last that ran."""

    distribution: str
    hooks: dict[str, Association]
    identity: str
    function: str = ""


class EdgeFront:
    """An ASGI app that is a distribution whose origin is the local gateway, called in this process.

    Of several distributions, ``http://<distribution>.localhost:<port>`` reaches each, any other name the first.
    ``origin_host`` is the gateway's ``host:port``: CloudFront puts the origin's name into the Host header.
    Assigning ``associations`` takes effect with the next request. Nothing is cached.
    """

    def __init__(
        self,
        associations: Iterable[Association],
        invoke: Invoke,
        origin: ASGIApp,
        *,
        origin_host: str,
        guard: Guard | None = None,
        observe: Observe = unobserved,
        timeout: float = TIMEOUT,
    ) -> None:
        self.associations = associations
        self.invoke = TimedInvoke(invoke, timeout)
        self.origin = origin
        self.origin_host = origin_host
        self.guard = guard or Guard()
        self.observe = observe

    @property
    def associations(self) -> Iterable[Association]:
        """The functions of all distributions. Assigning raises LocalError where two of them exclude each other."""
        return [association for hooks in self._distributions.values() for association in hooks.values()]

    @associations.setter
    def associations(self, associations: Iterable[Association]) -> None:
        self._distributions = _by_distribution(associations)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_protocol(scope, receive, send)
            return
        started, request = perf_counter(), head_of(scope)
        visit = self._visit(request)
        try:
            response = self.guard.refusal(request.headers)
            if response is None:
                response = await self._answer(visit, request, receive)
        except ClientGone:
            return
        await respond(send, response)
        seconds = perf_counter() - started
        self.observe(
            Exchange(request.method, request.target, response.status, visit.function, seconds, response.problem)
        )

    def _visit(self, request: HttpRequest) -> Visit:
        label = host_name(request.header("host")).removesuffix(".localhost")
        distributions = self._distributions
        distribution = label if label in distributions else next(iter(distributions), "")
        return Visit(distribution, distributions.get(distribution, {}), request_id(40))

    async def _answer(self, visit: Visit, request: HttpRequest, receive: Receive) -> HttpResponse:
        """What the viewer gets. A cache, and the functions around it, belong around ``_fetched``."""
        refused = _refused(request, visit.identity)
        if refused is not None:
            return viewer_response(refused, result_type="Error", identity=visit.identity)
        try:
            request = replace(request, body=await body_of(request, receive, BODY_LIMIT))
        except BodyTooLarge:
            page = error_page(413, f"The body is over {BODY_LIMIT} bytes.", visit.identity)
            return viewer_response(page, result_type="Error", identity=visit.identity)
        if request.method == "GET" and request.body:
            page = error_page(403, "CloudFront refuses GET requests with a body.", visit.identity)
            return viewer_response(page, result_type="Error", identity=visit.identity)
        wanted = await self._on_request("viewer-request", visit, request)
        if isinstance(wanted, HttpResponse):
            return wanted
        response = await self._fetched(visit, wanted)
        result_type = "Error" if response.status >= 400 else "Miss"
        return viewer_response(response, result_type=result_type, identity=visit.identity)

    async def _on_request(self, event_type: str, visit: Visit, request: HttpRequest) -> HttpRequest | HttpResponse:
        """The request after the function of that event type, or the response that ends the visit."""
        association = visit.hooks.get(event_type)
        if association is None:
            return request
        visit.function = association.function
        seen = edge_request(request, body_of=event_type if association.include_body else "")
        event = edge_event(event_type, visit.distribution, visit.identity, seen)
        try:
            result = await self._invoked(association.function, event)
        except _Failed as failure:
            page = error_page(503, f"The Lambda function {failure}", visit.identity)
            return viewer_response(page, result_type=failure.result_type, identity=visit.identity)
        problems = check_edge(event_type, event, result)
        if problems:
            reason = f"The Lambda function result failed validation: {' '.join(problems)}"
            page = error_page(502, reason, visit.identity, problem=f"{association.function}: {' '.join(problems)}")
            return viewer_response(page, result_type="LambdaValidationError", identity=visit.identity)
        if "status" in result:
            generated = generated_response(result)
            return viewer_response(generated, result_type="LambdaGeneratedResponse", identity=visit.identity)
        return changed_request(result, request)

    async def _invoked(self, function: str, event: dict[str, Any]) -> Any:
        """The function's result. Raises _Failed where CloudFront gets none."""
        payload = json.dumps({"Records": [{"cf": event}]}, separators=(",", ":")).encode()
        try:
            outcome = await self.invoke(function, payload)
        except TimeoutError:
            raise _Failed(f"{function} ran longer than {self.invoke.seconds:g} s.", "LambdaLimitExceeded") from None
        except EventfwError as error:
            raise _Failed(f"{function} could not be run: {error}", "LambdaExecutionError") from error
        if outcome.error:
            raise _Failed(f"{function} failed: {failure(outcome.payload)}", "LambdaExecutionError")
        try:
            return json.loads(outcome.payload)
        except ValueError:
            raise _Failed(f"{function} returned what is not JSON.", "LambdaExecutionError") from None

    async def _fetched(self, visit: Visit, request: HttpRequest) -> HttpResponse:
        """The origin's response."""
        sent = origin_request(request, origin_host=self.origin_host, identity=visit.identity)
        return await call_origin(self.origin, sent)


class _Failed(Exception):
    """No result; ``result_type`` is what CloudFront's X-Cache header says of it."""

    def __init__(self, message: str, result_type: str) -> None:
        super().__init__(message)
        self.result_type = result_type


async def call_origin(origin: ASGIApp, request: HttpRequest) -> HttpResponse:
    """The response of an ASGI app in this process, to a request that came from CloudFront."""
    host = request.header("host")
    port = host.rpartition(":")[2]
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query.encode("ascii"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "client": (request.source_ip, 0),
        "server": (host_name(host), int(port) if port.isdigit() else 80),
    }
    await origin(scope, receive, send)
    start, *bodies = messages
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return HttpResponse(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))


def _by_distribution(associations: Iterable[Association]) -> dict[str, dict[str, Association]]:
    found: dict[str, dict[str, Association]] = {}
    for association in associations:
        hooks = found.setdefault(association.distribution, {})
        if association.event_type != "viewer-request":
            raise LocalError(f"eventfw local runs viewer-request functions, not {association.event_type} ones.")
        if association.event_type in hooks:
            raise LocalError(
                f"the distribution {association.distribution!r} has two {association.event_type} functions, "
                f"{hooks[association.event_type].function} and {association.function}: CloudFront runs one. Remove one."
            )
        hooks[association.event_type] = association
    return found


def _refused(request: HttpRequest, identity: str) -> HttpResponse | None:
    """What CloudFront answers before it looks at the distribution's functions."""
    if request.method not in METHODS:
        return error_page(403, f"CloudFront does not know the method {request.method}.", identity)
    url = len(f"https://{request.header('host')}{request.target}")
    if url > URL_LIMIT:
        return error_page(413, f"The URL has {url} bytes, over CloudFront's {URL_LIMIT}.", identity)
    head = len(request.target) + sum(len(name) + len(value) for name, value in request.headers)
    if head > HEAD_LIMIT:
        return error_page(413, f"The request has {head} bytes without its body, over {HEAD_LIMIT}.", identity)
    return None
