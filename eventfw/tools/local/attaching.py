"""Running a runtime for a function that the local server's Runtime API serves, and another when it fails."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from eventfw.errors import LocalError
from eventfw.tools.local.entry import attribute_of
from eventfw.tools.local.state import State, read_state

PAUSES = (0.5, 30.0)  # seconds before another runtime is started: the first pause, and the longest
SETTLED = 10.0  # seconds after which a runtime is taken to have started well
INTERRUPTED = 130


def attached(
    project: Path,
    function: str,
    program: Sequence[str],
    say: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run a command with the function's variables until it ends well, or the server is gone; its exit code.

    One that fails is started again, as Lambda replaces an environment that ended or ran into its timeout. Raises
    LocalError where no server runs, or not with --runtime-api for the function, or where there is no such command.
    """
    project = project.resolve()
    state = read_state(project)
    command = [*program] or official(function)
    signal.signal(signal.SIGTERM, _stop)
    pause = PAUSES[0]
    while True:
        begun = time.monotonic()
        code = _run(command, project, variables_of(state, function))
        if code in (0, INTERRUPTED) or _again(state, project) is None:
            return code
        pause = PAUSES[0] if time.monotonic() - begun > SETTLED else pause
        say(f"The runtime of {function} ended with exit code {code}. Another follows in {pause:g} s.")
        sleep(pause)
        pause = min(pause * 2, PAUSES[1])
        current = _again(state, project)
        if current is None:
            return code
        state = current


def variables_of(state: State, function: str) -> dict[str, str]:
    """The variables of a function's runtime."""
    if function not in state.runtimes:
        served = f"It serves: {', '.join(state.runtimes)}." if state.runtimes else "It serves none."
        raise LocalError(
            f"The running local server has no Runtime API for {function!r}. {served} Start it with: "
            f"eventfw local --runtime-api {function}"
        )
    return state.runtimes[function]


def official(function: str) -> list[str]:
    """AWS's runtime client for Python, on the app's own handlers."""
    if importlib.util.find_spec("awslambdaric") is None:
        raise LocalError("awslambdaric is not installed. Run: pip install awslambdaric, or name a command to run.")
    return [sys.executable, "-m", "awslambdaric", f"eventfw.tools.local.entry.{attribute_of(function)}"]


def _run(command: Sequence[str], project: Path, variables: dict[str, str]) -> int:
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        return subprocess.call(command, cwd=project, env={**own, **variables})
    except OSError as error:
        raise LocalError(f"{command[0]!r} cannot be run: {error.strerror}.") from None
    except KeyboardInterrupt:
        return INTERRUPTED


def _again(state: State, project: Path) -> State | None:
    """What the same server says now, if it still runs: a save may have changed the variables."""
    try:
        current = read_state(project)
    except LocalError:
        return None
    return current if current.pid == state.pid else None


def _stop(number: int, _: object) -> None:
    """End, and with this process the runtime."""
    sys.exit(128 + number)
