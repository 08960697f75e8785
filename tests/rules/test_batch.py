"""What a return value means for a batch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventfw.errors import RuleError
from eventfw.rules.batch import BatchResponse

IDS = ["a", "b", "c", "d"]
STREAMS = ["kinesis", "dynamodb"]
KAFKA = ["msk", "kafka_self_managed"]


def named(*ids: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in ids]}


def offsets(*pairs: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"partition": partition, "offset": offset} for partition, offset in pairs]


@pytest.mark.parametrize("kind", ["sqs", *STREAMS, *KAFKA])
@pytest.mark.parametrize(
    "returned",
    [
        None,
        {},
        "",
        [],
        {"batchItemFailures": []},
        {"batchItemFailures": None},
        {"batchItemFailures": ""},
        {"statusCode": 200},
    ],
)
def test_a_response_that_names_no_record_is_a_success(kind: str, returned: Any) -> None:
    response = BatchResponse.read(kind, offsets(("t-0", 1)) if kind in KAFKA else IDS, returned)
    assert (response.result, response.retried) == ("success", [])
    assert response.why == "no record is named in batchItemFailures"


@pytest.mark.parametrize("kind", ["sqs", *STREAMS])
@pytest.mark.parametrize(
    ("returned", "why"),
    [
        ("done", 'the function returned "done", not an object with batchItemFailures'),
        (0, "the function returned 0, not an object"),
        (False, "the function returned false, not an object"),
        (True, "the function returned true, not an object"),
        (["a"], "the function returned a list, not an object"),
        ({"batchItemFailures": "a"}, 'batchItemFailures is "a", not a list'),
        ({"batchItemFailures": {}}, "batchItemFailures is an object, not a list"),
        ({"batchItemFailures": ["a"]}, 'an entry of batchItemFailures is "a", not an object with itemIdentifier'),
        ({"batchItemFailures": [{}]}, "an entry of batchItemFailures has no keys and no itemIdentifier"),
        ({"batchItemFailures": [{"messageId": "a"}]}, 'an entry of batchItemFailures has "messageId" and no item'),
        (named(""), "an itemIdentifier is empty"),
        (named(None), "an itemIdentifier is null"),
        (named(1), "an itemIdentifier is 1, not a string"),
        (named(["a"]), "an itemIdentifier is a list, not a string"),
        (named("b", "nope"), 'itemIdentifier "nope" is not a '),
        (named("b") | {"batchItemFailures": [*named("b")["batchItemFailures"], None]}, "an entry of batchItem"),
    ],
)
def test_a_response_that_cannot_be_read_retries_the_whole_batch(kind: str, returned: Any, why: str) -> None:
    response = BatchResponse.read(kind, IDS, returned)
    assert (response.result, response.retried) == ("failure", IDS)
    assert response.why.startswith(why)
    assert response.why.endswith(": the whole batch is retried")


def test_the_reason_calls_a_record_what_its_source_calls_it() -> None:
    assert "is not a message of this batch" in BatchResponse.read("sqs", IDS, named("nope")).why
    assert "is not a record of this batch" in BatchResponse.read("kinesis", IDS, named("nope")).why


def test_sqs_retries_the_messages_that_are_named_in_the_order_of_the_batch() -> None:
    response = BatchResponse.read("sqs", IDS, named("d", "b", "d"))
    assert (response.result, response.retried) == ("partial", ["b", "d"])
    assert response.why == "2 of 4 messages named in batchItemFailures"


def test_naming_all_messages_is_a_failure() -> None:
    response = BatchResponse.read("sqs", IDS, named(*reversed(IDS)))
    assert (response.result, response.retried) == ("failure", IDS)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_is_retried_from_the_first_record_that_is_named(kind: str) -> None:
    response = BatchResponse.read(kind, IDS, named("d", "b"))
    assert (response.result, response.retried) == ("partial", ["b", "c", "d"])
    assert response.why == '"b" is the first record named in batchItemFailures: it and all after it are retried'


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_whose_first_record_is_named_is_retried_whole(kind: str) -> None:
    response = BatchResponse.read(kind, IDS, named("a"))
    assert (response.result, response.retried) == ("failure", IDS)


@pytest.mark.parametrize("kind", KAFKA)
def test_kafka_names_records_by_partition_and_offset(kind: str) -> None:
    ids = offsets(("t-0", 7), ("t-0", 8), ("t-1", 7))
    response = BatchResponse.read(kind, ids, named({"partition": "t-0", "offset": 7}))
    assert (response.result, response.retried) == ("partial", [ids[0]])
    whole = BatchResponse.read(kind, ids, named({"partition": "t-2", "offset": 7}))
    assert (whole.result, whole.retried) == ("failure", ids)
    assert whole.why.startswith('itemIdentifier "t-2" at offset 7 is not a record of this batch')


@pytest.mark.parametrize(
    "identifier", ["t-0", {"partition": "t-0"}, {"partition": 0, "offset": 7}, {"partition": "t-0", "offset": True}]
)
def test_another_identifier_than_kafkas_retries_the_whole_batch(identifier: Any) -> None:
    ids = offsets(("t-0", 7), ("t-0", 1))
    response = BatchResponse.read("msk", ids, named(identifier))
    assert (response.result, response.retried) == ("failure", ids)
    assert 'not {"partition": "topic-0", "offset": 7}' in response.why


@pytest.mark.parametrize("kind", ["sqs", "kinesis"])
@pytest.mark.parametrize("returned", [None, "anything", named(), named("a"), named("nope")])
def test_without_reports_any_value_is_a_success(kind: str, returned: Any) -> None:
    response = BatchResponse.read(kind, IDS, returned, reports=False)
    assert (response.result, response.retried) == ("success", [])
    assert "lacks ReportBatchItemFailures" in response.why
    assert ("are not retried" in response.why) is (returned in (named("a"), named("nope")))


@pytest.mark.parametrize("kind", ["mq_activemq", "mq_rabbitmq", "documentdb"])
def test_sources_without_partial_responses_ignore_the_value(kind: str) -> None:
    assert BatchResponse.read(kind, IDS, named("a")).result == "success"


def test_a_function_that_fails_gets_the_whole_batch_again() -> None:
    response = BatchResponse.failed(IDS, "ValueError: no")
    assert (response.result, response.retried) == ("failure", IDS)
    assert response.why == "the function failed (ValueError: no): the whole batch is retried"


def test_fifo_retries_what_is_named_and_says_where_the_order_is_lost() -> None:
    response = BatchResponse.read("sqs", IDS, named("b"), groups=["x", "x", "y", "x"])
    assert (response.result, response.retried) == ("partial", ["b"])
    assert '"d" is not named and so deleted, though "b", earlier in message group "x", comes again' in response.why


def test_fifo_says_nothing_of_order_where_it_is_kept() -> None:
    groups = ["x", "x", "y", "x"]
    assert "order" not in BatchResponse.read("sqs", IDS, named("b", "d"), groups=groups).why
    assert "order" not in BatchResponse.read("sqs", IDS, named("c"), groups=groups).why
    assert "order" not in BatchResponse.read("sqs", IDS, named("b")).why


def test_fifo_lists_the_messages_that_are_lost() -> None:
    ids = list("abcdefg")
    why = BatchResponse.read("sqs", ids, named("b"), groups=["x"] * 7).why
    assert '; "c", "d", "e", ... are not named and so deleted' in why


def test_a_group_is_wanted_for_each_message() -> None:
    with pytest.raises(RuleError, match="groups has 1 entries for 4 records"):
        BatchResponse.read("sqs", IDS, None, groups=["x"])


@pytest.mark.parametrize("kind", ["s3", "", None, ["sqs"]])
def test_an_unknown_kind_is_refused(kind: Any) -> None:
    with pytest.raises(RuleError, match="kind must be one of sqs, kinesis"):
        BatchResponse.read(kind, IDS, None)


def test_an_empty_batch_may_fail_too() -> None:
    response = BatchResponse.read("kinesis", [], named("a"))
    assert (response.result, response.retried) == ("failure", [])


def test_a_deep_value_is_told_in_few_words() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert BatchResponse.read("sqs", IDS, deep).why.startswith("the function returned a list")
    assert BatchResponse.read("sqs", IDS, {"batchItemFailures": [deep]}).result == "failure"
    assert len(BatchResponse.read("sqs", IDS, "x" * 1_000_000).why) < 300


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.sampled_from(IDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["itemIdentifier", "partition", "offset"]), inner)
    ),
    max_leaves=6,
)
RESPONSES = VALUES | st.fixed_dictionaries({"batchItemFailures": VALUES}) | st.lists(VALUES).map(lambda v: named(*v))


@given(st.sampled_from(["sqs", *STREAMS, *KAFKA]), RESPONSES, st.booleans())
def test_every_value_gets_an_answer(kind: str, returned: Any, fifo: bool) -> None:
    ids: list[Any] = offsets(("a", 1), ("a", 2)) if kind in KAFKA else IDS
    response = BatchResponse.read(kind, ids, returned, groups=["g"] * len(ids) if fifo else None)
    assert [id_ for id_ in ids if id_ in response.retried] == response.retried
    assert response.result == (
        "success" if not response.retried else "failure" if response.retried == ids else "partial"
    )
    assert response.why
    assert repr(response)


@given(st.lists(st.sampled_from(IDS), min_size=1))
def test_a_stream_never_loses_a_record_after_a_failed_one(ids: list[str]) -> None:
    response = BatchResponse.read("kinesis", IDS, json.loads(json.dumps(named(*ids))))
    assert response.retried == IDS[min(map(IDS.index, ids)) :]
