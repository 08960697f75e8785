"""Load on an HTTP server: requests one after the other on each of some kept connections.

``wrk`` makes it where it is installed, else this file does in a process of its own, at a quarter of the speed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Load(NamedTuple):
    """What one turn came to: requests a second, and the milliseconds that half of them took at most."""

    rate: float
    p50: float


def generator() -> str:
    """What makes the load."""
    return "wrk" if shutil.which("wrk") else "python"


def turn(url: str, connections: int, seconds: int) -> Load:
    """Load a server for so many seconds. Raises ValueError where an answer is no 200."""
    if generator() == "wrk":
        return by_wrk(url, connections, seconds)
    command = [sys.executable, __file__, url, str(connections), str(seconds)]
    return Load(*json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def by_wrk(url: str, connections: int, seconds: int) -> Load:
    """The same by wrk, from one thread."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, p50 = re.search(r"Requests/sec:\s+([\d.]+)", said), re.search(r"50%\s+([\d.]+)(us|ms|s)", said)
    if rate is None or p50 is None or "Non-2xx" in said or "Socket errors" in said:
        raise ValueError(f"{url} did not answer every request with 200:\n{said}")
    return Load(float(rate[1]), float(p50[1]) * UNITS[p50[2]])


class Connection(asyncio.Protocol):
    """One connection: sends the next request as soon as the last one is answered.

    ``target`` gives the next path, or ``None`` at the end; ``answered`` is given each status and body.
    """

    def __init__(self, host: str, target: Callable[[], str | None], answered: Callable[[int, bytes], None]) -> None:
        self.host = host
        self.target = target
        self.answered = answered
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._arrived = b""
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._arrived += data
        head, blank, body = self._arrived.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if not blank or length is None or len(body) < int(length[1]):
            return
        self._arrived = b""
        self.answered(int(head[9:12]), body)
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.lost = True
            self.ended.set_result(None)

    def _ask(self) -> None:
        target = self.target()
        if target is None:
            self.ended.set_result(None)
            self._transport.close()
        else:
            self._transport.write(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())


async def connected(
    url: str, connections: int, target: Callable[[], str | None], answered: Callable[[int, bytes], None]
) -> int:
    """Ask on so many connections until there is nothing more to ask. How many were lost before their end."""
    split, loop = urlsplit(url), asyncio.get_running_loop()

    def protocol() -> Connection:
        return Connection(split.netloc, target, answered)

    made = [await loop.create_connection(protocol, split.hostname, split.port) for _ in range(connections)]
    await asyncio.gather(*(one.ended for _, one in made))
    return sum(one.lost for _, one in made)


async def by_python(url: str, connections: int, seconds: float) -> Load:
    """Load a server from this process."""
    path, begun, taken, last = urlsplit(url).path, perf_counter(), [], {"at": perf_counter()}

    def target() -> str | None:
        return path if perf_counter() - begun < seconds else None

    def answered(status: int, body: bytes) -> None:
        if status != 200:
            raise ValueError(f"{url} answered {status}: {body!r}")
        now = perf_counter()
        taken.append(now - last["at"])
        last["at"] = now

    lost = await connected(url, connections, target, answered)
    if lost or not taken:
        raise ValueError(f"{url} closed {lost} connections, and answered {len(taken)} requests.")
    return Load(len(taken) / (perf_counter() - begun), median(taken) * 1000 * connections)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    given = parser.parse_args()
    print(json.dumps(asyncio.run(by_python(given.url, given.connections, given.seconds))))
