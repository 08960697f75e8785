"""The embedded AWS: ministack, unmodified, as a subprocess on loopback, which eventfw knows as an endpoint URL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from eventfw.errors import LocalError
from eventfw.tools.local.cloud import guardian
from eventfw.tools.local.cloud.environment import prepared

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.kept import Kept

HEALTH = "/_ministack/health"
START_SECONDS = 60.0
GRACE = 0.5  # seconds between asking it to end and killing it
SAVING_SECONDS = 60.0  # the same, where it has data to write
STOP_SECONDS = 7.0  # beyond these
LOOK_SECONDS = 0.25
LOG_LINES = 15  # of its log, in an error
KEPT = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH")


class Cloud:
    """The embedded AWS, behind a door that listens on ``127.0.0.1:port``.

    It writes its addresses, such as queue URLs, with the host 127.0.0.1 and its own port. So on Linux it listens on
    another loopback address with the door's port, and what it writes is the door's address. Elsewhere, where 127.0.0.1
    is the only one, it listens on a free port; the SDKs go by the endpoint URL, not by the host in a queue URL.

    It answers every web page, also one that resets it. So the address is one of 16 million, which no page can guess.

    With ``kept`` it goes on with what it had in an earlier run; otherwise it is new and empty. ``token`` is the one in
    the addresses of functions.
    """

    def __init__(
        self,
        port: int,
        *,
        report: Callable[[str], None] = lambda text: None,
        kept: Kept | None = None,
        token: str = "",
    ) -> None:
        self.report = report
        self.kept = kept
        self.token = token
        self.door = f"127.0.0.1:{port}"
        self.host, self.port = (hidden(), port) if sys.platform == "linux" else ("127.0.0.1", free_port())
        self.endpoint_url = f"http://{self.host}:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers. Raises LocalError, with the end of its log, where it does not."""
        python = await self._prepared()
        try:
            if self.kept is not None:
                await self._take(self.kept)
            await self._start(python)
            if self.kept is not None:
                self.kept.confirm(self._log.read_text(errors="replace"))
        except BaseException:
            await self.stop()
            raise

    async def _take(self, kept: Kept) -> None:
        """Take the folder, once an embedded AWS whose server was killed has saved there."""
        try:
            async with asyncio.timeout(SAVING_SECONDS):
                while not kept.claim():  # noqa: ASYNC110 - a lock is left without telling
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise LocalError(f"The embedded AWS of an earlier run has {kept.folder} still. End it.") from None
        addresses = {"aws": f"127.0.0.1:{self.port}", "door": self.door, "hidden": f"{self.host}:{self.port}"}
        await asyncio.to_thread(kept.prepare, addresses, self.token, self.report)

    async def _start(self, python: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="eventfw-aws-", ignore_cleanup_errors=True)
        log = Path(self._folder.name) / "log"
        with log.open("wb") as file:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it takes milliseconds
                [*self._guarded(python, self._folder.name), str(python), *self._command],
                stdin=subprocess.PIPE,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=self._folder.name,
                env=self._environment(self._folder.name),
                start_new_session=True,
                pass_fds=self.kept.descriptors if self.kept is not None else [],
            )
        try:
            async with asyncio.timeout(START_SECONDS):
                while not (self._serves(log) and await answers(self.host, self.port, HEALTH)):
                    if self._process.poll() is not None:
                        raise self._failed("ended before it answered")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise self._failed(f"did not answer within {START_SECONDS:g} s") from None

    @property
    def _command(self) -> list[str]:
        """What its Python runs: its own way of being served, but for what is under way at its end, which is not waited
        for. Somebody who polls a queue would hold up for 3 seconds what is then to be saved."""
        served = ["-m", "hypercorn", "ministack.app:app", "--workers", "0", "--graceful-timeout", "0"]
        return [*served, "--keep-alive", "75", "--bind", f"{self.host}:{self.port}"]

    def _guarded(self, python: Path, folder: str) -> list[str]:
        """What runs the command that follows, and ends it with the server."""
        unsaved, grace = (str(self.kept.unsaved), SAVING_SECONDS) if self.kept is not None else ("", GRACE)
        return [str(python), guardian.__file__, folder, unsaved, str(grace)]

    def _serves(self, log: Path) -> bool:
        """Whether it says that it has the address; before, somebody else may answer there."""
        return f"Running on http://{self.host}:{self.port}".encode() in log.read_bytes()

    async def ended(self) -> LocalError:
        """Wait until it ends by itself; what to say then."""
        process = self._process
        while process is not None and process.poll() is None:  # noqa: ASYNC110 - a process ends without telling
            await asyncio.sleep(LOOK_SECONDS)
        return self._failed(f"ended by itself (exit code {process.returncode if process else 'unknown'})")

    async def _prepared(self) -> Path:
        """Its Python, installed now if it was not. Cancelling ends the installation."""
        enough = threading.Event()
        try:
            return await asyncio.to_thread(prepared, self.report, enough=enough)
        except asyncio.CancelledError:
            enough.set()
            raise

    async def stop(self) -> None:
        """End it, and wait until it has ended."""
        process, self._process = self._process, None
        by_itself = process is not None and process.poll() is not None
        if process is not None:
            await self._end(process)
        if self.kept is not None:
            if self.kept.lost:
                why = "" if by_itself else f" It said:\n{self._complaints() or self._tail()}"
                self.report(f"The embedded AWS has not saved all that it had.{why}")
            self.kept.release()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    async def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended by itself
                os.write(process.stdin.fileno(), b"end")
            process.stdin.close()
        patience = STOP_SECONDS + (SAVING_SECONDS if self.kept is not None else GRACE)
        try:
            await asyncio.to_thread(process.wait, patience)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)

    def _environment(self, folder: str) -> dict[str, str]:
        """Its settings, and nothing of the user's that could lead it to a real account. What it writes is in the folder
        that goes with it."""
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {
            **kept,
            **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), folder),
            **(self.kept.settings() if self.kept is not None else {}),
            "BIND_HOST": self.host,
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "SFTP_ENABLED": "0",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def _log(self) -> Path:
        return Path(self._folder.name if self._folder else os.devnull) / "log"

    def _failed(self, what: str) -> LocalError:
        return LocalError(f"The embedded AWS {what}. It said:\n{self._tail()}")

    def _complaints(self) -> str:
        """What it said that it could not save; nothing where it has not come so far."""
        try:
            return b"\n".join(guardian.complaints(self._log)[:LOG_LINES]).decode(errors="replace")
        except OSError:
            return ""

    def _tail(self) -> str:
        try:
            return "\n".join(self._log.read_text(errors="replace").strip().splitlines()[-LOG_LINES:])
        except OSError as error:
            return f"nothing that could be read ({error})"


