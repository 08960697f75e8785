"""``@app.sqs_consumer``: messages of an SQS queue, through an event source mapping."""

from __future__ import annotations

from ..errors import users_traceback
from ..events import Event
from ..options import flag, printable, refused, whole
from ..resources.names import filed_as, known_as, pascal
from ..resources.queue import VISIBILITY_MAX, Queue
from ..trigger import Trigger, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Grant, Template
    from ..trigger import Finder


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


class SqsBatch(Event):
    """The messages of one invocation. Those given to :meth:`fail` are received again; the others are deleted."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.messages = [SqsMessage(record, context) for record in raw["Records"]]
        self._failed: set[str] = set()

    def summary(self) -> str:
        return f"{len(self)} message{'s' * (len(self) != 1)}"

    def __iter__(self) -> Iterator[SqsMessage]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)

    def fail(self, message: SqsMessage) -> None:
        """Have a message received again, after its visibility timeout."""
        if not isinstance(message, SqsMessage) or message.id not in {known.id for known in self.messages}:
            raise ValueError(f"{message!r} is not a message of this batch.")
        self._failed.add(message.id)

    @property
    def failures(self) -> list[str]:
        """Ids of the messages to receive again. In a FIFO queue that is the first failed one and all after it."""
        failed = [message.id in self._failed for message in self.messages]
        if self.messages and self.messages[0].queue_arn.endswith(".fifo") and True in failed:
            return [message.id for message in self.messages[failed.index(True) :]]
        return [message.id for message, wrong in zip(self.messages, failed, strict=True) if wrong]


class SqsConsumer(Trigger):
    """Run for the messages of a queue; once for each message.

    ``queue``: a queue that the app owns, or the name or ARN of an existing one.
    ``batch_size``: messages a Lambda invocation takes at most: 1-10000, 10 unless said; 1-10 for FIFO.
    ``batching_window``: seconds (0-300) to wait for a batch to fill; at least 1 when ``batch_size`` is over 10; not for
    FIFO. ``maximum_concurrency``: invocations at once, 2-1000.
    ``batch``: hand over the whole batch in one call; report single messages with ``batch.fail(message)``.

    A message whose call raises is received again after the queue's visibility timeout, alone, and moves to the
    dead-letter queue after ``max_receives``. In a FIFO queue the first failure stops the batch: it and all after it
    come again. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    decorator = "sqs_consumer"
    example = "@app.sqs_consumer(orders)"
    kinds = ("sqs",)

    def __init__(
        self,
        queue: Queue | str,
        *,
        batch_size: int = 10,
        batching_window: int = 0,
        maximum_concurrency: int | None = None,
        batch: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(queue, (Queue, str)):
            raise refused(f"sqs_consumer takes a queue such as app.queue('orders'), a name or an ARN, not {queue!r}.")
        self.queue = self.resource = queue if isinstance(queue, Queue) else Queue.existing(queue)
        self.batch_size = whole("sqs_consumer", "batch_size", batch_size, 1, 10_000, "Remove it to use 10.")
        self.batching_window = whole("sqs_consumer", "batching_window", batching_window, 0, 300, "Remove it for none.")
        if maximum_concurrency is not None:
            whole("sqs_consumer", "maximum_concurrency", maximum_concurrency, 2, 1000, "Remove it for no limit.")
        self.maximum_concurrency = maximum_concurrency
        self.batch = flag("sqs_consumer", "batch", batch)
        if self.queue.fifo and batch_size > 10:
            raise refused(f"batch_size must be 1 to 10 for a FIFO queue, not {batch_size}. Remove it to use 10.")
        if self.queue.fifo and batching_window:
            raise refused(f"batching_window is not possible for a FIFO queue, not even {batching_window}. Remove it.")
        if batch_size > 10 and not batching_window:
            raise refused(
                f"batch_size over 10 needs batching_window=1 or more: Lambda refuses {batch_size} without it."
            )

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"sqs {self.queue.logical_id}", f"The consumer of queue {self.queue.key!r}")]

    def title(self) -> str:
        return f"sqs {self.queue.real(self.queue.key)} batch_size={self.batch_size}"

    def parse(self, raw: Any, context: Any) -> SqsBatch:
        return SqsBatch(raw, context)

    def call(self, binding: Binding, event: SqsBatch) -> Any:
        if self.batch:
            return binding(event, event.context)
        for message in event:
            try:
                binding(message, event.context)
            except Exception as error:
                # The invocation succeeds and reports the message, so nobody else would log why.
                import logging

                reason = (type(error), error, users_traceback(error))
                text = "Message %s failed and will be received again."
                logging.getLogger("eventfw").error(text, message.id, exc_info=reason)
                event.fail(message)
                if message.queue_arn.endswith(".fifo"):
                    break
        return None

    def payload(self, event: SqsMessage) -> Any:
        return event.json

    def encode(self, result: Any, event: SqsBatch) -> dict[str, Any]:
        if isinstance(result, dict) and "batchItemFailures" in result:
            raise TypeError("Report messages with batch.fail(message) instead of returning batchItemFailures.")
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in event.failures]}

    def mismatch(self, raw: Any) -> str:
        arn = str(raw["Records"][0].get("eventSourceARN", ""))
        real, called, wanted = arn.rpartition(":")[2], self._called(), self.queue.arn_text
        if called not in (known_as(real, real, self.queue.app) if self.queue.owned else (real, f"*{real}")):
            return f"queue `{printable(real)}` is not `{self.queue.real(self.queue.key)}`"
        # The stage `local` has an existing queue under its own account; a stage that was told of it knows no other.
        if wanted and arn != wanted and called.startswith("*") and ":000000000000:" not in arn:
            return f"queue `{printable(arn)}` is not `{wanted}`"
        return ""

    def _called(self) -> str:
        import os

        return filed_as(os.environ.get(self.queue.variable, "").rpartition("/")[2], self.queue.real(self.queue.key))

    @classmethod
    def index(cls, triggers: Sequence[SqsConsumer]) -> Finder:
        """By the queue's name."""
        app = triggers[0].queue.app

        def leads(raw: Any) -> tuple[str, ...]:
            real = raw["Records"][0]["eventSourceARN"].rpartition(":")[2]
            return known_as(real, real, app)

        return filed(([trigger._called()] for trigger in triggers), leads)

    def grants(self) -> Collection[Grant]:
        return [self.queue.receive]

    def resources(self, function: Function, template: Template) -> None:
        """The mapping that polls the queue with the function's role, and the queue's visibility timeout."""
        if self.queue.owned or template.local:
            self._raise_visibility(function, template)
        properties: dict[str, Any] = {
            "EventSourceArn": self.queue.arn_in(template),
            "FunctionName": template.reference(template.function_id(function)),
            "BatchSize": self.batch_size,
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        }
        if self.batching_window:
            properties["MaximumBatchingWindowInSeconds"] = self.batching_window
        if self.maximum_concurrency:
            properties["ScalingConfig"] = {"MaximumConcurrency": self.maximum_concurrency}
        name = pascal(function.name) + pascal(self.queue.key) + "Mapping"
        template.add(name, "AWS::Lambda::EventSourceMapping", properties)

    def _raise_visibility(self, function: Function, template: Template) -> None:
        queue = template.properties(self.queue.logical_id)
        chosen = self.queue.visibility_timeout
        if chosen is None:
            wanted = min(6 * function.timeout + self.batching_window, VISIBILITY_MAX)
            queue["VisibilityTimeout"] = max(queue["VisibilityTimeout"], wanted)
        elif chosen < function.timeout:
            raise self.refused(
                f"visibility_timeout must be at least the function's timeout of {function.timeout} s for the queue "
                f"{self.queue.key!r}, not {chosen}: Lambda refuses the mapping. Remove it for six timeouts."
            )

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One message. Fields: ``body`` (text, or anything that is written as JSON), ``group_id``, ``message_id``."""
        self.fields_among(fields, ("body", "group_id", "message_id"))
        body = fields.get("body", "{}")
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
