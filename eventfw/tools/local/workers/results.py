"""What an invocation comes to, and the errors that Lambda itself gives when the worker cannot."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import deque
from typing import Any

from eventfw.errors import LocalError, ProjectError
from eventfw.tools.local.workers.journal import Journal, Stream
from eventfw.tools.local.workers.log_lines import tail

LATEST = "$LATEST"  # the version that is not published


class Result:
    """One invocation's outcome.

    ``payload`` is JSON: the function's result, or, when ``error``, Lambda's error document. ``duration_ms`` runs from
    handing the event to a worker until its answer; making the worker is not counted. ``journal`` is what the log has of
    it, where a worker was reached.
    """

    __slots__ = ("_logs", "duration_ms", "error", "error_type", "journal", "payload", "request_id")

    def __init__(
        self,
        payload: bytes,
        error: bool = False,
        error_type: str = "",
        logs: str = "",
        duration_ms: float = 0.0,
        request_id: str = "",
        journal: Journal | None = None,
    ) -> None:
        self.payload = payload
        self.error = error
        self.error_type = error_type
        self.duration_ms = duration_ms
        self.request_id = request_id
        self.journal = journal
        self._logs = logs

    @property
    def logs(self) -> str:
        """The invocation's lines in Lambda's log, from START to REPORT; of those in between the last 1 MB. They are
        written each time this is asked for, and not before."""
        return tail(self.journal) if self.journal is not None else self._logs

    @property
    def printed(self) -> str:
        """What the function itself printed and logged."""
        if self.journal is None:
            return self._logs
        return "".join(f"{text}\n" for _, text in self.journal.lines or ())

    @property
    def memory_used(self) -> int:
        """MB that the environment has had at most; 0 where none was reached."""
        return self.journal.memory_used if self.journal is not None else 0

    @property
    def init_ms(self) -> float:
        """How long the environment took to start, when this event found a cold one; else 0."""
        return self.journal.init_ms if self.journal is not None else 0.0


def new_request_id() -> str:
    """A random UUID (version 4), as Lambda's request ids are: the uuid module takes three times as long."""
    text = os.urandom(16).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


class BrokenApp(ProjectError):
    """The app could not be imported: the user's file and line, and the traceback from there."""

    def __init__(
        self, message: str, *, place: str = "", error_type: str = "", traceback: str = "", files: Any = ()
    ) -> None:
        super().__init__(message, place=place)
        self.error_type = error_type
        self.traceback = traceback
        self.files: tuple[str, ...] = tuple(files)

    @property
    def file(self) -> str:
        """The file of :attr:`place`."""
        return self.place.rpartition(":")[0] or self.place

    @property
    def line(self) -> int:
        """The line of :attr:`place`; 0 where none is known."""
        line = self.place.rpartition(":")[2]
        return int(line) if line.isdigit() else 0


class Throttled(LocalError):
    """No more invocations of a function may run, or wait: Lambda's ``TooManyRequestsException`` and its ``reason``."""

    def __init__(self, message: str, reason: str = "ConcurrentInvocationLimitExceeded") -> None:
        super().__init__(message)
        self.reason = reason


class WorkerEnded(Exception):
    """A worker ended before it answered: its wait status, or ``None`` where nobody could say."""

    def __init__(self, status: int | None) -> None:
        super().__init__(exit_words(status))
        self.status = status


class StartFailed(Exception):
    """An environment did not come to be, in which case every event for the function fails.

    ``words`` say why. ``payload`` is the error document of an app that cannot be imported; without one, it is made of
    the words, as for an environment that ends later.
    """

    def __init__(self, stream: Stream, error_type: str, words: str, payload: bytes = b"") -> None:
        super().__init__(words)
        stream.failed, stream.init_ms = error_type, (time.time() - stream.began) * 1000
        self.stream = stream
        self.error_type = error_type
        self.words = words
        self.payload = payload

    def result(self, request_id: str) -> Result:
        """What an event comes to that waited for it. What was printed at import is the event's log."""
        text = f"RequestId: {request_id} Error: {self.words}"
        journal = Journal(self.stream, request_id)
        journal.began = self.stream.began  # the event has waited for it: on AWS its start is then begun anew
        journal.lines, journal.before = deque(journal.before), ()
        if not self.payload:
            journal.last_words = (text, self.error_type)
        journal.close(self.stream.init_ms, self.error_type, self.error_type)
        payload = self.payload or document(text, self.error_type)
        return Result(payload, True, self.error_type, request_id=request_id, journal=journal)


def document(message: str, error_type: str) -> bytes:
    """Lambda's own error document, without a stack."""
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def timed_out(request_id: str, seconds: float) -> bytes:
    """The function ran out of its ``timeout``."""
    return document(f"RequestId: {request_id} Error: {timeout_words(seconds)}", "Sandbox.Timedout")


def timeout_words(seconds: float) -> str:
    """The end at the timeout, as Lambda words it."""
    return f"Task timed out after {seconds:.2f} seconds"


def exited(request_id: str, status: int | None) -> bytes:
    """The process ended while it had the event."""
    return document(f"RequestId: {request_id} Error: {exit_words(status)}", "Runtime.ExitError")


def exit_words(status: int | None) -> str:
    """How a process ended, as Lambda words it."""
    if status is None or status == 0:
        return "Runtime exited without providing a reason"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else ""
        return f"Runtime exited with error: signal: {SIGNAL_WORDS.get(name, f'signal {number}')}"
    return f"Runtime exited with error: exit status {os.WEXITSTATUS(status)}"


KILLED = 9  # the wait status of a process that got SIGKILL
SIGNAL_WORDS = {  # as Go names them, in which Lambda's side is written
    "SIGHUP": "hangup",
    "SIGINT": "interrupt",
    "SIGQUIT": "quit",
    "SIGILL": "illegal instruction",
    "SIGTRAP": "trace/breakpoint trap",
    "SIGABRT": "aborted",
    "SIGBUS": "bus error",
    "SIGFPE": "floating point exception",
    "SIGKILL": "killed",
    "SIGUSR1": "user defined signal 1",
    "SIGSEGV": "segmentation fault",
    "SIGUSR2": "user defined signal 2",
    "SIGPIPE": "broken pipe",
    "SIGALRM": "alarm clock",
    "SIGTERM": "terminated",
    "SIGXCPU": "CPU time limit exceeded",
    "SIGXFSZ": "file size limit exceeded",
}
