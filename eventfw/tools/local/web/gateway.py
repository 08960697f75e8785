"""The HTTP gateway: answers the app's routes on this machine as API Gateway's HTTP and REST APIs would."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter, time
from typing import Any
from uuid import uuid4

from eventfw.errors import EventfwError
from eventfw.tools.local.web.apis import Apis, LocalApi, Routes, preflight, with_cors
from eventfw.tools.local.web.asgi import (
    BodyTooLarge,
    ClientGone,
    Exchange,
    HttpRequest,
    HttpResponse,
    Invoke,
    Observe,
    Outcome,
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
from eventfw.tools.local.web.authorizing import Authorizing, Refused
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.web.http_api import (
    BODY_LIMIT,
    HEADERS_LIMIT,
    PAYLOAD_LIMIT,
    TIMEOUT,
    Head,
    Target,
    event_text,
    gateway_error,
    http_event,
    http_response,
)
from eventfw.tools.local.web.http_shared import as_json
from eventfw.tools.local.web.rest_api import (
    RestStage,
    matched_path,
    rest_error,
    rest_event,
    rest_no_stage,
    rest_not_found,
    rest_response,
)
from eventfw.tools.local.web.waiting import TimedInvoke
from eventfw.tools.local.workers.results import Throttled

ASKED = "eventfw.api"  # in a scope: the name of the API whose address was asked, which is the only one there
ARN = "arn:aws:execute-api:us-east-1:000000000000:local"


class Gateway:
    """An ASGI app that turns each request into its API's event, asks the route's authorizer, invokes, and converts the
    result.

    Assigning ``apis``, or the default API's ``routes``, takes effect with the next request; those under way keep the
    route they have matched. ``timeout`` is in seconds: the gateway then answers 503 (a REST API 504) and the function
    goes on, as on AWS.
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
        self.authorizing = Authorizing(invoke)
        self.routes = routes
        self.invoke = TimedInvoke(invoke, timeout)
        self.guard = guard or Guard()
        self.observe = observe

    @property
    def apis(self) -> Apis:
        """The app's APIs. With new ones the answers of authorizers are forgotten."""
        return self._apis

    @apis.setter
    def apis(self, apis: Apis) -> None:
        self._apis = apis
        self.authorizing.forget()

    @property
    def routes(self) -> Routes:
        """The routes of the default API."""
        return self._apis.default.routes

    @routes.setter
    def routes(self, routes: Routes) -> None:
        self.apis = Apis(LocalApi("", routes))

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
        problem, outcome = response.problem, response.outcome
        self.observe(Exchange(request.method, request.target, response.status, function, seconds, problem, outcome))

    async def _answer(
        self, request: HttpRequest, receive: Receive, identity: str, scope: Scope
    ) -> tuple[str, HttpResponse]:
        """The function that was invoked, if any, and the response."""
        refused = self.guard.refusal(request.headers) or _over_the_limit(request)
        if refused:
            return "", refused
        api, path = self.apis.find(request.path, scope.get(ASKED))
        if path is None:
            return "", rest_no_stage() if api.rest else gateway_error(404)
        answered = preflight(api, request)
        if answered is not None:
            return "", answered
        function, response = await self._routed(api, path, request, receive, identity, scope)
        return function, with_cors(api, request, response)

    async def _routed(
        self, api: LocalApi, path: str, request: HttpRequest, receive: Receive, identity: str, scope: Scope
    ) -> tuple[str, HttpResponse]:
        """What an API answers to a request for a path below its stage."""
        found = api.routes.match(request.method, matched_path(path) if api.rest else path)
        if found is None:
            return "", rest_not_found() if api.rest else gateway_error(404)
        route_key, path_parameters, function, _ = found
        try:
            body = await body_of(request, receive, BODY_LIMIT)
        except BodyTooLarge:
            return "", too_large(api, f"the body is over the {BODY_LIMIT} bytes that API Gateway takes.")
        sent = forwarded(replace(request, body=body), port_of(scope), scope.get("scheme", "http"))
        guard = api.guards.get(route_key)
        if guard is None and not api.rest:
            head, target = Head(sent.headers, sent.source_ip), Target(sent, route_key, path_parameters, stage=api.stage)
            text = event_text(head, target, sent.body, request_id=identity, received=now())
            return function, await self.invoked(api, function, text.encode(), request)
        event = event_for(api, sent, route_key, path_parameters, identity)
        if guard is not None:
            arn = f"{ARN}/{api.stage}/{request.method}{path}"
            try:
                passed = await self.authorizing.passed(api, guard, sent, event, arn)
            except Refused as refused:
                return refused.function, refused.response
            if passed.context is not None:
                event["requestContext"]["authorizer"] = passed.context
        return function, await self.invoked(api, function, as_json(event).encode(), request)

    async def invoked(self, api: LocalApi, function: str, event: bytes, request: HttpRequest) -> HttpResponse:
        """The response of an API whose function is run on an event."""
        if len(event) > PAYLOAD_LIMIT:
            return too_large(api, f"the event has {len(event)} bytes, over Lambda's {PAYLOAD_LIMIT}.")
        try:
            outcome = await self.invoke(function, event)
        except TimeoutError:
            problem = f"{function} ran longer than the gateway's {self.invoke.seconds:g} s."
            if api.rest:
                return rest_error(504, "Endpoint request timed out", problem=problem)
            return gateway_error(503, problem=problem)
        except Throttled as error:
            return throttled(api, str(error))
        except EventfwError as error:
            return failed(api, str(error))
        return response_of(api, function, outcome, request)


