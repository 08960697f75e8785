"""Events that a busy worker finds once it has answered the one it has: neither it nor the server sleeps in between.

They wait in a socket of datagrams, of which the server has both ends: what the worker has not read, the server reads
again itself. The system gives a datagram to one reader, so an event is the worker's or the server's and never both's.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable

from eventfw.tools.local.workers.results import Result
from eventfw.tools.local.workers.wire import pack_next, request_id_of

MOST = 7  # events of one worker that wait: systems keep about ten datagrams
LONGEST = 32 * 1024  # bytes of an event that may wait
QUICK = 100  # microseconds: to wake another worker takes about as long
PATIENCE = 0.005  # seconds that one may wait for the same event to be answered

Told = Callable[[Result | None], None]


class Waiting:
    """An event that is sent ahead: who is told the answer, and how many seconds it has from when it begins."""

    __slots__ = ("answer", "request_id", "seconds")

    def __init__(self, request_id: str, seconds: float, answer: Told) -> None:
        self.request_id = request_id
        self.seconds = seconds
        self.answer = answer


class Ahead:
    """What one worker has been sent ahead, in order, as far as it is not known to have begun.

    ``quick`` says that its last event was over so soon that another may wait for it.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ours.setblocking(False)
        self._theirs.setblocking(False)  # for the worker, too: what it was told of may have been taken back
        self.quick = False
        self.waiting: deque[Waiting] = deque()

    def descriptor(self) -> int:
        """The worker's end, once more: whoever passes it on closes it."""
        return os.dup(self._theirs.fileno())

    def room(self, event: bytes) -> bool:
        """Whether this event may wait, too."""
        return self.quick and len(self.waiting) < MOST and len(event) <= LONGEST

    def send(self, event: bytes, waiting: Waiting) -> bool:
        """Send an event ahead; whether the system took it."""
        try:
            self._ours.send(pack_next(waiting.request_id, int(waiting.seconds * 1000), event))
        except OSError:  # no room, or it is longer than the system's datagrams
            return False
        self.waiting.append(waiting)
        return True

    def send_again(self, message: bytes) -> bool:
        """Send what has been taken back; whether the system took it."""
        try:
            return self._ours.send(message) > 0
        except OSError:
            return False

    def taken_back(self) -> dict[str, bytes]:
        """What the worker has not got and now never will, by request id."""
        found: dict[str, bytes] = {}
        while self._theirs.fileno() >= 0:
            try:
                message = self._theirs.recv(2 * LONGEST)
            except BlockingIOError:
                break
            found[request_id_of(message)] = message
        return found

    def close(self) -> None:
        """Send nothing more."""
        self._ours.close()
        self._theirs.close()
