"""The terminal's keyboard between breakpoints."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from eventfw.tools.local import console as module
from eventfw.tools.local.console import NOBODY, Console
from eventfw.tools.local.terminal import Terminal


class FakeWorker:
    def __init__(self, function: str) -> None:
        self.function = function


class Desk:
    """A console at a pseudo-terminal, and what was answered to whom."""

    def __init__(self) -> None:
        self.hand, self.end = os.openpty()
        self.keyboard = os.fdopen(self.end, "r+b", buffering=0)
        self.console = Console(Terminal(cast(Any, self)), cast(Any, self.keyboard))
        self.written = ""
        self.encoding = "utf-8"
        self.answers: list[tuple[str, bytes, str]] = []
        self.first, self.second = FakeWorker("first"), FakeWorker("second")

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.written += text

    def flush(self) -> None:
        return

    def ask(self, worker: FakeWorker, prompt: str = "(Pdb) ") -> None:
        def answer(line: bytes, refused: str) -> None:
            self.answers.append((worker.function, line, refused))

        self.console.ask(cast(Any, worker), prompt, answer)

    async def typed(self, text: str) -> None:
        before = len(self.answers)
        os.write(self.hand, text.encode())
        async with asyncio.timeout(10):
            while len(self.answers) == before:  # noqa: ASYNC110 - the system brings the line
                await asyncio.sleep(0.001)

    def close(self) -> None:
        self.console.close()
        self.keyboard.close()
        os.close(self.hand)


def at_desk(test: Callable[[Desk], Awaitable[None]]) -> Desk:
    async def main() -> Desk:
        desk = Desk()
        try:
            await test(desk)
        finally:
            desk.close()
        return desk

    return asyncio.run(main())


@pytest.fixture(autouse=True)
def foreground(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp())
    monkeypatch.setenv("NO_COLOR", "1")


def test_a_prompt_is_shown_at_once_and_the_line_goes_to_who_asked() -> None:
    async def test(desk: Desk) -> None:
        desk.ask(desk.first)
        assert desk.written.endswith("first | (Pdb) ")
        assert desk.console.busy
        await desk.typed("p 1\n")
        assert not desk.console.busy

    assert at_desk(test).answers == [("first", b"p 1\n", "")]


def test_what_was_typed_before_the_breakpoint_is_no_answer_to_it() -> None:
    async def test(desk: Desk) -> None:
        os.write(desk.hand, b"c\n")
        desk.ask(desk.first)
        await desk.typed("p 1\nn\n")
        desk.ask(desk.first)
        await desk.typed("")

    assert at_desk(test).answers == [("first", b"p 1\n", ""), ("first", b"n\n", "")]


def test_lines_that_come_meanwhile_stand_above_the_prompt() -> None:
    async def test(desk: Desk) -> None:
        desk.ask(desk.first)
        desk.console.terminal.output("other", "works")
        assert desk.written.endswith("\r\x1b[K       other | works\n       first | (Pdb) ")

    at_desk(test)


def test_a_second_breakpoint_waits_until_the_event_of_the_first_is_over() -> None:
    async def test(desk: Desk) -> None:
        desk.ask(desk.first)
        desk.ask(desk.second, "(second) ")
        await desk.typed("n\n")
        desk.ask(desk.first)
        await desk.typed("c\n")
        assert "(second)" not in desk.written
        desk.console.leave(cast(Any, desk.first))
        assert desk.written.endswith("second | (second) ")
        await desk.typed("q\n")

    assert [name for name, _, _ in at_desk(test).answers] == ["first", "first", "second"]


def test_a_breakpoint_that_went_on_to_work_lets_the_next_have_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANDOVER", 0.01)

    async def test(desk: Desk) -> None:
        desk.ask(desk.first)
        desk.ask(desk.second)
        await desk.typed("c\n")
        async with asyncio.timeout(10):
            while not desk.written.endswith("second | (Pdb) "):  # noqa: ASYNC110 - its turn comes a moment later
                await asyncio.sleep(0.001)
        await desk.typed("later\n")

    assert [name for name, _, _ in at_desk(test).answers] == ["first", "second"]


def test_who_ends_while_waiting_is_asked_nothing() -> None:
    async def test(desk: Desk) -> None:
        desk.ask(desk.first)
        desk.ask(desk.second)
        desk.console.leave(cast(Any, desk.second))
        desk.console.leave(cast(Any, desk.first))
        assert not desk.console.busy

    assert at_desk(test).answers == []


def test_in_the_end_the_input_ends_for_whoever_waits() -> None:
    async def test(desk: Desk) -> None:
        desk.ask(desk.first)
        desk.ask(desk.second)

    assert at_desk(test).answers == [("first", b"", ""), ("second", b"", "")]


def test_in_the_background_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: 0)

    async def test(desk: Desk) -> None:
        desk.ask(desk.first)

    assert at_desk(test).answers == [("first", b"", NOBODY)]
