"""Wildcards: how complex EventBridge lets them be."""

from __future__ import annotations

import pytest

from eventfw.errors import RuleError
from eventfw.rules.grammar import LAMBDA, SNS
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
    assert complexity(segments(text), 500) == places


def test_more_than_enough_is_not_counted() -> None:
    assert complexity(segments("*a" * 500), 10) == 11
    assert complexity(segments("*" + "ab" * 2000), 5) == 6


@pytest.mark.parametrize("text", ["*a*a*a*a*a", "*aaaaaaaa*", "*.example.com", "img/*/2026-*-*.png"])
def test_a_wildcard_up_to_the_limit_is_taken(text: str) -> None:
    EventPattern({"a": [{"wildcard": text}]})


@pytest.mark.parametrize("text", ["*a*a*a*a*a*", "*" + "-" * 10, "*" + "ab" * 40 + "*ab*ab*ab*ab*ab"])
def test_a_wildcard_over_the_limit_is_refused_with_its_path(text: str) -> None:
    with pytest.raises(RuleError, match=r"^detail\.a\[0\]\.wildcard: EventBridge refuses .* too complex\. Use fewer"):
        EventPattern({"detail": {"a": [{"wildcard": text}]}})
    with pytest.raises(RuleError, match=r"anything-but\.wildcard: .* too complex"):
        EventPattern({"a": [{"anything-but": {"wildcard": text}}]})


def test_other_services_have_limits_of_their_own() -> None:
    EventPattern({"a": [{"wildcard": "*aaaaaaaaaaaaaaa"}]}, dialect=SNS)
    with pytest.raises(RuleError, match="Lambda does not take the operator 'wildcard'"):
        EventPattern({"a": [{"wildcard": "*a"}]}, dialect=LAMBDA)
