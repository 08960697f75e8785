"""The edge: a distribution in front of the gateway."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.paths import HttpTable
from eventfw.tools.local.asgi import Exchange
from eventfw.tools.local.edge import Association, EdgeFront
from eventfw.tools.local.gateway import Gateway

SITE = Association("redirect", "viewer-request", "site")
BODY = Association("redirect", "viewer-request", "site", include_body=True)


@dataclass
class Result:
    payload: bytes
    error: bool = False


class Lambda:
    """Stands for the workers: ``edge`` makes the edge function's result of its request, ``api`` shows its event."""

    def __init__(self, edge: Callable[[dict[str, Any]], Any]) -> None:
        self.edge = edge
        self.edge_events: list[dict[str, Any]] = []
        self.api_events: list[dict[str, Any]] = []

    async def __call__(self, function: str, event: bytes) -> Result:
        raw = json.loads(event)
        if function == "api":
            self.api_events.append(raw)
            return Result(b'{"statusCode": 200, "headers": {"via": "1.0 origin", "x-a": "1"}, "body": "origin"}')
        self.edge_events.append(raw)
        result = self.edge(raw["Records"][0]["cf"]["request"])
        return result if isinstance(result, Result) else Result(json.dumps(result).encode())


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers)[name]


def front(functions: Any, *associations: Association, **options: Any) -> EdgeFront:
    origin = Gateway(HttpTable([["ANY", "/{rest+}", "api", "all"]]), functions)
    return EdgeFront(associations or (SITE,), functions, origin, origin_host="127.0.0.1:8000", **options)


def ask(app: Any, method: str = "GET", target: str = "/a", body: bytes = b"", **headers: str) -> Answer:
    """One request of a viewer, without a server between."""
    sent: list[Any] = []
    path, _, query = target.partition("?")
    given = {"host": "localhost:9000", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", 9000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    start, content = sent
    return Answer(start["status"], [(a.decode(), b.decode("latin-1")) for a, b in start["headers"]], content["body"])


def same(request: dict[str, Any]) -> dict[str, Any]:
    return request


def test_the_whole_event_of_a_viewers_request() -> None:
    functions = Lambda(same)
    answer = ask(front(functions), target="/a%20b?x=1", user_agent="curl/8", connection="keep-alive", x_edge_a="1")
    [record] = functions.edge_events[0]["Records"]
    config = record["cf"]["config"]
    assert config.pop("requestId") == answer.header("x-amz-cf-id")
    assert config.pop("distributionDomainName").endswith(".cloudfront.net")
    assert config.pop("distributionId").startswith("E")
    assert record == {
        "cf": {
            "config": {"eventType": "viewer-request"},
            "request": {
                "clientIp": "127.0.0.1",
                "headers": {
                    "host": [{"key": "Host", "value": "localhost:9000"}],
                    "user-agent": [{"key": "User-Agent", "value": "curl/8"}],
                },
                "method": "GET",
                "querystring": "x=1",
                "uri": "/a%20b",
            },
        }
    }


def test_an_unchanged_request_reaches_the_origin_as_cloudfront_sends_it() -> None:
    functions = Lambda(same)
    answer = ask(front(functions), target="/a?x=1", cookie="a=1", x_forwarded_for="203.0.113.9", x_real_ip="1.2.3.4")
    assert (answer.status, answer.body, answer.header("x-a")) == (200, b"origin", "1")
    [event] = functions.api_events
    headers = event["headers"]
    assert (event["rawPath"], event["rawQueryString"], event["cookies"]) == ("/a", "x=1", ["a=1"])
    assert headers["host"] == "127.0.0.1:8000"
    assert headers["via"].endswith(".cloudfront.net (CloudFront)")
    assert headers["x-amz-cf-id"] == answer.header("x-amz-cf-id")
    assert headers["x-forwarded-for"] == "203.0.113.9,127.0.0.1, 127.0.0.1"
    assert "x-real-ip" not in headers


def test_the_viewer_sees_cloudfronts_headers_once() -> None:
    answer = ask(front(Lambda(same)))
    assert answer.header("x-cache") == "Miss from cloudfront"
    assert len([name for name, _ in answer.headers if name == "via"]) == 1
    assert "origin" not in answer.header("via")
    assert answer.header("content-length") == "6"


def test_a_changed_request_goes_on_changed() -> None:
    def change(request: dict[str, Any]) -> dict[str, Any]:
        request["uri"], request["querystring"] = "/ä b?", "q=é"
        request["headers"]["x-new"] = [{"value": "1"}, {"value": "2"}]
        del request["headers"]["x-old"]
        return request

    functions = Lambda(change)
    assert ask(front(functions), x_old="1").status == 200
    [event] = functions.api_events
    assert (event["rawPath"], event["rawQueryString"]) == ("/%C3%A4%20b%3F", "q=%C3%A9")
    assert event["headers"]["x-new"] == "1,2"
    assert "x-old" not in event["headers"]


def test_a_target_that_is_not_changed_is_not_encoded_anew() -> None:
    functions = Lambda(same)
    ask(front(functions), target='/{a}"?b={c}|d')
    [event] = functions.api_events
    assert (event["rawPath"], event["rawQueryString"]) == ('/{a}"', "b={c}|d")


def test_a_generated_response_never_reaches_the_origin() -> None:
    functions = Lambda(
        lambda request: {
            "status": "302",
            "headers": {"location": [{"key": "Location", "value": "/é"}], "set-cookie": [{"value": v} for v in "ab"]},
            "body": "aGk=",
            "bodyEncoding": "base64",
        }
    )
    answer = ask(front(functions))
    assert (answer.status, answer.body) == (302, b"hi")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a", "b"]
    assert answer.header("location") == "/é"
    assert answer.header("x-cache") == "LambdaGeneratedResponse from cloudfront"
    assert functions.api_events == []


@pytest.mark.parametrize("result", [None, {}, {"status": "700"}, {"status": "200", "body": "<b>" * 20_000}])
def test_an_invalid_result_is_a_502_that_explains_itself(result: Any) -> None:
    functions, seen = Lambda(lambda request: result), list[Exchange]()
    answer = ask(front(functions, observe=seen.append))
    assert (answer.status, answer.header("x-cache")) == (502, "LambdaValidationError from cloudfront")
    assert b"failed validation" in answer.body
    assert seen[0].problem.startswith("redirect: ")
    assert functions.api_events == []


def test_the_explanation_is_escaped() -> None:
    answer = ask(front(Lambda(lambda request: {"status": "<script>"})))
    assert (answer.status, b"<script>" in answer.body) == (502, False)


@pytest.mark.parametrize("result", [Result(b'{"errorMessage": "boom"}', error=True), Result(b"")])
def test_a_function_that_fails_is_a_503(result: Result) -> None:
    seen: list[Exchange] = []
    answer = ask(front(Lambda(lambda request: result), observe=seen.append))
    assert (answer.status, answer.header("x-cache")) == (503, "LambdaExecutionError from cloudfront")
    assert "redirect" in seen[0].problem


def test_a_function_that_cannot_be_run_is_a_503() -> None:
    async def broken(function: str, event: bytes) -> Result:
        raise LocalError("no worker")

    answer = ask(front(broken))
    assert (answer.status, b"no worker" in answer.body) == (503, True)


def test_a_function_that_takes_too_long_is_a_503() -> None:
    async def slow(function: str, event: bytes) -> Result:
        await asyncio.sleep(5)
        return Result(b"{}")

    answer = ask(front(slow, timeout=0.01))
    assert (answer.status, answer.header("x-cache")) == (503, "LambdaLimitExceeded from cloudfront")


def test_the_body_is_shown_only_when_it_is_included_and_only_its_beginning() -> None:
    functions = Lambda(same)
    ask(front(functions), "POST", body=b"x")
    ask(front(functions, BODY), "POST", body=b"x" * 40_961)
    hidden, shown = [event["Records"][0]["cf"]["request"] for event in functions.edge_events]
    assert "body" not in hidden
    assert shown["body"] == {
        "action": "read-only",
        "data": base64.b64encode(b"x" * 40_960).decode(),
        "encoding": "base64",
        "inputTruncated": True,
    }
    assert [len(base64.b64decode(event["body"])) for event in functions.api_events] == [1, 40_961]


def test_a_replaced_body_reaches_the_origin() -> None:
    def change(request: dict[str, Any]) -> dict[str, Any]:
        request["body"] |= {"action": "replace", "encoding": "text", "data": "neü"}
        return request

    functions = Lambda(change)
    ask(front(functions, BODY), "POST", body=b"old", content_type="text/plain", content_length="3")
    [event] = functions.api_events
    assert (event["body"], event["headers"]["content-length"]) == ("neü", "4")


def test_an_error_of_the_origin_is_said_to_be_one() -> None:
    answer = ask(front(Lambda(same)), target="/")
    assert (answer.status, answer.header("x-cache")) == (404, "Error from cloudfront")


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [("TRACE", "/a", b"", 403), ("GET", "/a", b"x", 403), ("GET", "/" + "a" * 8200, b"", 413)],
)
def test_what_cloudfront_refuses_reaches_no_function(method: str, target: str, body: bytes, status: int) -> None:
    functions = Lambda(same)
    assert ask(front(functions), method, target, body).status == status
    assert functions.edge_events == []


