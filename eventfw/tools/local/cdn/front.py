"""The edge: runs edge functions around a cache and the origins of the app's distributions, as CloudFront would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from eventfw.tools.local.cdn.cache import Cache, Fetched
from eventfw.tools.local.cdn.cloudfront import (
    HEAD_LIMIT,
    METHODS,
    URL_LIMIT,
    changed_request,
    error_page,
    generated_response,
    viewer_response,
)
from eventfw.tools.local.cdn.fetching import Fetching
from eventfw.tools.local.cdn.hooks import TIMEOUT, Ended, Hooks, Visit
from eventfw.tools.local.cdn.keys import cache_key, cacheable
from eventfw.tools.local.cdn.named import Named
from eventfw.tools.local.cdn.origins import Origins
from eventfw.tools.local.cdn.partial import asked_for
from eventfw.tools.local.cdn.response_policies import with_policy
from eventfw.tools.local.cdn.sites import Association, Site, plain_site, sites
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
    head_of,
    refuse_protocol,
    request_id,
    respond,
    unobserved,
)
from eventfw.tools.local.web.guard import Guard, host_name

BODY_LIMIT = 64 * 1024 * 1024  # bytes of a request, which are held in memory; an API refuses what is too long for it


class EdgeFront:
    """An ASGI app that is the app's distributions. The origin ``origin``, the local gateway, is called in this process.

    Of several distributions, ``http://<distribution>.localhost:<port>`` reaches each, any other name the first.
    ``origin_host`` is the gateway's ``host:port``: CloudFront puts the origin's name into the Host header. ``cloud``
    gives the address of the embedded AWS, for buckets; ``named`` are origins that the developer chose. What is assigned
    takes effect with the next request; without distributions, the app is not there yet. ``now`` is the time that cached
    answers age by, in seconds since 1970.
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
        named: Iterable[Named] = (),
        now: Callable[[], float] = time.time,
        guard: Guard | None = None,
        observe: Observe = unobserved,
        tell: Callable[[str], None] = lambda news: None,
        timeout: float = TIMEOUT,
    ) -> None:
        self.named = tuple(named)
        self.hooks = Hooks(invoke, timeout)
        self.origins = Origins(origin, origin_host, cloud, region, self.named)
        self.fetching = Fetching(self.hooks, self.origins)
        self.cache = Cache(now, tell)
        self.guard = guard or Guard()
        self.observe = observe
        self.tell = tell
        self.sites: dict[str, Site] = {}
        self._unknown: set[str] = set()
        associations, described = tuple(associations), tuple(described)
        if associations or described:
            self.replace(associations, described)

    def replace(self, associations: Iterable[Association], described: Iterable[Mapping[str, Any]] = ()) -> None:
        """Serve other distributions, from an empty cache. Raises LocalError where two functions exclude each other."""
        self.sites = sites(associations, described, self.named)
        if forgotten := self.cache.clear():
            self.tell(f"The edge's cache is empty again: {forgotten} of the last app's answers are forgotten.")
        self._tell_of_policies()

    def invalidate(self, distribution: str, paths: Iterable[str]) -> int:
        """Forget what is cached of a distribution for some paths; how many answers."""
        return self.cache.invalidate(distribution, paths)

    async def close(self) -> None:
        """End what runs in the background, and the connections to origins."""
        await self.cache.close()
        await self.origins.client.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_protocol(scope, receive, send)
            return
        started, request = time.perf_counter(), head_of(scope)
        visit = self._visit(request)
        try:
            response = self.guard.refusal(request.headers)
            if response is None:
                response = await self._answer(visit, request, receive)
        except ClientGone:
            return
        await (respond_length if request.method == "HEAD" else respond)(send, response)
        spent = time.perf_counter() - started
        self.observe(
            Exchange(
                request.method,
                request.target,
                response.status,
                visit.function,
                spent,
                response.problem,
                cache=visit.cache,
            )
        )

    def _visit(self, request: HttpRequest) -> Visit:
        label = host_name(request.header("host")).removesuffix(".localhost")
        site = self.sites.get(label) or next(iter(self.sites.values()), plain_site(""))
        return Visit(site.name, site.behavior(request.path), site.default_root_object, request_id(40))

    async def _answer(self, visit: Visit, request: HttpRequest, receive: Receive) -> HttpResponse:
        """What the viewer gets."""
        try:
            refuse(request, visit.identity)
            try:
                if body := await body_of(request, receive, BODY_LIMIT):
                    request = replace(request, body=body)
            except BodyTooLarge:
                reason = f"The edge of eventfw local takes bodies of up to {BODY_LIMIT} bytes. CloudFront takes more."
                raise Ended(error_page(413, reason, visit.identity), "Error") from None
            if request.method == "GET" and request.body:
                reason = (
                    f"CloudFront refuses GET requests with a body, and this one has {len(request.body)} bytes. Send "
                    f"them in the query string or with POST."
                )
                raise Ended(error_page(403, reason, visit.identity), "Error")
            found = await self._served(visit, request)
            response, result_type = found.response, found.result_type
        except Ended as ended:
            response, result_type = ended.page, ended.result_type
        response = with_policy(visit.behavior.policies.response, request, response)
        answer = viewer_response(response, result_type=result_type, identity=visit.identity)
        return answer if request.method != "HEAD" or response.body else with_length(answer, response)

    async def _served(self, visit: Visit, request: HttpRequest) -> Fetched:
        """The answer, after the viewer's two functions."""
        refuse_method(visit, request)
        result = await self.hooks.on_request("viewer-request", visit, request, {})
        if "status" in result:
            return Fetched(generated_response(result), "LambdaGeneratedResponse")
        request = changed_request(result, request) if result else request
        if request.path == "/" and visit.default_root_object:
            request = replace(request, path="/" + visit.default_root_object)
        found = await self._found(visit, request)
        visit.function = found.function or visit.function
        if found.failed or not found.kept:
            return found
        response = await self.hooks.on_response("viewer-response", visit, request, found.response)
        return found if response is found.response else replace(found, response=response)

    async def _found(self, visit: Visit, request: HttpRequest) -> Fetched:
        """The answer out of the cache or, where there is none, the origin's."""
        policies = visit.behavior.policies
        if not cacheable(policies, request):
            return await self.fetching.fetched(visit, request)
        key = cache_key((visit.distribution, visit.behavior.path), policies.cache, request)
        fetch = self.fetching.of(visit, request, key.encoding)
        found = await self.cache.answer(key, policies.cache, fetch, collapse=not policies.cookies)
        visit.cache = found.result_type
        response = asked_for(request, found.response)
        return found if response is found.response else replace(found, response=response)

    def _tell_of_policies(self) -> None:
        """Say once which policies only AWS knows."""
        behaviors = [behavior for site in self.sites.values() for behavior in site.behaviors]
        unknown = {policy for behavior in behaviors for policy in behavior.policies.unknown}
        for policy in sorted(unknown - self._unknown):
            self.tell(
                f"What the CloudFront policy {policy} says is known in your account only. The edge here caches nothing "
                f"by it, and sends origins what it sends them by default. Name a managed policy to try one."
            )
        self._unknown |= unknown


