"""Starting workers: what each is told, and what became of its import of the app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventfw.tools.local.workers import results, variables
from eventfw.tools.local.workers.handle import Worker
from eventfw.tools.local.workers.journal import Stream
from eventfw.tools.local.workers.lanes import Lane
from eventfw.tools.local.workers.nurseries import Nurseries
from eventfw.tools.local.workers.nursery import Nursery
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.results import BrokenApp, StartFailed, WorkerEnded
from eventfw.tools.local.workers.snapshot import Snapshot

FIRST = "api"  # the function whose first worker also describes the app: a browser asks for it first
GUESS = {"memory": 256, "timeout": 29, "environment": {}}  # its settings, until the app has said
INIT_SECONDS = 10.0  # Lambda's own limit for importing the app, added to the function's timeout
LOADS = 3  # of an app that is saved while it is loaded
INSPECT_SECONDS = 60.0  # for importing the app to describe it


@dataclass
class Loaded:
    """An app that was loaded: the worker that has it, the environment it took, what it told, and the sources."""

    worker: Worker
    environment: dict[str, str]
    told: dict[str, Any]
    snapshot: Snapshot


class Starter:
    """Starts workers of one project. ``app`` is what ``--app`` says; the ports are where distributions and APIs are."""

    def __init__(
        self,
        nurseries: Nurseries,
        oversight: Oversight,
        environ: Mapping[str, str],
        *,
        app: str,
        edge_port: int,
        http_port: int,
    ) -> None:
        self.nurseries = nurseries
        self.place = nurseries.place
        self.oversight = oversight
        self.environ = environ
        self.app = app
        self.edge_port = edge_port
        self.http_port = http_port

    async def load(self, known: dict[str, Any] | None) -> Loaded:
        """Import the app in a first worker, which describes it. ``known`` are the settings of its function, if some
        are. Raises ``BrokenApp``.

        Where a save has come meanwhile, the sources are another app's, and it is loaded again; not for ever, as a
        program may write them all the time.
        """
        nursery = await self.nurseries.fresh()
        for _ in range(LOADS - 1):
            loaded = await self._inspect(nursery, known)
            if loaded.snapshot.exact:
                return loaded
            loaded.worker.end()
        return await self._inspect(nursery, known)

    async def start(self, lane: Lane) -> Worker:
        """A worker of a function, with its generation's app imported. Raises ``StartFailed``."""
        nursery, generation = await self.nurseries.living(), lane.generation
        worker = await nursery.launch(self._stream(lane.function, lane.settings))
        spec = self._spec(worker, self._environment(lane.function, lane.settings), generation.app)
        seconds = INIT_SECONDS + lane.settings["timeout"]
        try:
            head, body = await worker.begin(spec, seconds, generation.snapshot.packed)
        except WorkerEnded as ended:
            raise StartFailed(worker.stream, "Runtime.ExitError", results.exit_words(ended.status)) from None
        except TimeoutError:
            words = results.timeout_words(lane.settings["timeout"])
            raise StartFailed(worker.stream, "Sandbox.Timedout", words) from None
        if head["op"] != "ready":
            raise StartFailed(worker.stream, head["type"], json.loads(body)["errorMessage"], body)
        return worker

    async def first(self, lane: Lane | None, loaded: Loaded) -> None:
        """Give the describing worker to ``api``'s lane if its environment is right; else have a right one made.

        Raises ``BrokenApp``.
        """
        worker = loaded.worker
        if lane is None:
            worker.end()
            return
        fitting = worker.stream.settings == self._stream(FIRST, lane.settings).settings
        if not fitting or loaded.environment != self._environment(FIRST, lane.settings):
            worker.end()
            try:
                worker = await self.start(lane)
            except StartFailed as failure:
                message = f"The first worker of {FIRST!r} did not start: {failure.words}"
                raise BrokenApp(message, error_type=failure.error_type) from None
        lane.adopt(worker)

    async def _inspect(self, nursery: Nursery, known: dict[str, Any] | None) -> Loaded:
        settings = known or GUESS
        environment = self._environment(FIRST, settings)
        worker, told = await self._inspect_in(nursery, settings, environment)
        if "problem" in told and not known:
            # The guessed settings lack what the function is granted; outside Lambda nothing is asked for.
            worker.end()
            environment = {name: value for name, value in environment.items() if name != "AWS_LAMBDA_FUNCTION_NAME"}
            worker, told = await self._inspect_in(nursery, settings, environment)
        if "problem" in told:
            worker.end()
            problem = told["problem"]
            raise BrokenApp(
                problem["message"],
                place=problem["place"],
                error_type=problem["type"],
                traceback=problem["traceback"],
                files=sorted(set(told["files"].values())),
            )
        return Loaded(worker, environment, told, Snapshot(told["files"], told["saved"]))

    async def _inspect_in(
        self, nursery: Nursery, settings: dict[str, Any], environment: dict[str, str]
    ) -> tuple[Worker, dict[str, Any]]:
        worker = await nursery.launch(self._stream(FIRST, settings))
        try:
            _, body = await worker.begin(self._spec(worker, environment, self.app, describe=True), INSPECT_SECONDS)
        except WorkerEnded as ended:
            raise BrokenApp(f"The app ended its process while it was imported: {ended}.") from None
        except TimeoutError:
            raise BrokenApp(f"Importing the app took more than {INSPECT_SECONDS:g} s.") from None
        told: dict[str, Any] = json.loads(body)
        return worker, told

    def _environment(self, function: str, settings: dict[str, Any]) -> dict[str, str]:
        return variables.of_function(function, settings, self.place, self.environ)

    def _stream(self, function: str, settings: dict[str, Any]) -> Stream:
        return Stream.of(function, settings, self.place.region)

    def _spec(self, worker: Worker, environment: dict[str, str], app: str, *, describe: bool = False) -> dict[str, Any]:
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
            "endpoint": place.endpoint,
            "region": place.region,
            "account": place.account,
            "edge_port": self.edge_port,
            "http_port": self.http_port,
        }
