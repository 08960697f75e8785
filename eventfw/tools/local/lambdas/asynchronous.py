"""Lambda's asynchronous queue: events that were accepted, each until it has succeeded or is given up.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from eventfw.errors import EventfwError
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.records import (
    EVENT_AGE_EXCEEDED,
    RETRIES_EXHAUSTED,
    SUCCESS,
    THROTTLED_STATUS,
    ZERO_RESERVED_CONCURRENCY,
    Ending,
)
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import LATEST, Result, Throttled

RETRY_WAIT = 60.0  # seconds after the first failure, and again as many after each
SHORTEST_BACKOFF, LONGEST_BACKOFF = 1.0, 300.0  # seconds
AT_ONCE = 10  # events of one function, which has as many environments; others wait here, behind no request
INTERNAL_ERROR_STATUS = 500


@dataclass(frozen=True)
class Accepted:
    """An event that was accepted, at a moment in seconds since 1970.

    ``attempts`` counts invocations that failed, ``refusals`` the throttles and internal errors since the last of them.
    ``due`` is the moment of its next attempt. ``depth`` is how many destinations in a row have led to it. ``status`` is
    that of the last response.
    """

    function: str
    event: bytes
    request_id: str
    source: str
    accepted: float
    due: float
    qualifier: str = ""
    tenant: str = ""
    attempts: int = 0
    refusals: int = 0
    depth: int = 0
    status: int = 0


def next_step(event: Accepted, how: FunctionConfiguration, now: float) -> float | str:
    """What becomes of an event that failed or was refused: the seconds until it is tried again, or why it is not."""
    if event.refusals == 0:
        if event.attempts > how.maximum_retry_attempts:
            return RETRIES_EXHAUSTED
        wait = RETRY_WAIT * event.attempts
    else:
        wait = min(SHORTEST_BACKOFF * 2.0 ** (event.refusals - 1), LONGEST_BACKOFF)
    return EVENT_AGE_EXCEEDED if too_old(event, how, now + wait) else wait


def too_old(event: Accepted, how: FunctionConfiguration, moment: float) -> bool:
    """Whether an event is not attempted any more at a moment."""
    return moment >= event.accepted + how.maximum_event_age


class Service(Protocol):
    """What the queue asks of Lambda."""

    def configuration(self, function: str) -> FunctionConfiguration:
        """The function's settings, as they are now."""

    def qualified_arn(self, function: str, qualifier: str) -> str:
        """The ARN that records have of a function."""

    def is_off(self, function: str) -> bool:
        """Whether the function has reserved a concurrency of 0."""

    async def attempt(self, event: Accepted) -> tuple[Result, str]:
        """Invoke the function: its result, and the version that gave it."""


Deliver = Callable[[Accepted, Ending, FunctionConfiguration], Awaitable[list[str]]]
"""Sends what became of an event where the function wants it sent; what to say of it, a phrase for each place."""


