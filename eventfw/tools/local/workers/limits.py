"""The bounds of execution environments: memory while they have an event, and the size of their temporary folders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from eventfw.tools.local.workers import memory, scratch
from eventfw.tools.local.workers.journal import Stream, megabytes

if TYPE_CHECKING:
    from eventfw.tools.local.workers.handle import Worker

EVERY = 0.1  # seconds between two looks, while there is something to look at
FOLDERS_EVERY = 5  # looks: a folder takes longer to measure
MB = 1024 * 1024
UNBOUNDED = 1 << 62


class Limits:
    """Looks at the workers that have, or lately had, an event; sleeps while none has.

    ``tell`` is given a sentence for the terminal about each environment that was ended. ``off`` looks at nothing:
    a debugger has memory and folders of its own.
    """

    def __init__(self, tell: Callable[[str], None] = lambda text: None, *, off: bool = False) -> None:
        self.tell = tell
        self.off = off
        self.awake = off
        self.workers: Callable[[], Collection[Worker]] = list
        self._timer: asyncio.TimerHandle | None = None
        self._measuring: asyncio.Task[None] | None = None
        self._unmeasured: set[Worker] = set()
        self._looks = 0

    def wake(self) -> None:
        """Begin to look: a worker has an event."""
        self.awake = True
        self._timer = asyncio.get_running_loop().call_later(EVERY, self._look)

    def stop(self) -> None:
        """Look no more."""
        self.awake = True
        if self._timer is not None:
            self._timer.cancel()
        if self._measuring is not None:
            self._measuring.cancel()

    def memory(self, stream: Stream) -> int:
        """Bytes that an environment may have."""
        return UNBOUNDED if self.off else stream.memory * MB

    def _look(self) -> None:
        self._timer = None
        touched = [worker for worker in self.workers() if worker.touched and not worker.gone]
        self._unmeasured.update(touched)
        for worker in touched:
            if worker.busy and not worker.paused:
                used = memory.used_by(worker.pid, worker.memory_limit)
                worker.note_peak(used)
                if used > worker.memory_limit:
                    worker.over_memory(used)
            worker.touched = worker.busy
        self._looks += 1
        if self._measuring is None and self._unmeasured and (not touched or self._looks % FOLDERS_EVERY == 0):
            self._measuring = asyncio.get_running_loop().create_task(self._measure())
        self.awake = bool(touched)
        if touched:
            self.wake()

    async def _measure(self) -> None:
        """Measure temporary folders in a thread: there may be many files."""
        workers, self._unmeasured = self._unmeasured, set()
        try:
            for worker in workers:
                allowed = worker.stream.storage * MB
                used = await asyncio.to_thread(scratch.size_of, worker.scratch, allowed)
                if used > allowed and not worker.gone:
                    worker.over_storage(used)
        finally:
            self._measuring = None

    def tell_memory(self, worker: Worker, used: int) -> None:
        """Say that an environment had more memory than its function may."""
        allowed = worker.stream.memory
        self.tell(
            f"{worker.function} had {megabytes(used)} MB of memory, over its {allowed} MB: the environment is ended. "
            f"Keep less at once, or give it more: @app.function(memory={suggested(megabytes(used))})."
        )

    def tell_storage(self, worker: Worker, used: int) -> str:
        """Say that a temporary folder holds more than its function may; gives the words for the caller's error."""
        allowed = worker.stream.storage
        self.tell(
            f"{worker.function} has {megabytes(used)} MB of temporary files, over its {allowed} MB: the environment is "
            f"ended. Remove files, or ask for more: @app.function(ephemeral_storage={suggested(megabytes(used))})."
        )
        return f"No space left on device: {megabytes(used)} MB of temporary files, over ephemeral_storage={allowed}"


def suggested(megabytes_used: int) -> int:
    """A setting with some room, in whole steps of 128 MB and within Lambda's 10,240."""
    return min(10_240, -(-megabytes_used * 5 // 4 // 128) * 128)
