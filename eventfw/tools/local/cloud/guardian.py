"""Runs a command for as long as the process that started this one lives.

Run by file with the embedded AWS's own Python; stdlib only. Standard input is a pipe whose other end the server holds:
when the server ends, however it does, the pipe closes, and the command is ended with everything it started.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from types import FrameType

GRACE = 3.0  # seconds between asking and killing


def main() -> None:
    """Run the command in ``argv``, after the folder of its data, in a process group of its own."""
    folder, *command = sys.argv[1:]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    orphaned = threading.Event()

    def end(number: int = 0, frame: FrameType | None = None) -> None:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)

    def guard() -> None:
        while os.read(0, 4096):
            continue
        orphaned.set()
        end()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's, which ends things in order
    threading.Thread(target=guard, daemon=True).start()
    code = child.wait()
    if orphaned.is_set():
        shutil.rmtree(folder, ignore_errors=True)  # nobody else will, where the server was killed
    sys.exit(code)


if __name__ == "__main__":
    main()
