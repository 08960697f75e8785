"""How fast ``eventfw local`` is, beside the local servers of others, as ratios within one run; and that nothing is
lost.

    python benchmarks/local.py

Peers that are not installed are named and left out. Exits with 1 where something that was measured is not as asked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import platform
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import delivery
import servers
from load import connected, generator, turn
from servers import Server

PARTS = ("http", "start", "reload", "requests", "events", "messages")
CONNECTIONS = 64
MOMENT = 0.5  # seconds from one save to the next
RELOAD_PATIENCE = 60.0  # seconds


@dataclass
class Target:
    """Something measured, and what is asked of it. ``value`` is ``None`` where it could not be measured."""

    name: str
    value: float | None
    at_least: float = 0.0
    at_most: float = float("inf")
    unit: str = ""

    @property
    def holds(self) -> bool | None:
        return None if self.value is None else self.at_least <= self.value <= self.at_most

    @property
    def asked(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least else f"at most {self.at_most:g}{self.unit}"


class Bench:
    """One run: the contestants, what they came to, and the targets."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder = folder
        self.options = options
        self.missing = [] if options.no_peers else servers.absent()
        made = {} if options.no_peers else {n: make for n, make in servers.PEERS.items() if n not in self.missing}
        self.servers = [servers.eventfw(self.place("eventfw"))]
        self.servers += [make(self.place(name)) for name, make in made.items()]
        self.figures: dict[str, dict[str, float]] = defaultdict(dict)
        self.turns: dict[tuple[str, str], list[float]] = defaultdict(list)
        self.targets: list[Target] = []

    def place(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def figure(self, subject: str, server: str = "eventfw") -> float | None:
        return self.figures[subject].get(server)

    def ratio(self, subject: str, one: str, other: str) -> float | None:
        """In the median of the rounds, in each of which both took a turn: what disturbs one disturbs the other."""
        above, below = self.turns[subject, one], self.turns[subject, other]
        return median(a / b for a, b in zip(above, below, strict=True)) if above and below else None

    def seen(self, subject: str, server: Server, value: float) -> None:
        """What one turn came to."""
        self.turns[subject, server.name].append(value)
        self.figures[subject][server.name] = median(self.turns[subject, server.name])

    def run(self) -> None:
        for part in PARTS:
            if part in self.options.parts:
                print(f"{part} ...", file=sys.stderr)
                getattr(self, f"measure_{part}")()

    # The parts.

    def measure_http(self) -> None:
        """Requests a second: all servers stand, and take short turns round by round."""
        with contextlib.ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(running(server))
                turn(server.url, 8, 1)  # everything warm
            for _ in range(self.options.rounds):
                for connections in (1, 8):
                    for server in self.servers:
                        load = turn(server.url, connections, self.options.seconds)
                        self.seen(f"requests/s, {connections}", server, load.rate)
                        self.seen(f"p50 ms, {connections}", server, load.p50)
        one, eight = "requests/s, 1", "requests/s, 8"
        self.targets += [
            Target("1 connection: to cargo-lambda", self.ratio(one, "eventfw", "cargo-lambda"), at_least=1),
            Target("8 connections: to cargo-lambda", self.ratio(eight, "eventfw", "cargo-lambda"), at_least=2),
            Target("1 connection: to chalice", self.ratio(one, "eventfw", "chalice"), at_least=400),
            Target("1 connection: p50", self.figure("p50 ms, 1"), at_most=0.15, unit=" ms"),
        ]

    def measure_start(self) -> None:
        """From starting the command to the first 200; of eventfw with the embedded AWS following."""
        contestants = [servers.eventfw(self.place("start"), "--region", "us-east-1")] if self.options.cloud else []
        contestants += self.servers[len(contestants) :]
        for server in contestants:
            server.start()  # things are compiled
            server.stop()
            for _ in range(self.options.rounds):
                self.seen("first 200, s", server, server.start())
                server.stop()
        self.targets.append(Target("first 200", self.figure("first 200, s"), at_most=0.3, unit=" s"))

    def measure_reload(self) -> None:
        """From saving the app to the first answer of the new code."""
        for server in self.servers:
            if server.source:
                with running(server):
                    sleep(self.options.settling)  # a watcher may look for the first time only now
                    for number in range(self.options.rounds):
                        self.seen("reload, ms", server, reloaded(server, number))
                server.save("name")
        ratio = self.ratio("reload, ms", "eventfw", "chalice")
        self.targets.append(Target("save to new answer: to chalice", ratio, at_most=1 / 3))

    def measure_requests(self) -> None:
        """Requests on many connections while the app is saved again and again: each has its own right answer."""
        server, options = self.servers[0], self.options
        with running(server):
            wrong = asyncio.run(wrong_answers(server, options.requests, options.reloads))
        server.save("name")
        self.targets.append(
            Target(f"{options.requests:,} requests, {options.reloads} reloads: wrong", wrong, at_most=0)
        )

    def measure_events(self) -> None:
        """From an SDK's call to the handler's first line."""
        with delivery.Cloud(self.place("events")) as cloud:
            for kind, name, limit in (("s3", "S3 put", 20), ("sqs", "SQS send", 30)):
                taken = delivery.latency(cloud, kind, self.options.events)
                self.figures[f"{name}, ms"]["eventfw"] = taken
                self.targets.append(Target(f"{name} to handler", taken, at_most=limit, unit=" ms"))

    def measure_messages(self) -> None:
        """Messages whose handler fails one in ten times, in workers that are killed: none is lost."""
        with delivery.Cloud(self.place("messages")) as cloud:
            found = delivery.lost_messages(cloud, self.options.messages)
        for name, value in found._asdict().items():
            self.figures[f"messages, {name}"]["eventfw"] = float(value)
        self.targets.append(Target(f"{self.options.messages:,} messages: lost", found.lost, at_most=0))


@contextlib.contextmanager
def running(server: Server) -> Iterator[None]:
    """A server, for as long as it is needed."""
    server.start()
    try:
        yield
    finally:
        server.stop()


def reloaded(server: Server, number: int) -> float:
    """Milliseconds from a save to the first answer of the new code."""
    wanted = f"again {number}"
    server.save(repr(wanted))
    begun = perf_counter()
    while wanted.encode() not in (server.body() or b""):
        if perf_counter() - begun > RELOAD_PATIENCE:
            raise SystemExit(f"{server.name} did not load its app again.")
        sleep(0.001)
    return (perf_counter() - begun) * 1000


async def wrong_answers(server: Server, requests: int, reloads: int) -> int:
    """How many of so many requests had no answer, or another's, while the app was loaded again so many times."""
    numbers, saved = iter(range(requests)), count(1)
    right = 0
    asked: set[str] = set()

    def target() -> str | None:
        number = next(numbers, None)
        if number is None:
            return None
        asked.add(str(number))
        return f"/hello/{number}"

    def answered(status: int, body: bytes) -> None:
        nonlocal right
        number, _, version = str(json.loads(body).get("hello")).partition(" of ")
        if status == 200 and number in asked and version.isdigit():
            asked.discard(number)
            right += 1

    async def save() -> None:
        for _ in range(reloads):
            server.save(f'name + " of {next(saved)}"')
            await asyncio.sleep(MOMENT)

    server.save('name + " of 0"')
    while b" of 0" not in (server.body() or b""):  # noqa: ASYNC110 - another process's doing
        await asyncio.sleep(0.01)
    saving = asyncio.create_task(save())
    await connected(f"http://127.0.0.1:{server.port}", CONNECTIONS, target, answered)
    await saving
    return requests - right


def table(bench: Bench) -> str:
    """What was found, for people."""
    names = [server.name for server in bench.servers]
    lines = [f"Load by {generator()}.", f"{'':24}" + "".join(f"{name:>20}" for name in names)]
    for subject, found in bench.figures.items():
        cells = (f"{found[name]:20,.3f}" if name in found else f"{'-':>20}" for name in names)
        lines.append(f"{subject:24}" + "".join(cells))
    lines += [f"{name} is not installed: {servers.INSTALL[name]}" for name in bench.missing]
    for target in bench.targets:
        value = "not measured" if target.value is None else f"{target.value:.3f}{target.unit}"
        verdict = "  FAILS" if target.holds is False and not bench.options.quick else ""
        lines.append(f"{target.name:44}{value:>16}  {target.asked}{verdict}")
    return "\n".join(lines)


def report(bench: Bench) -> dict[str, Any]:
    """What was found, for scripts."""
    quick = bench.options.quick
    targets = [
        {"name": one.name, "value": one.value, "asked": one.asked, "holds": None if quick else one.holds}
        for one in bench.targets
    ]
    return {
        "python": platform.python_version(),
        "load": generator(),
        "quick": quick,
        "missing": bench.missing,
        "figures": bench.figures,
        "targets": targets,
    }


def options_given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"what to measure, of {','.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=9, help="how often each server takes its turn (9)")
    parser.add_argument("--seconds", type=int, default=1, help="of load in a turn (1)")
    parser.add_argument("--no-peers", action="store_true", help="only eventfw")
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it runs; nothing holds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    options.parts = options.parts.split(",")
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"--parts knows {', '.join(PARTS)}, not {', '.join(sorted(unknown))}.")
    options.cloud, options.settling = not options.quick, 0.3 if options.quick else 1.0
    options.requests, options.reloads, options.events, options.messages = 100_000, 20, 100, 10_000
    if options.quick:
        options.requests, options.reloads, options.events, options.messages = 200, 1, 5, 100
        options.rounds, options.seconds = 1, 1
    return options


def main() -> int:
    options = options_given()
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options)
        bench.run()
    print(json.dumps(report(bench), indent=2) if options.json else table(bench))
    return 0 if options.quick or all(target.holds is not False for target in bench.targets) else 1


if __name__ == "__main__":
    sys.exit(main())
