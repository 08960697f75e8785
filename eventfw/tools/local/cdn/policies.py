"""What the policies of a cache behavior say: what makes two requests the same, and what the origin is sent.

The managed policies have the settings of
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html and
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html.
What a policy of one's own says is known in its account only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventfw.resources.distribution import managed

YEAR, DAY = 31_536_000, 86_400


@dataclass(frozen=True)
class CachePolicy:
    """How long answers are kept, in seconds, and what is part of their key: these headers, all cookies or none, the
    whole query string or nothing of it, and the encodings that are cached each by itself."""

    min_ttl: int
    default_ttl: int
    max_ttl: int
    headers: frozenset[str] = frozenset()
    cookies: bool = False
    query: bool = False
    encodings: tuple[str, ...] = ()

    @property
    def caches(self) -> bool:
        """Whether anything is kept at all."""
        return self.max_ttl > 0


@dataclass(frozen=True)
class OriginRequestPolicy:
    """What the origin is sent beside what the cache policy names: headers by name, or all of the viewer's but some."""

    headers: frozenset[str] = frozenset()
    all_but: frozenset[str] | None = None
    cookies: bool = False
    query: bool = False

    def sends(self, name: str) -> bool:
        """Whether a header of the viewer's goes to the origin; ``name`` is lower case."""
        return name in self.headers if self.all_but is None else name not in self.all_but


_ORIGINS = frozenset(("host", "origin", "x-http-method-override", "x-http-method", "x-method-override"))
_CORS = frozenset(("origin", "access-control-request-headers", "access-control-request-method"))
_BOTH = ("br", "gzip")

CACHE_POLICIES = {
    "CachingDisabled": CachePolicy(0, 0, 0),
    "CachingOptimized": CachePolicy(1, DAY, YEAR, encodings=_BOTH),
    "CachingOptimizedForUncompressedObjects": CachePolicy(1, DAY, YEAR),
    "UseOriginCacheControlHeaders": CachePolicy(0, 0, YEAR, _ORIGINS, cookies=True, encodings=_BOTH),
    "UseOriginCacheControlHeaders-QueryStrings": CachePolicy(
        0, 0, YEAR, _ORIGINS, cookies=True, query=True, encodings=_BOTH
    ),
}
ORIGIN_REQUEST_POLICIES = {
    "": OriginRequestPolicy(),
    "AllViewer": OriginRequestPolicy(all_but=frozenset(), cookies=True, query=True),
    "AllViewerExceptHostHeader": OriginRequestPolicy(all_but=frozenset(("host",)), cookies=True, query=True),
    "CORS-S3Origin": OriginRequestPolicy(_CORS),
}


@dataclass(frozen=True)
class Policies:
    """The policies of one behavior. ``unknown`` are the ids of those that only AWS knows: instead of them nothing is
    cached, and the origin is sent what it is sent by default."""

    cache: CachePolicy = CACHE_POLICIES["CachingDisabled"]
    origin: OriginRequestPolicy = ORIGIN_REQUEST_POLICIES["AllViewerExceptHostHeader"]
    response: str = ""
    compress: bool = True
    unknown: tuple[str, ...] = ()

    @property
    def cookies(self) -> bool:
        """Whether the origin is sent cookies, and may set some."""
        return self.cache.cookies or self.origin.cookies

    @property
    def query(self) -> bool:
        """Whether the origin is sent the query string."""
        return self.cache.query or self.origin.query

    def sends(self, name: str) -> bool:
        """Whether a policy sends a header of the viewer's to the origin; ``name`` is lower case."""
        return name in self.cache.headers or self.origin.sends(name)


def policies(row: Mapping[str, Any]) -> Policies:
    """The policies of a behavior of the app's description."""
    bucket = row["origin"]["kind"] == "bucket"
    cache = named("cache_policy", row.get("cache_policy", "CachingDisabled"))
    default = "" if bucket else "AllViewerExceptHostHeader"
    origin = named("origin_request_policy", row.get("origin_request_policy", default))
    response = named("response_headers_policy", row.get("response_headers_policy", ""))
    unknown = [cache] if cache not in CACHE_POLICIES else []
    unknown += [origin] if origin not in ORIGIN_REQUEST_POLICIES else []
    unknown += [response] if response and response not in managed("response_headers_policy") else []
    return Policies(
        CACHE_POLICIES.get(cache, CACHE_POLICIES["CachingDisabled"]),
        ORIGIN_REQUEST_POLICIES.get(origin, ORIGIN_REQUEST_POLICIES[default]),
        response,
        row.get("compress", True),
        tuple(unknown),
    )


def named(option: str, value: str) -> str:
    """A policy's name, where it was given by the id that AWS has for it."""
    return next((name for name, known in managed(option).items() if known == value), value)
