"""A generation of the app: its functions, each with its warm workers and the invocations that wait for one."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from eventfw.errors import LocalError
from eventfw.tools.local.workers.ahead import Told
from eventfw.tools.local.workers.handle import Worker
from eventfw.tools.local.workers.results import Throttled
from eventfw.tools.local.workers.snapshot import Snapshot

CROWD = 32  # events after which those that come one by one are taken to go on so
WAITING_LIMIT = 10_000  # invocations of one function that may wait for a worker

Start = Callable[["Lane"], Coroutine[Any, Any, Worker]]


class Retired(Exception):
    """The generation an invocation waited in has been replaced: it belongs to the next one."""


def key_of(function: str, tenant: str) -> str:
    """What tells the workers of a function's tenants apart: no function's name has a colon."""
    return f"{function}:{tenant}" if tenant else function


class Lane:
    """One function: its idle workers, last used first, and who waits. At most ``limit`` workers at once."""

    def __init__(
        self, function: str, settings: dict[str, Any], limit: int, generation: Generation, tenant: str = ""
    ) -> None:
        self.function = function
        self.key = key_of(function, tenant)
        self.settings = settings
        self.limit = limit
        self.generation = generation
        self.idle: list[Worker] = []
        self.last: Worker | None = None  # that was taken for an event to begin at once
        self.crowd = 0  # above 0 where events have lately met one another
        self.workers: set[Worker] = set()
        self.starting = 0
        self.waiting: deque[asyncio.Future[Worker]] = deque()

    async def acquire(self) -> Worker:
        """A worker of this function: a warm one, a new one while there may be more, or the next that is free."""
        worker = self.take()
        if worker is not None:
            return worker
        if len(self.waiting) >= WAITING_LIMIT:
            raise Throttled(f"{WAITING_LIMIT} invocations of {self.function!r} wait already. Send fewer at once.")
        waiter: asyncio.Future[Worker] = asyncio.get_running_loop().create_future()
        self.waiting.append(waiter)
        self.generation.feed(self)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.free(waiter.result())
            raise

    def take(self) -> Worker | None:
        """A warm worker that is free now, if nobody waits for one."""
        return self.idle.pop() if self.idle and not self.waiting else None

    def ahead(self, event: bytes, answer: Told) -> bool:
        """Send an event to the worker that was taken last, if that is busy with events that are over in no time and
        nobody waits; whether it is."""
        last = self.last
        if last is None or not last.busy or self.waiting:
            self.crowd -= self.crowd > 0
            return False
        self.crowd = CROWD
        return last.run_ahead(event, self.settings["timeout"], answer)

    def adopt(self, worker: Worker) -> None:
        """Take in a worker that is ready."""
        self.workers.add(worker)
        worker.on_free, worker.on_gone = self.free, self.lose
        if worker.gone:
            self.lose(worker)
        else:
            self.free(worker)

    def free(self, worker: Worker) -> None:
        """A worker can take an event: the first that waits has it."""
        if worker.gone:
            return
        if self.generation.retired:
            worker.end()
            return
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_result(worker)
                return
        worker.idle_since = time.monotonic()
        self.idle.append(worker)
        self.generation.feed_hungry()

    def lose(self, worker: Worker) -> None:
        """A worker is gone; whoever waits may need another."""
        self.workers.discard(worker)
        if worker in self.idle:
            self.idle.remove(worker)
        self.generation.feed(self)
        self.generation.feed_hungry()

    def fail(self, error: Exception) -> None:
        """A worker could not be made: the first that waits is told."""
        while self.waiting:
            waiter = self.waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)
                return

    @property
    def wanted(self) -> int:
        """How many workers more there should be for those who wait, within the limit."""
        waiting = sum(not waiter.done() for waiter in self.waiting)
        room = self.limit - len(self.workers) - self.starting
        return max(0, min(waiting - self.starting, room))


class Generation:
    """The app as of one save, which ``snapshot`` has. Workers of all its functions together stay within ``total``."""

    def __init__(
        self, number: int, told: dict[str, Any], snapshot: Snapshot, start: Start, *, limit: int, total: int
    ) -> None:
        self.number = number
        self.description: dict[str, Any] = told["description"]
        self.files = tuple(sorted(set(told["files"].values())))
        self.snapshot = snapshot
        self.app = f"{told['module']}:{told['variable']}"
        self.retired = False
        self.total = total
        self._start = start
        self._hungry: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        functions = self.description["functions"]
        self.lanes = {name: Lane(name, settings, limit, self) for name, settings in functions.items()}
        self._limit = limit

    def lane(self, function: str, tenant: str = "") -> Lane:
        """A function by its short name: its workers, which serve one tenant alone where one is named. Raises
        ``LocalError`` for a function the app does not have."""
        lane = self.lanes.get(key_of(function, tenant))
        if lane is None and function in self.lanes:
            lane = Lane(function, self.lanes[function].settings, self._limit, self, tenant)
            self.lanes[lane.key] = lane
        if lane is None:
            names = ", ".join(sorted(self.description["functions"])) or "none"
            raise LocalError(f"The app has no function {function!r}. It has: {names}.")
        return lane

    def feed(self, lane: Lane) -> None:
        """Begin the workers that a lane wants; the rest of its wish is kept until there is room."""
        self._hungry.pop(lane.key, None)
        while not self.retired and lane.wanted:
            if not self._room():
                self._hungry[lane.key] = lane
                return
            lane.starting += 1
            task = asyncio.get_running_loop().create_task(self._make(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def feed_hungry(self) -> None:
        """Room may have come: give it to whoever waits longest."""
        for lane in list(self._hungry.values()):
            self.feed(lane)

    def _room(self) -> bool:
        """Whether one more worker may be; an idle one of another function, unused the longest, makes place."""
        if sum(len(lane.workers) + lane.starting for lane in self.lanes.values()) < self.total:
            return True
        idle = [lane.idle[0] for lane in self.lanes.values() if lane.idle]
        if not idle:
            return False
        min(idle, key=lambda worker: worker.idle_since).end()
        return True

    async def _make(self, lane: Lane) -> None:
        try:
            worker = await self._start(lane)
        except Exception as error:
            lane.starting -= 1
            lane.fail(error)
            self.feed(lane)
        else:
            lane.starting -= 1
            lane.adopt(worker)

    def reap(self, before: float) -> None:
        """End workers idle since before a time of ``time.monotonic()``."""
        for lane in self.lanes.values():
            for worker in [worker for worker in lane.idle if worker.idle_since < before]:
                worker.end()

    def retire(self) -> None:
        """Take no more events: idle workers end now, busy ones with their answer, and who waits goes on elsewhere."""
        self.retired = True
        for lane in self.lanes.values():
            for worker in list(lane.workers):
                worker.give_back()
            for worker in list(lane.idle):
                worker.end()
            while lane.waiting:
                waiter = lane.waiting.popleft()
                if not waiter.done():
                    waiter.set_exception(Retired())

    async def cancel(self) -> None:
        """Give up what is still being started."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
