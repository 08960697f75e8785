"""What the log has of one invocation, kept as facts: its lines are written only for whom wants to read them.

https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
"""

from __future__ import annotations

import math
import secrets
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

KEPT = 1024 * 1024  # characters of one invocation's output, and of what is printed between two

Line = tuple[float, str]
"""A line of the log: when, in seconds since 1970, and what. A record of several lines is one."""


@dataclass
class Stream:
    """One execution environment's log stream: whose it is, and how its lines are written.

    ``memory`` and ``storage`` are in MB. ``format`` is ``Text`` or ``JSON``; the levels count with JSON only, as on
    AWS. ``init_ms`` is how long the app's import took, from the process's start. ``loose`` are lines of no invocation:
    what was printed at import, or by a thread after the answer. On AWS an environment stands still then, and its next
    event brings them to light; here the next event takes them along. ``measured`` says that somebody knows how much
    memory it has. ``failed`` is the type of the error that the start has ended with, if it has.
    """

    function: str
    region: str = "us-east-1"
    memory: int = 256
    storage: int = 512
    format: str = "Text"
    application_level: str = "INFO"
    system_level: str = "INFO"
    began: float = field(default_factory=time.time)
    name: str = ""
    init_ms: float = 0.0
    warm: bool = False
    measured: bool = True
    failed: str = ""
    loose: deque[Line] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.name = self.name or stream_name(self.began)

    @classmethod
    def of(cls, function: str, settings: dict[str, Any], region: str) -> Stream:
        """A new environment's stream, by the function's ``describe`` settings."""
        said = settings.get("settings", {})
        return cls(
            function,
            region,
            settings["memory"],
            said.get("ephemeral_storage", 512),
            said.get("log_format", "Text"),
            said.get("application_log_level", "INFO"),
            said.get("system_log_level", "INFO"),
        )

    @property
    def settings(self) -> tuple[int | str, ...]:
        """What of the function's settings an environment was made with."""
        return self.memory, self.storage, self.format, self.application_level, self.system_level

    @property
    def group(self) -> str:
        """The function's log group."""
        return f"/aws/lambda/{self.function}"

    @property
    def runtime(self) -> str:
        """The runtime's version, as platform lines name it; the local one is no release of AWS's."""
        return f"python:{sys.version_info.major}.{sys.version_info.minor}.local"

    @property
    def runtime_arn(self) -> str:
        """The ARN that goes with it."""
        return f"arn:aws:lambda:{self.region}::runtime:local"


def stream_name(began: float, version: str = "$LATEST") -> str:
    """A log stream's name: the day, the version, and 32 random digits, one for each environment."""
    return f"{time.strftime('%Y/%m/%d', time.gmtime(began))}/[{version}]{secrets.token_hex(16)}"


class Journal:
    """One invocation in the log. While it runs, lines come in; ``close`` says how it ended.

    ``last_words`` are lines of Lambda's own about the end, such as the timeout's. ``paused_ms`` is how long a debugger
    waited for its user, which is no part of the duration. ``peak`` is in bytes, the most that
    the environment has had of memory so far, as on AWS: it does not fall between events. ``init_ms`` is above 0 for the
    event that found a cold environment, and ``before`` has then what the import printed.
    """

    __slots__ = (
        "before", "began", "duration_ms", "error_type", "init_ms", "last_words", "lines", "paused_ms", "peak",
        "request_id", "size", "status", "stream", "version",
    )  # fmt: skip

    def __init__(self, stream: Stream, request_id: str, version: str = "$LATEST") -> None:
        self.stream = stream
        self.request_id = request_id
        self.version = version
        self.began = time.time()
        self.lines: deque[Line] | None = None
        self.size = 0
        self.duration_ms = 0.0
        self.status = "success"
        self.error_type = ""
        self.peak = 0
        self.paused_ms = 0.0
        self.last_words: tuple[str, ...] = ()
        self.init_ms = 0.0
        self.before: tuple[Line, ...] = ()
        if not stream.warm:
            stream.warm, self.init_ms = True, 0.0 if stream.failed else stream.init_ms
        if stream.loose:
            self.before = tuple(stream.loose)
            stream.loose.clear()

    def add(self, text: str) -> None:
        """A record that the function printed or logged. Of more than 1 MB the first are let go."""
        if self.lines is None:
            self.lines = deque()
        self.lines.append((time.time(), text))
        self.size += len(text) + 1
        while self.size > KEPT and len(self.lines) > 1:
            self.size -= len(self.lines.popleft()[1]) + 1

    def close(self, duration_ms: float, error_type: str, reported: str) -> None:
        """The end: how long it took, the error that the caller gets (``""`` for none), and the one that is logged."""
        self.duration_ms = duration_ms
        if error_type:
            self.status = "timeout" if error_type == "Sandbox.Timedout" else "error"
            self.error_type = reported

    @property
    def ended(self) -> float:
        """When it ended, in seconds since 1970."""
        return self.began + (self.duration_ms + self.paused_ms) / 1000

    @property
    def billed_ms(self) -> int:
        """What AWS would bill: the duration and, in a cold environment, its start, rounded up to 1 ms."""
        return max(1, math.ceil(self.duration_ms + self.init_ms))

    @property
    def memory_used(self) -> int:
        """MB, as REPORT has it: never above the function's memory, where AWS ends the environment."""
        return min(megabytes(self.peak), self.stream.memory)


def megabytes(size: int) -> int:
    """Bytes in MB, rounded up."""
    return -(-size // (1024 * 1024))


def keep_loose(stream: Stream, text: str) -> None:
    """A line of no invocation, for the next one to take along."""
    stream.loose.append((time.time(), text))
    while len(stream.loose) > KEPT // 256:
        stream.loose.popleft()
