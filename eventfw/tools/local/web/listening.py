"""The server's sockets."""

from __future__ import annotations

import os
import socket

from eventfw.errors import LocalError

HOST = "127.0.0.1"


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
