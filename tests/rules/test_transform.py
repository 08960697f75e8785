"""What a rule makes of an event: paths, and templates filled from them."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw.errors import RuleError
from eventfw.rules.transform import at, check_path, check_transformer, transformed

EVENT: dict[str, Any] = {
    "time": "2026-01-01T00:00:00Z",
    "detail": {"items": [{"n": 1}, {"n": 2}], "x-y": 'a "b"', "by/name": {"0": "zero"}, "none": None},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", EVENT),
        ("$.time", "2026-01-01T00:00:00Z"),
        ("$.detail.items[1].n", 2),
        ("$.detail.items[2]", None),
        ("$.detail.items[*].n", [1, 2]),
        ("$.detail.items.*", [{"n": 1}, {"n": 2}]),
        ("$.detail.none[*]", []),
        ("$.detail.x-y", 'a "b"'),
        ("$.detail.by/name.0", "zero"),
        ("$.time.n", None),
    ],
)
def test_a_path_leads_into_the_event(path: str, found: Any) -> None:
    check_path(path)
    assert at(path, EVENT) == found


@pytest.mark.parametrize("path", ["detail", "$detail", "$..n", "$.a[", "$.a[-1]", "$.a b", "$.ä", "$" + ".a" * 128, 5])
def test_paths_that_eventbridge_does_not_know_are_refused(path: Any) -> None:
    with pytest.raises(RuleError, match="a path is text"):
        check_path(path)


@pytest.mark.parametrize(
    ("template", "made"),
    [
        ("<items>", [{"n": 1}, {"n": 2}]),
        ('"<x> at <aws.events.event.ingestion-time>"', 'a "b" at 2026-01-01T00:00:00Z'),
        ('{"all": <aws.events.event>, "gone": <gone>, "text": "<gone>!"}', {"all": {"time": EVENT["time"]}}),
        ('{"rule": "<aws.events.rule-arn>", "in": "<items>"}', {"in": "[{n: 1}, {n: 2}]"}),
        ('{"a": "1 < 2 \\"quoted\\"", "x": <x>}', {"a": '1 < 2 "quoted"', "x": 'a "b"'}),
    ],
)
def test_a_template_is_filled_from_its_paths(template: str, made: Any) -> None:
    paths = {"items": "$.detail.items", "x": "$.detail.x-y", "gone": "$.gone"}
    check_transformer(paths, template)
    found = transformed(paths, template, EVENT, "told")
    assert (found if not isinstance(made, dict) else {name: found[name] for name in made}) == made
    if "gone" in template:
        assert (found["gone"], found["text"]) == (None, "!")


@pytest.mark.parametrize(
    ("paths", "template", "said"),
    [
        ({}, "<x>", "<x>, which input_paths_map does not name"),
        ({"x": "$.x"}, "<x> is there", "does not give JSON"),
        ({"x": "$.x"}, "", "1 to 8192 characters"),
        ({"x": "$.x"}, "1" * 8193, "1 to 8192 characters"),
        ({"a b": "$.x"}, "1", "letters, digits"),
        ({"x": "x"}, "1", "a path is text"),
    ],
)
def test_templates_that_eventbridge_or_lambda_refuse_are_refused(
    paths: dict[str, str], template: str, said: str
) -> None:
    with pytest.raises(RuleError, match=said):
        check_transformer(paths, template)
