"""Messages between the server, the zygote and the workers: a small JSON head and a body of bytes, each with its length.

The body of an event or an answer is never parsed on the way. stdlib only: a worker imports this.
"""

from __future__ import annotations

import json
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Message: TypeAlias = tuple[dict[str, Any], bytes]

_LENGTHS = struct.Struct("!II")
_CHUNK = 256 * 1024  # bytes read at once


def pack(head: dict[str, Any], body: bytes = b"") -> bytes:
    """One message as it travels."""
    text = json.dumps(head).encode()
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))


class Decoder:
    """Finds the messages in what arrives, however it was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes, in order."""
        buffer = self._buffer
        buffer += data
        messages: list[Message] = []
        start = 0
        while len(buffer) - start >= _LENGTHS.size:
            head, body = _LENGTHS.unpack_from(buffer, start)
            body_at = start + _LENGTHS.size + head
            end = body_at + body
            if len(buffer) < end:
                break
            messages.append((json.loads(buffer[body_at - head : body_at]), bytes(buffer[body_at:end])))
            start = end
        del buffer[:start]
        return messages


class Connection:
    """A blocking end of a connection: the worker's, or the zygote's.

    It is a bare descriptor, because the interpreter closes a socket object while it ends: the server would see the
    connection close before the process has an exit status.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._decoder = Decoder()
        self._messages: list[Message] = []

    def receive(self) -> Message | None:
        """The next message; ``None`` once the server has closed its end, or is gone."""
        while not self._messages:
            try:
                data = os.read(self.descriptor, _CHUNK)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._messages = self._decoder.feed(data)
        return self._messages.pop(0)

    def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send a whole message. Raises ``BrokenPipeError`` when the server is gone."""
        rest = memoryview(pack(head, body))
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]
