"""uvicorn on the server's sockets. Imported while the app is loaded, which takes as long in other processes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import uvicorn

from eventfw.tools.local.web.asgi import ASGIApp, Receive, Scope, Send
from eventfw.tools.local.web.connection import AsgiConnection, HttpConnection
from eventfw.tools.local.web.direct import Direct
from eventfw.tools.local.web.listening import port_of
from eventfw.tools.local.web.websocket_api import MESSAGE_LIMIT

GRACE = 2  # seconds that requests in flight have, once the server is stopped


class Ports:
    """One ASGI app for every socket: the port a request came in on says which app it is for."""

    def __init__(self, apps: dict[int, ASGIApp]) -> None:
        self.apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.apps[scope["server"][1]](scope, receive, send)


class Uvicorn(uvicorn.Server):
    """uvicorn without its own handling of signals: the local server has several things to end, in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def websocket_protocol(**given: Any) -> asyncio.Protocol:
    """The protocol of a connection that becomes a WebSocket, imported with the first of them."""
    from eventfw.tools.local.web.upgrade import limited

    return limited(**given)


def serving(
    apps: list[tuple[socket.socket, ASGIApp]], directs: Mapping[int, Direct] | None = None
) -> Callable[[], Awaitable[None]]:
    """Begin to answer on the sockets, each with its app; ``directs`` are short ways to answer, by port.

    Returns what ends it.
    """

    def http_protocol(*, server_state: Any, **given: Any) -> asyncio.Protocol:
        def other(connection: HttpConnection) -> AsgiConnection:
            return AsgiConnection(connection, server_state=server_state, **given)

        return HttpConnection(directs or {}, server_state.connections, other)

    config = uvicorn.Config(
        Ports({port_of(one): app for one, app in apps}),
        loop="none",
        http=http_protocol,  # type: ignore[arg-type]
        ws=websocket_protocol,  # type: ignore[arg-type]
        ws_max_size=MESSAGE_LIMIT,
        ws_per_message_deflate=False,
        lifespan="off",
        proxy_headers=False,  # before API Gateway there is no proxy whose word counts
        server_header=False,
        access_log=False,
        log_level="error",
        timeout_graceful_shutdown=GRACE,
    )
    server = Uvicorn(config)
    task = asyncio.create_task(server.serve(sockets=[one for one, _ in apps]))  # noqa: RUF006 - kept by end()

    async def end() -> None:
        server.should_exit = True
        await task

    return end
