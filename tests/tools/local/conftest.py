"""An ASGI app behind a real uvicorn, as ``eventfw local`` serves it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

Serve = Callable[[Any], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serves apps on ephemeral ports of the loopback until the test ends; gives the port."""
    running: list[tuple[uvicorn.Server, threading.Thread, socket.socket]] = []

    def start(app: Any) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            app, loop="uvloop", http="httptools", ws="none", lifespan="off", server_header=False, log_config=None
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        running.append((server, thread, listener))
        return int(listener.getsockname()[1])

    yield start
    for server, thread, listener in running:
        server.should_exit = True
        thread.join(timeout=20)
        listener.close()
        assert not thread.is_alive()
