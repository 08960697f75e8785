"""CloudFront's rules on what a Lambda@Edge function returns."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest

from eventfw.errors import RuleError
from eventfw.rules.edge import check_edge
from eventfw.rules.edge_headers import READ_ONLY

CUSTOM = {
    "customHeaders": {},
    "domainName": "example.org",
    "keepaliveTimeout": 5,
    "path": "",
    "port": 443,
    "protocol": "https",
    "readTimeout": 30,
    "sslProtocols": ["TLSv1.2"],
}
S3 = {"authMethod": "none", "customHeaders": {}, "domainName": "b.s3.amazonaws.com", "path": "", "region": ""}


def header(name: str, *values: str) -> dict[str, list[dict[str, str]]]:
    return {name.lower(): [{"key": name, "value": value} for value in values]}


def cf(event_type: str) -> dict[str, Any]:
    request: dict[str, Any] = {
        "clientIp": "203.0.113.178",
        "headers": header("Host", "d111111abcdef8.cloudfront.net") | header("User-Agent", "curl/8"),
        "method": "GET",
        "querystring": "",
        "uri": "/",
    }
    if event_type.startswith("origin"):
        request["origin"] = {"custom": copy.deepcopy(CUSTOM)}
    event = {"request": request}
    if event_type.endswith("response"):
        event["response"] = {"headers": header("Server", "x") | header("Via", "1.1 x"), "status": "200"}
    return event


def check(event_type: str, **changes: Any) -> list[str]:
    """The problems of handing back the request, or in a response event the response, with these changes."""
    event = cf(event_type)
    result = copy.deepcopy(event.get("response", event["request"]))
    result["headers"].update(changes.pop("headers", {}))
    result.update(changes)
    return check_edge(event_type, event, result)


def generated(event_type: str = "viewer-request", **response: Any) -> list[str]:
    return check_edge(event_type, cf(event_type), {"status": "200", **response})


def one(problems: list[str]) -> str:
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize("event_type", READ_ONLY)
def test_what_came_may_go_back_unchanged(event_type: str) -> None:
    assert check(event_type) == []


@pytest.mark.parametrize("event_type", READ_ONLY)
@pytest.mark.parametrize("name", ["Connection", "X-Cache", "X-Edge-Location", "X-Amz-Cf-Id", "X-Real-IP", "UPGRADE"])
def test_a_disallowed_header_is_refused_everywhere(event_type: str, name: str) -> None:
    assert name.lower() in one(check(event_type, headers=header(name, "x")))


READ_ONLY_NAMES = [(kind, name) for kind, names in READ_ONLY.items() for name in sorted(names)]


@pytest.mark.parametrize(("event_type", "name"), READ_ONLY_NAMES)
def test_a_read_only_header_is_neither_added_nor_changed_nor_deleted(event_type: str, name: str) -> None:
    event = cf(event_type)
    result = copy.deepcopy(event.get("response", event["request"]))
    side = event.get("response", event["request"])
    side["headers"].update(header(name, "was"))

    result["headers"].pop(name, None)
    assert "deleted" in one(check_edge(event_type, event, result))
    result["headers"].update(header(name, "is"))
    assert "changed" in one(check_edge(event_type, event, result))
    result["headers"].update(header(name.upper(), "was"))
    assert check_edge(event_type, event, result) == []
    side["headers"].pop(name)
    assert "added" in one(check_edge(event_type, event, result))


def test_host_may_be_chosen_for_the_origin() -> None:
    assert check("origin-request", headers=header("Host", "other.example.org")) == []


def test_only_a_viewer_request_function_may_not_set_the_viewers_country() -> None:
    country = header("CloudFront-Viewer-Country", "NZ")
    assert "CloudFront-Viewer-Country" in one(check("viewer-request", headers=country))
    assert check("origin-request", headers=country) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"x-a": "1"},
        {"x-a": {"value": "1"}},
        {"x-a": ["1"]},
        {"x-a": [{"key": "X-A"}]},
        {"x-a": [{"value": 1}]},
        {"x-a": [{"key": "X-B", "value": "1"}]},
        {"x-a": [{"value": "1\r\nset-cookie: b"}]},
        {"x a": [{"value": "1"}]},
        {"": [{"value": "1"}]},
    ],
)
def test_a_header_is_a_name_and_a_list_of_values(headers: dict[str, Any]) -> None:
    assert one(check("viewer-request", headers=headers))
    assert one(generated(headers=headers))


def test_a_header_needs_no_key_and_may_repeat() -> None:
    assert check("viewer-request", headers={"x-a": [{"value": "1"}, {"key": "x-A", "value": "2"}]}) == []


@pytest.mark.parametrize("headers", [[], "x", 1])
def test_headers_of_another_shape_are_refused(headers: Any) -> None:
    assert "object" in one(generated(headers=headers))


@pytest.mark.parametrize("result", [None, "x", 1, [], {}, {"statusCode": 200}, {"body": "x"}])
def test_what_is_neither_request_nor_response_is_refused(result: Any) -> None:
    for event_type in READ_ONLY:
        assert check_edge(event_type, cf(event_type), result)


@pytest.mark.parametrize("uri", ["", "index.html", 1, None, "/a\n"])
def test_a_uri_begins_with_a_slash(uri: Any) -> None:
    assert "uri" in one(check("viewer-request", uri=uri))


@pytest.mark.parametrize("query", ["a b", "a#b", "a\x00", 1, None])
def test_a_query_string_is_encoded(query: Any) -> None:
    assert "querystring" in one(check("origin-request", querystring=query))


def test_uri_and_query_string_stay_below_8192_characters() -> None:
    assert check("viewer-request", uri="/" + "a" * 8190) == []
    assert "8192" in one(check("viewer-request", uri="/" + "a" * 8191))
    assert "8192" in one(check("viewer-request", uri="/" + "a" * 4095, querystring="b" * 4096))


@pytest.mark.parametrize("field", ["method", "clientIp"])
def test_method_and_client_are_read_only(field: str) -> None:
    assert field in one(check("viewer-request", **{field: "x"}))


def test_a_viewer_request_has_no_origin() -> None:
    assert "origin-request" in one(check("viewer-request", origin={"custom": CUSTOM}))


@pytest.mark.parametrize("status", ["200", "599", 302, "404"])
def test_a_status_lies_between_200_and_599(status: Any) -> None:
    assert generated(status=status) == []
    assert check("origin-response", status=status) == []


@pytest.mark.parametrize("status", ["199", "600", "1000", "abc", "", "20", "200 OK", None, True, 199, 2e2])
def test_another_status_is_refused(status: Any) -> None:
    assert "status" in one(generated(status=status))
    assert "status" in one(check("origin-response", status=status))


def test_a_viewer_response_keeps_its_status() -> None:
    assert check("viewer-response", status=200) == []
    assert "origin-response" in one(check("viewer-response", status="404"))


@pytest.mark.parametrize("body", [None, 1, {"a": 1}, ["x"]])
def test_a_response_body_is_a_string(body: Any) -> None:
    assert "body" in one(generated(body=body))


def test_a_base64_body_is_base64() -> None:
    assert generated(body="aGVsbG8=", bodyEncoding="base64") == []
    assert "base64" in one(generated(body="***", bodyEncoding="base64"))
    assert "base64" in one(generated(body="aGVsbG8", bodyEncoding="base64"))
    assert "gzip" in one(generated(body="x", bodyEncoding="gzip"))


def test_no_content_has_no_body_at_the_viewer() -> None:
    assert generated(status="204") == []
    assert "204" in one(generated(status="204", body="x"))
    assert generated("origin-request", status="204", body="x") == []


@pytest.mark.parametrize(("event_type", "limit"), [("viewer-request", 40 * 1024), ("origin-request", 1024 * 1024)])
def test_a_generated_response_is_limited_with_its_headers(event_type: str, limit: int) -> None:
    assert generated(event_type, body="x" * limit) == []
    assert str(limit) in one(generated(event_type, body="x" * (limit + 1)))
    assert str(limit) in one(generated(event_type, body="x" * limit, headers=header("A", "")))
    encoded = base64.b64encode(b"x" * limit).decode()
    assert generated(event_type, body=encoded, bodyEncoding="base64") == []


def test_a_body_counts_in_bytes_not_characters() -> None:
    assert one(generated(body="é" * 20481))


@pytest.mark.parametrize(
    "body", ["x", None, {"action": "delete"}, {"action": "replace", "encoding": "gzip", "data": ""}]
)
def test_a_request_body_is_an_object_with_an_action(body: Any) -> None:
    assert "body" in one(check("viewer-request", body=body))


def test_a_body_that_is_not_replaced_is_not_looked_at() -> None:
    assert check("viewer-request", body={"action": "read-only", "encoding": "base64", "data": "***"}) == []


@pytest.mark.parametrize(
    ("event_type", "encoding", "limit"),
    [
        ("viewer-request", "text", 40 * 1024),
        ("viewer-request", "base64", 54476),
        ("origin-request", "text", 1024 * 1024),
        ("origin-request", "base64", 1394604),
    ],
)
def test_a_replaced_body_is_limited(event_type: str, encoding: str, limit: int) -> None:
    body = {"action": "replace", "encoding": encoding, "data": "A" * limit}
    assert check(event_type, body=body) == []
    assert "body" in one(check(event_type, body=body | {"data": "A" * (limit + 4)}))


def test_a_replaced_base64_body_is_base64() -> None:
    assert "base64" in one(check("viewer-request", body={"action": "replace", "data": "***"}))


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("domainName", ["a.example.org", "x" * 253], ["", "10.0.0.1", "a:80", "::1", "x" * 254, None, 1]),
        ("port", [80, 443, 1024, 65535], [0, 81, 1023, 65536, "443", True, None]),
        ("protocol", ["http", "https"], ["ftp", "HTTPS", ""]),
        ("keepaliveTimeout", [1, 60], [0, 61, "5"]),
        ("readTimeout", [4, 60], [3, 61, "5"]),
        ("path", ["", "/a", "/a/b%20c"], ["a", "/a/", "/", "/" + "a" * 255, "/a b", "/ä", 1]),
        ("sslProtocols", [["TLSv1", "SSLv3"]], [["TLSv9"], "TLSv1"]),
    ],
)
def test_a_custom_origin_is_within_its_bounds(field: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert check("origin-request", origin={"custom": CUSTOM | {field: value}}) == []
    for value in bad:
        assert field in one(check("origin-request", origin={"custom": CUSTOM | {field: value}}))


@pytest.mark.parametrize("origin", [None, {}, {"s3": S3, "custom": CUSTOM}, {"custom": None}, {"other": {}}, "x"])
def test_there_is_exactly_one_origin(origin: Any) -> None:
    assert "exactly one" in one(check("origin-request", origin=origin))


@pytest.mark.parametrize(
    ("field", "bad"),
    [("domainName", ""), ("domainName", "B.s3.amazonaws.com"), ("domainName", "b" * 129), ("authMethod", "oac")],
)
def test_an_s3_origin_is_within_its_bounds(field: str, bad: str) -> None:
    assert check("origin-request", origin={"s3": S3}) == []
    assert field in one(check("origin-request", origin={"s3": S3 | {field: bad}}))


def test_an_origin_access_identity_needs_a_region_and_an_s3_origin_before() -> None:
    event = cf("origin-request")
    identity = S3 | {"authMethod": "origin-access-identity", "region": "eu-west-1"}
    result = event["request"] | {"origin": {"s3": identity}}
    assert "custom origin" in one(check_edge("origin-request", event, result))
    event["request"]["origin"] = {"s3": S3}
    assert check_edge("origin-request", event, result) == []
    result["origin"] = {"s3": identity | {"region": ""}}
    assert "region" in one(check_edge("origin-request", event, result))


@pytest.mark.parametrize("name", ["X-Edge-A", "Cookie", "X-Amz-Date", "Host", "Via", "X-Cache", "User-Agent"])
def test_custom_headers_are_not_those_of_cloudfront_nor_of_the_request(name: str) -> None:
    custom = CUSTOM | {"customHeaders": header(name, "x")}
    assert name.lower() in one(check("origin-request", origin={"custom": custom}))


def test_custom_headers_of_ones_own_are_sent() -> None:
    assert check("origin-request", origin={"custom": CUSTOM | {"customHeaders": header("X-Key", "x")}}) == []


def test_an_unknown_event_type_is_an_error_with_the_four() -> None:
    with pytest.raises(RuleError, match="viewer-request, origin-request"):
        check_edge("origin", cf("viewer-request"), {})
