"""What the terminal shows of functions' logs: their own lines, or all that Lambda writes, as text or as JSON."""

from __future__ import annotations

import time
from collections.abc import Iterable

from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers import log_lines
from eventfw.tools.local.workers.journal import Journal, Line, Stream
from eventfw.tools.local.workers.oversight import Oversight

BRIEF, LAMBDA, JSON = ("brief", "lambda", "json")


class TerminalLog:
    """Writes Lambda's log to the terminal as it comes about: ``lambda`` as CloudWatch Logs has it, ``json`` as events
    of the Telemetry API with the function's name, whatever the function's own format."""

    def __init__(self, terminal: Terminal, mode: str) -> None:
        self.terminal = terminal
        self.json = mode == JSON

    def watch(self, oversight: Oversight) -> None:
        """Be told of everything."""
        oversight.on_line = self._of_the_zygote
        oversight.launched = self.launched
        oversight.recorded = self.recorded
        oversight.begun = self.begun
        oversight.ended = self.ended

    def launched(self, stream: Stream) -> None:
        """An environment is being started."""
        self._write(stream, (log_lines.init_records if self.json else log_lines.init_lines)(stream))

    def recorded(self, stream: Stream, text: str) -> None:
        """A function has printed or logged something."""
        self._write(stream, log_lines.function_lines(stream, [(time.time(), text)]))

    def begun(self, journal: Journal) -> None:
        """An invocation begins."""
        if journal.init_ms or journal.stream.failed:
            self._write(journal.stream, log_lines.ready_lines(journal.stream))
        self._write(journal.stream, (log_lines.start_records if self.json else log_lines.start_lines)(journal))

    def ended(self, journal: Journal) -> None:
        """An invocation has ended."""
        self._write(journal.stream, (log_lines.closing_records if self.json else log_lines.closing)(journal))

    def _of_the_zygote(self, function: str, request_id: str, line: str) -> None:
        """What no function has said is shown as it is."""
        if not function:
            self.terminal.output(function, line)

    def _write(self, stream: Stream, lines: Iterable[Line]) -> None:
        if self.json:
            for event in log_lines.telemetry(stream.function, lines):
                self.terminal.line(event)
            return
        for _, text in lines:
            for part in text.split("\n"):
                self.terminal.output(stream.function, part)
