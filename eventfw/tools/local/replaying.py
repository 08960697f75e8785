"""Replaying the sample events from within the server, through a child process, which may import the app."""

from __future__ import annotations

import asyncio
import os
import sys

from eventfw.tools.local.workers.variables import Place, of_tool


async def replayed(place: Place, app: str) -> list[str]:
    """Run ``eventfw replay`` on the project; gives the lines it printed."""
    command = [sys.executable, "-m", "eventfw", "replay", "--directory", place.directory]
    child = await asyncio.create_subprocess_exec(
        *command,
        *(["--app", app] if app else []),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=of_tool(place, os.environ),
        start_new_session=True,
    )
    try:
        output, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return output.decode(errors="replace").splitlines()
