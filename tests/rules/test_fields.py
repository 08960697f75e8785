"""Scalars by name, and one element of a list for all fields."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules import fields
from eventfw.rules.fields import Field, Trial, Wanted
from eventfw.rules.matchers import AnythingBut, Prefix
from eventfw.rules.pattern import EventPattern
from eventfw.rules.reading import Members


def takes(pattern: Any, event: Any) -> bool:
    return EventPattern(pattern).matches(event)


def names(event: Any, *wanted: str) -> dict[str, list[Any]]:
    return {name: [value for value, _ in found] for name, found in Wanted(wanted).of(event).items()}


def test_a_name_is_the_path_to_a_scalar_and_lists_add_no_step() -> None:
    event = {"a": {"b": 1, "c": {"d": "x"}}, "l": [{"b": 2}, [{"b": 3}, 4], 5], "e": {}, "f": []}
    assert names(event, "a.b", "a.c.d", "l", "l.b", "e", "f") == {
        "a.b": [1.0],
        "a.c.d": ["x"],
        "l": [5.0, 4.0],
        "l.b": [3.0, 2.0],
    }


def test_dots_in_names_are_steps() -> None:
    event = {"a.b": {"c": 1}, "a": {"b.c": 2, "b": {"c": 3}}, "a.b.c": 4}
    assert sorted(names(event, "a.b.c")["a.b.c"]) == [1.0, 2.0, 3.0, 4.0]
    assert names({"a.b.": 1, "a..b": 2, ".": 3}, "a.b.", "a..b", ".", "a.b") == {
        "a.b.": [1.0],
        "a..b": [2.0],
        ".": [3.0],
    }


def test_nothing_but_wanted_names_is_looked_into() -> None:
    class Untouchable(dict[str, Any]):
        def items(self) -> Any:
            raise AssertionError("looked into")

    event = {"a": {"x": Untouchable(), "b": 1}, "b": Untouchable(), "l": [Untouchable()]}
    assert names(event, "a.b", "b", "l") == {"a.b": [1.0]}


def test_a_scalar_where_an_object_is_wanted_is_nothing_and_the_reverse() -> None:
    assert names({"a": 1}, "a.b") == {}
    assert names({"a": {"b": 1}}, "a") == {}
    assert names({"a": [{"b": 1}, 2]}, "a") == {"a": [2.0]}


def test_of_a_name_that_comes_twice_both_count() -> None:
    assert names(Members([("a", 1), ("a", 2)]), "a") == {"a": [1.0, 2.0]}


def test_a_name_that_is_no_text_is_no_name() -> None:
    assert names({1: "x", None: "y", "a": {None: "z", 2: 3, "b": 4}}, "1", "None", "a.b", "a") == {"a.b": [4.0]}


def test_subclasses_of_dict_list_and_tuple_are_looked_into() -> None:
    class Record(dict[str, Any]):
        pass

    class Rows(list[Any]):
        pass

    assert names({"a": Record(b=Rows([1, (2, 3)]))}, "a.b") == {"a.b": [1.0, 2.0, 3.0]}


def test_two_fields_are_satisfied_by_one_element() -> None:
    pattern = {"l": {"a": [1], "b": [2]}}
    assert takes(pattern, {"l": [{"a": 1, "b": 0}, {"a": 1, "b": 2}]})
    assert not takes(pattern, {"l": [{"a": 1, "b": 0}, {"a": 0, "b": 2}]})
    assert takes(pattern, {"l": {"a": [0, 1], "b": [2, 3]}})


def test_three_fields_are_satisfied_by_one_element() -> None:
    pattern = {"l": {"a": [1], "b": [2], "c": [3]}}
    pairs = [{"a": 1, "b": 2}, {"b": 2, "c": 3}, {"a": 1, "c": 3}]
    assert not takes(pattern, {"l": pairs})
    assert takes(pattern, {"l": [*pairs, {"a": 1, "b": 2, "c": 3}]})


def test_scalars_of_one_list_are_no_elements() -> None:
    assert takes({"a": [1], "b": [2]}, {"a": [0, 1], "b": [2, 3]})
    assert takes({"a": [{"anything-but": 1}]}, {"a": [1, 2]})


def test_elements_of_different_lists_are_combined_freely() -> None:
    assert takes({"l": {"a": [1]}, "m": {"b": [2]}}, {"l": [{"a": 0}, {"a": 1}], "m": [{"b": 2}, {"b": 3}]})


def test_a_list_within_an_element_belongs_to_it() -> None:
    pattern = {"l": {"a": [1], "m": {"b": [2], "c": [3]}}}
    assert takes(pattern, {"l": [{"a": 1, "m": [{"b": 0}, {"b": 2, "c": 3}]}]})
    assert not takes(pattern, {"l": [{"a": 1, "m": [{"b": 2}, {"c": 3}]}]})
    assert not takes(pattern, {"l": [{"a": 1, "m": [{"b": 0}]}, {"a": 0, "m": [{"b": 2, "c": 3}]}]})


def test_a_list_directly_in_a_list_counts_as_well() -> None:
    pattern = {"l": {"a": [1], "b": [2]}}
    assert takes(pattern, {"l": [[{"a": 1, "b": 2}]]})
    assert not takes(pattern, {"l": [[{"a": 1}, {"b": 2}]]})
    assert not takes(pattern, {"l": [[{"a": 1}], [{"b": 2}]]})


def test_what_is_in_no_list_goes_with_any_element() -> None:
    assert takes({"l": {"a": [1], "b": [2]}}, '{"l": [{"a": 1}, {"a": 0}], "l": {"b": 2}}')
    assert takes({"l.a": [1], "l.b": [2]}, {"l": [{"a": 1}], "l.b": 2})


@pytest.mark.parametrize(
    ("event", "taken"),
    [
        ({"l": [{"a": 1}]}, True),
        ({"l": [{"a": 1}, {"b": 2}]}, True),
        ({"l": [{"a": 1, "b": 2}]}, False),
        ({"l": [{"a": 1, "b": 2}, {"a": 1}]}, True),
        ({"l": [{"a": 1, "b": 2}, {"a": 0}]}, False),
        ({"l": [{"a": 1, "b": {}}]}, True),
        ({"l": [{"a": 1, "b": []}]}, True),
        ({"l": [{"a": 1, "b": None}]}, False),
    ],
)
def test_absence_is_asked_of_the_chosen_element(event: Any, taken: bool) -> None:
    assert takes({"l": {"a": [1], "b": [{"exists": False}]}}, event) is taken


def test_absence_alone_is_asked_of_all_elements() -> None:
    pattern = {"l": {"b": [{"exists": False}]}}
    assert takes(pattern, {"l": [{"a": 1}, {"c": 1}]})
    assert not takes(pattern, {"l": [{"a": 1}, {"b": 1}]})
    assert takes({"l": {"b": [{"exists": False}, 1]}}, {"l": [{"a": 1}, {"b": 1}]})


def test_absence_is_asked_before_the_element_is_chosen_by_a_later_name() -> None:
    for pattern in ({"l": {"b": [{"exists": False}], "c": [1]}}, {"l": {"c": [1], "b": [{"exists": False}]}}):
        assert not takes(pattern, {"l": [{"b": 1}, {"c": 1}]})
        assert takes(pattern, {"l": [{"d": 1}, {"c": 1}]})


def test_an_element_may_be_chosen_so_that_another_field_is_absent() -> None:
    pattern = {"l.x": [1], "l.y": [{"exists": False}]}
    assert takes(pattern, {"l": [{"x": 1}, {"y": 1}]})
    assert takes(pattern, {"l": [{"x": 1}, {"y": 1}], "l.x": 1})
    assert not takes(pattern, {"l": [{"x": 0}, {"y": 1}], "l.x": 1})


def test_a_scalar_in_no_list_leaves_the_element_to_other_fields() -> None:
    pattern = {"l.a": [1], "l.c": [1], "l.d": [{"exists": False}]}
    assert takes(pattern, {"l": [{"a": 1}, {"c": 1}, {"d": 1}], "l.a": 1})
    assert not takes(pattern, {"l": [{"a": 1}, {"c": 1}, {"d": 1}]})


def test_absence_of_a_scalar_that_is_in_no_list_is_never_satisfied() -> None:
    pattern = {"l.a": [1], "l.b": [{"exists": False}]}
    assert not takes(pattern, {"l": [{"a": 1}], "l.b": 1})
    assert not takes({"a": [{"exists": False}]}, {"a": 1})


def expected(pattern: list[tuple[str, Field]], scalars: fields.Scalars) -> bool:
    """Every choice of one scalar for each field, in the order of names, tried one by one."""

    def agrees(place: fields.Place, chosen: dict[int, int]) -> bool:
        return all(chosen.get(number, index) == index for number, index in place)

    choices = []
    for name, field in pattern:
        places: list[Any] = [place for value, place in scalars.get(name, ()) if field.test(value)]
        choices.append(places + ["absent"] * field.absent)
    for choice in product(*choices):
        chosen: dict[int, int] = {}
        for (name, _), place in zip(pattern, choice, strict=True):
            if place == "absent":
                if any(agrees(each, chosen) for _, each in scalars.get(name, ())):
                    break
            elif agrees(place, chosen):
                chosen |= dict(place)
            else:
                break
        else:
            return True
    return False


SCALAR = st.sampled_from([1, 2])
KEY = st.sampled_from(["a", "b", "c", "a.b", "b.c", "a.a"])
EVENT = st.recursive(
    st.dictionaries(KEY, SCALAR, max_size=3),
    lambda inner: st.dictionaries(
        KEY,
        SCALAR | inner | st.lists(SCALAR | inner, max_size=3) | st.lists(st.lists(inner, max_size=2), max_size=2),
        max_size=3,
    ),
    max_leaves=8,
)
NAME = st.sampled_from(["a", "b", "a.a", "a.b", "a.c", "a.a.b", "a.b.c", "a.b.a", "b.c", "b.a"])
FIELD = st.builds(Field, st.lists(st.sampled_from([1.0, 2.0]), max_size=2), st.just([]), st.booleans())


@given(EVENT, st.dictionaries(NAME, FIELD, min_size=1, max_size=4))
def test_the_answer_is_that_of_trying_every_choice_of_elements(event: Any, wanted: dict[str, Field]) -> None:
    pattern = sorted(wanted.items(), key=lambda pair: pair[0])
    scalars = Wanted(wanted).of(event)
    assert Trial(scalars).satisfies(pattern) is expected(pattern, scalars)


def test_a_field_is_compared_once_for_all_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    test = Prefix.test
    monkeypatch.setattr(Prefix, "test", lambda self, value: calls.append(value) or test(self, value))  # type: ignore[func-returns-value]
    forks = {f"k{at}": {"$or": [{"a": [1]}, {"b": [1]}]} for at in range(9)}
    pattern = EventPattern({"a": [{"prefix": "never"}], **forks})
    values = [f"v{at}" for at in range(1000)]
    assert len(pattern.branches) == 512
    assert pattern.mismatch({"a": values, **{f"k{at}": {"a": 1} for at in range(9)}})
    assert calls == values
    calls.clear()
    assert not pattern.matches({"a": "v", **{f"k{at}": {"a": 1} for at in range(9)}})
    assert calls == ["v"]


def test_one_element_of_a_list_of_scalars_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    test = Prefix.test
    monkeypatch.setattr(Prefix, "test", lambda self, value: calls.append(value) or test(self, value))  # type: ignore[func-returns-value]
    assert takes({"a": [{"prefix": "v"}]}, {"a": [f"v{at}" for at in range(1000)]})
    assert calls == ["v0"]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What trials spend."""
    spent: list[int] = []
    monkeypatch.setattr(Trial, "_spend", lambda self, number: spent.append(number))
    return spent


