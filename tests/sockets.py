"""A WebSocket client, to talk to a running server with."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    RejectConnection,
    Request,
    TextMessage,
)

FRAME = 16 * 1024
PATIENCE = 30.0  # seconds: only a broken server takes that long


class Refused(Exception):
    """The server answered with a status instead of a connection."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Socket:
    """One connection. Raises Refused where there is none to be had."""

    def __init__(self, url: str, **headers: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80), PATIENCE)
        self.connection = WSConnection(ConnectionType.CLIENT)
        self._events: list[Event] = []
        more = [(name.encode(), value.encode()) for name, value in headers.items()]
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self._send(Request(host=parts.netloc, target=target, extra_headers=more, subprotocols=[]))
        answer = self._next()
        if isinstance(answer, RejectConnection):
            self.socket.close()
            raise Refused(answer.status_code)
        assert isinstance(answer, AcceptConnection), answer

    def _send(self, event: Event) -> None:
        self.socket.sendall(self.connection.send(event))

    def _next(self) -> Event:
        while not self._events:
            self.connection.receive_data(self.socket.recv(65536) or None)
            self._events += list(self.connection.events())
        return self._events.pop(0)

    def say(self, text: str) -> None:
        """Send a message, in frames of 16 KB."""
        parts = [text[at : at + FRAME] for at in range(0, len(text), FRAME)] or [""]
        for part in parts:
            self._send(Message(data=part, message_finished=part is parts[-1]))

    def say_at_once(self, text: str) -> None:
        """Send a message in one frame."""
        self._send(Message(data=text))

    def hear(self) -> str:
        """The next message."""
        found = ""
        while True:
            event = self._next()
            assert isinstance(event, TextMessage | BytesMessage), event
            found += event.data if isinstance(event.data, str) else event.data.decode()
            if event.message_finished:
                return found

    def ended(self) -> int:
        """Wait until the server ends the connection; gives the code."""
        event = self._next()
        assert isinstance(event, CloseConnection), event
        self.socket.close()
        return event.code

    def leave(self, code: int = 1000) -> None:
        """End it."""
        self._send(CloseConnection(code=code))
        self.socket.close()
