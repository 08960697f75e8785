"""``--debug-port``: a port that editors attach to, and the workers that are debugged through it."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from eventfw.errors import LocalError
from eventfw.tools.local.workers import debugger

START = 20.0  # seconds


class DebugPort:
    """debugpy's end for editors, in a process of its own.

    ``place`` is what a worker needs to join, while an editor is attached; else ``None``. ``changed`` is awaited when an
    editor has come or gone, for workers to be made anew.
    """

    def __init__(self, port: int, changed: Callable[[bool], Awaitable[None]]) -> None:
        self.port = port
        self.changed = changed
        self.place: dict[str, Any] | None = None
        self._where: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, environ: Mapping[str, str]) -> None:
        """Open the port. Raises LocalError where debugpy is missing or the port is taken."""
        if importlib.util.find_spec("debugpy") is None:
            raise LocalError("debugpy is not installed beside eventfw. Install it: pip install debugpy")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            debugger.__file__,
            str(self.port),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=dict(environ),
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(START):
                told = await self._next()
        except TimeoutError:
            told = {"error": f"debugpy did not start within {START:g} s."}
        if not isinstance(told, dict) or "error" in told:
            await self.stop()
            raise LocalError(told["error"] if isinstance(told, dict) else "debugpy ended while it was started.")
        self._where = told

    async def watch(self) -> None:
        """Follow editors as they come and go, for as long as the process lives."""
        while isinstance(attached := await self._next(), bool):
            self.place = self._where if attached else None
            await self.changed(attached)

    async def stop(self) -> None:
        """Close the port."""
        process, self._process = self._process, None
        if process is not None:
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    async def _next(self) -> Any:
        """The next thing told; ``None`` when the process has ended."""
        if self._process is None or self._process.stdout is None:
            return None
        line = await self._process.stdout.readline()
        return json.loads(line) if line else None
