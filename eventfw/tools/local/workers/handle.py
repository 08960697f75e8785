"""The server's end of one worker: its connection, its output, and the one event it may have."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from eventfw.tools.local.workers import results
from eventfw.tools.local.workers.results import Result, WorkerEnded
from eventfw.tools.local.workers.wire import Decoder, pack, pack_event

if TYPE_CHECKING:
    from eventfw.tools.local.workers.wire import Message

LOGS_KEPT = 256 * 1024  # characters of one invocation's output
READ = 64 * 1024  # bytes of output read at once
LAST_WORDS = 0.5  # seconds to read what an ended worker had sent, while something keeps the connection open
LINE_LIMIT = 64 * 1024  # bytes after which a line without an end is shown as it is

OnLine = Callable[[str, str, str], None]
"""Told of each line of output: function, request id (``""`` outside an invocation), the line."""


class Output:
    """What a worker prints, line by line, and for the invocation it was printed in."""

    def __init__(self, descriptor: int, function: str, on_line: OnLine) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.function = function
        self.on_line = on_line
        self.request_id = ""
        self._rest = b""
        self._lines: deque[str] = deque()
        self._size = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self.drain)

    def begin(self, request_id: str) -> None:
        """What is read from now on belongs to this invocation."""
        self.request_id = request_id
        if self._size:
            self._lines.clear()
            self._size = 0

    def finish(self) -> str:
        """End the invocation: everything it printed."""
        self.drain()
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        self.request_id = ""
        return "".join(self._lines)

    def drain(self) -> None:
        """Read all there is."""
        while self.descriptor >= 0:
            try:
                data = os.read(self.descriptor, READ)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._rest) > LINE_LIMIT:
                self._line(self._rest)
                self._rest = b""

    def _line(self, line: bytes) -> None:
        text = line.decode(errors="replace")
        if self.request_id:
            self._lines.append(text + "\n")
            self._size += len(text) + 1
            while self._size > LOGS_KEPT and len(self._lines) > 1:
                self._size -= len(self._lines.popleft())
        self.on_line(self.function, self.request_id, text)

    def close(self) -> None:
        """Stop reading; a process that still writes there is told so by the system."""
        if self.descriptor >= 0:
            self._loop.remove_reader(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1


Answer = Callable[[Result], None]
"""Told what an invocation came to. It must not raise."""


class Invocation:
    """The event a worker has: who is told the answer, since when, and until when."""

    __slots__ = ("answer", "request_id", "seconds", "started")

    def __init__(self, request_id: str, answer: Answer, seconds: float) -> None:
        self.request_id = request_id
        self.answer = answer
        self.seconds = seconds
        self.started = time.perf_counter()


class Worker(asyncio.Protocol):
    """One execution environment, as the server sees it.

    ``on_free`` is called when it has answered and can take another event, ``on_gone`` once when it cannot any more.
    Both come from here and not from the task that waits for the answer, which may have been cancelled: a worker whose
    caller left is free only when it has really answered.
    """

    def __init__(self, number: int, function: str, kill: Callable[[int], None], output: Output) -> None:
        self.number = number
        self.function = function
        self.kill = kill
        self.output = output
        self.pid = 0
        self.idle_since = 0.0
        self.gone = False
        self.on_free: Callable[[Worker], None] = lambda _: None
        self.on_gone: Callable[[Worker], None] = lambda _: None
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._decoder = Decoder()
        self._transport: asyncio.WriteTransport | None = None
        self._connected = False
        self._current: Invocation | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def begin(self, spec: dict[str, Any], seconds: float) -> Message:
        """Give the worker its specification and wait until it has imported the app.

        Raises ``WorkerEnded`` when it ended meanwhile and ``TimeoutError`` after ``seconds``; it is then killed.
        """
        self._write(pack(spec))
        try:
            async with asyncio.timeout(seconds):
                head, body = await self._first
        except BaseException:
            self.end()
            raise
        self.pid = head.get("pid", 0)
        self.output.drain()
        return head, body

    def run(
        self, request_id: str, event: bytes, seconds: float, answer: Answer, more: dict[str, Any] | None = None
    ) -> None:
        """Hand over an event. ``answer`` is told in any case: a result, Lambda's timeout, or Lambda's exit.

        ``more`` is what the message's head says beside the request id and the deadline.
        """
        self._current = Invocation(request_id, answer, seconds)
        self.output.begin(request_id)
        deadline = int((time.time() + seconds) * 1000)
        if more:
            self._write(pack({"id": request_id, "deadline": deadline, **more}, event))
        else:
            self._write(pack_event(request_id, deadline, event))
        if self._timer is None:  # else the last event's: it looks again when its own time has come
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    @property
    def busy(self) -> bool:
        """Whether it has an event, or an answer that nobody waits for any more."""
        return self._current is not None

    def end(self) -> None:
        """End the worker now, with its children."""
        if not self.ended.done():
            self.kill(self.number)
        self._leave()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._connected = True
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        for head, body in self._decoder.feed(data):
            if not self._first.done():
                self._first.set_result((head, body))
            elif self._current is not None and head.get("id") == self._current.request_id:
                self._finish(body, head["type"])
                if not self.gone:
                    self.on_free(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The process is ending, or closed what it was not to close. Its status comes from the zygote."""
        self._connected = False
        if self.ended.done():
            self._conclude()
        else:
            self.kill(self.number)

    def exited(self, status: int | None) -> None:
        """The zygote says how it ended. What it sent before that is still read, to the end of the connection."""
        if self.ended.done():
            return
        self.ended.set_result(status)
        if self._connected and not self.gone:
            asyncio.get_running_loop().call_later(LAST_WORDS, self._conclude)
        else:
            self._conclude()

    def _conclude(self) -> None:
        """The process is gone and so is the connection, but for what a runaway child may hold of it."""
        status = self.ended.result()
        if not self._first.done():
            self.output.drain()
            self._first.set_exception(WorkerEnded(status))
            self._first.exception()  # seen, even where nobody waits any more
        if self._current is not None:
            self._finish(results.exited(self._current.request_id, status), "Runtime.ExitError")
        self._leave()

    def _look(self) -> None:
        """Whether the event's time is over: one timer after the other, since setting one for each event costs."""
        invocation, self._timer = self._current, None
        if invocation is None:
            return
        left = invocation.started + invocation.seconds - time.perf_counter()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(max(left, 0.001), self._look)
            return
        self.kill(self.number)
        self._finish(results.timed_out(invocation.request_id, invocation.seconds), "Sandbox.Timedout")
        self._leave()

    def _finish(self, payload: bytes, error_type: str) -> None:
        invocation, self._current = self._current, None
        if invocation is None:
            return
        logs = self.output.finish()
        duration = (time.perf_counter() - invocation.started) * 1000
        invocation.answer(Result(payload, bool(error_type), error_type, logs, duration, invocation.request_id))

    def _leave(self) -> None:
        """No more events: close what is open here. Its end, if still to come, is the zygote's to tell."""
        if self.gone:
            return
        self.gone = True
        if self._timer is not None:
            self._timer.cancel()
        self.output.drain()
        self.output.close()
        if self._current is not None:
            self._finish(results.exited(self._current.request_id, None), "Runtime.ExitError")
        if self._transport is not None:
            self._transport.close()
        self.on_gone(self)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def told(body: bytes) -> dict[str, Any]:
    """The data in a message's body."""
    data: dict[str, Any] = json.loads(body)
    return data
