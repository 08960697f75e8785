"""Where a running local server can be found: ``.eventfw/local.json`` in the project, readable by its owner only."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from eventfw.errors import LocalError

FOLDER = ".eventfw"
FILE = "local.json"


@dataclass(frozen=True)
class State:
    """A running server: its addresses, its process, and the token that its control paths ask for.

    ``aws`` is empty where the server runs without an AWS; ``control`` is the door, which is always there. ``runtimes``
    has, by function, the variables of a runtime that runs it through the Runtime API.
    """

    http: str
    aws: str
    edge: str
    control: str
    pid: int
    token: str
    region: str
    runtimes: dict[str, dict[str, str]] = field(default_factory=dict)


def folder_of(project: Path) -> Path:
    """The project's ``.eventfw`` folder, made where it is missing, and kept out of git by itself.

    Raises LocalError where it cannot be made or written.
    """
    folder = project / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n")
    except OSError as error:
        raise LocalError(
            f"{folder} cannot be written ({error.strerror}), where eventfw local keeps what the other commands need. "
            "Run it in a folder that is yours."
        ) from None
    return folder


def write_state(project: Path, state: State) -> State | None:
    """Tell the other commands where the server is. Gives the state of another server that they went to until now."""
    before = _running(project)
    write_whole(folder_of(project) / FILE, json.dumps(asdict(state)), f".{state.pid}")
    return before if before is not None and before.pid != state.pid else None


def write_whole(path: Path, text: str, suffix: str = ".draft") -> None:
    """Write a file that only its owner may read, so that nobody ever reads half of it. Raises OSError."""
    draft = path.with_suffix(suffix)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)


def read_state(project: Path) -> State:
    """The server running for a project. Raises LocalError where there is none."""
    path = project / FOLDER / FILE
    try:
        state = State(**json.loads(path.read_text()))
        os.kill(state.pid, 0)
    except (FileNotFoundError, NotADirectoryError, ProcessLookupError, ValueError, TypeError):
        raise LocalError(f"No local server is running for {project}. Start one: eventfw local") from None
    except PermissionError:  # the process is there, and somebody else's
        raise LocalError(f"The local server of {project} belongs to another user.") from None
    return state


def forget_state(project: Path, pid: int, before: State | None = None) -> None:
    """Remove the file, if it is still this server's; the commands go to the server ``before`` again, if it runs."""
    path = project / FOLDER / FILE
    try:
        if json.loads(path.read_text())["pid"] == pid:
            path.unlink()
            if before is not None:
                write_state(project, before)
                read_state(project)
    except (FileNotFoundError, ValueError, KeyError):
        return
    except LocalError:  # it has ended, too
        path.unlink(missing_ok=True)


def _running(project: Path) -> State | None:
    """The server running for a project, if there is one of this user's."""
    try:
        return read_state(project)
    except LocalError:
        return None