class ExternalCloud:
    """An AWS emulator that somebody else runs, named with ``--cloud-endpoint``."""

    def __init__(self, endpoint_url: str) -> None:
        parts = urlsplit(endpoint_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise LocalError(
                f"An endpoint URL looks like http://127.0.0.1:4566, not {endpoint_url!r}.", place="--cloud-endpoint"
            )
        if parts.hostname.rstrip(".").endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            raise LocalError(f"{endpoint_url} is AWS itself. Name an emulator.", place="--cloud-endpoint")
        self.endpoint_url = endpoint_url.rstrip("/")
        self._address = (parts.hostname, parts.port or (443 if parts.scheme == "https" else 80))

    async def start(self) -> None:
        """See that something listens there."""
        try:
            async with asyncio.timeout(5):
                _, writer = await asyncio.open_connection(*self._address)
        except (OSError, TimeoutError) as error:
            raise LocalError(
                f"Nothing answers at {self.endpoint_url} ({error or 'no answer within 5 s'}). Start it, or leave "
                f"--cloud-endpoint out for the embedded AWS.",
                place="--cloud-endpoint",
            ) from None
        writer.close()

    async def stop(self) -> None:
        """It is not ours to end."""


def hidden() -> str:
    """A loopback address that nobody else knows: 127.1.0.1 to 127.254.255.254."""
    return f"127.{1 + secrets.randbelow(254)}.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def answers(host: str, port: int, path: str, seconds: float = 1.0) -> bool:
    """Whether a request gets a 200 within ``seconds``. Something else may hold the port and say nothing."""
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode())
        async with asyncio.timeout(seconds):
            await writer.drain()
            return b" 200 " in await reader.readline()
    except OSError:  # and TimeoutError, which is one
        return False
    finally:
        writer.close()
