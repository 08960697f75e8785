"""Messages between the server, the zygote and the workers: a small head and a body of bytes, each with its length.

A head is JSON, but for the messages of an ordinary invocation, an event and its result, which come in a short form of
the same. The body of an event or an answer is never parsed on the way. stdlib only: a worker imports this.
"""

from __future__ import annotations

import json
import os
import select
import struct
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    Message: TypeAlias = tuple[dict[str, Any], bytes]

_LENGTHS = struct.Struct("!II")
_EVENT = struct.Struct("!IIBQ")  # lengths, form, deadline; then the request id
_RESULT = struct.Struct("!IIBQI")  # lengths, form, peak, microseconds; then the request id
_FORM = _LENGTHS.size  # where the form stands: the head's first byte, which in JSON is a brace
_EVENT_FORM, _NEXT_FORM, _RESULT_FORM, _QUIET_FORM = 0, 1, 2, 3
AWAKE = 0.0003  # seconds in which the next message is awaited awake, where the last one came within as many
_CHUNK = 64 * 1024  # bytes read at once: more would be mapped into memory afresh for each message


def pack(head: dict[str, Any], body: bytes = b"") -> bytes:
    """One message as it travels."""
    text = json.dumps(head).encode()
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))


def pack_event(request_id: str, deadline: int, body: bytes) -> bytes:
    """``{"id": request_id, "deadline": deadline}`` and the event. ``deadline`` is in milliseconds since 1970."""
    text = request_id.encode()
    return b"".join((_EVENT.pack(_EVENT.size - _FORM + len(text), len(body), _EVENT_FORM, deadline), text, body))


def pack_next(request_id: str, milliseconds: int, body: bytes) -> bytes:
    """An event that is sent ahead: its deadline comes so many milliseconds after it is read."""
    text = request_id.encode()
    return b"".join((_EVENT.pack(_EVENT.size - _FORM + len(text), len(body), _NEXT_FORM, milliseconds), text, body))


def request_id_of(event: bytes) -> str:
    """Whose event a whole message of :func:`pack_next` is."""
    return event[_EVENT.size : _FORM + _LENGTHS.unpack_from(event)[0]].decode()


def pack_result(request_id: str, peak: int, took: int, quiet: bool, body: bytes) -> bytes:
    """``{"op": "result", "id": ..., "type": "", "peak": ..., "took": ..., "quiet": ...}`` and what the function
    returned.

    ``peak`` is the most bytes of memory that the worker has had, ``took`` is in microseconds. After a ``quiet`` result
    the worker goes on with what it was sent ahead.
    """
    text, form = request_id.encode(), _QUIET_FORM if quiet else _RESULT_FORM
    return b"".join((_RESULT.pack(_RESULT.size - _FORM + len(text), len(body), form, peak, took), text, body))


def _head(data: bytes, start: int, end: int) -> dict[str, Any]:
    """The head of a message that begins at ``start``; its head ends at ``end``."""
    form = data[start + _FORM]
    if form in (_RESULT_FORM, _QUIET_FORM):
        _, _, _, peak, took = _RESULT.unpack_from(data, start)
        name, quiet = data[start + _RESULT.size : end].decode(), form == _QUIET_FORM
        return {"op": "result", "id": name, "type": "", "peak": peak, "took": took, "quiet": quiet}
    if form in (_EVENT_FORM, _NEXT_FORM):
        deadline = _EVENT.unpack_from(data, start)[3]
        if form == _NEXT_FORM:
            deadline += int(time.time() * 1000)
        return {"id": data[start + _EVENT.size : end].decode(), "deadline": deadline}
    head: dict[str, Any] = json.loads(data[start + _FORM : end])
    return head


class Decoder:
    """Finds the messages in what arrives, however it was cut."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # of a message that has not arrived whole
        self._size = 0
        self._wanted = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes, in order."""
        if self._rest:
            self._rest.append(data)
            self._size += len(data)
            if self._size < self._wanted:
                return []
            data, self._rest = b"".join(self._rest), []
        messages: list[Message] = []
        start, size = 0, len(data)
        end = _FORM
        while size - start >= _FORM:
            head, body = _LENGTHS.unpack_from(data, start)
            body_at = start + _FORM + head
            end = body_at + body
            if size < end:
                break
            messages.append((_head(data, start, body_at), data[body_at:end]))
            start, end = end, end + _FORM
        if start < size:
            self._rest, self._size, self._wanted = [data[start:]], size - start, end - start
        return messages


class Connection:
    """A blocking end of a connection: the worker's, or the zygote's.

    ``ahead`` is where a worker finds events that were sent ahead, each whole. It need not be there.

    It is a bare descriptor, because the interpreter closes a socket object while it ends: the server would see the
    connection close before the process has an exit status.
    """

    def __init__(self, descriptor: int, ahead: int = -1) -> None:
        self.descriptor = descriptor
        self.ahead = ahead
        self._decoder = Decoder()
        self._messages: list[Message] = []
        self._soon = False
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLIN)
        self._either = select.poll()
        self._either.register(descriptor, select.POLLIN)
        if ahead >= 0:
            self._either.register(ahead, select.POLLIN)

    def receive(self, *, ahead: bool = False) -> Message | None:
        """The next message; with ``ahead`` it may be one that was sent ahead. ``None`` once the server has closed its
        end, or is gone."""
        while not self._messages:
            readable = self._wait(self._either if ahead else self._poll)
            if readable[0][0] != self.descriptor:  # which comes first, as it was registered first
                message = self._sent_ahead()
                if message is not None:
                    return message
                continue
            try:
                data = os.read(self.descriptor, _CHUNK)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._messages = self._decoder.feed(data)
        return self._messages.pop(0)

    def _wait(self, poll: select.poll) -> list[tuple[int, int]]:
        """What can be read, once something can.

        Where the last message came at once, this looks for the next for a moment before it sleeps: to be woken takes
        longer than a short handler. Linux wakes whoever waits in read() also when the server has read what was sent,
        for nothing; who waits in poll() not.
        """
        begun = time.perf_counter()
        readable = poll.poll(0)
        while not readable and self._soon and time.perf_counter() < begun + AWAKE:
            os.sched_yield()
            readable = poll.poll(0)
        readable = readable or poll.poll()
        self._soon = time.perf_counter() < begun + AWAKE
        return readable

    def _sent_ahead(self) -> Message | None:
        """The first event that was sent ahead; none where the server has taken it back meanwhile."""
        try:
            data = os.read(self.ahead, _CHUNK)
        except BlockingIOError:
            return None
        body_at = _FORM + _LENGTHS.unpack_from(data)[0]
        return _head(data, 0, body_at), data[body_at:]

    def send(self, head: dict[str, Any], body: bytes = b"") -> None:
        """Send a whole message. Raises ``BrokenPipeError`` when the server is gone."""
        self._write(pack(head, body))

    def send_result(self, request_id: str, peak: int, took: int, quiet: bool, body: bytes) -> None:
        """Send what the function returned. Raises ``BrokenPipeError`` when the server is gone."""
        self._write(pack_result(request_id, peak, took, quiet, body))

    def _write(self, message: bytes) -> None:
        written = os.write(self.descriptor, message)
        rest = memoryview(message)[written:]
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]
