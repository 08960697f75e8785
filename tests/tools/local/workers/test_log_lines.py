"""Lambda's log lines, from what an invocation came to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eventfw.tools.local.workers.journal import KEPT, Journal, Stream, keep_loose, stream_name
from eventfw.tools.local.workers.log_lines import level_of, report, tail, telemetry, written

BEGAN = 1_764_150_896.0464  # 2025-11-26T09:54:56.046Z


def journal(*lines: str, init_ms: float = 0.0, **settings: Any) -> Journal:
    stream = Stream("order", memory=128, began=BEGAN, init_ms=init_ms, warm=not init_ms, **settings)
    made = Journal(stream, "r-1")
    made.began = BEGAN
    for line in lines:
        made.add(line)
    return made


def closed(made: Journal, error_type: str = "", reported: str = "", *, milliseconds: float = 21.005) -> Journal:
    made.peak = 36 * 1024 * 1024 - 5
    made.close(milliseconds, error_type, reported or error_type)
    return made


def texts(made: Journal) -> list[str]:
    return [text for _, text in written(made)]


def records(made: Journal) -> list[Any]:
    return [json.loads(text) for text in texts(made)]


def test_an_invocation_stands_between_start_and_report() -> None:
    assert tail(closed(journal("one", "two\nlines"))) == (
        "START RequestId: r-1 Version: $LATEST\n"
        "one\n"
        "two\nlines\n"
        "END RequestId: r-1\n"
        "REPORT RequestId: r-1\tDuration: 21.00 ms\tBilled Duration: 22 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\t\n"
    )


def test_a_cold_start_is_told_and_billed_once() -> None:
    cold = journal(init_ms=100.5)
    assert texts(closed(cold))[0].startswith("INIT_START Runtime Version: python:3.")
    assert report(cold).endswith("\tInit Duration: 100.50 ms\t")
    assert "Billed Duration: 122 ms" in report(cold)
    again = closed(Journal(cold.stream, "r-2"))
    assert texts(again)[0] == "START RequestId: r-2 Version: $LATEST"
    assert "Init Duration" not in report(again)


@pytest.mark.parametrize(
    ("error_type", "reported", "ending"),
    [
        ("KeyError", "KeyError", "Max Memory Used: 36 MB\t"),
        ("Runtime.ExitError", "Runtime.OutOfMemory", "\tStatus: error\tError Type: Runtime.OutOfMemory\t"),
        ("Sandbox.Timedout", "Sandbox.Timedout", "\tStatus: timeout\t"),
    ],
)
def test_the_report_names_what_lambda_itself_ended(error_type: str, reported: str, ending: str) -> None:
    assert report(closed(journal(), error_type, reported)).endswith(ending)


def test_a_timeout_has_its_line() -> None:
    made = journal()
    made.last_words = ("2025-11-26T09:54:59.046Z r-1 Task timed out after 3.00 seconds\n",)
    assert "Task timed out after 3.00 seconds\n\nEND RequestId: r-1\n" in tail(closed(made, "Sandbox.Timedout"))


def test_more_memory_than_the_function_has_is_never_reported() -> None:
    made = closed(journal())
    made.peak = 500 * 1024 * 1024
    assert "Max Memory Used: 128 MB" in report(made)


def test_what_was_printed_between_events_comes_with_the_next() -> None:
    made = journal()
    keep_loose(made.stream, "late")
    following = Journal(made.stream, "r-2")
    assert texts(following)[:2] == ["late", "START RequestId: r-2 Version: $LATEST"]
    assert not made.stream.loose


def test_in_json_platform_records_surround_the_functions_lines() -> None:
    start, own, told = records(closed(journal('{"level":"INFO","message":"x"}', format="JSON")))
    assert start == {
        "time": "2025-11-26T09:54:56.046Z",
        "type": "platform.start",
        "record": {"requestId": "r-1", "version": "$LATEST"},
    }
    assert own["message"] == "x"
    assert told == {
        "time": "2025-11-26T09:54:56.067Z",
        "type": "platform.report",
        "record": {
            "requestId": "r-1",
            "metrics": {"durationMs": 21.005, "billedDurationMs": 22, "memorySizeMB": 128, "maxMemoryUsedMB": 36},
            "status": "success",
        },
    }


def test_in_json_levels_are_obeyed() -> None:
    lines = ['{"level":"DEBUG","a":1}', '{"level":"warning","a":2}', "plain", '{"level":"ERROR","a":3}', "{torn"]
    quiet = closed(journal(*lines, format="JSON", application_level="WARN", system_level="WARN", init_ms=5.0))
    assert texts(quiet) == [lines[1], lines[3]]
    failed = closed(journal(format="JSON", system_level="WARN"), "KeyError")
    assert [record["type"] for record in records(failed)] == ["platform.runtimeDone", "platform.report"]
    assert records(failed)[1]["record"]["errorType"] == "KeyError"
    loud = records(closed(journal(format="JSON", system_level="DEBUG", init_ms=5.0)))
    assert [record["type"].removeprefix("platform.") for record in loud] == [
        "initStart", "initRuntimeDone", "initReport", "start", "runtimeDone", "report",
    ]  # fmt: skip


def test_a_line_without_a_level_counts_as_info() -> None:
    assert level_of("plain") == level_of('{"level": 7}') == level_of('{"level": "odd"}') == level_of('{"a": 1}')


def test_telemetry_has_every_line_as_an_event() -> None:
    made = closed(journal("plain", format="JSON"))
    start, own, _ = map(json.loads, telemetry("order", written(made)))
    assert (start["type"], start["function"]) == ("platform.start", "order")
    assert (own["type"], own["record"], own["function"]) == ("function", "plain", "order")


def test_of_very_much_output_the_last_is_kept() -> None:
    made = journal(*("x" * 1023 for _ in range(1100)))
    assert made.lines is not None
    assert len(made.lines) == KEPT // 1024


def test_stream_names_are_aws_s() -> None:
    name = stream_name(BEGAN)
    assert name.startswith("2025/11/26/[$LATEST]")
    assert len(name) == len("2025/11/26/[$LATEST]") + 32
    assert name != stream_name(BEGAN)
