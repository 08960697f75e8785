"""The port that editors attach to."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dap import Editor
from live import ROOT, Live, command, environment, until, write

from eventfw.errors import LocalError
from eventfw.tools.local.debugging import DebugPort

APP = """
from eventfw import App

app = App("desk")

@app.function(timeout=1)
def work(event):
    number = event
    return number + 1
"""
LINE = 1 + APP.splitlines().index("    return number + 1")


def test_without_debugpy_its_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def changed(attached: bool) -> None:
        return

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LocalError, match="Install it: pip install debugpy"):
        asyncio.run(DebugPort(1, changed).start({}))


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def live(tmp_path: Path, port: int) -> Iterator[Live]:
    debugpy = pytest.importorskip("debugpy")
    write(tmp_path / "app.py", APP)
    path = os.pathsep.join((str(ROOT), str(Path(debugpy.__file__).parents[1])))
    running = Live(tmp_path, "--no-cloud", "--debug-port", str(port), PYTHONPATH=path)
    yield running
    running.stop()


def invoked(live: Live) -> subprocess.Popen[str]:
    (live.folder / "event").write_text("40")
    return subprocess.Popen(
        command("invoke", "work", str(live.folder / "event")),
        cwd=live.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def result(running: subprocess.Popen[str]) -> int:
    return int(json.loads(running.communicate(timeout=30)[0]))


def test_an_editor_debugs_handlers_before_and_after_a_reload_and_the_port_is_free_in_the_end(
    live: Live, port: int
) -> None:
    assert result(invoked(live)) == 41
    editor = Editor(port, live.folder / "app.py", LINE)
    live.says("An editor is attached")
    running = invoked(live)
    session, thread, frame = editor.at_breakpoint()
    assert (frame["name"], frame["line"]) == ("work", LINE)
    time.sleep(1.05)  # longer than the function may run
    session.request("evaluate", expression="number = 7", frameId=frame["id"], context="repl")
    session.request("continue", threadId=thread)
    assert result(running) == 8
    write(live.folder / "app.py", APP.replace("+ 1", "+ 2"))
    live.says("Reloaded after app.py")
    running = invoked(live)
    session, thread, _ = editor.at_breakpoint()
    session.request("continue", threadId=thread)
    assert result(running) == 42
    editor.root.send("disconnect", terminateDebuggee=False)
    live.says("The editor has gone")
    editor.close()
    assert result(invoked(live)) == 42
    live.stop()
    until(lambda: free(port), "a free port")


def free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
