"""A distribution: what CloudFront would refuse, its names at run time, and its grants."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, Bucket, Distribution
from eventfw.errors import RegistrationError, ResourceError
from eventfw.resources.names import Names

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/1"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": ""}, "name must be a non-empty string"),
        ({"name": "--"}, "needs a letter or digit"),
        ({"origin": 5}, "origin must be a bucket that the app owns"),
        ({"origin": ""}, "origin must be a host name"),
        ({"origin": "https://example.com"}, "origin must be a host name"),
        ({"origin": "example"}, "origin must be a host name"),
        ({"cache_policy": "CachingOptimised"}, "Did you mean 'CachingOptimized'"),
        ({"cache_policy": "UseOriginCacheControlHeaders"}, "API Gateway answers 403"),
        ({"origin": Bucket("cats"), "origin_request_policy": "AllViewer"}, "S3 answers 403"),
        ({"viewer_protocol_policy": "http"}, "viewer_protocol_policy must be one of"),
        ({"compress": 1}, "compress must be True or False"),
        ({"price_class": "PriceClass_300"}, "price_class must be one of"),
        ({"aliases": "www.example.com", "certificate": CERTIFICATE}, "aliases must be a list"),
        ({"aliases": 5}, "aliases must be a list"),
        ({"aliases": ["www.example.com"]}, "Give certificate, too"),
        ({"certificate": CERTIFICATE}, "Give aliases, too"),
        ({"aliases": ["a.b"], "certificate": CERTIFICATE.replace("us-east-1", "eu-west-1")}, "in us-east-1"),
        ({"default_root_object": "/index.html"}, "has no / before it"),
        ({"web_acl": "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/1"}, "scope CLOUDFRONT"),
    ],
)
def test_what_cloudfront_would_refuse_is_refused_on_the_users_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        Distribution(**{"name": "site", **options})
    assert "test_distribution.py" in caught.value.place


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        ("*", {}, "that is the distribution itself"),
        ("", {}, "serves '' in a way of its own already"),
        ("/a*", {}, "serves '/a\\*' in a way of its own already"),
        (5, {}, "path must be a pattern"),
        ("/b", {"caching": 1}, "behavior has no option 'caching'"),
        ("/b", {"origin": Bucket.existing("cats")}, "a bucket that the app owns"),
    ],
)
def test_a_behavior_that_cannot_be_is_refused_on_the_users_line(path: Any, options: dict[str, Any], said: str) -> None:
    site = Distribution("site")
    site.behavior("/a*")
    with pytest.raises(RegistrationError, match=said) as caught:
        site.behavior(path, **options)
    assert "test_distribution.py" in caught.value.place


def test_a_policy_may_be_named_by_its_id() -> None:
    own = "11111111-2222-3333-4444-555555555555"
    assert Distribution("site", cache_policy=own, response_headers_policy=own).default.options["cache_policy"] == own
    assert Distribution("site", origin="example.com", cache_policy="UseOriginCacheControlHeaders").default.options[
        "compress"
    ]


def test_a_deployed_function_is_told_domain_and_id(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Distribution("site")
    assert site.domain == "site.localhost"
    monkeypatch.setenv("EVENTFW_DISTRIBUTION_SITE", "E123/d111.cloudfront.net")
    assert (site.domain, site.id) == ("d111.cloudfront.net", "E123")
    monkeypatch.delenv("EVENTFW_DISTRIBUTION_SITE")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "x")
    with pytest.raises(ResourceError, match="Grant it"):
        _ = site.domain


def test_its_local_value_names_the_local_edge() -> None:
    site = Distribution("site")
    assert site.local_value(Names("shop", "local"), "").endswith("/site.localhost")
    assert site.local_value(Names("shop", "local", edge_port=8001), "").endswith("/site.localhost:8001")


def test_grants_are_exactly_their_actions() -> None:
    site = Distribution("site")
    assert site.named.actions_by_scope == {}
    assert site.invalidate.actions_by_scope == {"": ("cloudfront:CreateInvalidation", "cloudfront:GetInvalidation")}


def test_an_app_makes_it_and_a_name_alone_does_not() -> None:
    app = App("shop")
    assert app.distribution("site").owned
    assert not Distribution.existing("other").owned
