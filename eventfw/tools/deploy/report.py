"""Progress as people read it: finished lines stay, running ones are redrawn in place on a terminal.

Without a terminal every change is a plain line. Colours need a terminal and no ``NO_COLOR`` (https://no-color.org).
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Literal, Protocol, TextIO

State = Literal["running", "done", "failed"]
Style = Literal["plain", "good", "bad", "warn", "dim", "strong"]

_CODES: dict[Style, str] = {"plain": "", "good": "32", "bad": "31", "warn": "33", "dim": "2", "strong": "1"}
_STATE_STYLES: dict[State, Style] = {"running": "dim", "done": "good", "failed": "bad"}


class Reporter(Protocol):
    """What a deployment tells while it works."""

    def note(self, text: str, style: Style = "plain") -> None:
        """Say one thing that stays."""

    def step(self, key: str, text: str, state: State) -> None:
        """Say how the thing called ``key`` moves: it is running until a later step says done or failed."""


class Silent:
    """Tells nothing: for a deployment whose caller reads the outcome alone."""

    def note(self, text: str, style: Style = "plain") -> None:
        pass

    def step(self, key: str, text: str, state: State) -> None:
        pass


class Console:
    """Writes to a text stream; ``live`` redraws running steps in place, which needs a terminal."""

    def __init__(self, stream: TextIO | None = None, *, live: bool | None = None, colour: bool | None = None) -> None:
        self._stream = stream if stream is not None else sys.stdout
        terminal = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._live = terminal if live is None else live
        self._colour = terminal and not os.environ.get("NO_COLOR") if colour is None else colour
        self._running: dict[str, str] = {}
        self._drawn = 0

    def note(self, text: str, style: Style = "plain") -> None:
        self._print(text, style)

    def step(self, key: str, text: str, state: State) -> None:
        if not self._live:
            self._print(text, _STATE_STYLES[state])
        elif state == "running":
            self._running[key] = text
            self._erase()
            self._draw()
        else:
            self._running.pop(key, None)
            self._print(text, _STATE_STYLES[state])

    def close(self) -> None:
        """Leave the terminal clean: what still ran is forgotten."""
        self._erase()
        self._running.clear()
        self._stream.flush()

    def _print(self, text: str, style: Style) -> None:
        self._erase()
        self._stream.write(self._styled(text, style) + "\n")
        self._draw()

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write(f"\x1b[{self._drawn}F\x1b[J")
            self._drawn = 0

    def _draw(self) -> None:
        columns, lines = shutil.get_terminal_size()
        shown = list(self._running.values())[-max(lines - 2, 1) :]
        for text in shown:
            self._stream.write(self._styled(text[: columns - 1], "dim") + "\n")
        self._drawn = len(shown)
        self._stream.flush()

    def _styled(self, text: str, style: Style) -> str:
        code = _CODES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text
