"""A miss: the origin is asked, between the origin's two functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eventfw.tools.local.cdn.cache import Fetch, Fetched
from eventfw.tools.local.cdn.client import Unreachable
from eventfw.tools.local.cdn.cloudfront import (
    HEAD_LIMIT,
    changed_origin_request,
    error_page,
    generated_response,
    origin_request,
    origin_response,
)
from eventfw.tools.local.cdn.compression import compressed, compressible
from eventfw.tools.local.cdn.hooks import Ended, Hooks, Visit
from eventfw.tools.local.cdn.origins import Origins
from eventfw.tools.local.web.asgi import Headers, HttpRequest, HttpResponse

#: By which header of an answer the origin is asked, and how, whether it is right still.
_VALIDATORS = {"etag": "if-none-match", "last-modified": "if-modified-since"}


class Fetching:
    """Asks the origin of a visit's behavior, and runs its functions."""

    def __init__(self, hooks: Hooks, origins: Origins) -> None:
        self.hooks = hooks
        self.origins = origins

    def of(self, visit: Visit, request: HttpRequest, encoding: str) -> Fetch:
        """What the cache calls where it has no answer for a request; ``encoding`` are those that it may have."""

        async def fetch(validators: Headers) -> Fetched:
            found = await self.fetched(visit, request, validators)
            if found.response.status == 304 or "gzip" not in encoding or not visit.behavior.policies.compress:
                return found
            return replace(found, response=await compressed(found.response)) if compressible(found.response) else found

        return fetch

    async def fetched(self, visit: Visit, request: HttpRequest, validators: Headers = []) -> Fetched:  # noqa: B006
        """The origin's answer, after the origin's two functions; CloudFront's page where there is none."""
        visit = replace(visit)  # the viewer may have an old answer meanwhile, and the visit be over
        try:
            found = await self._fetched(visit, request, validators)
        except Ended as ended:
            found = Fetched(ended.page, ended.result_type, kept=False)
        except Unreachable as error:
            reason = f"{error.words} {error}".strip()
            page = error_page(error.status, reason, visit.identity, problem=str(error))
            found = Fetched(page, "Error", error.status, kept=not error.local)
        return replace(found, function=visit.function)

    async def _fetched(self, visit: Visit, request: HttpRequest, validators: Headers) -> Fetched:
        behavior = visit.behavior
        origin = self.origins.described(behavior.origin)
        host = self.origins.host_of(origin)
        sent = origin_request(request, behavior.policies, origin_host=host, identity=visit.identity)
        sent = replace(sent, headers=[*sent.headers, *validators])
        if "s3" in origin:
            sent = self.origins.for_bucket(sent)
        result = await self.hooks.on_request("origin-request", visit, sent, {"origin": origin})
        if "status" in result:
            made = generated_response(result)
            return Fetched(made, "LambdaGeneratedResponse", made.status if made.status >= 400 else 0)
        if result:
            origin, sent = result["origin"], changed_origin_request(result, sent)
        answer = await self.origins.ask(origin, sent, behavior.origin.get("api"))
        refuse_head(answer)
        response = origin_response(behavior.policies, answer)
        response = await self.hooks.on_response("origin-response", visit, sent, response)
        result_type = "Error" if response.status >= 400 else "Miss"
        return Fetched(response, result_type, answer.status, conditions(answer) if answer.status in (200, 304) else ())


def refuse_head(answer: HttpResponse) -> None:
    """Raise Unreachable for an answer whose headers are more than CloudFront takes."""
    size = sum(len(name) + len(value) for name, value in answer.headers)
    if size > HEAD_LIMIT:
        problem = f"The origin's answer has {size} bytes of headers, and CloudFront takes {HEAD_LIMIT}. Send fewer."
        raise Unreachable(problem, words="CloudFront could not read the origin's answer.")


def conditions(answer: HttpResponse) -> tuple[tuple[str, str], ...]:
    """The headers that ask an origin whether this answer of its is right still."""
    found: dict[str, Any] = dict(answer.headers)
    return tuple((asking, found[name]) for name, asking in _VALIDATORS.items() if name in found)
