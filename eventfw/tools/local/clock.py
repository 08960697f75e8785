"""The time that AWS's own waits go by: retries, windows, visibility timeouts, schedules, ages.

A real clock, or a virtual one, which stands still until it is advanced: then a wait of minutes is over at once, and
everything that falls due meanwhile happens in its order. A handler's own time, and its timeout, are always real.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

LONGEST_SLEEP = 60.0  # seconds: a laptop that slept, or a clock that was set, is noticed within it

LONGEST_ADVANCE = 366 * 86_400.0  # seconds: a year
ROUNDS = 5  # of the loop, for what woke to begin what it has to do

Settle = Callable[[], Awaitable[bool]]
"""Waits until what it stands for has nothing under way; whether it had anything."""


class RealClock:
    """The time of this machine."""

    virtual = False

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def now(self) -> datetime:
        """The time, in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait for so long."""
        await self.sleep_until(self.time() + seconds)

    async def sleep_until(self, moment: float) -> None:
        """Wait for a moment, in seconds since 1970; not at all where it is past."""
        while (left := moment - time.time()) > 0:  # noqa: ASYNC110 - a clock
            await asyncio.sleep(min(left, LONGEST_SLEEP))

    def settled_by(self, settle: Settle) -> None:
        """Real time waits for nobody."""


class VirtualClock(RealClock):
    """A clock that stands still until :meth:`advance`. It begins at the present second, or at ``start``.

    Moments a whole number of seconds later are then exact: an advance of four minutes reaches what is due in four.
    """

    virtual = True

    def __init__(self, start: float | None = None) -> None:
        self._now = float(int(time.time())) if start is None else start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._cancelled = 0  # sleepers, since they were last sorted out
        self._settlers: list[Settle] = []
        self._advancing = asyncio.Lock()

    def time(self) -> float:
        return self._now

    async def sleep_until(self, moment: float) -> None:
        if moment <= self._now:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (moment, next(self._order), woken))
        try:
            await woken
        finally:
            if woken.cancelled():
                self._forget()

    def settled_by(self, settle: Settle) -> None:
        """Have :meth:`advance` wait for something before it goes on to the next moment."""
        self._settlers.append(settle)

    async def advance(self, seconds: float) -> None:
        """Move on by so many seconds, from 0 to a year: from one moment that something waits for to the next, and what
        woke comes to rest before the next wakes. Raises ValueError for another span."""
        if not 0 <= seconds <= LONGEST_ADVANCE:
            raise ValueError(f"A clock goes forward, at most by {LONGEST_ADVANCE:.0f} seconds, not by {seconds:g}.")
        async with self._advancing:
            end = self._now + seconds
            await self._settle()
            while self._sleepers and self._sleepers[0][0] <= end:
                self._now = max(self._now, self._sleepers[0][0])
                self._wake()
                await self._settle()
            self._now = end

    def _forget(self) -> None:
        """A sleeper was cancelled, as that of a message is which was deleted. While the clock stands still its moment
        does not come, so that such sleepers are sorted out once they are the most."""
        self._cancelled += 1
        if self._cancelled * 2 > len(self._sleepers):
            self._sleepers = [one for one in self._sleepers if not one[2].done()]
            heapq.heapify(self._sleepers)
            self._cancelled = 0

    def _wake(self) -> None:
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)

    async def _settle(self) -> None:
        busy = True
        while busy:
            for _ in range(ROUNDS):
                await asyncio.sleep(0)
            busy = False
            for settle in self._settlers:
                busy = await settle() or busy


Clock = RealClock
