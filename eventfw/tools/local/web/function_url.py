"""A Lambda function URL: an HTTP request to the function's event, its result to a response.

Both are payload format 2.0 of an HTTP API, with the differences that are here.
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse
from eventfw.tools.local.web.http_api import format_2_response, http_event
from eventfw.tools.local.web.http_shared import BadResult, domain_prefix, loaded


def url_event(
    request: HttpRequest,
    *,
    request_id: str,
    received: datetime,
    account_id: str = "000000000000",
    caller: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The event the function receives. There are no routes and no stages: both are ``$default``.

    ``caller`` is the identity that signed a request to a URL of AuthType AWS_IAM. Without one the account is
    ``anonymous``, and ``authorizer`` has no key, like ``authentication`` always: the guide shows null, AWS sends none.
    """
    event = http_event(
        request,
        "$default",
        {},
        request_id=request_id,
        received=received,
        account_id=account_id if caller else "anonymous",
        api_id=domain_prefix(request.header("host")),
    )
    if caller:
        event["requestContext"]["authorizer"] = {"iam": caller}
    return event


def url_response(payload: bytes) -> HttpResponse:
    """The response made of a function's result; 502 with the reason in ``problem`` where there is none to make.

    A result without ``statusCode`` is the body of a 200, written without spaces; a string is sent without quotes.
    No Content-Type means application/json, with a ``statusCode`` too.
    """
    try:
        result = loaded(payload)
        whole = json.dumps(result, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        return format_2_response(result, whole, "application/json")
    except BadResult as reason:
        return url_error(problem=str(reason))


def url_error(*, problem: str = "") -> HttpResponse:
    """The answer where the function failed, or returned what no response can be made of."""
    return HttpResponse(502, [("content-type", "text/plain")], b"Internal Server Error", problem)
