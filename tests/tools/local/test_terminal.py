"""What the server says, line by line."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable

import pytest

from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.asgi import Exchange
from eventfw.tools.local.workers.journal import Journal, Stream
from eventfw.tools.local.workers.results import Result


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def said(stream: io.StringIO) -> str:
    return re.sub(r"^\d\d:\d\d:\d\d", "TIME", stream.getvalue(), flags=re.MULTILINE)


def test_a_request_is_a_line_with_what_ran_and_what_was_wrong() -> None:
    stream = io.StringIO()
    Terminal(stream).exchange(Exchange("GET", "/a?b", 500, "api", 0.0042, "api failed: KeyError: 'x'"))
    assert said(stream) == "TIME GET /a?b 500  api 4.2 ms\n         api failed: KeyError: 'x'\n"


def test_a_request_to_a_cache_says_how_that_went() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.exchange(Exchange("GET", "/", 200, "", 0.0042, cache="Hit"))
    terminal.exchange(Exchange("GET", "/", 200, "secure", 0.0042, cache="Miss"))
    assert said(stream) == "TIME GET / 200  Hit 4.2 ms\nTIME GET / 200  secure Miss 4.2 ms\n"


def test_lines_say_what_a_function_took_of_memory_and_of_a_cold_start() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    cold = Journal(Stream("api", init_ms=97.4), "r")
    cold.peak = 40 * 1024 * 1024 + 1
    spent = Result(b"{}", journal=cold)
    terminal.exchange(Exchange("GET", "/", 200, "api", 0.0042, outcome=spent))
    terminal.invocation("sqs", "order", False, b"null", 12.3, spent=spent)
    assert said(stream) == "TIME GET / 200  api 4.2 ms 41 MB cold 97 ms\nTIME sqs -> order ok 12 ms 41 MB cold 97 ms\n"


def test_an_invocation_is_a_line_with_its_outcome() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    terminal.invocation("sqs", "order", False, b"null", 12.3, ["1 of 2 messages will come again at 10:00:00"])
    terminal.invocation("s3", "thumbnail", True, b'{"errorType": "KeyError", "errorMessage": "x"}', 1.0, ["again"])
    terminal.invocation("invoke", "odd", True, b"no json", 1.0)
    assert said(stream).splitlines() == [
        "TIME sqs -> order ok 12 ms",
        "         1 of 2 messages will come again at 10:00:00",
        "TIME s3 -> thumbnail failed 1.0 ms",
        "         KeyError: x",
        "         again",
        "TIME invoke -> odd failed 1.0 ms",
        "         no json",
    ]


def test_colours_are_for_terminals_without_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured, plain = Screen(), Screen()
    Terminal(coloured).problem("no")
    assert "\x1b[" in coloured.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    Terminal(plain).problem("no")
    assert plain.getvalue() == "error: no\n"


def test_lines_of_several_threads_stay_whole() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    line = "x" * 1000
    threads = [threading.Thread(target=lambda: [terminal.line(line) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(stream.getvalue().splitlines()) == {line}


def test_without_a_stream_or_a_reader_it_says_nothing() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    Terminal(None).line("x")
    terminal = Terminal(Gone())
    terminal.line("x")
    terminal.line("y")


def test_what_the_streams_encoding_lacks_is_still_said() -> None:
    raw = io.BytesIO()
    terminal = Terminal(io.TextIOWrapper(raw, encoding="ascii"))
    terminal.output("api", "größe ✓")
    terminal.invocation("invoke", "api", True, b'{"errorMessage": "half a pair: \\ud800"}', 1.0)
    assert b"gr\\xf6\\xdfe \\u2713" in raw.getvalue()
    assert b"\\ud800" in raw.getvalue()


def test_lines_of_requests_are_written_together_but_before_any_other_line_and_none_is_lost() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)
    due: list[tuple[float, Callable[[], None]]] = []
    terminal.later = lambda seconds, call: due.append((seconds, call))
    terminal.exchange(Exchange("GET", "/a", 200, "api", 0.001))
    terminal.exchange(Exchange("GET", "/b", 404, "", 0.0))
    assert stream.getvalue() == "" and len(due) == 1
    terminal.output("api", "printed")
    assert said(stream).splitlines() == [
        "TIME GET /a 200  api 1.0 ms",
        "TIME GET /b 404 0.0 ms",
        "         api | printed",
    ]
    terminal.exchange(Exchange("GET", "/c", 200, "api", 0.001))
    assert len(due) == 2 and "/c" not in stream.getvalue()
    due[1][1]()
    terminal.exchange(Exchange("GET", "/d", 200, "api", 0.001))
    terminal.flush()
    due[2][1]()
    assert [line.split()[2] for line in said(stream).splitlines()[3:]] == ["/c", "/d"]
