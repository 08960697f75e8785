"""The shards of a Kinesis stream and of a DynamoDB table's stream in the embedded AWS, and what is in them.

https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from eventfw.tools.local.cloud.aws import Aws, AwsError
from eventfw.tools.local.pollers.attempts import Record
from eventfw.tools.local.pollers.positions import Position
from eventfw.tools.local.pollers.stream_records import dynamodb_event, dynamodb_record, kinesis_event, kinesis_record
from eventfw.tools.local.pollers.stream_settings import StreamSettings

LOST = ("ExpiredIteratorException", "TrimmedDataAccessException")
"""The place in the shard is not there any longer; the one behind the last record may be."""


@dataclass(frozen=True)
class Shard:
    """A shard, and those whose records come before its own. ``start`` is where its sequence numbers begin."""

    id: str
    parents: tuple[str, ...] = ()
    start: str = ""


@dataclass(frozen=True)
class Page:
    """Records as the service has them, and where the next are: empty where the shard has ended.

    ``more``: whether it is known that there are."""

    records: list[dict[str, Any]]
    iterator: str
    more: bool


class Stream(Protocol):
    """A stream's shards. Each verb raises AwsError and Unanswered."""

    name: str
    """What clients write to: the stream's name, or the table's."""

    async def shards(self) -> list[Shard]:
        """The shards that there are."""

    async def begin(self, shard: str, settings: StreamSettings | None) -> str:
        """An iterator at the mapping's starting position, or at the shard's oldest record."""

    async def resume(self, shard: str, position: Position) -> str:
        """An iterator where a mapping goes on; at the oldest record where that place is no longer there."""

    async def read(self, iterator: str) -> Page:
        """What is there."""

    async def retention(self) -> float:
        """For how many seconds the stream keeps a record."""

    def arrived(self, found: dict[str, Any]) -> float:
        """When a record arrived, in seconds since 1970."""

    def sequence(self, found: dict[str, Any]) -> str:
        """A record's sequence number."""

    def event(self, found: dict[str, Any], arrival: float, shard: str, function: str) -> dict[str, Any]:
        """A record as the function gets it."""

    def record(self, event: dict[str, Any], arrival: float) -> Record:
        """What a lane has to know of such an event."""


class KinesisStream:
    """A data stream. A consumer's ARN, of enhanced fan-out, is read as its stream is: there is only more throughput."""

    LIMIT = 1000  # of the 10,000 that there may be: while they are made ready, nothing else is done

    def __init__(self, aws: Aws, source: str) -> None:
        self.aws = aws
        self.source = source
        self.arn = source.partition("/consumer/")[0]
        self.name = self.arn.partition(":stream/")[2]

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        sent: dict[str, Any] = {"StreamName": self.name}
        while True:
            answer = await self.aws.call("kinesis", "ListShards", sent)
            for one in answer["Shards"]:
                parents = (one.get("ParentShardId"), one.get("AdjacentParentShardId"))
                start = one["SequenceNumberRange"]["StartingSequenceNumber"]
                found.append(Shard(one["ShardId"], tuple(parent for parent in parents if parent), start))
            if not answer.get("NextToken"):
                return found
            sent = {"NextToken": answer["NextToken"], "StreamName": self.name}

    async def begin(self, shard: str, settings: StreamSettings | None) -> str:
        sent: dict[str, Any] = {"ShardIteratorType": settings.starting_position if settings else "TRIM_HORIZON"}
        if settings and settings.starting_position == "AT_TIMESTAMP":
            sent["Timestamp"] = settings.starting_timestamp
        return await self._iterator(shard, sent)

    async def resume(self, shard: str, position: Position) -> str:
        return await self._iterator(
            shard, {"ShardIteratorType": kind_of(position), "StartingSequenceNumber": position.sequence}
        )

    async def read(self, iterator: str) -> Page:
        answer = await self.aws.call("kinesis", "GetRecords", {"ShardIterator": iterator, "Limit": self.LIMIT})
        found = answer["Records"]
        more = bool(answer.get("MillisBehindLatest")) or len(found) == self.LIMIT
        return Page(found, answer.get("NextShardIterator") or "", more)

    async def retention(self) -> float:
        answer = await self.aws.call("kinesis", "DescribeStreamSummary", {"StreamName": self.name})
        return float(answer["StreamDescriptionSummary"]["RetentionPeriodHours"]) * 3600

    def arrived(self, found: dict[str, Any]) -> float:
        return float(found["ApproximateArrivalTimestamp"])

    def sequence(self, found: dict[str, Any]) -> str:
        return str(found["SequenceNumber"])

    def event(self, found: dict[str, Any], arrival: float, shard: str, function: str) -> dict[str, Any]:
        return kinesis_event(found, arrival, shard, self.source, function)

    def record(self, event: dict[str, Any], arrival: float) -> Record:
        return kinesis_record(event, arrival)

    async def _iterator(self, shard: str, sent: dict[str, Any]) -> str:
        answer = await self.aws.call("kinesis", "GetShardIterator", {"StreamName": self.name, "ShardId": shard, **sent})
        return str(answer["ShardIterator"])


