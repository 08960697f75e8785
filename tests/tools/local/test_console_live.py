"""A person at the terminal of a real ``eventfw local``: its lines, and breakpoints in handlers."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import alive, command, environment, family, until, write

APP = """
    import os, pdb, time
    from eventfw import App

    app = App("desk")

    @app.function(timeout=1)
    def work(event, context):
        number = event
        breakpoint()
        return [number, context.get_remaining_time_in_millis() > 500]

    @app.function()
    def other(event):
        print("says", event)
        return "went on"
"""


class Desk:
    """The server on a pseudo-terminal of its own, as a shell starts it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.text = ""
        self.closed = False
        self.pid, self.hand = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(command()[0], command("local", "--port", "0", "--no-cloud"), environment(TERM="xterm"))
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.shows("Ctrl-C stops it")
        self.family = family(self.pid)

    def _read(self) -> None:
        while True:
            try:
                self.text += os.read(self.hand, 4096).decode()
            except OSError:  # the server has ended
                return

    def shows(self, text: str, times: int = 1) -> None:
        until(lambda: self.text.count(text) >= times, f"{text!r} in {self.text}")

    def type(self, line: str) -> None:
        os.write(self.hand, line.encode() + b"\n")

    def invoke(self, function: str, event: Any) -> subprocess.Popen[str]:
        (self.folder / "event").write_text(json.dumps(event))
        return subprocess.Popen(
            command("invoke", function, str(self.folder / "event")),
            cwd=self.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def close(self) -> None:
        if self.closed:
            return
        self.closed = True
        self.family |= family(self.pid)
        os.write(self.hand, b"\x03")  # Ctrl-C
        until(lambda: os.waitpid(self.pid, os.WNOHANG)[0], "the server's end")
        self.reader.join()
        os.close(self.hand)
        until(lambda: not [pid for pid in self.family if alive(pid)], "the end of every process")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    write(folder / "app.py", APP)
    running = Desk(folder)
    yield running
    running.close()


def result(invoked: subprocess.Popen[str]) -> Any:
    out, _ = invoked.communicate(timeout=20)
    return json.loads(out)


def test_a_breakpoint_asks_at_the_terminal_and_time_stands_still(desk: Desk) -> None:
    stopped = desk.invoke("work", 1)
    desk.shows("work | (Pdb) ")
    assert result(desk.invoke("other", 5)) == "went on"
    desk.shows("other | says 5")
    time.sleep(1.05)  # longer than the function may run
    desk.type("p number + 40")
    desk.shows("work | 41")
    desk.type("number = 7")
    desk.type("c")
    assert result(stopped) == [7, True]


def test_ctrl_c_at_a_breakpoint_stops_the_server(desk: Desk) -> None:
    times = desk.text.count("work | (Pdb) ")
    stopped = desk.invoke("work", 1)
    desk.shows("work | (Pdb) ", times + 1)
    desk.close()
    desk.shows("Stopping ...")
    stopped.communicate(timeout=20)
