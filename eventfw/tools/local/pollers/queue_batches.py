"""The batches of a queue that are under way: each invokes the function, and deletes what the function is done with.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eventfw.errors import EventfwError
from eventfw.tools.local.cloud.aws import AwsError, Unanswered
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.batching import Message, event_of
from eventfw.tools.local.pollers.partial import Outcome, outcome, told
from eventfw.tools.local.pollers.poller import Surroundings, Trouble
from eventfw.tools.local.pollers.scaling import Scale
from eventfw.tools.local.pollers.sqs import SqsQueue
from eventfw.tools.local.workers.results import Result, Throttled

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds, before a throttled function is tried again


@dataclass(eq=False)
class Batch:
    """Messages that are handed over together. ``begun``: the function has them, or had them. ``waits``: it is to be
    tried again, later."""

    messages: Sequence[Message]
    begun: bool = False
    waits: bool = False


class Batches:
    """Hands batches over, each in a task of its own. ``ended`` is called when one is over, with the messages of it that
    come again."""

    def __init__(
        self,
        mapping: EventSourceMapping,
        surroundings: Surroundings,
        queue: SqsQueue,
        scale: Scale,
        trouble: Trouble,
        ended: Callable[[Sequence[Message]], None],
    ) -> None:
        self.function, self.qualifier = mapping.function, mapping.qualifier
        self.reports = "ReportBatchItemFailures" in mapping.properties.get("FunctionResponseTypes", [])
        self.lambdas, self.clock, self.terminal = surroundings.lambdas, surroundings.clock, surroundings.terminal
        self.visibility = surroundings.visibility
        self.queue = queue
        self.scale = scale
        self.trouble = trouble
        self.ended = ended
        self.failure: BaseException | None = None  # of the code, not of a function
        self._running: dict[Batch, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()  # a batch is over, or waits
        self._throttled: set[asyncio.Future[None]] = set()  # those that wait, for the clock or for another to be over

    def __len__(self) -> int:
        return len(self._running)

    @property
    def groups(self) -> set[str]:
        """The message groups of a FIFO queue that are under way."""
        return {one.group for batch in self._running for one in batch.messages} if self.queue.fifo else set()

    def begin(self, messages: Sequence[Message]) -> None:
        """Hand a batch over."""
        batch = Batch(messages)
        task = self._running[batch] = asyncio.create_task(self._process(batch))
        task.add_done_callback(lambda task: self._over(batch, task))

    async def rest(self) -> None:
        """Wait until none is with the function. One that was throttled waits for the clock, and is not waited for."""
        while any(not batch.waits for batch in self._running):
            self._changed.clear()
            await self._changed.wait()

    async def finish(self) -> None:
        """Wait for all of them."""
        await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def give_up(self) -> list[Message]:
        """End all of them; the messages that the function never had."""
        held = [one for batch in self._running if not batch.begun for one in batch.messages]
        for task in self._running.values():
            task.cancel()
        await self.finish()
        return held

    def _over(self, batch: Batch, task: asyncio.Task[None]) -> None:
        del self._running[batch]
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failure = error
        self._changed.set()
        for waiting in self._throttled:
            if not waiting.done():
                waiting.set_result(None)
        self.ended([])

    async def _process(self, batch: Batch) -> None:
        result = await self._invoked(batch)
        if result is None:
            return
        came = outcome(batch.messages, result, reports=self.reports, fifo=self.queue.fifo)
        if came.again:
            self.ended(came.again)
        await self.delete(came.done)
        notes = await self._told(came, len(batch.messages)) if came.again or came.fault else ()
        self.terminal.invocation("sqs", self.function, result.error, result.payload, result.duration_ms, notes, result)

    async def _invoked(self, batch: Batch) -> Result | None:
        """Run the function. While it is throttled, or not to be had, try again for as long as the messages are ours;
        ``None`` when they are no longer: they are received again."""
        event, pause, refused = event_of(batch.messages), FIRST_PAUSE, ""
        until = min(one.until for one in batch.messages)
        while (left := until - self.clock.time()) > 0 or not refused:
            if refused and not await self._another_over(batch, min(pause, left)):
                pause = min(pause * 2, LONGEST_PAUSE)
            try:
                batch.begun = True
                return await self.lambdas.invoke(self.function, event, qualifier=self.qualifier)
            except EventfwError as error:
                batch.begun = False
                self.scale.throttled(self.clock.time())
                if not refused and not isinstance(error, Throttled):
                    self.terminal.problem(f"{self.function} cannot take messages of {self.queue.name}: {error}")
                refused = str(error)
        some = f"{len(batch.messages)} messages come" if len(batch.messages) > 1 else "A message comes"
        self.terminal.note(f"{some} again, as {self.function} could not be invoked all the time: {refused}")
        return None

    async def _another_over(self, batch: Batch, pause: float) -> bool:
        """Wait until another batch is over, which leaves an environment, or for so long at most. Whether one is."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pausing = asyncio.ensure_future(self.clock.sleep(pause))
        self._throttled.add(over)
        batch.waits = True
        self._changed.set()
        try:
            await asyncio.wait((over, pausing), return_when=asyncio.FIRST_COMPLETED)
            return over.done()
        finally:
            batch.waits = False
            self._throttled.discard(over)
            pausing.cancel()

    async def delete(self, messages: Sequence[Message]) -> None:
        """Delete messages."""
        receipts = [one.receipt for one in messages]
        try:
            await self.queue.delete(receipts)
            self.visibility.forget(receipts)
        except (AwsError, Unanswered) as error:
            self.trouble.met(error)

    async def _told(self, came: Outcome, count: int) -> list[str]:
        try:
            redrive = (await self.queue.attributes()).redrive
        except (AwsError, Unanswered) as error:
            self.trouble.met(error)
            redrive = None
        moments = [self.visibility.until(one.receipt, one.until) for one in came.again]
        return list(told(came, count, redrive, moments))
