"""The file that tells the other commands where the server is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.state import State, forget_state, read_state, write_state


def state(pid: int) -> State:
    return State("http://127.0.0.1:1", "", "http://127.0.0.1:2", "http://127.0.0.1:3", pid, "token", "us-east-1")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_state(tmp_path, state(os.getpid()))
    assert read_state(tmp_path) == state(os.getpid())
    assert [path.name for path in sorted((tmp_path / ".eventfw").iterdir())] == [".gitignore", "local.json"]


def test_only_its_owner_can_read_it_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_state(tmp_path, state(os.getpid()))
    finally:
        os.umask(before)
    assert (tmp_path / ".eventfw" / "local.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1}'])
def test_a_faulty_file_is_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / ".eventfw").mkdir()
    (tmp_path / ".eventfw" / "local.json").write_text(text)
    with pytest.raises(LocalError, match="Start one: eventfw local"):
        read_state(tmp_path)


def test_a_server_that_has_ended_is_none(tmp_path: Path) -> None:
    write_state(tmp_path, state(2**22 + 1))  # over Linux's largest process id
    with pytest.raises(LocalError, match="No local server is running"):
        read_state(tmp_path)


def test_a_folder_that_cannot_be_written_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / ".eventfw").write_text("in its place")
    with pytest.raises(LocalError, match=r"\.eventfw cannot be written \(File exists\).*folder that is yours"):
        write_state(tmp_path, state(os.getpid()))


def test_a_server_forgets_only_itself(tmp_path: Path) -> None:
    write_state(tmp_path, state(os.getpid()))
    forget_state(tmp_path, os.getpid() + 1)
    assert read_state(tmp_path).pid == os.getpid()
    forget_state(tmp_path, os.getpid())
    forget_state(tmp_path, os.getpid())
    assert not (tmp_path / ".eventfw" / "local.json").exists()


def test_the_server_that_was_there_before_is_found_again_when_the_later_one_ends(tmp_path: Path) -> None:
    earlier, later, ended = state(os.getppid()), state(os.getpid()), state(2**22 + 1)
    assert write_state(tmp_path, earlier) is None
    assert write_state(tmp_path, later) == earlier
    forget_state(tmp_path, later.pid, earlier)
    assert read_state(tmp_path) == earlier
    write_state(tmp_path, later)
    forget_state(tmp_path, later.pid, ended)
    assert not (tmp_path / ".eventfw" / "local.json").exists()
