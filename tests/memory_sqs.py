"""SQS in memory, for what the server asks of it: its time is the clock's, except where it hides messages for long."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from typing import Any

from eventfw.tools.local.clock import Clock
from eventfw.tools.local.cloud.aws import AwsError, Unanswered

ACCOUNT = "000000000000"


class MemorySqs:
    """Stands for the client of the embedded AWS. Messages are dicts; ``deleted`` and ``dead`` are bodies, in order."""

    def __init__(self, clock: Clock, *, visibility: int = 30, receives: int = 0) -> None:
        self.clock = clock
        self.visibility = visibility
        self.receives = receives  # before a message is dead, 0 for any number
        self.queues: dict[str, list[dict[str, Any]]] = {}
        self.deleted: list[str] = []
        self.dead: list[str] = []
        self.shown: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusals: list[Exception] = []  # of receiving
        self.gone = False
        self._numbers = itertools.count(1)

    def endpoint(self) -> str | None:
        return "http://sqs"

    def send(self, queue: str, *bodies: str, **more: Any) -> None:
        """Have messages in a queue; ``group`` and ``attributes`` may be said of them."""
        for body in bodies:
            message = {"body": body, "id": f"m-{body[:20]}", "from": 0.0, "count": 0, "receipt": "", **more}
            self.queues.setdefault(queue, []).append(message)

    async def call(self, service: str, action: str, sent: dict[str, Any], *, wait: float = 0.0) -> dict[str, Any]:
        await asyncio.sleep(0)
        self.calls.append((action, sent))
        if self.gone:
            raise Unanswered("The embedded AWS does not answer.")
        if self.refusals and action == "ReceiveMessage":
            raise self.refusals.pop()
        if action == "GetQueueUrl":
            return {"QueueUrl": f"http://sqs/{ACCOUNT}/{sent['QueueName']}"}
        queue = self.queues.setdefault(sent["QueueUrl"].rpartition("/")[2], [])
        if action == "ReceiveMessage":
            return await self._receive(queue, sent, wait)
        if action == "GetQueueAttributes":
            return {"Attributes": self._attributes()}
        known = {one["receipt"]: one for one in queue if one["receipt"]}
        failed = []
        for entry in sent["Entries"]:
            message = known.get(entry["ReceiptHandle"])
            if message is None:
                failed.append({"Id": entry["Id"], "Code": "ReceiptHandleIsInvalid"})
            elif action == "DeleteMessageBatch":
                queue.remove(message)
                self.deleted.append(message["body"])
            else:
                message["from"] = self.clock.time() + entry["VisibilityTimeout"]
                self.shown.append(message["body"])
        return {"Failed": failed}

    def _attributes(self) -> dict[str, str]:
        told = {"VisibilityTimeout": str(self.visibility)}
        if self.receives:
            arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
            told["RedrivePolicy"] = f'{{"deadLetterTargetArn": "{arn}", "maxReceiveCount": {self.receives}}}'
        return told

    async def _receive(self, queue: list[dict[str, Any]], sent: dict[str, Any], wait: float) -> dict[str, Any]:
        end = asyncio.get_running_loop().time() + wait
        while not (found := self._visible(queue, sent)) and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return {"Messages": found} if found else {}

    def _visible(self, queue: list[dict[str, Any]], sent: dict[str, Any]) -> list[dict[str, Any]]:
        now = self.clock.time()
        for one in list(queue):
            if self.receives and one["count"] >= self.receives and one["from"] <= now:
                queue.remove(one)
                self.dead.append(one["body"])
        held = {one["group"] for one in queue if "group" in one and one["count"] and one["from"] > now}
        seen = [one for one in queue if one["from"] <= now and one.get("group") not in held]
        return [self._handed(one, now, sent) for one in seen[: sent["MaxNumberOfMessages"]]]

    def _handed(self, one: dict[str, Any], now: float, sent: dict[str, Any]) -> dict[str, Any]:
        one["from"] = now + sent.get("VisibilityTimeout", self.visibility)
        one["count"] += 1
        one["receipt"] = f"r-{next(self._numbers)}"
        attributes = {"ApproximateReceiveCount": str(one["count"]), "SenderId": ACCOUNT}
        if "group" in one:
            attributes["MessageGroupId"] = one["group"]
        return {
            "MessageId": one["id"],
            "ReceiptHandle": one["receipt"],
            "Body": one["body"],
            "MD5OfBody": hashlib.md5(one["body"].encode(), usedforsecurity=False).hexdigest(),
            "Attributes": attributes if sent.get("AttributeNames") == ["All"] else {},
            "MessageAttributes": one.get("attributes", {}) if sent.get("MessageAttributeNames") == ["All"] else {},
        }


def refused(code: str = "QueueDoesNotExist") -> AwsError:
    """What SQS refuses with."""
    return AwsError(code, "no", 400)