class AsynchronousQueue:
    """Holds every event that was accepted and has not ended; each is a task.

    Code and settings are those of the moment of each attempt, so a reload changes both for what waits. ``changes``
    counts the changes of what :meth:`dump` gives.
    """

    def __init__(self, service: Service, deliver: Deliver, clock: Clock, terminal: Terminal) -> None:
        self.service = service
        self.deliver = deliver
        self.clock = clock
        self.terminal = terminal
        self._events: dict[asyncio.Task[None], Accepted] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self.changes = 0
        self._busy = 0
        self._rested = asyncio.Event()

    def accept(self, event: Accepted) -> None:
        """Take an event, to be run as soon as can be."""
        self._busy += 1
        task = asyncio.get_running_loop().create_task(self._run(event))
        self._events[task] = event
        self.changes += 1
        task.add_done_callback(self._ended)

    async def settle(self) -> bool:
        """Wait until every event has ended or waits for the clock; whether one had not."""
        busy = self._busy > 0
        while self._busy:
            self._rested.clear()
            await self._rested.wait()
        return busy

    async def stop(self) -> int:
        """Give up what has not ended: how many events."""
        tasks = list(self._events)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return len(tasks)

    def dump(self) -> list[dict[str, Any]]:
        """The events that have not ended, as JSON has them."""
        return [{**asdict(event), "event": event.event.decode()} for event in self._events.values()]

    def restore(self, dumped: Iterable[dict[str, Any]]) -> None:
        """Take back what :meth:`dump` gave, perhaps in another process: each is attempted when it is due."""
        for one in dumped:
            self.accept(Accepted(**{**one, "event": one["event"].encode()}))

    def _ended(self, task: asyncio.Task[None]) -> None:
        event = self._events.pop(task)
        self.changes += 1
        self._rest()
        if not task.cancelled() and (error := task.exception()) is not None:
            fault = f"by a fault of eventfw's own: {error!r}"
            self.terminal.problem(f"An asynchronous event of {event.function} is lost, {fault}")

    def _rest(self) -> None:
        self._busy -= 1
        if not self._busy:
            self._rested.set()

    async def _run(self, event: Accepted) -> None:
        """Attempt an event until it has ended."""
        task = asyncio.current_task()
        while True:
            if event.due > self.clock.time():
                await self._sleep_until(event.due)
            event, ending = await self._attempted(event)
            if task is not None:
                self._events[task] = event
                self.changes += 1
            if ending is not None:
                break
        told = await self.deliver(event, ending, self.service.configuration(event.function))
        self._tell_end(event, ending, told)

    async def _sleep_until(self, moment: float) -> None:
        self._rest()
        try:
            await self.clock.sleep_until(moment)
        finally:
            self._busy += 1

    async def _attempted(self, event: Accepted) -> tuple[Accepted, Ending | None]:
        """One attempt: the event as it is afterwards, and how it ended, if it has."""
        if self.service.is_off(event.function):
            return event, self._ending(event, ZERO_RESERVED_CONCURRENCY)
        try:
            async with self._turns.setdefault(event.function, asyncio.Semaphore(AT_ONCE)):
                if too_old(event, self.service.configuration(event.function), self.clock.time()):
                    return event, self._ending(event, EVENT_AGE_EXCEEDED)
                result, version = await self.service.attempt(event)
        except EventfwError as error:
            return self._refused(event, error)
        event = replace(event, attempts=event.attempts + 1, refusals=0, status=200)
        if not result.error:
            return event, self._ending(event, SUCCESS, result, version)
        how, now = self.service.configuration(event.function), self.clock.time()
        step = next_step(event, how, now)
        if isinstance(step, str):
            return event, self._ending(event, step, result, version)
        self.terminal.note(
            f"{event.function} failed, and will be tried again in {spelled(step)} "
            f"(attempt {event.attempts + 1} of {how.maximum_retry_attempts + 1})."
        )
        return replace(event, due=now + step), None

    def _refused(self, event: Accepted, error: EventfwError) -> tuple[Accepted, Ending | None]:
        """Lambda could not run the function. That is no attempt, so it has as many left."""
        throttled = isinstance(error, Throttled)
        status = THROTTLED_STATUS if throttled else INTERNAL_ERROR_STATUS
        event, now = replace(event, refusals=event.refusals + 1, status=status), self.clock.time()
        step = next_step(event, self.service.configuration(event.function), now)
        if isinstance(step, str):
            return event, self._ending(event, step)
        what = "was throttled" if throttled else "could not be run"
        self.terminal.note(f"{event.function} {what}, and will be tried again in {spelled(step)}: {error}")
        return replace(event, due=now + step), None

    def _ending(self, event: Accepted, condition: str, result: Result | None = None, version: str = LATEST) -> Ending:
        return Ending(
            condition,
            self.service.qualified_arn(event.function, event.qualifier),
            event.request_id,
            event.event,
            event.attempts,
            result,
            version,
            0 if condition == ZERO_RESERVED_CONCURRENCY else event.status,
        )

    def _tell_end(self, event: Accepted, ending: Ending, told: list[str]) -> None:
        where = " and ".join(told)
        if ending.condition == SUCCESS:
            if where:
                self.terminal.note(f"{event.function} succeeded: {where}.")
            return
        why = WHY.get(ending.condition) or f"after {event.attempts} attempt{'s' * (event.attempts != 1)}"
        lost = "the event is lost: the function has no dead_letter and no on_failure"
        self.terminal.problem(f"{event.function} gave up on an event {why} ({ending.condition}): {where or lost}.")


WHY = {
    EVENT_AGE_EXCEEDED: "that is as old as its maximum_event_age lets it be",
    ZERO_RESERVED_CONCURRENCY: "at once, its reserved_concurrency being 0",
}


def spelled(seconds: float) -> str:
    """A wait in words."""
    if seconds >= RETRY_WAIT and seconds % RETRY_WAIT == 0:
        return counted(int(seconds / RETRY_WAIT), "minute")
    return counted(int(seconds), "second") if seconds == int(seconds) else f"{seconds:.1f} seconds"


def counted(number: int, word: str) -> str:
    """A number with its word, in the plural where it is one."""
    return f"{number} {word}{'s' * (number != 1)}"
