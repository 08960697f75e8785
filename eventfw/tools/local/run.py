"""Running the local server in an event loop."""

from __future__ import annotations

import asyncio
import gc
import sys

from eventfw.tools.local.options import Options
from eventfw.tools.local.server import LocalServer
from eventfw.tools.local.terminal import Terminal


def serve(options: Options, terminal: Terminal) -> None:
    """Serve until the user stops it."""
    spare_collecting()
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        runner.run(_serve(options, terminal))


def spare_collecting() -> None:
    """Have the collector leave alone what is imported, and look at the rest less often: with each request come objects
    that live until its line is written, and the modules would be looked through for their sake."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def _serve(options: Options, terminal: Terminal) -> None:
    await LocalServer(options, terminal).run()


def event_loop() -> type[asyncio.AbstractEventLoop]:
    """uvloop's, which writes a response's head and body at once and is faster; asyncio's where there is none."""
    if sys.platform == "win32":
        return asyncio.SelectorEventLoop
    import uvloop

    return uvloop.Loop
