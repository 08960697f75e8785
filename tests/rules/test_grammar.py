"""What a pattern may say, and what each fault is called."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eventfw.errors import RuleError
from eventfw.rules.dialects import EVENTBRIDGE, LAMBDA, SNS, Dialect
from eventfw.rules.grammar import BRANCHES_MAX, FIELDS_MAX, NAME_MAX, compiled
from eventfw.rules.pattern import EventPattern
from eventfw.rules.reading import Members


def fault(pattern: Any, dialect: Dialect = EVENTBRIDGE) -> str:
    with pytest.raises(RuleError) as caught:
        EventPattern(pattern, dialect=dialect)
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("x", 'a: a field takes a list or an object, not "x". Write ["x"].'),
        (None, "a: a field takes a list or an object, not null. Write [null]."),
        (True, "a: a field takes a list or an object, not true."),
        ([], "a: an empty list matches nothing"),
        ({}, "a: an empty object matches nothing"),
        ({"b": {}}, "a.b: an empty object matches nothing"),
        (["x", ["y"]], "a[1]: a value is a string, a number, true, false, null or an object, not a list."),
        (["x", {}], "a[1]: an empty object is no condition."),
        ([{"prefx": "x"}], "a[0]: there is no operator 'prefx'. Did you mean 'prefix'?"),
        ([{"regex": "x"}], "a[0]: there is no operator 'regex'."),
        ([{"prefix": "x", "suffix": "y"}], "a[0]: one object has one operator, not 'prefix' and 'suffix'."),
    ],
)
def test_a_field_that_no_event_could_have_is_refused(value: Any, message: str) -> None:
    assert fault({"a": value}).startswith(message)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"prefix": 1}, "prefix: it takes a string, not 1."),
        ({"prefix": ["x"]}, 'prefix: it takes a string, not ["x"].'),
        (
            {"prefix": {"suffix": "x"}},
            'prefix: prefix takes text or {"equals-ignore-case": text}, not {"suffix": "x"}.',
        ),
        ({"prefix": {"equals-ignore-case": 1}}, "prefix.equals-ignore-case: it takes a string, not 1."),
        ({"suffix": None}, "suffix: it takes a string, not null."),
        ({"suffix": {}}, "suffix: suffix takes text or"),
        ({"suffix": {"equals-ignore-case": ["x"]}}, "suffix.equals-ignore-case: it takes a string"),
        ({"equals-ignore-case": 5}, "equals-ignore-case: it takes a string, not 5."),
        ({"exactly": 5}, "exactly: it takes a string, not 5."),
        ({"exists": "true"}, 'exists: exists takes true or false, not "true".'),
        ({"exists": 1}, "exists: exists takes true or false, not 1."),
        ({"wildcard": 5}, "wildcard: it takes a string, not 5."),
        ({"wildcard": "a**b"}, 'wildcard: two stars in a row mean no more than one: "a**b".'),
        ({"wildcard": "a\\b"}, r'wildcard: a backslash stands before * or \ only: "a\\b".'),
        ({"wildcard": "a\\"}, "wildcard: a backslash stands before"),
    ],
)
def test_a_condition_on_text_takes_text(condition: Any, message: str) -> None:
    assert fault({"detail": {"state": ["x", condition]}}).startswith(f"detail.state[1].{message}")


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        (5, 'numeric takes a list such as [">", 0, "<=", 5], not 5.'),
        ([], "numeric takes a list such as"),
        ({"<": 5}, "numeric takes a list such as"),
        ([5], "numeric begins with one of = < <= > >=, not 5."),
        (["==", 5], 'numeric begins with one of = < <= > >=, not "==".'),
        ([[">"], 5], 'numeric begins with one of = < <= > >=, not [">"].'),
        (["="], "= takes a number, not nothing."),
        (["=", "5"], '= takes a number, not "5".'),
        (["=", True], "= takes a number, not true."),
        (["=", 5, "<", 6], "nothing may follow =: the lower bound comes first."),
        (["<", 5, ">", 0], "nothing may follow <: the lower bound comes first."),
        (["<=", 5, ">", 0], "nothing may follow <="),
        ([">", 5, "<"], 'after the lower bound comes < or <= and a number, not ["<"].'),
        ([">", 5, ">", 6], "after the lower bound comes"),
        ([">", 5, "<", "6"], "after the lower bound comes"),
        ([">", 5, "<", 6, 7], "after the lower bound comes"),
        ([">=", 5, "<=", 5], "the lower bound 5 must be less than the upper bound 5."),
        ([">", 6, "<", 5], "the lower bound 6 must be less than the upper bound 5."),
        ([">", 10**400], "the number 1" + "0" * 59 + "... is beyond what a double holds exactly. Round it."),
    ],
)
def test_a_range_has_a_lower_bound_then_an_upper_one(bounds: Any, message: str) -> None:
    assert fault({"a": [{"numeric": bounds}]}).startswith(f"a[0].numeric: {message}")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        *[
            (each, "cidr takes an address block such as 10.0.0.0/8, not")
            for each in ("", "x", "/8", "10.0.0.1", "10.0.0.1/")
        ],
        *[(each, "cidr takes an address block") for each in ("10.0.0/8", "10.0.0.0/8/8", "10.0.0.0/+8", "10.0.0.0/٨")],
        *[
            (each, "cidr takes an address block")
            for each in ("10.0.0.0/-1", "10.0.0.0/0008", "::%eth0/64", "10.0.0.0/8 ")
        ],
        ("10.0.0.1/32", "the mask must be 0 to 31 bits, not 32. Write the one address as an exact value."),
        ("::1/128", "the mask must be 0 to 127 bits, not 128."),
        ("10.0.0.1/999", "the mask must be 0 to 31 bits, not 999."),
        (8, "it takes a string, not 8."),
    ],
)
def test_a_block_of_addresses_has_an_address_and_a_mask(block: Any, message: str) -> None:
    assert fault({"a": [{"cidr": block}]}).startswith(f"a[0].cidr: {message}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (True, ": anything-but takes strings or numbers, not true."),
        (None, ": anything-but takes strings or numbers, not null."),
        ([], ": anything-but takes strings or numbers, not []."),
        (["x", None], ': anything-but takes strings or numbers, not ["x", null].'),
        (["x", 1], ': anything-but takes either strings or numbers, not both as in ["x", 1].'),
        ([["x"]], ": anything-but takes strings or numbers"),
        (10**400, ": the number 1"),
        ({}, ": anything-but takes one condition, not 0."),
        ({"prefix": "a", "suffix": "b"}, ": anything-but takes one condition, not 2."),
        ({"numeric": ["=", 5]}, ": anything-but takes prefix, suffix, equals-ignore-case or wildcard, not 'numeric'."),
        ({"prefix": ""}, ".prefix: an empty prefix excludes everything or nothing"),
        ({"suffix": ["a", ""]}, ".suffix: an empty suffix excludes everything or nothing"),
        ({"prefix": []}, ".prefix: an empty list excludes everything or nothing"),
        ({"wildcard": []}, ".wildcard: an empty list excludes everything or nothing"),
        ({"prefix": 1}, ".prefix: it takes a string, not 1."),
        ({"prefix": {"equals-ignore-case": "a"}}, ".prefix: it takes a string, not {"),
        ({"equals-ignore-case": ["a", 1]}, ".equals-ignore-case: it takes a string, not 1."),
        ({"wildcard": "**"}, ".wildcard: two stars in a row"),
    ],
)
def test_anything_but_excludes_values_or_forms(given: Any, message: str) -> None:
    assert fault({"a": [{"anything-but": given}]}).startswith(f"a[0].anything-but{message}")


@pytest.mark.parametrize(
    "condition",
    [
        {"prefix": ""},
        {"suffix": ""},
        {"equals-ignore-case": ""},
        {"wildcard": ""},
        {"wildcard": "*"},
        {"anything-but": ""},
        {"anything-but": [""]},
        {"anything-but": {"wildcard": ""}},
        {"anything-but": {"equals-ignore-case": ""}},
        {"numeric": ["<", -1e308]},
        {"exactly": ""},
    ],
)
def test_empty_text_is_a_condition_where_the_engine_takes_it(condition: Any) -> None:
    assert EventPattern({"a": [condition]}).branches


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "$or takes a list of objects, not {}."),
        ("x", '$or takes a list of objects, not "x".'),
        ([], "$or takes at least two objects."),
        ([{"a": ["x"]}], "$or takes at least two objects."),
        ([{"a": ["x"]}, "y"], '$or takes objects, not "y".'),
        ([{"a": ["x"]}, {}], "an empty object matches nothing"),
        ([{"a": ["x"]}, {"prefix": ["x"]}], "'prefix' cannot be the name of a field within $or."),
        ([{"a": ["x"]}, {"b": {"numeric": ["x"]}}], "'numeric' cannot be the name of a field within $or."),
        ([{"a": ["x"]}, {"b": []}], "an empty list matches nothing"),
    ],
)
def test_what_is_neither_a_fork_nor_a_field_is_refused_as_a_fork(value: Any, message: str) -> None:
    assert message in fault({"detail": {"$or": value}})
    assert fault({"detail": {"$or": value}}).startswith("detail.$or")


def test_the_path_to_a_fault_within_an_alternative_has_its_number() -> None:
    pattern = {"d": {"$or": [{"a": ["x"]}, {"b": {"c": [{"prefix": 1}]}}]}}
    assert fault(pattern) == "d.$or[1].b.c[0].prefix: it takes a string, not 1."


@pytest.mark.parametrize(
    ("value", "event", "other"),
    [
        (["x", "y"], {"$or": "y"}, {"$or": "z"}),
        ([{"prefix": "x"}], {"$or": "xy"}, {"$or": "y"}),
        ([{"prefix": "x"}, {"exists": False}], {"b": 1}, {"$or": "y"}),
        ({"a": ["x"]}, {"$or": {"a": "x"}}, {"a": "x"}),
    ],
)
def test_or_is_the_name_of_a_field_where_it_cannot_be_a_fork(value: Any, event: Any, other: Any) -> None:
    pattern = EventPattern({"$or": value})
    assert list(pattern.branches[0]) == (["$or.a"] if isinstance(value, dict) else ["$or"])
    assert pattern.matches(event)
    assert not pattern.matches(other)


def test_one_or_that_is_no_fork_makes_fields_of_all() -> None:
    pattern = {"$or": ["x"], "d": {"$or": [{"a": ["x"]}, {"b": ["x"]}]}}
    assert fault(pattern).startswith("$or: $or takes at least two objects")
    assert len(EventPattern({"$or": ["x"], "d": {"$or": ["y"]}}).branches) == 1


def forks(*sizes: int) -> dict[str, Any]:
    return {f"k{at}": {"$or": [{f"f{n}": [1]} for n in range(size)]} for at, size in enumerate(sizes)}


def test_alternatives_multiply_up_to_a_limit() -> None:
    assert len(EventPattern(forks(10, 10, 10)).branches) == BRANCHES_MAX
    assert fault(forks(10, 10, 10, 2)).startswith(
        "k3.$or: the alternatives of $or multiply to more than 1000 combinations, which EventBridge refuses."
    )
    assert "1000" in fault(forks(BRANCHES_MAX + 1), SNS)


def test_a_fork_within_a_fork_adds_up() -> None:
    inner = {"$or": [{"c": [1]}, {"d": [2]}]}
    pattern = EventPattern({"$or": [{"a": inner}, {"b": [3]}], "e": [4]})
    assert [sorted(branch) for branch in pattern.branches] == [["a.c", "e"], ["a.d", "e"], ["b", "e"]]


def test_a_pattern_has_a_limited_number_of_fields() -> None:
    assert EventPattern({f"f{at}": [1] for at in range(FIELDS_MAX)})
    assert fault({f"f{at}": [1] for at in range(FIELDS_MAX + 1)}) == "A pattern has at most 256 fields. Split the rule."


def test_a_pattern_has_a_limited_number_of_characters() -> None:
    size = len('{"a":[""]}')
    assert EventPattern({"a": ["x" * (4096 - size)]})
    assert fault({"a": ["x" * (4097 - size)]}).startswith(
        "EventBridge takes patterns of at most 4096 characters, not 4097."
    )
    assert fault('{"a":["x"]}' + " " * 4096).startswith("EventBridge takes patterns of at most 4096")
    assert EventPattern({"a": ["x" * 5000]}, dialect=SNS)


def test_a_name_has_a_limited_number_of_characters() -> None:
    assert EventPattern({"x" * 4000: {"y" * 95: [1]}}, dialect=SNS)
    assert fault({"x" * 4000: {"y" * 96: [1]}}, SNS).startswith(f"A field's name has at most {NAME_MAX} characters")


def test_a_pattern_that_is_nested_deeper_than_the_stack_is_refused() -> None:
    members = Members([("a", ["x"])])
    for _ in range(1500):
        members = Members([("a", members)])
    with pytest.raises(RuleError, match="The pattern is nested too deeply"):
        compiled(members, SNS)


@pytest.mark.parametrize("text", ["{}", '"x"', "[]", "null", "5", "", "{", "{} {}", '{"a": ["x"]} trailing', "{a: 1}"])
def test_a_pattern_is_one_json_object_that_names_a_field(text: str) -> None:
    assert fault(text)


def test_a_name_in_a_message_can_be_printed() -> None:
    assert fault({"a\n\ud800": []}).startswith(r"a\n\ud800: an empty list")
    assert len(fault({"x" * 3000: []})) < 400


def test_a_name_that_comes_twice_has_its_last_value() -> None:
    pattern = EventPattern('{"a": ["x"], "b": ["y"], "a": ["z"]}')
    assert pattern.matches({"a": "z", "b": "y"})
    assert not pattern.matches({"a": "x", "b": "y"})
    assert EventPattern('{"a.b": ["x"], "a": {"b": ["z"]}}').matches({"a": {"b": "z"}})


BUS_ONLY: list[tuple[Any, str]] = [
    ({"anything-but": {"suffix": "x"}}, "anything-but with suffix"),
    ({"anything-but": {"equals-ignore-case": "x"}}, "anything-but with equals-ignore-case"),
    ({"prefix": {"equals-ignore-case": "x"}}, "prefix with equals-ignore-case"),
    ({"suffix": {"equals-ignore-case": "x"}}, "suffix with equals-ignore-case"),
]
NOT_LAMBDA: list[tuple[Any, str]] = [
    ({"anything-but": {"prefix": "x"}}, "anything-but with prefix"),
    ({"anything-but": {"wildcard": "x"}}, "anything-but with wildcard"),
    ({"wildcard": "x"}, "wildcard"),
    ({"cidr": "10.0.0.0/8"}, "cidr"),
]


@pytest.mark.parametrize(("condition", "operator"), [*BUS_ONLY, *NOT_LAMBDA])
def test_a_service_takes_its_own_operators_only(condition: Any, operator: str) -> None:
    pattern = {"a": [condition]}
    assert EventPattern(pattern)
    assert f"Lambda does not take the operator '{operator}'." in fault(pattern, LAMBDA)
    if (condition, operator) in BUS_ONLY:
        assert f"SNS does not take the operator '{operator}'." in fault(pattern, SNS)
    else:
        assert EventPattern(pattern, dialect=SNS)


def test_a_dialect_may_lack_or() -> None:
    plain = Dialect("Plain", 4096, ("$or",))
    assert fault({"$or": [{"a": [1]}, {"b": [1]}]}, plain) == "$or: Plain has no $or."
    assert fault({"$or": ["x"]}, plain) == "$or: Plain has no $or."


@pytest.mark.parametrize("make", [json.dumps, lambda pattern: pattern])
def test_text_and_dict_say_the_same(make: Callable[[Any], Any]) -> None:
    pattern = {"a": ["x", 1, None, {"numeric": [">", 0]}], "b": {"c": [{"exists": False}]}}
    assert EventPattern(make(pattern)).matches({"a": 5})
    assert not EventPattern(make(pattern)).matches({"a": 5, "b": {"c": 1}})
    assert json.loads(EventPattern(make(pattern)).text) == pattern
