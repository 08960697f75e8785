"""``eventfw local``: one asyncio process that holds the sockets, the workers, the embedded AWS and the clock.

It never imports the user's app: routes and settings reach it as data, from a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from eventfw.errors import EventfwError, LocalError
from eventfw.routing import HttpTable, identify
from eventfw.tools.local.asgi import ASGIApp, Receive, Scope, Send
from eventfw.tools.local.cloud import Cloud, ExternalCloud
from eventfw.tools.local.control import Control
from eventfw.tools.local.door import Door, UnknownFunction
from eventfw.tools.local.edge import Association, EdgeFront
from eventfw.tools.local.gateway import Gateway
from eventfw.tools.local.guard import Guard
from eventfw.tools.local.infrastructure import Order, applied
from eventfw.tools.local.pool import Pool
from eventfw.tools.local.results import BrokenApp, Result
from eventfw.tools.local.schedules import Schedules
from eventfw.tools.local.state import State, forget_state, write_state
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.watch import saves

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """What the command line asked for. A port of 0 lets the system choose one."""

    directory: Path
    app: str | None = None
    port: int = 8000
    aws_port: int = 4566
    edge_port: int = 8001
    cloud: bool = True
    cloud_endpoint: str | None = None
    region: str = "us-east-1"
    replay: bool = False
    as_json: bool = False
    allowed_hosts: tuple[str, ...] = ()


class Ports:
    """One ASGI app for every socket: the port a request came in on says which app it is for."""

    def __init__(self, apps: dict[int, ASGIApp]) -> None:
        self.apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.apps[scope["server"][1]](scope, receive, send)


class Uvicorn(uvicorn.Server):
    """uvicorn without its own handling of signals: the server has several things to end, in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class LocalServer:
    """Everything that ``eventfw local`` runs, from the first socket to the last process ended."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        self.options = options
        self.terminal = terminal
        self.stopping = asyncio.Event()
        self.sockets = [
            bound(options.port, "--port"),
            bound(options.edge_port, "--edge-port"),
            bound(options.aws_port, "--aws-port"),
        ]
        self.http, self.edge, self.aws = (f"http://{HOST}:{one.getsockname()[1]}" for one in self.sockets)
        self.control = Control(self._run, secrets.token_urlsafe(24))
        self.pool = Pool(
            options.directory, endpoint=self.aws, app=options.app, region=options.region, on_line=self._printed
        )
        guard = self.guard = Guard(options.allowed_hosts)
        host = self.http.removeprefix("http://")
        self.gateway = Gateway(HttpTable([]), self.pool.invoke, guard=guard, observe=terminal.exchange)
        self.front = EdgeFront(
            [], self.pool.invoke, self.gateway, origin_host=host, guard=guard, observe=terminal.exchange
        )
        self.schedules = Schedules(self._tick, options.region)
        self.cloud: Cloud | ExternalCloud | None = None
        self.failure: BaseException | None = None
        self._applying = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM, then end everything that was started."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self.stopping.set)
        begun = time.perf_counter()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.pool.stop)
            stack.push_async_callback(self.schedules.stop)
            cloud = self._spawn(self._start_cloud(stack)) if self.options.cloud else None
            self._take_over(await self.pool.start())
            stack.push_async_callback(self._serve())
            self._say_http(time.perf_counter() - begun)
            if await self._unless_stopped(self._bring_up(cloud)):
                stack.callback(forget_state, self.options.directory, os.getpid())
                self._announce()
                self._spawn(self._watch())
                await self.stopping.wait()
            self.terminal.note("Stopping ...")
            await self._end_tasks()
        if self.failure is not None:
            raise self.failure

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Wait for something, unless the user stops the server first. Whether it was done."""
        working = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self.stopping.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if working.done():
            working.result()
            return not self.stopping.is_set()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return False

    async def _bring_up(self, cloud: asyncio.Task[Any] | None) -> None:
        """Wait for the embedded AWS, and put the app's own stack into it."""
        if cloud is not None:
            await cloud
            await self._apply()

    async def _start_cloud(self, stack: contextlib.AsyncExitStack) -> None:
        options = self.options
        if options.cloud_endpoint:
            cloud: Cloud | ExternalCloud = ExternalCloud(options.cloud_endpoint)
        else:
            cloud = Cloud(self.sockets[2].getsockname()[1], report=self.terminal.note)
        stack.push_async_callback(cloud.stop)
        await cloud.start()
        self.cloud = cloud

    def _serve(self) -> Callable[[], Awaitable[None]]:
        """Begin to answer on all sockets; returns what ends it."""
        door = Door(
            lambda: self.cloud.endpoint_url if self.cloud else None,
            control=self.control,
            invoke=self._invoked,
            guard=self.guard,
        )
        ports = Ports({
            self.sockets[0].getsockname()[1]: self.gateway,
            self.sockets[1].getsockname()[1]: self.front,
            self.sockets[2].getsockname()[1]: door,
        })  # fmt: skip
        config = uvicorn.Config(
            ports,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            server_header=False,
            access_log=False,
            log_level="error",
            timeout_graceful_shutdown=2,
        )
        server = Uvicorn(config)
        serving = asyncio.create_task(server.serve(sockets=self.sockets))

        async def end() -> None:
            server.should_exit = True
            await serving
            await door.close()

        return end

    def _take_over(self, description: dict[str, Any]) -> None:
        """Route by a new description of the app, from the next request on."""
        self.gateway.routes = HttpTable(description["routes"])
        self.front.associations = [Association(**one) for one in description["edge"]]
        self.schedules.replace(description["schedules"])

    async def _watch(self) -> None:
        async for files in saves(self.options.directory):
            begun = time.perf_counter()
            try:
                self._take_over(await self.pool.reload())
            except BrokenApp as error:
                self.terminal.problem(f"{error}\n{error.traceback}".rstrip())
                self.terminal.note("The app as it was last goes on serving. Mend it and save.")
                continue
            except EventfwError as error:
                self.terminal.problem(str(error))
                continue
            spent = (time.perf_counter() - begun) * 1000
            self.terminal.good(f"Reloaded after {', '.join(files[:3])}{' ...' * (len(files) > 3)} in {spent:.0f} ms")
            self._spawn(self._after_reload())

    async def _after_reload(self) -> None:
        if self.cloud is not None:
            await self._apply()
        if self.options.replay:
            await self._replay()

    async def _apply(self) -> None:
        """Bring the app's stack in the embedded AWS up to date."""
        if self.cloud is None:
            return
        async with self._applying:
            order = Order(
                str(self.options.directory),
                self.options.app,
                self.cloud.endpoint_url,
                self.options.region,
                self.control.push_url(self.aws),
            )
            try:
                answer = await applied(order)
            except EventfwError as error:
                self.terminal.problem(str(error))
                return
        if answer["changed"]:
            self.terminal.good(f"The app's stack is up to date in the embedded AWS ({answer['resources']} resources)")

    async def _replay(self) -> None:
        """Run ``eventfw replay`` as a child, which may import the app, and print what it says."""
        command = [sys.executable, "-m", "eventfw", "replay", "--directory", str(self.options.directory)]
        command += ["--app", self.options.app] if self.options.app else []
        pipe = asyncio.subprocess.PIPE
        child = await asyncio.create_subprocess_exec(
            *command, stdout=pipe, stderr=asyncio.subprocess.STDOUT, start_new_session=True
        )
        try:
            output, _ = await child.communicate()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        for line in output.decode(errors="replace").splitlines():
            self.terminal.line(line)

    async def _run(self, function: str, event: bytes, source: str, request_id: str) -> Result:
        """Run a function for the embedded AWS or for one of the other commands, and say so."""
        result = await self.pool.invoke(function, event, request_id=request_id or None)
        self.terminal.invocation(source or source_of(event), function, result.error, result.payload, result.duration_ms)
        return result

    async def _invoked(self, function: str, event: bytes, client_context: dict[str, Any] | None) -> Result:
        """Run a function for an SDK's Invoke."""
        if function not in self.pool.description["functions"]:
            raise UnknownFunction(function)
        result = await self.pool.invoke(function, event, client_context=client_context)
        self.terminal.invocation("invoke", function, result.error, result.payload, result.duration_ms)
        return result

    async def _tick(self, function: str, event: dict[str, Any]) -> None:
        await self._run(function, json.dumps(event).encode(), "schedule", "")

    def _printed(self, function: str, request_id: str, line: str) -> None:
        self.terminal.output(function, line)

    def _say_http(self, seconds: float) -> None:
        self.terminal.good(f"Serving {self.pool.description['app']} on {self.http} after {seconds * 1000:.0f} ms")

    def _announce(self) -> None:
        """Say where everything is, once all of it answers."""
        aws = self.aws if self.cloud is not None else ""
        state = State(self.http, aws, self.edge, self.aws, os.getpid(), self.control.token, self.options.region)
        write_state(self.options.directory, state)
        if self.options.as_json:
            first = {"http": self.http, "aws": aws or None, "edge": self.edge, "pid": os.getpid()}
            sys.stdout.write(json.dumps(first) + "\n")
            sys.stdout.flush()
        self.terminal.line(f"  HTTP  {self.http}")
        self.terminal.line(f"  edge  {self.edge}")
        if aws:
            self.terminal.line(
                f"  AWS   {self.aws}  (aws --endpoint-url {self.aws} --region {self.options.region} ...)"
            )
        self.terminal.line("Ctrl-C stops it. Saving a file reloads the app.")

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        """Run something beside the server; a failure of it that nobody awaits is told."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not self.stopping.is_set():
            self.failure = error
            self.stopping.set()

    async def _end_tasks(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def bound(port: int, option: str) -> socket.socket:
    """A listening socket on this machine's own address. Raises LocalError for a port that is taken."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        one.bind((HOST, port))
        one.listen(2048)
    except (OSError, OverflowError) as error:
        one.close()
        raise LocalError(
            f"Port {port} on {HOST} cannot be used ({error.strerror if isinstance(error, OSError) else error}). "
            f"Choose another with {option}, or {option} 0 for any free one."
        ) from None
    one.setblocking(False)
    return one


def source_of(event: bytes) -> str:
    """What sent an event, in a word, for the terminal."""
    try:
        return identify(json.loads(event))
    except (ValueError, RecursionError):
        return "event"
