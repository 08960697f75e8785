"""API Gateway's HTTP API, payload format 2.0: an HTTP request to the function's event, its result to a response.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import json
from datetime import datetime
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from eventfw.tools.local.web.asgi import Headers, HttpRequest, HttpResponse
from eventfw.tools.local.web.http_shared import (
    BadResult,
    as_json,
    decoded_query,
    domain_prefix,
    encoded_body,
    epoch_milliseconds,
    has_content_type,
    header_value,
    is_text,
    joined,
    loaded,
    log_time,
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
_JSON_ONLY = {"content-type": "application/json"}


class Head:
    """What a request's headers come to in its event, as text: the same for all requests with the same headers.

    ``headers`` are those that the function is to see. A request has cookies and a text's body by them, too.
    """

    __slots__ = ("caller", "domain", "members", "text")

    def __init__(self, headers: Headers, source_ip: str) -> None:
        request = HttpRequest("", "", headers=headers)
        domain, cookies = request.header("host"), _cookies(headers)
        seen = joined((name, value) for name, value in headers if name != "cookie")
        self.members = (f'"cookies":{as_json(cookies)},' if cookies else "") + f'"headers":{as_json(seen)},'
        self.domain = f'"domainName":{quoted(domain)},"domainPrefix":{quoted(domain_prefix(domain))},'
        self.caller = f'"sourceIp":{quoted(source_ip)},"userAgent":{quoted(request.header("user-agent"))}'
        self.text = sent_as_text(request)


class Target:
    """What a request's line and route come to in its event, as text: the same for all requests with the same line.

    Of ``request`` neither headers nor body are looked at.
    """

    __slots__ = ("begin", "context", "end", "http", "route")

    def __init__(
        self,
        request: HttpRequest,
        route_key: str,
        path_parameters: dict[str, str],
        *,
        stage: str = "$default",
        account_id: str = "000000000000",
        api_id: str = "local",
    ) -> None:
        key, path, query = quoted(route_key), quoted(request.path), request.query
        asked = joined(decoded_query(query)) if query else None
        self.begin = f'{{"version":"2.0","routeKey":{key},"rawPath":{path},"rawQueryString":{quoted(query)},'
        self.context = f'"requestContext":{{"accountId":{quoted(account_id)},"apiId":{quoted(api_id)},'
        if asked:
            self.context = f'"queryStringParameters":{as_json(asked)},{self.context}'
        method, protocol = quoted(request.method), quoted(request.protocol)
        self.http = f'"http":{{"method":{method},"path":{path},"protocol":{protocol},'
        self.route = f'"routeKey":{key},"stage":{quoted(stage)},'
        self.end = f'"pathParameters":{as_json(path_parameters)},' if path_parameters else ""


def event_text(head: Head, target: Target, body: bytes, *, request_id: str, received: int) -> str:
    """The event the function receives, as JSON. ``received`` is in milliseconds since 1970.

    What a request does not have (cookies, a query, a body) has no key at all.
    """
    sent, encoded = encoded_body(body, head.text) if body else ("", False)
    return (
        f"{target.begin}{head.members}{target.context}{head.domain}{target.http}{head.caller}}},"
        f'"requestId":{quoted(request_id)},{target.route}'
        f'"time":"{log_time(received // 1000)}","timeEpoch":{received}}},{target.end}'
        + (f'"body":{quoted(sent)},' if sent else "")
        + ('"isBase64Encoded":true}' if encoded else '"isBase64Encoded":false}')
    )


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
    """The event the function receives, of a request with all the headers that it is to see."""
    text = event_text(
        Head(request.headers, request.source_ip),
        Target(request, route_key, path_parameters, stage=stage, account_id=account_id, api_id=api_id),
        request.body,
        request_id=request_id,
        received=epoch_milliseconds(received),
    )
    event: dict[str, Any] = json.loads(text)
    return event


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
    status, given = status_code(result["statusCode"]), result.get("headers")
    if given == _JSON_ONLY and not result.get("cookies"):
        # The usual answer, as the rest of this would make it, in a third of the time.
        return HttpResponse(status, [("content-type", "application/json")], response_body(result, status))
    headers = single_headers(given)
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


def sent_as_text(request: HttpRequest) -> bool:
    """Whether the function gets the body as text: its type is one, and it is not compressed."""
    return is_text(request) and request.header("content-encoding").strip().lower() in ("", "identity")


def event_body(request: HttpRequest) -> tuple[str, bool]:
    """The body as text where its type is one and it is not compressed, else as base64, and whether it is."""
    return encoded_body(request.body, sent_as_text(request))


def _list(cookies: Any) -> list[Any]:
    if not isinstance(cookies, list | None):
        raise BadResult(f"cookies must be a list of strings, not {cookies!r}.")
    return cookies or []
