"""Messages of a queue as Lambda hands them over: each a record, several a batch, a batch one event.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html#invocation-eventsourcemapping-batching
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

EVENT_LIMIT = 6 * 1024 * 1024  # bytes: what a synchronous invocation takes
BEFORE, BETWEEN, AFTER = b'{"Records": [', b", ", b"]}"
AROUND = len(BEFORE + AFTER)


@dataclass(frozen=True)
class Message:
    """A received message: as the function gets it, the same as JSON, and until when nobody else receives it."""

    id: str
    receipt: str
    record: Mapping[str, Any] = field(hash=False, compare=False)
    data: bytes = field(repr=False)
    until: float = 0.0

    @property
    def group(self) -> str:
        """The message group of a FIFO queue."""
        return str(self.record["attributes"].get("MessageGroupId", ""))

    @property
    def receives(self) -> int:
        """How often the message was received, this time included."""
        return int(self.record["attributes"].get("ApproximateReceiveCount", 1))


def message_of(received: Mapping[str, Any], arn: str, until: float) -> Message:
    """What ReceiveMessage gave of a message of the queue ``arn``, hidden until then."""
    record = {
        "messageId": received["MessageId"],
        "receiptHandle": received["ReceiptHandle"],
        "body": received["Body"],
        "attributes": received.get("Attributes", {}),
        "messageAttributes": {name: _attribute(one) for name, one in received.get("MessageAttributes", {}).items()},
    }
    if "MD5OfMessageAttributes" in received:
        record["md5OfMessageAttributes"] = received["MD5OfMessageAttributes"]
    record |= {
        "md5OfBody": received["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }
    data = json.dumps(record, ensure_ascii=False).encode()
    return Message(received["MessageId"], received["ReceiptHandle"], record, data, until)


def _attribute(sent: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute that the sender attached: SQS has the fields of the lists, and never fills them."""
    said = {
        name: sent[key] for name, key in (("stringValue", "StringValue"), ("binaryValue", "BinaryValue")) if key in sent
    }
    return {**said, "stringListValues": [], "binaryListValues": [], "dataType": sent["DataType"]}


def event_of(messages: Sequence[Message]) -> bytes:
    """The event of a batch."""
    return BEFORE + BETWEEN.join(one.data for one in messages) + AFTER


class Gathering:
    """Messages on their way into a batch: it is due when it is full, or its window is over.

    ``size`` is the mapping's BatchSize, ``window`` its MaximumBatchingWindowInSeconds, which begins with the first
    message. ``fifo``: messages of a group go one batch after the other.
    """

    def __init__(self, size: int, window: float, *, fifo: bool = False) -> None:
        self.size = size
        self.window = window
        self.fifo = fifo
        self.messages: list[Message] = []
        self.ends = 0.0  # when the window is over, while there are messages
        self._bytes = AROUND

    def add(self, messages: Sequence[Message], now: float) -> None:
        """Take in what was just received."""
        if messages and not self.messages:
            self.ends = now + self.window
        self.messages.extend(messages)
        self._bytes += sum(len(one.data) + len(BETWEEN) for one in messages)

    def due(self, now: float) -> bool:
        """Whether a batch is to be made now."""
        if not self.messages:
            return False
        return now >= self.ends or len(self.messages) >= self.size or self._bytes >= EVENT_LIMIT

    def batch(self, now: float, busy: Collection[str] = ()) -> list[Message]:
        """Take a batch, as large as may be, in order. Messages that others may receive again by now are forgotten. In a
        FIFO queue the groups that are ``busy`` wait, and so does what is behind a message that waits."""
        self.messages = [one for one in self.messages if one.until > now]
        taken: list[Message] = []
        left: list[Message] = []
        waiting = set(busy) if self.fifo else set()
        room = EVENT_LIMIT - AROUND
        for one in self.messages:
            needed = len(one.data) + len(BETWEEN)
            if len(taken) < self.size and needed <= room and not (self.fifo and one.group in waiting):
                taken.append(one)
                room -= needed
            else:
                left.append(one)
                waiting.add(one.group)
                room = 0 if not self.fifo else room
        self._keep(left)
        self.ends = now + self.window
        return taken

    def forget(self, groups: Collection[str]) -> None:
        """Leave the messages of these groups to be received again: one before them failed, and the order holds."""
        self._keep([one for one in self.messages if one.group not in groups])

    def _keep(self, messages: list[Message]) -> None:
        self.messages = messages
        self._bytes = AROUND + sum(len(one.data) + len(BETWEEN) for one in messages)
