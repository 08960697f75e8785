"""Hostile patterns and events get an answer or a RuleError, after a bounded amount of work."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules import fields
from eventfw.rules.dialects import EVENTBRIDGE, LAMBDA, SNS, Dialect
from eventfw.rules.fields import COMBINATIONS_MAX, PLACES_MAX, STEPS_MAX, Trial, Wanted
from eventfw.rules.grammar import BRANCHES_MAX, TooComplex
from eventfw.rules.matchers import Prefix, Wildcard
from eventfw.rules.pattern import EventPattern
from eventfw.rules.patternset import PatternSet

ODD_TEXT = st.sampled_from(
    [
        "",
        "a",
        "$or",
        ".",
        "a.",
        ".a",
        "a..b",
        "prefix",
        "numeric",
        "=",
        "*",
        "**",
        "\\",
        "\ud800",
        "\0",
        '"',
        "10.0.0.1",
        "10.0.0.0/8",
    ]
)
TEXT = ODD_TEXT | st.text(max_size=4)
NUMBER = st.integers() | st.floats() | st.sampled_from([10**300, 10**1000, 10**4000, -(2**64), 1e308, -0.0])
ODD = st.sampled_from([b"x", {1}, object(), 1j, range(3), ..., Exception("x"), float("nan"), TEXT])
OPERATOR = st.sampled_from(
    [
        "prefix",
        "suffix",
        "exactly",
        "equals-ignore-case",
        "anything-but",
        "wildcard",
        "numeric",
        "cidr",
        "exists",
        "$or",
        "a",
        "b",
        "a.b",
    ]
)
VALUE = st.none() | st.booleans() | TEXT | NUMBER
ANYTHING = st.recursive(
    VALUE | ODD,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(OPERATOR | TEXT, inner, max_size=3)
        | st.dictionaries(st.none() | st.integers() | st.tuples(st.integers()), inner, max_size=2)
        | st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=15,
)
CONDITION = VALUE | st.dictionaries(
    OPERATOR,
    st.recursive(
        VALUE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(OPERATOR, inner, max_size=2), max_leaves=4
    ),
    max_size=2,
)
FIELD = st.lists(CONDITION, max_size=3)
PATTERN = st.dictionaries(
    st.sampled_from(["a", "b", "a.b", "$or", ""]),
    FIELD
    | st.dictionaries(st.sampled_from(["a", "b", "$or"]), FIELD, max_size=2)
    | st.lists(st.dictionaries(st.sampled_from(["a", "b"]), FIELD, min_size=1, max_size=2), min_size=2, max_size=3),
    max_size=3,
)
EVENT = st.recursive(
    st.dictionaries(st.sampled_from(["a", "b", "a.b", "$or", ""]), VALUE | ODD, max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["a", "b", "a.b"]), VALUE | inner | st.lists(inner | VALUE, max_size=4), max_size=3
    ),
    max_leaves=10,
)


def answer(pattern: Any, *events: Any, dialect: Any = EVENTBRIDGE) -> list[Any]:
    """What the pattern says of each event; a RuleError where it or the event is refused. Nothing else is raised."""
    try:
        made = EventPattern(pattern, dialect=dialect)
    except RuleError as error:
        assert error.message and error.message.encode()
        return [error]
    answers: list[Any] = []
    for event in events:
        try:
            answers.append(made.matches(event))
            why = made.mismatch(event)
            assert bool(why) is not answers[-1]
            assert why.encode() is not None
            assert PatternSet([made]).matching(event) == [0] * answers[-1]
        except RuleError as error:
            assert error.message.encode()
            answers.append(error)
    return answers


@settings(max_examples=200)
@given(ANYTHING, ANYTHING, st.sampled_from([EVENTBRIDGE, SNS, LAMBDA]))
def test_any_object_as_pattern_and_as_event_gets_an_answer(pattern: Any, event: Any, dialect: Any) -> None:
    answer(pattern, event, dialect=dialect)
    answer({"a": pattern}, {"a": event}, dialect=dialect)
    answer({"a": [pattern]}, {"a": [event]}, dialect=dialect)


@settings(max_examples=300)
@given(PATTERN, EVENT)
def test_almost_a_pattern_gets_an_answer_for_any_event(pattern: Any, event: Any) -> None:
    answer(pattern, event)


@settings(max_examples=200)
@given(st.text('{}[],:"a$or.\\ *0123-eE', max_size=30), st.text('{}[],:"ab.0-9eE ', max_size=30))
def test_any_text_as_pattern_and_as_event_gets_an_answer(pattern: str, event: str) -> None:
    answer(pattern, event)
    answer('{"a":[' + pattern + "]}", '{"a":' + event + "}")


@pytest.mark.parametrize("deep", [100, 700, 980, 1200, 20_000])
@pytest.mark.parametrize(
    ("start", "middle", "end"),
    [
        ('{"a":', "[]", "}"),
        ('{"a":', '["x"]', "}"),
        ("[", "", "]"),
        ('{"a":[', '"x"', "]}"),
        ('{"$or":[', '{"a":["x"]}', ',{"b":["x"]}]}'),
        ('{"a":[{"prefix":', '"x"', "}]}"),
        ('{"a":[{"anything-but":', "5", "}]}"),
    ],
)
def test_deep_nesting_as_text_gets_an_answer(deep: int, start: str, middle: str, end: str) -> None:
    text = start * deep + middle + end * deep
    for dialect in (EVENTBRIDGE, SNS):
        assert len(answer(text, "{}", dialect=dialect)) == 1
        answer('{"a":[{"prefix":' + text + "}]}", dialect=dialect)
        answer('{"$or":' + text + "}", dialect=dialect)
        answer('{"a":["x"],"b":' + text + "}", dialect=dialect)
    answer({"a": {"a": ["x"]}}, text)


def test_every_depth_near_the_limit_of_the_stack_gets_an_answer() -> None:
    for deep in range(800, 1010):
        answer('{"":' * deep + '["x"]' + "}" * deep, "{}", dialect=SNS)
        answer('{"a":[{"numeric":' + "[" * deep + "]" * deep + "}]}", "{}", dialect=SNS)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: {"a": value},
        lambda value: [value],
        lambda value: {"a": [value]},
        lambda value: {"$or": [value, {"b": [1]}]},
    ],
)
def test_deep_nesting_as_python_values_gets_an_answer(wrap: Callable[[Any], Any]) -> None:
    value: Any = "x"
    for _ in range(20_000):
        value = wrap(value)
    assert isinstance(answer({"a": value})[0], RuleError)
    assert isinstance(answer(value)[0], RuleError)
    answer({".".join("a" * 1500): ["x"]}, {"a": value})
    answer({"a": {"a": ["x"], "b": ["x"]}}, {"a": value})


def test_a_value_that_contains_itself_gets_an_answer() -> None:
    circle: dict[str, Any] = {}
    circle["a"] = circle
    ring: list[Any] = []
    ring += [ring, ring]
    assert isinstance(answer(circle)[0], RuleError)
    assert isinstance(answer({"a": ring})[0], RuleError)
    assert answer({".".join("a" * 2000): ["x"]}, circle) == [False]
    assert isinstance(answer({"a": {"b": ["x"]}}, {"a": ring})[0], RuleError)


@pytest.mark.parametrize(
    "number", ["1" * 5000, "-" + "9" * 100_000, "1e999999999", "0." + "0" * 50_000 + "1", "1e-99999999999999999999"]
)
def test_a_huge_number_is_compared_as_text(number: str) -> None:
    assert answer({"a": [5, {"anything-but": 5}]}, '{"a":' + number + "}") == [True]
    assert answer({"a": [5, {"numeric": ["<", 5]}]}, '{"a":' + number + "}") == [False]
    answer('{"a":[' + number + "]}", '{"a":' + number + "}")
    answer('{"a":[{"numeric":["=",' + number + "]}]}", "{}", dialect=SNS)


def test_duplicate_names_by_the_thousand_get_an_answer() -> None:
    event = "{" + ",".join(f'"a":{{"b":{at},"c":1}}' for at in range(20_000)) + "}"
    assert answer({"a": {"b": [19_999], "c": [1]}}, event) == [True]
    assert answer({"a": {"b": [20_000], "c": [1]}}, event) == [False]
    assert isinstance(answer("{" + ",".join(['"a":["x"]'] * 300) + "}", event)[0], bool)


@pytest.mark.parametrize("text", ["\ud800", "a\ud800b", "\udfff" * 100])
def test_lone_surrogates_are_characters(text: str) -> None:
    for condition in (text, {"prefix": text}, {"equals-ignore-case": text}, {"wildcard": text + "*"}):
        assert answer({text: [condition]}, {text: text}, json.dumps({text: text}), {text: "x"}) == [True, True, False]


STRING = 1_000_000


@pytest.mark.parametrize(
    ("condition", "value"),
    [
        ({"wildcard": "*".join("a" * 1900)}, "a" * STRING),
        ({"wildcard": "a*" * 1900 + "b"}, "a" * STRING),
        ({"wildcard": "*" + "a" * 3000 + "b*"}, "a" * STRING),
        ({"wildcard": "*" + "ab" * 1500 + "c*"}, "ab" * (STRING // 2)),
        ({"wildcard": "*" + "*".join("ab" * 900) + "*"}, "ba" * (STRING // 2)),
        ({"equals-ignore-case": "ß" * 3000}, "S" * STRING),
        ({"prefix": {"equals-ignore-case": "ß" * 3000}}, "S" * STRING),
        ({"suffix": {"equals-ignore-case": "ŉ" * 3000}}, "N" * STRING),
        ({"anything-but": {"wildcard": ["*a*b*c*"] * 300}}, "abab" * (STRING // 4)),
        ({"cidr": "10.0.0.0/8"}, "1." * (STRING // 2)),
        ({"cidr": "::/8"}, "1:" * (STRING // 2)),
        ("10.0.0.1", "1" * STRING),
    ],
)
def test_a_string_of_a_megabyte_gets_an_answer(condition: Any, value: str) -> None:
    everything = Dialect("A service without limits", 10_000)
    assert isinstance(answer({"a": [condition]}, {"a": value}, dialect=everything)[0], bool)


def test_a_wildcard_looks_for_each_of_its_parts_once() -> None:
    class Counted(str):
        calls = 0

        def find(self, *args: Any) -> int:
            Counted.calls += 1
            return super().find(*args)

    parts = ["a"] * 2000
    assert not Wildcard("*".join(parts), parts).test(Counted("a" * 1999))
    assert Wildcard("*".join(parts), parts).test(Counted("a" * 100_000))
    assert Counted.calls <= 2 * len(parts)


@pytest.mark.parametrize("forks", [10, 60, 140])
def test_alternatives_that_multiply_are_refused_before_they_are_made(
    forks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    field = fields.Field.__init__
    monkeypatch.setattr(fields.Field, "__init__", lambda self, *args: made.append(1) or field(self, *args))  # type: ignore[func-returns-value]
    pattern = {f"k{at}": {"$or": [{"a": [1]}, {"b": [1]}]} for at in range(forks)}
    with pytest.raises(TooComplex, match=f"more than {BRANCHES_MAX} combinations"):
        EventPattern(pattern, dialect=SNS)
    assert len(made) <= 20


def test_a_long_pattern_is_refused_before_its_names_are_multiplied() -> None:
    wide = {f"f{at}": [1] for at in range(10_000)}
    with pytest.raises(TooComplex, match="at most 256 fields"):
        EventPattern({**{f"k{at}": {"$or": [{"a": [1]}, {"b": [1]}]} for at in range(9)}, **wide}, dialect=SNS)
    with pytest.raises(TooComplex, match="at most 4096 characters"):
        EventPattern({"n" * 100_000: wide}, dialect=SNS)
    with pytest.raises(TooComplex, match="at most 4096 characters"):
        EventPattern({".".join("a" * 100_000): [1]}, dialect=SNS)


def test_names_of_thousands_of_steps_take_as_much_room_as_they_have_steps() -> None:
    def size(node: dict[Any, Any]) -> int:
        total, pending = 0, [node]
        while pending:
            inner = pending.pop()
            total += len(inner)
            pending += [each for each in inner.values() if isinstance(each, dict)]
        return total

    names = [f"b{at}." + ".".join("a" * 2000) for at in range(20)]
    assert size(Wanted(names).root) == 20 * 2002
    event: dict[str, Any] = {
        "a.a": {str(at): at for at in range(20_000)},
        "a": {"a": {"a" * 100_000: 1, "." * 100_000: 1}},
    }
    assert answer({".".join("a" * 2000): ["x"]}, event, {".".join("a" * 2000): "x"}) == [False, True]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was spent, in one place: the steps of each trial."""
    spent: list[int] = []
    spend = Trial._spend

    def counted(self: Trial, number: int) -> None:
        spent.append(number)
        spend(self, number)

    monkeypatch.setattr(Trial, "_spend", counted)
    return spent


