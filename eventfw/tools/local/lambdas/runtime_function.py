"""One function that runtimes of the developer's own serve: who asks for an event, who has one, and who waits.

Nothing here waits by itself: runtimes' requests and timers come in, answers go out.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from eventfw.errors import LocalError
from eventfw.tools.local.lambdas.runtime_http import Connection
from eventfw.tools.local.workers import results
from eventfw.tools.local.workers.journal import Journal, Stream, stream_name
from eventfw.tools.local.workers.lanes import WAITING_LIMIT
from eventfw.tools.local.workers.log_lines import moment
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result, Throttled, new_request_id
from eventfw.tools.local.workers.starting import INIT_SECONDS

PATIENCE = 1.0  # seconds that a runtime has between its answer and asking for more, before one is called for
TELLING = 60.0  # seconds: HTTP clients close a connection that was idle for longer, Go's after 90
OFFICIAL = "aws-lambda-"  # how the user agents of AWS's own clients begin, which keep their connection


@dataclass(eq=False)
class Invocation:
    """An event, the caller that waits for its answer, and the runtime that has it."""

    request: InvocationRequest
    future: asyncio.Future[Result]
    journal: Journal | None = None
    seconds: float = 0.0
    started: float = 0.0
    timer: asyncio.TimerHandle | None = None
    connection: Connection | None = None
    number: str = field(default_factory=new_request_id)

    def finish(self, payload: bytes, error_type: str = "") -> None:
        """Give the caller its answer. One that has left is not waited for."""
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            duration = self.journal.duration_ms if self.journal is not None else 0.0
            self.future.set_result(
                Result(payload, bool(error_type), error_type, "", duration, self.request.request_id, self.journal)
            )

    def fail(self, error: Exception) -> None:
        """Have the caller know why there is no answer."""
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            self.future.set_exception(error)

    def headers(self) -> list[tuple[str, str]]:
        """What the runtime is told of the event, as it gets it. The deadline is a moment, in ms since 1970."""
        root = f"1-{int(time.time()):08x}-{os.urandom(12).hex()}"
        told = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", self.request.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + self.seconds) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self.request.arn),
            ("Lambda-Runtime-Trace-Id", f"Root={root};Parent={os.urandom(8).hex()};Sampled=0"),
            ("Lambda-Runtime-Invocation-Id", self.number),
        ]
        if self.request.client_context is not None:
            told.append(("Lambda-Runtime-Client-Context", json.dumps(self.request.client_context)))
        if self.request.tenant:
            told.append(("Lambda-Runtime-Aws-Tenant-Id", self.request.tenant))
        return told


class RuntimeFunction:
    """The events of one function, handed to the runtimes that ask for them: first come, first served.

    ``settings`` are what the app says of it, which a save may change; ``say`` tells the developer something, and
    ``oversight`` of each invocation that a runtime has had. All runtimes of a function share a log stream.
    """

    def __init__(
        self, name: str, settings: Mapping[str, Any], say: Callable[[str], None], oversight: Oversight, region: str
    ) -> None:
        self.name = name
        self.say = say
        self.oversight = oversight
        self.region = region
        self.seconds: float = settings["timeout"]
        self.stream = self._stream(settings, stream_name(time.time()))
        self.asking: deque[Connection] = deque()
        self.waiting: deque[Invocation] = deque()
        self.running: list[Invocation] = []
        self._broken: tuple[bytes, str] | None = None
        self._called = False  # for a runtime, since the last one asked for an event
        self.ended: Callable[[], object] | None = None  # set once the function is gone

    def follow(self, settings: Mapping[str, Any]) -> None:
        """Take over what a save has changed, from the next event on."""
        self.seconds = settings["timeout"]
        self.stream = self._stream(settings, self.stream.name)

    def _stream(self, settings: Mapping[str, Any], name: str) -> Stream:
        stream = Stream.of(self.name, dict(settings), self.region)
        return replace(stream, name=name, warm=True, measured=False)  # when it has started is not known, nor its memory

    async def invoke(self, request: InvocationRequest) -> Result:
        """Have a runtime answer the event. Cancelling leaves a runtime that has it to finish, as Lambda does.

        Without a runtime the event waits as long as a start and the function's timeout may take, and fails as timed
        out. Raises ``Throttled`` when too many wait, ``LocalError`` when the function goes meanwhile.
        """
        if len(self.waiting) >= WAITING_LIMIT:
            raise Throttled(f"{WAITING_LIMIT} invocations of {self.name!r} wait for a runtime. Send fewer at once.")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        invocation = Invocation(request, future)
        if self._broken is not None:
            invocation.finish(*self._broken)
        elif self.asking:
            self._hand_out(invocation, self.asking.popleft())
        else:
            self.waiting.append(invocation)
            self._wait(invocation)
        try:
            return await future
        except asyncio.CancelledError:
            if invocation in self.waiting:
                self._forget(invocation)
            raise

    def ask(self, connection: Connection) -> bool:
        """A runtime asks for an event. False when it has one on this connection that it has not answered."""
        if connection.invocation in self.running:
            return False
        self._broken, self._called = None, False
        if self.waiting:
            self._hand_out(self.waiting.popleft(), connection)
        else:
            self.asking.append(connection)
        return True

    def running_as(self, request_id: str, number: str, connection: Connection) -> Invocation | None:
        """The invocation that an answer is for; None where there is none, or no longer.

        A retried event has the request id of its first attempt, so that a late answer to that one could be taken for
        the second's. Recent clients send ``number`` back; of others, the connection tells.
        """
        mine = [one for one in self.running if one.request.request_id == request_id]
        last = connection.invocation
        if number:
            return next((one for one in mine if one.number == number), None)
        if last is not None and last.request.request_id == request_id:
            return last if last in mine else None
        return mine[0] if mine else None

    def finish(self, invocation: Invocation, payload: bytes, error_type: str = "", *words: str) -> None:
        """A runtime answered, or cannot any more. ``words`` are Lambda's lines about that, in the log."""
        if invocation in self.running:
            self.running.remove(invocation)
            self._close(invocation, error_type, *words)
            invocation.finish(payload, error_type)
        if self.ended is not None and not self.running:
            asyncio.get_running_loop().call_soon(self.ended)  # once this answer is acknowledged

    def _close(self, invocation: Invocation, error_type: str, *words: str) -> None:
        """End the invocation in the log."""
        journal = invocation.journal
        if journal is None:
            return
        journal.last_words = words
        duration = (time.perf_counter() - invocation.started) * 1000
        if error_type == "Sandbox.Timedout":
            duration = invocation.seconds * 1000  # what Lambda reports, however late the end was
        journal.close(duration, error_type, error_type)
        if self.oversight.ended is not None:
            self.oversight.ended(journal)

    def _left(self, invocation: Invocation) -> None:
        """The runtime has ended while it had the event."""
        words = f"RequestId: {invocation.request.request_id} Error: {results.exit_words(None)}"
        payload = results.exited(invocation.request.request_id, None)
        self.finish(invocation, payload, "Runtime.ExitError", words, "Runtime.ExitError")

    def broken(self, payload: bytes, error_type: str) -> None:
        """A runtime could not start. Lambda would start another for each event, to the same end: all that wait, and
        all that come until a runtime asks for an event, fail with its error."""
        self._broken = payload, error_type
        while self.waiting:
            self.waiting.popleft().finish(payload, error_type)

    def gone(self, connection: Connection) -> None:
        """A connection is closed. Whether its runtime has ended can be told only of one that keeps its connection: a
        shell script makes another for its answer."""
        if connection in self.asking:
            self.asking.remove(connection)
        invocation = connection.invocation
        keeps = connection.requests > 1 or connection.agent.startswith(OFFICIAL)
        if keeps and invocation in self.running and time.perf_counter() - invocation.started < TELLING:
            self._left(invocation)

    def retire(self, ended: Callable[[], object]) -> None:
        """The function is gone from the app: what a runtime has it may answer, and then ``ended`` is called."""
        self.ended = ended
        for connection in list(self.asking):
            connection.close()
        while self.waiting:
            invocation = self.waiting.popleft()
            invocation.fail(LocalError(f"The app has no function {self.name!r} any more."))
        if not self.running:
            ended()

    def close(self) -> None:
        """The server ends, and with it every runtime."""
        self.retire(lambda: None)
        for invocation in list(self.running):
            self._left(invocation)

    def _hand_out(self, invocation: Invocation, connection: Connection) -> None:
        if invocation.timer is not None:
            invocation.timer.cancel()
        invocation.seconds, invocation.started = self.seconds, time.perf_counter()
        invocation.timer = asyncio.get_running_loop().call_later(self.seconds, self._timed_out, invocation)
        invocation.connection, connection.invocation = connection, invocation
        self.running.append(invocation)
        invocation.journal = Journal(self.stream, invocation.request.request_id, invocation.request.version)
        if self.oversight.begun is not None:
            self.oversight.begun(invocation.journal)
        connection.answer(200, invocation.headers(), invocation.request.event)

    def _timed_out(self, invocation: Invocation) -> None:
        payload = results.timed_out(invocation.request.request_id, invocation.seconds)
        words = f"{moment(time.time())} {invocation.request.request_id} {results.timeout_words(invocation.seconds)}\n"
        self.finish(invocation, payload, "Sandbox.Timedout", words)

    def _wait(self, invocation: Invocation) -> None:
        """Give a runtime the time to start, anew while those there are have events."""
        loop = asyncio.get_running_loop()
        invocation.timer = loop.call_later(PATIENCE, self._call, invocation)

    def _call(self, invocation: Invocation) -> None:
        """Nobody came at once: say where a runtime is wanted, once."""
        if not self.running and not self._called:
            self._called = True
            self.say(f"{self.name} has an event and no runtime. Attach one: eventfw attach {self.name}")
        left = INIT_SECONDS + self.seconds - PATIENCE
        invocation.timer = asyncio.get_running_loop().call_later(left, self._nobody_came, invocation)

    def _nobody_came(self, invocation: Invocation) -> None:
        if self.running:
            self._wait(invocation)
        else:
            self._forget(invocation)
            invocation.finish(results.timed_out(invocation.request.request_id, self.seconds), "Sandbox.Timedout")

    def _forget(self, invocation: Invocation) -> None:
        self.waiting.remove(invocation)
        if invocation.timer is not None:
            invocation.timer.cancel()
