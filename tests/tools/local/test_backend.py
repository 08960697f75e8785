"""The embedded AWS in the life of the server."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from in_loop import in_loop

from eventfw.tools.local.options import Options
from eventfw.tools.local.server import LocalServer
from eventfw.tools.local.terminal import Terminal


@in_loop
async def test_the_connections_to_it_are_closed_after_the_last_record_was_sent(tmp_path: Path) -> None:
    server = LocalServer(Options(tmp_path, port=0, edge_port=0, aws_port=0), Terminal(None))
    ended: list[str] = []

    def ending(what: str) -> Callable[..., Coroutine[Any, Any, None]]:
        async def end(*_: Any) -> None:
            ended.append(what)

        return end

    class Cloud:
        stop = staticmethod(ending("cloud"))

    server.backend.chosen = Cloud  # type: ignore[method-assign, assignment]
    server.backend.start = ending("nothing")  # type: ignore[method-assign]
    server.backend.stop_polling = ending("polling")  # type: ignore[method-assign]
    server.backend.close = ending("connections")  # type: ignore[method-assign]
    server.functions.service.stop = ending("events")  # type: ignore[method-assign]
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(server.addresses)
        await server._start(stack)
    assert [one for one in ended if one != "nothing"] == ["polling", "events", "connections", "cloud"]
