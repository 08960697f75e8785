"""The server's end of one worker: its connection, its output, and the one event it may have."""

from __future__ import annotations

import asyncio
import functools
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from eventfw.tools.local.workers import results
from eventfw.tools.local.workers.ahead import PATIENCE, QUICK, Ahead, Told, Waiting
from eventfw.tools.local.workers.journal import Journal, Stream
from eventfw.tools.local.workers.log_lines import moment
from eventfw.tools.local.workers.output import Output
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.results import Result, WorkerEnded, new_request_id
from eventfw.tools.local.workers.wire import Decoder, pack, pack_event

if TYPE_CHECKING:
    from eventfw.tools.local.workers.wire import Message

DAY = 86_400.0  # seconds
LAST_WORDS = 0.5  # seconds to read what an ended worker had sent, while something keeps the connection open

Answer = Callable[[Result], None]
"""Told what an invocation came to. It must not raise."""


class Invocation:
    """The event a worker has: who is told the answer, since when, and until when; ``ahead`` says that it was sent
    ahead."""

    __slots__ = ("ahead", "answer", "journal", "request_id", "seconds", "started")

    def __init__(self, journal: Journal, answer: Answer | Told, seconds: float, *, ahead: bool = False) -> None:
        self.journal = journal
        self.request_id = journal.request_id
        self.answer = answer
        self.ahead = ahead
        self.seconds = seconds
        self.started = time.perf_counter()


