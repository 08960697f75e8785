"""API Gateway's HTTP API, payload format 2.0: an HTTP request to the function's event, its result to a response.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import json
from base64 import b64encode
from binascii import Error, a2b_base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from eventfw.tools.local.asgi import Headers, HttpRequest, HttpResponse, without_hop_by_hop

#: Bytes of the request line and the header values together (HTTP API quota, not adjustable).
HEADERS_LIMIT = 10_240
#: Bytes of a request's body (HTTP API quota, not adjustable).
BODY_LIMIT = 10 * 1024 * 1024
#: Bytes of an event and of a result in a synchronous invocation: the number in Lambda's own message about its 6 MB.
PAYLOAD_LIMIT = 6_291_556
#: Seconds until the gateway gives up on the function (HTTP API quota, not adjustable).
TIMEOUT = 30.0

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXT_TYPES = frozenset(("application/json", "application/javascript", "application/xml"))
_NAME_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
#: Headers of a result that the gateway writes itself.
_GATEWAYS_OWN = frozenset(("apigw-requestid", "content-length", "date"))


class BadResult(Exception):
    """A function's result that API Gateway cannot make a response of; says why."""


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
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "cookies": _cookies(request.headers),
        "headers": _joined((name, value) for name, value in request.headers if name != "cookie"),
        "queryStringParameters": _query_parameters(request.query),
        "requestContext": {
            "accountId": account_id,
            "apiId": api_id,
            "domainName": domain,
            "domainPrefix": domain.partition(":")[0].partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": request.header("user-agent"),
            },
            "requestId": request_id,
            "routeKey": route_key,
            "stage": stage,
            "time": _common_log_time(received),
            "timeEpoch": int(received.timestamp() * 1000),
        },
        "pathParameters": path_parameters,
        **_body(request),
    }
    return {key: value for key, value in event.items() if value or key in _ALWAYS}


_ALWAYS = frozenset(("headers", "isBase64Encoded", "rawPath", "rawQueryString"))


def http_response(payload: bytes) -> HttpResponse:
    """The response made of a function's result; 500 with the reason in ``problem`` where there is none to make.

    A result without ``statusCode`` is the body of a 200. No Content-Type means text/plain, as API Gateway has it.
    """
    try:
        return _converted(payload)
    except BadResult as reason:
        return gateway_error(500, problem=str(reason))


def gateway_error(status: int, *, problem: str = "") -> HttpResponse:
    """An answer of the gateway's own, without an invocation or in spite of it."""
    body = json.dumps({"message": _MESSAGES[status]}, separators=(",", ":")).encode()
    return HttpResponse(status, [("content-type", "application/json")], body, problem)


_MESSAGES = {
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


def _query_parameters(query: str) -> dict[str, str]:
    """The decoded parameters; the values of a repeated one are joined with a comma after decoding."""
    pairs = [part.partition("=") for part in query.split("&") if part]
    return _joined((unquote_plus(name), unquote_plus(value)) for name, _, value in pairs)


def _joined(pairs: Any) -> dict[str, str]:
    together: dict[str, str] = {}
    for name, value in pairs:
        together[name] = f"{together[name]},{value}" if name in together else value
    return together


def _body(request: HttpRequest) -> dict[str, Any]:
    """The body as text where its type is one, else as base64: a form and a body without a type are base64 too."""
    if not request.body:
        return {"isBase64Encoded": False}
    kind = request.header("content-type").partition(";")[0].strip().lower()
    encoded = request.header("content-encoding").strip().lower() not in ("", "identity")
    if (kind.startswith("text/") or kind in _TEXT_TYPES) and not encoded:
        try:
            return {"body": request.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:  # Text of another charset arrives unharmed this way.
            pass
    return {"body": b64encode(request.body).decode("ascii"), "isBase64Encoded": True}


def _common_log_time(moment: datetime) -> str:
    """``12/Mar/2020:19:03:58 +0000``, in any locale."""
    moment = moment.astimezone(UTC)
    return f"{moment.day:02}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000"


def _converted(payload: bytes) -> HttpResponse:
    try:
        result = json.loads(payload)
    except ValueError:
        raise BadResult(f"the function's result is not JSON: {payload[:80]!r}.") from None
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result.encode() if isinstance(result, str) else payload
        return HttpResponse(200, [("content-type", "application/json")], body)
    status, headers = _status(result["statusCode"]), _response_headers(result.get("headers"))
    headers += [("set-cookie", _value("cookies", cookie)) for cookie in _list(result.get("cookies"))]
    body = b"" if status in (204, 304) else _response_body(result)
    if body and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain; charset=utf-8"))
    return HttpResponse(status, headers, body)


def _status(value: Any) -> int:
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not (len(text) == 3 and text.isascii() and text.isdigit() and 200 <= int(text) <= 599):
        raise BadResult(f"statusCode must be a number from 200 to 599, not {value!r}.")
    return int(text)


def _response_headers(headers: Any) -> Headers:
    if not isinstance(headers, dict | None):
        raise BadResult(f"headers must be an object of names and values, not {headers!r}.")
    found = []
    for name, value in (headers or {}).items():
        lower = name.lower()
        if not lower or not _NAME_CHARACTERS.issuperset(lower):
            raise BadResult(f"headers contains {name!r}, which is not the name of a header.")
        found.append((lower, _value(f"headers[{name!r}]", value)))
    return [(name, value) for name, value in without_hop_by_hop(found) if name not in _GATEWAYS_OWN]


def _value(where: str, value: Any) -> str:
    """A header's value as it goes over the wire: UTF-8, each byte as one character."""
    if isinstance(value, (bool, int, float)):
        value = json.dumps(value)
    if not isinstance(value, str):
        raise BadResult(f"{where} must be a string, not {value!r}.")
    if any((character < " " and character != "\t") or character == "\x7f" for character in value):
        raise BadResult(f"{where} must not contain line ends or control characters: {value!r}.")
    return value.encode().decode("latin-1")


def _list(cookies: Any) -> list[Any]:
    if not isinstance(cookies, list | None):
        raise BadResult(f"cookies must be a list of strings, not {cookies!r}.")
    return cookies or []


def _response_body(result: dict[str, Any]) -> bytes:
    body, encoded = result.get("body"), result.get("isBase64Encoded")
    if not isinstance(body, str | None):
        raise BadResult(f"body must be a string, not {type(body).__name__}. Encode it, with json.dumps for instance.")
    if not isinstance(encoded, bool | None):
        raise BadResult(f"isBase64Encoded must be true or false, not {encoded!r}.")
    if not encoded or not body:
        return (body or "").encode("utf-8", "surrogatepass")
    try:
        return a2b_base64(body.encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError):
        raise BadResult(f"isBase64Encoded is true, and body is not base64: {body[:80]!r}.") from None
