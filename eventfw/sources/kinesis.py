"""``@app.kinesis_consumer``: records of a Kinesis data stream, through an event source mapping."""

from __future__ import annotations

from ..events import Event
from ..polling.streams import StreamBatch, StreamPolled
from ..resources.names import pascal
from ..resources.stream import Stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..polling.mapping import Filters
    from ..resources.resource import Grant, Resource, Template


class KinesisRecord(Event):
    """One record. https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html"""

    def summary(self) -> str:
        return f"{self.partition_key} {self.sequence_number}"

    @property
    def data(self) -> bytes:
        """What was put, at most 10 MB; 1 MB unless the stream allows more."""
        from base64 import b64decode

        return b64decode(self.raw["kinesis"]["data"])

    @property
    def text(self) -> str:
        """The data as UTF-8 text. Raises ``ValueError`` where it is none."""
        return self.data.decode()

    @property
    def json(self) -> Any:
        """The data read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.data)

    @property
    def partition_key(self) -> str:
        """What decided on the record's shard: records of one key stay in order."""
        return str(self.raw["kinesis"]["partitionKey"])

    @property
    def sequence_number(self) -> str:
        """The record's place in its shard; a longer number is the later one."""
        return str(self.raw["kinesis"]["sequenceNumber"])

    @property
    def arrived_at(self) -> datetime | None:
        """About when Kinesis got it, with time zone."""
        from datetime import UTC, datetime

        seconds = self.raw["kinesis"].get("approximateArrivalTimestamp")
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def event_id(self) -> str | None:
        """The shard's id and the sequence number: the same whenever the record comes again."""
        return self.raw.get("eventID")  # type: ignore[no-any-return]

    @property
    def shard_id(self) -> str | None:
        """The shard."""
        return (self.event_id or "").partition(":")[0] or None

    @property
    def stream_arn(self) -> str:
        """The stream's ARN; with enhanced fan-out the consumer's."""
        return str(self.raw["eventSourceARN"])

    @property
    def region(self) -> str | None:
        """The stream's region."""
        return self.raw.get("awsRegion")  # type: ignore[no-any-return]


