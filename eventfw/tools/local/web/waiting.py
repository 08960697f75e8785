"""Waiting for an invocation as AWS's services do: they give up, and the function runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from eventfw.tools.local.web.asgi import Invoke, Outcome


class TimedInvoke:
    """Invokes, and raises TimeoutError after ``seconds`` without cancelling what was begun.

    While ``patient`` says so, it goes on waiting: somebody debugs a handler.
    """

    def __init__(self, invoke: Invoke, seconds: float) -> None:
        self.invoke = invoke
        self.seconds = seconds
        self.patient: Callable[[], bool] = lambda: False
        # A task that nobody refers to could be collected before it ends.
        self._running: set[asyncio.Future[Outcome]] = set()

    async def __call__(self, function: str, event: bytes) -> Outcome:
        running = asyncio.ensure_future(self.invoke(function, event))
        self._running.add(running)
        running.add_done_callback(self._ended)
        while not running.done():
            done, _ = await asyncio.wait((running,), timeout=self.seconds)
            if not done and not self.patient():
                raise TimeoutError
        return running.result()

    def _ended(self, running: asyncio.Future[Outcome]) -> None:
        self._running.discard(running)
        if not running.cancelled():
            running.exception()  # Marks it as seen: asyncio would report an error that comes too late as lost.
