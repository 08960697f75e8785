"""Progress is redrawn in place on a terminal and is plain lines elsewhere."""

from __future__ import annotations

import io

import pytest

from eventfw.tools.deploy.report import Console


def test_without_a_terminal_every_step_is_a_plain_line() -> None:
    stream = io.StringIO()
    console = Console(stream)
    console.step("q", "creating q", "running")
    console.note("beside", "bad")
    console.step("q", "created q", "done")
    assert stream.getvalue() == "creating q\nbeside\ncreated q\n"


def test_on_a_terminal_running_steps_stay_below_and_finished_ones_are_printed_once() -> None:
    stream = io.StringIO()
    console = Console(stream, live=True, colour=False)
    console.step("q", "creating q", "running")
    console.step("b", "creating b", "running")
    console.step("q", "created q", "done")
    assert screen(stream.getvalue()) == ["created q", "creating b"]
    console.step("b", "created b", "done")
    console.close()
    assert screen(stream.getvalue()) == ["created q", "created b"]


def test_colour_is_only_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = Terminal()
    Console(coloured).note("bad", "bad")
    monkeypatch.setenv("NO_COLOR", "1")
    plain = Terminal()
    Console(plain).note("bad", "bad")
    assert (coloured.getvalue(), plain.getvalue()) == ("\x1b[31mbad\x1b[0m\n", "bad\n")


def screen(written: str) -> list[str]:
    """What a terminal shows of it: the only codes are 'up N lines' and 'clear to the end'."""
    lines: list[str] = []
    for part in written.replace("\x1b[J", "").split("\x1b["):
        count, up, rest = part.partition("F")
        if up and count.isdigit():
            del lines[-int(count) :]
            part = rest
        lines += part.splitlines()
    return lines
