"""Event patterns: which events they take, and why they take no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eventfw.errors import RuleError
from eventfw.rules.pattern import EventPattern


def takes(value: Any, given: Any) -> bool:
    """Whether a field with these alternatives takes a value; both as text and as Python values."""
    answers = {
        EventPattern(pattern).matches(event)
        for pattern in ({"a": value}, json.dumps({"a": value}))
        for event in ({"a": given}, json.dumps({"a": given}))
    }
    assert len(answers) == 1
    return answers.pop()


@pytest.mark.parametrize(
    ("value", "taken", "refused"),
    [
        (["x"], ["x", ["y", "x"], [["x"]]], ["X", "", "xy", None, [], {}, {"x": "x"}]),
        ([""], [""], [" ", None, 0, False, []]),
        ([5], [5, 5.0, [1, 5]], ["5", 6, True]),
        ([1, 0], [1, 0, -0.0], [True, False, None, "1"]),
        ([True], [True], ["true", 1, False]),
        ([False], [False], ["false", 0, None]),
        ([None], [None, [1, None]], ["null", "", 0, False, [], {}]),
        ([10**400], [10**400], [10**400 + 1, float(10**300), "1" + "0" * 400]),
        ([{"exactly": "x"}], ["x"], ["xx", 1]),
        ([{"exactly": "10.0.0.1"}], ["10.0.0.1"], ["10.0.0.01"]),
        ([{"prefix": "x"}], ["x", "xy", ["a", "xy"]], ["yx", "X", 1, None]),
        ([{"suffix": "x"}], ["x", "yx"], ["xy", "X"]),
        ([{"prefix": {"equals-ignore-case": "eu-"}}], ["EU-west", "eu-"], ["eu", "xeu-"]),
        ([{"suffix": {"equals-ignore-case": ".png"}}], ["a.PNG", ".png"], ["png", ".pngx"]),
        ([{"equals-ignore-case": "Abc"}], ["aBC"], ["abcd", ""]),
        ([{"wildcard": "a*/c"}], ["a/c", "abb/c"], ["a/cd", "c"]),
        ([{"numeric": [">", 0, "<=", 5]}], [5, 0.1], [0, 5.1, "3", True]),
        ([{"cidr": "10.0.0.0/24"}], ["10.0.0.7", "010.0.0.007"], ["10.0.1.7", "10.0.0", 167772167]),
        (["10.0.0.1"], ["10.0.0.1", "010.0.0.01", "::ffff:a00:1"], ["10.0.0.2", "10.0.0.1 "]),
        (["2001:db8::1"], ["2001:DB8:0:0::1"], ["2001:db8::2"]),
        ([{"anything-but": "x"}], ["y", 1, None, True, ["x", "y"]], ["x", ["x", "x"], [], {}]),
        ([{"anything-but": ["x", "y"]}], ["z", 5], ["x", "y", ["x", "y"]]),
        ([{"anything-but": [1, 2]}], [3, "1", None], [1, 2.0]),
        ([{"anything-but": "10.0.0.1"}], ["10.0.0.01"], ["10.0.0.1"]),
        ([{"anything-but": {"prefix": ["x", "y"]}}], ["zx", 1, None], ["x1", "y"]),
        ([{"anything-but": {"suffix": "x"}}], ["xz", 1], ["zx"]),
        ([{"anything-but": {"equals-ignore-case": ["x"]}}], ["xx"], ["X"]),
        ([{"anything-but": {"wildcard": ["a*c", "b*"]}}], ["cab", None], ["abc", "b"]),
        ([{"exists": True}], ["", 0, None, False, [1]], [{}, [], {"b": 1}, [{"b": 1}]]),
        ([{"exists": False}], [{}, [], {"b": 1}], ["", None, [1]]),
        (["x", 5, {"prefix": "y"}, None], ["x", 5, "yz", None], ["z", 6, True]),
    ],
)
def test_a_field_takes_what_one_of_its_alternatives_takes(value: Any, taken: list[Any], refused: list[Any]) -> None:
    assert [each for each in taken if not takes(value, each)] == []
    assert [each for each in refused if takes(value, each)] == []


@pytest.mark.parametrize(
    "condition", ["x", None, 5, {"anything-but": "x"}, {"prefix": ""}, {"wildcard": "*"}, {"exists": True}]
)
def test_an_absent_field_satisfies_nothing_but_exists_false(condition: Any) -> None:
    assert not EventPattern({"a": [condition]}).matches({})
    assert EventPattern({"a": [condition, {"exists": False}]}).matches({})


@pytest.mark.parametrize("text", ["3e2", "300.0", "300", "3000E-1"])
def test_a_number_is_compared_by_value_however_it_is_written(text: str) -> None:
    assert EventPattern('{"a": [' + text + "]}").matches({"a": 300})
    assert EventPattern('{"a": [300]}').matches('{"a": ' + text + "}")
    assert EventPattern({"a": [{"numeric": ["=", 300]}]}).matches('{"a": ' + text + "}")


def test_a_number_that_no_double_equals_is_compared_as_text() -> None:
    pattern = EventPattern('{"a": [9007199254740993]}')
    assert pattern.matches('{"a": 9007199254740993}')
    assert not pattern.matches('{"a": 9007199254740993.0}')
    assert not pattern.matches('{"a": 9007199254740992}')
    assert not EventPattern({"a": [{"numeric": [">", 0]}]}).matches('{"a": 1e400}')
    assert EventPattern({"a": [{"anything-but": 5}]}).matches('{"a": 1e400}')


def test_all_fields_must_be_satisfied() -> None:
    pattern = EventPattern({"source": ["shop"], "detail": {"state": ["paid"], "sum": [{"numeric": [">", 100]}]}})
    event = {"source": "shop", "detail": {"state": "paid", "sum": 101}, "more": 1}
    assert pattern.matches(event)
    assert not pattern.matches({**event, "source": "x"})
    assert not pattern.matches({**event, "detail": {"state": "paid", "sum": 100}})


def test_a_dotted_name_is_a_path_in_the_pattern_and_in_the_event() -> None:
    for pattern in ({"a.b": {"c": [1]}}, {"a": {"b.c": [1]}}, {"a.b.c": [1]}):
        for event in ({"a": {"b": {"c": 1}}}, {"a.b": {"c": 1}}, {"a": {"b.c": 1}}, {"a.b.c": 1}):
            assert EventPattern(pattern).matches(event)
        assert not EventPattern(pattern).matches({"a": {"b": 1}})


def test_one_alternative_of_or_is_enough_beside_the_other_fields() -> None:
    pattern = EventPattern({"s": ["x"], "d": {"$or": [{"a": [1]}, {"b": [2], "c": [3]}], "e": [4]}})
    assert pattern.matches({"s": "x", "d": {"a": 1, "e": 4}})
    assert pattern.matches({"s": "x", "d": {"b": 2, "c": 3, "e": 4}})
    assert not pattern.matches({"s": "x", "d": {"b": 2, "e": 4}})
    assert not pattern.matches({"s": "y", "d": {"a": 1, "e": 4}})
    assert not pattern.matches({"s": "x", "d": {"a": 1, "e": 5}})


def test_an_alternative_of_or_replaces_a_field_of_the_same_name() -> None:
    pattern = EventPattern('{"a": [1], "$or": [{"a": [2]}, {"b": [3]}]}')
    assert pattern.matches({"a": 2})
    assert pattern.matches({"a": 1, "b": 3})
    assert not pattern.matches({"a": 1})


def test_or_keeps_to_one_element_of_a_list() -> None:
    pattern = EventPattern({"l": {"a": [1], "$or": [{"b": [2]}, {"c": [3]}]}})
    assert pattern.matches({"l": [{"a": 1, "c": 3}, {"b": 2}]})
    assert not pattern.matches({"l": [{"a": 1}, {"b": 2}, {"c": 3}]})


def test_of_a_name_that_comes_twice_in_the_text_of_an_event_both_count() -> None:
    pattern = EventPattern({"a": [1], "b": {"c": [2]}})
    assert pattern.matches('{"a": 1, "a": 0, "b": {"c": 2}, "b": 5}')


@pytest.mark.parametrize(
    "event", ["", "{", "[]", '"x"', "null", "5", '{"a": NaN}', "[{}]", "{} x", None, 5, [], b"{}", {1}]
)
def test_an_event_is_a_json_object(event: Any) -> None:
    pattern = EventPattern({"a": [{"exists": False}]})
    with pytest.raises(RuleError):
        pattern.matches(event)
    with pytest.raises(RuleError):
        pattern.mismatch(event)


@pytest.mark.parametrize(
    ("pattern", "event", "why"),
    [
        ({"a": ["x"]}, {"a": "x"}, ""),
        ({"a": ["x"]}, {}, '`a` is absent, wanted "x"'),
        ({"a": ["x"]}, {"a": {}}, '`a` is absent, wanted "x"'),
        ({"a": ["x", 1, None]}, {"a": True}, '`a` is true, wanted "x" or 1 or null'),
        ({"d": {"n": [{"numeric": [">", 0, "<", 5]}]}}, {"d": {"n": 5}}, "`d.n` is 5, wanted > 0 and < 5"),
        ({"n": [{"numeric": ["=", 5]}]}, {"n": "5"}, '`n` is "5", wanted = 5'),
        ({"a": [{"exists": False}]}, {"a": None}, "`a` is null, wanted absent"),
        ({"a": [{"exists": False}, "x"]}, {"a": "y"}, '`a` is "y", wanted "x" or absent'),
        ({"a": [{"exists": True}]}, {}, "`a` is absent, wanted present"),
        (
            {"a": [{"prefix": "x"}, {"wildcard": "a*b"}]},
            {"a": "c"},
            '`a` is "c", wanted beginning with "x" or like "a*b"',
        ),
        ({"a": ["10.0.0.1"]}, {"a": "x"}, '`a` is "x", wanted the address "10.0.0.1"'),
        ({"a": [{"anything-but": ["b", "a"]}]}, {"a": "b"}, '`a` is "b", wanted anything but "a" or "b"'),
        (
            {"a": ["1", "2", "3", "4", "5"]},
            {"a": [9, 8, 7, 6]},
            '`a` is 9, 8, 7, ..., wanted "1" or "2" or "3" or "4" or ...',
        ),
        ({"b": ["x"], "a": ["y"]}, {}, '`b` is absent, wanted "x"'),
        ({"b": ["x"], "a": ["y"]}, {"b": "x", "a": 1}, '`a` is 1, wanted "y"'),
        (
            {"l": {"a": [1], "b": [2]}},
            {"l": [{"a": 1}, {"b": 2}]},
            "no one element of a list satisfies all of `l.a`, `l.b`",
        ),
        ({"a\n": [1]}, {}, r"`a\n` is absent, wanted 1"),
        (
            {"$or": [{"a": [1]}, {"b": [2]}]},
            {"a": 3},
            "none of 2 alternatives fits: `a` is 3, wanted 1; `b` is absent, wanted 2",
        ),
        (
            {"$or": [{"a": [1]}, {"b": [2]}, {"c": [3]}, {"d": [4]}]},
            {},
            "none of 4 alternatives fits: `a` is absent, wanted 1; `b` is absent, wanted 2; "
            "`c` is absent, wanted 3; ...",
        ),
        (
            {"s": ["x"], "$or": [{"a": [1]}, {"b": [2]}]},
            {"a": 1},
            'none of 2 alternatives fits: `s` is absent, wanted "x"',
        ),
    ],
)
def test_the_first_condition_that_fails_is_told(pattern: Any, event: Any, why: str) -> None:
    assert EventPattern(pattern).mismatch(event) == why
    assert EventPattern(pattern).mismatch(json.dumps(event)) == why
    assert EventPattern(pattern).matches(event) is (not why)


def test_a_pattern_shows_its_text() -> None:
    assert repr(EventPattern({"a": ["ä"]})) == 'EventPattern({"a":["ä"]})'


class Broken(dict[str, Any]):
    def items(self) -> Any:
        raise KeyError("no")

    __iter__ = items


@pytest.mark.parametrize(
    "pattern",
    [
        None,
        5,
        b"{}",
        {1},
        object(),
        [],
        [{"a": ["x"]}],
        {"a": {1}},
        {"a": [b"x"]},
        {(1, 2): ["x"]},
        {"a": [1j]},
        Broken(a=1),
    ],
)
def test_what_is_no_json_object_is_no_pattern(pattern: Any) -> None:
    with pytest.raises(RuleError):
        EventPattern(pattern)
