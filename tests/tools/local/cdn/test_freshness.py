"""How long an answer is kept."""

from __future__ import annotations

import pytest

from eventfw.tools.local.cdn.freshness import Lifetime, lifetime
from eventfw.tools.local.cdn.policies import CachePolicy

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
DAY = CachePolicy(0, 86_400, 1_000_000)
LEAST = CachePolicy(60, 3_600, 1_000)


def fresh(policy: CachePolicy, status: int = 200, **headers: str) -> float | None:
    found = lifetime(policy, status, [(name.replace("_", "-"), value) for name, value in headers.items()], NOW)
    return None if found is None else found.fresh


@pytest.mark.parametrize(
    ("headers", "without_minimum", "with_minimum"),
    [
        ({}, 86_400, 3_600),
        ({"cache_control": "public"}, 86_400, 3_600),
        ({"cache_control": "max-age=600"}, 600, 600),
        ({"cache_control": "max-age=10"}, 10, 60),
        ({"cache_control": "max-age=0"}, 0, 60),
        ({"cache_control": "max-age=2000000"}, 1_000_000, 1_000),
        ({"cache_control": "max-age=600, s-maxage=90"}, 90, 90),
        ({"cache_control": 'MAX-AGE="600"'}, 600, 600),
        ({"cache_control": "max-age=soon"}, 86_400, 3_600),
        ({"cache_control": "max-age=600", "expires": "Tue, 14 Nov 2023 22:14:50 GMT"}, 600, 600),
        ({"expires": "Tue, 14 Nov 2023 22:14:50 GMT"}, 90, 90),
        ({"expires": "Tue, 14 Nov 2023 22:14:50 GMT", "date": "Tue, 14 Nov 2023 22:14:20 GMT"}, 30, 60),
        ({"expires": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0, 60),
        ({"expires": "0"}, 0, 60),
        ({"cache_control": "max-age=600", "age": "500"}, 100, 100),
        ({"cache_control": "max-age=600", "age": "700"}, 0, 60),
        ({"cache_control": "no-cache"}, None, 60),
        ({"cache_control": "no-store, max-age=600"}, None, 60),
        ({"cache_control": "private"}, None, 60),
        ({"vary": "*"}, None, 3_600),
    ],
)
def test_the_time_is_the_headers_within_the_policys_limits(
    headers: dict[str, str], without_minimum: float | None, with_minimum: float
) -> None:
    assert (fresh(DAY, **headers), fresh(LEAST, **headers)) == (without_minimum, with_minimum)


@pytest.mark.parametrize(
    ("status", "unsaid", "said"),
    [(404, 10, 600), (405, None, 600), (503, 10, 600), (403, None, 600), (400, None, 600), (401, None, None)],
)
def test_errors_are_kept_for_ten_seconds_or_longer_where_the_origin_says_so(
    status: int, unsaid: float | None, said: float | None
) -> None:
    assert fresh(DAY, status) == unsaid
    assert fresh(DAY, status, cache_control="no-store") == unsaid
    assert fresh(DAY, status, cache_control="max-age=600") == said
    assert fresh(DAY, status, cache_control="max-age=1") == (None if said is None else 10)


@pytest.mark.parametrize(("status", "kept"), [(200, True), (204, True), (301, True), (206, False), (304, False)])
def test_redirects_are_kept_and_parts_are_not(status: int, kept: bool) -> None:
    assert (fresh(DAY, status) is not None) == kept


def test_the_times_behind_the_end_are_within_the_maximum_too() -> None:
    said = "max-age=5, stale-while-revalidate=30, stale-if-error=5000"
    assert lifetime(LEAST, 200, [("cache-control", said)], NOW) == Lifetime(60, 30, 1_000)
    assert lifetime(DAY, 200, [], NOW) == Lifetime(86_400, 0, DAY.max_ttl)
