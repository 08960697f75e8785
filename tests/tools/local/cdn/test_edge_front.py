"""The edge: a distribution in front of the gateway."""

from __future__ import annotations

import asyncio
import base64
import http.client
from collections.abc import Callable
from typing import Any

import pytest
from edge_bench import ALL, BODY, SITE, TYPES, Edge, Lambda, Result, ask, edge_records, event_of, front, kinds, same

from eventfw.errors import LocalError
from eventfw.tools.local.cdn.sites import Association
from eventfw.tools.local.web.apis import apis_of
from eventfw.tools.local.web.asgi import Exchange


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


def test_a_result_that_was_refused_before_is_the_same_502() -> None:
    refused = Result(b'{"errorType": "RefusedResult", "errorMessage": "CloudFront refuses x"}', error=True)
    answer = ask(front(Lambda(lambda request: refused)))
    assert (answer.status, answer.header("x-cache")) == (502, "LambdaValidationError from cloudfront")
    assert b"redirect: CloudFront refuses x" in answer.body


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
    ("method", "target", "body", "status", "said"),
    [
        ("TRACE", "/a", b"", 403, b"does not know the method TRACE. It takes DELETE, GET,"),
        ("GET", "/a", b"x", 403, b"this one has 1 bytes. Send them in the query string or with POST"),
        ("GET", "/" + "a" * 8200, b"", 413, b"8223 bytes, and CloudFront takes 8192. Shorten"),
    ],
)
def test_what_cloudfront_refuses_reaches_no_function_and_is_explained(
    method: str, target: str, body: bytes, status: int, said: bytes
) -> None:
    functions = Lambda(same)
    answer = ask(front(functions), method, target, body)
    assert (answer.status, functions.edge_events) == (status, [])
    assert said in answer.body


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
    app.replace([])
    assert ask(app).body == b"origin"
    assert functions.edge_events == []


@pytest.mark.parametrize("event_type", ["viewer-request", "viewer-reply"])
def test_functions_that_cannot_run_together_are_an_error_and_change_nothing(event_type: str) -> None:
    functions = Lambda(same)
    app = front(functions)
    with pytest.raises(LocalError):
        app.replace([SITE, Association("other", event_type, "site")])
    ask(app)
    assert len(functions.edge_events) == 1


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


def test_all_four_run_in_their_order_around_the_origin() -> None:
    functions = Edge()
    answer = ask(front(functions, *ALL), target="/a?x=1")
    assert (answer.status, answer.body, kinds(functions)) == (200, b"origin", list(TYPES))
    assert len({cf["config"]["requestId"] for cf in edge_records(functions)}) == 1


def test_the_events_of_the_origins_side_have_what_goes_to_it_and_comes_from_it() -> None:
    functions = Edge()
    ask(front(functions, *ALL), target="/a?x=1")
    request = event_of(functions, "origin-request")["request"]
    assert request["origin"]["custom"] == {
        "customHeaders": {},
        "domainName": "localhost",
        "keepaliveTimeout": 5,
        "path": "",
        "port": 8000,
        "protocol": "http",
        "readTimeout": 30,
        "sslProtocols": ["TLSv1.2"],
    }
    assert request["headers"]["host"] == [{"key": "Host", "value": "127.0.0.1:8000"}]
    assert "x-amz-cf-id" not in request["headers"] and "via" in request["headers"]
    response = event_of(functions, "origin-response")["response"]
    assert (response["status"], response["statusDescription"]) == ("200", "OK")
    assert response["headers"]["x-a"] == [{"key": "X-A", "value": "1"}]
    assert "body" not in response
    assert "origin" not in event_of(functions, "viewer-response")["request"]


def test_what_an_origin_request_function_changes_reaches_the_origin() -> None:
    def change(cf: Any) -> Any:
        request = cf["request"]
        request["uri"] = "/b"
        request["origin"]["custom"]["path"] = "/v2"
        request["origin"]["custom"]["customHeaders"] = {"x-secret": [{"key": "X-Secret", "value": "s"}]}
        request["body"] |= {"action": "replace", "encoding": "text", "data": "new!"}
        return request

    functions = Edge(origin_request=change)
    hook = Association("origin-request", "origin-request", "site", include_body=True)
    ask(front(functions, hook), "POST", body=b"old", content_type="text/plain", content_length="3")
    [event] = functions.api_events
    assert (event["rawPath"], event["body"]) == ("/v2/b", "new!")
    assert (event["headers"]["x-secret"], event["headers"]["content-length"]) == ("s", "4")
    assert "x-amz-cf-id" in event["headers"]


