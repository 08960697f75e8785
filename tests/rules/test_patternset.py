"""Many patterns at once: none is lost, and few are tried."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, reject, settings
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules import fields
from eventfw.rules.fields import Trial
from eventfw.rules.grammar import TooComplex
from eventfw.rules.pattern import EventPattern
from eventfw.rules.patternset import PatternSet

# Small alphabets, so that a value often fits: letters whose other case has another length or is another letter's,
# addresses in several spellings, numbers around one another.
PIECE = st.sampled_from(
    [*"aAbBkKsSiI.", "ab", "ß", "\u017f", "İ", "\u0131", "\u212a", "é", "É", "ﬁ", "SS", "i\u0307", "\U0001f600", "??"]
)
WORD = st.lists(PIECE, max_size=4).map("".join)
ADDRESS = st.sampled_from(
    [
        "10.0.0.1",
        "010.0.0.01",
        "10.0.0.2",
        "10.1.0.0",
        "::ffff:a00:1",
        "::1",
        "0:0:0:0:0:0:0:1",
        "2001:db8::1",
        "2001:DB8::1",
    ]
)
BLOCK = st.sampled_from(
    ["10.0.0.0/8", "10.0.0.0/30", "10.0.0.1/31", "0.0.0.0/0", "::/0", "::1/127", "2001:db8::/32", "::ffff:a00:0/24"]
)
NUMBER = st.sampled_from([0, -0.0, 1, -1, 1.5, 2, 3, 1e300, -1e300, 2**53, 5e-324])
ODD_NUMBER = st.sampled_from([10**400, 2**53 + 1])
SCALAR = WORD | ADDRESS | NUMBER | ODD_NUMBER | st.sampled_from([True, False, None])


def wildcard(parts: list[str]) -> str:
    return "*".join(part for at, part in enumerate(parts) if part or at in (0, len(parts) - 1))


WILDCARD = st.lists(WORD, min_size=1, max_size=4).map(wildcard)


@st.composite
def ranges(draw: st.DrawFn) -> list[Any]:
    low, high = sorted([draw(NUMBER), draw(NUMBER)])
    if low == high:
        return [draw(st.sampled_from(["=", "<", "<=", ">", ">="])), low]
    return [draw(st.sampled_from([">", ">="])), low, draw(st.sampled_from(["<", "<="])), high]


def one(name: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return value.map(lambda given: {name: given})


FULL = WORD.filter(bool)
ALTERNATIVE = st.one_of(
    SCALAR,
    SCALAR,
    one("prefix", WORD),
    one("suffix", WORD),
    one("prefix", one("equals-ignore-case", WORD)),
    one("suffix", one("equals-ignore-case", WORD)),
    one("equals-ignore-case", WORD),
    one("wildcard", WILDCARD),
    one("numeric", ranges()),
    one("cidr", BLOCK),
    one("exists", st.booleans()),
    one(
        "anything-but",
        WORD | NUMBER | st.lists(WORD, min_size=1, max_size=3) | st.lists(NUMBER, min_size=1, max_size=3),
    ),
    one(
        "anything-but",
        one("prefix", FULL) | one("suffix", FULL) | one("wildcard", WILDCARD) | one("equals-ignore-case", WORD),
    ),
)
VALUES = st.lists(ALTERNATIVE, min_size=1, max_size=3)
NAMES = ["a", "b", "c.d", "c"]
LEVEL = st.dictionaries(st.sampled_from(["a", "b", "c.d"]), VALUES, min_size=1, max_size=3) | st.dictionaries(
    st.sampled_from(["a", "b"]), VALUES, min_size=1, max_size=1
).flatmap(lambda fields: one("d", VALUES).map(lambda inner: {**fields, "c": inner}))


@st.composite
def patterns(draw: st.DrawFn) -> dict[str, Any]:
    pattern = draw(LEVEL)
    if draw(st.booleans()):
        pattern["$or"] = draw(st.lists(LEVEL, min_size=2, max_size=3))
    return pattern


GIVEN = SCALAR | st.lists(SCALAR, max_size=3)
PART = st.fixed_dictionaries({}, optional={"a": GIVEN, "b": GIVEN, "d": GIVEN})
EVENTS = st.fixed_dictionaries(
    {}, optional={"a": GIVEN, "b": GIVEN, "c": PART | st.lists(PART, max_size=3) | SCALAR, "c.d": GIVEN}
)


class Alone:
    """Patterns of which each is tried."""

    def __init__(self, patterns: list[Any]) -> None:
        self.patterns = [EventPattern(pattern) for pattern in patterns]

    def matching(self, event: Any) -> list[int]:
        return [at for at, pattern in enumerate(self.patterns) if pattern.matches(event)]


def both(made: list[Any]) -> tuple[PatternSet, Alone]:
    """The two that are to agree, unless EventBridge would refuse the wildcards, of which some are too complex."""
    try:
        return PatternSet(made), Alone(made)
    except TooComplex:
        reject()


@settings(max_examples=150)
@given(st.lists(patterns(), min_size=1, max_size=10), st.lists(EVENTS, min_size=1, max_size=4))
@example([{"a": [{"prefix": "aab"}]}, {"a": [{"suffix": "aab"}]}], [{"a": "ab"}, {"a": "aab"}, {"a": ""}])
@example(
    [{"a": [{"equals-ignore-case": "\u212a"}]}, {"a": [{"equals-ignore-case": "k"}]}], [{"a": "k"}, {"a": "\u212a"}]
)
def test_the_set_says_what_trying_each_says(made: list[Any], events: list[Any]) -> None:
    together, alone = both(made)
    assert len(together) == len(made)
    for event in events:
        assert together.matching(event) == alone.matching(event)
        assert together.matching(json.dumps(event)) == alone.matching(json.dumps(event))


@settings(max_examples=400)
@given(st.lists(ALTERNATIVE, min_size=1, max_size=20), st.lists(SCALAR, min_size=1, max_size=6))
def test_no_form_of_value_is_lost(alternatives: list[Any], values: list[Any]) -> None:
    made = [{"a": [each]} for each in alternatives] + [{"a": alternatives, "b": [{"exists": False}]}]
    together, alone = both(made)
    for value in values:
        assert together.matching({"a": value}) == alone.matching({"a": value})
    assert together.matching({"a": values}) == alone.matching({"a": values})
    assert together.matching({}) == alone.matching({})


FOLDED = "kKsSiIaA\u212a\u017fßİ\u0131éÉﬁŉǰΰ"


@settings(max_examples=300)
@given(
    text=st.text(FOLDED, max_size=5),
    ends=st.tuples(st.text(FOLDED, max_size=2), st.text(FOLDED, max_size=2)),
    how=st.lists(st.sampled_from([str.lower, str.upper, str.swapcase, str]), min_size=1, max_size=5),
)
def test_no_pattern_in_any_case_is_lost(text: str, ends: tuple[str, str], how: list[Callable[[str], str]]) -> None:
    folded = "".join(how[at % len(how)](char) for at, char in enumerate(text))
    made = [
        {"a": [{"equals-ignore-case": text}]},
        {"a": [{"prefix": {"equals-ignore-case": text}}]},
        {"a": [{"suffix": {"equals-ignore-case": text}}]},
    ]
    together, alone = both(made)
    for value in (folded, folded + ends[1], ends[0] + folded, folded[1:], folded[:-1], ends[0] + folded + ends[1]):
        assert together.matching({"a": value}) == alone.matching({"a": value})


@given(st.lists(st.tuples(ranges()), min_size=1, max_size=40), st.lists(NUMBER, min_size=1, max_size=5))
def test_no_range_is_lost_among_many(bounds: list[tuple[Any]], values: list[Any]) -> None:
    made = [{"n": [{"numeric": each}]} for (each,) in bounds]
    together, alone = both(made)
    for value in values:
        assert together.matching({"n": value}) == alone.matching({"n": value})


def test_patterns_come_as_dicts_texts_or_made_ones() -> None:
    one = EventPattern({"a": ["x"]})
    together = PatternSet([one, {"a": ["x"]}, '{"a": ["y"]}', one])
    assert together.patterns[0] is one
    assert together.matching({"a": "x"}) == [0, 1, 3]
    assert PatternSet([]).matching({"a": "x"}) == []


def test_a_faulty_pattern_and_a_faulty_event_are_refused() -> None:
    with pytest.raises(RuleError, match="a: an empty list"):
        PatternSet([{"a": ["x"]}, {"a": []}])
    for event in ("[]", "{", 5, None):
        with pytest.raises(RuleError):
            PatternSet([{"a": ["x"]}]).matching(event)  # type: ignore[arg-type]


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The branches that were tried, as they are."""
    seen: list[Any] = []
    satisfies = Trial.satisfies
    monkeypatch.setattr(Trial, "satisfies", lambda self, branch: seen.append(branch) or satisfies(self, branch))  # type: ignore[func-returns-value]
    return seen


