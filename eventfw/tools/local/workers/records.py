"""How ``logging`` writes in a worker, text or JSON, as Lambda's Python runtime does. stdlib only: workers import it.

A record of several lines is one event of the log. It travels as one line of the output, its line ends written as
carriage returns, which Lambda has always taken for that.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "aws_request_id", "taskName"}


class Current:
    """The request that the environment has: log lines belong to it, and a debugger may stop it."""

    def __init__(self) -> None:
        self.request_id = ""
        self.reachable = True  # the server listens to more than an answer: there is an event, or the app is imported
        self.pause: Callable[[int], None] = lambda milliseconds: None  # puts off the event's deadline


class Handler(logging.Handler):
    """Writes a record to standard output as one line."""

    def __init__(self, current: Current) -> None:
        super().__init__()
        self.current = current

    def emit(self, record: logging.LogRecord) -> None:
        """Write it; as everywhere in ``logging``, what goes wrong is told on standard error and not raised."""
        try:
            record.aws_request_id = self.current.request_id
            say(self.format(record))
        except Exception:  # whatever a handler's objects raise when they are formatted
            self.handleError(record)


class JsonFormatter(logging.Formatter):
    """A record as Lambda's JSON object: its own fields, those of an exception, and what ``extra`` gave."""

    def format(self, record: logging.LogRecord) -> str:
        """The object in one line. What JSON has not is written as text."""
        fields: dict[str, Any] = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.msg if isinstance(record.msg, dict) and not record.args else record.getMessage(),
            "logger": record.name,
        }
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            fields["stackTrace"] = traceback.format_tb(trace)
            fields["errorType"] = kind.__name__
            fields["errorMessage"] = str(error)
            fields["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        fields["requestId"] = record.aws_request_id  # type: ignore[attr-defined]
        for name, value in vars(record).items():
            if name not in PLAIN and name not in fields and value is not None:
                fields[name] = value
        return json.dumps(fields, ensure_ascii=False, default=str)


def install() -> Current:
    """Give the root logger its handler, as Lambda does: ``logging.basicConfig()`` then changes nothing, here as there.

    The environment variables are those that Lambda sets by the function's logging options.
    """
    current = Current()
    root, handler = logging.getLogger(), Handler(current)
    if in_json():
        handler.setFormatter(JsonFormatter())
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper().replace("TRACE", "DEBUG")
        if isinstance(logging.getLevelName(level), int):
            root.setLevel(level)
    else:
        formatter = logging.Formatter(TEXT, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    root.addHandler(handler)
    return current


def in_json() -> bool:
    """Whether the function's log is written in JSON."""
    return os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"


def say(text: str) -> None:
    """One event of the log."""
    sys.stdout.write(text.replace("\n", "\r") + "\n")


def say_error(error: dict[str, Any]) -> None:
    """An error as it appears in the function's log."""
    if in_json():
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        say(json.dumps({"timestamp": stamp, "level": "ERROR", **error}, ensure_ascii=False))
        return
    said = ": ".join(filter(None, (error["errorType"], error["errorMessage"])))
    lines = [f"[ERROR] {said}", "Traceback (most recent call last):"]  # which AWS's client writes above no lines, too
    say("\n".join([*lines, *(part.rstrip("\n") for part in error["stackTrace"])]))
