"""Whether anything is under way: what a virtual clock waits for before it goes on."""

from __future__ import annotations

import asyncio


class Activity:
    """Counts what is under way."""

    def __init__(self) -> None:
        self._count = 0
        self._over = asyncio.Event()
        self._over.set()

    @property
    def busy(self) -> bool:
        """Whether anything is."""
        return self._count > 0

    def begin(self) -> None:
        """One thing more."""
        self._count += 1
        self._over.clear()

    def end(self) -> None:
        """One thing less."""
        self._count -= 1
        if not self._count:
            self._over.set()

    async def over(self) -> None:
        """Wait until nothing is."""
        await self._over.wait()
