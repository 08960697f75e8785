"""An Application Load Balancer with a function as its target: a request to the event, the result to a response.

The target group's attribute ``lambda.multi_value_headers.enabled`` is ``multi_value`` here.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html
"""

from __future__ import annotations

from typing import Any

from eventfw.tools.local.web.asgi import Headers, HttpRequest, HttpResponse
from eventfw.tools.local.web.http_shared import (
    BadResult,
    encoded_body,
    has_content_type,
    is_text,
    listed,
    loaded,
    multi_headers,
    passed_on,
    query_pairs,
    response_body,
    single_headers,
    status_code,
)

#: Bytes of a request's body, and of a function's result.
BODY_LIMIT = RESULT_LIMIT = 1024 * 1024

_TARGET_GROUP = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/local/0000000000000000"
_BALANCERS_OWN = frozenset(("content-length", "date", "server"))
_REASONS = {400: "Bad Request", 413: "Request Entity Too Large", 502: "Bad Gateway"}


def alb_refusal(request: HttpRequest) -> HttpResponse | None:
    """The answer to a request that reaches no function: a WebSocket's, and one whose body is over 1 MB."""
    if request.header("upgrade"):
        return alb_error(400, problem="a load balancer does not upgrade connections to a function.")
    if len(request.body) > BODY_LIMIT:
        return alb_error(413, problem=f"the body has {len(request.body)} bytes, over a load balancer's {BODY_LIMIT}.")
    return None


def alb_event(request: HttpRequest, *, multi_value: bool = False, target_group: str = _TARGET_GROUP) -> dict[str, Any]:
    """The event the function receives. The query stays encoded; the last value of a name counts unless ``multi_value``.

    Whatever has a Content-Encoding is base64, ``identity`` too.
    """
    query = query_pairs(request.query)
    text = is_text(request) and all(name != "content-encoding" for name, _ in request.headers)
    body, encoded = encoded_body(request.body, text)
    values: dict[str, Any]
    if multi_value:
        values = {"multiValueQueryStringParameters": listed(query), "multiValueHeaders": listed(request.headers)}
    else:
        values = {"queryStringParameters": dict(query), "headers": dict(request.headers)}
    return {
        "requestContext": {"elb": {"targetGroupArn": target_group}},
        "httpMethod": request.method,
        "path": request.path,
        **values,
        "body": body,
        "isBase64Encoded": encoded,
    }


def alb_response(payload: bytes, *, multi_value: bool = False) -> HttpResponse:
    """The response made of a function's result; 502 with the reason in ``problem`` where there is none to make.

    ``statusCode`` is required. ``headers`` is not looked at with ``multi_value``, nor ``multiValueHeaders`` without.
    ``statusDescription`` is checked only: what is after the number is the HTTP server's to write here.
    """
    try:
        if len(payload) > RESULT_LIMIT:
            raise BadResult(f"the function's result has {len(payload)} bytes, over a load balancer's {RESULT_LIMIT}.")
        result = loaded(payload)
        status = checked_status(result, "multiValueHeaders" if multi_value else "headers")
        if multi_value:
            pairs = multi_headers(result.get("multiValueHeaders"), strict=True)
        else:
            pairs = single_headers(result.get("headers"), strict=True)
        return target_response(result, status, pairs)
    except BadResult as reason:
        return alb_error(502, problem=str(reason))


def checked_status(result: Any, *used: str) -> int:
    """The status of a target's result: a number, not a string. Raises BadResult.

    A member may be left out, yet one that is used (``used``, and those all results have) must not be null.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        raise BadResult("the function's result must be an object with a statusCode.")
    for name in ("body", "isBase64Encoded", "statusDescription", *used):
        if name in result and result[name] is None:
            raise BadResult(f"{name} must not be null. Leave it out.")
    if not isinstance(result["statusCode"], int):
        raise BadResult(f"statusCode must be a number, not {result['statusCode']!r}.")
    if not isinstance(result.get("statusDescription", ""), str):
        raise BadResult(f"statusDescription must be a string, not {result['statusDescription']!r}.")
    return status_code(result["statusCode"])


def target_response(result: dict[str, Any], status: int, pairs: Headers) -> HttpResponse:
    """The response of a target's result; no Content-Type means application/octet-stream. Raises BadResult."""
    headers = passed_on(pairs, _BALANCERS_OWN)
    body = response_body(result, status)
    if body and not has_content_type(headers):
        headers.append(("content-type", "application/octet-stream"))
    return HttpResponse(status, headers, body)


def alb_error(status: int, *, problem: str = "") -> HttpResponse:
    """An answer of the load balancer's own."""
    title = f"{status} {_REASONS[status]}"
    page = f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    return HttpResponse(status, [("content-type", "text/html")], f"{page}</body>\r\n</html>\r\n".encode(), problem)
