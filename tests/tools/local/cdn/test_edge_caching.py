"""The cache of a distribution, between its viewers' functions and its origin's."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from edge_bench import ALL, Edge, Result, ask, edge_records, front, kinds

from eventfw.errors import LocalError
from eventfw.tools.local.cdn.hooks import Visit
from eventfw.tools.local.cdn.named import named_origin
from eventfw.tools.local.cdn.sites import Association
from eventfw.tools.local.web.asgi import Exchange, HttpRequest


def site(policy: str = "CachingOptimized", **more: Any) -> dict[str, Any]:
    row = {"path": "", "origin": {"kind": "api"}, "cache_policy": policy, **more}
    return {"name": "site", "default_root_object": "", "behaviors": [row]}


class Origin(Edge):
    """Edge functions around an API that answers as the test says; by default with its count."""

    def __init__(self, **results: Any) -> None:
        super().__init__(**results)
        self.answer: Callable[[], dict[str, Any]] = lambda: {"statusCode": 200, "body": str(len(self.api_events))}

    async def __call__(self, function: str, event: bytes) -> Result:
        if function != "api":
            return await super().__call__(function, event)
        self.api_events.append(json.loads(event))
        await asyncio.sleep(0)
        return Result(json.dumps(self.answer()).encode())


def cached(functions: Origin, *hooks: Association, policy: str = "CachingOptimized", **options: Any) -> Any:
    return front(functions, *hooks, described=[site(policy, **options.pop("row", {}))], **options)


def test_a_hit_runs_the_viewers_functions_only() -> None:
    functions = Origin()
    app = cached(functions, *ALL)
    answers = [ask(app), ask(app)]
    assert [answer.header("x-cache") for answer in answers] == ["Miss from cloudfront", "Hit from cloudfront"]
    assert [answer.body for answer in answers] == [b"1", b"1"]
    assert kinds(functions) == [
        "viewer-request", "origin-request", "origin-response", "viewer-response", "viewer-request", "viewer-response",
    ]  # fmt: skip
    assert answers[1].header("age") == "0" and "age" not in dict(answers[0].headers)


def test_a_hit_without_viewers_functions_runs_nothing() -> None:
    functions, seen = Origin(), list[Exchange]()
    app = cached(functions, observe=seen.append)
    first, second = ask(app), ask(app, target="/a?x=1", cookie="b=1")
    assert (first.body, second.body, len(functions.api_events)) == (b"1", b"1", 1)
    assert [(one.function, one.cache) for one in seen] == [("", "Miss"), ("", "Hit")]
    assert first.header("x-amz-cf-id") != second.header("x-amz-cf-id")


def test_a_behavior_that_caches_nothing_asks_each_time() -> None:
    functions = Origin()
    app = cached(functions, policy="CachingDisabled")
    assert [ask(app).body for _ in range(2)] == [b"1", b"2"]


def test_the_key_is_of_the_request_as_the_viewers_function_left_it() -> None:
    functions = Origin(viewer_request=lambda cf: {**cf["request"], "uri": "/same"})
    app = cached(functions, *ALL)
    assert [ask(app, target=target).body for target in ("/a", "/b")] == [b"1", b"1"]


def test_what_the_origins_function_makes_of_an_answer_is_what_is_kept() -> None:
    def dress(cf: Any) -> Any:
        cf["response"]["headers"]["cache-control"] = [{"key": "Cache-Control", "value": "max-age=5"}]
        return {**cf["response"], "body": "dressed"}

    time = [0.0]
    app = cached(Origin(origin_response=dress), *ALL, now=lambda: time[0])
    assert [ask(app).body for _ in range(2)] == [b"dressed"] * 2
    time[0] = 5
    assert ask(app).header("x-cache") == "Miss from cloudfront"


def test_an_answer_that_the_origin_request_function_makes_is_kept_and_one_of_the_viewers_is_not() -> None:
    made = Origin(origin_request=lambda cf: {"status": "200", "body": "made"})
    app = cached(made, *ALL)
    kinds_of = [ask(app).header("x-cache").partition(" ")[0] for _ in range(2)]
    assert (kinds_of, kinds(made).count("origin-request")) == (["LambdaGeneratedResponse", "Hit"], 1)
    every = Origin(viewer_request=lambda cf: {"status": "200", "body": "made"})
    app = cached(every, *ALL)
    assert [ask(app).header("x-cache").partition(" ")[0] for _ in range(2)] == ["LambdaGeneratedResponse"] * 2


def test_the_page_of_a_function_that_fails_is_not_kept() -> None:
    functions = Origin(origin_request=lambda cf: Result(b'{"errorMessage": "boom"}', error=True))
    app = cached(functions, *ALL)
    assert [ask(app).status for _ in range(2)] == [503, 503]
    assert kinds(functions) == ["viewer-request", "origin-request"] * 2


def test_an_error_that_the_origin_request_function_makes_is_not_the_viewer_response_functions() -> None:
    functions = Origin(origin_request=lambda cf: {"status": "404", "body": "no"})
    answer = ask(cached(functions, *ALL))
    assert (answer.status, kinds(functions)) == (404, ["viewer-request", "origin-request"])


def test_of_a_kept_error_the_viewer_response_function_sees_nothing_either() -> None:
    functions = Origin(origin_response=lambda cf: {**cf["response"], "status": "200", "body": "mended"})
    functions.answer = lambda: {"statusCode": 500, "body": "broken"}
    app = cached(functions, *ALL)
    assert [ask(app).body for _ in range(2)] == [b"mended"] * 2
    assert "viewer-response" not in kinds(functions)


def test_a_kept_error_says_that_it_is_and_until_when() -> None:
    functions, seen, time = Origin(), list[Exchange](), [0.0]
    functions.answer = lambda: {"statusCode": 404, "body": "no"}
    app = cached(functions, observe=seen.append, now=lambda: time[0])
    ask(app)
    time[0] = 4
    assert ask(app).header("x-cache") == "Error from cloudfront"
    assert [one.problem for one in seen] == ["", "CloudFront keeps an error for 10 s and asks again in 6 s."]
    assert len(functions.api_events) == 1


def test_an_error_is_asked_about_without_conditions() -> None:
    functions, time = Origin(), [0.0]
    functions.answer = lambda: {"statusCode": 404, "headers": {"etag": '"1"'}, "body": "no"}
    app = cached(functions, now=lambda: time[0])
    ask(app)
    time[0] = 10
    ask(app)
    assert ["if-none-match" in event["headers"] for event in functions.api_events] == [False, False]


def test_an_answer_with_more_headers_than_cloudfront_takes_is_a_502() -> None:
    functions = Origin()
    functions.answer = lambda: {"statusCode": 200, "headers": {"x-a": "a" * 20_500}}
    answer = ask(cached(functions))
    assert (answer.status, b"CloudFront takes 20480. Send fewer." in answer.body) == (502, True)


def test_an_old_answer_is_asked_about_by_its_tag_and_both_functions_of_the_origin_run() -> None:
    functions, time = Origin(), [0.0]
    tagged = {"etag": '"1"', "cache-control": "max-age=5"}
    functions.answer = lambda: {"statusCode": 200, "headers": tagged, "body": "whole"}
    app = cached(functions, *ALL, now=lambda: time[0])
    ask(app)
    time[0], functions.answer = 6, lambda: {"statusCode": 304, "headers": tagged}
    answer = ask(app)
    assert (answer.status, answer.body, answer.header("x-cache")) == (200, b"whole", "RefreshHit from cloudfront")
    assert functions.api_events[1]["headers"]["if-none-match"] == '"1"'
    [cf] = [cf for cf in edge_records(functions) if cf.get("response", {}).get("status") == "304"]
    assert cf["config"]["eventType"] == "origin-response"


def test_conditions_and_ranges_of_the_viewer_are_answered_out_of_the_whole() -> None:
    functions = Origin()
    functions.answer = lambda: {"statusCode": 200, "headers": {"etag": '"1"'}, "body": "0123456789"}
    app = cached(functions)
    part, same = ask(app, range="bytes=2-4"), ask(app, if_none_match='"1"')
    assert (part.status, part.body, part.header("content-range")) == (206, b"234", "bytes 2-4/10")
    assert (same.status, same.body, same.header("x-cache")) == (304, b"", "Hit from cloudfront")
    assert not {"range", "if-none-match"} & set(functions.api_events[0]["headers"])


def test_an_uncached_origin_gets_conditions_and_ranges_itself() -> None:
    functions = Origin()
    ask(cached(functions, policy="CachingDisabled"), range="bytes=2-4", if_none_match='"1"')
    assert {"range", "if-none-match"} <= set(functions.api_events[0]["headers"])


def test_what_the_viewer_accepts_compressed_is_and_is_kept_beside_the_other() -> None:
    functions = Origin()
    page = {"statusCode": 200, "headers": {"content-type": "text/html", "etag": '"1"'}, "body": "a" * 5_000}
    functions.answer = lambda: page
    app = cached(functions)
    small, plain, again = ask(app, accept_encoding="gzip, br"), ask(app), ask(app, accept_encoding="br, gzip")
    assert gzip.decompress(small.body) == plain.body
    assert (small.header("content-encoding"), small.header("etag")) == ("gzip", 'W/"1"')
    assert (again.header("x-cache"), again.body) == ("Hit from cloudfront", small.body)
    assert "content-encoding" not in dict(plain.headers)


@pytest.mark.parametrize("row", [{"compress": False}, {"cache_policy": "CachingOptimizedForUncompressedObjects"}])
def test_nothing_is_compressed_where_the_behavior_or_its_policy_says_so(row: dict[str, Any]) -> None:
    functions = Origin()
    functions.answer = lambda: {"statusCode": 200, "headers": {"content-type": "text/html"}, "body": "a" * 5_000}
    assert "content-encoding" not in dict(ask(cached(functions, row=row), accept_encoding="gzip").headers)


@pytest.mark.parametrize(("sent", "kept"), [("CORS-S3Origin", False), ("AllViewerExceptHostHeader", True)])
def test_cookies_are_set_only_where_they_are_sent(sent: str, kept: bool) -> None:
    functions = Origin()
    functions.answer = lambda: {"statusCode": 200, "headers": {"vary": "Accept-Encoding, X-A"}, "cookies": ["a=1"]}
    answer = ask(cached(functions, row={"origin_request_policy": sent}))
    assert ("set-cookie" in dict(answer.headers)) == kept
    assert answer.header("vary") == ("Accept-Encoding, X-A" if kept else "Accept-Encoding")


def test_a_function_that_was_throttled_is_a_503_that_says_so() -> None:
    from eventfw.tools.local.workers.results import Throttled

    class Busy(Origin):
        async def __call__(self, function: str, event: bytes) -> Result:
            raise Throttled("Rate Exceeded.")

    answer = ask(cached(Busy(), *ALL))
    assert (answer.status, answer.header("x-cache")) == (503, "LambdaLimitExceeded from cloudfront")


def test_other_distributions_begin_with_an_empty_cache_and_that_is_told_where_there_was_something() -> None:
    functions, told = Origin(), list[str]()
    app = cached(functions, tell=told.append)
    app.replace([], [site()])
    assert told == []
    ask(app)
    app.replace([], [site()])
    assert told == ["The edge's cache is empty again: 1 of the last app's answers are forgotten."]
    assert ask(app).header("x-cache") == "Miss from cloudfront"


def test_a_policy_that_only_aws_knows_is_told_of_once() -> None:
    functions, told = Origin(), list[str]()
    mine = "11111111-2222-3333-4444-555555555555"
    app = cached(functions, policy=mine, tell=told.append)
    app.replace([], [site(mine)])
    assert [mine in line for line in told] == [True]
    assert [ask(app).body for _ in range(2)] == [b"1", b"2"]


def test_the_head_of_an_origin_elsewhere_says_how_long_its_body_is(serve: Callable[[Any], int]) -> None:
    async def origin(scope: Any, receive: Any, send: Any) -> None:
        assert scope["path"] == "/v1/a"
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"7")]})
        await send({"type": "http.response.body", "body": b"another"})

    named = [named_origin(f"site=http://127.0.0.1:{serve(origin)}/v1")]
    app = cached(Origin(), named=named)
    head = ask(app, "HEAD")
    assert (head.status, head.body, head.header("content-length")) == (200, b"", "7")
    assert (ask(app).body, ask(app, "HEAD").header("x-cache")) == (b"another", "Hit from cloudfront")


def test_what_only_eventfw_local_could_not_ask_is_not_kept(serve: Callable[[Any], int]) -> None:
    async def s3(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"PNG"})

    running: list[str] = []
    bucket = site(origin={"kind": "bucket", "bucket": "cats"})
    app = front(Origin(), described=[bucket], cloud=lambda: running[0] if running else None)
    assert ask(app).status == 502
    running.append(f"http://127.0.0.1:{serve(s3)}")
    assert ask(app).body == b"PNG"


def test_a_named_origin_is_that_of_the_default_behavior_as_its_functions_see_it(serve: Callable[[Any], int]) -> None:
    asked: list[Any] = []

    async def origin(scope: Any, receive: Any, send: Any) -> None:
        asked.append(dict(scope["headers"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"another"})

    port = serve(origin)
    functions = Origin()
    app = front(functions, *ALL, described=[site("CachingOptimized", origin_request_policy="CORS-S3Origin")],
                named=[named_origin(f"http://127.0.0.1:{port}")])  # fmt: skip
    assert ask(app, user_agent="curl", x_forwarded_for="203.0.113.9").body == b"another"
    [headers] = asked
    assert (headers[b"host"], headers[b"user-agent"]) == (b"localhost", b"Amazon CloudFront")
    assert headers[b"x-forwarded-for"] == b"203.0.113.9,127.0.0.1"
    assert b"cloudfront.net (CloudFront)" in headers[b"via"]
    [cf] = [cf for cf in edge_records(functions) if "origin" in cf["request"]]
    custom = cf["request"]["origin"]["custom"]
    assert (custom["domainName"], custom["port"], custom["protocol"]) == ("localhost", port, "http")


def test_a_policy_may_send_an_origin_elsewhere_the_viewers_host_and_browser(serve: Callable[[Any], int]) -> None:
    async def origin(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": headers[b"host"] + b" " + headers[b"user-agent"]})

    named = [named_origin(f"http://127.0.0.1:{serve(origin)}")]
    app = cached(Origin(), row={"origin_request_policy": "AllViewer"}, named=named)
    assert ask(app, user_agent="curl").body == b"localhost:9000 curl"


def test_a_server_here_may_stand_for_a_host_elsewhere_which_the_functions_go_on_seeing(
    serve: Callable[[Any], int],
) -> None:
    async def origin(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": dict(scope["headers"])[b"host"] + scope["raw_path"]})

    functions = Origin()
    described = site(origin={"kind": "host", "host": "news.example.com"})
    named = [named_origin(f"news.example.com=http://127.0.0.1:{serve(origin)}/v1")]
    app = front(functions, *ALL, described=[described], named=named)
    assert ask(app).body == b"news.example.com/v1/a"
    [cf] = [cf for cf in edge_records(functions) if "origin" in cf["request"]]
    assert cf["request"]["origin"]["custom"]["domainName"] == "news.example.com"


def test_a_port_like_the_gateways_does_not_make_another_host_the_gateway() -> None:
    app = cached(Origin(), named=[named_origin("http://www.example.com:8000")])
    origin = app.origins.described(app.sites["site"].default.origin)
    assert app.origins.host_of(origin) == "www.example.com"


def test_fetching_leaves_a_visit_that_may_be_over_alone() -> None:
    app = cached(Origin(), *ALL)
    request = HttpRequest("GET", "/a", headers=[("host", "localhost:9000")])
    visit = Visit("site", app.sites["site"].default, "", "id")
    found = asyncio.run(app.fetching.fetched(visit, request))
    assert (found.function, visit.function) == ("origin-response", "")


@pytest.mark.parametrize(("sent", "asked"), [("CORS-S3Origin", 1), ("AllViewerExceptHostHeader", 2)])
def test_requests_that_come_together_are_one_unless_the_origin_is_sent_cookies(sent: str, asked: int) -> None:
    functions = Origin()
    app = cached(functions, row={"origin_request_policy": sent})
    request = HttpRequest("GET", "/a", headers=[("host", "localhost:9000")])
    visit = Visit("site", app.sites["site"].default, "", "id")

    async def together() -> None:
        await asyncio.gather(app._served(visit, request), app._served(visit, request))

    asyncio.run(together())
    assert len(functions.api_events) == asked


def test_an_origin_is_named_for_a_distribution_that_there_is_once_the_app_is_there() -> None:
    app = front(Origin(), described=[], named=[named_origin("site=http://localhost:3000")])
    app.replace([], [site()])
    assert app.sites["site"].default.origin["port"] == 3000
    with pytest.raises(LocalError, match="The app has none"):
        app.replace([])
    with pytest.raises(LocalError, match="for the distribution 'sight'"):
        cached(Origin(), named=[named_origin("sight=http://localhost:3000")])
