"""The pool: runs functions in worker processes, reuses warm ones, and changes to new code without losing an event."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventfw.errors import LocalError
from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.tools.local.workers import results, variables
from eventfw.tools.local.workers.handle import Answer, Worker
from eventfw.tools.local.workers.journal import Stream
from eventfw.tools.local.workers.lanes import Generation, Lane, Retired
from eventfw.tools.local.workers.nursery import Nursery
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.preload import Preload
from eventfw.tools.local.workers.results import LATEST, BrokenApp, Result, StartFailed, WorkerEnded, new_request_id
from eventfw.tools.local.workers.snapshot import Snapshot

__all__ = ["BrokenApp", "Pool", "Result"]

FIRST = "api"  # the function whose first worker also describes the app: a browser asks for it first
GUESS = {"memory": 256, "timeout": 29, "environment": {}}  # its settings, until the app has said
INIT_SECONDS = 10.0  # Lambda's own limit for importing the app, added to the function's timeout
LOADS = 3  # of an app that is saved while it is loaded
INSPECT_SECONDS = 60.0  # for importing the app to describe it


class Pool:
    """Workers for the functions of one project.

    ``endpoint`` is the URL of the AWS door, which handlers' AWS calls go to; ``edge_port`` is where distributions are,
    ``http_port`` where APIs are.
    ``oversight`` is told what the workers print and do. ``limit`` workers per function and ``total`` in all exist at
    once: what the machine bears, while Lambda's own limits are the service's. Invocations beyond wait. A worker idle
    for ``idle_seconds`` ends. ``spawn`` makes
    every worker a fresh interpreter.

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
        self.place = variables.Place(str(Path(directory).resolve()), endpoint, region, account)
        self.edge_port = edge_port
        self.http_port = http_port
        self.app = app or ""
        self.oversight = oversight or Oversight()
        self.oversight.limits.workers = lambda: self.workers
        self.limit = limit
        self.total = total
        self.idle_seconds = idle_seconds
        self.environ = dict(os.environ if environ is None else environ)
        self.spawn = spawn
        self._preload = Preload(Path(self.place.directory))
        self._nursery: Nursery | None = None
        self._nurseries: set[Nursery] = set()
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
            nursery = await self._fresh_nursery()
            first, data, snapshot = await self._loaded(nursery)
            self._numbers += 1
            self._tell_names(data["description"]["functions"])
            generation = Generation(
                self._numbers, data, snapshot, self._start_worker, limit=self.limit, total=self.total
            )
            await self._adopt_first(generation, first)
            previous, self._generation = self._generation, generation
            if previous is not None:
                previous.retire()
            if self._preload.learn(data["modules"]):
                self._begin(self._renew())
            return generation.description

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        arn: str | None = None,
        version: str = LATEST,
        tenant: str = "",
    ) -> Result:
        """Run a function on an event (JSON) and wait for its outcome, which may be an error document.

        Cancelling leaves the worker to finish, as Lambda does when a caller hangs up; nobody else gets its answer.
        Raises ``LocalError`` for an unknown function, and ``Throttled`` when too many wait.
        """
        request_id = request_id or new_request_id()
        while True:
            lane = self._current().lane(function, tenant)
            try:
                worker = await lane.acquire()
            except Retired:
                continue
            except StartFailed as failure:
                return self._logged(failure.result(request_id))
            if not worker.gone:
                break
        outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def answer(result: Result) -> None:
            if not outcome.done():  # else whoever waited has been cancelled
                outcome.set_result(result)

        more: dict[str, Any] = {"arn": arn, "version": version} if arn else {}
        if client_context is not None:
            more["client"] = client_context
        if tenant:
            more["tenant"] = tenant
        worker.run(request_id, event, lane.settings["timeout"], answer, more)
        return await outcome

    def _logged(self, result: Result) -> Result:
        """The result of an event that no worker has had: its log is told of here."""
        journal, oversight = result.journal, self.oversight
        if journal is not None and oversight.begun is not None:
            oversight.begun(journal)
        if journal is not None and oversight.ended is not None:
            oversight.ended(journal)
        return result

    def begin(self, function: str, event: bytes, answer: Answer, within: float) -> bool:
        """Run a function on an event at once, if its timeout is under ``within`` seconds and a warm worker is free;
        whether it is. ``answer`` is then told the outcome. Cheaper than :meth:`invoke`, which is for all else."""
        lane = self._generation.lanes.get(function) if self._generation is not None and not self._stopped else None
        if lane is None or lane.settings["timeout"] >= within:
            return False
        worker = lane.take()
        if worker is None:
            return False
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
        await asyncio.gather(*(nursery.close() for nursery in list(self._nurseries)))
        self._nurseries.clear()

    @property
    def workers(self) -> list[Worker]:
        """The processes that there are, idle, busy, or being started or ended."""
        return [worker for nursery in self._nurseries for worker in nursery.workers.values()]

    def _current(self) -> Generation:
        if self._stopped:
            raise LocalError("The local server is stopping.")
        if self._generation is None:
            raise LocalError("The app could not be loaded yet. Mend it and save.")
        return self._generation

    async def _fresh_nursery(self) -> Nursery:
        """The zygote to fork from: the present one, unless it ended or something it imported has changed."""
        if self._stopped:
            raise LocalError("The local server is stopping.")
        nursery = self._nursery
        if nursery is None or not nursery.alive or nursery.stale():
            nursery = await self._new_nursery()
        return nursery

    async def _new_nursery(self) -> Nursery:
        nursery = Nursery(self.place, self.oversight)
        self._nurseries.add(nursery)
        try:
            await nursery.start(self._preload.wanted(), self.environ, spawn=self.spawn)
        except (LocalError, asyncio.CancelledError):
            self._nurseries.discard(nursery)
            raise
        if nursery.threaded:
            self._preload.avoid(nursery.threaded)
        previous, self._nursery = self._nursery, nursery
        if previous is not None:
            previous.retire()
            self._sweep()
        return nursery

    async def _renew(self) -> None:
        """A zygote that has the newly learned modules, made beside the present one."""
        async with self._changing:
            nursery = await self._new_nursery()
            if nursery.threaded and not self.spawn:
                await self._new_nursery()

    def _sweep(self) -> None:
        """Close retired zygotes whose last worker has ended."""
        for nursery in self._nurseries:
            if nursery.retired and not nursery.workers and not nursery.closing:
                nursery.closing = True
                self._begin(self._close(nursery))

    async def _close(self, nursery: Nursery) -> None:
        await nursery.close()
        self._nurseries.discard(nursery)

    def _begin(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _tell_names(self, functions: dict[str, Any]) -> None:
        """Have functions told the names that the AWS has made up, where it has by now."""
        for settings in functions.values():
            told = settings["environment"]
            told.update({variable: name for variable, name in self.names.items() if variable in told})

    async def _loaded(self, nursery: Nursery) -> tuple[tuple[Worker, dict[str, str]], dict[str, Any], Snapshot]:
        """A first worker, what it said of the app, and the sources that it has loaded. Where a save has come meanwhile,
        they are another app's, and it is loaded again; not for ever, as a program may write them all the time."""
        for attempts in range(LOADS, 0, -1):
            first, data = await self._inspect(nursery)
            snapshot = Snapshot(data["files"], data["saved"])
            if snapshot.exact or attempts == 1:
                break
            first[0].end()
        return first, data, snapshot

    async def _inspect(self, nursery: Nursery) -> tuple[tuple[Worker, dict[str, str]], dict[str, Any]]:
        """A first worker with the app imported, the environment it took, and what it said of the app."""
        known = self._generation is not None and self._generation.description["functions"].get(FIRST)
        settings = known or GUESS
        environment = variables.of_function(FIRST, settings, self.place, self.environ)
        worker, data = await self._inspect_in(nursery, settings, environment)
        if "problem" in data and not known:
            # The guessed settings lack what the function is granted; outside Lambda nothing is asked for.
            bare = {**environment}
            del bare["AWS_LAMBDA_FUNCTION_NAME"]
            worker.end()
            environment = bare
            worker, data = await self._inspect_in(nursery, settings, environment)
        if "problem" in data:
            worker.end()
            problem = data["problem"]
            raise BrokenApp(
                problem["message"],
                place=problem["place"],
                error_type=problem["type"],
                traceback=problem["traceback"],
                files=sorted(set(data["files"].values())),
            )
        return (worker, environment), data

    async def _inspect_in(
        self, nursery: Nursery, settings: dict[str, Any], environment: dict[str, str]
    ) -> tuple[Worker, dict[str, Any]]:
        worker = await nursery.launch(self._stream(FIRST, settings))
        worker.on_gone = lambda _: self._sweep()
        try:
            _, body = await worker.begin(self._spec(worker, environment, self.app, describe=True), INSPECT_SECONDS)
        except WorkerEnded as ended:
            raise BrokenApp(f"The app ended its process while it was imported: {ended}.") from None
        except TimeoutError:
            raise BrokenApp(f"Importing the app took more than {INSPECT_SECONDS:g} s.") from None
        data: dict[str, Any] = json.loads(body)
        return worker, data

    async def _adopt_first(self, generation: Generation, first: tuple[Worker, dict[str, str]]) -> None:
        """Keep the describing worker for ``api`` if its environment is right; else have a right one made."""
        worker, environment = first
        lane = generation.lanes.get(FIRST)
        if lane is None:
            worker.end()
            return
        fitting = worker.stream.settings == self._stream(FIRST, lane.settings).settings
        if not fitting or environment != variables.of_function(FIRST, lane.settings, self.place, self.environ):
            worker.end()
            try:
                worker = await self._start_in(generation, lane)
            except StartFailed as failure:
                message = f"The first worker of {FIRST!r} did not start: {failure.words}"
                raise BrokenApp(message, error_type=failure.error_type) from None
        lane.adopt(worker)

    async def _start_worker(self, lane: Lane) -> Worker:
        return await self._start_in(lane.generation, lane)

    async def _start_in(self, generation: Generation, lane: Lane) -> Worker:
        if self._nursery is None or not self._nursery.alive:
            await self._new_nursery()
        nursery = self._nursery
        if nursery is None:
            raise LocalError("The local server is stopping.")
        environment = variables.of_function(lane.function, lane.settings, self.place, self.environ)
        worker = await nursery.launch(self._stream(lane.function, lane.settings))
        spec = self._spec(worker, environment, generation.app, describe=False)
        spec["sources"] = generation.snapshot.sources
        try:
            head, body = await worker.begin(spec, INIT_SECONDS + lane.settings["timeout"])
        except WorkerEnded as ended:
            raise StartFailed(worker.stream, "Runtime.ExitError", results.exit_words(ended.status)) from None
        except TimeoutError:
            words = results.timeout_words(lane.settings["timeout"])
            raise StartFailed(worker.stream, "Sandbox.Timedout", words) from None
        if head["op"] != "ready":
            raise StartFailed(worker.stream, head["type"], json.loads(body)["errorMessage"], body)
        return worker

    def _stream(self, function: str, settings: dict[str, Any]) -> Stream:
        return Stream.of(function, settings, self.place.region)

    def _spec(self, worker: Worker, environment: dict[str, str], app: str, *, describe: bool) -> dict[str, Any]:
        place = self.place
        return {
            "function": worker.function,
            "arn": place.arn(worker.function),
            "environment": variables.of_worker(environment, worker.stream.name, worker.scratch),
            "storage": worker.stream.storage,
            "debugger": self.oversight.debugger(),
            "app": app,
            "directory": place.directory,
            "describe": describe,
            "sources": {},
            "endpoint": place.endpoint,
            "region": place.region,
            "account": place.account,
            "edge_port": self.edge_port,
            "http_port": self.http_port,
        }

    def _reap(self) -> None:
        """Every so often: end what has been idle for long, and zygotes that nobody uses."""
        if self._generation is not None:
            self._generation.reap(time.monotonic() - self.idle_seconds)
        self._sweep()
        self._reaper = asyncio.get_running_loop().call_later(max(0.05, self.idle_seconds / 4), self._reap)
