"""The embedded AWS's own Python environment: made once from a hashed pin, kept for all projects, used offline."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from eventfw.errors import LocalError

LOCK = Path(__file__).with_name("ministack.lock")
LOOK_SECONDS = 0.05
REMEDY = "Connect to a package index once and try again, or run eventfw local --no-cloud."


def prepared(
    report: Callable[[str], None], cache: Path | None = None, *, enough: threading.Event | None = None
) -> Path:
    """The environment's Python. Makes the environment where there is none, which takes a package index once.

    Setting ``enough`` from another thread gives up. Raises LocalError, with what uv said, where it cannot be made.
    """
    enough = enough or threading.Event()
    folder = (cache or cache_folder()) / name_of_environment()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists():
        return python
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with only_one(folder.with_name(folder.name + ".lock"), enough):
            if not python.exists():
                report("Installing the embedded AWS, once for all projects ...")
                _make(folder, enough)
                report(f"Installed the embedded AWS in {folder}")
    except OSError as error:
        raise LocalError(
            f"The embedded AWS could not be installed in {folder}: {error}. "
            "Set EVENTFW_CACHE to a folder that you may write to, or run eventfw local --no-cloud."
        ) from None
    return python


def cache_folder() -> Path:
    """Where this user's caches lie."""
    if os.environ.get("EVENTFW_CACHE"):
        return Path(os.environ["EVENTFW_CACHE"])
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "eventfw"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "eventfw"


def name_of_environment() -> str:
    """One environment for each pin and Python: another pin leaves this one alone."""
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    return f"aws-{digest}-py{sys.version_info.major}.{sys.version_info.minor}"


def pinned() -> str:
    """The version of the embedded AWS."""
    found = re.search(r"^ministack==(\S+)", LOCK.read_text(), re.MULTILINE)
    return found[1] if found else ""


def _make(folder: Path, enough: threading.Event) -> None:
    """Make it beside its place and rename it there, so that a half-made one is never used."""
    for left in folder.parent.glob(f"making-{folder.name}-*"):  # by a process that was killed: the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f"making-{folder.name}-", dir=folder.parent))
    try:
        uv = _uv()
        _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(draft / "venv")], enough)
        python = draft / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        _run([uv, "pip", "install", "--require-hashes", "--python", str(python), "--requirement", str(LOCK)], enough)
        _run([str(python), "-m", "compileall", "-q", "-j", "0", str(draft / "venv")], enough)
        if folder.exists():  # its base Python was removed: the link to it leads nowhere
            shutil.rmtree(folder)
        (draft / "venv").rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _uv() -> str:
    from uv import find_uv_bin

    try:
        return str(find_uv_bin())
    except FileNotFoundError:
        found = shutil.which("uv")
        if found is None:
            raise LocalError("uv is missing from eventfw's environment. Install it: pip install uv") from None
        return found


def _run(command: list[str], enough: threading.Event) -> None:
    with tempfile.TemporaryFile() as output:
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(command, stdin=nothing, stdout=output, stderr=output, process_group=0)
        try:
            while process.poll() is None:
                if enough.wait(LOOK_SECONDS):
                    raise LocalError("The embedded AWS was not installed: the installation was stopped.")
        finally:
            if process.returncode is None:
                _kill(process)
        if process.returncode:
            output.seek(0)
            said = "\n".join(output.read().decode(errors="replace").strip().splitlines()[-8:])
            raise LocalError(f"The embedded AWS could not be installed. {REMEDY} uv said:\n{said}")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a command with what it has started: the compiler's helpers would wait for it for ever."""
    if sys.platform != "win32":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


@contextmanager
def only_one(path: Path, enough: threading.Event) -> Iterator[None]:
    """Hold a lock file's lock: of several processes one makes the environment, the others wait and find it."""
    with path.open("w") as file:
        while not lock(file):
            if enough.wait(LOOK_SECONDS):
                raise LocalError("The embedded AWS was not installed: another process is still at it.")
        yield


def lock(file: IO[str]) -> bool:
    """Take a file's lock, if nobody has it: until the file is closed, by every process that has it from this one."""
    if os.name != "posix":
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
