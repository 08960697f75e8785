"""The lines of Lambda's log, text and JSON, made from an invocation's :class:`~.journal.Journal`.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from eventfw.tools.local.workers.journal import Journal, Line, Stream

LEVELS = {"TRACE": 0, "DEBUG": 1, "INFO": 2, "WARN": 3, "WARNING": 3, "ERROR": 4, "FATAL": 5, "CRITICAL": 5}


def written(journal: Journal) -> list[Line]:
    """Everything that the log stream has of an invocation, the start of a cold environment included."""
    return [*opening(journal), *(function_lines(journal.stream, journal.lines or ())), *closing(journal)]


def opening(journal: Journal) -> list[Line]:
    """What stands before the function's own lines: INIT_START, what was printed between events, START."""
    stream = journal.stream
    lines = [*init_lines(stream), *ready_lines(stream)] if journal.init_ms or stream.failed else []
    lines += function_lines(stream, journal.before)
    lines += start_lines(journal)
    return lines


def closing(journal: Journal) -> list[Line]:
    """What stands after the function's own lines: why it was ended, END, REPORT."""
    ended = journal.ended
    if journal.stream.format == "JSON":
        return list(closing_records(journal))
    words = [(ended, line) for line in journal.last_words]
    return [*words, (ended, f"END RequestId: {journal.request_id}"), (ended, report(journal))]


def tail(journal: Journal) -> str:
    """What Invoke gives back of the log: from START on."""
    lines = [*start_lines(journal), *function_lines(journal.stream, journal.lines or ()), *closing(journal)]
    return "".join(f"{text}\n" for _, text in lines)


def init_lines(stream: Stream) -> Iterator[Line]:
    """The beginning of an environment."""
    if stream.format == "JSON":
        yield from init_records(stream)
        return
    text = f"INIT_START Runtime Version: {stream.runtime}\tRuntime Version ARN: {stream.runtime_arn}"
    yield stream.began, text


def init_records(stream: Stream) -> Iterator[Line]:
    """The beginning of an environment, in JSON."""
    began = {
        "initializationType": "on-demand",
        "phase": "init",
        "runtimeVersion": stream.runtime,
        "runtimeVersionArn": stream.runtime_arn,
        "functionName": stream.function,
        "functionVersion": "$LATEST",
    }
    yield from _record(stream, stream.began, "platform.initStart", began, "INFO")


def ready_lines(stream: Stream) -> Iterator[Line]:
    """What became of an environment's start. That all went well is told in JSON only."""
    ready = stream.began + stream.init_ms / 1000
    status = "success" if not stream.failed else "timeout" if stream.failed == "Sandbox.Timedout" else "error"
    if stream.format != "JSON":
        if stream.failed:
            kind = f"\tError Type: {stream.failed}" if status == "error" else ""
            yield ready, f"INIT_REPORT Init Duration: {stream.init_ms:.2f} ms\tPhase: init\tStatus: {status}{kind}"
        return
    done = {"initializationType": "on-demand", "phase": "init", "status": status}
    if stream.failed:
        done["errorType"] = stream.failed
    level = "WARN" if stream.failed else "DEBUG"
    yield from _record(stream, ready, "platform.initRuntimeDone", done, level)
    told = {**done, "metrics": {"durationMs": round(stream.init_ms, 3)}}
    yield from _record(stream, ready, "platform.initReport", told, level)


def start_lines(journal: Journal) -> list[Line]:
    """The beginning of an invocation."""
    if journal.stream.format != "JSON":
        return [(journal.began, f"START RequestId: {journal.request_id} Version: {journal.version}")]
    return list(start_records(journal))


def start_records(journal: Journal) -> Iterator[Line]:
    """The beginning of an invocation, in JSON."""
    record = {"requestId": journal.request_id, "version": journal.version}
    yield from _record(journal.stream, journal.began, "platform.start", record, "INFO")


def report(journal: Journal) -> str:
    """The REPORT line of the text format."""
    parts = [
        f"REPORT RequestId: {journal.request_id}",
        f"Duration: {journal.duration_ms:.2f} ms",
        f"Billed Duration: {journal.billed_ms} ms",
        f"Memory Size: {journal.stream.memory} MB",
    ]
    if journal.stream.measured:
        parts.append(f"Max Memory Used: {journal.memory_used} MB")
    if journal.init_ms:
        parts.append(f"Init Duration: {journal.init_ms:.2f} ms")
    if journal.status == "timeout":
        parts.append("Status: timeout")
    elif journal.error_type.startswith("Runtime."):  # an exception of the function's is none of the line's
        parts += ["Status: error", f"Error Type: {journal.error_type}"]
    return "\t".join(parts) + "\t"


def closing_records(journal: Journal) -> Iterator[Line]:
    """The end of an invocation in JSON. What did not go well is a warning."""
    stream, ended = journal.stream, journal.ended
    good = journal.status == "success"
    outcome = {"status": journal.status, **({"errorType": journal.error_type} if journal.error_type else {})}
    metrics: dict[str, Any] = {"durationMs": round(journal.duration_ms, 3)}
    done = {"requestId": journal.request_id, **outcome, "metrics": dict(metrics)}
    yield from _record(stream, ended, "platform.runtimeDone", done, "DEBUG" if good else "WARN")
    metrics["billedDurationMs"] = journal.billed_ms
    metrics["memorySizeMB"] = stream.memory
    if stream.measured:
        metrics["maxMemoryUsedMB"] = journal.memory_used
    if journal.init_ms:
        metrics["initDurationMs"] = round(journal.init_ms, 3)
    told = {"requestId": journal.request_id, "metrics": metrics, **outcome}
    yield from _record(stream, ended, "platform.report", told, "INFO" if good else "WARN")


def _record(stream: Stream, when: float, kind: str, record: dict[str, Any], level: str) -> Iterator[Line]:
    """A platform record, if the function's system log level lets it through."""
    if LEVELS[level] >= LEVELS[stream.system_level]:
        yield when, json.dumps({"time": moment(when), "type": kind, "record": record}, separators=(",", ":"))


def function_lines(stream: Stream, lines: Iterable[Line]) -> Iterable[Line]:
    """The function's own lines, of those in JSON what its application log level lets through."""
    if stream.format != "JSON" or LEVELS[stream.application_level] <= LEVELS["DEBUG"]:
        return lines
    lowest = LEVELS[stream.application_level]
    return [line for line in lines if level_of(line[1]) >= lowest]


def level_of(text: str) -> int:
    """A line's level: a JSON object says it itself; what does not counts as INFO, as on AWS."""
    if text.startswith("{"):
        try:
            found = json.loads(text).get("level")
        except ValueError:
            found = None
        if isinstance(found, str):
            return LEVELS.get(found.upper(), LEVELS["INFO"])
    return LEVELS["INFO"]


def telemetry(function: str, lines: Iterable[Line]) -> list[str]:
    """Lines as the Telemetry API's events: platform records as they are, what the function printed within one.

    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html
    """
    return [_event(function, when, text) for when, text in lines]


def _event(function: str, when: float, text: str) -> str:
    record: Any = text
    if text.startswith("{"):
        try:
            record = json.loads(text)
        except ValueError:
            record = text
    if isinstance(record, dict) and str(record.get("type", "")).startswith("platform.") and "record" in record:
        return json.dumps({**record, "function": function}, ensure_ascii=False)
    event = {"time": moment(when), "type": "function", "record": record, "function": function}
    return json.dumps(event, ensure_ascii=False)


def moment(when: float) -> str:
    """A time as Lambda's log writes it: UTC, with milliseconds."""
    return datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
