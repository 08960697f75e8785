"""The calls of SQS's that a poller makes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from eventfw.tools.local.cloud.aws import Aws
from eventfw.tools.local.pollers.partial import Redrive

MOST = 10  # messages of one call
KNOWN_FOR = 1.0  # seconds that a queue's attributes are taken to be as they were
AT_ONCE = 4  # calls


@dataclass(frozen=True)
class Attributes:
    """How long a queue's received messages are hidden, in seconds, and where they go when received too often."""

    visibility: float
    redrive: Redrive | None


class SqsQueue:
    """A queue, by its ARN."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self.aws = aws
        self.arn = arn
        _, _, _, _, self.account, self.name = arn.split(":")
        self.fifo = self.name.endswith(".fifo")
        self._url = ""
        self._attributes: Attributes | None = None
        self._known_at = 0.0

    async def url(self) -> str:
        """The queue's URL, which the other calls name it by."""
        if not self._url:
            asked = {"QueueName": self.name, "QueueOwnerAWSAccountId": self.account}
            self._url = str((await self.aws.call("sqs", "GetQueueUrl", asked))["QueueUrl"])
        return self._url

    async def attributes(self) -> Attributes:
        """What the queue is set to."""
        if self._attributes is None or time.monotonic() > self._known_at + KNOWN_FOR:
            asked = {"QueueUrl": await self.url(), "AttributeNames": ["VisibilityTimeout", "RedrivePolicy"]}
            told = (await self.aws.call("sqs", "GetQueueAttributes", asked)).get("Attributes", {})
            self._attributes = Attributes(float(told.get("VisibilityTimeout", 30)), _redrive(told.get("RedrivePolicy")))
            self._known_at = time.monotonic()
        return self._attributes

    async def receive(self, most: int, wait: int, visibility: int | None = None) -> list[dict[str, Any]]:
        """At most 10 messages, as the API gives them. ``wait``: seconds to wait for one. ``visibility``: seconds that
        they are hidden, if not as long as the queue says."""
        asked: dict[str, Any] = {
            "QueueUrl": await self.url(),
            "MaxNumberOfMessages": min(most, MOST),
            "WaitTimeSeconds": wait,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        if visibility is not None:
            asked["VisibilityTimeout"] = visibility
        received: list[dict[str, Any]] = (await self.aws.call("sqs", "ReceiveMessage", asked, wait=wait)).get(
            "Messages", []
        )
        return received

    async def delete(self, receipts: Sequence[str]) -> None:
        """Delete messages. What the function has deleted itself is passed over, as it is on AWS."""
        await self._in_tens("DeleteMessageBatch", [{"ReceiptHandle": one} for one in receipts])

    async def show(self, receipts: Sequence[str]) -> None:
        """Give messages back, to be received at once."""
        await self._in_tens(
            "ChangeMessageVisibilityBatch", [{"ReceiptHandle": one, "VisibilityTimeout": 0} for one in receipts]
        )

    async def _in_tens(self, action: str, entries: Sequence[dict[str, Any]]) -> None:
        url = await self.url()
        chunks = [entries[at : at + MOST] for at in range(0, len(entries), MOST)]

        def call(chunk: Sequence[dict[str, Any]]) -> Callable[[], Awaitable[Any]]:
            numbered = [{"Id": str(number), **one} for number, one in enumerate(chunk)]
            return lambda: self.aws.call("sqs", action, {"QueueUrl": url, "Entries": numbered})

        calls = iter([call(chunk) for chunk in chunks])
        await asyncio.gather(*(_one_by_one(calls) for _ in range(min(AT_ONCE, len(chunks)))))


async def _one_by_one(calls: Iterator[Callable[[], Awaitable[Any]]]) -> None:
    for call in calls:
        await call()


def _redrive(policy: str | None) -> Redrive | None:
    if not policy:
        return None
    said = json.loads(policy)
    return Redrive(int(said["maxReceiveCount"]), str(said["deadLetterTargetArn"]).rpartition(":")[2])
