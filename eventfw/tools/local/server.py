"""``eventfw local``: one asyncio process that holds the sockets, the workers, the embedded AWS and the clock.

It never imports the user's app: routes and settings reach it as data, from a worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import time
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from eventfw.errors import EventfwError
from eventfw.tools.local.addresses import Addresses
from eventfw.tools.local.announcing import Announcing
from eventfw.tools.local.backend import Backend
from eventfw.tools.local.clock import RealClock, VirtualClock
from eventfw.tools.local.functions import Functions
from eventfw.tools.local.gateways import Gateways
from eventfw.tools.local.options import Options
from eventfw.tools.local.replaying import replayed
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.workers.results import BrokenApp
from eventfw.tools.local.workers.variables import of_tool

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.embedded import Cloud, ExternalCloud

#: What is imported while the zygote starts and the app is loaded, so that the first answer does not wait for it.
LATE = ("eventfw.tools.local.web.serving", "eventfw.tools.local.watch", "eventfw.tools.local.cdn.invalidations")

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class LocalServer:
    """Everything that ``eventfw local`` runs, from the first socket to the last process ended."""

    def __init__(self, options: Options, terminal: Terminal) -> None:
        self.options = options
        self.terminal = terminal
        self.stopping = asyncio.Event()
        self.failure: BaseException | None = None
        self.addresses = Addresses(options)
        self.clock = VirtualClock() if options.virtual_clock else RealClock()
        self.guard = Guard(options.allowed_hosts)
        self.backend = backend = Backend(options, self.addresses, terminal, self.clock, self.guard)
        self.functions = Functions(
            options,
            self.addresses,
            terminal,
            self.clock,
            self.guard,
            lambda: backend.client,
            backend.log_events,
            self._renewed,
        )
        backend.join(self.functions.service, self._spawn)
        self.gateways = Gateways(
            options,
            self.addresses,
            self.functions,
            terminal,
            self.clock,
            self.guard,
            lambda: backend.address or None,
        )
        self.announcing = Announcing(options, self.functions, self.gateways, backend)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Serve until SIGINT or SIGTERM, then end everything that was started."""
        self.terminal.later = asyncio.get_running_loop().call_later
        for name in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(name, self.stopping.set)
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self.terminal.flush)
            stack.enter_context(self.addresses)
            cloud = await self._start(stack)
            if await self._unless_stopped(self._load()):
                self._serve(stack)
                if await self._unless_stopped(self._bring_up(cloud)):
                    stack.callback(self.announcing.forget_state)
                    self._announce()
                    await self.stopping.wait()
            self.functions.console.close()
            if self.failure is None:
                self.terminal.note("Stopping ...")
        if self.failure is not None:
            raise self.failure

    async def _start(self, stack: contextlib.AsyncExitStack) -> Cloud | ExternalCloud | None:
        """Have ``stack`` end all that will be started, the last first. Gives the AWS, which is started when the app
        answers: on a machine with few cores both would take as long as one after the other."""
        backend, functions, cloud = self.backend, self.functions, self.backend.chosen()
        if cloud is not None:
            stack.push_async_callback(cloud.stop)
            stack.push_async_callback(backend.close)
        stack.push_async_callback(functions.pool.stop)
        if functions.runtimes is not None:
            stack.push_async_callback(functions.runtimes.stop)
        stack.push_async_callback(functions.service.stop)
        if backend.waiting is not None:
            stack.push_async_callback(backend.waiting.leave)
        stack.push_async_callback(self.gateways.schedules.stop)
        stack.push_async_callback(self._end_tasks)
        stack.push_async_callback(backend.stop_polling)
        if functions.debugging is not None:
            await functions.debugging.start(of_tool(functions.pool.place, os.environ))
            stack.push_async_callback(functions.debugging.stop)
            self._spawn(functions.debugging.watch())
        return cloud

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
        loading = asyncio.ensure_future(self.functions.pool.start())
        await asyncio.sleep(0)  # the zygote has been started by now
        for name in LATE:
            importlib.import_module(name)
        self._spawn(self._watch())
        description = await loading
        self._take_over(description)
        self.functions.refuse_unknown()
        spent = (time.perf_counter() - begun) * 1000
        self.terminal.good(f"Serving {description['app']} on {self.addresses.http} after {spent:.0f} ms")

    def _serve(self, stack: contextlib.AsyncExitStack) -> None:
        """Answer on all sockets, until ``stack`` ends it."""
        from eventfw.tools.local.cdn.invalidations import Invalidations

        door = self.backend.door()
        stack.push_async_callback(door.close)
        invalidations = Invalidations(door, self.gateways.edge, self.clock.now, self.guard)
        stack.push_async_callback(self.gateways.serve(invalidations))
        stack.callback(self.backend.control.stop)

    async def _bring_up(self, cloud: Cloud | ExternalCloud | None) -> None:
        """Start the AWS, and put the app's own stack into it."""
        async with self.backend.changing:
            if cloud is not None:
                await self._spawn(self.backend.start(cloud))
                await self._apply()
            if self.backend.waiting is not None:
                self._spawn(self.backend.waiting.keep())

    def _announce(self) -> None:
        self.announcing.announce(self.terminal)
        if self.options.replay:
            self._spawn(self._follow(self.functions.pool.generation))

    def _take_over(self, description: dict[str, Any]) -> None:
        """Go by a new description of the app, from the next request on."""
        self.functions.replace(description["functions"], self.backend.told["destinations"])
        if self.functions.runtimes is not None and self.announcing.done:
            self.announcing.write_state()
        self.gateways.replace(description)

    async def _watch(self) -> None:
        from eventfw.tools.local.reloading import reload_at
        from eventfw.tools.local.watch import saves

        await reload_at(saves(self.options.directory), self._reload, self._spawn, self.terminal.note)

    async def _reload(self, files: list[str]) -> None:
        begun = time.perf_counter()
        try:
            self._take_over(await self.functions.pool.reload())
        except BrokenApp as error:
            self.gateways.trouble.begin(error)
            self.terminal.problem(f"{error}\n{error.traceback}".rstrip())
            self.terminal.note("The app as it was last goes on serving. Mend it and save.")
            return
        except EventfwError as error:
            self.gateways.trouble.begin(error)
            self.terminal.problem(str(error))
            return
        spent = (time.perf_counter() - begun) * 1000
        self.terminal.good(f"Reloaded after {', '.join(files[:3])}{' ...' * (len(files) > 3)} in {spent:.0f} ms")
        self._spawn(self._follow(self.functions.pool.generation))

    async def _renewed(self) -> None:
        """Make the workers anew, of the app as it is on disk."""
        try:
            self._take_over(await self.functions.pool.reload())
        except EventfwError as error:
            self.terminal.problem(str(error))

    async def _follow(self, generation: int) -> None:
        """What comes after a reload, unless another reload has come meanwhile, which is followed by the same."""
        async with self.backend.changing:
            if generation == self.functions.pool.generation:
                await self._apply()
                await self._replay()

    async def _apply(self) -> None:
        """Bring the app's stack in the embedded AWS up to date, and have the functions told what it has named itself,
        the ids of user pools for example."""
        pool = self.functions.pool
        names = await self.backend.apply()
        if names is None:
            return
        self.functions.replace(pool.description["functions"], self.backend.told["destinations"])
        if names != pool.names:
            pool.names = names
            try:
                self._take_over(await pool.reload())
            except EventfwError:
                return  # a save came meanwhile and is broken, which is told there; the next good one takes names over
            self._spawn(self._follow(pool.generation))

    async def _replay(self) -> None:
        """Replay the sample events, where the user wants that."""
        if self.options.replay:
            for line in await replayed(self.functions.pool.place, self.functions.pool.app):
                self.terminal.line(line)

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