class Worker(asyncio.Protocol):
    """One execution environment, as the server sees it.

    ``on_free`` is called when it has answered and can take another event, ``on_gone`` once when it cannot any more.
    Both come from here and not from the task that waits for the answer, which may have been cancelled: a worker whose
    caller left is free only when it has really answered.
    """

    def __init__(
        self,
        number: int,
        kill: Callable[[int], None],
        output: Output,
        stream: Stream,
        oversight: Oversight,
        scratch: str,
    ) -> None:
        self.number = number
        self.function = stream.function
        self.kill = kill
        self.output = output
        self.stream = stream
        self.oversight = oversight
        self.limits = oversight.limits
        self.scratch = scratch
        self.ahead = Ahead()
        self.memory_limit = self.limits.memory(stream)
        self.pid = 0
        self.idle_since = 0.0
        self.gone = False
        self.touched = False  # had an event since its limits were last looked at
        self.on_free: Callable[[Worker], None] = lambda _: None
        self.on_gone: Callable[[Worker], None] = lambda _: None
        self.ended: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._first: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._decoder = Decoder()
        self._transport: asyncio.WriteTransport | None = None
        self._connected = False
        self._current: Invocation | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ahead_timer: asyncio.TimerHandle | None = None
        self._starting: asyncio.Timeout | None = None
        self._paused = 0.0  # since when it waits for a line of the terminal
        self._asks = False

    async def begin(self, spec: dict[str, Any], seconds: float, sources: bytes = b"") -> Message:
        """Give the worker its specification, and the sources of a snapshot, and wait until it has imported the app.

        Raises ``WorkerEnded`` when it ended meanwhile and ``TimeoutError`` after ``seconds``; it is then killed.
        """
        self._write(pack(spec, sources))
        seconds = self._patience(seconds)
        try:
            async with asyncio.timeout(seconds) as self._starting:
                head, body = await self._first
        except BaseException:
            self.end()
            raise
        self.pid = head.get("pid", 0)
        self.stream.init_ms = (time.time() - self.stream.began) * 1000
        self.output.drain()
        self._leave_console()
        return head, body

    def run(
        self, request_id: str, event: bytes, seconds: float, answer: Answer, more: dict[str, Any] | None = None
    ) -> None:
        """Hand over an event. ``answer`` is told in any case: a result, Lambda's timeout, or Lambda's exit.

        ``more`` is what the message's head says beside the request id and the deadline.
        """
        seconds = self._patience(seconds)
        journal = Journal(self.stream, request_id, more.get("version", "$LATEST") if more else "$LATEST")
        self._current = Invocation(journal, answer, seconds)
        self.output.begin(journal)
        self.touched = True
        if not self.limits.awake:
            self.limits.wake()
        if self.oversight.begun is not None:
            self.oversight.begun(journal)
        deadline = int((time.time() + seconds) * 1000)
        if more:
            self._write(pack({"id": request_id, "deadline": deadline, **more}, event))
        else:
            self._write(pack_event(request_id, deadline, event))
        if self._timer is None:  # else the last event's: it looks again when its own time has come
            self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def run_ahead(self, event: bytes, seconds: float, answer: Told) -> bool:
        """Send an event ahead, to be begun right after those that it has, or now if it has none; whether that will do.

        ``answer`` is told as by :meth:`run`, or ``None`` where the event has not begun and never will here. What was
        not sent ahead has to be answered first: two ways to the worker have no order.
        """
        ahead, current = self.ahead, self._current
        if self.gone or self.paused or not ahead.room(event) or (current is not None and not current.ahead):
            return False
        if not ahead.send(event, Waiting(new_request_id(), self._patience(seconds), answer)):
            return False
        if current is None:
            self._follow(quiet=True)
            return True
        self.output.held = True
        if self._ahead_timer is None:
            self._ahead_timer = asyncio.get_running_loop().call_later(PATIENCE, self._look_ahead)
        return True

    def _follow(self, quiet: bool) -> None:
        """It has answered, and has been sent the next event already. After a quiet answer it has begun with it."""
        waiting = self.ahead.waiting.popleft()
        journal = Journal(self.stream, waiting.request_id)
        self._current = Invocation(journal, waiting.answer, waiting.seconds, ahead=True)
        self.output.follow(journal, last=not self.ahead.waiting)
        self.touched = True
        if self.oversight.begun is not None:
            self.oversight.begun(journal)
        if not quiet:
            self._write(pack({"op": "go"}))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(waiting.seconds, self._look)

    def _look_ahead(self) -> None:
        """Whether those that were sent ahead have waited for too long."""
        self._ahead_timer = None
        if self.ahead.waiting and self._current is not None:
            left = self._current.started + PATIENCE - time.perf_counter()
            if left > 0:
                self._ahead_timer = asyncio.get_running_loop().call_later(max(left, 0.001), self._look_ahead)
            else:
                self.give_back()

    def give_back(self) -> None:
        """Have events that it was sent ahead and has not begun run elsewhere."""
        taken, waiting, current = self.ahead.taken_back(), self.ahead.waiting, self._current
        returned = [one.answer for one in waiting if one.request_id in taken]
        self.ahead.waiting = deque(one for one in waiting if one.request_id not in taken)
        if current is not None and current.request_id in taken:  # it is the first, and has been told of
            overtaken = bool(self.ahead.waiting)  # the worker got the second while the first was taken back
            if not self.gone and not overtaken and self.ahead.send_again(taken[current.request_id]):
                current.started = time.perf_counter()
            else:
                returned.insert(0, cast("Told", current.answer))
                self._current = self.output.journal = None
                if overtaken and not self.gone:
                    self._follow(quiet=True)
        if not self.ahead.waiting:
            self.output.release()
        for answer in returned:
            answer(None)
        if current is not None and self._current is None and not self.gone:
            self.on_free(self)

    def _patience(self, seconds: float) -> float:
        """How long it may take."""
        return DAY if self.oversight.timeless else seconds

    @property
    def busy(self) -> bool:
        """Whether it has an event, or an answer that nobody waits for any more."""
        return self._current is not None

    @property
    def paused(self) -> bool:
        """Whether a debugger in it waits for a line: its time stands still."""
        return self._paused > 0.0

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
            if head["op"] == "ask":
                self._asked()
            elif not self._first.done():
                self._first.set_result((head, body))
            elif self._current is not None and head.get("id") == self._current.request_id:
                self.note_peak(head["peak"])
                if head["peak"] > self.memory_limit:
                    self.over_memory(head["peak"])
                    return
                self._answered(body, head)

    def _answered(self, body: bytes, head: dict[str, Any]) -> None:
        quiet, ahead = head["quiet"], self.ahead
        ahead.quick = quiet and head["took"] <= QUICK
        if not quiet:
            self.output.release()
        self._finish(body, head["type"], took=head["took"] / 1000)
        if self.gone:
            return
        if ahead.waiting:
            self._follow(quiet)
        else:
            self.on_free(self)

    def _asked(self) -> None:
        """A debugger in it wants a line from the terminal."""
        self.give_back()
        self.output.drain()
        prompt = self.output.rest().decode(errors="replace")
        self._paused, self._asks = time.perf_counter(), True
        left = 0.0
        if self._starting is not None and (when := self._starting.when()) is not None and not self._first.done():
            left = when - asyncio.get_running_loop().time()
            self._starting.reschedule(None)
        self.oversight.ask(self, prompt, functools.partial(self._told, left))

    def _told(self, left: float, line: bytes, refused: str) -> None:
        """The line, or why there is none. ``left`` are the seconds it still has for its start, where it is starting."""
        waited, self._paused = time.perf_counter() - self._paused, 0.0
        if self.gone:
            return
        if left and self._starting is not None:
            self._starting.reschedule(asyncio.get_running_loop().time() + left)
        if self._current is not None:
            self._current.started += waited
            self._current.journal.paused_ms += waited * 1000
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(0, self._look)
        self._write(pack({"op": "line", "waited": int(waited * 1000), "refused": refused}, line))

    def _leave_console(self) -> None:
        if self._asks:
            self._asks = False
            self.oversight.leave(self)

    def connection_lost(self, error: Exception | None) -> None:
        """The process is ending, or closed what it was not to close. Its status comes from the zygote."""
        self._connected = False
        if self.ended.done():
            self._conclude()
        else:
            self.kill(self.number)

    def exited(self, status: int | None, peak: int = 0) -> None:
        """The zygote says how it ended, and how many bytes of memory it has had at most. What it sent before that is
        still read, to the end of the connection."""
        if self.ended.done():
            return
        self.note_peak(peak)
        self.ended.set_result(status)
        if self._connected and not self.gone and (self.busy or not self._first.done()):
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
        self._exit(results.exit_words(status))
        self._leave()

    def note_peak(self, used: int) -> None:
        """It has had so many bytes of memory."""
        if self._current is not None and used > self._current.journal.peak:
            self._current.journal.peak = used

    def over_memory(self, used: int) -> None:
        """It has more memory than the function may: Lambda kills the environment. ``used`` is in bytes."""
        self.limits.tell_memory(self, used)
        self.note_peak(used)
        self._exit(results.exit_words(results.KILLED), "Runtime.OutOfMemory")
        self.end()

    def over_storage(self, used: int) -> None:
        """Its temporary folder holds more than the function may. ``used`` is in bytes."""
        self._exit(self.limits.tell_storage(self, used))
        self.end()

    def _exit(self, words: str, reported: str = "Runtime.ExitError") -> None:
        """The environment ends while it has an event."""
        invocation = self._current
        if invocation is not None:
            text = f"RequestId: {invocation.request_id} Error: {words}"
            invocation.journal.last_words = (text, "Runtime.ExitError")
            self._finish(results.document(text, "Runtime.ExitError"), "Runtime.ExitError", reported)

    def _look(self) -> None:
        """Whether the event's time is over: one timer after the other, since setting one for each event costs."""
        invocation, self._timer = self._current, None
        if invocation is None or self.paused:
            return
        left = invocation.started + invocation.seconds - time.perf_counter()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(max(left, 0.001), self._look)
            return
        self.kill(self.number)
        words = results.timeout_words(invocation.seconds)
        invocation.journal.last_words = (f"{moment(time.time())} {invocation.request_id} {words}\n",)
        self._finish(results.timed_out(invocation.request_id, invocation.seconds), "Sandbox.Timedout")
        self._leave()

    def _finish(self, payload: bytes, error_type: str, reported: str = "", took: float = 0.0) -> None:
        """End the event. ``took`` are the milliseconds that the worker counted, which alone knows when it began with
        one that it was sent ahead."""
        invocation, self._current = self._current, None
        if invocation is None:
            return
        self.output.finish()
        self._leave_console()
        duration = (time.perf_counter() - invocation.started) * 1000
        if error_type == "Sandbox.Timedout":
            duration = invocation.seconds * 1000  # what Lambda reports, however late the end was
        journal = invocation.journal
        if invocation.ahead and took and not journal.paused_ms:
            duration, journal.began = took, time.time() - took / 1000
        journal.close(duration, error_type, reported or error_type)
        if self.oversight.ended is not None:
            self.oversight.ended(journal)
        invocation.answer(Result(payload, bool(error_type), error_type, "", duration, journal.request_id, journal))

    def _leave(self) -> None:
        """No more events: close what is open here. Its end, if still to come, is the zygote's to tell."""
        if self.gone:
            return
        self.gone = True
        for timer in (self._timer, self._ahead_timer):
            if timer is not None:
                timer.cancel()
        self.give_back()
        self.ahead.close()
        self.output.release()
        self.output.drain()
        self.output.close()
        self._exit(results.exit_words(None))
        while self.ahead.waiting:  # at most one, that it has begun with
            self._follow(quiet=True)
            self._exit(results.exit_words(None))
        self._leave_console()
        if self._transport is not None:
            self._transport.close()
        self.on_gone(self)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
