"""All event source mappings of the app: each has a poller, for as long as the app's stack has the mapping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any

from eventfw.errors import EventfwError
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.poller import MakePoller, Poller, Surroundings
from eventfw.tools.local.pollers.queues import QueuePoller
from eventfw.tools.local.pollers.streams import StreamPoller, kinesis_poller, table_poller

POLLERS: dict[str, MakePoller] = {"dynamodb": table_poller, "kinesis": kinesis_poller, "sqs": QueuePoller}
"""By the service that is polled, as ARNs name it. Kafka, MQ and DocumentDB are not: nothing of them is here to poll."""

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Runs something beside the server, which ends with it should it fail."""


class Pollers:
    """Keeps one poller for each enabled mapping whose service can be polled."""

    def __init__(
        self, surroundings: Surroundings, spawn: Spawn, makers: Mapping[str, MakePoller] | None = None
    ) -> None:
        self.surroundings = surroundings
        self.spawn = spawn
        self.makers = POLLERS if makers is None else makers
        self._kept: dict[str, _Kept] = {}
        self._ending: list[_Kept] = []  # the last to end comes last
        self._moved = False
        surroundings.visibility.shown = self.wake
        surroundings.clock.settled_by(self.settle)

    def replace(self, mappings: Iterable[EventSourceMapping]) -> None:
        """Take over the mappings of the app's stack. One that is as it was goes on undisturbed; one that has changed
        finishes what it holds and begins anew; one that is gone finishes what it holds."""
        mappings = list(mappings)
        self.surroundings.positions.only(mappings)
        wanted = {one.name: one for one in mappings if one.enabled and one.service in self.makers}
        for name, kept in list(self._kept.items()):
            if wanted.get(name) != kept.mapping:
                self._end(self._kept.pop(name))
        for name in sorted(wanted.keys() - self._kept.keys()):
            self._begin(wanted[name])

    def wake(self, source: str) -> None:
        """Have those that poll a queue or stream, by its name, look at once: something was sent to it."""
        self._moved = True
        for kept in self._kept.values():
            if kept.poller is not None:
                kept.poller.wake(source)

    def passed_on(self) -> None:
        """Have queues looked at that get what topics, buses and buckets pass on: one of those was given something."""
        for kept in self._kept.values():
            if isinstance(kept.poller, QueuePoller):
                kept.poller.passed_on()

    async def refresh(self, source: str) -> None:
        """Have a stream's shards listed and read at once: they are about to change, or have changed."""
        pollers = [kept.poller for kept in self._kept.values() if isinstance(kept.poller, StreamPoller)]
        await asyncio.gather(*(poller.refresh(source) for poller in pollers))

    async def settle(self) -> bool:
        """Wait until no poller holds anything that could go on now; whether one did."""
        pollers = [kept.poller for kept in (*self._kept.values(), *self._ending) if kept.poller is not None]
        moved, self._moved = self._moved, False
        busy = any(await asyncio.gather(*(poller.settle() for poller in pollers)))
        if moved:  # a message may have gone to a dead-letter queue, when the queue was looked at
            busy = any(await asyncio.gather(*(poller.settle() for poller in pollers))) or busy
        return busy

    async def stop(self) -> None:
        """End every poller, which gives back what it holds."""
        tasks = [task for kept in (*self._kept.values(), *self._ending) for task in kept.tasks]
        self._kept.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.surroundings.visibility.stop()

    def _begin(self, mapping: EventSourceMapping) -> None:
        before = [one.poller for one in self._ending if one.mapping.name == mapping.name and one.poller is not None]
        kept = self._kept[mapping.name] = _Kept(mapping)
        kept.tasks.append(self.spawn(self._run(kept, before[-1] if before else None)))

    async def _run(self, kept: _Kept, before: Poller | None) -> None:
        if before is not None:
            await before.left()
        try:
            kept.poller = self.makers[kept.mapping.service](kept.mapping, self.surroundings, before)
        except EventfwError as error:
            self.surroundings.terminal.problem(f"{kept.mapping.name} does not poll: {error}")
            return
        await kept.poller.run()

    def _end(self, kept: _Kept) -> None:
        [running] = kept.tasks
        if kept.poller is None:  # it waits for another to leave
            running.cancel()
            return
        self._ending.append(kept)
        kept.tasks.append(self.spawn(self._drain(kept, kept.poller, running)))

    async def _drain(self, kept: _Kept, poller: Poller, running: asyncio.Task[None]) -> None:
        try:
            await poller.drain()
            await asyncio.wait([running])
        finally:
            self._ending.remove(kept)


class _Kept:
    """A mapping, its poller once it has begun, and the tasks that run it and end it."""

    def __init__(self, mapping: EventSourceMapping) -> None:
        self.mapping = mapping
        self.poller: Poller | None = None
        self.tasks: list[asyncio.Task[None]] = []
