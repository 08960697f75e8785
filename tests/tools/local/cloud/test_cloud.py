"""The embedded AWS as a subprocess: ready when it says so, and gone with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from ipaddress import ip_address
from pathlib import Path

import pytest
from live import alive, environment, family, until

from eventfw.errors import LocalError
from eventfw.tools.local.cloud.embedded import HEALTH, Cloud, ExternalCloud, answers, free_port


def answering(cloud: Cloud) -> bool:
    return asyncio.run(answers(cloud.host, cloud.port, HEALTH))


def test_it_answers_once_started_and_stopping_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cloud = Cloud(free_port())
    asyncio.run(cloud.start())
    try:
        assert answering(cloud)
        started = family(os.getpid()) - {os.getpid()}
    finally:
        asyncio.run(cloud.stop())
    assert not answering(cloud)
    assert list(tmp_path.iterdir()) == []
    assert not [pid for pid in started - family(os.getpid()) if alive(pid)]


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.1 is the only loopback address elsewhere")
def test_no_web_page_can_guess_where_it_is_since_it_answers_all_of_them() -> None:
    hosts = [Cloud(4566).host for _ in range(50)]
    assert len(set(hosts)) > 40
    assert all(ip_address(host).is_loopback and not host.startswith("127.0.0.") for host in hosts)


def test_stopping_twice_or_before_starting_is_nothing() -> None:
    cloud = Cloud(free_port())
    asyncio.run(cloud.stop())
    asyncio.run(cloud.stop())


def test_it_sees_nothing_of_the_users_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    settings = Cloud(4566)._environment(str(tmp_path))
    assert not [name for name in settings if name.startswith("AWS_")]
    assert settings["TMPDIR"] == str(tmp_path)


def test_what_it_said_is_told_when_it_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cloud = Cloud(0)
    cloud.host = "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        cloud.port = taken.getsockname()[1]
        with pytest.raises(LocalError, match="Address already in use"):
            asyncio.run(cloud.start())
    assert list(tmp_path.iterdir()) == []


PARENT = """
import asyncio, sys, time
from eventfw.tools.local.cloud.embedded import Cloud, free_port
cloud = Cloud(free_port())
asyncio.run(cloud.start())
print(cloud.host, cloud.port, flush=True)
time.sleep(600)
"""


def test_it_ends_with_a_parent_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, env=environment(), text=True
    ) as parent:
        assert parent.stdout
        host, port = parent.stdout.readline().split()
        started = family(parent.pid)
        assert len(started) >= 3  # the parent, the guardian and the embedded AWS
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        until(lambda: not [pid for pid in started if alive(pid)], "the end of the embedded AWS")
    assert not asyncio.run(answers(host, int(port), HEALTH))


@pytest.mark.parametrize("url", ["localhost:4566", "ftp://localhost", "http://", "https://sqs.us-east-1.amazonaws.com"])
def test_an_endpoint_that_is_no_emulators_url_is_refused(url: str) -> None:
    with pytest.raises(LocalError):
        ExternalCloud(url)


def test_an_endpoint_where_nothing_listens_is_told_at_start() -> None:
    cloud = ExternalCloud(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(LocalError, match="Nothing answers"):
        asyncio.run(cloud.start())


def test_an_endpoint_that_listens_is_taken_without_its_last_slash() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        cloud = ExternalCloud(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        asyncio.run(cloud.start())
        assert not cloud.endpoint_url.endswith("/")


def test_nobody_who_waits_for_messages_holds_up_its_end() -> None:
    served = Cloud(4566)._command
    assert served[served.index("--graceful-timeout") + 1] == "0"