def now() -> int:
    """Milliseconds since 1970."""
    return int(time() * 1000)


def response_of(api: LocalApi, function: str, outcome: Outcome, request: HttpRequest) -> HttpResponse:
    """The response that an API makes of what the function gave."""
    response = _made(api, function, outcome, request)
    response.outcome = outcome
    return response


def _made(api: LocalApi, function: str, outcome: Outcome, request: HttpRequest) -> HttpResponse:
    if outcome.error:
        return failed(api, f"{function} failed: {failure(outcome.payload)}")
    if len(outcome.payload) > PAYLOAD_LIMIT:
        return failed(api, f"{function} returned {len(outcome.payload)} bytes, over Lambda's {PAYLOAD_LIMIT}.")
    if api.rest:
        return rest_response(outcome.payload, rest_stage(api), accept=request.header("accept"))
    return http_response(outcome.payload)


def event_for(
    api: LocalApi, request: HttpRequest, route_key: str, path_parameters: dict[str, str], identity: str
) -> dict[str, Any]:
    """The event of a request, as its API writes it."""
    now = datetime.now(UTC)
    if not api.rest:
        return http_event(request, route_key, path_parameters, request_id=identity, received=now, stage=api.stage)
    resource = route_key.partition(" ")[2]
    ids = {"request_id": str(uuid4()), "extended_request_id": identity}
    return rest_event(request, resource, path_parameters, rest_stage(api), received=now, **ids)


def rest_stage(api: LocalApi) -> RestStage:
    """A REST API's stage."""
    return RestStage(api.name, binary_media_types=api.binary_media_types)


def failed(api: LocalApi, problem: str) -> HttpResponse:
    """The answer where a function gives none."""
    return rest_error(502, problem=problem) if api.rest else gateway_error(500, problem=problem)


def throttled(api: LocalApi, problem: str) -> HttpResponse:
    """The answer where no more of a function may run."""
    return rest_error(500, problem=problem) if api.rest else gateway_error(503, problem=problem)


def too_large(api: LocalApi, problem: str) -> HttpResponse:
    """The answer to a request that is too large."""
    if api.rest:
        return rest_error(413, "Request Too Long", "RequestTooLargeException", problem=problem)
    return gateway_error(413, problem=problem)


def _over_the_limit(request: HttpRequest) -> HttpResponse | None:
    size = line_size(request) + values_size(request)
    if size <= HEADERS_LIMIT:
        return None
    return gateway_error(431, problem=f"request line and header values have {size} bytes, over {HEADERS_LIMIT}.")


def line_size(request: HttpRequest) -> int:
    """Bytes of the request line, as the limit counts them."""
    return len(f"{request.method} {request.target} {request.protocol}")


def values_size(request: HttpRequest) -> int:
    """Bytes of the header values."""
    return sum(len(value) for _, value in request.headers)


def forwarded(request: HttpRequest, port: int, scheme: str) -> HttpRequest:
    """The request as the integration gets it: without the connection's headers, with those that the gateway adds."""
    before = request.header("x-forwarded-for")
    kept = [(name, value) for name, value in without_hop_by_hop(request.headers) if name != "expect"]
    return replace(request, headers=kept).with_headers(
        content_length=str(len(request.body)),
        x_forwarded_for=f"{before}, {request.source_ip}" if before else request.source_ip,
        x_forwarded_port=str(port),
        x_forwarded_proto=scheme,
    )


def port_of(scope: Scope) -> int:
    """The port that a request was sent to."""
    server = scope.get("server")
    return server[1] if server and server[1] else 80
