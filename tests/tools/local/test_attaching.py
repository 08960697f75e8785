"""A runtime that fails is followed by another, for as long as the server runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.attaching import attached
from eventfw.tools.local.entry import attribute_of
from eventfw.tools.local.state import State, forget_state, write_state


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def serving(project: Path, value: str = "1") -> None:
    runtimes = {"work": {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1", "VALUE": value}}
    write_state(project, State("http://a", "", "http://b", "http://c", os.getpid(), "t", "us-east-1", runtimes))


def test_one_that_fails_is_followed_by_another_later_each_time_with_what_a_save_has_changed(tmp_path: Path) -> None:
    serving(tmp_path)
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        serving(tmp_path, str(len(pauses) + 1))

    said: list[str] = []
    assert attached(tmp_path, "work", ["sh", "-c", "test $VALUE = 4 || exit 3"], said.append, sleep) == 0
    assert pauses == [0.5, 1.0, 2.0]
    assert said[0] == "The runtime of work ended with exit code 3. Another follows in 0.5 s."


def test_none_follows_when_the_server_is_gone(tmp_path: Path) -> None:
    serving(tmp_path)

    def sleep(seconds: float) -> None:
        forget_state(tmp_path, os.getpid())

    assert attached(tmp_path, "work", ["sh", "-c", "exit 3"], lambda text: None, sleep) == 3


def test_a_function_that_is_not_served_is_named(tmp_path: Path) -> None:
    serving(tmp_path)
    with pytest.raises(LocalError, match=r"no Runtime API for 'wrok'. It serves: work.*--runtime-api wrok"):
        attached(tmp_path, "wrok", [], print)


def test_a_functions_entry_is_called_as_in_a_deployment_zip() -> None:
    assert attribute_of("send-mail") == "send_mail"
