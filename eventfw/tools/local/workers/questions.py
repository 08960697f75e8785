"""A worker's standard input: empty, except for a debugger, which gets the lines typed at the server's terminal.

``breakpoint()`` and ``pdb.set_trace()`` read ``sys.stdin``. A worker has no terminal: it asks the server for each line
and waits. stdlib only: workers import it.
"""

from __future__ import annotations

import io
import sys
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from eventfw.tools.local.workers.records import Current
    from eventfw.tools.local.workers.wire import Connection

DEBUGGERS = frozenset(("bdb", "cmd", "code", "pdb"))
DEPTH = 12  # frames between a debugger's prompt and what reads the line
GO_ON = "continue\n"


class Input(io.TextIOBase):
    """``sys.stdin`` of a worker."""

    encoding = "utf-8"

    def __init__(self, link: Connection, current: Current) -> None:
        self.link = link
        self.current = current
        self._one_at_a_time = threading.Lock()

    def readable(self) -> bool:
        """It can be read, if only to find it empty."""
        return True

    def read(self, size: int | None = -1, /) -> str:
        """Nothing, as on Lambda."""
        return ""

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        """A line from the server's terminal for a debugger; nothing for anybody else.

        Where nobody can be asked, the debugger is told to go on, and a line of the output says why.
        """
        if not _debugging():
            return ""
        if not self.current.reachable:
            return self._go_on("Nothing is asked at a breakpoint in a thread that has outlived its event.")
        with self._one_at_a_time:
            self.link.send({"op": "ask"})
            message = self.link.receive()
        if message is None:
            return ""
        head, line = message
        self.current.pause(head["waited"])
        return self._go_on(head["refused"]) if head["refused"] else line.decode("utf-8", "replace")

    @staticmethod
    def _go_on(why: str) -> str:
        print(f"\nThe breakpoint is passed over: {why}", flush=True)
        return GO_ON


def _debugging() -> bool:
    """Whether a debugger reads. Names of modules tell: to look at a frame's variables would undo what was typed."""
    frame = sys._getframe(2)
    for _ in range(DEPTH):
        if frame.f_globals.get("__name__") in DEBUGGERS:
            return True
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return False
