"""What polls an event source for Lambda, what all that do are given, and what they do when they are refused.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from eventfw.tools.local.clock import Clock
from eventfw.tools.local.cloud.aws import Aws
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.pollers.positions import Positions
from eventfw.tools.local.pollers.visibility import Visibility
from eventfw.tools.local.terminal import Terminal

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0  # seconds of real time: these waits are ours, not AWS's


@dataclass(frozen=True)
class Surroundings:
    """What pollers use: the embedded AWS, Lambda, the time, somebody to tell, what knows when messages are seen, and
    where streams are read on."""

    aws: Aws
    lambdas: LambdaService
    clock: Clock
    terminal: Terminal
    visibility: Visibility
    positions: Positions = field(default_factory=Positions)


class Poller(Protocol):
    """One event source mapping at work."""

    async def run(self) -> None:
        """Poll and invoke, until :meth:`drain` or cancelled. What the embedded AWS refuses is told once, and tried
        again; nothing of it is raised. Cancelled, it gives back what it holds."""

    async def drain(self) -> None:
        """Take nothing more, finish what is held, and have :meth:`run` return. Returns when that is so."""

    async def left(self) -> None:
        """Wait, once :meth:`drain` has begun, until another may take this one's place."""

    async def settle(self) -> bool:
        """Wait until nothing is held that could go on without the clock going on; whether anything was."""

    def wake(self, source: str) -> None:
        """Something was just sent to the source of this name, a queue's or a stream's: look at once if it is yours."""


MakePoller = Callable[[EventSourceMapping, Surroundings, "Poller | None"], Poller]
"""Makes the poller of a mapping. The third is the one that it takes the place of, which it has left: a stream's goes on
where that one was."""


class Trouble:
    """Whether what is polled, ``what`` in words, can be had just now. Told once, until it could be had again."""

    def __init__(self, surroundings: Surroundings, what: str) -> None:
        self.surroundings = surroundings
        self.what = what
        self._pause = 0.0
        self._until = 0.0
        self._told = False

    def met(self, error: Exception) -> None:
        """It was refused: leave it alone, each time for longer. Told when it is refused again, as a stack that is being
        changed takes away what is no longer polled a moment later; not when the embedded AWS has ended, which the
        server tells."""
        lasts = self._pause > 0
        self._pause = min(self._pause * 2 or FIRST_PAUSE, LONGEST_PAUSE)
        self._until = asyncio.get_running_loop().time() + self._pause
        if lasts and not self._told and self.surroundings.aws.endpoint() is not None:
            self._told = True
            self.surroundings.terminal.problem(f"{self.what} cannot be polled: {error} It is tried again.")

    def over(self) -> None:
        """It answered."""
        if self._told:
            self.surroundings.terminal.good(f"{self.what} is polled again.")
        self._pause, self._told = 0.0, False

    def lasts(self, then: Callable[[], object]) -> bool:
        """Whether it is still to be left alone; ``then`` is called when that is over."""
        loop = asyncio.get_running_loop()
        if self._pause == 0.0 or self._until <= loop.time():
            return False
        loop.call_at(self._until, then)
        return True
