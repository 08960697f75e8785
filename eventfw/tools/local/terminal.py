"""What the local server says: a line for each request and invocation, the functions' own output, and news."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import click

if TYPE_CHECKING:
    from eventfw.tools.local.web.asgi import Exchange


MOMENT = 0.05  # seconds that the line of a request may wait
CLEARED = "\r\x1b[K"  # the beginning of the line, and nothing on it


class Terminal:
    """Writes whole lines to one stream, from any thread; in colour on a terminal, unless NO_COLOR is set.

    Where there is no stream, or nobody reads it any longer, it says nothing: the server goes on without. ``later`` is
    the loop's ``call_later``, once there is a loop: the lines of requests are then written together, a moment later or
    before the next line of another kind, and :meth:`flush` is due at the end.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream
        self.colour = stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")
        self.later: Callable[[float, Callable[[], None]], Any] | None = None
        self._lock = threading.Lock()
        self._prompt = ""
        self._exchanges: list[tuple[float, Exchange]] = []  # not yet written, and when they were

    def line(self, text: str = "") -> None:
        """One line, as it is."""
        with self._lock:
            self._write([text])

    def flush(self) -> None:
        """Write what was kept for later."""
        with self._lock:
            self._write([])

    def _write(self, lines: list[str]) -> None:
        exchanges, self._exchanges = self._exchanges, []
        if self.stream is None or not (lines or exchanges):
            return
        before = [line for moment, exchange in exchanges for line in self._told(moment, exchange)]
        text = "\n".join([*before, *lines]) + "\n"
        if not self.colour and "\x1b" in text:
            text = click.unstyle(text)
        if self._prompt:
            text = f"{CLEARED}{text}{self._prompt}"
        try:
            self.stream.write(printable(text, self.stream.encoding or "utf-8"))
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
        with self._lock:
            self._exchanges.append((time.time(), exchange))
            if self.later is None:
                self._write([])
            elif len(self._exchanges) == 1:
                self.later(MOMENT, self.flush)

    def _told(self, moment: float, exchange: Exchange) -> Iterator[str]:
        style = click.style if self.colour else unstyled
        colour = "green" if exchange.status < 400 else "yellow" if exchange.status < 500 else "red"
        status = style(str(exchange.status), fg=colour)
        by = " ".join(filter(None, (exchange.function, exchange.cache)))
        who = f"  {by}" if by else ""
        spent = cost(exchange.seconds * 1000, exchange.outcome, style)
        yield f"{clock_time(int(moment))} {exchange.method} {exchange.target} {status}{who} {spent}"
        if exchange.problem:
            yield f"         {style(exchange.problem, fg='yellow')}"

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


def unstyled(text: str, **style: object) -> str:
    """For ``click.style``, where there are no colours."""
    return text


def now() -> str:
    """The time of day, as lines begin."""
    return clock_time(int(time.time()))


@lru_cache(maxsize=4)
def clock_time(second: int) -> str:
    """The time of day of a second since 1970."""
    return datetime.fromtimestamp(second).strftime("%H:%M:%S")


def milliseconds(duration: float, style: Callable[..., str] = click.style) -> str:
    """A duration people can read."""
    return style(f"{duration:.0f} ms" if duration >= 10 else f"{duration:.1f} ms", dim=True)


class Spent(Protocol):
    """What an invocation's environment took: MB of memory, and the milliseconds of a cold start; 0 is not known."""

    @property
    def memory_used(self) -> int: ...

    @property
    def init_ms(self) -> float: ...


def cost(duration_ms: float, spent: Spent | None, style: Callable[..., str] = click.style) -> str:
    """What an invocation took, in a few words."""
    words = milliseconds(duration_ms, style)
    if spent is not None and spent.memory_used:
        words += style(f" {spent.memory_used} MB", dim=True)
    if spent is not None and spent.init_ms:
        words += style(f" cold {spent.init_ms:.0f} ms", dim=True)
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
