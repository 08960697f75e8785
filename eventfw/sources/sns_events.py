"""Messages of an SNS topic, as a function gets them: at once, or through a queue."""

from __future__ import annotations

from ..events import Event, instant
from ..polling.batches import Batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Any


class SnsMessage(Event):
    """One message of a topic. https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html"""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self._envelope: dict[str, Any] | None = raw.get("Sns")

    @property
    def envelope(self) -> dict[str, Any]:
        """What SNS says of the message, the message itself within it.

        Behind a queue with raw delivery SNS leaves it away; it then has ``Message`` and ``MessageAttributes`` alone.
        """
        if self._envelope is None:
            self._envelope = self._unwrapped()
        return self._envelope

    def _unwrapped(self) -> dict[str, Any]:
        body = str(self.raw["body"])
        if body.startswith("{"):
            from json import loads

            try:
                found = loads(body)
            except ValueError:
                found = None
            if isinstance(found, dict) and found.get("Type") == "Notification" and "TopicArn" in found:
                return found
        sent = self.raw.get("messageAttributes") or {}
        attributes = {
            name: {"Type": value.get("dataType"), "Value": value.get("stringValue", value.get("binaryValue"))}
            for name, value in sent.items()
        }
        return {"Message": body, "MessageAttributes": attributes}

    def summary(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        """The message's id; behind a queue with raw delivery, the queue's id of it."""
        return str(self.envelope.get("MessageId") or self.raw["messageId"])

    @property
    def message(self) -> str:
        """The message, as it was published; for Lambda's, where it was published with a structure of its own."""
        return str(self.envelope["Message"])

    @property
    def json(self) -> Any:
        """The message read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.message)

    @property
    def subject(self) -> str | None:
        """The subject, at most 100 characters, where it was published with one."""
        return self.envelope.get("Subject")

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes' values by name: text, numbers, ``bytes``, and lists of ``String.Array``."""
        return {name: _value(one) for name, one in (self.envelope.get("MessageAttributes") or {}).items()}

    @property
    def published_at(self) -> datetime | None:
        """When it was published, with time zone; ``None`` behind a queue with raw delivery."""
        time = self.envelope.get("Timestamp")
        return instant(time) if time else None

    @property
    def topic_arn(self) -> str | None:
        """The topic's ARN; ``None`` behind a queue with raw delivery."""
        return self.envelope.get("TopicArn")

    @property
    def subscription_arn(self) -> str | None:
        """The subscription's ARN; ``None`` behind a queue."""
        return self.raw.get("EventSubscriptionArn")  # type: ignore[no-any-return]


def _value(attribute: Mapping[str, Any]) -> Any:
    """An attribute's value by its type, which may carry a label of the sender's: ``Number.int``."""
    kind, value = str(attribute.get("Type")), attribute.get("Value")
    if value is None:
        return None
    if kind == "String.Array":
        from json import loads

        return loads(value)
    if kind.startswith("Number"):
        return float(value) if any(char in value for char in ".eE") else int(value)
    if kind.startswith("Binary"):
        from base64 import b64decode

        return b64decode(value + "==")  # more of it does no harm, and AWS's own test event has none
    return value


class SnsBatch(Batch):
    """The messages of one invocation: one, or behind a queue several."""

    one = "message"

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context, [SnsMessage(record, context) for record in raw["Records"]])
        first = raw["Records"][0]
        self.queued = "Sns" not in first
        self.ordered = self.queued and str(first.get("eventSourceARN", "")).endswith(".fifo")

    def __iter__(self) -> Iterator[SnsMessage]:
        return iter(self.records)

    def identifier(self, record: SnsMessage) -> str:
        """The queue's id of the message; SNS's own where there is no queue."""
        return str(record.raw["messageId"]) if self.queued else record.id