def never_together(number: int, count: int) -> list[dict[str, int]]:
    """Objects that satisfy all fields but one, each another one."""
    return [{"abcd"[at]: 1 for at in range(count) if at != index % count} for index in range(number)]


@pytest.mark.parametrize("count", [2, 3])
def test_twenty_thousand_objects_cost_a_few_steps_each(count: int, steps: list[int]) -> None:
    objects = never_together(20_000, count)
    pattern = EventPattern({"l": {"abcd"[at]: [1] for at in range(count)}})
    assert not pattern.matches({"l": objects})
    assert pattern.matches({"l": [*objects, {"a": 1, "b": 1, "c": 1}]})
    assert sum(steps) < 2 * 20_000 * count * 6


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ({"a.x": [1], "a.y.q": [1], "a.z": [2]}, {"a": [{"x": 1}, {"z": 2}] * 9000, "a.y": [{"q": 1}] * 9000}),
        (
            {f"l{at}": {"a": [1], "b": [1]} for at in range(20)},
            {f"l{at}": [{"a": 1}, {"b": 1}] * 1000 for at in range(20)},
        ),
        (
            {"a.b.x": [1], "a.b.y": [1], "a.x": [1], "a.y": [1]},
            {"a": [{"b": [{"x": 1}, {"y": 1}] * 200, "x": 1}, {"y": 1}] * 200},
        ),
        (
            {f"a{'.b' * at}.{name}": [1] for at in range(8) for name in "xy"},
            {f"a{'.b' * at}": [{"x": 1, "y": 0}, {"x": 0, "y": 1}] * 40 for at in range(8)},
        ),
        (
            {"a.b.x": [1], "a.b.y": [{"exists": False}], "a.x": [{"exists": False}]},
            {"a": [{"b": [{"x": 1, "y": 1}] * 100, "x": 1}] * 100},
        ),
    ],
)
def test_interleaved_lists_are_combined_in_bounded_steps(pattern: Any, event: Any, steps: list[int]) -> None:
    answer(pattern, event)
    assert sum(steps) <= 3 * (STEPS_MAX + PLACES_MAX)


