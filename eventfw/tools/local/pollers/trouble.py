"""What the embedded AWS refuses a poller: told once, and tried again after a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from eventfw.tools.local.pollers.poller import Surroundings

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 15.0  # seconds of real time: these waits are ours, not AWS's


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
