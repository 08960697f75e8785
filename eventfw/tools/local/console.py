"""The terminal's keyboard, lent to one debugger at a time: breakpoints in handlers ask for lines through it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from eventfw.tools.local.terminal import Terminal
    from eventfw.tools.local.workers.handle import Worker

LINE = 4096  # bytes: the most that a terminal gives for one line
HANDOVER = 1.0  # seconds without another question until the next breakpoint has its turn
NOBODY = "there is no terminal to ask at."

Answer = Callable[[bytes, str], None]
"""Given the line (empty at the input's end), and why there is none, or ``""``."""


@dataclass
class Question:
    """A debugger's prompt, and who waits for the line."""

    worker: Worker
    prompt: str
    answer: Answer


class Console:
    """Asks at the terminal, if the server has one to itself.

    The worker that was answered keeps the terminal until its event has ended, or until it has asked nothing for a
    second: another's breakpoint then has its turn. Ctrl-C is the server's, as ever.
    """

    def __init__(self, terminal: Terminal, keyboard: TextIO | None = None) -> None:
        self.terminal = terminal
        self.keyboard = keyboard if keyboard is not None else sys.stdin
        self.owner: Worker | None = None
        self._shown: Question | None = None
        self._waiting: deque[Question] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def usable(self) -> bool:
        """Whether somebody sits there: a terminal on both ends, and the server in its foreground."""
        stream = self.terminal.stream
        try:
            return (
                self.keyboard is not None
                and self.keyboard.isatty()
                and stream is not None
                and stream.isatty()
                and os.tcgetpgrp(self.keyboard.fileno()) == os.getpgrp()
            )
        except (OSError, ValueError):  # closed
            return False

    @property
    def busy(self) -> bool:
        """Whether a debugger is at its prompt, or waits for its turn."""
        return self._shown is not None or bool(self._waiting)

    def ask(self, worker: Worker, prompt: str, answer: Answer) -> None:
        """Have a line typed. ``answer`` is told it."""
        if not self.usable:
            answer(b"", NOBODY)
            return
        question = Question(worker, prompt, answer)
        if self.owner is None:
            self.owner = worker
            self._forget_typed()
            self.terminal.note(f"{worker.function} is at a breakpoint. Its timeout waits; c goes on.")
        if self.owner is worker:
            self._show(question)
        else:
            self._waiting.append(question)
            self.terminal.note(f"{worker.function} is at a breakpoint, too, and waits for its turn.")

    def leave(self, worker: Worker) -> None:
        """A worker's event has ended, or it has itself."""
        self._waiting = deque(question for question in self._waiting if question.worker is not worker)
        if self.owner is worker:
            self._hand_over()

    def close(self) -> None:
        """Ask nothing more: to whom waits, the input has ended, so that nobody waits for a debugger."""
        shown, waiting = self._hide(), list(self._waiting)
        self._waiting.clear()
        self._hand_over()
        for question in [shown, *waiting] if shown is not None else waiting:
            question.answer(b"", "")

    def _show(self, question: Question) -> None:
        self._stop_timer()
        self._shown = question
        self.terminal.ask(question.worker.function, question.prompt)
        asyncio.get_running_loop().add_reader(self.keyboard.fileno(), self._typed)

    def _forget_typed(self) -> None:
        """Let go what was typed while nobody asked: an Enter between two requests is no answer to a breakpoint."""
        if sys.platform != "win32":
            import termios

            termios.tcflush(self.keyboard.fileno(), termios.TCIFLUSH)

    def _typed(self) -> None:
        try:
            line = os.read(self.keyboard.fileno(), LINE)
        except OSError:  # the terminal was closed
            line = b""
        question = self._hide()
        if question is not None:
            self._timer = asyncio.get_running_loop().call_later(HANDOVER, self._yield)
            question.answer(line, "")

    def _hide(self) -> Question | None:
        question, self._shown = self._shown, None
        if question is not None:
            asyncio.get_running_loop().remove_reader(self.keyboard.fileno())
            self.terminal.asked()
        return question

    def _yield(self) -> None:
        """The owner goes on with its work: whoever waits is next."""
        if self._waiting:
            self._hand_over()

    def _hand_over(self) -> None:
        self._stop_timer()
        self._hide()
        self.owner = None
        if self._waiting:
            question = self._waiting.popleft()
            self.ask(question.worker, question.prompt, question.answer)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
