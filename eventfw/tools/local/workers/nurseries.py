"""The zygotes of a pool: the present one, and earlier ones whose last workers still run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from eventfw.errors import LocalError
from eventfw.tools.local.workers.handle import Worker
from eventfw.tools.local.workers.nursery import Nursery
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.preload import Preload
from eventfw.tools.local.workers.variables import Place


class Nurseries:
    """Has a zygote to fork from, makes a new one where it is needed, and closes an old one with its last worker.

    ``preload`` says what they import. ``spawn`` makes every worker a fresh interpreter.
    """

    def __init__(self, place: Place, oversight: Oversight, environ: Mapping[str, str], *, spawn: bool) -> None:
        self.place = place
        self.oversight = oversight
        self.environ = environ
        self.spawn = spawn
        self.preload = Preload(Path(place.directory))
        self.current: Nursery | None = None
        self._all: set[Nursery] = set()
        self._making = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self._stopped = False

    @property
    def workers(self) -> list[Worker]:
        """The processes that there are, idle, busy, or being started or ended."""
        return [worker for nursery in self._all for worker in nursery.workers.values()]

    async def fresh(self) -> Nursery:
        """The present zygote, or a new one if it ended or something that it imported has changed."""
        return await self._unless(lambda nursery: nursery.alive and not nursery.stale())

    async def living(self) -> Nursery:
        """The present zygote, or a new one if it ended."""
        return await self._unless(lambda nursery: nursery.alive)

    async def renew(self) -> None:
        """A zygote that has the modules learned by now, made beside the present one."""
        async with self._making:
            nursery = await self._new()
            if nursery.threaded and not self.spawn:
                await self._new()

    async def stop(self) -> None:
        """End every process, and wait until they have."""
        self._stopped = True
        await asyncio.gather(*(nursery.close() for nursery in list(self._all)), *self._closing)
        self._all.clear()

    async def _unless(self, good: Callable[[Nursery], bool]) -> Nursery:
        """The present zygote if it is good; of many who find that it is not, one makes the new one."""
        if self.current is not None and good(self.current) and not self._stopped:
            return self.current
        async with self._making:
            if self._stopped:
                raise LocalError("The local server is stopping.")
            if self.current is not None and good(self.current):
                return self.current
            return await self._new()

    async def _new(self) -> Nursery:
        nursery = Nursery(self.place, self.oversight)
        nursery.on_exit = self._sweep
        self._all.add(nursery)
        try:
            await nursery.start(self.preload.wanted(), self.environ, spawn=self.spawn)
        except BaseException:
            self._all.discard(nursery)
            raise
        if nursery.threaded:
            self.preload.avoid(nursery.threaded)
        previous, self.current = self.current, nursery
        if previous is not None:
            previous.retire()
            self._sweep()
        return nursery

    def _sweep(self) -> None:
        """Close retired zygotes whose last worker has ended."""
        for nursery in self._all:
            if nursery.retired and not nursery.workers and not nursery.closing and not self._stopped:
                nursery.closing = True
                closing = asyncio.get_running_loop().create_task(self._close(nursery))
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)

    async def _close(self, nursery: Nursery) -> None:
        await nursery.close()
        self._all.discard(nursery)
