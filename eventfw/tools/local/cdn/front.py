"""The edge: runs edge functions around the origins of the app's distributions, as CloudFront would."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

from eventfw.errors import EventfwError
from eventfw.rules.edge import check_edge
from eventfw.sources.edge import RefusedResult
from eventfw.tools.local.cdn.cloudfront import (
    HEAD_LIMIT,
    METHODS,
    URL_LIMIT,
    changed_origin_request,
    changed_request,
    changed_response,
    edge_event,
    edge_request,
    edge_response,
    error_page,
    generated_response,
    origin_request,
    viewer_response,
)
from eventfw.tools.local.cdn.origins import Origins, Unreachable
from eventfw.tools.local.cdn.sites import API, Association, Behavior, Site, sites
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
    refuse_protocol,
    request_id,
    respond,
    unobserved,
)
from eventfw.tools.local.web.guard import Guard, host_name
from eventfw.tools.local.web.http_api import BODY_LIMIT
from eventfw.tools.local.web.waiting import TimedInvoke

#: Seconds an edge function may take.
TIMEOUT = 30.0
REFUSED = f"{RefusedResult.__name__}: "


@dataclass
class Visit:
    """One viewer's request on its way: the behavior its distribution has for it, and the last function that ran."""

    distribution: str
    behavior: Behavior
    default_root_object: str
    identity: str
    function: str = ""


@dataclass(frozen=True)
class Fetched:
    """What there is for the viewer. ``failed``: the origin's own status was 400 or more."""

    response: HttpResponse
    result_type: str
    failed: bool = False


