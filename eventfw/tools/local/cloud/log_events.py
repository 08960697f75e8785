"""The functions' logs in the embedded AWS's CloudWatch Logs, where ``aws logs tail`` and subscriptions find them.

Invocations are only noted while they run; their lines are written and sent in batches, in the background.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from eventfw.tools.local.workers.log_lines import written

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws
    from eventfw.tools.local.workers.journal import Journal, Line, Stream
    from eventfw.tools.local.workers.oversight import Oversight

EVERY = 0.25  # seconds between two batches, while there is something to send
KEPT = 10_000  # invocations that wait to be sent
KEPT_STREAMS = 1_000  # names of streams that are known to be there
KEPT_CHARACTERS = 32 * 1024 * 1024  # of what they have printed
SILENT = 50  # of a batch's invocations without a line of their own and without a fault: more say nothing new
BATCH_EVENTS = 1_000
BATCH_BYTES = 1024 * 1024  # what PutLogEvents takes, each event counted with
EVENT_BYTES = 26  # more than its text
MISSING, PRESENT = "ResourceNotFoundException", "ResourceAlreadyExistsException"
EVENT_LIMIT = 256 * 1024 - EVENT_BYTES  # bytes of one event


class LogEvents:
    """Sends what invocations have logged.

    ``tell`` hears once when the AWS is gone; what was to be sent is then let go, and so is what comes until it answers
    again. Before ``open``, invocations wait, of too many the last: the log groups are the app's stack's to make.
    ``has`` waits until no change of the stack is under way, and says whether it has a function: of others, as of one
    that a save has removed while it ran, nothing is sent. Their group would be in the way of the stack's own.
    """

    def __init__(
        self, aws: Callable[[], Aws | None], tell: Callable[[str], None], has: Callable[[str], Awaitable[bool]]
    ) -> None:
        self.aws = aws
        self.tell = tell
        self.has = has
        self._waiting: deque[Journal] = deque()
        self._size = 0
        self._streams: set[str] = set()
        self._opened = False
        self._told = False
        self._timer: asyncio.TimerHandle | None = None
        self._sending: asyncio.Task[None] | None = None

    def watch(self, oversight: Oversight) -> None:
        """Be told of invocations that have ended, beside whoever is already."""
        before = oversight.ended

        def both(journal: Journal) -> None:
            if before is not None:
                before(journal)
            self.ended(journal)

        oversight.ended = both if before is not None else self.ended

    def ended(self, journal: Journal) -> None:
        """An invocation has ended. Costs next to nothing."""
        self._waiting.append(journal)
        self._size += journal.size
        while len(self._waiting) > 1 and (self._size > KEPT_CHARACTERS or len(self._waiting) > KEPT):
            self._size -= self._waiting.popleft().size
        if self._timer is None and self._opened:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._flush)

    def open(self) -> None:
        """The app's stack is there: begin to send."""
        if not self._opened:
            self._opened = True
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._flush)

    async def stop(self) -> None:
        """Send nothing more."""
        self._opened = False
        if self._timer is not None:
            self._timer.cancel()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    def _flush(self) -> None:
        self._timer = None
        if self._sending is None and self._waiting:
            self._sending = asyncio.get_running_loop().create_task(self._send())
            self._sending.add_done_callback(self._sent)

    def _sent(self, sending: asyncio.Task[None]) -> None:
        self._sending = None
        if not sending.cancelled() and (error := sending.exception()) is not None:
            raise error
        if self._waiting and self._opened:
            self._timer = asyncio.get_running_loop().call_later(EVERY, self._flush)

    async def _send(self) -> None:
        from eventfw.errors import LocalError

        journals, self._waiting, self._size = self._waiting, deque(), 0
        client = self.aws()
        try:
            if client is None:
                raise LocalError("No AWS is running here.")
            for stream, lines in by_stream(journals):
                await self._put(client, stream, lines)
            self._told = False
        except LocalError as error:
            if not self._told:
                self._told = True
                self.tell(f"Functions' logs are not in CloudWatch Logs: {error}")

    async def _put(self, client: Aws, stream: Stream, lines: list[Line]) -> None:
        from eventfw.tools.local.cloud.aws import AwsError

        if stream.name not in self._streams and not await self._make(client, stream):
            return
        if len(self._streams) > KEPT_STREAMS:  # of those that still log, each is made once more, and is there
            self._streams.clear()
        self._streams.add(stream.name)
        for events in batches(lines):
            sent = {"logGroupName": stream.group, "logStreamName": stream.name, "logEvents": events}
            try:
                await client.call("logs", "PutLogEvents", sent)
            except AwsError as error:
                if error.code != MISSING:
                    raise
                self._streams.discard(stream.name)  # the group is gone, as with its function
                return

    async def _make(self, client: Aws, stream: Stream) -> bool:
        """Make the stream and, where the app's stack has the function and not the group, the group: Lambda does, too.
        Whether the stream is there."""
        names = {"logGroupName": stream.group, "logStreamName": stream.name}
        if await self._made(client, "CreateLogStream", names):
            return True
        if not await self.has(stream.function):
            return False
        if not await self._made(client, "CreateLogStream", names):  # the stack may have made the group meanwhile
            await self._made(client, "CreateLogGroup", {"logGroupName": stream.group})
            return await self._made(client, "CreateLogStream", names)
        return True

    async def _made(self, client: Aws, action: str, names: dict[str, str]) -> bool:
        """Make a group or a stream; whether it is there now."""
        from eventfw.tools.local.cloud.aws import AwsError

        try:
            await client.call("logs", action, names)
        except AwsError as error:
            if error.code not in (MISSING, PRESENT):
                raise
            return error.code == PRESENT
        return True


def by_stream(journals: Iterable[Journal]) -> list[tuple[Stream, list[Line]]]:
    """The lines of invocations, by the environment that ran them."""
    found: dict[str, tuple[Stream, list[Line]]] = {}
    silent = 0
    for journal in journals:
        if journal.lines is None and not journal.before and journal.status == "success":
            silent += 1
            if silent > SILENT:
                continue
        _, lines = found.setdefault(journal.stream.name, (journal.stream, []))
        lines += written(journal)
    return list(found.values())


def batches(lines: Iterable[Line]) -> Iterator[list[dict[str, object]]]:
    """Lines as PutLogEvents takes them: in order of time, and not too many at once."""
    events: list[dict[str, object]] = []
    size = 0
    for when, text in sorted(lines, key=lambda line: line[0]):
        message = text if len(text) * 4 <= EVENT_LIMIT else cut(text)
        weight = len(message.encode("utf-8", "replace")) + EVENT_BYTES
        if events and (size + weight > BATCH_BYTES or len(events) == BATCH_EVENTS):
            yield events
            events, size = [], 0
        if message:  # an event of no text is refused
            events.append({"timestamp": int(when * 1000), "message": message})
            size += weight
    if events:
        yield events


def cut(text: str) -> str:
    """What fits into one event."""
    return text.encode("utf-8", "replace")[:EVENT_LIMIT].decode(errors="ignore")