FORMS: dict[str, tuple[Callable[[int], Any], Any]] = {
    "exact": (lambda n: {"a": [f"v{n}"]}, {"a": "v7"}),
    "number": (lambda n: {"a": [n]}, {"a": 7}),
    "prefix": (lambda n: {"a": [{"prefix": f"{n}/"}]}, {"a": "7/x"}),
    "suffix": (lambda n: {"a": [{"suffix": f"/{n}"}]}, {"a": "x/7"}),
    "any case": (lambda n: {"a": [{"equals-ignore-case": f"Abc{n}"}]}, {"a": "aBC7"}),
    "any case, not ascii": (lambda n: {"a": [{"equals-ignore-case": f"É{n}"}]}, {"a": "é7"}),
    "prefix in any case": (lambda n: {"a": [{"prefix": {"equals-ignore-case": f"{n}É"}}]}, {"a": "7éx"}),
    "suffix in any case": (lambda n: {"a": [{"suffix": {"equals-ignore-case": f"É{n}"}}]}, {"a": "xé7"}),
    "wildcard": (lambda n: {"a": [{"wildcard": f"*/{n:04}/*.png"}]}, {"a": "x/0007/y.png"}),
    "wildcard without star": (lambda n: {"a": [{"wildcard": f"v{n}"}]}, {"a": "v7"}),
    "wildcard with short parts": (lambda n: {"a": [{"wildcard": f"{n:02}*{n:02}"}]}, {"a": "07x07"}),
    "range": (lambda n: {"a": [{"numeric": [">=", n, "<", n + 1]}]}, {"a": 7.5}),
    "open range": (lambda n: {"a": [{"numeric": [">", 1000 - n]}]}, {"a": -998}),
    "equal number": (lambda n: {"a": [{"numeric": ["=", n]}]}, {"a": 7}),
    "address": (lambda n: {"a": [f"10.0.{n // 256}.{n % 256}"]}, {"a": "010.0.0.7"}),
    "block": (lambda n: {"a": [{"cidr": f"10.{n // 256}.{n % 256}.0/24"}]}, {"a": "10.0.7.9"}),
    "block of v6": (lambda n: {"a": [{"cidr": f"2001:{n:x}::/32"}]}, {"a": "2001:7::1"}),
    "several alternatives": (lambda n: {"a": [f"v{n}", {"prefix": f"p{n}/"}, n]}, {"a": ["v7", 7]}),
    "anything but, beside": (lambda n: {"a": [{"anything-but": "x"}], "b": [f"v{n}"]}, {"a": "y", "b": "v7"}),
    "present, beside": (lambda n: {"a": [{"exists": True}], "b": [n]}, {"a": "y", "b": 7}),
    "absent, beside": (lambda n: {"a": [{"exists": False}], "b": [n]}, {"b": 7}),
    "fork": (lambda n: {"$or": [{"a": [f"v{n}"]}, {"b": [f"v{n}"]}]}, {"a": "v7", "b": "v7"}),
    "common field": (
        lambda n: {"source": ["shop"], "detail": {"id": [f"v{n}"]}},
        {"source": "shop", "detail": {"id": "v7"}},
    ),
    "element": (lambda n: {"l": {"a": [n], "b": [1]}}, {"l": [{"a": 7, "b": 0}, {"a": 7, "b": 1}]}),
}


