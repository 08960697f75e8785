"""One reload at a time: what a save sets off, and what becomes of it when the next save comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

PATIENCE = 5.0  # seconds that a reload may go on for once there is a later save


async def reload_at(
    saves: AsyncIterator[list[str]],
    reload: Callable[[list[str]], Awaitable[None]],
    spawn: Callable[[Any], asyncio.Task[Any]],
    tell: Callable[[str], None],
    patience: float = PATIENCE,
) -> None:
    """Call ``reload`` with the files of each save, as a task by ``spawn``. Saves that come meanwhile are one, after it.

    An import may take for ever, in a loop or waiting for a server. Such a reload is cancelled ``patience`` seconds
    after a later save has come, which mends it perhaps, and ``tell`` is told.
    """
    reloading: asyncio.Task[Any] | None = None
    async for files in saves:
        if reloading is not None:
            _, hanging = await asyncio.wait({reloading}, timeout=patience)
            if hanging:
                tell("Importing the app as it was saved before had not ended. It is given up for the new save.")
                reloading.cancel()
                await asyncio.wait(hanging)
        reloading = spawn(reload(files))