def with_length(answer: HttpResponse, response: HttpResponse) -> HttpResponse:
    """An answer to HEAD with the length of the body which GET would have, where the origin says so."""
    return replace(
        answer, headers=[*answer.headers, *(pair for pair in response.headers if pair[0] == "content-length")]
    )


async def respond_length(send: Send, response: HttpResponse) -> None:
    """Answer HEAD; a length that is among the headers stands for a body that is not sent."""
    if response.body or not any(name == "content-length" for name, _ in response.headers):
        await respond(send, response)
        return
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def refuse(request: HttpRequest, identity: str) -> None:
    """End the visit where CloudFront answers before it looks at the distribution's functions."""
    url = len(f"https://{request.header('host')}{request.target}")
    head = len(request.target) + sum(len(name) + len(value) for name, value in request.headers)
    if request.method not in METHODS:
        reason = f"CloudFront does not know the method {request.method}. It takes {', '.join(sorted(METHODS))}."
        page = error_page(403, reason, identity)
    elif url > URL_LIMIT:
        reason = f"The URL has {url} bytes, and CloudFront takes {URL_LIMIT}. Shorten the query string, or send a body."
        page = error_page(413, reason, identity)
    elif head > HEAD_LIMIT:
        reason = (
            f"The request has {head} bytes without its body, and CloudFront takes {HEAD_LIMIT} of path, query string "
            f"and headers together. Cookies are often the longest: send fewer."
        )
        page = error_page(413, reason, identity)
    else:
        return
    raise Ended(page, "Error")


def refuse_method(visit: Visit, request: HttpRequest) -> None:
    """End the visit where the behavior does not let the method through."""
    methods = visit.behavior.methods
    if request.method in methods:
        return
    reason = (
        f"This distribution is not configured to allow the HTTP request method {request.method}: where its origin is a "
        f"bucket it lets {' and '.join(methods)} through. Send {request.method} to an API's behavior."
    )
    raise Ended(error_page(403, reason, visit.identity), "Error")
