"""Load balancers: a request to the function's event, its result to a response, with single values and with several."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eventfw.tools.local.web.alb import BODY_LIMIT, RESULT_LIMIT, alb_error, alb_event, alb_refusal, alb_response
from eventfw.tools.local.web.asgi import HttpRequest

REPEATED = HttpRequest("GET", "/a%20b", "k=1+2&k=%2B&c", [("cookie", "a=1"), ("cookie", "b=2")])


def body_of(body: bytes, *headers: tuple[str, str]) -> tuple[str, bool]:
    made = alb_event(HttpRequest("POST", "/", headers=list(headers), body=body))
    return made["body"], made["isBase64Encoded"]


def response(result: Any, *, multi_value: bool = False) -> tuple[int, list[tuple[str, str]], bytes]:
    made = alb_response(json.dumps(result).encode(), multi_value=multi_value)
    return made.status, made.headers, made.body


def test_the_last_of_repeated_values_is_sent_and_the_query_stays_encoded() -> None:
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/6d0ecf831eec9f09"
    assert alb_event(REPEATED, target_group=arn) == {
        "requestContext": {"elb": {"targetGroupArn": arn}},
        "httpMethod": "GET",
        "path": "/a%20b",
        "queryStringParameters": {"k": "%2B", "c": ""},
        "headers": {"cookie": "b=2"},
        "body": "",
        "isBase64Encoded": False,
    }


def test_with_several_values_all_are_sent_under_other_names() -> None:
    made = alb_event(REPEATED, multi_value=True)
    assert made["multiValueQueryStringParameters"] == {"k": ["1+2", "%2B"], "c": [""]}
    assert made["multiValueHeaders"] == {"cookie": ["a=1", "b=2"]}
    assert not {"headers", "queryStringParameters"} & made.keys()


@pytest.mark.parametrize("kind", ["text/csv", "application/json; charset=utf-8", "application/javascript"])
def test_text_is_sent_as_text(kind: str) -> None:
    assert body_of(b"a=1", ("content-type", kind)) == ("a=1", False)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("content-type", "application/x-www-form-urlencoded")],
        [("content-type", "text/plain"), ("content-encoding", "gzip")],
        [("content-type", "text/plain"), ("content-encoding", "identity")],
    ],
)
def test_everything_else_and_whatever_is_encoded_is_base64(headers: list[tuple[str, str]]) -> None:
    assert body_of(b"a=1", *headers) == ("YT0x", True)


def test_upgrades_and_large_bodies_reach_no_function() -> None:
    upgrade = alb_refusal(HttpRequest("GET", "/", headers=[("upgrade", "websocket")]))
    large = alb_refusal(HttpRequest("POST", "/", body=bytes(BODY_LIMIT + 1)))
    assert upgrade is not None and large is not None and (upgrade.status, large.status) == (400, 413)
    assert alb_refusal(HttpRequest("POST", "/", body=bytes(BODY_LIMIT))) is None


def test_a_result_is_the_response() -> None:
    result = {
        "statusCode": 201,
        "statusDescription": "201 Created",
        "headers": {"Content-Type": "text/html"},
        "body": "<p>",
    }
    assert response(result | {"cookies": 1}) == (201, [("content-type", "text/html")], b"<p>")


def test_a_status_is_enough() -> None:
    assert response({"statusCode": 404}) == (404, [], b"")


def test_base64_is_decoded_and_a_body_without_a_type_is_bytes() -> None:
    made = response({"statusCode": 200, "isBase64Encoded": True, "body": "iVBORw=="})
    assert made == (200, [("content-type", "application/octet-stream")], b"\x89PNG")


def test_headers_of_the_connection_and_of_the_balancer_are_not_the_functions_to_set() -> None:
    headers = {"Connection": "close", "Transfer-Encoding": "chunked", "Content-Length": "99", "X": "1"}
    assert response({"statusCode": 200, "headers": headers})[1] == [("x", "1")]


def test_each_mode_looks_at_its_own_headers_only() -> None:
    result = {"statusCode": 200, "headers": {"A": "1"}, "multiValueHeaders": {"Set-Cookie": ["a=1", "b=2"]}}
    assert response(result)[1] == [("a", "1")]
    assert response(result, multi_value=True)[1] == [("set-cookie", "a=1"), ("set-cookie", "b=2")]
    assert response(result | {"multiValueHeaders": None})[0] == 200
    assert response(result | {"headers": None}, multi_value=True)[0] == 200


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("hello", "statusCode"),
        (None, "statusCode"),
        ({}, "statusCode"),
        ({"body": "x"}, "statusCode"),
        ({"statusCode": "200"}, "'200'"),
        ({"statusCode": True}, "True"),
        ({"statusCode": 99}, "99"),
        ({"statusCode": 200, "body": None}, "body must not be null"),
        ({"statusCode": 200, "body": {}}, "json.dumps"),
        ({"statusCode": 200, "headers": None}, "headers must not be null"),
        ({"statusCode": 200, "headers": {"a": True}}, "headers['a']"),
        ({"statusCode": 200, "headers": {"a": 1}}, "headers['a']"),
        ({"statusCode": 200, "statusDescription": None}, "statusDescription"),
        ({"statusCode": 200, "statusDescription": 200}, "statusDescription"),
        ({"statusCode": 200, "isBase64Encoded": "true"}, "isBase64Encoded"),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "***"}, "base64"),
        ({"statusCode": 200, "body": "x" * RESULT_LIMIT}, "bytes"),
    ],
)
def test_a_malformed_result_is_a_502_with_the_reason_for_the_developer(result: Any, reason: str) -> None:
    made = alb_response(json.dumps(result).encode())
    assert (made.status, reason in made.problem) == (502, True)


def test_several_values_must_be_lists_of_strings() -> None:
    assert response({"statusCode": 200, "multiValueHeaders": {"a": "1"}}, multi_value=True)[0] == 502
    assert response({"statusCode": 200, "multiValueHeaders": {"a": [1]}}, multi_value=True)[0] == 502


def test_an_answer_of_the_balancers_own_is_a_page() -> None:
    made = alb_error(502, problem="x")
    assert (made.status, dict(made.headers), made.problem) == (502, {"content-type": "text/html"}, "x")
    assert b"<title>502 Bad Gateway</title>" in made.body
