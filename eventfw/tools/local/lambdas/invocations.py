"""Every invocation that does not come over HTTP, and the line about it on the terminal."""

from __future__ import annotations

import json
from typing import Any

from eventfw.errors import EventfwError
from eventfw.routing import identify
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.pool import Pool
from eventfw.tools.local.workers.results import Result


class Invocations:
    """Runs functions in the pool for the embedded AWS, the SDKs, the schedules and the other commands."""

    def __init__(self, pool: Pool, terminal: Terminal) -> None:
        self.pool = pool
        self.terminal = terminal

    async def run(self, function: str, event: bytes, source: str, request_id: str) -> Result:
        """For the embedded AWS, and for the other commands, which say what their ``source`` is."""
        return await self._told(source or source_of(event), function, event, request_id=request_id or None)

    async def direct(self, function: str, event: bytes, client_context: dict[str, Any] | None) -> Result:
        """For an SDK's Invoke. What keeps it from running is told here too: nobody may be waiting for the answer."""
        try:
            return await self._told("invoke", function, event, client_context=client_context)
        except EventfwError as error:
            self.terminal.problem(str(error))
            raise

    async def tick(self, function: str, event: dict[str, Any]) -> None:
        """For a schedule, which has nobody to answer to."""
        try:
            await self._told("schedule", function, json.dumps(event).encode())
        except EventfwError as error:
            self.terminal.problem(str(error))

    def known(self, function: str) -> bool:
        """Whether the app that is being served has the function."""
        return function in self.pool.description["functions"]

    async def _told(self, source: str, function: str, event: bytes, **how: Any) -> Result:
        result = await self.pool.invoke(function, event, **how)
        self.terminal.invocation(source, function, result.error, result.payload, result.duration_ms)
        return result


def source_of(event: bytes) -> str:
    """What sent an event, in a word."""
    try:
        return identify(json.loads(event))
    except (ValueError, RecursionError):
        return "event"
