"""Function URLs: where they differ from payload format 2.0 of an HTTP API."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eventfw.tools.local.web.asgi import HttpRequest
from eventfw.tools.local.web.function_url import url_error, url_event, url_response

RECEIVED = datetime(2026, 3, 12, 19, 3, 58, 390_000, UTC)
HOST = ("host", "abc123.lambda-url.us-east-1.on.aws")


def event(request: HttpRequest, **options: Any) -> dict[str, Any]:
    return url_event(request, request_id="27faf494-5201-49b0-a933-46d51c90146f", received=RECEIVED, **options)


def response(result: Any) -> tuple[int, dict[str, str], bytes]:
    made = url_response(json.dumps(result).encode())
    return made.status, dict(made.headers), made.body


def test_the_whole_event_of_a_plain_request() -> None:
    made = event(HttpRequest("POST", "/a/%Ft", "q=1&q=%2Fb", [HOST, ("user-agent", "curl/8")]))
    assert made == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/a/%Ft",
        "rawQueryString": "q=1&q=%2Fb",
        "headers": {"host": HOST[1], "user-agent": "curl/8"},
        "queryStringParameters": {"q": "1,/b"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc123",
            "domainName": HOST[1],
            "domainPrefix": "abc123",
            "http": {
                "method": "POST",
                "path": "/a/%Ft",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "27faf494-5201-49b0-a933-46d51c90146f",
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238390,
        },
        "isBase64Encoded": False,
    }


def test_a_caller_who_signed_is_the_authorizer() -> None:
    context = event(HttpRequest("GET", "/", headers=[HOST]), caller={"userId": "AIDA"})["requestContext"]
    assert (context["authorizer"], context["accountId"]) == ({"iam": {"userId": "AIDA"}}, "000000000000")


@pytest.mark.parametrize(("kind", "encoded"), [("text/plain", False), ("multipart/form-data; boundary=x", True)])
def test_a_body_is_encoded_by_its_type(kind: str, encoded: bool) -> None:
    request = HttpRequest("POST", "/", headers=[HOST, ("content-type", kind)], body=b"a")
    assert event(request)["isBase64Encoded"] is encoded


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"a": [1, "é"], "b": None}, '{"a":[1,"é"],"b":null}'),
        (["hello", 3, True], '["hello",3,true]'),
        ("hello", "hello"),
        (3.1, "3.1"),
        ({}, "{}"),
        ({"body": "x"}, '{"body":"x"}'),
    ],
)
def test_a_result_without_status_is_the_body_of_a_200_without_spaces(result: Any, body: str) -> None:
    assert response(result) == (200, {"content-type": "application/json"}, body.encode())


def test_a_body_without_a_type_is_json() -> None:
    assert response({"statusCode": "418", "body": "teapot"}) == (418, {"content-type": "application/json"}, b"teapot")


def test_cookies_and_base64_are_as_in_format_2() -> None:
    made = url_response(b'{"statusCode":200,"cookies":["a=1","b=2"],"isBase64Encoded":true,"body":"iVBORw=="}')
    assert made.headers == [("content-type", "application/json"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    assert made.body == b"\x89PNG"


def test_a_malformed_result_is_a_502_in_plain_text_with_the_reason_for_the_developer() -> None:
    made = url_response(b'{"statusCode": "abc"}')
    assert (made.status, made.headers, made.body) == (502, [("content-type", "text/plain")], b"Internal Server Error")
    assert "'abc'" in made.problem


def test_a_failure_of_the_function_looks_the_same() -> None:
    made = url_error(problem="KeyError: 'a'")
    assert (made.status, made.body, made.problem) == (502, b"Internal Server Error", "KeyError: 'a'")