class TableStream:
    """The stream of a DynamoDB table."""

    RETENTION = 86_400.0  # seconds
    LIMIT = 1000

    def __init__(self, aws: Aws, source: str) -> None:
        self.aws = aws
        self.arn = source
        self.name = source.partition(":table/")[2].partition("/")[0]

    async def shards(self) -> list[Shard]:
        found: list[Shard] = []
        sent: dict[str, Any] = {"StreamArn": self.arn}
        while True:
            told = (await self.aws.call("dynamodb", "DescribeStream", sent))["StreamDescription"]
            for one in told["Shards"]:
                found.append(Shard(one["ShardId"], tuple(filter(None, [one.get("ParentShardId")]))))
            if not told.get("LastEvaluatedShardId"):
                return found
            sent["ExclusiveStartShardId"] = told["LastEvaluatedShardId"]

    async def begin(self, shard: str, settings: StreamSettings | None) -> str:
        return await self._iterator(
            shard, {"ShardIteratorType": settings.starting_position if settings else "TRIM_HORIZON"}
        )

    async def resume(self, shard: str, position: Position) -> str:
        sent = {"ShardIteratorType": kind_of(position), "SequenceNumber": position.sequence}
        try:
            return await self._iterator(shard, sent)
        except AwsError as error:
            if error.code != "TrimmedDataAccessException":
                raise
            return await self.begin(shard, None)

    async def read(self, iterator: str) -> Page:
        answer = await self.aws.call("dynamodb", "GetRecords", {"ShardIterator": iterator, "Limit": self.LIMIT})
        # A page ends at 1 MB too, and nothing says whether it is the last one.
        return Page(answer["Records"], answer.get("NextShardIterator") or "", bool(answer["Records"]))

    async def retention(self) -> float:
        return self.RETENTION

    def arrived(self, found: dict[str, Any]) -> float:
        return float(found["dynamodb"]["ApproximateCreationDateTime"])

    def sequence(self, found: dict[str, Any]) -> str:
        return str(found["dynamodb"]["SequenceNumber"])

    def event(self, found: dict[str, Any], arrival: float, shard: str, function: str) -> dict[str, Any]:
        return dynamodb_event(found, arrival, self.arn)

    def record(self, event: dict[str, Any], arrival: float) -> Record:
        return dynamodb_record(event, arrival)

    async def _iterator(self, shard: str, sent: dict[str, Any]) -> str:
        answer = await self.aws.call("dynamodb", "GetShardIterator", {"StreamArn": self.arn, "ShardId": shard, **sent})
        return str(answer["ShardIterator"])


def kind_of(position: Position) -> str:
    """The type of an iterator at a position."""
    return "AFTER_SEQUENCE_NUMBER" if position.behind else "AT_SEQUENCE_NUMBER"
