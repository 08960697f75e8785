"""Reading JSON as the engines do, and saying values in messages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules.reading import FALSE, NULL, TRUE, Inexact, Members, loads, named, number, shown, token


@pytest.mark.parametrize("text", ["300", "300.0", "3e2", "3E+2", "30.00e1", "300." + "0" * 900])
def test_a_number_has_one_value_however_it_is_written(text: str) -> None:
    assert number(text) == 300.0


@pytest.mark.parametrize("text", ["-0", "0.0", "-0.0", "0e5", "-0e99999999999", "0E-999999999999999999"])
def test_zero_has_no_sign(text: str) -> None:
    assert str(number(text)) == "0.0"


@pytest.mark.parametrize(
    "text",
    [
        "1e400",
        "-1e400",
        "1e-400",
        "9007199254740993",
        "0.1000000000000000055",
        "300." + "0" * 1000,
        "1e999999999999999999999",
    ],
)
def test_a_number_that_no_double_equals_keeps_its_text(text: str) -> None:
    assert number(text) == Inexact(text)


@pytest.mark.parametrize(
    "text", ["9007199254740992", "1e22", "0.1", "1e308", "5e-324", "123456789.125", "1" + "0" * 300]
)
def test_a_number_that_a_double_equals_is_that_double(text: str) -> None:
    assert number(text) == float(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [(1, 1.0), (-0.0, 0), (2**53, float(2**53)), (2**53 + 1, Inexact(str(2**53 + 1))), (True, TRUE), (None, NULL)],
)
def test_equal_values_have_equal_tokens(one: Any, other: Any) -> None:
    assert token(one) == token(other)
    assert hash(token(one)) == hash(token(other))


def test_true_and_false_are_no_numbers() -> None:
    assert token(True) is TRUE and token(False) is FALSE
    assert len({token(True), token(1), token(False), token(0), token(None), token("1"), token("null")}) == 7


def test_a_subclass_of_a_json_type_counts_as_that_type() -> None:
    class Name(str):
        def __str__(self) -> str:
            return "other"

    class Count(int):
        __slots__ = ()

    class Share(float):
        __slots__ = ()

    assert (token(Name("x")), token(Count(7)), token(Share(0.5))) == ("x", 7.0, 0.5)
    assert [type(token(each)) for each in (Name("x"), Count(7), Share(0.5))] == [str, float, float]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**4000, b"x", object(), {1}, 1j])
def test_what_json_cannot_say_has_a_token_that_no_json_has(value: Any) -> None:
    assert isinstance(token(value), Inexact)
    assert token(value) != token(str(value)[:10]) if not isinstance(value, int) else True


def test_a_whole_number_that_python_would_not_write_has_a_token() -> None:
    assert token(10**600) == number("1" + "0" * 600)
    assert token(10**5000) == token(10**5000) != token(10**5001)


def test_members_keep_names_that_come_twice() -> None:
    assert loads('{"a": 1, "a": {}}', members=True) == Members([("a", 1.0), ("a", Members())])
    assert loads('{"a": 1, "a": 2}') == {"a": 2.0}


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", "-Infinity", "{'a': 1}", "[1,]", "\ufeff{}", "1 2", '"\n"']
)
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match="This is not JSON"):
        loads(text)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 100_000 + "]" * 100_000])
def test_json_that_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match="nested too deeply, over 1000 levels"):
        loads(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", '"a"'),
        ("ä ß", '"ä ß"'),
        ('a"b\\', r'"a\"b\\"'),
        ("a\nb", r'"a\nb"'),
        ("\ud800", r'"\ud800"'),
        ("x" * 61, '"' + "x" * 60 + '..."'),
        (5.0, "5"),
        (0.5, "0.5"),
        (True, "true"),
        (None, "null"),
        (TRUE, "true"),
        (Inexact("1e400"), "1e400"),
        ([1.0, "a", None], '[1, "a", null]'),
        ([1, 2, 3, 4, 5], "[1, 2, 3, 4, ...]"),
        ((1,), "[1]"),
        ({"a": [1]}, '{"a": [1]}'),
        (Members([("a", 1.0), ("a", 2.0)]), '{"a": 1, "a": 2}'),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, '{"a": 1, "b": 2, "c": 3, ...}'),
        ([[[[1]]]], "[[[...]]]"),
        (10**4000, hex(10**4000)[:60] + "..."),
    ],
)
def test_a_value_is_shown_as_json_writes_it_cut_to_a_line(value: Any, words: str) -> None:
    assert shown(value) == words


class Broken:
    def __repr__(self) -> str:
        raise KeyError("none of your business")


def test_no_value_is_too_strange_to_be_shown() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    circle: dict[str, Any] = {}
    circle["a"] = circle
    assert shown(Broken()) == "a Python Broken"
    assert shown([Broken()]) == "a Python list"
    assert shown(deep) == "[[[...]]]"
    assert shown(circle) == '{"a": {"a": {"a": ...}}}'


def test_a_name_in_a_message_can_be_printed_and_is_short() -> None:
    assert named("detail.state") == "detail.state"
    assert named("a\n\ud800") == r"a\n\ud800"
    assert len(named("x" * 5000)) < 220


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_shown_in_a_line_that_can_be_printed(value: Any) -> None:
    words = shown(value)
    assert words.encode() and words.isprintable() and len(words) < 2000
    assert shown(loads(json.dumps(value), members=True)).isprintable()
