"""SNS filter policies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules.policy import FilterPolicy


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


def numeral(value: str) -> dict[str, str]:
    return {"DataType": "Number", "StringValue": value}


def array(*values: Any) -> dict[str, str]:
    return {"DataType": "String.Array", "StringValue": json.dumps(values)}


def takes(policy: Any, **attributes: Any) -> bool:
    return FilterPolicy(policy).matches(attributes)


def test_a_string_is_compared_with_strings_and_a_number_with_numbers() -> None:
    assert takes({"a": ["5"]}, a=text("5"))
    assert not takes({"a": ["5"]}, a=numeral("5"))
    assert takes({"a": [5]}, a=numeral("5.0"))
    assert not takes({"a": [5]}, a=text("5"))


@pytest.mark.parametrize("value", ["150", "1.5e2", "+150", " 150.0 ", "150."])
def test_a_number_is_compared_by_value(value: str) -> None:
    assert takes({"price": [{"numeric": ["=", 150]}]}, price=numeral(value))


@pytest.mark.parametrize("value", ["", "abc", "nan", "inf", "1_5", "0x5", "--5", "5,0", "e", "1e", "٣"])
def test_what_is_no_number_counts_as_absent(value: str) -> None:
    assert takes({"a": [{"exists": False}]}, a=numeral(value))
    assert not takes({"a": [{"exists": True}]}, a=numeral(value))


def test_a_number_beyond_a_double_is_there_and_matches_no_range() -> None:
    assert takes({"a": [{"exists": True}]}, a=numeral("1e999"))
    assert not takes({"a": [{"numeric": [">", 0]}]}, a=numeral("1e999"))


def test_an_array_matches_when_one_of_its_elements_does() -> None:
    assert takes({"sport": ["rugby"]}, sport=array("tennis", "rugby"))
    assert not takes({"sport": ["rugby"]}, sport=array("tennis"))
    assert takes({"n": [{"numeric": ["<", 3]}]}, n=array("x", True, None, 2))
    assert takes({"n": [7]}, n={"DataType": "Number.Array", "StringValue": "[7]"})


@pytest.mark.parametrize("value", ["[]", "[", "{}", '"rugby"', "null"])
def test_an_array_without_elements_counts_as_absent(value: str) -> None:
    attribute = {"DataType": "String.Array", "StringValue": value}
    assert takes({"sport": [{"exists": False}]}, sport=attribute)
    assert not takes({"sport": [{"exists": True}]}, sport=attribute)


def test_a_binary_attribute_counts_as_absent() -> None:
    binary = {"DataType": "Binary", "BinaryValue": b"rugby"}
    assert takes({"sport": [{"exists": False}]}, sport=binary)
    assert not takes({"sport": [{"anything-but": "tennis"}]}, sport=binary)


@pytest.mark.parametrize(
    "attribute",
    [
        None,
        "rugby",
        {},
        {"DataType": "String"},
        {"DataType": "String", "StringValue": 5},
        {"DataType": "Other", "StringValue": "rugby"},
        {"DataType": "Binary.Array", "StringValue": '["rugby"]'},
        {"StringValue": "rugby"},
        {"DataType": "Number", "StringValue": True},
        {"DataType": "Number", "StringValue": ["5"]},
        {"DataType": "String.Array", "StringValue": ["rugby"]},
    ],
)
def test_an_attribute_that_sns_would_refuse_counts_as_absent(attribute: Any) -> None:
    assert takes({"sport": [{"exists": False}]}, sport=attribute)
    assert not takes({"sport": [{"exists": True}]}, sport=attribute)


def test_numbers_need_not_be_text() -> None:
    assert takes({"price": [301.5]}, price={"Type": "Number", "Value": 301.5})


def test_attributes_may_come_as_a_function_gets_them() -> None:
    policy = FilterPolicy({"sport": ["rugby"], "price": [{"numeric": [">", 100]}], "tags": ["b"]})
    attributes = {
        "sport": {"Type": "String", "Value": "rugby"},
        "price": {"Type": "Number", "Value": "150"},
        "tags": {"Type": "String.Array", "Value": '["a","b"]'},
    }
    assert policy.matches(attributes)
    attributes["price"]["Value"] = "100"
    assert policy.mismatch(attributes) == "`price` is 100, wanted > 100"


def test_null_does_not_match_an_absent_attribute() -> None:
    assert not takes({"a": [None]})
    assert not FilterPolicy({"a": [None]}).matches()
    assert FilterPolicy({"a": [None]}, "MessageBody").matches(body='{"a": null}')


def test_the_scope_decides_what_is_compared() -> None:
    attributes, body = {"a": text("x")}, '{"a": "y"}'
    assert FilterPolicy({"a": ["x"]}).matches(attributes, body)
    assert not FilterPolicy({"a": ["x"]}, "MessageBody").matches(attributes, body)
    assert FilterPolicy({"a": ["y"]}, "MessageBody").matches(attributes, body)
    assert not FilterPolicy({"a": ["y"]}).matches(attributes, body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (None, "the message has no body"),
        ("", "the body is not JSON"),
        ("plain", "the body is not JSON"),
        ('{"a": NaN}', "the body is not JSON"),
        ("[" * 100_000, "the body is not JSON"),
        ('"a"', "the body is JSON, but not an object"),
        ("[{}]", "the body is JSON, but not an object"),
        ("null", "the body is JSON, but not an object"),
        ('{"a": 1}', "`a` is 1, wanted absent"),
    ],
)
def test_a_body_that_is_no_object_never_matches(body: str | None, why: str) -> None:
    policy = FilterPolicy({"a": [{"exists": False}]}, "MessageBody")
    assert policy.mismatch(body=body) == why
    assert not policy.matches(body=body)


def test_a_body_of_any_size_gets_an_answer() -> None:
    policy = FilterPolicy({"a": {"b": ["x"]}}, "MessageBody")
    assert policy.matches(body=json.dumps({"a": {"b": "x"}, "fill": "y" * 2_000_000}))


def test_the_first_condition_that_fails_is_told() -> None:
    policy = FilterPolicy({"sport": ["rugby"], "price": [{"numeric": [">", 100]}]})
    assert policy.mismatch({"sport": text("rugby")}) == "`price` is absent, wanted > 100"
    assert policy.mismatch({"sport": text("rugby"), "price": numeral("101")}) == ""


@pytest.mark.parametrize("policy", [{}, "{}", " { } "])
def test_an_empty_policy_takes_every_message(policy: Any) -> None:
    assert FilterPolicy(policy).matches()
    assert FilterPolicy(policy, "MessageBody").matches(body="plain")


@pytest.mark.parametrize("policy", ["", "[]", "null", "1", "x", [], None, {"a": {1, 2}}, {"a": [float("nan")]}])
def test_a_policy_is_a_json_object(policy: Any) -> None:
    with pytest.raises(RuleError):
        FilterPolicy(policy)


@pytest.mark.parametrize("scope", ["", "Body", None, ["MessageBody"]])
def test_there_are_two_scopes(scope: Any) -> None:
    with pytest.raises(RuleError, match="scope must be MessageAttributes or MessageBody"):
        FilterPolicy({"a": ["x"]}, scope)


def test_attributes_cannot_be_nested() -> None:
    with pytest.raises(RuleError, match=r"a\.b: message attributes have no keys within keys"):
        FilterPolicy({"a": {"b": ["x"]}})
    with pytest.raises(RuleError, match="no keys within keys"):
        FilterPolicy({"$or": [{"c": ["x"]}, {"a": {"b": ["x"]}}]})
    assert FilterPolicy({"a": {"b": ["x"]}}, "MessageBody")
    assert takes({"$or": [{"a": ["x"]}, {"b": ["x"]}]}, b=text("x"))
    assert takes({"a.b": ["x"]}, **{"a.b": text("x")})


def test_five_keys_may_hold_values() -> None:
    five = {name: ["x"] for name in "abcde"}
    assert FilterPolicy(five)
    with pytest.raises(RuleError, match="at most 5 keys that hold values, not 6"):
        FilterPolicy(five | {"f": ["x"]})
    with pytest.raises(RuleError, match="at most 5 keys that hold values, not 6"):
        FilterPolicy({"a": five | {"f": ["x"]}}, "MessageBody")


def test_of_alternatives_the_one_with_most_keys_counts() -> None:
    four = {name: ["x"] for name in "abcd"}
    assert FilterPolicy(four | {"$or": [{"e": ["x"]}, {"f": ["x"]}]})
    with pytest.raises(RuleError, match="not 6"):
        FilterPolicy(four | {"$or": [{"e": ["x"], "f": ["x"]}, {"g": ["x"]}]})


def values(count: int) -> list[str]:
    return [f"v{index}" for index in range(count)]


@pytest.mark.parametrize(
    ("policy", "count"),
    [
        ({"a": values(150)}, 150),
        ({"a": values(151)}, 151),
        ({"a": values(15), "b": values(10)}, 150),
        ({"a": values(19), "b": values(8)}, 152),
        ({"a": {"b": values(75)}}, 150),
        ({"a": {"b": values(76)}}, 152),
        ({"a": {"b": {"c": values(50)}}}, 150),
        ({"a": {"b": values(3), "c": values(4)}, "d": values(3)}, 144),
        ({"$or": [{"a": values(100)}, {"b": values(50)}]}, 150),
        ({"$or": [{"a": values(100)}, {"b": values(51)}]}, 151),
        ({"a": {"$or": [{"b": values(40)}, {"c": values(35)}]}}, 150),
        ({"a": {"$or": [{"b": values(40)}, {"c": values(36)}]}}, 152),
        ({"a": values(3), "$or": [{"b": values(20)}, {"$or": [{"c": values(20)}, {"d": values(10)}]}]}, 150),
        ({"a": values(3), "$or": [{"b": values(20)}, {"$or": [{"c": values(20)}, {"d": values(11)}]}]}, 153),
    ],
)
def test_combinations_multiply_by_depth_and_alternatives_add_up(policy: dict[str, Any], count: int) -> None:
    if count <= 150:
        FilterPolicy(policy, "MessageBody")
    else:
        with pytest.raises(RuleError, match=f"at most 150 combinations, not {count}:"):
            FilterPolicy(policy, "MessageBody")


def test_or_that_is_no_fork_is_a_key_like_another() -> None:
    policy = {"$or": [{"prefix": "a"}, {"suffix": "b"}]}
    assert takes(policy, **{"$or": text("ax")})
    assert not takes(policy, **{"$or": text("x")})
    assert takes({"$or": ["x"]}, **{"$or": text("x")})
    with pytest.raises(RuleError, match="not 152"):
        FilterPolicy({"a": {"$or": values(76)}}, "MessageBody")


def test_a_policy_may_be_text() -> None:
    assert takes('{"a": ["x"]}', a=text("x"))


def test_a_policy_has_at_most_256_kb() -> None:
    with pytest.raises(RuleError, match="at most 262144 bytes long, not 262154"):
        FilterPolicy({"a": ["ä" * (128 * 1024)]})
    with pytest.raises(RuleError, match="not over a billion"):
        FilterPolicy({name: values(100) for name in "abcde"})


def test_a_policy_may_be_longer_than_an_event_pattern() -> None:
    long = "x" * 200_000
    assert takes({"a": [long]}, a=text(long))


def test_a_lone_surrogate_is_not_utf8() -> None:
    with pytest.raises(RuleError, match="lone surrogate"):
        FilterPolicy({"a": ["\ud800"]})


@pytest.mark.parametrize(
    "condition",
    [
        {"anything-but": {"suffix": "x"}},
        {"anything-but": {"equals-ignore-case": "x"}},
        {"prefix": {"equals-ignore-case": "x"}},
        {"suffix": {"equals-ignore-case": "x"}},
    ],
)
def test_operators_that_sns_does_not_have_are_refused(condition: Any) -> None:
    with pytest.raises(RuleError, match=r"a\[0\].*SNS does not take"):
        FilterPolicy({"a": [condition]})


@pytest.mark.parametrize(
    "condition",
    [
        {"prefix": "ru"},
        {"suffix": "by"},
        {"equals-ignore-case": "RUGBY"},
        {"anything-but": "tennis"},
        {"anything-but": {"prefix": "ten"}},
        {"anything-but": {"wildcard": "*ball"}},
        {"wildcard": "r*y"},
        {"exists": True},
    ],
)
def test_operators_that_sns_has(condition: Any) -> None:
    assert takes({"a": [condition]}, a=text("rugby"))


def test_a_wildcard_has_at_most_three_stars() -> None:
    assert takes({"a": [{"wildcard": "*u*b*"}]}, a=text("rugby"))
    assert takes({"a": [{"wildcard": r"\*\**\**\*"}]}, a=text("**x*y*"))
    with pytest.raises(RuleError, match="a: a wildcard has at most 3 stars, not 4"):
        FilterPolicy({"a": [{"wildcard": "*u*b*y*"}]})
    with pytest.raises(RuleError, match="at most 3 stars, not 4"):
        FilterPolicy({"a": [{"anything-but": {"wildcard": ["x", "*u*b*y*"]}}]})
    with pytest.raises(RuleError, match="at most 3 stars, not 4"):
        FilterPolicy({"a": {"b": [{"wildcard": r"\\*u*b*y*"}]}}, "MessageBody")


def test_wildcards_make_at_most_100_points() -> None:
    ten = [{"wildcard": f"*{index}"} for index in range(10)]
    assert FilterPolicy({"a": ten})
    with pytest.raises(RuleError, match="at most 100 points, not 121"):
        FilterPolicy({"a": [*ten, {"anything-but": "x"}]})
    with pytest.raises(RuleError, match="at most 100 points, not 101"):
        FilterPolicy({"a": ten, "b": [{"wildcard": "*"}]})
    with pytest.raises(RuleError, match="at most 100 points, not 108"):
        FilterPolicy({"a": [{"wildcard": f"*{index}*"} for index in range(6)]})
    assert FilterPolicy({"a": [{"anything-but": str(index)} for index in range(20)]})
    assert FilterPolicy({"a": [*ten, "plain", {"prefix": "x"}]})
    assert FilterPolicy({"a": [{"wildcard": "*"}, {"anything-but": {"prefix": "****"}}]})


def test_numbers_out_of_the_promised_range_are_taken_with_a_doubt() -> None:
    assert FilterPolicy({"a": [{"numeric": [">=", -1e9, "<=", 999999999.12345]}]}).doubts == ()
    (doubt,) = FilterPolicy({"$or": [{"a": [{"anything-but": [1000000001]}]}, {"b": ["x"]}]}).doubts
    assert doubt.startswith("a: SNS promises to compare numbers from -10^9 to 10^9")
    assert len(FilterPolicy({"a": [{"numeric": ["=", 0.123456]}], "b": [1e-9], "c": [True, None, "2e9"]}).doubts) == 2
    assert len(FilterPolicy('{"a": [1e400]}').doubts) == 1


def test_a_policy_shows_itself() -> None:
    assert repr(FilterPolicy({"a": ["x"]})) == """FilterPolicy({"a":["x"]}, 'MessageAttributes')"""


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4)
OPERATORS = ["prefix", "suffix", "anything-but", "numeric", "exists", "cidr", "wildcard", "equals-ignore-case", "$or"]
JSONISH = st.recursive(
    SCALARS | st.sampled_from(["*a", "10.0.0.0/8", "=", "<"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*OPERATORS, "a", "a.b", ""]) | st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSONISH | st.dictionaries(st.sampled_from(["a", "b", "$or"]), JSONISH), st.sampled_from(["", "MessageBody"]))
def test_every_policy_is_taken_or_refused(policy: Any, scope: str) -> None:
    try:
        made = FilterPolicy(policy, scope or "MessageAttributes")
    except RuleError:
        return
    assert made.matches({}, "{}") is (made.mismatch({}, "{}") == "")


POLICIES = [
    FilterPolicy({"a": [{"exists": False}, "x", 5, {"prefix": "y"}, {"numeric": [">", 1]}]}),
    FilterPolicy({"a": [{"anything-but": ["x"]}, {"wildcard": "*b*"}, {"cidr": "10.0.0.0/8"}]}),
    FilterPolicy({"$or": [{"a": {"b": ["x"]}}, {"a.b": [1], "b": [None]}]}, "MessageBody"),
]
KINDS = st.sampled_from(["String", "Number", "String.Array", "Number.Array", "Binary", "String.x", ""]) | SCALARS
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["a", "b"]),
    SCALARS
    | st.fixed_dictionaries({"DataType": KINDS, "StringValue": SCALARS | JSONISH | JSONISH.map(json.dumps)})
    | st.fixed_dictionaries({"Type": KINDS, "Value": SCALARS | st.from_regex(r"[-+0-9.eE]{0,8}", fullmatch=True)}),
)


@given(ATTRIBUTES, st.none() | st.text() | JSONISH.map(json.dumps))
def test_every_message_gets_an_answer(attributes: Any, body: Any) -> None:
    for policy in POLICIES:
        assert policy.matches(attributes, body) is (policy.mismatch(attributes, body) == "")
