"""Keeping the app's own stack in the embedded AWS: each time through a child process, one at a time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

from eventfw.errors import DeployError
from eventfw.tools.local.workers.variables import Place, of_tool

PATIENCE = 180.0  # seconds
CHILD = "eventfw.tools.cli.apply"


@dataclass(frozen=True)
class Order:
    """What to deploy, and where to.

    ``endpoint`` is the embedded AWS itself, ``door`` the address that everybody else knows it by, ``push_url`` where it
    posts invocations.
    """

    directory: str
    app: str | None
    endpoint: str
    door: str
    region: str
    push_url: str

    @property
    def place(self) -> Place:
        """Where the app believes it runs when the child imports it."""
        return Place(self.directory, self.door, self.region)


async def applied(order: Order) -> dict[str, Any]:
    """Build the local variant of the app's template and deploy it. Raises DeployError with what the child said."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        CHILD,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=of_tool(order.place, os.environ),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, err = await child.communicate(json.dumps(asdict(order)).encode())
    except TimeoutError:
        raise DeployError(f"The embedded AWS took longer than {PATIENCE:g} s over the app's stack.") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    try:
        answer: dict[str, Any] = json.loads(out)
    except ValueError:
        said = err.decode(errors="replace").strip()[-2000:]
        raise DeployError(f"Deploying into the embedded AWS ended with exit code {child.returncode}.\n{said}") from None
    if "error" in answer:
        raise DeployError(answer["error"], place=answer.get("place", ""))
    return answer
