"""Every error a user meets: the fact, the offending value, the remedy, the place, and the exit code.

An error is a sentence a person can act on. ``str(error)`` begins with the place, where there is one, so that it reads
well in a traceback; the command line prints the same words without one.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType

_HERE = __file__.rpartition("/")[0] + "/" if "/" in __file__ else __file__.rpartition("\\")[0] + "\\"


class EventfwError(Exception):
    """Something the user can mend.

    ``message`` states the fact, with the value, and the remedy. ``place`` is ``file:line`` of the user's code, or the
    name of a file. ``exit_code`` is what a command that meets the error exits with.
    """

    exit_code = 1

    def __init__(self, message: str, *, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class RegistrationError(EventfwError):
    """A decorator, resource or mount that cannot work, found on the line that wrote it."""


class ProjectError(EventfwError):
    """No app, two apps, an app that fails to import, or a faulty ``eventfw.toml``."""


class RoutingError(EventfwError):
    """An event that no handler of the invoked function expects, or that several would take."""


class RuleError(EventfwError):
    """A pattern, filter or schedule expression that the AWS service would refuse."""


class PayloadError(EventfwError):
    """A payload that does not fit the type of the parameter that receives it; the handler was not called.

    ``errors`` has the problems: ``{"path": "items[2].price", "message": "must be a number, not a string"}``. What the
    payload holds is in neither. In HTTP it is answered with 422.
    """

    def __init__(self, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []


class ResourceError(EventfwError):
    """A resource whose real name is not known where it was asked for."""


class BuildError(EventfwError):
    """Artifacts that cannot be made, or that AWS would refuse."""


class DeployError(EventfwError):
    """A deployment that was refused, failed, or could not reach its endpoint."""


class LocalError(EventfwError):
    """The local server could not start, or could not be reached."""


def user_place(skip: int = 1) -> str:
    """``file:line`` of the innermost frame that is not eventfw's own: the line the user wrote.

    An absolute path below the working directory is shown relative to it.
    """
    frame: FrameType | None = sys._getframe(skip)
    while frame is not None and frame.f_code.co_filename.startswith((_HERE, "<frozen")):
        frame = frame.f_back
    if frame is None:
        return ""
    return shown(frame.f_code.co_filename, frame.f_lineno)


def shown(path: str, line: int) -> str:
    """A path and line as people read them: relative where the file lies below the working directory."""
    try:
        here = os.getcwd() + os.sep  # noqa: PTH109 (pathlib is not worth its import in Lambda)
    except OSError:
        here = ""
    return f"{path[len(here) :] if here and path.startswith(here) else path}:{line}"


def users_traceback(error: BaseException) -> TracebackType | None:
    """An error's traceback from the first frame that is not eventfw's own."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    return trace
