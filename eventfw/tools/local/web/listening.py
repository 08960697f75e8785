"""The server's sockets, and uvicorn on them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

import uvicorn

from eventfw.errors import LocalError
from eventfw.tools.local.web.asgi import ASGIApp, Receive, Scope, Send
from eventfw.tools.local.web.connection import AsgiConnection, HttpConnection
from eventfw.tools.local.web.direct import Direct
from eventfw.tools.local.web.websocket_api import MESSAGE_LIMIT

HOST = "127.0.0.1"
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


def bound(port: int, option: str) -> socket.socket:
    """A listening socket on this machine's own address. Raises LocalError for a port that is taken."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
        one.listen(2048)
    except (OSError, OverflowError) as error:
        one.close()
        raise LocalError(
            f"Port {port} on {HOST} cannot be used ({error.strerror if isinstance(error, OSError) else error}). "
            f"Choose another with {option}, or {option} 0 for any free one."
        ) from None
    one.setblocking(False)
    return one


def url_of(one: socket.socket) -> str:
    """The address people and programs reach a socket at."""
    return f"http://{HOST}:{port_of(one)}"


def port_of(one: socket.socket) -> int:
    """The port a socket listens on."""
    return int(one.getsockname()[1])


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
