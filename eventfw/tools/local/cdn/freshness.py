"""How long CloudFront's cache keeps an answer, by the cache policy and the answer's own headers.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from eventfw.tools.local.cdn.policies import CachePolicy
from eventfw.tools.local.web.asgi import Headers

#: Seconds an error is kept at least, where a distribution says nothing else, as the app's do not.
ERROR_TTL = 10
ERRORS = frozenset((404, 414, 500, 501, 502, 503, 504))
#: Errors that are kept only where the origin says for how long.
ERRORS_IF_SAID = frozenset((400, 403, 405, 412, 415))


@dataclass(frozen=True)
class Lifetime:
    """Seconds from the answer on. Behind ``fresh`` lie those in which the old answer is given while a new one is
    fetched, and those in which it stands in for an origin that fails."""

    fresh: float
    while_revalidated: float = 0
    if_error: float = 0


def lifetime(policy: CachePolicy, status: int, headers: Headers, now: float) -> Lifetime | None:
    """How long an answer to GET or HEAD is kept; None where it is not. ``now`` is in seconds since 1970."""
    said = directives(headers)
    if status >= 400:
        return _of_error(policy, status, said)
    if status < 200 or status in (206, 304) or (policy.min_ttl == 0 and "*" in _joined(headers, "vary")):
        return None
    if {"no-cache", "no-store", "private"} & said.keys():
        fresh: float | None = policy.min_ttl or None
    else:
        fresh = _fresh(policy, headers, said, now)
    if fresh is None:
        return None
    stale = _seconds(said, "stale-if-error")
    return Lifetime(
        fresh,
        min(_seconds(said, "stale-while-revalidate") or 0, policy.max_ttl),
        policy.max_ttl if stale is None else min(stale, policy.max_ttl),
    )


def _fresh(policy: CachePolicy, headers: Headers, said: dict[str, str], now: float) -> float:
    """What the origin says, within the policy's limits; the policy's default where it says nothing."""
    value: float | None = _seconds(said, "s-maxage", "max-age")
    if value is None:
        value = _until_expires(headers, now)
    if value is None:
        return max(policy.min_ttl, policy.default_ttl)
    return max(policy.min_ttl, min(value - age_of(headers), policy.max_ttl), 0)


def _of_error(policy: CachePolicy, status: int, said: dict[str, str]) -> Lifetime | None:
    value = _seconds(said, "s-maxage", "max-age")
    if status in ERRORS or (status in ERRORS_IF_SAID and value is not None):
        return Lifetime(max(ERROR_TTL, min(value or 0, policy.max_ttl)))
    return None


def directives(headers: Headers) -> dict[str, str]:
    """The directives of Cache-Control, in lower case, each with its value or an empty one."""
    found = {}
    for part in _joined(headers, "cache-control").split(","):
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip().strip('"')
    return found


def age_of(headers: Headers) -> int:
    """The seconds that caches before this one have had an answer."""
    age = _joined(headers, "age").strip()
    return int(age) if age.isascii() and age.isdigit() else 0


def moment(date: str) -> float | None:
    """A date of HTTP in seconds since 1970; None where it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None


def _until_expires(headers: Headers, now: float) -> float | None:
    """Seconds from the origin's own Date to its Expires; a date that cannot be read is past (RFC 9111, 5.3)."""
    expires = _joined(headers, "expires")
    if not expires:
        return None
    end = moment(expires)
    begun = moment(_joined(headers, "date"))
    return 0 if end is None else end - (now if begun is None else begun)


def _seconds(said: dict[str, str], *names: str) -> int | None:
    """The first of these directives that has a number."""
    values = (said.get(name, "") for name in names)
    return next((int(value) for value in values if value.isascii() and value.isdigit()), None)


def _joined(headers: Headers, name: str) -> str:
    return ",".join(value for key, value in headers if key == name)
