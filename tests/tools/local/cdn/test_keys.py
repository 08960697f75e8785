"""Which requests are one to the cache, and what of them the origin is sent."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw.tools.local.cdn.keys import cache_key, cacheable, forwarded, normalized_encoding
from eventfw.tools.local.cdn.policies import CACHE_POLICIES, Policies, policies
from eventfw.tools.local.web.asgi import HttpRequest

PLACE = ("site", "")


def row(kind: str = "api", **options: Any) -> Policies:
    return policies({"origin": {"kind": kind}, **options})


def request(method: str = "GET", path: str = "/a", query: str = "", **headers: str) -> HttpRequest:
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest(method, path, query, given)


def same(policy: str, one: HttpRequest, other: HttpRequest) -> bool:
    found = CACHE_POLICIES[policy]
    return cache_key(PLACE, found, one) == cache_key(PLACE, found, other)


@pytest.mark.parametrize(
    ("policy", "other", "is_same"),
    [
        ("CachingOptimized", request(query="x=1", cookie="a=1", origin="http://b", accept="image/png"), True),
        ("CachingOptimized", request(path="/b"), False),
        ("CachingOptimized", request(accept_encoding="gzip"), False),
        ("CachingOptimizedForUncompressedObjects", request(accept_encoding="gzip"), True),
        ("UseOriginCacheControlHeaders", request(query="x=1"), True),
        ("UseOriginCacheControlHeaders", request(cookie="a=1"), False),
        ("UseOriginCacheControlHeaders", request(origin="http://b"), False),
        ("UseOriginCacheControlHeaders", request(user_agent="x"), True),
        ("UseOriginCacheControlHeaders-QueryStrings", request(query="x=1"), False),
    ],
)
def test_the_cache_policy_says_what_makes_requests_different(policy: str, other: HttpRequest, is_same: bool) -> None:
    assert same(policy, request(), other) == is_same


def test_behaviors_and_distributions_have_answers_of_their_own() -> None:
    policy = CACHE_POLICIES["CachingOptimized"]
    keys = {cache_key(place, policy, request()) for place in (PLACE, ("site", "/a*"), ("admin", ""))}
    assert len(keys) == 3


@pytest.mark.parametrize(
    ("accepted", "normalized"),
    [
        ("gzip, deflate, br", "br,gzip"),
        ("GZIP;q=0.5", "gzip"),
        ("br;q=1.0", "br"),
        ("gzip;q=0, br; q=0.0", ""),
        ("identity", ""),
        ("", ""),
    ],
)
def test_of_accept_encoding_only_what_is_cached_counts(accepted: str, normalized: str) -> None:
    asked = request(accept_encoding=accepted)
    assert normalized_encoding(CACHE_POLICIES["CachingOptimized"], asked) == normalized
    assert normalized_encoding(CACHE_POLICIES["CachingDisabled"], asked) == ""


def test_http_1_0_gets_nothing_compressed() -> None:
    asked = HttpRequest("GET", "/", headers=[("accept-encoding", "gzip")], protocol="HTTP/1.0")
    assert normalized_encoding(CACHE_POLICIES["CachingOptimized"], asked) == ""


@pytest.mark.parametrize(
    ("policy", "method", "asked"),
    [
        ("CachingOptimized", "GET", True),
        ("CachingOptimized", "HEAD", True),
        ("CachingOptimized", "OPTIONS", False),
        ("CachingOptimized", "POST", False),
        ("CachingDisabled", "GET", False),
    ],
)
def test_only_get_and_head_are_cached_and_only_where_something_is(policy: str, method: str, asked: bool) -> None:
    assert cacheable(row(cache_policy=policy), request(method)) == asked


VIEWER = request(
    query="x=1", cookie="a=1", authorization="Basic x", accept="image/png", accept_encoding="deflate, gzip",
    referer="http://r", user_agent="curl", x_own="1", origin="http://o", host="h", if_none_match='"t"',
    range="bytes=0-1",
)  # fmt: skip


def names(found: HttpRequest) -> set[str]:
    return {name for name, _ in found.headers}


def test_an_uncached_api_is_sent_everything_but_the_host() -> None:
    sent = forwarded(row(origin_request_policy="AllViewerExceptHostHeader"), VIEWER)
    assert names(VIEWER) - names(sent) == {"host"}
    assert (sent.query, sent.header("accept-encoding")) == ("x=1", "deflate, gzip")


def test_a_cached_bucket_is_asked_for_the_whole_object_and_sent_little() -> None:
    sent = forwarded(row("bucket", cache_policy="CachingOptimized", origin_request_policy=""), VIEWER)
    assert (sent.query, sent.headers) == ("", [("accept-encoding", "gzip")])


def test_what_is_in_the_key_goes_to_the_origin_too() -> None:
    found = row("host", cache_policy="UseOriginCacheControlHeaders", origin_request_policy="CORS-S3Origin")
    sent = forwarded(found, VIEWER)
    assert names(sent) == {"cookie", "host", "origin", "accept-encoding"}
    assert sent.query == ""


def test_the_normalized_encodings_are_what_the_origin_is_asked_for() -> None:
    found = row(cache_policy="CachingOptimized")
    sent = [forwarded(found, request(accept_encoding=value)) for value in ("br, gzip", "deflate")]
    assert [one.header("accept-encoding") for one in sent] == ["br,gzip", "identity"]
    assert names(forwarded(found, request())) == set()


@pytest.mark.parametrize(("method", "sent"), [("GET", False), ("POST", True), ("DELETE", True), ("OPTIONS", False)])
def test_credentials_of_writes_go_to_the_origin_whatever_the_policies_say(method: str, sent: bool) -> None:
    found = forwarded(row(origin_request_policy="CORS-S3Origin"), request(method, authorization="Basic x"))
    assert ("authorization" in names(found)) == sent


def test_a_managed_policy_is_known_by_its_id_and_any_other_id_is_only_aws_to_know() -> None:
    optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
    mine = "11111111-2222-3333-4444-555555555555"
    assert row(cache_policy=optimized).cache.default_ttl == 86_400
    found = row(cache_policy=mine, origin_request_policy=mine, response_headers_policy=mine)
    assert found.unknown == (mine, mine, mine)
    assert not found.cache.caches and found.sends("x-own")
    assert not row("bucket", origin_request_policy=mine).sends("x-own")
