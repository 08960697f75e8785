"""``eventfw local``: one asyncio process that holds the sockets, the workers, the embedded AWS and the clock.

It never imports the user's app: routes and settings reach it as data, from a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventfw.errors import EventfwError, LocalError
from eventfw.paths import HttpTable
from eventfw.resources.names import LOCAL_STAGE
from eventfw.tools.local.cdn.front import EdgeFront
from eventfw.tools.local.cdn.invalidations import Invalidations
from eventfw.tools.local.cdn.named import Named
from eventfw.tools.local.cdn.sites import Association
from eventfw.tools.local.clock import RealClock, VirtualClock
from eventfw.tools.local.cloud.control import Control
from eventfw.tools.local.cloud.door import Door
from eventfw.tools.local.cloud.embedded import Cloud, ExternalCloud
from eventfw.tools.local.cloud.infrastructure import Order, applied, told_of
from eventfw.tools.local.cloud.kept import Kept
from eventfw.tools.local.cloud.log_events import LogEvents
from eventfw.tools.local.cloud.pushes import Pushes
from eventfw.tools.local.cloud.said import Said
from eventfw.tools.local.cloud.steps import StepFunctions
from eventfw.tools.local.console import Console
from eventfw.tools.local.debugging import DebugPort
from eventfw.tools.local.lambdas.api import InvokeApi
from eventfw.tools.local.lambdas.chaos import Chaos, Spec
from eventfw.tools.local.lambdas.configuration import configurations, mappings
from eventfw.tools.local.lambdas.controls import ControlsApi
from eventfw.tools.local.lambdas.schedules import Schedules
from eventfw.tools.local.lambdas.service import Environments, LambdaService
from eventfw.tools.local.lambdas.waiting_events import WaitingEvents
from eventfw.tools.local.logs import BRIEF, TerminalLog
from eventfw.tools.local.replaying import replayed
from eventfw.tools.local.state import State, forget_state, write_state
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.watch import saves
from eventfw.tools.local.web.apis import apis_of
from eventfw.tools.local.web.asgi import PlainHttp
from eventfw.tools.local.web.direct import Direct
from eventfw.tools.local.web.fronts import Fronts
from eventfw.tools.local.web.gateway import Gateway
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.web.listening import bound, port_of, serving, url_of
from eventfw.tools.local.web.trouble import Trouble, Troubled
from eventfw.tools.local.web.websockets import WebSockets
from eventfw.tools.local.workers.limits import Limits
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.pool import Pool
from eventfw.tools.local.workers.results import BrokenApp
from eventfw.tools.local.workers.variables import of_tool

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws
    from eventfw.tools.local.lambdas.runtime_api import RuntimeApi
    from eventfw.tools.local.pollers.manager import Passing, Pollers

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

MOST_ADDRESSES = 5  # that are printed of function URLs and the like

LATE = ("eventfw.tools.local.cloud.upstream", "eventfw.tools.local.pollers.manager")  # imported while the AWS starts


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
    virtual_clock: bool = False
    concurrency: int = 1000
    chaos: Spec | None = None
    inspect: bool = False
    runtimes: tuple[str, ...] | None = None  # the functions that the Runtime API serves; empty for all
    edge_origins: tuple[Named, ...] = ()
    logs: str = BRIEF
    debug_port: int | None = None
    persist: bool = False


class LocalServer:
    """Everything that ``eventfw local`` runs, from the first socket to the last process ended."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        self.options = options
        self.terminal = terminal
        self.stopping = asyncio.Event()
        self.failure: BaseException | None = None
        self.cloud: Cloud | ExternalCloud | None = None  # once it answers, and for as long as it does
        with contextlib.ExitStack() as opened:
            self.sockets = [
                opened.enter_context(bound(port, option))
                for port, option in (
                    (options.port, "--port"),
                    (options.edge_port, "--edge-port"),
                    (options.aws_port, "--aws-port"),
                )
            ]
            self._closing = opened.pop_all()
        self.http, self.edge, self.aws = map(url_of, self.sockets)
        self.console = Console(terminal)
        self.debugging = DebugPort(options.debug_port, self._editor) if options.debug_port is not None else None
        self.log_events = LogEvents(lambda: self.client if self.cloud else None, terminal.note)
        self.pool = Pool(
            options.directory,
            endpoint=self.aws,
            app=options.app,
            region=options.region,
            edge_port=port_of(self.sockets[1]),
            http_port=port_of(self.sockets[0]),
            oversight=self._oversight(),
        )
        self.kept = Kept(options.directory) if options.persist else None
        self.clock = VirtualClock() if options.virtual_clock else RealClock()
        guard = self.guard = Guard(options.allowed_hosts)
        self.chaos = Chaos(options.chaos, terminal.note)
        self.runtimes = self._runtime_api() if options.runtimes is not None else None
        self.lambdas = LambdaService(
            self._environments(),
            terminal,
            self.clock,
            options.region,
            lambda: self.client,
            options.concurrency,
        )
        self.lambdas.chaos = self.chaos
        events = self.kept.events if self.kept is not None else None
        self.waiting = WaitingEvents(self.lambdas.queue, events, terminal) if events is not None else None
        self.client: Aws | None = None  # what the server itself asks of the AWS by, once that was started
        self.pollers: Pollers | None = None
        self.passing: Passing | None = None
        self.told: dict[str, Any] = {"mappings": [], "destinations": {}}  # what the app's stack says of Lambda
        self.said = Said()
        self.pushes = Pushes(self._followed, terminal.problem, self.said, lambda: self.client)
        step_functions = StepFunctions(lambda: self.client)
        token = self.kept.token if self.kept is not None else secrets.token_urlsafe(24)
        self.control = Control(self.lambdas, token, self.clock, step_functions, self.pushes)
        self.schedules = Schedules(self.lambdas.accept, self.clock, options.region)
        self.gateway = Gateway(HttpTable([]), self.lambdas.invoke, guard=guard, observe=terminal.exchange)
        self.fronts = Fronts(self.gateway, self.lambdas.invoke, guard=guard, observe=terminal.exchange)
        self.websockets = WebSockets(self.fronts, self.lambdas.invoke, guard=guard, observe=terminal.exchange)
        host = self.http.removeprefix("http://")
        self.front = EdgeFront(
            [],
            self.lambdas.invoke,
            self.gateway,
            origin_host=host,
            cloud=lambda: self.aws if self.cloud else None,
            region=options.region,
            named=options.edge_origins,
            now=self.clock.time,
            guard=guard,
            observe=terminal.exchange,
            tell=terminal.note,
        )
        self._announced = False
        self.clock.settled_by(self.front.cache.settle)
        self.trouble = Trouble(options.directory)
        for waiting in (self.gateway.invoke, self.websockets.invoke, self.front.hooks.invoke):
            waiting.patient = lambda: self.console.busy or self.debugging is not None
        self._following = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()

    def _oversight(self) -> Oversight:
        """Who is told of what functions print and of how invocations end."""
        oversight = Oversight(self._printed, Limits(self.terminal.problem))
        oversight.ask, oversight.leave = self.console.ask, self.console.leave
        if self.debugging is not None:
            oversight.limits.off = oversight.limits.awake = oversight.timeless = True
            oversight.debugger = self._debugged
        if self.options.logs != BRIEF:
            TerminalLog(self.terminal, self.options.logs).watch(oversight)
        if self.options.cloud:
            self.log_events.watch(oversight)
        return oversight

    def _debugged(self) -> dict[str, Any] | None:
        """Where a new worker finds the editor that debugs it."""
        return self.debugging.place if self.debugging is not None else None

    async def _editor(self, attached: bool) -> None:
        """An editor has come or gone: workers are made anew, with it or without."""
        try:
            self._take_over(await self.pool.reload())
        except EventfwError as error:
            self.terminal.problem(str(error))
        words = "An editor is attached: its breakpoints hold" if attached else "The editor has gone: handlers run on"
        self.terminal.note(f"{words}. Timeouts, memory and temporary files are not bounded.")

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM, then end everything that was started."""
        self.terminal.later = asyncio.get_running_loop().call_later
        for name in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(name, self.stopping.set)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self.terminal.flush)
            stack.enter_context(self._closing)
            if cloud := self._chosen_cloud():
                stack.push_async_callback(cloud.stop)
            stack.push_async_callback(self.pool.stop)
            if self.runtimes is not None:
                stack.push_async_callback(self.runtimes.stop)
            stack.push_async_callback(self.lambdas.stop)
            if self.waiting is not None:
                stack.push_async_callback(self.waiting.leave)
            stack.push_async_callback(self.schedules.stop)
            stack.push_async_callback(self._end_tasks)
            stack.push_async_callback(self._end_polling)
            if self.debugging is not None:
                await self.debugging.start(of_tool(self.pool.place, os.environ))
                stack.push_async_callback(self.debugging.stop)
                self._spawn(self.debugging.watch())
            starting = self._spawn(self._start_cloud(cloud)) if cloud else None
            self._spawn(self._watch())
            if await self._unless_stopped(self._load()):
                stack.push_async_callback(self._serve())
                if await self._unless_stopped(self._bring_up(starting)):
                    stack.callback(forget_state, self.options.directory, os.getpid())
                    self._announce()
                    await self.stopping.wait()
            self.console.close()
            if self.failure is None:
                self.terminal.note("Stopping ...")
        if self.failure is not None:
            raise self.failure

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Wait for something, unless the server is stopped first. Whether it was done."""
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

    async def _load(self) -> None:
        """Load the app, and say that it is served, which it is from now on: the sockets have been listening."""
        begun = time.perf_counter()
        description = await self.pool.start()
        self._take_over(description)
        if self.runtimes is not None and (missing := self.runtimes.missing()):
            names = ", ".join(description["functions"])
            raise LocalError(f"The app has no function {missing[0]!r}, named by --runtime-api. It has: {names}.")
        spent = (time.perf_counter() - begun) * 1000
        self.terminal.good(f"Serving {description['app']} on {self.http} after {spent:.0f} ms")

    def _chosen_cloud(self) -> Cloud | ExternalCloud | None:
        """The AWS that the options ask for, not yet started."""
        if not self.options.cloud:
            return None
        if self.options.cloud_endpoint:
            return ExternalCloud(self.options.cloud_endpoint)
        port, token = port_of(self.sockets[2]), self.control.token
        return Cloud(port, report=self.terminal.note, kept=self.kept, token=token)

    async def _start_cloud(self, cloud: Cloud | ExternalCloud) -> None:
        """Start the AWS and, when it is the embedded one, watch over it."""
        await asyncio.gather(cloud.start(), asyncio.to_thread(list, map(importlib.import_module, LATE)))
        self.cloud = cloud
        self._begin_polling()
        if isinstance(cloud, Cloud):
            self._spawn(self._mind(cloud))

    def _begin_polling(self) -> None:
        """Make what polls event sources, which imports the client library. Mappings come when the app's stack is up."""
        from eventfw.tools.local.cloud.aws import Aws
        from eventfw.tools.local.pollers.manager import Passing, Pollers, Positions, Surroundings, Visibility

        self.client = Aws(lambda: self.cloud.endpoint_url if self.cloud else None, self.options.region)
        visibility = Visibility(self.client, self.clock, self.terminal)
        positions = Positions(self.kept.positions if self.kept is not None else None)
        surroundings = Surroundings(self.client, self.lambdas, self.clock, self.terminal, visibility, positions)
        self.pollers = Pollers(surroundings, self._spawn)
        self.passing = Passing(self.pollers.wake, self.pollers.refresh, visibility)

    async def _end_polling(self) -> None:
        if self.pollers is not None:
            await self.pollers.stop()
        await self.log_events.stop()
        if self.client is not None:
            await self.client.close()

    async def _mind(self, cloud: Cloud) -> None:
        """Say so when the embedded AWS ends by itself. The rest goes on."""
        failure = await cloud.ended()
        self.cloud = None
        self.terminal.problem(str(failure))
        left = "a new, empty AWS" if self.kept is None else "an AWS as it was at the start, with the objects of buckets"
        self.terminal.note(f"HTTP, the edge and schedules go on. Start eventfw local again for {left}.")

    async def _bring_up(self, starting: asyncio.Task[Any] | None) -> None:
        """Wait for the AWS, and put the app's own stack into it."""
        async with self._following:
            if starting is not None:
                await starting
                await self._apply()
            if self.waiting is not None:
                self._spawn(self.waiting.keep())

    def _serve(self) -> Callable[[], Awaitable[None]]:
        """Begin to answer on all sockets; returns what ends it."""
        door = Door(
            lambda: self.cloud.endpoint_url if self.cloud else None,
            control=self.control,
            invoke=InvokeApi(self.lambdas),
            controls=ControlsApi(self.lambdas),
            guard=self.guard,
            note=self.terminal.note,
            onlookers=lambda: (self.passing, self.said) if self.passing is not None else (self.said,),
        )
        invalidations = Invalidations(door, self.front, self.clock.now, self.guard)
        http, edge, aws = self.sockets
        web = Troubled(self.websockets, self.trouble)
        front = Troubled(PlainHttp(self.front), self.trouble)
        direct = Direct(self.websockets, self.fronts, self.gateway, self.lambdas.begin, self.trouble)
        end_serving = serving([(http, web), (edge, front), (aws, PlainHttp(invalidations))], {port_of(http): direct})

        async def end() -> None:
            await end_serving()
            await door.close()
            await self.front.close()

        return end

    def _take_over(self, description: dict[str, Any]) -> None:
        """Route by a new description of the app, from the next request on."""
        self.trouble.end()
        self.lambdas.functions = configurations(description["functions"], self.told["destinations"])
        if self.runtimes is not None:
            self.runtimes.replace(description["functions"])
            if self._announced:
                self._write_state()
        self.gateway.apis = apis_of(description["apis"])
        self.fronts.replace(description["fronts"])
        self.websockets.replace(description["websockets"])
        self.front.replace([Association(**one) for one in description["edge"]], description["distributions"])
        self.schedules.replace(description["schedules"], f"{description['app']}-{LOCAL_STAGE}")

    async def _watch(self) -> None:
        async for files in saves(self.options.directory):
            begun = time.perf_counter()
            try:
                self._take_over(await self.pool.reload())
            except BrokenApp as error:
                self.trouble.begin(error)
                self.terminal.problem(f"{error}\n{error.traceback}".rstrip())
                self.terminal.note("The app as it was last goes on serving. Mend it and save.")
                continue
            except EventfwError as error:
                self.trouble.begin(error)
                self.terminal.problem(str(error))
                continue
            spent = (time.perf_counter() - begun) * 1000
            self.terminal.good(f"Reloaded after {', '.join(files[:3])}{' ...' * (len(files) > 3)} in {spent:.0f} ms")
            self._spawn(self._follow(self.pool.generation))

    async def _followed(self) -> None:
        """Wait until no change of the app's stack is under way."""
        async with self._following:
            pass

    async def _follow(self, generation: int) -> None:
        """What comes after a reload, unless another reload has come meanwhile, which is followed by the same."""
        async with self._following:
            if generation == self.pool.generation:
                await self._apply()
                await self._replay()

    async def _apply(self) -> None:
        """Bring the app's stack in the embedded AWS up to date."""
        if self.cloud is None:
            return
        options = self.options
        order = Order(
            str(options.directory),
            options.app,
            self.cloud.endpoint_url,
            self.aws,
            options.region,
            self.control.push_url(self.aws),
        )
        try:
            answer = await applied(order)
        except EventfwError as error:
            self.terminal.problem(str(error))
            self.terminal.note("The embedded AWS is not as the app wants it. Mend the app and save.")
            return
        if answer["changed"]:
            self.terminal.good(f"The app's stack is up to date in the embedded AWS ({answer['resources']} resources)")
        for told in told_of(answer["changes"]):
            self.terminal.note(told)
        self.told = answer["lambda"]
        self.pushes.replace(self.told["subscriptions"])
        self.log_events.open()
        self.lambdas.functions = configurations(self.pool.description["functions"], self.told["destinations"])
        if self.pollers is not None:
            self.pollers.replace(mappings(self.told["mappings"]))
        if answer["names"] != self.pool.names:
            await self._renamed(answer["names"])

    async def _renamed(self, names: dict[str, str]) -> None:
        """Have the functions told what the embedded AWS has named itself, the ids of user pools for example."""
        self.pool.names = names
        try:
            self._take_over(await self.pool.reload())
        except EventfwError:
            return  # a save came meanwhile and is broken, which is told there; the next good one takes the names over
        self._spawn(self._follow(self.pool.generation))

    async def _replay(self) -> None:
        """Replay the sample events, where the user wants that."""
        if self.options.replay:
            for line in await replayed(self.pool.place, self.pool.app):
                self.terminal.line(line)

    def _printed(self, function: str, request_id: str, line: str) -> None:
        self.terminal.output(function, line)

    def _environments(self) -> Environments:
        """What runs functions: workers, or runtimes of the developer's own; and faults between, if they are wanted."""
        environments: Environments = self.runtimes or self.pool
        if self.options.chaos is not None:
            from eventfw.tools.local.lambdas.chaotic import ChaoticEnvironments

            environments = ChaoticEnvironments(
                environments, self.chaos, lambda name: self.lambdas.configuration(name).timeout, self.pool.end
            )
        if self.options.inspect:
            from eventfw.tools.local.lambdas.inspector import Inspector

            environments = Inspector(environments, self.terminal.line)
        return environments

    def _runtime_api(self) -> RuntimeApi:
        from eventfw.tools.local.lambdas.runtime_api import RuntimeApi

        options, say = self.options, self.terminal.note
        chosen = options.runtimes or ()
        return RuntimeApi(chosen, self.pool, self.pool.place, options.app or "", guard=self.guard, say=say)

    def _write_state(self) -> None:
        """Tell the other commands where everything is."""
        aws = self.aws if self.cloud is not None else ""
        runtimes = self.runtimes.environments if self.runtimes is not None else {}
        token, region = self.control.token, self.options.region
        state = State(self.http, aws, self.edge, self.aws, os.getpid(), token, region, runtimes)
        write_state(self.options.directory, state)
        self._announced = True

    def _announce(self) -> None:
        """Say where everything is, once all of it answers."""
        aws = self.aws if self.cloud is not None else ""
        self._write_state()
        if self.options.as_json and sys.stdout is not None:
            first: dict[str, Any] = {"http": self.http, "aws": aws or None, "edge": self.edge, "pid": os.getpid()}
            if self.runtimes is not None:
                first["runtimes"] = self.runtimes.environments
            sys.stdout.write(json.dumps(first) + "\n")
            sys.stdout.flush()
        self.terminal.line(f"  HTTP  {self.http}")
        for api in self.gateway.apis.named.values():
            self.terminal.line(f"  {'REST' if api.rest else 'HTTP'}  {self.http}/{api.name}")
        for name in self.websockets.apis:
            self.terminal.line(f"  WS    {self.http.replace('http', 'ws', 1)}/{name}")
        for path in self.fronts.paths[:MOST_ADDRESSES]:
            self.terminal.line(f"  HTTP  {self.http}{path}")
        self.terminal.line(f"  edge  {self.edge}")
        if aws:
            self.terminal.line(
                f"  AWS   {self.aws}  (aws --endpoint-url {self.aws} --region {self.options.region} ...)"
            )
        if self.runtimes is not None:
            for line in self.runtimes.addresses(MOST_ADDRESSES):
                self.terminal.line(line)
        if self.clock.virtual:
            self.terminal.line("  clock virtual: it stands at the moment of the start until `eventfw clock advance`")
        if self.options.chaos is not None:
            self.terminal.line(f"  chaos {self.options.chaos}")
        if self.debugging is not None:
            self.terminal.line(f"  debug 127.0.0.1:{self.options.debug_port}  (attach an editor)")
        self.terminal.line("Ctrl-C stops it. Saving a file reloads the app.")
        if self.options.replay:
            self._spawn(self._follow(self.pool.generation))

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
