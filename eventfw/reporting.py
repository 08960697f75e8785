"""Reports: what a service that waits for an answer is told, by a call of its own, whatever the handler does.

CloudFormation, CodePipeline and CodeDeploy take no notice of what a function returns. They wait, up to hours, until
somebody tells them how it went: that is done here exactly once, also when the handler raises or runs out of time.
"""

from __future__ import annotations

from .errors import users_traceback
from .events import Event
from .trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    R = TypeVar("R", bound="Reported")

MARGIN = 2.0  # seconds before the timeout at which a report says that time is up; a quarter of it where that is less


class Reported(Event):
    """An event whose sender waits for a report, which is made once."""

    _watch: BeforeTimeout | None = None

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        from _thread import allocate_lock

        self._lock = allocate_lock()
        self._done = False

    def _once(self, report: Callable[[], None]) -> bool:
        """Make the report, unless one was made; whether it was this one. One that fails may be made again."""
        with self._lock:
            if self._done:
                return False
            report()
            self._done = True
            return True


class Reporting(Trigger):
    """A trigger whose service waits for a report."""

    answers: tuple[type[BaseException], ...] = (Exception, SystemExit)  # middleware's, too: nobody else would tell

    def report(self, result: Any, event: Any) -> None:
        """Tell the service what the handler returned, or the exception it raised. It raises what the call does."""
        raise NotImplementedError

    def begun(self, event: R) -> R:
        """The event of an invocation that begins: from now on its time is watched, for middleware may hang, too."""
        event._watch = BeforeTimeout(event.context, lambda: self._late(event))
        return event

    def encode(self, result: Any, event: Any) -> None:
        """Report. A failure is logged here: the invocation ends well, or Lambda would run the handler again."""
        if event._watch is not None:
            event._watch.end()
        failed = isinstance(result, self.answers)
        if failed:
            self._log(result, event)
        if not event._once(lambda: self.report(result, event)):
            import logging

            logging.getLogger("eventfw").error("%r was done after it had been reported as out of time.", event)

    def _late(self, event: Any) -> None:
        error = TimeoutError("The function was about to run out of time.")
        if event._once(lambda: self.report(error, event)):
            self._log(error, event)

    def _log(self, error: BaseException, event: Any) -> None:
        import logging

        reason = (type(error), error, users_traceback(error))
        logging.getLogger("eventfw").error("%r failed, and that is reported.", event, exc_info=reason)


class BeforeTimeout:
    """Runs ``act`` in a thread almost at the timeout, unless it is ended before."""

    def __init__(self, context: Any, act: Callable[[], None]) -> None:
        self._timer: Any = None
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        if remaining is not None:
            from threading import Timer

            seconds = remaining() / 1000
            self._timer = Timer(max(0.0, seconds - min(MARGIN, seconds / 4)), act)
            self._timer.daemon = True
            self._timer.start()

    def end(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()


def reason(error: BaseException, limit: int) -> str:
    """An error in words, for a report that takes ``limit`` characters."""
    text = f"{type(error).__name__}: {error}"
    return text if len(text) <= limit else text[: limit - 3] + "..."


def aws(service: str) -> Any:
    """A boto3 client. boto3 is the Lambda runtime's, or the user's own; eventfw ships none."""
    from importlib import import_module

    return import_module("boto3").client(service)
