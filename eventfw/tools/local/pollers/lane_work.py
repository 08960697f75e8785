"""A lane of a shard at work: it waits for what is due, invokes the function, and says what became of the batch."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from eventfw.errors import EventfwError, LocalError
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.pollers.attempts import EXHAUSTED, Batch, Verdict
from eventfw.tools.local.pollers.given_up import Loss, send
from eventfw.tools.local.pollers.lane import GiveUp, Invoke, Lane, Look, Wait
from eventfw.tools.local.pollers.poller import Surroundings
from eventfw.tools.local.pollers.stream_settings import UNLIMITED, StreamSettings
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import LATEST

PATIENCE = 1.0  # seconds of real time until a shard that could not be read is asked for again
NAMESPACE = uuid.UUID("6f2f6f8e-1c1b-4c60-9d59-3a7d7f0b8a11")  # of the ids of mappings


class Activity:
    """Counts what is under way: a virtual clock waits for it before it goes on."""

    def __init__(self) -> None:
        self._count = 0
        self._over = asyncio.Event()
        self._over.set()

    @property
    def busy(self) -> bool:
        """Whether anything is."""
        return self._count > 0

    def begin(self) -> None:
        """One thing more."""
        self._count += 1
        self._over.clear()

    def end(self) -> None:
        """One thing less."""
        self._count -= 1
        if not self._count:
            self._over.set()

    async def over(self) -> None:
        """Wait until nothing is."""
        await self._over.wait()


@dataclass(frozen=True)
class Job:
    """A mapping's work: what its lanes share. ``look`` reads the shards now, and says whether anything was there."""

    mapping: EventSourceMapping
    settings: StreamSettings
    surroundings: Surroundings
    activity: Activity
    look: Callable[[], Awaitable[bool]]

    @property
    def qualifier(self) -> str:
        """The version or alias that the mapping invokes, or nothing."""
        return ":".join(str(self.mapping.properties.get("FunctionName", "")).split(":")[7:])


