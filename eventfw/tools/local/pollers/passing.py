"""What passes the door and pollers act on: something was sent, so look at once; a message was received, or its
visibility timeout changed, so see to it that it is seen again in time.

What the embedded AWS sends on by itself (a topic's message to a queue, an object's event) does not pass here; what it
comes of does, and queues that get such are looked at a moment later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

from eventfw.tools.local.pollers.visibility import CHANGES, Visibility
from eventfw.tools.local.web.asgi import HttpRequest

WRITES = {
    "AmazonSQS": ("SendMessage", "SendMessageBatch"),
    "Kinesis_20131202": ("PutRecord", "PutRecords"),
    "DynamoDB_20120810": ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"),
}
RESHARDINGS = ("Kinesis_20131202.SplitShard", "Kinesis_20131202.MergeShards", "Kinesis_20131202.UpdateShardCount")
"""The embedded AWS drops what is in the shards before: it has to be read first."""

RECEIPTS = (*CHANGES, "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch")
NAMES = re.compile(rb'"(?:QueueUrl|StreamName|StreamARN|TableName)"\s*:\s*"(?:[^"\\]*[/:])?([^"\\/:]+)\\?"')
QUERY_SERVICE = "/sqs/aws4_request"  # in the signature of a request in SQS's older protocol
SENDS_ON = re.compile(r"/(?:sns|s3|events)/aws4_request")  # in the signature, to what may send to queues


class Passing:
    """Looks at the requests that concern pollers, before and after the embedded AWS has them."""

    def __init__(
        self,
        wake: Callable[[str], None],
        passed_on: Callable[[], None],
        refresh: Callable[[str], Awaitable[None]],
        visibility: Visibility,
    ) -> None:
        self.wake = wake
        self.passed_on = passed_on
        self.refresh = refresh
        self.visibility = visibility

    def concerns(self, request: HttpRequest) -> bool:
        """Whether a request is to be looked at."""
        service, _, action = request.header("x-amz-target").partition(".")
        if not service:
            return QUERY_SERVICE in request.header("authorization")
        if action in WRITES.get(service, ()) or request.header("x-amz-target") in RESHARDINGS:
            return True
        return service == "AmazonSQS" and action in (RECEIPTS if self.visibility.takes_over else CHANGES)

    async def before(self, request: HttpRequest, body: bytes) -> bytes:
        """The body to pass on."""
        await self._refresh(request, body)
        action = _sqs_action(request)
        if not self.visibility.takes_over or action not in RECEIPTS:
            return body
        return await self.visibility.hidden(action, body)

    async def after(self, request: HttpRequest, body: bytes, status: int, answer: bytes) -> None:
        """The embedded AWS has answered. ``body`` is what the client sent."""
        if status >= 300:
            return
        action = _sqs_action(request)
        if action in RECEIPTS:
            await self.visibility.seen(action, json.loads(body), json.loads(answer or b"{}"))
        elif request.header("x-amz-target") in RESHARDINGS:
            await self._refresh(request, body)
        elif action or request.header("x-amz-target"):
            for name in names_in(body):
                self.wake(name)
        else:
            self._after_query(request, body)

    def passed(self, request: HttpRequest) -> None:
        """Any request that the embedded AWS has answered."""
        if request.method != "GET" and SENDS_ON.search(request.header("authorization")):
            self.passed_on()

    async def _refresh(self, request: HttpRequest, body: bytes) -> None:
        if request.header("x-amz-target") in RESHARDINGS:
            for name in names_in(body):
                await self.refresh(name)

    def _after_query(self, request: HttpRequest, body: bytes) -> None:
        said = parse_qs(body.decode(errors="replace"))
        if said.get("Action", [""])[0] in WRITES["AmazonSQS"]:
            self.wake((said.get("QueueUrl", [""])[0] or request.path).rpartition("/")[2])


def _sqs_action(request: HttpRequest) -> str:
    service, _, action = request.header("x-amz-target").partition(".")
    return action if service == "AmazonSQS" else ""


def names_in(body: bytes) -> Iterator[str]:
    """The queues, streams and tables that a request's body names."""
    seen = {match.decode() for match in NAMES.findall(body)}
    if b'"RequestItems"' in body:
        said: Any = json.loads(body)
        seen |= {str(name).rpartition("/")[2] for name in said.get("RequestItems", {})}
    yield from sorted(seen)
