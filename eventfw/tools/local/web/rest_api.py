"""API Gateway's REST API with a Lambda proxy integration: a request to the function's event, its result to a response.

https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
Base64: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings-workflow.html
Header names: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from eventfw.tools.local.web.asgi import HOP_BY_HOP, Headers, HttpRequest, HttpResponse
from eventfw.tools.local.web.http_shared import (
    BadResult,
    NotBase64,
    encoded_body,
    has_content_type,
    loaded,
    media_type,
    multi_headers,
    response_body,
    single_headers,
    status_code,
)
from eventfw.tools.local.web.proxy_event import proxy_context, proxy_event, recased

#: Headers of a request that do not reach the function (seen on AWS with a header of each name in the request).
_DROPPED = frozenset((
    "connection", "content-length", "content-md5", "expect", "max-forwards", "proxy-authenticate", "server", "te",
    "trailer", "transfer-encoding", "upgrade", "www-authenticate",
))  # fmt: skip
#: Headers of a response that the client gets as ``x-amzn-Remapped-<name>`` (seen on AWS with other integrations).
_REMAPPED = frozenset((
    "authorization", "connection", "content-length", "content-md5", "date", "expect", "host", "max-forwards",
    "proxy-authenticate", "server", "trailer", "upgrade", "user-agent", "www-authenticate",
))  # fmt: skip
_RESULT_KEYS = frozenset(("body", "headers", "isBase64Encoded", "multiValueHeaders", "statusCode"))


@dataclass(frozen=True)
class RestStage:
    """A stage of an API, as far as events and responses show it."""

    name: str
    account_id: str = "000000000000"
    api_id: str = "local"
    deployment_id: str = "local"
    variables: dict[str, str] | None = None
    binary_media_types: Collection[str] = ()


def stage_paths(path: str, stage: str) -> tuple[str, str] | None:
    """The path as ``requestContext`` has it, with the stage, and the path below the stage; ``None`` elsewhere.

    Nothing is decoded. Slashes that lead either of them are merged, those within stay.
    """
    whole = "/" + path.lstrip("/")
    first, _, rest = whole[1:].partition("/")
    return (whole, "/" + rest.lstrip("/")) if first == stage else None


def matched_path(path: str) -> str:
    """What of a path below the stage its resource is looked for with: a slash at the end does not count."""
    return path.rstrip("/") or "/"


def rest_event(
    request: HttpRequest,
    resource: str,
    path_parameters: dict[str, str],
    stage: RestStage,
    *,
    request_id: str,
    extended_request_id: str,
    received: datetime,
    resource_id: str = "local",
) -> dict[str, Any]:
    """The event the function receives. What a request does not have (a query, parameters, a body) is ``None``.

    Names of headers stay as they are in ``request``, where they may be in any case, but for those AWS writes its own
    way. A request that is not below the stage must have been refused before.
    """
    lower = replace(request, headers=[(name.lower(), value) for name, value in request.headers])
    kept = [(name, value) for name, value in request.headers if name.lower() not in _DROPPED]
    whole, below = stage_paths(request.path, stage.name) or (request.path, request.path)
    context = proxy_context(
        lower,
        account_id=stage.account_id,
        api_id=stage.api_id,
        request_id=request_id,
        extended_request_id=extended_request_id,
        received=received,
        path=whole,
        resource_id=resource_id,
        resource_path=resource,
        stage=stage.name,
    )
    context["deploymentId"] = stage.deployment_id
    body = _event_body(lower, stage.binary_media_types)
    return proxy_event(lower, recased(kept), resource, below, path_parameters, stage.variables, context, body)


def _event_body(request: HttpRequest, binary_media_types: Collection[str]) -> tuple[str, bool]:
    """Base64 where the API lists the content type, which is JSON unless the client says another; else UTF-8 text."""
    kind = media_type(request.header("content-type")) or "application/json"
    if _is_binary(kind, binary_media_types):
        return encoded_body(request.body, text=False)
    return request.body.decode(errors="replace"), False


def _is_binary(kind: str, binary_media_types: Collection[str]) -> bool:
    """Whether a media type is one of those listed: literally, by ``image/*``, or by ``*/*``.

    ``*/png`` in the list takes nothing, not even itself, and a client's ``*/*`` is no listed type (seen on AWS).
    """
    listed = {media_type(entry) for entry in binary_media_types}
    main, _, sub = kind.partition("/")
    literal = main != "*" and bool(sub) and (kind in listed or f"{main}/*" in listed)
    return literal or "*/*" in listed


def rest_response(payload: bytes, stage: RestStage, *, accept: str = "") -> HttpResponse:
    """The response made of a function's result; an error with the reason in ``problem`` where there is none to make.

    Every member of a result may be left out, and no other may be there. A body in base64 is decoded only where the
    first type the client accepts is listed as binary: what the function says it is does not matter.
    """
    decode = _is_binary(media_type(accept.partition(",")[0]), stage.binary_media_types)
    try:
        return _response(loaded(payload), decode)
    except NotBase64 as reason:
        return rest_error(500, problem=str(reason))
    except BadResult as reason:
        return rest_error(502, problem=str(reason))


def _response(result: Any, decode: bool) -> HttpResponse:
    if not isinstance(result, dict):
        raise BadResult(f"the function's result must be an object with a statusCode, not {result!r}.")
    unknown = sorted(result.keys() - _RESULT_KEYS)
    if unknown:
        allowed = ", ".join(sorted(_RESULT_KEYS))
        raise BadResult(f"the function's result must not contain {unknown[0]!r}, only {allowed}.")
    given = result.get("statusCode")
    status = 200 if given is None else status_code(given)
    headers = [pair for name, value in merged_headers(result) for pair in _remapped(name, value)]
    if not has_content_type(headers):
        headers.append(("Content-Type", "application/json"))
    return HttpResponse(status, headers, response_body(result, status, decode=decode))


def merged_headers(result: dict[str, Any]) -> Headers:
    """A result's ``multiValueHeaders``, then its ``headers``.

    A name in both is written as in ``multiValueHeaders``, and a value in both is there once.
    """
    multi = multi_headers(result.get("multiValueHeaders"))
    names = {name.lower(): name for name, _ in multi}
    single = [(names.get(name.lower(), name), value) for name, value in single_headers(result.get("headers"))]
    return multi + [pair for pair in single if pair not in multi]


def _remapped(name: str, value: str) -> Headers:
    lower = name.lower()
    if lower in _REMAPPED:
        return [(f"x-amzn-Remapped-{name}", value)]
    return [] if lower in HOP_BY_HOP else [(name, value)]


def rest_error(
    status: int,
    message: str = "Internal server error",
    kind: str = "InternalServerErrorException",
    *,
    problem: str = "",
) -> HttpResponse:
    """An answer of the gateway's own, without an invocation or in spite of it."""
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return HttpResponse(status, [("Content-Type", "application/json"), ("x-amzn-ErrorType", kind)], body, problem)


def rest_not_found() -> HttpResponse:
    """The answer where no resource has the path, or the resource not the method: a 403 that speaks of a token."""
    return rest_error(403, "Missing Authentication Token", "MissingAuthenticationTokenException")


def rest_no_stage() -> HttpResponse:
    """The answer where the path begins with no stage of the API."""
    return rest_error(403, "Forbidden", "ForbiddenException")
