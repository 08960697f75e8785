"""The bounds of environments, as far as they can be told without one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from live import until

from eventfw.tools.local.workers import memory
from eventfw.tools.local.workers.limits import suggested
from eventfw.tools.local.workers.scratch import Scratch, remove, removed, size_of

MB = 1024 * 1024


def test_a_folder_counts_with_all_below_it_and_what_is_sparse_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for name in ("a", "below/b"):
        (tmp_path / name).write_bytes(b"x" * MB)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "link").symlink_to("/")
    assert 2 * MB <= size_of(str(tmp_path), 1 << 50) < 3 * MB
    assert size_of(str(tmp_path / "gone"), MB) == 0


def test_temporary_folders_go_with_their_worker_and_all_with_the_zygote() -> None:
    scratch = Scratch()
    empty, full = scratch.make(1), scratch.make(2)
    (Path(full) / "file").touch()
    assert removed(empty)
    assert not removed(full)
    remove(full)
    assert list(Path(scratch.folder).iterdir()) == []
    scratch.remove()
    assert not Path(scratch.folder).exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell of processes")
def test_memory_is_that_of_a_process_and_its_children() -> None:
    hungry = "import sys; kept = b'x' * (50 << 20); print('ready', flush=True); sys.stdin.read()"
    before = memory.used_by(os.getpid(), 1 << 50)
    assert before > 5 * MB
    child = subprocess.Popen([sys.executable, "-c", hungry], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    try:
        child.stdout.readline()
        assert child.pid in memory.descendants(os.getpid())
        assert memory.used_by(os.getpid(), 1 << 50) > before + 50 * MB
        assert memory.share(child.pid) > 50 * MB
    finally:
        child.communicate()
    until(lambda: memory.resident(child.pid) == 0)


@pytest.mark.parametrize(("used", "setting"), [(100, 128), (137, 256), (500, 640), (10_000, 10_240)])
def test_what_is_suggested_leaves_some_room(used: int, setting: int) -> None:
    assert suggested(used) == setting
