"""What a connection becomes when a client asks for a WebSocket: uvicorn's protocol, with API Gateway's limit of frames.

Imported with the first of them: most apps have none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from uvicorn.protocols.websockets import wsproto_impl

implementation: Any = wsproto_impl
FRAME_LIMIT = 32 * 1024  # bytes: "WebSocket frame size"
TOO_BIG = 1009


class Frames:
    """Stands between the parser and the protocol, and ends a connection whose client sends too long a frame."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol
        self.size = 0
        self._events = protocol.conn.events

    def events(self) -> Iterator[Any]:
        """What the parser finds: of a frame that comes in pieces, each piece."""
        for event in self._events():
            data = event.data if hasattr(event, "frame_finished") else b""
            self.size += len(data.encode() if isinstance(data, str) else data)
            if self.size > FRAME_LIMIT:
                self._end()
                return
            if getattr(event, "frame_finished", False):
                self.size = 0
            yield event

    def _end(self) -> None:
        protocol, reason = self.protocol, f"a frame has at most {FRAME_LIMIT} bytes"
        protocol.close_sent = True
        protocol.queue.put_nowait({"type": "websocket.disconnect", "code": TOO_BIG, "reason": reason})
        if not protocol.transport.is_closing():
            close = implementation.events.CloseConnection(code=TOO_BIG, reason=reason)
            protocol.transport.write(protocol.conn.send(close))
            protocol.transport.close()


def limited(**given: Any) -> asyncio.Protocol:
    """uvicorn's protocol for one connection."""
    protocol = implementation.WSProtocol(**given)
    protocol.conn.events = Frames(protocol).events
    return protocol  # type: ignore[no-any-return]
