"""What the local server says: a line for each request and invocation, the functions' own output, and news."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

if TYPE_CHECKING:
    from eventfw.tools.local.web.asgi import Exchange


CLEARED = "\r\x1b[K"  # the beginning of the line, and nothing on it


class Terminal:
    """Writes whole lines to one stream, from any thread; in colour on a terminal, unless NO_COLOR is set.

    Where there is no stream, or nobody reads it any longer, it says nothing: the server goes on without.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.colour = stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()
        self._prompt = ""

    def line(self, text: str = "") -> None:
        """One line, as it is."""
        shown = text if self.colour else click.unstyle(text)
        with self._lock:
            if self.stream is None:
                return
            try:
                before, after = (CLEARED, self._prompt) if self._prompt else ("", "")
                self.stream.write(before + printable(shown, self.stream.encoding or "utf-8") + "\n" + after)
                self.stream.flush()
            except OSError:
                self.stream = None

    def ask(self, function: str, prompt: str) -> None:
        """Show a prompt of a function's, to which a line is typed. Lines that come meanwhile stand above it."""
        shown = f"{click.style(f'{function:>12} |', fg='cyan')} {prompt}"
        self._prompt = shown if self.colour else click.unstyle(shown)
        with self._lock:
            if self.stream is not None:
                self.stream.write(printable(self._prompt, self.stream.encoding or "utf-8"))
                self.stream.flush()

    def asked(self) -> None:
        """The line has been typed."""
        self._prompt = ""

    def note(self, text: str) -> None:
        """Something went as it should."""
        self.line(click.style(text, dim=True))

    def good(self, text: str) -> None:
        """Something the user waited for."""
        self.line(click.style(text, fg="green"))

    def problem(self, text: str) -> None:
        """Something the user should mend."""
        self.line(f"{click.style('error:', fg='red', bold=True)} {text}")

    def output(self, function: str, text: str) -> None:
        """A line that a function printed or logged."""
        self.line(f"{click.style(f'{function:>12} |', fg='cyan')} {text}")

    def exchange(self, exchange: Exchange) -> None:
        """A request that was answered."""
        colour = "green" if exchange.status < 400 else "yellow" if exchange.status < 500 else "red"
        status = click.style(str(exchange.status), fg=colour)
        who = f"  {exchange.function}" if exchange.function else ""
        spent = cost(exchange.seconds * 1000, exchange.outcome)
        self.line(f"{now()} {exchange.method} {exchange.target} {status}{who} {spent}")
        if exchange.problem:
            self.line(f"         {click.style(exchange.problem, fg='yellow')}")

    def invocation(
        self,
        source: str,
        function: str,
        error: bool,
        payload: bytes,
        duration_ms: float,
        notes: Iterable[str] = (),
        spent: Spent | None = None,
    ) -> None:
        """An invocation that did not come over HTTP. ``notes`` say what follows from it."""
        outcome = click.style("failed", fg="red") if error else click.style("ok", fg="green")
        self.line(f"{now()} {source} -> {function} {outcome} {cost(duration_ms, spent)}")
        if error:
            notes = [failure(payload), *notes]
        for note in notes:
            self.line(f"         {click.style(note, fg='yellow')}")


def printable(text: str, encoding: str) -> str:
    """The text, with what the encoding lacks (or is no character, such as half of a surrogate pair) escaped."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def now() -> str:
    """The time of day, as lines begin."""
    return datetime.now().strftime("%H:%M:%S")


def milliseconds(duration: float) -> str:
    """A duration people can read."""
    return click.style(f"{duration:.0f} ms" if duration >= 10 else f"{duration:.1f} ms", dim=True)


class Spent(Protocol):
    """What an invocation's environment took: MB of memory, and the milliseconds of a cold start; 0 is not known."""

    @property
    def memory_used(self) -> int: ...

    @property
    def init_ms(self) -> float: ...


def cost(duration_ms: float, spent: Spent | None) -> str:
    """What an invocation took, in a few words."""
    words = milliseconds(duration_ms)
    if spent is not None and spent.memory_used:
        words += click.style(f" {spent.memory_used} MB", dim=True)
    if spent is not None and spent.init_ms:
        words += click.style(f" cold {spent.init_ms:.0f} ms", dim=True)
    return words


def failure(payload: bytes) -> str:
    """Lambda's error payload in a line."""
    data = parsed(payload)
    if isinstance(data, dict) and "errorMessage" in data:
        kind = data.get("errorType")
        return f"{kind}: {data['errorMessage']}" if kind else str(data["errorMessage"])
    return payload[:500].decode(errors="replace")


def parsed(payload: bytes) -> Any:
    """The payload read as JSON; ``None`` where it is not."""
    try:
        return json.loads(payload)
    except ValueError:
        return None
