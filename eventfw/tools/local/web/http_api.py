"""API Gateway's HTTP API, payload format 2.0: an HTTP request to the function's event, its result to a response.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from eventfw.tools.local.web.asgi import Headers, HttpRequest, HttpResponse
from eventfw.tools.local.web.http_shared import (
    BadResult,
    common_log_time,
    decoded_query,
    domain_prefix,
    encoded_body,
    epoch_milliseconds,
    has_content_type,
    header_value,
    is_text,
    joined,
    loaded,
    passed_on,
    response_body,
    single_headers,
    status_code,
)

#: Bytes of the request line and the header values together (HTTP API quota, not adjustable).
HEADERS_LIMIT = 10_240
#: Bytes of a request's body (HTTP API quota, not adjustable).
BODY_LIMIT = 10 * 1024 * 1024
#: Bytes of an event and of a result in a synchronous invocation: the number in Lambda's own message about its 6 MB.
PAYLOAD_LIMIT = 6_291_556
#: Seconds until the gateway gives up on the function (HTTP API quota, not adjustable).
TIMEOUT = 30.0

#: Headers of a result that the gateway writes itself.
_GATEWAYS_OWN = frozenset(("apigw-requestid", "content-length", "date"))
_TEXT = "text/plain; charset=utf-8"


def http_event(
    request: HttpRequest,
    route_key: str,
    path_parameters: dict[str, str],
    *,
    request_id: str,
    received: datetime,
    stage: str = "$default",
    account_id: str = "000000000000",
    api_id: str = "local",
) -> dict[str, Any]:
    """The event the function receives. What a request does not have (cookies, a query, a body) has no key at all."""
    domain = request.header("host")
    body, encoded = event_body(request)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "cookies": _cookies(request.headers),
        "headers": joined((name, value) for name, value in request.headers if name != "cookie"),
        "queryStringParameters": joined(decoded_query(request.query)),
        "requestContext": {
            "accountId": account_id,
            "apiId": api_id,
            "domainName": domain,
            "domainPrefix": domain_prefix(domain),
            "http": _described(request),
            "requestId": request_id,
            "routeKey": route_key,
            "stage": stage,
            "time": common_log_time(received),
            "timeEpoch": epoch_milliseconds(received),
        },
        "pathParameters": path_parameters,
        "body": body,
        "isBase64Encoded": encoded,
    }
    return {key: value for key, value in event.items() if value or key in _ALWAYS}


_ALWAYS = frozenset(("headers", "isBase64Encoded", "rawPath", "rawQueryString"))


def http_response(payload: bytes) -> HttpResponse:
    """The response made of a function's result; 500 with the reason in ``problem`` where there is none to make.

    A result without ``statusCode`` is the body of a 200. No Content-Type means text/plain, as API Gateway has it.
    """
    try:
        return format_2_response(loaded(payload), payload, _TEXT)
    except BadResult as reason:
        return gateway_error(500, problem=str(reason))


def format_2_response(result: Any, whole: bytes, content_type: str) -> HttpResponse:
    """The response made of a result in payload format 2.0, of which a function URL makes nearly the same.

    ``whole`` is the body where the result is no response, and not a string either. Raises BadResult.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result.encode("utf-8", "surrogatepass") if isinstance(result, str) else whole
        return HttpResponse(200, [("content-type", "application/json")], body)
    status, headers = status_code(result["statusCode"]), single_headers(result.get("headers"))
    cookies = [("set-cookie", header_value("cookies", cookie)) for cookie in _list(result.get("cookies"))]
    response = finished(result, status, headers, content_type)
    response.headers.extend(cookies)
    return response


def finished(result: dict[str, Any], status: int, headers: Headers, content_type: str = _TEXT) -> HttpResponse:
    """The response with these headers, but the gateway's own, and the result's body, of a type in any case."""
    headers = passed_on(headers, _GATEWAYS_OWN)
    body = response_body(result, status)
    if body and not has_content_type(headers):
        headers.append(("content-type", content_type))
    return HttpResponse(status, headers, body)


def gateway_error(status: int, *, problem: str = "") -> HttpResponse:
    """An answer of the gateway's own, without an invocation or in spite of it."""
    body = json.dumps({"message": _MESSAGES[status]}, separators=(",", ":")).encode()
    return HttpResponse(status, [("content-type", "application/json")], body, problem)


_MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Request Entity Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def _cookies(headers: Headers) -> list[str]:
    """One entry for each cookie of every Cookie header."""
    parts = [part.strip() for name, value in headers if name == "cookie" for part in value.split(";")]
    return [part for part in parts if part]


def _described(request: HttpRequest) -> dict[str, str]:
    return {
        "method": request.method,
        "path": request.path,
        "protocol": request.protocol,
        "sourceIp": request.source_ip,
        "userAgent": request.header("user-agent"),
    }


def event_body(request: HttpRequest) -> tuple[str, bool]:
    """The body as text where its type is one and it is not compressed, else as base64, and whether it is."""
    plain = request.header("content-encoding").strip().lower() in ("", "identity")
    return encoded_body(request.body, is_text(request) and plain)


def _list(cookies: Any) -> list[Any]:
    if not isinstance(cookies, list | None):
        raise BadResult(f"cookies must be a list of strings, not {cookies!r}.")
    return cookies or []