def test_headers_over_twenty_kilobytes_are_a_413() -> None:
    assert ask(front(Lambda(same)), x="a" * 20_480).status == 413


def test_a_distribution_answers_on_its_own_name_and_the_first_on_any_other() -> None:
    app = front(Lambda(lambda request: {"status": "200"}), SITE, Association("admin", "viewer-request", "admin"))
    seen: list[Exchange] = []
    app.observe = seen.append
    for host in ("localhost:9000", "127.0.0.1", "site.localhost:9000", "admin.localhost:9000"):
        ask(app, host=host)
    assert [exchange.function for exchange in seen] == ["redirect", "redirect", "redirect", "admin"]


def test_associations_are_swapped_for_the_next_request() -> None:
    functions = Lambda(same)
    app = front(functions)
    app.associations = []
    assert ask(app).body == b"origin"
    assert functions.edge_events == []


@pytest.mark.parametrize(
    "associations",
    [[SITE, Association("other", "viewer-request", "site")], [Association("late", "origin-response", "site")]],
)
def test_functions_that_cannot_run_together_or_not_yet_are_an_error(associations: list[Association]) -> None:
    app = front(Lambda(same))
    with pytest.raises(LocalError):
        app.associations = associations
    assert app.associations == [SITE]


def test_a_foreign_host_or_page_is_refused() -> None:
    functions = Lambda(same)
    assert ask(front(functions), host="evil.example").status == 403
    assert ask(front(functions), origin="https://evil.example").status == 403
    assert functions.edge_events == []


def test_kept_alive_through_a_real_server(serve: Callable[[Any], int]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", serve(front(Lambda(same))), timeout=20)
    for _ in range(3):
        client.request("POST", "/a", body=b"x")
        own = client.sock
        answer = client.getresponse()
        assert (answer.status, answer.read(), client.sock) == (200, b"origin", own)
        assert len(answer.msg.get_all("content-length", [])) == len(answer.msg.get_all("date", [])) == 1
    client.close()