@pytest.mark.parametrize("form", FORMS)
def test_of_thousands_of_patterns_few_are_tried(form: str, trials: list[Any]) -> None:
    make, event = FORMS[form]
    together = PatternSet(make(n) for n in range(2000))
    expected = [at for at, pattern in enumerate(together.patterns) if pattern.matches(event)]
    assert 1 <= len(expected) <= 2
    trials.clear()
    assert together.matching(event) == expected
    assert len(trials) <= (40 if form == "wildcard" else 4)  # a part of three characters is found in some others
    trials.clear()
    assert together.matching({"x": 1}) == []
    assert trials == []


def test_a_pattern_is_filed_under_its_rarest_field(trials: list[Any]) -> None:
    together = PatternSet({"a": [f"v{n % 2}"], "b": [n], "c": [f"v{n % 3}"]} for n in range(600))
    assert together.matching({"a": "v1", "b": 7, "c": "v1"}) == [7]
    assert len(trials) == 1


def test_a_field_is_as_common_as_the_branches_that_have_it(trials: list[Any]) -> None:
    forks = {"x": ["v"], "$or": [{"k": [at]} for at in range(8)]}
    together = PatternSet([forks, {"x": ["v"], "y": ["w"]}, {"y": ["w"], "z": [1]}, {"y": ["w"], "z": [2]}])
    assert together.matching({"x": "v"}) == []
    assert trials == []


def test_of_a_pattern_that_matches_no_further_branch_is_tried(trials: list[Any]) -> None:
    together = PatternSet([{"a": ["x"], "$or": [{"b": [{"exists": False}]}, {"c": [{"exists": False}]}]}])
    assert together.matching({"a": "x"}) == [0]
    assert len(trials) == 1


def test_every_pattern_has_steps_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "STEPS_MAX", 100)
    together = PatternSet({"l": {"a": [1], "b": [2, 10 + at]}} for at in range(20))
    assert together.matching({"l": [{"a": 1, "b": 1}, {"a": 1, "b": 2}]}) == list(range(20))


def test_filing_looks_at_a_field_once_for_all_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventfw.rules import patternset

    calls = []
    keys = patternset._keys
    monkeypatch.setattr(patternset, "_keys", lambda matcher: calls.append(matcher) or keys(matcher))  # type: ignore[func-returns-value]
    forks = {f"k{at}": {"$or": [{"a": [1]}, {"b": [1]}]} for at in range(9)}
    together = PatternSet([{"x": [{"prefix": "y"}], **forks}])
    assert len(calls) == 1
    assert together.matching({"x": "y", **{f"k{at}": {"b": 1} for at in range(9)}}) == [0]
