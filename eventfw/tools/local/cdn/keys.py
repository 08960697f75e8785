"""What makes two requests one to CloudFront's cache, and what of a request goes on to the origin.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-the-cache-key.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from eventfw.rules.edge_headers import disallowed
from eventfw.tools.local.cdn.policies import CachePolicy, Policies
from eventfw.tools.local.web.asgi import HOP_BY_HOP, Headers, HttpRequest

CACHED_METHODS = ("GET", "HEAD")
#: What goes to the origin whatever the policies say; the rest only where one names it.
_ALWAYS = frozenset((
    "cache-control", "content-length", "content-md5", "content-type", "date", "from", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "max-forwards", "pragma", "range", "request-range", "via",
    "warning", "x-forwarded-for",
))  # fmt: skip
#: What would have the origin answer with less than the whole object.
_PARTIAL = frozenset((
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range", "request-range",
))  # fmt: skip
_KEEPS_AUTHORIZATION = ("DELETE", "PATCH", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class Key:
    """What the cache finds an answer by. ``place`` is the distribution and its behavior."""

    place: tuple[str, str]
    method: str
    path: str
    query: str = ""
    encoding: str = ""
    values: tuple[tuple[str, str], ...] = ()


def cacheable(policies: Policies, request: HttpRequest) -> bool:
    """Whether the cache is asked. Distributions of the app's leave answers to OPTIONS uncached."""
    return policies.cache.caches and request.method in CACHED_METHODS


def cache_key(place: tuple[str, str], policy: CachePolicy, request: HttpRequest) -> Key:
    """The key of a request, as the viewer-request function left it."""
    values = [(name, request.header(name)) for name in sorted(policy.headers)]
    if policy.cookies:
        values.append(("cookie", request.header("cookie")))
    return Key(
        place,
        request.method,
        request.path,
        request.query if policy.query else "",
        normalized_encoding(policy, request),
        tuple(pair for pair in values if pair[1]),
    )


def normalized_encoding(policy: CachePolicy, request: HttpRequest) -> str:
    """``br,gzip``, one of them or neither: what the viewer accepts of the encodings that the policy caches."""
    if not policy.encodings or request.protocol == "HTTP/1.0":
        return ""
    return _accepted(policy.encodings, request.header("accept-encoding"))


@lru_cache(maxsize=256)  # a browser sends one value with every request
def _accepted(encodings: tuple[str, ...], header: str) -> str:
    accepted = {}
    for part in header.lower().split(","):
        name, _, weight = part.partition(";")
        accepted[name.strip()] = weight.replace(" ", "").rstrip("0.") != "q="
    return ",".join(name for name in encodings if accepted.get(name))


def sent_headers(policies: Policies, request: HttpRequest) -> Headers:
    """The viewer's headers that the origin is sent, before CloudFront's own; those of the whole object, where the
    cache is asked for it."""
    whole = cacheable(policies, request)
    encoded = bool(policies.cache.encodings)
    kept = []
    for name, value in request.headers:
        if name in HOP_BY_HOP or disallowed(name) or (whole and name in _PARTIAL):
            continue
        if name == "accept-encoding" and encoded:
            continue
        if name == "cookie":
            sent = policies.cookies
        elif name == "authorization" and request.method in _KEEPS_AUTHORIZATION:
            sent = True
        else:
            sent = name in _ALWAYS or policies.sends(name)
        if sent:
            kept.append((name, value))
    if encoded and request.header("accept-encoding"):
        kept.append(("accept-encoding", normalized_encoding(policies.cache, request) or "identity"))
    return kept


def forwarded(policies: Policies, request: HttpRequest) -> HttpRequest:
    """The request with what of it goes to the origin."""
    return replace(request, headers=sent_headers(policies, request), query=request.query if policies.query else "")
