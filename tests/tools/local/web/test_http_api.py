"""Payload format 2.0: a request to the function's event, the function's result to a response."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eventfw.tools.local.web.asgi import HttpRequest
from eventfw.tools.local.web.http_api import http_event, http_response

RECEIVED = datetime(2026, 3, 12, 19, 3, 58, 390_000, UTC)


def event(request: HttpRequest, **parameters: str) -> dict[str, Any]:
    return http_event(request, "GET /a/{name}", parameters, request_id="JKJaXmPLvHcESHA=", received=RECEIVED)


def post(body: bytes, *headers: tuple[str, str]) -> dict[str, Any]:
    return event(HttpRequest("POST", "/a/b", headers=list(headers), body=body))


def response(result: Any) -> tuple[int, dict[str, str], bytes]:
    made = http_response(json.dumps(result).encode())
    return made.status, dict(made.headers), made.body


def problem(result: Any) -> str:
    made = http_response(json.dumps(result).encode())
    assert (made.status, made.body) == (500, b'{"message":"Internal Server Error"}')
    return made.problem


def test_the_whole_event_of_a_plain_request() -> None:
    request = HttpRequest("GET", "/a/b%20c", headers=[("host", "localhost:8000"), ("user-agent", "curl/8")])
    assert event(request, name="b%20c") == {
        "version": "2.0",
        "routeKey": "GET /a/{name}",
        "rawPath": "/a/b%20c",
        "rawQueryString": "",
        "headers": {"host": "localhost:8000", "user-agent": "curl/8"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost:8000",
            "domainPrefix": "localhost",
            "http": {
                "method": "GET",
                "path": "/a/b%20c",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "GET /a/{name}",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1773342238390,
        },
        "pathParameters": {"name": "b%20c"},
        "isBase64Encoded": False,
    }


def test_a_query_is_decoded_and_repeated_values_are_joined() -> None:
    made = event(HttpRequest("GET", "/a/b", query="a=1+2&b=%2B&a=x%2Cy&c&d=&%C3%A9=%ff&e=f=g"))
    assert made["rawQueryString"] == "a=1+2&b=%2B&a=x%2Cy&c&d=&%C3%A9=%ff&e=f=g"
    assert made["queryStringParameters"] == {"a": "1 2,x,y", "b": "+", "c": "", "d": "", "é": "\ufffd", "e": "f=g"}


def test_cookies_are_taken_out_of_the_headers_one_by_one() -> None:
    made = event(HttpRequest("GET", "/", headers=[("cookie", "a=1; b=2"), ("x", "1"), ("cookie", "c=3;"), ("x", "2")]))
    assert made["cookies"] == ["a=1", "b=2", "c=3"]
    assert made["headers"] == {"x": "1,2"}


@pytest.mark.parametrize("kind", ["text/csv", "application/json", "Application/XML; charset=utf-8", "text/plain"])
def test_text_is_sent_as_text(kind: str) -> None:
    made = post("é".encode(), ("content-type", kind))
    assert (made["body"], made["isBase64Encoded"]) == ("é", False)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("content-type", "image/png")],
        [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "application/json"), ("content-encoding", "gzip")],
    ],
)
def test_everything_else_is_sent_as_base64(headers: list[tuple[str, str]]) -> None:
    made = post(b"a=1", *headers)
    assert (made["body"], made["isBase64Encoded"]) == ("YT0x", True)


def test_text_that_is_not_utf8_arrives_unharmed() -> None:
    made = post(b"\xe9", ("content-type", "text/plain; charset=latin-1"))
    assert (base64.b64decode(made["body"]), made["isBase64Encoded"]) == (b"\xe9", True)


@pytest.mark.parametrize(
    ("result", "body"),
    [
        ({"a": 1}, b'{"a": 1}'),
        (["a", 3, True], b'["a", 3, true]'),
        ("hello", b"hello"),
        (3.1, b"3.1"),
        (None, b"null"),
        ({}, b"{}"),
        ({"body": "x"}, b'{"body": "x"}'),
    ],
)
def test_a_result_without_status_is_the_body_of_a_200(result: Any, body: bytes) -> None:
    assert response(result) == (200, {"content-type": "application/json"}, body)


def test_a_result_with_status_is_the_response() -> None:
    assert response({"statusCode": 201, "headers": {"X-A": "1", "Content-Type": "text/html"}, "body": "<p>"}) == (
        201,
        {"x-a": "1", "content-type": "text/html"},
        b"<p>",
    )


def test_a_body_without_a_type_is_plain_text() -> None:
    assert response({"statusCode": "418", "body": "teapot"}) == (
        418,
        {"content-type": "text/plain; charset=utf-8"},
        b"teapot",
    )
    assert response({"statusCode": 204}) == (204, {}, b"")


def test_each_cookie_is_a_header_of_its_own() -> None:
    made = http_response(b'{"statusCode": 200, "cookies": ["a=1; Secure", "b=2"]}')
    assert made.headers == [("set-cookie", "a=1; Secure"), ("set-cookie", "b=2")]


def test_base64_is_decoded_whatever_the_client_accepts() -> None:
    result = {"statusCode": 200, "headers": {"content-type": "image/png"}, "isBase64Encoded": True, "body": "iVBORw=="}
    assert response(result)[2] == b"\x89PNG"


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_none(status: int) -> None:
    assert response({"statusCode": status, "body": "x"}) == (status, {}, b"")


def test_headers_of_the_connection_and_of_the_gateway_are_not_the_functions_to_set() -> None:
    headers = {"Connection": "x-b, close", "X-B": "1", "Transfer-Encoding": "chunked", "Content-Length": "99"}
    assert response({"statusCode": 200, "headers": headers | {"Date": "x", "X-C": "1"}}) == (200, {"x-c": "1"}, b"")


def test_header_values_that_are_not_strings_are_written_as_json() -> None:
    assert response({"statusCode": 200, "headers": {"a": 1, "b": True}})[1] == {"a": "1", "b": "true"}


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"statusCode": "abc"}, "'abc'"),
        ({"statusCode": 99}, "99"),
        ({"statusCode": 1000}, "1000"),
        ({"statusCode": None}, "None"),
        ({"statusCode": True}, "True"),
        ({"statusCode": 200, "body": {"a": 1}}, "json.dumps"),
        ({"statusCode": 200, "headers": ["a"]}, "headers"),
        ({"statusCode": 200, "headers": {"a b": "1"}}, "'a b'"),
        ({"statusCode": 200, "headers": {"": "1"}}, "''"),
        ({"statusCode": 200, "headers": {"a": "1\r\nset-cookie: x=1"}}, "line ends"),
        ({"statusCode": 200, "headers": {"a": ["1"]}}, "headers['a']"),
        ({"statusCode": 200, "cookies": "a=1"}, "cookies"),
        ({"statusCode": 200, "cookies": [1, None]}, "cookies"),
        ({"statusCode": 200, "cookies": ["a=1\n"]}, "cookies"),
        ({"statusCode": 200, "body": "***", "isBase64Encoded": True}, "base64"),
        ({"statusCode": 200, "body": "é", "isBase64Encoded": True}, "base64"),
        ({"statusCode": 200, "body": "x", "isBase64Encoded": "yes"}, "'yes'"),
    ],
)
def test_a_malformed_result_is_a_500_with_the_reason_for_the_developer(result: Any, reason: str) -> None:
    assert reason in problem(result)


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff"])
def test_a_result_that_is_not_json_is_a_500(payload: bytes) -> None:
    assert (http_response(payload).status, "JSON" in http_response(payload).problem) == (500, True)