def test_an_answer_of_an_origin_request_function_is_seen_by_the_viewer_response_function_only() -> None:
    functions = Edge(origin_request=lambda cf: {"status": "200", "body": "made"})
    answer = ask(front(functions, *ALL))
    assert (answer.body, functions.api_events) == (b"made", [])
    assert kinds(functions) == ["viewer-request", "origin-request", "viewer-response"]


def test_an_answer_of_a_viewer_request_function_is_seen_by_no_other() -> None:
    functions = Edge(viewer_request=lambda cf: {"status": "200", "body": "made"})
    ask(front(functions, *ALL))
    assert kinds(functions) == ["viewer-request"]


def test_an_origin_response_function_replaces_status_headers_and_body() -> None:
    def change(cf: Any) -> Any:
        del cf["response"]["headers"]["x-a"]
        return {**cf["response"], "status": "201", "body": "bmV3", "bodyEncoding": "base64"}

    answer = ask(front(Edge(origin_response=change), *ALL))
    assert (answer.status, answer.body) == (201, b"new")
    assert "x-a" not in dict(answer.headers)


def test_a_body_that_no_function_sets_stays_the_origins() -> None:
    def bare(cf: Any) -> Any:
        kept = ("via", "content-length")  # read-only
        return {"status": "200", "headers": {name: cf["response"]["headers"][name] for name in kept}}

    answer = ask(front(Edge(viewer_response=bare), *ALL))
    assert (answer.status, answer.body) == (200, b"origin")


def test_the_viewer_response_function_does_not_run_where_the_origin_failed() -> None:
    functions = Edge(origin_response=lambda cf: {**cf["response"], "status": "200", "body": "mended"})
    answer = ask(front(functions, *ALL), target="/")
    assert (answer.status, answer.body) == (200, b"mended")
    assert kinds(functions) == ["viewer-request", "origin-request", "origin-response"]


@pytest.mark.parametrize(
    ("event_type", "result", "said"),
    [
        ("origin-request", lambda cf: {**cf["request"], "origin": {}}, b"exactly one of s3 and custom"),
        ("origin-response", lambda cf: {**cf["response"], "headers": {}}, b"via is read-only in origin-response"),
        (
            "viewer-response",
            lambda cf: {**cf["response"], "status": "404"},
            b"cannot change the status from 200 to 404",
        ),
    ],
)
def test_an_invalid_result_of_any_type_is_a_502_that_explains_itself(event_type: str, result: Any, said: bytes) -> None:
    functions = Edge(**{event_type.replace("-", "_"): result})
    answer = ask(front(functions, *ALL))
    assert (answer.status, answer.header("x-cache")) == (502, "LambdaValidationError from cloudfront")
    assert said in answer.body


SITE_OF_ALL = {
    "name": "site",
    "default_root_object": "index.html",
    "behaviors": [
        {"path": "/images/*", "origin": {"kind": "bucket", "bucket": "cats"}},
        {"path": "news?.html", "origin": {"kind": "host", "host": "news.example.com"}},
        {"path": "", "origin": {"kind": "api"}},
    ],
}


def test_the_first_pattern_that_fits_the_viewers_path_has_the_request() -> None:
    functions = Edge(viewer_request=lambda cf: {**cf["request"], "uri": "/other"})
    hooks = [
        Association("viewer-request", "viewer-request", "site", path="/images/*"),
        Association("big", "viewer-request", "site", path="/big/*"),
        Association("rest", "viewer-request", "site"),
    ]
    seen: list[Exchange] = []
    app = front(functions, *hooks, described=[SITE_OF_ALL], observe=seen.append)
    answers = [
        ask(app, target=target) for target in ("/images/a", "/big/a/b", "/Images/a", "/newsX.html", "/news.html")
    ]
    assert [one.function for one in seen] == ["viewer-request", "big", "rest", "", "rest"]
    assert answers[0].status == 502 and b"cats is in the embedded AWS, which is not running" in answers[0].body
    assert b"origin news.example.com is not on this machine" in answers[3].body


@pytest.mark.parametrize(
    ("asked", "target", "status", "path"),
    [
        ("", "/x", 200, "/x"),
        ("", "/v1/x", 200, "/v1/x"),
        ("v1", "/v1/x", 200, "/x"),
        ("v1", "/x", 403, None),
        ("admin", "/admin/x", 200, "/admin/x"),
        ("admin", "/x", 404, None),
        ("admin", "/v1/x", 404, None),
        (None, "/v1/x", 200, "/x"),
    ],
)
def test_an_origin_is_one_api_as_each_has_an_address_on_aws(
    asked: str | None, target: str, status: int, path: str | None
) -> None:
    functions = Edge()
    origin = {"kind": "api"} if asked is None else {"kind": "api", "api": asked}
    site = {"name": "site", "default_root_object": "", "behaviors": [{"path": "", "origin": origin}]}
    app = front(functions, described=[site])
    api = {"rest": False, "guards": {}, "routes": [["ANY", "/{rest+}", "api", "all"]]}
    app.origins.gateway.apis = apis_of(  # type: ignore[attr-defined]
        [{**api, "name": ""}, {**api, "name": "v1", "rest": True}, {**api, "name": "admin"}]
    )
    assert ask(app, target=target).status == status
    assert [event.get("rawPath") or event["path"] for event in functions.api_events] == ([path] if path else [])