class KinesisBatch(StreamBatch):
    """The records of one shard that one invocation gets, in order. After :meth:`fail` that one and all behind it come
    again."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context, [KinesisRecord(record, context) for record in raw.get("Records") or []])

    def __iter__(self) -> Iterator[KinesisRecord]:
        return iter(self.records)


class KinesisConsumer(StreamPolled):
    """Run for the records of a stream; once for each record, in the order of their shard.

    ``stream``: a stream that the app owns, or the name or ARN of an existing one.
    ``starting_position``: where the first deployment begins to read: ``TRIM_HORIZON`` (the oldest record that is kept,
    unless said), ``LATEST`` (what comes later; what is put while the mapping is made may be missed) or a ``datetime``.
    ``batch_size``: records an invocation takes at most, 1-10000, 100 unless said; ``batching_window``: seconds (0-300)
    to wait for them. ``parallelization_factor``: batches of one shard at once, 1-10.
    ``maximum_retry_attempts`` (0-10000) and ``maximum_record_age`` (seconds, 60-604800): when Lambda gives up a failed
    record; unless said it goes on until the record expires, and what is behind it waits. ``bisect_batch``: halve a
    failed batch before it is tried again. ``on_failure``: the queue, topic or bucket that is told which records were
    given up. ``tumbling_window``: seconds (1-900) over which ``batch.state`` is handed on; needs ``batch``.
    ``filters``: up to five patterns, of which one must match; others are passed over. ``fan_out``: read through a
    consumer of one's own with 2 MB a second. ``batch``: hand over the whole batch in one call. ``enabled``,
    ``metrics``: as :doc:`queues </sources/sqs>` have them.

    The first failed record ends its batch: it and all behind it come again, and are given up together, unless
    ``bisect_batch`` parts them.
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
    """

    decorator = "kinesis_consumer"
    example = "@app.kinesis_consumer(clicks)"
    kinds = ("kinesis",)
    filter_kind = "kinesis"
    positions = ("LATEST", "TRIM_HORIZON", "AT_TIMESTAMP")

    def __init__(
        self,
        stream: Stream | str,
        *,
        starting_position: str | datetime = "TRIM_HORIZON",
        batch_size: int = 100,
        batching_window: int = 0,
        parallelization_factor: int = 1,
        maximum_retry_attempts: int | None = None,
        maximum_record_age: int | None = None,
        bisect_batch: bool = False,
        on_failure: Resource | None = None,
        tumbling_window: int = 0,
        filters: Filters = (),
        kms_key: str | None = None,
        fan_out: bool = False,
        batch: bool = False,
        enabled: bool = True,
        metrics: Sequence[str] = (),
    ) -> None:
        super().__init__(
            starting_position=starting_position,
            batch_size=batch_size,
            batching_window=batching_window,
            parallelization_factor=parallelization_factor,
            maximum_retry_attempts=maximum_retry_attempts,
            maximum_record_age=maximum_record_age,
            bisect_batch=bisect_batch,
            on_failure=on_failure,
            tumbling_window=tumbling_window,
            filters=filters,
            kms_key=kms_key,
            batch=batch,
            enabled=enabled,
            metrics=metrics,
        )
        self.stream = self.resource = Stream.of("kinesis_consumer", stream)
        self.fan_out = fan_out
        self.validate()

    def validate(self) -> None:
        from ..options import flag

        super().validate()
        flag("kinesis_consumer", "fan_out", self.fan_out)

    def parse(self, raw: Any, context: Any) -> KinesisBatch:
        return KinesisBatch(raw, context)

    @classmethod
    def source_arn(cls, raw: Any) -> str:
        return super().source_arn(raw).partition("/consumer/")[0]

    def payload(self, event: KinesisRecord) -> Any:
        return event.json

    def grants(self) -> list[Grant]:
        return [*super().grants(), self.stream.read]

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """Fan-out reads through the consumer. Lambda also lists streams, which IAM cannot limit to one."""
        wanted: list[tuple[list[str], list[Any]]] = [(["kinesis:ListStreams"], ["*"])]
        if self.fan_out:
            wanted.append((["kinesis:SubscribeToShard"], [self.source_in(template)]))
        return wanted

    def source_in(self, template: Template) -> Any:
        if self.fan_out and template.local:
            # The embedded AWS makes no consumers from templates; the stream is read, and events name the consumer.
            return {"Fn::Join": ["", [self.stream.arn_in(template), f"/consumer/{template.physical(self.own_name)}:1"]]}
        if self.fan_out:
            # In the function's own stack, also before it is added there: the role asks first.
            return {"Fn::GetAtt": [self._consumer(), "ConsumerARN"]}
        return super().source_in(template)

    def _consumer(self) -> str:
        return pascal(self.own_name) + "StreamConsumer"

    def resources(self, function: Function, template: Template) -> None:
        """The mapping, and with fan-out the consumer it reads through."""
        if self.fan_out and not template.local:
            properties = {"ConsumerName": template.physical(self.own_name), "StreamARN": self.stream.arn_in(template)}
            template.add(self._consumer(), "AWS::Kinesis::StreamConsumer", properties)
        super().resources(function, template)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One record. Fields: ``data`` (text, or anything that is written as JSON), ``partition_key``,
        ``sequence_number``."""
        from base64 import b64encode

        self.fields_among(fields, ("data", "partition_key", "sequence_number"))
        data = fields["data"] if "data" in fields else self.wanted({"data": {}})["data"]
        if not isinstance(data, str):
            from json import dumps

            data = dumps(data)
        number = str(fields.get("sequence_number", "49590338271490256608559692538361571095921575989136588898"))
        record = {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": str(fields.get("partition_key", "1")),
                "sequenceNumber": number,
                "data": b64encode(data.encode()).decode(),
                "approximateArrivalTimestamp": 1767225600.0,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"shardId-000000000006:{number}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": "arn:aws:iam::123456789012:role/example",
            "awsRegion": "us-east-1",
            "eventSourceARN": self.stream.sample_arn(),
        }
        return {"Records": [record]}
