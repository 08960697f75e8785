"""When received messages are seen again: after the visibility timeout of their queue, or of the message.

By the real clock the embedded AWS sees to it. By a virtual one it cannot: there a received message is hidden for as
long as SQS allows, and shown when the virtual clock says so.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eventfw.errors import LocalError
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.cloud.aws import Aws
from eventfw.tools.local.terminal import Terminal

HIDDEN = 43_200  # seconds: the longest visibility timeout
MOST = 10  # entries of a batch
RELEASE = 2.0  # seconds that giving all back may take
KEPT = 1000  # receipts, before those whose moment is past are put away
CHANGES = ("ChangeMessageVisibility", "ChangeMessageVisibilityBatch")
DEFAULT = 30  # seconds: SQS's visibility timeout where a queue does not say


class Visibility:
    """Until when messages are hidden, by receipt, in seconds since 1970.

    ``shown`` is called with the name of a queue whose messages were just made visible.
    """

    def __init__(self, aws: Aws, clock: Clock, terminal: Terminal) -> None:
        self.aws = aws
        self.clock = clock
        self.terminal = terminal
        self.shown: Callable[[str], None] = lambda queue: None
        self._until: dict[str, tuple[str, float]] = {}  # by receipt: the queue's URL, the moment
        self._kept = KEPT
        self._tasks: set[asyncio.Task[None]] = set()
        self._showing: set[asyncio.Task[None]] = set()
        clock.settled_by(self.settle)

    @property
    def takes_over(self) -> bool:
        """Whether the waits are the server's, not the embedded AWS's."""
        return self.clock.virtual

    @property
    def timeout(self) -> int | None:
        """The visibility timeout to receive with, in seconds, where it is not the queue's own."""
        return HIDDEN if self.takes_over else None

    def hide(self, url: str, receipts: Sequence[str], until: float) -> None:
        """Messages of a queue were received: they are seen again at that moment."""
        if len(self._until) > self._kept:
            now = self.clock.time()
            self._until = {receipt: known for receipt, known in self._until.items() if known[1] >= now}
            self._kept = max(KEPT, 2 * len(self._until))
        for receipt in receipts:
            self._until[receipt] = (url, until)
        if self.takes_over and receipts:
            task = asyncio.create_task(self._show_at(url, list(receipts), until))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def until(self, receipt: str, otherwise: float) -> float:
        """When a message is seen again."""
        return self._until.get(receipt, ("", otherwise))[1]

    def forget(self, receipts: Sequence[str]) -> None:
        """Messages are deleted, or no longer anybody's here."""
        for receipt in receipts:
            self._until.pop(receipt, None)

    async def settle(self) -> bool:
        """Wait until what is due was made visible; whether anything was."""
        showing = list(self._showing)
        await asyncio.gather(*showing, return_exceptions=True)
        return bool(showing)

    async def stop(self) -> None:
        """Show every message that only this clock would have shown: a server that stops leaves none hidden."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        hidden: dict[str, list[str]] = {}
        for receipt, (url, _) in self._until.items():
            hidden.setdefault(url, []).append(receipt)
        self._until.clear()
        if self.takes_over and hidden:
            try:
                async with asyncio.timeout(RELEASE):
                    await asyncio.gather(*(self._show(url, receipts) for url, receipts in hidden.items()))
            except TimeoutError:
                self.terminal.problem("The embedded AWS does not answer: some received messages stay hidden in it.")

    async def hidden(self, action: str, body: bytes) -> bytes:
        """A client's request, changed so that what it receives, or hides for longer, stays hidden."""
        try:
            said = json.loads(body)
            changed = _hidden(action, said)
        except (ValueError, TypeError, AttributeError):
            return body  # which SQS refuses
        return json.dumps(said).encode() if changed else body

    async def seen(self, action: str, said: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """A client has received, changed or deleted messages: ``said`` is what it asked for."""
        url = str(said.get("QueueUrl", ""))
        if action == "ReceiveMessage":
            receipts = [str(one["ReceiptHandle"]) for one in answer.get("Messages", [])]
            if receipts and said.get("VisibilityTimeout") != 0:
                seconds = await self._timeout(url, said.get("VisibilityTimeout"))
                self.hide(url, receipts, self.clock.time() + seconds)
            return
        refused = {one["Id"] for one in answer.get("Failed", [])}
        for one in _entries(action, said):
            if one.get("Id") in refused:
                continue
            receipt = str(one.get("ReceiptHandle"))
            if action.startswith("Delete"):
                self.forget([receipt])
            else:
                self._changed(url, receipt, int(one.get("VisibilityTimeout", DEFAULT)))

    def _changed(self, url: str, receipt: str, seconds: int) -> None:
        now = self.clock.time()
        if seconds and self.takes_over:
            self.hide(url, [receipt], now + seconds)
            return
        if receipt in self._until:
            self._until[receipt] = (url, now + seconds)
        if not seconds:
            self.shown(_name(url))

    async def _timeout(self, url: str, said: int | None) -> float:
        if said is not None:
            return float(said)
        asked = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
        told = await self.aws.call("sqs", "GetQueueAttributes", asked)
        return float(told.get("Attributes", {}).get("VisibilityTimeout", DEFAULT))

    async def _show_at(self, url: str, receipts: Sequence[str], until: float) -> None:
        await self.clock.sleep_until(until)
        due = [one for one in receipts if self._until.get(one) == (url, until)]
        if task := asyncio.current_task():
            self._showing.add(task)
            task.add_done_callback(self._showing.discard)
        self.forget(due)
        await self._show(url, due)

    async def _show(self, url: str, receipts: Sequence[str]) -> None:
        for at in range(0, len(receipts), MOST):
            some = receipts[at : at + MOST]
            entries = [{"Id": str(n), "ReceiptHandle": one, "VisibilityTimeout": 0} for n, one in enumerate(some)]
            try:
                await self.aws.call("sqs", "ChangeMessageVisibilityBatch", {"QueueUrl": url, "Entries": entries})
            except LocalError as error:
                self.terminal.problem(f"Received messages of {_name(url)}, {len(some)}, stay hidden: {error}")
        if receipts:
            self.shown(_name(url))


def _hidden(action: str, said: Any) -> bool:
    """Have what is received, or hidden for longer, stay hidden; whether anything was changed."""
    changed = False
    for one in [said] if action == "ReceiveMessage" else _entries(action, said) if action in CHANGES else ():
        seconds = one.get("VisibilityTimeout", DEFAULT)
        if isinstance(seconds, int) and 0 < seconds <= HIDDEN:  # what is not, SQS refuses
            one["VisibilityTimeout"] = HIDDEN
            changed = True
    return changed


def _entries(action: str, said: Mapping[str, Any]) -> list[Any]:
    """The receipts that a request is about, each with what it says of it."""
    return list(said.get("Entries", [])) if action.endswith("Batch") else [said]


def _name(url: str) -> str:
    return url.rpartition("/")[2]
