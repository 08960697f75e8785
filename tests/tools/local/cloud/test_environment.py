"""The embedded AWS's own environment: made once, from the pin alone, and then used without a network."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from live import alive, until

from eventfw.errors import LocalError
from eventfw.tools.local.cloud import environment
from eventfw.tools.local.cloud.environment import LOCK, cache_folder, name_of_environment, only_one, prepared


def test_every_package_of_the_pin_is_exact_and_hashed() -> None:
    text = LOCK.read_text()
    packages = [block for block in re.split(r"(?m)^(?=\S)", text) if block.strip() and not block.startswith("#")]
    assert any(block.startswith("ministack==") for block in packages)
    assert all(re.match(r"[a-z0-9.-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", block, re.S) for block in packages)


def test_an_environment_that_is_there_is_used_without_running_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / name_of_environment() / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setattr(subprocess, "run", None)
    said: list[str] = []
    assert prepared(said.append, tmp_path) == python
    assert said == []


def test_another_pin_is_another_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = name_of_environment()
    other = tmp_path / "ministack.lock"
    other.write_text(LOCK.read_text() + "# bumped\n")
    monkeypatch.setattr(environment, "LOCK", other)
    assert name_of_environment() != first


def unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pin a package that no index has."""
    lock = tmp_path / "ministack.lock"
    lock.write_text("ministack==0.0.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(environment, "LOCK", lock)
    monkeypatch.setenv("UV_OFFLINE", "1")


def test_what_uv_said_and_a_remedy_are_told_and_nothing_half_made_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unavailable(tmp_path, monkeypatch)
    cache = tmp_path / "cache"
    with pytest.raises(LocalError, match="--no-cloud") as caught:
        prepared(lambda text: None, cache)
    assert "ministack" in caught.value.message
    assert [path.name for path in cache.iterdir()] == [name_of_environment() + ".lock"]


def test_an_environment_whose_python_is_gone_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = tmp_path / "ministack.lock"
    lock.write_text("# nothing to install\n")
    monkeypatch.setattr(environment, "LOCK", lock)
    python = tmp_path / name_of_environment() / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(tmp_path / "gone")
    assert prepared(lambda text: None, tmp_path) == python
    assert subprocess.run([python, "-c", "print(1)"], capture_output=True, check=True).stdout == b"1\n"


def test_one_process_makes_it_while_the_others_wait(tmp_path: Path) -> None:
    second = threading.Event()

    def enter() -> None:
        with only_one(tmp_path / "lock", threading.Event()):
            second.set()

    other = threading.Thread(target=enter)
    with only_one(tmp_path / "lock", threading.Event()):
        other.start()
        assert not second.wait(0.1)
    other.join()
    assert second.is_set()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="EVENTFW_CACHE"):
        prepared(lambda text: None, tmp_path / "file" / "cache")


def test_the_cache_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTFW_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path


def test_an_installation_that_is_stopped_leaves_nothing_running(tmp_path: Path) -> None:
    told, enough = tmp_path / "pid", threading.Event()
    child = "import time; time.sleep(60)"
    code = f"""
import pathlib, subprocess, sys
helper = subprocess.Popen([sys.executable, "-c", {child!r}])
draft = pathlib.Path({str(told)!r} + ".draft")
draft.write_text(str(helper.pid))
draft.rename({str(told)!r})
helper.wait()
"""

    def stop() -> None:
        until(told.exists)
        enough.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(LocalError, match="was stopped"):
        environment._run([sys.executable, "-c", code], enough)
    stopper.join()
    until(lambda: not alive(int(told.read_text())))