def test_a_viewer_cannot_send_the_origin_what_cloudfront_writes() -> None:
    functions = Edge()
    ask(front(functions, described=[SITE_OF_ALL]), x_edge_location="here", x_amz_cf_id="mine", x_cache="Hit", x_a="1")
    [event] = functions.api_events
    assert event["headers"]["x-a"] == "1" and event["headers"]["x-amz-cf-id"] != "mine"
    assert not {"x-edge-location", "x-cache"} & set(event["headers"])


def test_the_default_root_object_stands_for_the_root() -> None:
    functions = Edge()
    ask(front(functions, described=[SITE_OF_ALL]), target="/")
    [event] = functions.api_events
    assert event["rawPath"] == "/index.html"


def test_a_bucket_takes_no_writes() -> None:
    functions = Edge()
    hook = Association("viewer-request", "viewer-request", "site", path="/images/*")
    app = front(functions, hook, described=[SITE_OF_ALL])
    answer = ask(app, "PUT", "/images/a")
    assert (answer.status, functions.edge_events) == (403, [])


def test_a_bucket_is_read_in_the_embedded_aws(serve: Callable[[Any], int]) -> None:
    asked: list[Any] = []

    async def s3(scope: Any, receive: Any, send: Any) -> None:
        asked.append((scope["method"], scope["raw_path"], scope["query_string"], dict(scope["headers"])))
        headers = [(b"content-type", b"image/png"), (b"access-control-allow-origin", b"*")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"PNG"})

    port = serve(s3)
    app = front(Edge(), described=[SITE_OF_ALL], cloud=lambda: f"http://127.0.0.1:{port}")
    answer = ask(app, target="/images/a%20b.png?x=1", cookie="a=1", authorization="Basic x", accept="image/png")
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"PNG", "image/png")
    assert "access-control-allow-origin" not in dict(answer.headers)
    [(method, path, query, headers)] = asked
    assert (method, path, query) == ("GET", b"/cats/images/a%20b.png", b"")
    assert headers[b"user-agent"] == b"Amazon CloudFront"
    assert not {b"cookie", b"authorization", b"accept"} & set(headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_in_a_bucket_is_a_403_since_nobody_may_list_it(serve: Callable[[Any], int], method: str) -> None:
    async def s3(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"application/xml")]})
        await send({"type": "http.response.body", "body": b"<Error><Code>NoSuchKey</Code></Error>"})

    port = serve(s3)
    seen: list[Exchange] = []
    described: Any = [{**SITE_OF_ALL, "name": "site"}]
    app = front(Edge(), described=described, cloud=lambda: f"http://127.0.0.1:{port}", observe=seen.append)
    answer = ask(app, method, "/images/a%20b.png")
    assert (answer.status, answer.header("content-type")) == (403, "application/xml")
    assert (b"<Code>AccessDenied</Code>" in answer.body) == (method == "GET")
    assert "no object 'images/a b.png'" in seen[0].problem


def test_a_server_on_this_machine_may_be_chosen_and_no_other(serve: Callable[[Any], int]) -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": dict(scope["headers"])[b"host"]})

    port = serve(other)

    def choose(host: str, port: int) -> Callable[[Any], Any]:
        def change(cf: Any) -> Any:
            cf["request"]["origin"]["custom"] |= {"domainName": host, "port": port}
            cf["request"]["headers"]["host"] = [{"key": "Host", "value": host}]
            return cf["request"]

        return change

    assert ask(front(Edge(origin_request=choose("localhost", port)), *ALL)).body == b"localhost"
    answer = ask(front(Edge(origin_request=choose("example.com", 443)), *ALL))
    assert (answer.status, b"example.com is not on this machine" in answer.body) == (502, True)


def test_an_origin_that_does_not_answer_is_a_502_that_says_so() -> None:
    app = front(Edge(), described=[SITE_OF_ALL], cloud=lambda: "http://127.0.0.1:9")
    answer = ask(app, target="/images/a")
    assert (answer.status, b"takes no connection" in answer.body) == (502, True)
