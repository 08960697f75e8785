"""The embedded AWS's own Python environment: made on first use from a hashed pin, kept for all projects, used offline."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from eventfw.errors import LocalError

LOCK = Path(__file__).with_name("ministack.lock")
REMEDY = "Connect to a package index once and try again, or run eventfw local --no-cloud."


def prepared(report: Callable[[str], None], cache: Path | None = None) -> Path:
    """The environment's Python. Makes the environment where there is none, which takes a package index once.

    Raises LocalError, with what uv said, where it cannot be made.
    """
    folder = (cache or cache_folder()) / name_of_environment()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if python.exists():
        return python
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_one(folder.with_suffix(".lock")):
        if not python.exists():
            report("Installing the embedded AWS, once for all projects ...")
            _make(folder)
            report(f"Installed the embedded AWS in {folder}")
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


def _make(folder: Path) -> None:
    """Make it beside its place and rename it there, so that a half-made one is never used."""
    draft = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
    try:
        uv = _uv()
        _run([uv, "venv", "--quiet", "--relocatable", "--python", sys.executable, str(draft / "venv")])
        python = draft / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        _run([uv, "pip", "install", "--require-hashes", "--python", str(python), "--requirement", str(LOCK)])
        _run([str(python), "-m", "compileall", "-q", "-j", "0", str(draft / "venv")])
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


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "\n".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise LocalError(f"The embedded AWS could not be installed. {REMEDY} uv said:\n{said}")


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a lock file's lock: of several processes one makes the environment, the others wait and find it."""
    with path.open("w") as file:
        if os.name == "posix":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
