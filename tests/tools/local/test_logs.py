"""Lambda's log on the terminal."""

from __future__ import annotations

import io
import json
from typing import Any

from eventfw.tools.local.logs import JSON, LAMBDA, TerminalLog
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.journal import Journal, Stream
from eventfw.tools.local.workers.oversight import Oversight


def shown(mode: str, stream: Stream) -> list[str]:
    """What an invocation in a new environment shows."""
    terminal = io.StringIO()
    oversight = Oversight()
    TerminalLog(Terminal(terminal), mode).watch(oversight)
    assert oversight.launched is not None
    assert oversight.recorded is not None
    assert oversight.begun is not None
    assert oversight.ended is not None
    oversight.launched(stream)
    stream.init_ms = 5.0
    journal = Journal(stream, "r")
    oversight.begun(journal)
    oversight.on_line(stream.function, "r", "two")
    oversight.recorded(stream, "two\nlines")
    journal.close(1.0, "", "")
    oversight.ended(journal)
    oversight.on_line("", "", "the zygote's")
    return terminal.getvalue().splitlines()


def test_the_log_is_shown_as_lambda_writes_it() -> None:
    lines = [line.partition(" | ")[2] for line in shown(LAMBDA, Stream("order"))]
    assert [line.split()[0] for line in lines] == ["INIT_START", "START", "two", "lines", "END", "REPORT", "the"]
    assert shown(LAMBDA, Stream("order"))[1] == "       order | START RequestId: r Version: $LATEST"


def test_as_json_each_line_is_an_event_of_the_telemetry_api() -> None:
    *lines, zygote = shown(JSON, Stream("order"))
    events: list[dict[str, Any]] = [json.loads(line) for line in lines]
    kinds = ["platform.initStart", "platform.start", "function", "platform.report"]
    assert [event["type"] for event in events] == kinds
    assert {event["function"] for event in events} == {"order"}
    assert events[2]["record"] == "two\nlines"
    assert zygote.endswith("the zygote's")


def test_levels_hold_on_the_terminal_too() -> None:
    quiet = Stream("order", format="JSON", application_level="ERROR", system_level="WARN")
    assert len(shown(LAMBDA, quiet)) == 1
    loud = Stream("order", format="JSON", system_level="DEBUG")
    kinds = [json.loads(line).get("type", "") for line in shown(JSON, loud)[:-1]]
    assert "platform.initReport" in kinds
