"""Filters of event source mappings."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules.criteria import SOURCES, FilterCriteria

KAFKA = ["msk", "kafka_self_managed"]
MQ = ["mq_activemq", "mq_rabbitmq"]


def encoded(data: str | bytes) -> str:
    return b64encode(data.encode() if isinstance(data, str) else data).decode()


def sqs(body: Any) -> dict[str, Any]:
    return {"messageId": "m", "body": body, "messageAttributes": {"t": {"stringValue": "x"}}, "eventSource": "aws:sqs"}


def kinesis(data: str | bytes) -> dict[str, Any]:
    inner = {"partitionKey": "p", "sequenceNumber": "1", "data": encoded(data)}
    return {"kinesis": inner, "eventSource": "aws:kinesis", "eventID": "shard:1"}


def dynamodb(name: str, **image: Any) -> dict[str, Any]:
    return {"eventName": name, "eventSource": "aws:dynamodb", "dynamodb": {"NewImage": image, "SequenceNumber": "1"}}


def kafka(value: str | bytes | None, key: str = "k") -> dict[str, Any]:
    data = None if value is None else encoded(value)
    return {"topic": "t", "partition": 0, "offset": 7, "key": encoded(key), "value": data, "headers": []}


def message(data: str | bytes) -> dict[str, Any]:
    return {"messageID": "m", "data": encoded(data), "redelivered": False}


def takes(kind: str, pattern: Any, record: dict[str, Any]) -> bool:
    return FilterCriteria([pattern], kind).matches(record)


@pytest.mark.parametrize("criteria", [{}, {"Filters": []}, {"Filters": None}, []])
def test_without_filters_every_record_passes(criteria: Any) -> None:
    assert FilterCriteria(criteria, "sqs").matches(sqs("anything"))


def test_filters_come_as_the_api_has_them_or_as_a_list() -> None:
    pattern = {"body": {"a": [1]}}
    for criteria in ({"Filters": [{"Pattern": json.dumps(pattern)}]}, [pattern], [json.dumps(pattern)]):
        made = FilterCriteria(criteria, "sqs")
        assert made.matches(sqs('{"a": 1}'))
        assert not made.matches(sqs('{"a": 2}'))


def test_one_filter_of_several_is_enough() -> None:
    criteria = FilterCriteria([{"body": {"a": [1]}}, {"body": {"b": [2]}}, {"body": ["go"]}], "sqs")
    assert criteria.matches(sqs('{"b": 2}'))
    assert criteria.matches(sqs("go"))
    assert not criteria.matches(sqs('{"a": 2, "b": 1}'))


def test_a_drop_is_told_in_words() -> None:
    assert FilterCriteria([{"body": {"a": [1]}}], "sqs").mismatch(sqs('{"a": 2}')) == "`body.a` is 2, wanted 1"
    assert FilterCriteria([{"body": {"a": [1]}}], "sqs").mismatch(sqs('{"a": 1}')) == ""
    two = FilterCriteria([{"body": {"a": [1]}}, {"body": ["x"]}], "sqs")
    assert two.mismatch(sqs("go")) == (
        'none of 2 filters fits: `body` is plain text, and the filter asks for JSON; `body` is "go", wanted "x"'
    )


def test_a_plain_body_is_dropped_by_a_filter_that_asks_for_json() -> None:
    for pattern in ({"body": {"a": [{"exists": False}]}}, {"body.a": [{"exists": False}]}):
        assert not takes("sqs", pattern, sqs("plain"))
        assert takes("sqs", pattern, sqs('{"b": 1}'))


def test_a_json_body_is_dropped_by_a_filter_that_asks_for_text() -> None:
    for condition in ({"exists": True}, {"exists": False}, {"anything-but": "x"}, "x"):
        assert not takes("sqs", {"body": [condition]}, sqs('["x"]'))
        assert not takes("sqs", {"body": [condition]}, sqs('{"x": 1}'))


@pytest.mark.parametrize("body", ["42", "true", "null", '"x"', "{", "", "[" * 2000, '{"a": NaN}'])
def test_what_is_no_object_or_list_is_text(body: str) -> None:
    assert takes("sqs", {"body": [body]}, sqs(body))
    assert not takes("sqs", {"body": {"a": [1]}}, sqs(body))


def test_a_body_nested_very_deeply_is_text() -> None:
    assert takes("sqs", {"body": [{"prefix": "[["}]}, sqs("[" * 100_000))
    assert not takes("sqs", {"body": {"a": [{"exists": False}]}}, sqs("[" * 100_000))


def test_a_list_of_objects_is_json() -> None:
    assert takes("sqs", {"body": {"a": [1]}}, sqs('[{"a": 2}, {"a": 1}]'))


def test_a_filter_without_data_sees_any_format() -> None:
    pattern = {"messageAttributes": {"t": {"stringValue": ["x"]}}}
    assert takes("sqs", pattern, sqs("plain"))
    assert takes("sqs", pattern, sqs('{"a": 1}'))
    assert not takes("sqs", {"messageId": ["other"]}, sqs("plain"))


def test_alternatives_may_ask_for_either_format() -> None:
    pattern = {"$or": [{"body": {"a": [1]}}, {"body": ["go"]}]}
    assert takes("sqs", pattern, sqs("go"))
    assert takes("sqs", pattern, sqs('{"a": 1}'))
    assert not takes("sqs", pattern, sqs("stop"))


def test_kinesis_data_is_base64_of_json() -> None:
    pattern = {"data": {"type": ["sell"]}}
    assert takes("kinesis", pattern, kinesis('{"type": "sell"}'))
    assert not takes("kinesis", pattern, kinesis('{"type": "buy"}'))


def test_kinesis_metadata_stand_beside_the_data() -> None:
    assert takes("kinesis", {"partitionKey": ["p"], "data": {"a": [1]}}, kinesis('{"a": 1}'))
    assert not takes("kinesis", {"partitionKey": ["q"], "data": {"a": [1]}}, kinesis('{"a": 1}'))


@pytest.mark.parametrize("data", ["plain", "5", b"\xff\xfe", b"\xc3"])
def test_kinesis_data_that_are_no_json_are_dropped(data: str | bytes) -> None:
    assert not takes("kinesis", {"data": {"a": [{"exists": False}]}}, kinesis(data))
    assert takes("kinesis", {"partitionKey": ["p"]}, kinesis(data))


def test_base64_that_is_broken_is_dropped() -> None:
    criteria = FilterCriteria([{"data": {"a": [{"exists": False}]}}], "kinesis")
    assert criteria.mismatch({"kinesis": {"data": "A"}}) == "`data` is no UTF-8 text, and the filter asks for JSON"
    assert not criteria.matches({"kinesis": {"data": "é"}})


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        ("kinesis", {"data": ["x"]}),
        ("dynamodb", {"dynamodb": ["x"]}),
        ("kinesis", {"$or": [{"data": {"a": [1]}}, {"data": ["x"]}]}),
    ],
)
def test_streams_refuse_filters_of_text(kind: str, pattern: Any) -> None:
    with pytest.raises(RuleError, match=f"Filter 1: .*: {kind} filters take JSON only"):
        FilterCriteria([pattern], kind)


def test_dynamodb_filters_see_the_event_name_and_typed_values() -> None:
    pattern = {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"state": {"S": ["open"]}}}}
    assert takes("dynamodb", pattern, dynamodb("INSERT", state={"S": "open"}))
    assert not takes("dynamodb", pattern, dynamodb("MODIFY", state={"S": "open"}))
    assert not takes(
        "dynamodb", {"dynamodb": {"NewImage": {"state": ["open"]}}}, dynamodb("INSERT", state={"S": "open"})
    )


def test_dynamodb_numbers_are_text() -> None:
    record = dynamodb("INSERT", price={"N": "101"})
    assert takes("dynamodb", {"dynamodb": {"NewImage": {"price": {"N": ["101"]}}}}, record)
    criteria = FilterCriteria([{"dynamodb": {"NewImage": {"price": {"N": [{"numeric": [">", 100]}]}}}}], "dynamodb")
    assert not criteria.matches(record)
    assert criteria.doubts == (
        "dynamodb: DynamoDB writes numbers as text, so numeric never matches an N. Compare with text.",
    )


@pytest.mark.parametrize("kind", KAFKA)
def test_kafka_values_are_base64_of_text_or_json(kind: str) -> None:
    assert takes(kind, {"value": {"a": [{"prefix": "A"}]}}, kafka('{"a": "AB"}'))
    assert not takes(kind, {"value": {"a": [{"prefix": "A"}]}}, kafka('{"a": "B"}'))
    assert takes(kind, {"value": [{"anything-but": ["error"]}]}, kafka("fine"))
    assert not takes(kind, {"value": [{"anything-but": ["error"]}]}, kafka("error"))
    assert takes(kind, {"key": ["k"], "value": ["x"]}, kafka("x"))
    assert not takes(kind, {"key": ["q"], "value": ["x"]}, kafka("x"))


@pytest.mark.parametrize("kind", MQ)
def test_mq_data_are_base64_of_text_or_json(kind: str) -> None:
    assert takes(kind, {"data": {"a": [1]}}, message('{"a": 1}'))
    assert not takes(kind, {"data": {"a": [1]}}, message('{"a": 2}'))
    assert takes(kind, {"data": ["x"]}, message("x"))
    assert not takes(kind, {"data": ["x"]}, message("y"))


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ({"a": [1]}, "plain"),
        ({"a": [1]}, b"\xff"),
        (["x"], '{"x": 1}'),
        (["x"], "x".encode("utf-16")),
        (["x"], b"\xff"),
    ],
)
def test_kafka_and_mq_skip_a_condition_on_data_of_another_format(pattern: Any, value: str | bytes) -> None:
    assert takes("msk", {"value": pattern}, kafka(value))
    assert takes("msk", {"value": pattern, "topic": ["t"]}, kafka(value))
    assert not takes("msk", {"value": pattern, "topic": ["u"]}, kafka(value))
    assert not takes("msk", {"value": pattern, "offset": [{"numeric": ["<", 7]}]}, kafka(value))
    assert takes("mq_activemq", {"data": pattern}, message(value))
    assert not takes("mq_rabbitmq", {"data": pattern, "redelivered": [True]}, message(value))


def test_a_kafka_tombstone_has_a_null_value() -> None:
    assert takes("msk", {"value": [None]}, kafka(None))
    assert not takes("msk", {"value": {"a": [1]}}, kafka(None))
    assert not takes("msk", {"value": ["x"]}, kafka(None))


def test_data_that_are_no_text_are_not_null() -> None:
    assert not takes("msk", {"$or": [{"value": [None]}, {"topic": ["u"]}]}, kafka(b"\xff"))


def test_the_conditions_that_are_left_are_those_that_were_written() -> None:
    rest = {"offset": [7, 1e-7, 2.5, 10**17, None, True, 'quo"te', {"anything-but": ["ä"]}], "topic": ["t"]}
    made = FilterCriteria([{"value": ["x"]} | rest], "msk").filters[0]
    assert made.rest is not None
    assert json.loads(made.rest.text) == rest
    assert len(FilterCriteria(['{"value":["x"],"offset":[' + ",".join("1" * 2000) + "]}"], "msk").filters) == 1


def test_five_filters_unless_aws_allowed_more() -> None:
    patterns = [{"body": {"a": [index]}} for index in range(10)]
    assert FilterCriteria(patterns[:5], "sqs")
    with pytest.raises(RuleError, match="at most 5 filters, not 6"):
        FilterCriteria(patterns[:6], "sqs")
    assert FilterCriteria(patterns, "sqs", limit=10).matches(sqs('{"a": 9}'))
    with pytest.raises(RuleError, match="at most 10 filters, not 11"):
        FilterCriteria([*patterns, *patterns[:1]], "sqs", limit=10)


@pytest.mark.parametrize("limit", [4, 11, None, "5"])
def test_the_limit_is_5_to_10(limit: Any) -> None:
    with pytest.raises(RuleError, match="limit must be 5 to 10"):
        FilterCriteria([], "sqs", limit=limit)


def test_a_pattern_has_at_most_4096_characters() -> None:
    size = len('{"body":[""]}')
    assert FilterCriteria([{"body": ["x" * (4096 - size)]}], "sqs")
    with pytest.raises(RuleError, match="Filter 2: a pattern has at most 4096 characters, not 4097"):
        FilterCriteria([{"body": ["x"]}, {"body": ["x" * (4097 - size)]}], "sqs")


@pytest.mark.parametrize("kind", ["documentdb", "s3", "", None, ["sqs"]])
def test_other_sources_have_no_filters(kind: Any) -> None:
    with pytest.raises(RuleError, match="kind must be one of sqs, kinesis, dynamodb"):
        FilterCriteria([], kind)


@pytest.mark.parametrize(
    "criteria",
    [
        None,
        "x",
        5,
        {"Filter": []},
        {"Filters": "x"},
        {"Filters": {"Pattern": "{}"}},
        {"Filters": 5},
        {"Filters": ["x"]},
        {"Filters": [{}]},
        {"Filters": [{"Pattern": {"body": ["x"]}}]},
        {"Filters": [{"Pattern": '{"body":["x"]}', "Name": "n"}]},
    ],
)
def test_another_shape_is_refused(criteria: Any) -> None:
    with pytest.raises(RuleError):
        FilterCriteria(criteria, "sqs")


@pytest.mark.parametrize("pattern", ["", "{}", "[]", "null", "x", {"body": "x"}, {"body": []}, {1, 2}, None, 7])
def test_a_pattern_that_lambda_refuses_is_refused_with_its_number(pattern: Any) -> None:
    with pytest.raises(RuleError, match="Filter 2: "):
        FilterCriteria([{"body": ["x"]}, pattern], "sqs")


@pytest.mark.parametrize("condition", [{"wildcard": "a*"}, {"cidr": "10.0.0.0/8"}, {"anything-but": {"prefix": "a"}}])
def test_operators_that_the_guide_does_not_list_are_refused(condition: Any) -> None:
    with pytest.raises(RuleError, match=r"Filter 1: body\.a\[0\].*Lambda does not take"):
        FilterCriteria([{"body": {"a": [condition]}}], "sqs")


def test_fields_that_the_guide_does_not_promise_leave_a_doubt() -> None:
    criteria = FilterCriteria([{"$or": [{"body": ["x"]}, {"messageId": ["m"]}]}], "sqs")
    assert criteria.doubts == ("messageId: Lambda's guide lets sqs filters use body only. It may never match.",)
    documented: dict[str, Any] = {
        "kinesis": {"data": {"a": [1]}},
        "dynamodb": {"eventName": ["INSERT"], "dynamodb": {"SizeBytes": [{"numeric": [">", 1]}]}},
        "msk": {"value": ["x"]},
        "mq_activemq": {"data": ["x"]},
    }
    for kind, pattern in documented.items():
        assert FilterCriteria([pattern], kind).doubts == ()
    assert FilterCriteria([{"key": ["x"]}], "msk").doubts != ()
    assert FilterCriteria([{"data": {"N": [{"numeric": [">", 1]}]}}], "kinesis").doubts == ()
    assert FilterCriteria([{"dynamodb": {"NewImage": {"n": {"N": ["1", None]}}}}], "dynamodb").doubts == ()


def test_numbers_within_alternatives_are_looked_at_too() -> None:
    price = {"price": {"N": [{"numeric": [">", 1]}]}}
    pattern = {"dynamodb": {"NewImage": {"$or": [{"a": {"S": ["x"]}}, price]}}}
    assert len(FilterCriteria([pattern], "dynamodb").doubts) == 1


def test_records_are_left_as_they_are() -> None:
    record = kinesis('{"a": 1}')
    before = json.dumps(record)
    assert takes("kinesis", {"data": {"a": [1]}}, record)
    assert json.dumps(record) == before


def test_a_record_of_over_a_megabyte_gets_an_answer() -> None:
    assert takes("sqs", {"body": {"a": [1]}}, sqs(json.dumps({"a": 1, "fill": "x" * 2_000_000})))
    assert not takes("sqs", {"body": {"a": [{"b": [1]}, 1][1:]}}, sqs(json.dumps({"a": [[0]] * 200_000})))


@pytest.mark.parametrize("record", [None, [], "x", 5])
def test_what_is_no_record_is_dropped(record: Any) -> None:
    assert FilterCriteria([{"body": ["x"]}], "sqs").mismatch(record) == "the record is not an object"


def test_a_record_nested_very_deeply_is_dropped() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert "deep" in FilterCriteria([{"dynamodb": {"a": ["x"]}}], "dynamodb").mismatch({"dynamodb": {"a": deep}})


def test_criteria_show_themselves() -> None:
    assert repr(FilterCriteria([{"body": ["x"]}], "sqs")) == """FilterCriteria([{"body":["x"]}], 'sqs')"""


FIELDS = ["body", "data", "dynamodb", "value", "key", "kinesis", "eventName", "a", "N", "$or", "body.a", "numeric"]
JSONISH = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["x", "<", "AAAA"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(sorted(SOURCES))


@given(KINDS, JSONISH | st.lists(JSONISH, max_size=2) | st.text())
def test_every_filter_is_taken_or_refused(kind: str, criteria: Any) -> None:
    try:
        made = FilterCriteria(criteria, kind)
    except RuleError:
        return
    assert made.matches(sqs("x")) is (made.mismatch(sqs("x")) == "")


@given(KINDS, st.dictionaries(st.sampled_from(FIELDS), JSONISH | JSONISH.map(json.dumps) | st.binary().map(encoded)))
def test_every_record_gets_an_answer(kind: str, record: dict[str, Any]) -> None:
    field = SOURCES[kind].data[0]
    patterns: list[Any] = [{field: {"a": [1, {"exists": False}]}}, {"eventName": ["x"], field: {"a": {"a": ["x"]}}}]
    if not SOURCES[kind].only_json:
        patterns += [{field: ["x", None]}, {"a": [{"exists": True}], field: [{"anything-but": "x"}]}]
    for pattern in patterns:
        made = FilterCriteria([pattern], kind)
        assert made.matches(record) is (made.mismatch(record) == "")
