"""The pool: runs functions in worker processes, reuses warm ones, and changes to new code without losing an event."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventfw.errors import LocalError
from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.tools.local.workers.ahead import Told
from eventfw.tools.local.workers.handle import Worker
from eventfw.tools.local.workers.lanes import Generation, Retired
from eventfw.tools.local.workers.nurseries import Nurseries
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import BrokenApp, Result, StartFailed, new_request_id
from eventfw.tools.local.workers.starting import FIRST, Loaded, Starter
from eventfw.tools.local.workers.variables import Place

__all__ = ["BrokenApp", "Pool", "Result"]


class Pool:
    """Workers for the functions of one project.

    ``endpoint`` is the URL of the AWS door, which handlers' AWS calls go to; ``edge_port`` is where distributions are,
    ``http_port`` where APIs are. ``oversight`` is told what the workers print and do. ``limit`` workers per function
    and ``total`` in all exist at once: what the machine bears, while Lambda's own limits are the service's. Invocations
    beyond wait. A worker idle for ``idle_seconds`` ends. ``spawn`` makes every worker a fresh interpreter.

    Use: ``await start()``, then ``invoke`` and, after each save, ``reload``; in the end ``await stop()``.
    """

    def __init__(
        self,
        directory: str | Path,
        *,
        endpoint: str,
        app: str | None = None,
        region: str = "us-east-1",
        account: str = LOCAL_ACCOUNT,
        edge_port: int = 0,
        http_port: int = 0,
        oversight: Oversight | None = None,
        limit: int = 10,
        total: int = 100,
        idle_seconds: float = 300.0,
        environ: Mapping[str, str] | None = None,
        spawn: bool = False,
    ) -> None:
        self.place = Place(str(Path(directory).resolve()), endpoint, region, account)
        self.app = app or ""
        self.oversight = oversight or Oversight()
        self.oversight.limits.workers = lambda: self.workers
        self.limit = limit
        self.total = total
        self.idle_seconds = idle_seconds
        environ = dict(os.environ if environ is None else environ)
        self._nurseries = Nurseries(self.place, self.oversight, environ, spawn=spawn)
        self._starter = Starter(
            self._nurseries, self.oversight, environ, app=self.app, edge_port=edge_port, http_port=http_port
        )
        self._generation: Generation | None = None
        self._numbers = 0
        self.names: dict[str, str] = {}  # by variable, what the AWS has named itself; from the next generation on
        self._changing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._reaper: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def description(self) -> dict[str, Any]:
        """What ``project.describe`` said of the app that is being served."""
        return self._current().description

    @property
    def files(self) -> tuple[str, ...]:
        """The project's source files that the app imports."""
        return self._current().files

    @property
    def generation(self) -> int:
        """How many times the app has been loaded; 0 before the first time."""
        return self._generation.number if self._generation is not None else 0

    async def start(self) -> dict[str, Any]:
        """Start the zygote, load the app and have a first worker ready. Returns the description.

        Raises ``BrokenApp`` when the app cannot be imported; ``reload`` after the next save then tries again.
        """
        self._reap()
        return await self.reload()

    async def describe(self) -> dict[str, Any]:
        """The description, of an app loaded now if none is."""
        return self.description if self._generation is not None else await self.start()

    async def reload(self) -> dict[str, Any]:
        """Load the app as it is on disk and, once a worker of it is ready, change to it. Returns the description.

        Events in flight finish with the code they began with. Raises ``BrokenApp``, and goes on serving the last good
        app, when it cannot be imported.
        """
        async with self._changing:
            if self._stopped:
                raise LocalError("The local server is stopping.")
            loaded = await self._starter.load(self._known())
            self._numbers += 1
            self._tell_names(loaded.told["description"]["functions"])
            generation = Generation(
                self._numbers, loaded.told, loaded.snapshot, self._starter.start, limit=self.limit, total=self.total
            )
            await self._starter.first(generation.lanes.get(FIRST), loaded)
            previous, self._generation = self._generation, generation
            if previous is not None:
                previous.retire()
            if self._learn(loaded):
                self._begin(self._renew())
            return generation.description

    async def invoke(self, request: InvocationRequest) -> Result:
        """Run a function on an event and wait for its outcome, which may be an error document.

        Cancelling leaves the worker to finish, as Lambda does when a caller hangs up; nobody else gets its answer.
        Raises ``LocalError`` for an unknown function, and ``Throttled`` when too many wait.
        """
        try:
            worker, seconds = await self._acquire(request.function, request.tenant)
        except StartFailed as failure:
            return self._logged(failure.result(request.request_id))
        outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def answer(result: Result) -> None:
            if not outcome.done():  # else whoever waited has been cancelled
                outcome.set_result(result)

        more: dict[str, Any] = {"arn": request.arn, "version": request.version} if request.arn else {}
        if request.client_context is not None:
            more["client"] = request.client_context
        if request.tenant:
            more["tenant"] = request.tenant
        worker.run(request.request_id, request.event, seconds, answer, more)
        return await outcome

    async def _acquire(self, function: str, tenant: str) -> tuple[Worker, float]:
        """A worker that can take an event, of the generation that is current by then, and the function's timeout."""
        while True:
            lane = self._current().lane(function, tenant)
            try:
                worker = await lane.acquire()
            except Retired:
                continue
            if not worker.gone:
                return worker, lane.settings["timeout"]

    def _logged(self, result: Result) -> Result:
        """The result of an event that no worker has had: its log is told of here."""
        journal, oversight = result.journal, self.oversight
        if journal is not None and oversight.begun is not None:
            oversight.begun(journal)
        if journal is not None and oversight.ended is not None:
            oversight.ended(journal)
        return result

    def begin(self, function: str, event: bytes, answer: Told, within: float) -> bool:
        """Run a function on an event at once, if its timeout is under ``within`` seconds and a warm worker is free, or
        has events that are over in no time; whether it is. ``answer`` is then told the outcome, or ``None`` where the
        event could not be begun after all. Cheaper than :meth:`invoke`, which is for all else."""
        lane = self._generation.lanes.get(function) if self._generation is not None and not self._stopped else None
        if lane is None or lane.settings["timeout"] >= within:
            return False
        if lane.ahead(event, answer):
            return True
        worker = lane.last = lane.take()
        if worker is None:
            return False
        if not lane.crowd or not worker.run_ahead(event, lane.settings["timeout"], answer):
            worker.run(new_request_id(), event, lane.settings["timeout"], answer)
        return True

    def end(self, function: str, result: Result) -> None:
        """End the worker that gave a result, unless it has begun with another event."""
        journal = result.journal
        lanes = [lane for lane in self._current().lanes.values() if lane.function == function]
        for worker in [worker for lane in lanes for worker in lane.idle]:
            if journal is not None and worker.stream is journal.stream:
                worker.end()

    async def stop(self) -> None:
        """End every process, and wait until they have. Invocations still in flight end with ``Runtime.ExitError``."""
        self._stopped = True
        self.oversight.limits.stop()
        if self._reaper is not None:
            self._reaper.cancel()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._generation is not None:
            self._generation.retire()
            await self._generation.cancel()
        await self._nurseries.stop()

    @property
    def workers(self) -> list[Worker]:
        """The processes that there are, idle, busy, or being started or ended."""
        return self._nurseries.workers

    def _current(self) -> Generation:
        if self._stopped:
            raise LocalError("The local server is stopping.")
        if self._generation is None:
            raise LocalError("The app could not be loaded yet. Mend it and save.")
        return self._generation

    async def _renew(self) -> None:
        """A zygote that has the newly learned modules; not while a reload uses the present one."""
        async with self._changing:
            await self._nurseries.renew()
            if self._nurseries.preload.modules:
                return
            try:  # to learn anew from a worker that found nothing imported
                loaded = await self._starter.load(self._known())
            except BrokenApp:
                return  # a save has come meanwhile: its reload tells of it, and the next good one is learned from
            loaded.worker.end()
            if self._learn(loaded):
                await self._nurseries.renew()

    def _learn(self, loaded: Loaded) -> bool:
        return self._nurseries.preload.learn(loaded.told["modules"], loaded.told["packages"])

    def _known(self) -> dict[str, Any] | None:
        """The settings of the function whose worker describes the app, if the app has said them."""
        return self._generation.description["functions"].get(FIRST) if self._generation is not None else None

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell_names(self, functions: dict[str, Any]) -> None:
        """Have functions told the names that the AWS has made up, where it has by now."""
        for settings in functions.values():
            told = settings["environment"]
            told.update({variable: name for variable, name in self.names.items() if variable in told})

    def _reap(self) -> None:
        """Every so often: end what has been idle for long."""
        if self._generation is not None:
            self._generation.reap(time.monotonic() - self.idle_seconds)
        self._reaper = asyncio.get_running_loop().call_later(max(0.05, self.idle_seconds / 4), self._reap)
