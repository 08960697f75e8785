"""What one value of a pattern asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.rules.grammar import network, numeric
from eventfw.rules.matchers import (
    Addresses,
    AnyCase,
    AnythingBut,
    Prefix,
    Present,
    Range,
    Suffix,
    Wildcard,
    address,
)
from eventfw.rules.reading import FALSE, NULL, TRUE, Inexact, token
from eventfw.rules.wildcards import segments

if TYPE_CHECKING:
    from eventfw.rules.matchers import Matcher

OTHERS = [0.0, 7.0, TRUE, FALSE, NULL, Inexact("1e999")]


def wildcard(text: str) -> Wildcard:
    return Wildcard(text, segments(text))


@pytest.mark.parametrize(
    ("matcher", "taken", "refused"),
    [
        (Prefix("ab"), ["ab", "abc"], ["", "a", "Ab", "cab"]),
        (Prefix(""), ["", "x"], []),
        (Suffix("ab"), ["ab", "cab"], ["", "b", "aB", "abc"]),
        (Suffix(""), ["", "x"], []),
        (AnyCase("Ab"), ["ab", "AB", "aB"], ["", "a", "abc", "cab"]),
        (AnyCase("Ab", "prefix"), ["ab", "ABC"], ["", "a", "cab"]),
        (AnyCase("Ab", "suffix"), ["ab", "CAB"], ["", "b", "abc"]),
        (AnyCase(""), [""], ["x"]),
        (AnyCase("", "prefix"), ["", "x"], []),
        (wildcard("a*b"), ["ab", "a*b", "axxb", "abab"], ["", "a", "ba", "abc", "aB"]),
        (network("10.1.0.0/16", "a"), ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3"][:2], ["10.2.0.0", "x", ""]),
    ],
)
def test_what_compares_text_takes_no_other_type(matcher: Matcher, taken: list[str], refused: list[str]) -> None:
    assert [value for value in taken if not matcher.test(value)] == []
    assert [value for value in [*refused, *OTHERS] if matcher.test(value)] == []


@pytest.mark.parametrize(
    ("text", "taken", "refused"),
    [
        ("straße", ["STRASSE", "straße", "Straße", "STRAßE"], ["strasse", "STRAẞE", "strass"]),
        ("K", ["k", "K"], ["\u212a"]),  # the Kelvin sign is no form of k
        ("\u212a", ["k", "\u212a"], ["K"]),  # but k is one of the Kelvin sign
        ("\u017f", ["\u017f", "S"], ["s"]),
        ("İ", ["İ", "i\u0307"], ["i", "I", "\u0131"]),
        ("\u0131", ["\u0131", "I"], ["i", "İ"]),
        ("ﬁ", ["ﬁ", "FI"], ["fi"]),
        ("\u03c3", ["\u03c3", "Σ"], ["ς"]),
        ("é", ["é", "É"], ["e\u0301", "e"]),
    ],
)
def test_a_letter_stands_for_its_own_lower_and_upper_form_only(text: str, taken: list[str], refused: list[str]) -> None:
    assert [each for each in taken if not AnyCase(text).test(each)] == []
    assert [each for each in refused if AnyCase(text).test(each)] == []
    assert [each for each in taken if not AnyCase(text, "prefix").test(each + "x")] == []
    assert [each for each in taken if not AnyCase(text, "suffix").test("x" + each)] == []


def test_a_character_beyond_16_bits_has_no_case_and_becomes_question_marks_as_in_the_engine() -> None:
    assert AnyCase("a\U0001f600").test("A??")
    assert not AnyCase("a\U0001f600").test("a\U0001f600")
    assert AnyCase("\U0001f600", "suffix").test("what??")


@pytest.mark.parametrize(
    ("text", "taken", "refused"),
    [
        ("*", ["", "x"], []),
        ("abc", ["abc"], ["abcd", "", "ABC"]),
        ("", [""], ["x"]),
        ("a*", ["a", "ab"], ["", "ba"]),
        ("*a", ["a", "ba"], ["", "ab"]),
        ("ab*ba", ["abba", "abxba", "ababa"], ["aba", "ab", "ba"]),
        ("*ab*ab*", ["abab", "xabxabx"], ["ab", "aab", "xabx"]),
        ("*aba*ba*", ["ababa", "xabaxbax"], ["aba", "xabax"]),
        ("a*b*a", ["aba", "abba", "axbya"], ["aa", "ab", "ba", "a"]),
        (r"a\*b*", ["a*b", "a*bc"], ["axb", r"a\*b"]),
        (r"\\*", ["\\", "\\x"], ["x", ""]),
    ],
)
def test_a_star_stands_for_any_characters(text: str, taken: list[str], refused: list[str]) -> None:
    assert [each for each in taken if not wildcard(text).test(each)] == []
    assert [each for each in refused if wildcard(text).test(each)] == []


@given(text=st.text("ab*", max_size=8), value=st.text("ab", max_size=10))
def test_a_wildcard_is_the_regular_expression_of_the_same_form(text: str, value: str) -> None:
    while "**" in text:
        text = text.replace("**", "*")
    wanted = re.fullmatch(text.replace("*", ".*"), value, re.DOTALL) is not None
    assert wildcard(text).test(value) is wanted


@pytest.mark.parametrize(
    ("condition", "taken", "refused"),
    [
        (["=", 5], [5, 5.0], [4, 6]),
        (["<", 5], [4.999, -1e300], [5, 6]),
        (["<=", 5], [5, -1], [5.001]),
        ([">", -5], [-4.999, 1e300], [-5, -6]),
        ([">=", -5], [-5, 0], [-5.001]),
        ([">", 0, "<", 5], [0.001, 4], [0, 5, -1, 6]),
        ([">=", 0, "<=", 5], [0, 5, -0.0], [-0.001, 5.001]),
        (["=", 0], [0, -0.0], [1e-300]),
    ],
)
def test_a_range_takes_numbers_between_its_bounds(condition: list[Any], taken: list[Any], refused: list[Any]) -> None:
    made = numeric(condition, "a")
    assert [each for each in taken if not made.test(token(each))] == []
    others: list[Any] = [True, False, None, "5", "0", 10**400]
    assert [each for each in [*refused, *others] if made.test(token(each))] == []


def test_a_missing_bound_is_no_bound() -> None:
    assert Range(None, False, None, False).test(1.0)
    assert not Range(None, False, None, False).test("1")


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("10.0.0.1", "010.000.0.01"),
        ("2001:db8::1", "2001:0DB8:0:0:0:0:0:1"),
        ("::ffff:a00:1", "10.0.0.1"),
        ("::", "0:0:0:0:0:0:0:0"),
    ],
)
def test_an_address_has_several_spellings(text: str, same: str) -> None:
    assert address(text) == address(same) is not None


@pytest.mark.parametrize(
    "text",
    [
        *[
            "",
            "10",
            "1.2.3",
            "1.2.3.4.5",
            "1.2.3.256",
            "1.2.3.-4",
            "1.2.3.+4",
            "1.2.3. 4",
            "1.2.3.",
            "1.2.3.٤",
            "a.b.c.d",
        ],
        *[
            "1.2.3.0000000000001",
            "1.2.3." + "9" * 5000,
            ":",
            ":::",
            "1::2::3",
            "12345::",
            "::1%eth0",
            "[::1]",
            "::1.2.3.4",
        ],
        *["1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::" + "0" * 5000, "g::", " ::1"],
    ],
)
def test_what_only_looks_like_an_address_is_none(text: str) -> None:
    assert address(text) is None


@pytest.mark.parametrize(
    ("block", "inside", "outside"),
    [
        ("10.0.0.77/28", ["10.0.0.64", "10.0.0.79", "::ffff:a00:41"], ["10.0.0.63", "10.0.0.80", "::a00:41"]),
        ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "::1"]),
        ("10.0.0.0/31", ["10.0.0.0", "10.0.0.1"], ["10.0.0.2"]),
        ("2001:db8::/32", ["2001:db8::", "2001:db8:ffff::1"], ["2001:db9::", "10.0.0.1"]),
        ("::/0", ["::", "ffff::"], ["0.0.0.0", "::ffff:a00:1"]),
        ("2001:db8::2/127", ["2001:db8::2", "2001:db8::3"], ["2001:db8::1", "2001:db8::4"]),
    ],
)
def test_a_block_takes_its_addresses_and_none_of_the_other_length(
    block: str, inside: list[str], outside: list[str]
) -> None:
    made = network(block, "a")
    assert [each for each in inside if not made.test(each)] == []
    assert [each for each in [*outside, "x", 1.0, NULL] if made.test(each)] == []


def test_anything_but_takes_values_of_every_type_and_refuses_what_one_condition_takes() -> None:
    names = AnythingBut(["a", "b"], [])
    assert all(map(names.test, ["", "c", *OTHERS]))
    assert not names.test("a") and not names.test("b")
    forms = AnythingBut([], [Prefix("a"), Suffix("z")])
    assert all(map(forms.test, ["", "za", *OTHERS]))
    assert not forms.test("ab") and not forms.test("yz")


def test_present_takes_null_too() -> None:
    assert all(map(Present().test, ["", *OTHERS]))


@pytest.mark.parametrize(
    ("matcher", "words"),
    [
        (Prefix("a"), 'beginning with "a"'),
        (Suffix("a"), 'ending in "a"'),
        (AnyCase("aB"), '"aB" in any case'),
        (AnyCase("aB", "prefix"), 'beginning with "aB" in any case'),
        (AnyCase("aB", "suffix"), 'ending in "aB" in any case'),
        (wildcard("a*"), 'like "a*"'),
        (Range(0.5, True, 5.0, False), "> 0.5 and <= 5"),
        (Range(0.0, False, None, False), ">= 0"),
        (Range(None, False, 1e300, True), "< 1e+300"),
        (numeric(["=", 5], "a"), "= 5"),
        (network("10.0.0.0/8", "a"), "in 10.0.0.0/8"),
        (Addresses("::1", b"\0" * 16, b"\0" * 16), 'the address "::1"'),
        (AnythingBut(["b", "a"], []), 'anything but "a" or "b"'),
        (AnythingBut([2.0, 1.5], []), "anything but 1.5 or 2"),
        (AnythingBut([], [Prefix("a"), Suffix("b")]), 'anything but beginning with "a" or ending in "b"'),
        (Present(), "present"),
    ],
)
def test_a_matcher_says_what_it_asks_for(matcher: Matcher, words: str) -> None:
    assert str(matcher) == words
