"""Runs a command for as long as the process that started this one lives.

Run by file with the embedded AWS's own Python; stdlib only. Standard input is a pipe whose other end the server holds:
when the server ends, however it does, the pipe closes, and the command is ended with everything it started. One that
ends in order says so before, and sees to what is left, the log for example; otherwise the folder goes.

A command that keeps data writes it when it is asked to end. ``unsaved`` is a file that says that it has yet to. What it
could not write, on a full disk for example, it says in its log only, the file ``log`` of its folder.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType

NOT_SAVED = (b"Persistence: failed to save", b"Persistence: error getting state")


def main() -> None:
    """Run the command in ``argv`` in a process group of its own. Before it stand the folder of what goes with it, the
    file ``unsaved``, or nothing, and the seconds between asking it to end and killing it."""
    folder, unsaved, grace, *command = sys.argv[1:]
    allow_many_files()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    orphaned, asked = threading.Event(), threading.Event()

    def end(number: int = 0, frame: FrameType | None = None) -> None:
        asked.set()
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)

    def guard() -> None:
        in_order = False
        while os.read(0, 4096):
            in_order = True
        if not in_order:
            orphaned.set()
        end()
        try:
            child.wait(float(grace))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's, which ends things in order
    threading.Thread(target=guard, daemon=True).start()
    code = child.wait()
    if unsaved and asked.is_set() and code == 0 and not complaints(Path(folder, "log")):
        Path(unsaved).unlink(missing_ok=True)
    if orphaned.is_set():
        shutil.rmtree(folder, ignore_errors=True)  # nobody else will, where the server was killed
    sys.exit(code)


def complaints(log: Path) -> list[bytes]:
    """The lines in which the command says that it could not write something."""
    return [line for line in log.read_bytes().splitlines() if any(words in line for words in NOT_SAVED)]


def allow_many_files() -> None:
    """Let the command have as many files open as the system allows: each of its clients is one."""
    try:
        import resource
    except ImportError:
        return  # Windows knows no such limit
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):
        return  # macOS says that there is no limit, and takes no such number


if __name__ == "__main__":
    main()