def test_two_lists_of_one_name_multiply_and_are_given_up(steps: list[int]) -> None:
    one = ",".join('{"x":1,"y":1},{"z":1}' for _ in range(5000))
    found = answer({"a.x": [1], "a.y": [1], "a.z": [1]}, f'{{"a":[{one}],"a":[{one}]}}')
    assert "combines more than" in found[0].message
    assert sum(steps) <= STEPS_MAX


def test_every_branch_spends_from_one_account(steps: list[int]) -> None:
    forks = {"$or": [{"a": {"x": [1], "z": [at]}} for at in range(150)]}
    event = {"a": [{"x": 1}, *[{"z": at} for at in range(150)]] * 180}
    assert "steps" in answer(forks, event)[0].message
    assert sum(steps) <= 3 * (STEPS_MAX + 180 * 151)


def test_values_are_tested_once_whatever_the_number_of_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    test = Prefix.test

    def counted(self: Prefix, value: Any) -> bool:
        nonlocal calls
        calls += 1
        return test(self, value)

    monkeypatch.setattr(Prefix, "test", counted)
    forks = {f"k{at}": {"$or": [{"a": [1]}, {"b": [1]}]} for at in range(9)}
    pattern = EventPattern({"a": [{"prefix": "x"}, {"prefix": "y"}], **forks})
    event = {"a": ["v"] * 20_000, **{f"k{at}": {"a": 1, "b": 1} for at in range(9)}}
    assert not pattern.matches(event)
    assert calls == 40_000


def test_kept_combinations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    largest = 0
    reached = Trial._reached

    def counted(*args: Any) -> Any:
        nonlocal largest
        states = reached(*args)
        largest = max(largest, len(states))
        return states

    monkeypatch.setattr(Trial, "_reached", counted)
    pattern = {"l": {"a": [1], "b": [1]}}
    assert answer(pattern, {"l": never_together(2 * COMBINATIONS_MAX, 2)}) == [False]
    assert isinstance(answer(pattern, {"l": never_together(2 * COMBINATIONS_MAX + 2, 2)})[0], RuleError)
    assert largest == COMBINATIONS_MAX
