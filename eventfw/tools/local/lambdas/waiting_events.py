"""Asynchronous events that wait, kept for the next run in a file: what is to be tried again, or had no turn yet."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

from eventfw.tools.local.lambdas.asynchronous import AsynchronousQueue, counted
from eventfw.tools.local.state import write_whole
from eventfw.tools.local.terminal import Terminal

LOOK_SECONDS = 1.0  # so many a server that is killed loses, and may have run a second time what ended within them
SHARE = 20  # of the time: many events take as long to write as a few to run
UNREAD, UNWRITTEN = -2, -1  # instead of the queue's state that was written last
LOST = "Asynchronous events that wait are lost with this run, unless it can be before its end."


class WaitingEvents:
    """Writes what the queue holds whenever that has changed, and at the end."""

    def __init__(self, queue: AsynchronousQueue, path: Path, terminal: Terminal) -> None:
        self.queue = queue
        self.path = path
        self.terminal = terminal
        self._written = self._latest = UNREAD
        self._failed = False
        self._writing = threading.Lock()

    async def keep(self) -> None:
        """Give the queue what an earlier run left, and write what it holds from now on."""
        self._restore()
        while True:
            begun = time.perf_counter()
            if self._written != self.queue.changes:
                await self._write()
            await asyncio.sleep(LOOK_SECONDS + SHARE * (time.perf_counter() - begun))

    async def leave(self) -> None:
        """Write the queue a last time and end it. Nothing, where it was not given yet what an earlier run left."""
        if self._written == UNREAD:
            return
        await self._write()
        waiting = await self.queue.stop()
        if waiting and not self._failed:
            self.terminal.note(f"Kept {counted(waiting, 'asynchronous event')} for the next run.")

    def _restore(self) -> None:
        try:
            kept = json.loads(self.path.read_text())
            ahead = max(0.0, kept["now"] - self.queue.clock.time())  # of a virtual clock, which may have been advanced
            left = [{**one, "accepted": one["accepted"] - ahead, "due": one["due"] - ahead} for one in kept["events"]]
            self.queue.restore(left)
        except FileNotFoundError:
            return
        except (ValueError, TypeError, KeyError) as error:
            aside = self.path.with_suffix(".broken")
            self.path.replace(aside)
            self.terminal.problem(f"The asynchronous events that were kept cannot be read ({error}). See {aside}.")
            return
        if left:
            self.terminal.note(f"Goes on with {counted(len(left), 'asynchronous event')} of the last run.")

    async def _write(self) -> None:
        self._written = self.queue.changes
        kept = {"now": self.queue.clock.time(), "events": self.queue.dump()}
        try:
            await asyncio.to_thread(self._replace, json.dumps(kept), self._written)
        except OSError as error:  # a full disk, for example: nothing is lost yet
            if not self._failed:
                self.terminal.problem(f"{self.path} cannot be written: {error.strerror}. {LOST}")
            self._failed, self._written = True, UNWRITTEN
        else:
            self._failed = False

    def _replace(self, text: str, state: int) -> None:
        """Write the file, unless a later state was written while this one had no turn."""
        with self._writing:
            if state < self._latest:
                return
            self._latest = state
            write_whole(self.path, text)
