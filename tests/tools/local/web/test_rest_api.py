"""REST APIs, and HTTP APIs in payload format 1.0: a request to the function's event, its result to a response."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eventfw.paths import HttpTable
from eventfw.tools.local.web.asgi import HttpRequest
from eventfw.tools.local.web.http_api_v1 import http_v1_event, http_v1_response
from eventfw.tools.local.web.rest_api import (
    RestStage,
    matched_path,
    rest_error,
    rest_event,
    rest_no_stage,
    rest_not_found,
    rest_response,
    stage_paths,
)

RECEIVED = datetime(2026, 3, 12, 19, 3, 58, 390_000, UTC)
ERROR = b'{"message":"Internal server error"}'


def event(request: HttpRequest, resource: str = "/{proxy+}", *binary: str, **parameters: str) -> dict[str, Any]:
    return rest_event(
        request,
        resource,
        parameters,
        RestStage("dev", binary_media_types=binary),
        request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        extended_request_id="JKJaXmPLvHcESHA=",
        received=RECEIVED,
    )


def post(body: bytes, kind: str, *binary: str) -> tuple[str | None, bool]:
    headers = [("Content-Type", kind)] if kind else []
    made = event(HttpRequest("POST", "/dev/a", headers=headers, body=body), "/a", *binary)
    return made["body"], made["isBase64Encoded"]


def response(result: Any, accept: str = "", *binary: str) -> tuple[int, list[tuple[str, str]], bytes]:
    made = rest_response(json.dumps(result).encode(), RestStage("dev", binary_media_types=binary), accept=accept)
    return made.status, made.headers, made.body


def test_the_whole_event_of_a_plain_request() -> None:
    headers = [("Host", "x1y2.localhost:8000"), ("X-aB", "1"), ("User-Agent", "curl/8")]
    assert event(HttpRequest("GET", "/dev/a/b%20c", headers=headers), proxy="a/b%20c") == {
        "resource": "/{proxy+}",
        "path": "/a/b%20c",
        "httpMethod": "GET",
        "headers": {"Host": "x1y2.localhost:8000", "X-aB": "1", "User-Agent": "curl/8"},
        "multiValueHeaders": {"Host": ["x1y2.localhost:8000"], "X-aB": ["1"], "User-Agent": ["curl/8"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": "a/b%20c"},
        "stageVariables": None,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "deploymentId": "local",
            "domainName": "x1y2.localhost:8000",
            "domainPrefix": "x1y2",
            "extendedRequestId": "JKJaXmPLvHcESHA=",
            "httpMethod": "GET",
            "identity": {
                "accessKey": None,
                "accountId": None,
                "caller": None,
                "cognitoAuthenticationProvider": None,
                "cognitoAuthenticationType": None,
                "cognitoIdentityId": None,
                "cognitoIdentityPoolId": None,
                "principalOrgId": None,
                "sourceIp": "127.0.0.1",
                "user": None,
                "userAgent": "curl/8",
                "userArn": None,
            },
            "path": "/dev/a/b%20c",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "12/Mar/2026:19:03:58 +0000",
            "requestTimeEpoch": 1773342238390,
            "resourceId": "local",
            "resourcePath": "/{proxy+}",
            "stage": "dev",
        },
        "body": None,
        "isBase64Encoded": False,
    }


@pytest.mark.parametrize(
    ("path", "paths"),
    [
        ("/dev/a", ("/dev/a", "/a")),
        ("//dev/a", ("/dev/a", "/a")),
        ("/dev//a", ("/dev//a", "/a")),
        ("/dev/a//b/", ("/dev/a//b/", "/a//b/")),
        ("/dev/dev", ("/dev/dev", "/dev")),
        ("/dev", ("/dev", "/")),
        ("/device/a", None),
        ("/", None),
    ],
)
def test_the_stage_is_taken_off_and_leading_slashes_are_merged(path: str, paths: tuple[str, str] | None) -> None:
    assert stage_paths(path, "dev") == paths


def match(table: HttpTable, method: str, path: str) -> tuple[str, dict[str, str]] | None:
    found = table.match(method, matched_path(path))
    return (found[0].partition(" ")[2], found[1]) if found else None


def test_a_slash_at_the_end_matches_and_is_no_part_of_a_parameter() -> None:
    table = HttpTable([("ANY", "/{proxy+}", "api", "a"), ("GET", "/fixed", "api", "b"), ("ANY", "/", "api", "c")])
    assert match(table, "GET", "/a//b/") == ("/{proxy+}", {"proxy": "a//b"})
    assert match(table, "GET", "/fixed/") == ("/fixed", {})
    assert match(table, "GET", "/") == ("/", {})


def test_a_method_that_a_resource_lacks_is_looked_for_in_the_greedy_one() -> None:
    table = HttpTable([("POST", "/a", "api", "a"), ("OPTIONS", "/{proxy+}", "api", "b")])
    assert match(table, "OPTIONS", "/a") == ("/{proxy+}", {"proxy": "a"})
    assert match(table, "GET", "/a") is None


def test_the_last_of_repeated_values_and_all_of_them() -> None:
    made = event(HttpRequest("GET", "/dev/a", "a=1+2&b=%2B&a=x%2Cy&c", [("X", "1"), ("X", "2")]))
    assert made["queryStringParameters"] == {"a": "x,y", "b": "+", "c": ""}
    assert made["multiValueQueryStringParameters"] == {"a": ["1 2", "x,y"], "b": ["+"], "c": [""]}
    assert (made["headers"], made["multiValueHeaders"]) == ({"X": "2"}, {"X": ["1", "2"]})


def test_names_of_headers_are_the_clients_but_for_some() -> None:
    headers = [
        ("aUThorization", "x"),
        ("content-type", "a/b"),
        ("x-forwarded-for", "1.2.3.4"),
        ("Transfer-Encoding", "x"),
    ]
    made = event(HttpRequest("GET", "/dev/a", headers=headers))
    assert made["headers"] == {"Authorization": "x", "content-type": "a/b", "X-Forwarded-For": "1.2.3.4"}


def test_a_body_is_text_where_nothing_is_listed_as_binary() -> None:
    assert post("é".encode(), "image/png") == ("é", False)
    assert post(b"\x89P", "image/png") == ("\ufffdP", False)


@pytest.mark.parametrize("listed", ["image/png", "image/*", "*/*", "Image/PNG"])
def test_a_listed_type_is_base64(listed: str) -> None:
    assert post(b"\x89PNG", "image/png; x=y", listed) == ("iVBORw==", True)


def test_a_type_that_is_not_listed_is_text() -> None:
    assert post(b"a", "image/png", "*/png", "image/jpeg") == ("a", False)


def test_a_body_without_a_type_counts_as_json() -> None:
    assert post(b"{}", "", "application/octet-stream") == ("{}", False)
    assert post(b"{}", "", "application/json") == ("e30=", True)


def test_no_body_is_never_base64() -> None:
    assert post(b"", "image/png", "*/*") == (None, False)


@pytest.mark.parametrize("result", [{}, {"statusCode": 200}, {"headers": None, "body": None}, {"statusCode": None}])
def test_every_member_of_a_result_may_be_missing(result: Any) -> None:
    assert response(result) == (200, [("Content-Type", "application/json")], b"")


def test_a_result_is_the_response() -> None:
    result = {"statusCode": "201", "headers": {"content-type": "text/html", "X-B": True}, "body": "<é>"}
    assert response(result) == (201, [("content-type", "text/html"), ("X-B", "true")], "<é>".encode())


def test_headers_join_those_of_several_values_and_take_their_names() -> None:
    result = {"multiValueHeaders": {"tesT": ["1", "2"], "Content-Type": ["a/b"]}, "headers": {"Test": "3", "x": "4"}}
    assert response(result)[1] == [("tesT", "1"), ("tesT", "2"), ("Content-Type", "a/b"), ("tesT", "3"), ("x", "4")]


def test_a_value_in_both_headers_is_sent_once() -> None:
    result = {"multiValueHeaders": {"Content-Type": ["a/b"]}, "headers": {"content-type": "a/b"}}
    assert response(result)[1] == [("Content-Type", "a/b")]


def test_headers_that_are_the_gateways_come_under_another_name() -> None:
    result = {"headers": {"Date": "x", "WWW-Authenticate": "Basic", "Transfer-Encoding": "chunked", "Via": "y"}}
    assert response(result)[1] == [
        ("x-amzn-Remapped-Date", "x"),
        ("x-amzn-Remapped-WWW-Authenticate", "Basic"),
        ("Via", "y"),
        ("Content-Type", "application/json"),
    ]


@pytest.mark.parametrize(
    ("accept", "listed", "decoded"),
    [
        ("image/png", ["image/png"], True),
        ("image/png,image/*,*/*;q=0.8", ["image/png"], True),
        ("image/webp;q=1, image/png", ["image/webp"], True),
        ("application/whatever", ["application/*"], True),
        ("application/*", ["application/*"], True),
        ("", ["*/*"], True),
        ("text/html", ["*/*"], True),
        ("image/webp,image/png", ["image/png"], False),
        ("image/*", ["image/png"], False),
        ("*/*", ["image/png"], False),
        ("*/png", ["*/png"], False),
        ("image/png", ["*/png"], False),
        ("application", ["application/*"], False),
        ("", ["image/png"], False),
        ("image/png", [], False),
    ],
)
def test_base64_is_decoded_for_a_client_that_accepts_a_listed_type_first(
    accept: str, listed: list[str], decoded: bool
) -> None:
    result = {"headers": {"Content-Type": "image/png"}, "isBase64Encoded": True, "body": "iVBORw=="}
    assert response(result, accept, *listed)[2] == (b"\x89PNG" if decoded else b"iVBORw==")


def test_text_is_never_decoded() -> None:
    assert response({"body": "iVBORw=="}, "image/png", "image/png")[2] == b"iVBORw=="


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("text", "'text'"),
        (None, "None"),
        (42, "42"),
        ([], "[]"),
        ({"statusCode": 200, "cookies": []}, "'cookies'"),
        ({"errorMessage": "x"}, "'errorMessage'"),
        ({"statusCode": "abc"}, "'abc'"),
        ({"body": {"a": 1}}, "json.dumps"),
        ({"headers": {"a": ["1"]}}, "headers['a']"),
        ({"headers": []}, "headers"),
        ({"multiValueHeaders": {"a": "1"}}, "multiValueHeaders['a']"),
        ({"multiValueHeaders": {"a b": ["1"]}}, "'a b'"),
    ],
)
def test_a_malformed_result_is_a_502_with_the_reason_for_the_developer(result: Any, reason: str) -> None:
    made = rest_response(json.dumps(result).encode(), RestStage("dev"))
    assert (made.status, made.body, reason in made.problem) == (502, ERROR, True)


def test_a_body_that_is_not_the_base64_it_claims_to_be_is_a_500() -> None:
    result = {"isBase64Encoded": True, "body": "èé+à)("}
    assert response(result, "image/png", "image/png")[::2] == (500, ERROR)
    assert response(result)[::2] == (200, "èé+à)(".encode())


def test_answers_of_the_gateways_own_name_the_error() -> None:
    answers = [rest_not_found(), rest_no_stage(), rest_error(502)]
    assert [
        (made.status, json.loads(made.body)["message"], dict(made.headers)["x-amzn-ErrorType"]) for made in answers
    ] == [
        (403, "Missing Authentication Token", "MissingAuthenticationTokenException"),
        (403, "Forbidden", "ForbiddenException"),
        (502, "Internal server error", "InternalServerErrorException"),
    ]


def test_format_1_of_an_http_api_has_a_rest_apis_event_with_its_version() -> None:
    request = HttpRequest("POST", "/dev/pets/6", "a=1&a=2", [("host", "localhost"), ("x", "1")], b"a=1")
    made = http_v1_event(request, "ANY /pets/{id}", {"id": "6"}, stage="dev", request_id="i=", received=RECEIVED)
    context = made.pop("requestContext")
    assert made == {
        "version": "1.0",
        "resource": "/pets/{id}",
        "path": "/dev/pets/6",
        "httpMethod": "POST",
        "headers": {"Host": "localhost", "x": "1"},
        "multiValueHeaders": {"Host": ["localhost"], "x": ["1"]},
        "queryStringParameters": {"a": "2"},
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
        "pathParameters": {"id": "6"},
        "stageVariables": None,
        "body": "YT0x",
        "isBase64Encoded": True,
    }
    assert (context["path"], context["resourcePath"], context["stage"]) == ("/dev/pets/6", "/pets/{id}", "dev")


def test_format_1_names_the_default_route_as_the_resource() -> None:
    made = http_v1_event(HttpRequest("GET", "/a"), "$default", {}, request_id="i=", received=RECEIVED)
    assert (made["resource"], made["pathParameters"], made["body"]) == ("$default", None, None)


def test_format_1_takes_both_kinds_of_headers_and_decodes_base64_always() -> None:
    result = {"statusCode": 200, "headers": {"A": "1"}, "multiValueHeaders": {"a": ["2"]}, "unknown": 1}
    made = http_v1_response(json.dumps(result | {"isBase64Encoded": True, "body": "iVBORw=="}).encode())
    assert (made.status, made.body) == (200, b"\x89PNG")
    assert made.headers == [("a", "2"), ("a", "1"), ("content-type", "text/plain; charset=utf-8")]


@pytest.mark.parametrize("result", ["text", {}, {"body": "x"}, None])
def test_format_1_requires_a_status(result: Any) -> None:
    made = http_v1_response(json.dumps(result).encode())
    assert (made.status, made.body) == (500, b'{"message":"Internal Server Error"}')
