"""Runs a command for as long as the process that started this one lives.

Run by file with the embedded AWS's own Python; stdlib only. Standard input is a pipe whose other end the server holds:
when the server ends, however it does, the pipe closes, and the command is ended with everything it started.
"""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType

GRACE = 3.0  # seconds between asking and killing


def main() -> None:
    """Run the command in ``argv`` in a process group of its own."""
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def end(number: int = 0, frame: FrameType | None = None) -> None:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)

    def guard() -> None:
        while os.read(0, 4096):
            continue
        end()
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is the server's, which ends things in order
    threading.Thread(target=guard, daemon=True).start()
    sys.exit(child.wait())


if __name__ == "__main__":
    main()