class LaneWork:
    """Runs one lane of a shard until the shard has ended, or :meth:`stop`."""

    def __init__(self, job: Job, shard: str, lane: Lane) -> None:
        self.job = job
        self.shard = shard
        self.lane = lane
        self._stopped = False
        self._resting = False
        self._woken = asyncio.Event()
        self._request_id, self._version = "", LATEST  # of the last invocation
        job.activity.begin()

    def wake(self) -> None:
        """Something may be due: look."""
        if self._resting:
            self._resting = False
            self.job.activity.begin()
        self._woken.set()

    def stop(self) -> None:
        """Finish what is under way, and no more."""
        self._stopped = True
        self.wake()

    async def run(self) -> None:
        """Do what is due, one thing after another."""
        try:
            while not self._stopped and not self.lane.over:
                step = self.lane.next(self.job.surroundings.clock.time())
                if isinstance(step, Invoke):
                    await self._invoke(step)
                elif isinstance(step, GiveUp):
                    said = await self._given_up(step.batch, step.condition, error=False)
                    self.job.surroundings.terminal.note(f"{self.job.settings.kind} {said}")
                elif isinstance(step, Look):
                    await self._look()
                else:
                    await self._rest(step.until if isinstance(step, Wait) else None)
        finally:
            if not self._resting:
                self.job.activity.end()

    async def _rest(self, until: float | None) -> None:
        """Wait for a moment on the clock, or to be woken."""
        self._woken.clear()
        alarm = asyncio.create_task(self._alarm(until)) if until is not None else None
        self._resting = True
        self.job.activity.end()
        try:
            await self._woken.wait()
        finally:
            if alarm is not None:
                alarm.cancel()

    async def _alarm(self, until: float) -> None:
        await self.job.surroundings.clock.sleep_until(until)
        self.wake()

    async def _look(self) -> None:
        """Have the shard read. Where that does not help, the embedded AWS does not answer: wait for it in real time."""
        before = self.lane.complete
        await self.job.look()
        if self.lane.complete == before and not self._stopped:
            timer = asyncio.get_running_loop().call_later(PATIENCE, self.wake)
            try:
                await self._rest(None)
            finally:
                timer.cancel()

    async def _invoke(self, step: Invoke) -> None:
        job, (lambdas, clock, terminal) = self.job, self._means
        event, kind = step.event(self.shard, job.mapping.source), job.settings.kind
        try:
            self._version = await lambdas.versions.version(job.mapping.function, job.qualifier)
            result = await lambdas.invoke(job.mapping.function, event, qualifier=job.qualifier, version=self._version)
            if not result.error and lambdas.chaos.repeats(job.mapping.function):
                result = await lambdas.invoke(
                    job.mapping.function, event, qualifier=job.qualifier, version=self._version
                )
        except EventfwError as error:
            notes = self._notes(step, self.lane.refused(clock.time(), str(error)))
            terminal.note(f"{kind} -> {job.mapping.function} did not run: {'; '.join(notes)}")
            return
        self._request_id = result.request_id
        if result.error:
            verdict = self.lane.raised(clock.time())
        else:
            verdict = self.lane.returned(clock.time(), json.loads(result.payload or b"null"))
        notes = self._notes(step, verdict)
        if verdict.given_up is not None:
            notes.append(await self._given_up(verdict.given_up, EXHAUSTED, error=verdict.error))
        several = f", {counted(step.batch)}" if len(step.batch.records) != 1 else ""
        terminal.invocation(
            kind + several, job.mapping.function, result.error, result.payload, result.duration_ms, notes, result
        )

    @property
    def _means(self) -> tuple[LambdaService, Clock, Terminal]:
        around = self.job.surroundings
        return around.lambdas, around.clock, around.terminal

    async def _given_up(self, batch: Batch, condition: str, *, error: bool) -> str:
        """Tell the mapping's destination of records that are dropped; what was done, in words."""
        job, around = self.job, self.job.surroundings
        what = f"gave up {named(batch)} ({condition})"
        destination = job.settings.destination
        if not destination:
            return f"{what}, and has nobody to tell: the mapping names no destination of failures"
        loss = Loss(
            job.settings.kind,
            batch,
            condition,
            self.shard,
            job.mapping.source,
            around.lambdas.arn(job.mapping.function) + (f":{job.qualifier}" if job.qualifier else ""),
            str(uuid.uuid5(NAMESPACE, job.mapping.name)),
            self._request_id if batch.invocations else "",
            self._version,
            error,
        )
        try:
            return f"{what} -> {await send(loss, destination, around.clock.now(), around.aws)}"
        except LocalError as failed:
            return f"{what}, and {destination} cannot be told: {failed}"

    def _notes(self, step: Invoke, verdict: Verdict) -> list[str]:
        """What comes of an attempt, in words."""
        if not verdict.again:
            return [verdict.why] if verdict.why else []
        first = verdict.again[0]
        said = f"{verdict.why}; " if verdict.why else ""
        if len(verdict.again) > 1:
            parts = " and ".join(str(len(batch.records)) for batch in verdict.again)
            return [f"{said}{counted(step.batch)} again, in halves of {parts}"]
        wait = first.not_before - self.job.surroundings.clock.time()
        when = f"in {wait:.0f} s" if wait > 0 else "at once"
        limit = self.job.settings.maximum_retry_attempts
        quota = f" (retry {first.retries} of {limit})" if limit != UNLIMITED and first.retries else ""
        return [f"{said}{counted(first)} again {when}{quota}"]


def counted(batch: Batch) -> str:
    """A batch in words: how many records."""
    number = len(batch.records)
    return f"{number} records" if number > 1 else "1 record" if number else "the end of a window"


def named(batch: Batch) -> str:
    """A batch in words: which records."""
    number = len(batch.records)
    first = f", the first {batch.records[0].sequence}" if number > 1 else f" {batch.sequences[0]}" if number else ""
    return counted(batch) + first
