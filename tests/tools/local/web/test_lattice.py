"""VPC Lattice: a request to the function's event in structures V1 and V2, its result to a response."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eventfw.tools.local.web.asgi import HttpRequest
from eventfw.tools.local.web.lattice import (
    RESULT_LIMIT,
    lattice_error,
    lattice_response,
    lattice_v1_event,
    lattice_v2_event,
)

RECEIVED = datetime(2026, 3, 12, 19, 3, 58, 390_000, UTC)
REPEATED = HttpRequest("GET", "/a", "q=1&q=2", [("x", "1"), ("x", "2")])


def post(kind: str, body: bytes = b"a=1") -> HttpRequest:
    return HttpRequest("POST", "/", headers=[("content-type", kind)], body=body)


def test_v1_joins_headers_and_takes_the_last_parameter() -> None:
    assert lattice_v1_event(REPEATED) == {
        "raw_path": "/a?q=1&q=2",
        "method": "GET",
        "headers": {"x": "1, 2"},
        "query_string_parameters": {"q": "2"},
        "body": "",
        "is_base64_encoded": False,
    }


def test_v2_lists_all_values_and_has_no_key_for_an_empty_body() -> None:
    made = lattice_v2_event(REPEATED, received=RECEIVED, identity={"sourceVpcArn": "arn:aws:ec2:r:1:vpc/v"})
    context = made.pop("requestContext")
    assert made == {
        "version": "2.0",
        "path": "/a?q=1&q=2",
        "method": "GET",
        "headers": {"x": ["1", "2"]},
        "queryStringParameters": {"q": ["1", "2"]},
    }
    assert context["identity"] == {"sourceVpcArn": "arn:aws:ec2:r:1:vpc/v"}
    assert context["timeEpoch"] == "1773342238390000"


@pytest.mark.parametrize(("kind", "body"), [("text/plain", ("a=1", False)), ("image/png", ("YT0x", True))])
def test_a_body_is_encoded_by_its_type(kind: str, body: tuple[str, bool]) -> None:
    v1, v2 = lattice_v1_event(post(kind)), lattice_v2_event(post(kind), received=RECEIVED)
    assert (v1["body"], v1["is_base64_encoded"]) == body
    assert (v2["body"], v2["isBase64Encoded"]) == body


def test_a_result_is_the_response_and_a_header_may_have_several_values() -> None:
    result = {"statusCode": 201, "headers": {"A": ["1", "2"], "Content-Type": "text/html"}, "body": "<p>"}
    made = lattice_response(json.dumps(result).encode())
    assert (made.status, made.body) == (201, b"<p>")
    assert sorted(made.headers) == [("a", "1"), ("a", "2"), ("content-type", "text/html")]


@pytest.mark.parametrize(
    "result", ["x", {}, {"statusCode": 200, "headers": []}, {"statusCode": 200, "body": "x" * RESULT_LIMIT}]
)
def test_a_malformed_result_is_a_502_with_the_reason_for_the_developer(result: Any) -> None:
    made = lattice_response(json.dumps(result).encode())
    assert (made.status, bool(made.problem)) == (502, True)


def test_a_failure_of_the_function_is_a_502() -> None:
    assert lattice_error(problem="x").status == 502
