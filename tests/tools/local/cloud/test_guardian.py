"""What runs the embedded AWS: it ends with the server, and tells whether all was saved."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from eventfw.tools.local.cloud import guardian

COMMAND = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print(sys.argv[1], flush=True), sys.exit(0)))
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("says", "saved"),
    [
        ("INFO [persistence] Persistence: saved sqs state to sqs.json", True),
        ("ERROR [persistence] Persistence: failed to save sqs: [Errno 28] No space left on device", False),
    ],
)
@pytest.mark.parametrize("in_order", [True, False])
def test_saved_is_what_the_command_could_write(tmp_path: Path, says: str, saved: bool, in_order: bool) -> None:
    folder, unsaved = tmp_path / "folder", tmp_path / "unsaved"
    folder.mkdir()
    unsaved.write_text("yesterday")
    log = folder / "log"
    command = [sys.executable, guardian.__file__, str(folder), str(unsaved), "30", sys.executable, "-c", COMMAND, says]
    with log.open("wb") as file:
        running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file)
    while "up" not in log.read_text():
        assert running.poll() is None
    running.communicate(b"end" if in_order else b"", 30)
    assert running.returncode == 0
    assert unsaved.exists() is not saved
    assert folder.exists() is in_order, "a server that was killed cannot remove it"
