"""What a worker prints, read from its pipe line by line."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from eventfw.tools.local.workers.journal import Journal, Stream, keep_loose

READ = 64 * 1024  # bytes of output read at once
LINE_LIMIT = 64 * 1024  # bytes after which a line without an end is shown as it is

OnLine = Callable[[str, str, str], None]
"""Told of each line of output: function, request id (``""`` outside an invocation), the line."""


class Output:
    """What a worker prints, line by line, and for the invocation it was printed in.

    A carriage return within a line parts the lines of one record, as on AWS: a traceback is one event of the log.
    """

    def __init__(
        self,
        descriptor: int,
        function: str,
        on_line: OnLine,
        stream: Stream | None = None,
        recorded: Callable[[Stream, str], None] | None = None,
    ) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.function = function
        self.on_line = on_line
        self.stream = stream
        self.recorded = recorded
        self.journal: Journal | None = None
        self.held = False  # what is there to read may be a later invocation's
        self._deaf = False  # nobody listens for more
        self._rest = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self.drain)

    def begin(self, journal: Journal) -> None:
        """What is printed from now on belongs to this invocation."""
        self.drain()
        self.journal = journal

    def follow(self, journal: Journal, *, last: bool) -> None:
        """What is there, and what is printed from now on, belongs to this invocation, or to one that may have begun
        meanwhile, unless this is the last."""
        self.journal, self.held = journal, not last
        if last:
            self.release()

    def release(self) -> None:
        """What is there belongs to the present invocation."""
        self.held = False
        if self._deaf and self.descriptor >= 0:
            self._deaf = False
            self._loop.add_reader(self.descriptor, self.drain)

    def finish(self) -> None:
        """End the invocation, with all that it printed."""
        self.drain()
        rest = self.rest()
        if rest:
            self._line(rest)
        self.journal = None

    def rest(self) -> bytes:
        """The line that has no end yet, such as a prompt; it is then no longer kept."""
        rest, self._rest = self._rest, b""
        return rest

    def drain(self) -> None:
        """Read all there is, unless it is held."""
        if self.held:
            if not self._deaf and self.descriptor >= 0:
                self._deaf = self._loop.remove_reader(self.descriptor)
            return
        while self.descriptor >= 0:
            try:
                data = os.read(self.descriptor, READ)
            except BlockingIOError:
                return
            if not data:
                self.close()
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                self._line(line)
            if len(self._rest) > LINE_LIMIT:
                self._line(self.rest())

    def _line(self, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r").replace("\r", "\n")
        journal = self.journal
        if journal is not None:
            journal.add(text)
        elif self.stream is not None:
            keep_loose(self.stream, text)
        if self.recorded is not None and self.stream is not None:
            self.recorded(self.stream, text)
        request_id = journal.request_id if journal is not None else ""
        for part in text.split("\n"):
            self.on_line(self.function, request_id, part)

    def close(self) -> None:
        """Stop reading; a process that still writes there is told so by the system."""
        if self.descriptor >= 0:
            self._loop.remove_reader(self.descriptor)
            os.close(self.descriptor)
            self.descriptor = -1
