"""A real ``eventfw local`` in a process of its own, on an app written for the test."""

from __future__ import annotations

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0  # seconds: only a broken server takes that long
T = TypeVar("T")

Answer = tuple[int, dict[str, str], bytes]


def environment(**more: str) -> dict[str, str]:
    """What the commands run with: no account, no colours, and these sources."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EVENTFW_LOCAL"))}
    return {
        **kept,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_COLOR": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }


def command(*arguments: str) -> list[str]:
    """The command line as a process runs it."""
    return [sys.executable, "-m", "eventfw", *arguments]


def eventfw(folder: Path, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a project and wait for it."""
    return subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def write(path: Path, source: str) -> None:
    """Save a file at once, as editors do: nobody ever reads half of it."""
    draft = path.with_name(path.name + ".draft")
    draft.write_text(textwrap.dedent(source))
    draft.replace(path)


def until(condition: Callable[[], T], what: str = "what was waited for") -> T:
    """The condition's first true value. Fails the test where none comes."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} did not happen within {PATIENCE:g} s")


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie, which its parent has yet to see, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the second where it ends while it is read
        return False


def family(pid: int) -> set[int]:
    """A process and all that it started and they started, by /proc."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


class Live:
    """``eventfw local --port 0 --json`` on a project: its addresses, what it says, and what the handlers noted.

    A handler notes something by appending a line of JSON to ``seen.jsonl``.
    """

    def __init__(self, folder: Path, *arguments: str, wait: bool = True, **more: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            command("local", "--port", "0", "--json", *arguments),
            cwd=folder,
            env=environment(**more),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []
        self.first: queue.Queue[str] = queue.Queue()
        self.family: set[int] = set()
        self._clients: dict[str, Any] = {}
        self._readers = [threading.Thread(target=self._read_errors), threading.Thread(target=self._read_output)]
        for reader in self._readers:
            reader.start()
        self.addresses: dict[str, Any] = {}
        if wait:
            self.ready()

    def ready(self) -> None:
        """Wait for the first line of standard output, which has the addresses."""
        try:
            line = self.first.get(timeout=PATIENCE)
        except queue.Empty:
            line = ""
        if not line:
            self.stop()
            raise AssertionError("it did not start:\n" + "\n".join(self.lines))
        self.addresses = json.loads(line)
        self.family = family(self.process.pid)

    def _read_errors(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    def _read_output(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.first.put(line)
        self.first.put("")

    def request(self, method: str, path: str, body: bytes | None = None, *, to: str = "http", **headers: str) -> Answer:
        """One request on a connection of its own; ``_`` in a header's name stands for ``-``."""
        connection = http.client.HTTPConnection(self.address(to), timeout=PATIENCE)
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, given)
            response = connection.getresponse()
            return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """The JSON that a GET gives."""
        status, _, body = self.request("GET", path, **headers)
        assert status == 200, (status, body)
        return json.loads(body)

    def address(self, to: str = "http") -> str:
        """The host and port of one of the addresses."""
        return urlsplit(self.addresses[to]).netloc

    def client(self, service: str) -> Any:
        """A boto3 client that talks to the door, made once."""
        import boto3

        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.addresses["aws"],
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._clients[service]

    def noted(self, what: str) -> list[Any]:
        """What the handlers noted under a name, in order."""
        try:
            lines = (self.folder / "seen.jsonl").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [note for name, note in map(json.loads, lines) if name == what]

    def says(self, text: str, *, after: int = 0) -> str:
        """Wait for a line that contains the text; gives the line."""
        return until(lambda: next((line for line in self.lines[after:] if text in line), ""), f"a line with {text!r}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> int:
        """End it, and look that nothing that it ever started is left. Gives the exit code."""
        if self.process.poll() is None:
            self.family |= family(self.process.pid)
            self.process.send_signal(how)
        code = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        until(lambda: not [pid for pid in self.family if alive(pid)], "the end of every process")
        return code