def test_what_is_looked_at_is_counted(steps: list[int]) -> None:
    assert not takes({"l": {"a": [1], "b": [1]}}, {"l": [{"a": 1}, {"a": 1}, {"b": 1}]})
    values, places = [2, 1], [2, 1]
    first = [1 + 1, 1 + 1, 1 + 1]  # the list, two elements of it
    second = [1 + 1, 1 + 1]  # the list, where neither element fits
    assert steps == values + places + first + second


def test_a_field_with_a_scalar_in_no_list_is_not_combined(steps: list[int]) -> None:
    assert takes({"l.a": [1], "l.b": [2]}, {"l": [{"a": 1}, {"b": 2}] * 9, "l.a": 1})
    assert steps == [10, 9]


def test_the_first_element_that_satisfies_the_last_field_is_enough(steps: list[int]) -> None:
    assert takes({"l": {"a": [1], "b": [2]}}, {"l": [{"a": 1, "b": 2}] * 100})
    assert sum(steps) <= 2 * 100 + 2 * 100 + (2 + 2 * 100) + 10


def test_lists_that_no_other_field_asks_about_are_not_combined(steps: list[int]) -> None:
    event = {"a": [{"x": 1}, {"z": 2}] * 500, "a.y": [{"q": 1}] * 500}
    assert not takes({"a.x": [1], "a.y.q": [1], "a.z": [2]}, event)
    assert sum(steps) < 10 * 1500


