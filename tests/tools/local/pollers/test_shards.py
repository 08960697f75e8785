"""What is asked of Kinesis and of DynamoDB's streams, and the events that are made of their records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from in_loop import in_loop

from eventfw.tools.local.cloud.aws import AwsError
from eventfw.tools.local.pollers.positions import Position
from eventfw.tools.local.pollers.shards import KinesisStream, Shard, TableStream
from eventfw.tools.local.pollers.stream_settings import StreamSettings

CLICKS = "arn:aws:kinesis:eu-west-1:000000000000:stream/clicks"
CONSUMER = f"{CLICKS}/consumer/mine:1"
CATALOG = "arn:aws:dynamodb:eu-west-1:000000000000:table/catalog/stream/2026-01-01T00:00:00.000"
PLAIN = StreamSettings("kinesis")


class Scripted:
    """Answers calls in order, and notes them."""

    def __init__(self, *answers: dict[str, Any] | AwsError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def call(self, service: str, action: str, sent: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((action, dict(sent)))
        answer = self.answers.pop(0)
        if isinstance(answer, AwsError):
            raise answer
        return answer


def kinesis(*answers: Any) -> tuple[KinesisStream, Scripted]:
    aws: Any = Scripted(*answers)
    return KinesisStream(aws, CONSUMER), aws


def table(*answers: Any) -> tuple[TableStream, Scripted]:
    aws: Any = Scripted(*answers)
    return TableStream(aws, CATALOG), aws


def shard(name: str, **more: str) -> dict[str, Any]:
    return {"ShardId": name, "SequenceNumberRange": {"StartingSequenceNumber": "7"}, **more}


@in_loop
async def test_all_pages_of_a_streams_shards_are_read_with_their_parents() -> None:
    child = shard("b", ParentShardId="a", AdjacentParentShardId="z")
    stream, aws = kinesis({"Shards": [shard("a")], "NextToken": "t"}, {"Shards": [child]})
    assert await stream.shards() == [Shard("a", (), "7"), Shard("b", ("a", "z"), "7")]
    assert aws.asked[1] == ("ListShards", {"NextToken": "t", "StreamName": "clicks"})


@in_loop
async def test_all_pages_of_a_tables_shards_are_read() -> None:
    pages = [
        {"StreamDescription": {"Shards": [shard("a")], "LastEvaluatedShardId": "a"}},
        {"StreamDescription": {"Shards": [shard("b", ParentShardId="a")]}},
    ]
    stream, aws = table(*pages)
    assert [one.id for one in await stream.shards()] == ["a", "b"]
    assert aws.asked[1] == ("DescribeStream", {"StreamArn": CATALOG, "ExclusiveStartShardId": "a"})


@in_loop
async def test_a_mapping_begins_where_it_says_and_a_later_shard_at_its_oldest_record() -> None:
    iterator = {"ShardIterator": "i"}
    stream, aws = kinesis(iterator, iterator, iterator)
    at = StreamSettings("kinesis", starting_position="AT_TIMESTAMP", starting_timestamp=5.5)
    assert await stream.begin("a", at) == "i"
    await stream.begin("a", StreamSettings("kinesis", starting_position="LATEST"))
    await stream.begin("a", None)
    told = [{name: value for name, value in sent.items() if name != "StreamName"} for _, sent in aws.asked]
    assert told == [
        {"ShardId": "a", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 5.5},
        {"ShardId": "a", "ShardIteratorType": "LATEST"},
        {"ShardId": "a", "ShardIteratorType": "TRIM_HORIZON"},
    ]


@in_loop
async def test_a_mapping_goes_on_at_or_behind_a_record() -> None:
    iterator = {"ShardIterator": "i"}
    stream, aws = kinesis(iterator, iterator)
    await stream.resume("a", Position("7"))
    await stream.resume("a", Position("7", behind=True))
    kinds = [sent["ShardIteratorType"] for _, sent in aws.asked]
    assert kinds == ["AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"]
    assert aws.asked[0][1]["StartingSequenceNumber"] == "7"


@in_loop
async def test_of_a_table_what_is_trimmed_is_gone_and_the_oldest_record_that_is_left_comes_next() -> None:
    stream, aws = table(AwsError("TrimmedDataAccessException", "gone", 400), {"ShardIterator": "i"})
    assert await stream.resume("a", Position("7", behind=True)) == "i"
    assert [sent["ShardIteratorType"] for _, sent in aws.asked] == ["AFTER_SEQUENCE_NUMBER", "TRIM_HORIZON"]


@in_loop
async def test_a_shard_is_read_on_while_it_says_that_there_is_more() -> None:
    stream, _ = kinesis(
        {"Records": [{}], "NextShardIterator": "j", "MillisBehindLatest": 5},
        {"Records": [{}], "NextShardIterator": "j", "MillisBehindLatest": 0},
        {"Records": []},
    )
    assert [(page.iterator, page.more) for page in [await stream.read("i") for _ in range(3)]] == [
        ("j", True),
        ("j", False),
        ("", False),
    ]


@in_loop
async def test_a_stream_says_how_long_it_keeps_records() -> None:
    stream, _ = kinesis({"StreamDescriptionSummary": {"RetentionPeriodHours": 48}})
    assert await stream.retention() == 48 * 3600
    assert await table()[0].retention() == 24 * 3600


def test_a_record_of_kinesis_is_as_lambda_hands_it_over() -> None:
    found = {"SequenceNumber": "49", "PartitionKey": "k", "Data": "e30=", "ApproximateArrivalTimestamp": 5.25}
    stream, _ = kinesis()
    event = stream.event(found, stream.arrived(found), "shardId-1", "count")
    assert event == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": "49",
            "data": "e30=",
            "approximateArrivalTimestamp": 5.25,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": "shardId-1:49",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::000000000000:role/count",
        "awsRegion": "eu-west-1",
        "eventSourceARN": CONSUMER,
    }
    record = stream.record(event, 5.25)
    assert (record.sequence, record.key, record.arrival) == ("49", "k", 5.25)
    assert json.loads(record.body) == event


def test_a_change_of_a_table_is_as_lambda_hands_it_over_and_keeps_the_order_of_its_item() -> None:
    change = {"Keys": {"id": {"S": "cat"}, "n": {"N": "1"}}, "SequenceNumber": "8", "SizeBytes": 0}
    found = {"eventID": "e", "eventName": "REMOVE", "dynamodb": {**change, "ApproximateCreationDateTime": 9}}
    found["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    stream, _ = table()
    event = stream.event(found, stream.arrived(found), "shardId-1", "count")
    assert event == {
        "eventID": "e",
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {**change, "ApproximateCreationDateTime": 9, "SizeBytes": 8},
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "eventSourceARN": CATALOG,
    }
    record = stream.record(event, 9.0)
    turned = {**event, "dynamodb": {**event["dynamodb"], "Keys": dict(reversed(change["Keys"].items()))}}
    assert (record.sequence, record.key) == ("8", stream.record(turned, 9.0).key)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ({"S": "größe"}, 7),
        ({"N": "-12.5"}, 3),
        ({"B": "AAAA"}, 3),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"L": [{"S": "ab"}]}, 6),
        ({"M": {"k": {"S": "ab"}}}, 7),
    ],
)
def test_a_changes_size_is_counted_as_dynamodb_counts(value: dict[str, Any], size: int) -> None:
    change = {"Keys": {"": value}, "SequenceNumber": "8", "ApproximateCreationDateTime": 9}
    stream, _ = table()
    event = stream.event({"eventID": "e", "eventName": "INSERT", "dynamodb": change}, 9.0, "s", "count")
    assert event["dynamodb"]["SizeBytes"] == size
