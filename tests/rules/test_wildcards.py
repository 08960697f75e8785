"""Wildcards: how complex EventBridge lets them be."""

from __future__ import annotations

import pytest

from eventfw.errors import RuleError
from eventfw.rules.dialects import LAMBDA, SNS
from eventfw.rules.pattern import EventPattern
from eventfw.rules.wildcards import complexity, segments


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("a", 1),
        ("*", 2),
        ("a*", 2),
        ("*a", 2),
        ("*a*", 3),
        ("*a*b", 3),
        ("*a*a", 4),
        ("*a*a*", 5),
        ("*aaaa", 5),
        ("aaaa*aaaa", 5),
        ("*abcabcabc", 4),
        ("a*a*a*a*a", 8),
        (r"*\**", 3),
    ],
)
def test_the_complexity_is_the_most_places_at_once(text: str, places: int) -> None:
    assert complexity([segments(text)], -1) >= 0  # counted in full, and bounded
    assert _full([text]) == places


def _full(texts: list[str]) -> int:
    """The complexity, without the bound that is seen quickly."""
    low = 0
    while complexity([segments(text) for text in texts], low) > low:
        low += 1
    return low


@pytest.mark.parametrize(
    ("texts", "places"),
    [
        (["*a", "*b"], 4),
        (["*:stack/A/*", "*:stack/B/*", "*:stack/C/*"], 9),
        (["*:stack/A/*", "*:stack/B/*", "*:stack/C/*", "*:stack/D/*"], 12),
        ([f"*{letter}" for letter in "abcdefghijkl"], 24),
        ([f"{letter}*/x" for letter in "abcdefghijkl"], 12),  # no text begins with two letters
    ],
)
def test_wildcards_of_one_field_count_together_as_far_as_one_text_meets_them(texts: list[str], places: int) -> None:
    assert _full(texts) == places


def test_more_than_enough_is_not_counted() -> None:
    assert 10 < complexity([segments("*a" * 500)], 10) < 20
    assert complexity([segments("*" + "ab" * 1000)], 5) == 6


def test_a_search_without_end_is_given_up() -> None:
    texts = ["*" + "".join(chr(97 + (number * step) % 26) for number in range(60)) + "*" for step in (1, 3, 5, 7)]
    assert complexity([segments(text) for text in texts], 10_000) < 10_000


@pytest.mark.parametrize("text", ["*a*a*a*a*a", "*aaaaaaaa*", "*.example.com", "img/*/2026-*-*.png"])
def test_a_wildcard_up_to_the_limit_is_taken(text: str) -> None:
    EventPattern({"a": [{"wildcard": text}]})


@pytest.mark.parametrize("text", ["*a*a*a*a*a*", "*" + "-" * 10, "*" + "ab" * 40 + "*ab*ab*ab*ab*ab"])
def test_a_wildcard_over_the_limit_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(RuleError, match=r"^detail\.a: EventBridge refuses the wildcards .* too complex\. Use fewer"):
        EventPattern({"detail": {"a": [{"wildcard": text}]}})
    with pytest.raises(RuleError, match=r"too complex"):
        EventPattern({"a": [{"anything-but": {"wildcard": text}}]})


def test_other_services_have_limits_of_their_own() -> None:
    EventPattern({"a": [{"wildcard": "*aaaaaaaaaaaaaaa"}]}, dialect=SNS)
    with pytest.raises(RuleError, match="Lambda does not take the operator 'wildcard'"):
        EventPattern({"a": [{"wildcard": "*a"}]}, dialect=LAMBDA)


def wild(*names: str) -> list[dict[str, str]]:
    return [{"wildcard": f"*:stack/{name}/*"} for name in names]


def test_a_list_of_wildcards_is_refused_where_the_service_refuses_it() -> None:
    EventPattern({"detail": {"id": wild("A", "B", "C")}})
    with pytest.raises(RuleError, match=r"^detail\.id: .* too complex"):
        EventPattern({"detail": {"id": wild("A", "B", "C", "D")}})
    with pytest.raises(RuleError, match=r"^id: .* too complex"):
        EventPattern({"$or": [{"id": wild("A", "B")}, {"id": wild("C", "D")}]})


def test_wildcards_of_different_fields_do_not_add_up() -> None:
    EventPattern({"a": wild("A", "B", "C"), "b": wild("A", "B", "C"), "c": wild("A", "B", "C")})
