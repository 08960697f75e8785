"""Origins that the developer names."""

from __future__ import annotations

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.cdn.named import Named, chosen, named_origin, refuse_strangers


@pytest.mark.parametrize(
    ("option", "origin"),
    [
        ("http://localhost:3000", Named("", "http", "localhost", 3000)),
        ("https://www.example.com", Named("", "https", "www.example.com", 443)),
        ("http://www.example.com/v1/", Named("", "http", "www.example.com", 80, "/v1")),
        ("site=https://www.example.com:8443", Named("site", "https", "www.example.com", 8443)),
        ("http://127.0.0.1:3000", Named("", "http", "localhost", 3000)),
        ("http://[::1]:3000", Named("", "http", "localhost", 3000)),
        ("News.example.com=http://localhost:3000/v1", Named("", "http", "localhost", 3000, "/v1", "news.example.com")),
    ],
)
def test_a_url_is_for_all_distributions_for_one_or_for_a_host(option: str, origin: Named) -> None:
    assert named_origin(option) == origin


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("www.example.com", "begins with http:// or https://"),
        ("site=ftp://www.example.com", "begins with http:// or https://"),
        ("http://www.example.com/?a=b", "no query string"),
        ("http://me@www.example.com", "user name"),
        ("http://192.168.1.5", "no IP address for an origin"),
        ("http://www.example.com:81", "80, 443 or 1024 to 65535, not 81"),
        ("http://www.example.com:port", "That is no URL"),
        ("", "not ''"),
    ],
)
def test_what_cloudfront_could_not_have_is_refused_with_the_reason(option: str, said: str) -> None:
    with pytest.raises(LocalError, match="--edge-origin takes URL, DISTRIBUTION=URL or HOST=URL") as refused:
        named_origin(option)
    assert said in str(refused.value)


def test_a_distribution_has_its_own_or_else_that_of_all() -> None:
    everywhere, own = named_origin("http://localhost:1024"), named_origin("site=http://localhost:1025")
    assert [chosen([everywhere, own], name) for name in ("site", "admin")] == [own, everywhere]
    assert chosen([own], "admin") is None
    assert chosen([named_origin("news.example.com=http://localhost:1024")], "site") is None


def test_a_distribution_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    refuse_strangers([named_origin("http://localhost:1024")], [])
    with pytest.raises(LocalError, match=r"for the distribution 'sight'\. The app has admin, site"):
        refuse_strangers([named_origin("sight=http://localhost:1024")], ["site", "admin"])
