"""``@app.sqs_consumer``: messages of an SQS queue, through an event source mapping."""

from __future__ import annotations

from ..events import Event
from ..polling.batches import Batch, reported
from ..polling.queues import QueuePolled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any


class SqsMessage(Event):
    """One message. https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html"""

    def summary(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        """The message's id."""
        return str(self.raw["messageId"])

    @property
    def body(self) -> str:
        """The body, as it was sent."""
        return str(self.raw["body"])

    @property
    def json(self) -> Any:
        """The body read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.raw["body"])

    @property
    def attributes(self) -> dict[str, str]:
        """What SQS says of the message: ``SentTimestamp``, ``ApproximateReceiveCount``, ``MessageGroupId``..."""
        return self.raw.get("attributes") or {}

    @property
    def message_attributes(self) -> dict[str, Any]:
        """What the sender attached: each with ``stringValue`` or ``binaryValue``, and ``dataType``."""
        return self.raw.get("messageAttributes") or {}

    @property
    def receive_count(self) -> int:
        """How often the message was received, this time included."""
        return int(self.attributes.get("ApproximateReceiveCount", 1))

    @property
    def sent_at(self) -> datetime:
        """When it was sent, with time zone."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(int(self.attributes["SentTimestamp"]) / 1000, UTC)

    @property
    def group_id(self) -> str | None:
        """The message group: FIFO order holds within it."""
        return self.attributes.get("MessageGroupId")

    @property
    def deduplication_id(self) -> str | None:
        """The id by which a FIFO queue recognises a repeated send."""
        return self.attributes.get("MessageDeduplicationId")

    @property
    def receipt_handle(self) -> str:
        """Names this receipt in SQS's API."""
        return str(self.raw["receiptHandle"])

    @property
    def queue_arn(self) -> str:
        """The queue's ARN."""
        return str(self.raw["eventSourceARN"])


class SqsBatch(Batch):
    """The messages of one invocation. Those given to :meth:`fail` are received again; the others are deleted."""

    one = "message"

    def __init__(self, raw: Any, context: Any = None) -> None:
        self.messages = [SqsMessage(record, context) for record in raw["Records"]]
        super().__init__(raw, context, self.messages)
        self.ordered = bool(self.messages) and self.messages[0].queue_arn.endswith(".fifo")

    def __iter__(self) -> Iterator[SqsMessage]:
        return iter(self.messages)


class SqsConsumer(QueuePolled):
    """Run for the messages of a queue; once for each message.

    ``queue``: a queue that the app owns, or the name or ARN of an existing one.
    ``batch_size``: messages a Lambda invocation takes at most: 1-10000, 10 unless said; 1-10 for FIFO.
    ``batching_window``: seconds (0-300) to wait for a batch to fill; at least 1 when ``batch_size`` is over 10; not for
    FIFO. ``maximum_concurrency``: invocations at once, 2-1000.
    ``filters``: up to five patterns, of which one must match; the other messages are DELETED. ``kms_key``: the ARN of
    the key that filters are encrypted with. ``pollers``: ``(minimum, maximum)`` of provisioned pollers, 2-10000; not
    with ``maximum_concurrency``. ``enabled``: ``False`` deploys the mapping switched off. ``metrics``:
    ``["EventCount"]``. ``batch``: hand over the whole batch in one call; report single messages with
    ``batch.fail(message)``.

    A message whose call raises is received again after the queue's visibility timeout, alone, and moves to the
    dead-letter queue after ``max_receives``. In a FIFO queue the first failure stops the batch: it and all after it
    come again. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    decorator = "sqs_consumer"
    example = "@app.sqs_consumer(orders)"
    kinds = ("sqs",)

    def parse(self, raw: Any, context: Any) -> SqsBatch:
        return SqsBatch(raw, context)

    def payload(self, event: SqsMessage) -> Any:
        return event.json

    def encode(self, result: Any, event: SqsBatch) -> dict[str, Any]:
        return reported(result, event)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One message. Fields: ``body`` (text, or anything that is written as JSON), ``group_id``, ``message_id``."""
        self.fields_among(fields, ("body", "group_id", "message_id"))
        body = fields["body"] if "body" in fields else self.wanted({"body": {}})["body"]
        if not isinstance(body, str):
            from json import dumps

            body = dumps(body)
        from hashlib import md5

        attributes = {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1767225600000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1767225600001",
        }
        if self.queue.fifo:
            group = str(fields.get("group_id", "example"))
            attributes |= {"MessageGroupId": group, "SequenceNumber": "18849496460467696128"}
            attributes["MessageDeduplicationId"] = md5(body.encode(), usedforsecurity=False).hexdigest()
        record = {
            "messageId": str(fields.get("message_id", "059f36b4-87a3-44ab-83d2-661975830a7d")),
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": body,
            "attributes": attributes,
            "messageAttributes": {},
            "md5OfBody": md5(body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue.arn_text
            or f"arn:aws:sqs:us-east-1:123456789012:{self.queue.real(self.queue.key)}",
            "awsRegion": "us-east-1",
        }
        return {"Records": [record]}