class EdgeFront:
    """An ASGI app that is the app's distributions. The origin ``origin``, the local gateway, is called in this process.

    Of several distributions, ``http://<distribution>.localhost:<port>`` reaches each, any other name the first.
    ``origin_host`` is the gateway's ``host:port``: CloudFront puts the origin's name into the Host header. ``cloud``
    gives the address of the embedded AWS, for buckets. What is assigned takes effect with the next request. Nothing is
    cached.
    """

    def __init__(
        self,
        associations: Iterable[Association],
        invoke: Invoke,
        origin: ASGIApp,
        *,
        origin_host: str,
        described: Iterable[Mapping[str, Any]] = (),
        cloud: Callable[[], str | None] = lambda: None,
        region: str = "us-east-1",
        guard: Guard | None = None,
        observe: Observe = unobserved,
        timeout: float = TIMEOUT,
    ) -> None:
        self.replace(associations, described)
        self.invoke = TimedInvoke(invoke, timeout)
        self.origins = Origins(origin, origin_host, cloud, region)
        self.guard = guard or Guard()
        self.observe = observe

    def replace(self, associations: Iterable[Association], described: Iterable[Mapping[str, Any]] = ()) -> None:
        """Serve other distributions. Raises LocalError where two functions exclude each other."""
        self.sites = sites(associations, described)

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
        site = self.sites.get(label) or next(iter(self.sites.values()), Site("", [Behavior("", API)]))
        return Visit(site.name, site.behavior(request.path), site.default_root_object, request_id(40))

    async def _answer(self, visit: Visit, request: HttpRequest, receive: Receive) -> HttpResponse:
        """What the viewer gets."""
        try:
            refuse(request, visit.identity)
            try:
                request = replace(request, body=await body_of(request, receive, BODY_LIMIT))
            except BodyTooLarge:
                page = error_page(413, f"The body is over {BODY_LIMIT} bytes.", visit.identity)
                raise _Ended(page, "Error") from None
            if request.method == "GET" and request.body:
                page = error_page(403, "CloudFront refuses GET requests with a body.", visit.identity)
                raise _Ended(page, "Error")
            found = await self._served(visit, request)
            return viewer_response(found.response, result_type=found.result_type, identity=visit.identity)
        except _Ended as ended:
            return viewer_response(ended.page, result_type=ended.result_type, identity=visit.identity)

    async def _served(self, visit: Visit, request: HttpRequest) -> Fetched:
        """The answer, after the viewer's two functions. A cache belongs around ``_fetched``."""
        if visit.behavior.origin["kind"] == "bucket" and request.method not in ("GET", "HEAD"):
            reason = f"The distribution is not configured to allow the method {request.method}: its origin is a bucket."
            raise _Ended(error_page(403, reason, visit.identity), "Error")
        result = await self._on_request("viewer-request", visit, request, {})
        if "status" in result:
            return Fetched(generated_response(result), "LambdaGeneratedResponse")
        request = changed_request(result, request) if result else request
        if request.path == "/" and visit.default_root_object:
            request = replace(request, path="/" + visit.default_root_object)
        found = await self._fetched(visit, request)
        if found.failed:
            return found
        return replace(found, response=await self._on_response("viewer-response", visit, request, found.response))

    async def _fetched(self, visit: Visit, request: HttpRequest) -> Fetched:
        """The origin's answer, after the origin's two functions."""
        origin = self.origins.described(visit.behavior.origin)
        sent = origin_request(request, origin_host=self.origins.host_of(origin), identity=visit.identity)
        if "s3" in origin:
            sent = self.origins.for_bucket(sent)
        result = await self._on_request("origin-request", visit, sent, {"origin": origin})
        if "status" in result:
            made = generated_response(result)
            return Fetched(made, "LambdaGeneratedResponse", made.status >= 400)
        if result:
            origin, sent = result["origin"], changed_origin_request(result, sent)
        try:
            response = await self.origins.ask(origin, sent, visit.behavior.origin.get("api"))
        except Unreachable as error:
            raise _Ended(error_page(502, str(error), visit.identity), "Error") from error
        failed = response.status >= 400
        response = await self._on_response("origin-response", visit, sent, response)
        return Fetched(response, "Error" if response.status >= 400 else "Miss", failed)

    async def _on_request(
        self, event_type: str, visit: Visit, request: HttpRequest, more: Mapping[str, Any]
    ) -> dict[str, Any]:
        """What the function of that event type made of the request; nothing where there is none."""
        association = visit.behavior.hooks.get(event_type)
        if association is None:
            return {}
        seen = edge_request(request, body_of=event_type if association.include_body else "")
        return await self._asked(association, visit, {"request": seen | dict(more)})

    async def _on_response(
        self, event_type: str, visit: Visit, request: HttpRequest, response: HttpResponse
    ) -> HttpResponse:
        """The response after the function of that event type."""
        association = visit.behavior.hooks.get(event_type)
        if association is None:
            return response
        event = {"request": edge_request(request), "response": edge_response(response)}
        return changed_response(await self._asked(association, visit, event), response)

    async def _asked(self, association: Association, visit: Visit, content: dict[str, Any]) -> dict[str, Any]:
        """A function's result. Where CloudFront gets none that it accepts, the visit ends."""
        visit.function = association.function
        event = edge_event(association.event_type, visit.distribution, visit.identity) | content
        try:
            result = await self._invoked(association.function, event)
        except _Failed as failed:
            page = error_page(failed.status, f"The Lambda function {failed}", visit.identity)
            raise _Ended(page, failed.result_type) from failed
        problems = check_edge(association.event_type, event, result)
        if problems:
            reason = f"The Lambda function result failed validation: {' '.join(problems)}"
            page = error_page(502, reason, visit.identity, problem=f"{association.function}: {' '.join(problems)}")
            raise _Ended(page, "LambdaValidationError")
        return dict(result)

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
            said = failure(outcome.payload)
            if said.startswith(REFUSED):  # on AWS the result would get as far as CloudFront, and no further
                raise _Failed(f"{function}: {said.removeprefix(REFUSED)}", "LambdaValidationError", 502)
            raise _Failed(f"{function} failed: {said}", "LambdaExecutionError")
        try:
            return json.loads(outcome.payload)
        except ValueError:
            raise _Failed(f"{function} returned what is not JSON.", "LambdaExecutionError") from None


class _Failed(Exception):
    """No result; ``result_type`` is what CloudFront's X-Cache header says of it."""

    def __init__(self, message: str, result_type: str, status: int = 503) -> None:
        super().__init__(message)
        self.result_type = result_type
        self.status = status


class _Ended(Exception):
    """A visit that ends with a page of CloudFront's own."""

    def __init__(self, page: HttpResponse, result_type: str) -> None:
        super().__init__(page.status)
        self.page = page
        self.result_type = result_type


def refuse(request: HttpRequest, identity: str) -> None:
    """End the visit where CloudFront answers before it looks at the distribution's functions."""
    url = len(f"https://{request.header('host')}{request.target}")
    head = len(request.target) + sum(len(name) + len(value) for name, value in request.headers)
    if request.method not in METHODS:
        page = error_page(403, f"CloudFront does not know the method {request.method}.", identity)
    elif url > URL_LIMIT:
        page = error_page(413, f"The URL has {url} bytes, over CloudFront's {URL_LIMIT}.", identity)
    elif head > HEAD_LIMIT:
        page = error_page(413, f"The request has {head} bytes without its body, over {HEAD_LIMIT}.", identity)
    else:
        return
    raise _Ended(page, "Error")