def test_elements_that_no_later_field_asks_about_are_forgotten() -> None:
    pattern = {f"l{at}": {"a": [1], "b": [1]} for at in range(10)}
    assert takes(pattern, {name: [{"a": 1, "b": 1}] * 30 for name in pattern})


def test_the_cost_of_a_field_counts_what_anything_but_excludes() -> None:
    assert Field(["x", "y"], [], False).cost == 1
    assert Field([], [Prefix("a"), AnythingBut([], [Prefix("b"), Prefix("c")])], False).cost == 5


def test_too_many_comparisons_are_given_up() -> None:
    pattern = EventPattern({"a": [{"prefix": f"p{at}"} for at in range(200)]})
    most = fields.STEPS_MAX // 201
    assert not pattern.matches({"a": ["x"] * most})
    with pytest.raises(RuleError, match=f"over {fields.STEPS_MAX} steps"):
        pattern.matches({"a": ["x"] * (most + 1)})


def test_too_many_combinations_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "COMBINATIONS_MAX", 50)
    pattern = EventPattern({"l": {"a": [1], "b": [2]}})
    assert not pattern.matches({"l": [{"a": 1}, {"b": 2}] * 50})
    with pytest.raises(RuleError, match=r"combines more than 50 list elements in l\.a"):
        pattern.matches({"l": [{"a": 1}, {"b": 2}] * 51})


def test_lists_too_deep_or_too_many_are_given_up() -> None:
    pattern = EventPattern({"l": {"a": [1], "b": [2]}})
    deep: Any = {"a": 1, "b": 2}
    for _ in range(1000):
        deep = [deep]
    assert pattern.matches({"l": deep})
    with pytest.raises(RuleError, match="nested over 1000 levels deep"):
        pattern.matches({"l": [[deep]]})
    wide: Any = [{"a": 1}] * 2000
    for _ in range(600):
        wide = [wide]
    with pytest.raises(RuleError, match=f"of over {fields.PLACES_MAX} places"):
        pattern.matches({"l": wide})
