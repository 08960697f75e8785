"""A queue's mapping at work: receives messages, invokes the function with batches of them, deletes what succeeded.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

from eventfw.errors import EventfwError
from eventfw.rules.criteria import FILTERS_ON_REQUEST, FilterCriteria
from eventfw.tools.local.cloud.aws import AwsError, Unanswered
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.batching import Gathering, Message, event_of, message_of
from eventfw.tools.local.pollers.partial import Outcome, outcome, told
from eventfw.tools.local.pollers.poller import Poller, Surroundings
from eventfw.tools.local.pollers.scaling import GROWTH, scale_of
from eventfw.tools.local.pollers.sqs import MOST, SqsQueue
from eventfw.tools.local.pollers.trouble import Trouble
from eventfw.tools.local.workers.results import Result, Throttled

LONG_POLL = 5  # seconds. Lambda waits for 20; a mapping that has changed waits for the last poll of the old one
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds, before a throttled function is tried again
LOOK = 0.2  # seconds of real time between two looks at a queue, by a virtual clock
GIVING_BACK = 2.0  # seconds that the end may take


@dataclass(eq=False)
class Batch:
    """A batch under way. ``begun``: the function has it, or had it. ``waits``: for the time when it is tried again."""

    messages: Sequence[Message]
    begun: bool = False
    waits: bool = False


class QueuePoller:
    """Polls one queue for one function.

    One loop receives and makes batches; each batch is a task of its own. The loop rests while nothing can be received
    and no further batch may begin; whatever may change that stirs it.
    """

    def __init__(self, mapping: EventSourceMapping, surroundings: Surroundings, previous: Poller | None = None) -> None:
        said = mapping.properties
        self.function = mapping.function
        self.queue = SqsQueue(surroundings.aws, mapping.source)
        self.lambdas, self.clock, self.terminal = surroundings.lambdas, surroundings.clock, surroundings.terminal
        self.visibility = surroundings.visibility
        self.size = int(said.get("BatchSize", 10))
        self.reports = "ReportBatchItemFailures" in said.get("FunctionResponseTypes", [])
        self.criteria = FilterCriteria(said.get("FilterCriteria") or [], "sqs", limit=FILTERS_ON_REQUEST)
        self.scale = scale_of(said)
        window = float(said.get("MaximumBatchingWindowInSeconds", 0))
        self.gathering = Gathering(self.size, window, fifo=self.queue.fifo)
        self.batches: dict[Batch, asyncio.Task[None]] = {}
        self.trouble = Trouble(surroundings, f"The queue {self.queue.name}")
        self._stirred = asyncio.Event()
        self._freed = asyncio.Event()
        self._resting = asyncio.Event()
        self._ended = asyncio.Event()
        self._woken = True
        self._draining = False
        self._failure: BaseException | None = None
        self._poll: asyncio.Task[list[Message]] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = 0.0
        self._next_look: asyncio.TimerHandle | None = None
        self._events = 0  # that happened: messages received, batches ended

    async def run(self) -> None:
        try:
            while not (self._draining and self._poll is None and not self.gathering.messages):
                self._stirred.clear()
                if not await self._step() and not self._stirred.is_set():
                    self._resting.set()
                    await self._stirred.wait()
                    self._resting.clear()
                if self._failure is not None:
                    raise self._failure
            await asyncio.gather(*self.batches.values())
        finally:
            await self._give_back()
            self._resting.set()
            self._ended.set()

    async def drain(self) -> None:
        self._draining = True
        self._stirred.set()
        await self._ended.wait()

    async def settle(self) -> bool:
        busy = False
        while not self._ended.is_set():
            before = self._events
            self._look()
            self._resting.clear()
            await self._resting.wait()
            while any(not batch.waits for batch in self.batches):
                self._freed.clear()
                await self._freed.wait()
            if self._events == before:
                break
            busy = True
        return busy

    def wake(self, source: str) -> None:
        if source == self.queue.name:
            self._look()

    def _look(self) -> None:
        """Receive at once."""
        self._woken = True
        self._stirred.set()

    async def _step(self) -> bool:
        """Do one thing that can be done now; whether there was one."""
        now = self.clock.time()
        if self.scale.allowed(now) <= len(self.batches):
            if self.scale.grows(now):
                self._stir_at(now + 1 / GROWTH)
            return False
        closed = self._draining or self.gathering.due(now)
        if closed and (messages := self.gathering.batch(now, self._busy_groups())):
            self._begin(Batch(messages))
            return True
        if self.gathering.messages and self.gathering.ends > now:
            self._stir_at(self.gathering.ends)
        return await self._receive(self._room(now))

    def _room(self, now: float) -> int:
        """How many more messages there is room for. Of a FIFO queue, none are taken that could not be handed over:
        their groups would be held up."""
        if self.queue.fifo:
            return 0 if self.gathering.messages else min(self.size, MOST)
        return (self.scale.allowed(now) - len(self.batches)) * self.size - len(self.gathering.messages)

    def _busy_groups(self) -> set[str]:
        return {one.group for batch in self.batches for one in batch.messages} if self.queue.fifo else set()

    async def _receive(self, room: int) -> bool:
        """Take in what the long poll brought, or, after something was sent, what is there. Whether there was any."""
        if self._poll is not None and self._poll.done():
            poll, self._poll = self._poll, None
            return await self._taken(poll, room)
        if self._draining or room <= 0 or self.trouble.lasts(self._stirred.set):
            return False
        if self._woken:
            self._woken = False
            if await self._taken(self._messages(room, 0), room):
                return True
        if self.visibility.takes_over:
            self._look_later()
        elif self._poll is None:
            self._poll = asyncio.create_task(self._messages(room, LONG_POLL))
            self._poll.add_done_callback(lambda _: self._stirred.set())
        return False

    async def _taken(self, receiving: Awaitable[list[Message]], room: int) -> bool:
        """Gather what is received. Whether something was."""
        try:
            messages = await receiving
        except (AwsError, Unanswered) as error:
            self.trouble.met(error)
            return False
        self.trouble.over()
        if not messages:
            self.scale.idle()
            return False
        now = self.clock.time()
        self._events += 1
        self._woken = True  # there may be more
        if len(messages) >= min(room, MOST):
            self.scale.busy(now)
        wanted = [one for one in messages if self.criteria.matches(one.record)]
        if len(wanted) < len(messages):
            await self._drop([one for one in messages if one not in wanted])
        self.gathering.add(wanted, now)
        return True

    async def _messages(self, most: int, wait: int) -> list[Message]:
        received = await self.queue.receive(most, wait, self.visibility.timeout)
        if not received:
            return []
        until = self.clock.time() + max(1.0, (await self.queue.attributes()).visibility)
        self.visibility.hide(await self.queue.url(), [one["ReceiptHandle"] for one in received], until)
        return [message_of(one, self.queue.arn, until) for one in received]

    async def _drop(self, messages: Sequence[Message]) -> None:
        """Delete what no filter takes, as Lambda does."""
        await self._delete(messages)
        why = self.criteria.mismatch(messages[0].record)
        some = f"{len(messages)} messages" if len(messages) > 1 else "A message"
        self.terminal.note(f"{some} of {self.queue.name} deleted, as {self.function}'s filters say: {why}")

    def _begin(self, batch: Batch) -> None:
        task = self.batches[batch] = asyncio.create_task(self._process(batch))

        def ended(task: asyncio.Task[None]) -> None:
            del self.batches[batch]
            self._events += 1
            if not task.cancelled() and (error := task.exception()) is not None:
                self._failure = error
            self._freed.set()
            self._stirred.set()

        task.add_done_callback(ended)

    async def _process(self, batch: Batch) -> None:
        result = await self._invoked(batch)
        if result is None:
            return
        came = outcome(batch.messages, result, reports=self.reports, fifo=self.queue.fifo)
        if came.again and self.queue.fifo:
            self.gathering.forget({one.group for one in came.again})
        await self._delete(came.done)
        notes = await self._told(came, len(batch.messages)) if came.again or came.fault else ()
        self.terminal.invocation("sqs", self.function, result.error, result.payload, result.duration_ms, notes, result)

    async def _invoked(self, batch: Batch) -> Result | None:
        """Run the function. While it is throttled, or not to be had, try again for as long as the messages are ours;
        ``None`` when they are no longer: they are received again."""
        event, pause, said = event_of(batch.messages), FIRST_PAUSE, False
        until = min(one.until for one in batch.messages)
        while True:
            self._freed.clear()
            try:
                batch.begun = True
                return await self.lambdas.invoke(self.function, event)
            except EventfwError as error:
                batch.begun = False
                self.scale.throttled(self.clock.time())
                if not said and not isinstance(error, Throttled):
                    self.terminal.problem(f"{error} Its batch of {self.queue.name} waits.")
                said = True
            if self.clock.time() + pause >= until:
                self.terminal.note(f"{self.function} was throttled: {len(batch.messages)} messages come again.")
                return None
            await self._sat_out(batch, pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _sat_out(self, batch: Batch, pause: float) -> None:
        """Wait so long, or until another batch has ended: then there is an environment more."""
        waits = [asyncio.ensure_future(self.clock.sleep(pause)), asyncio.ensure_future(self._freed.wait())]
        batch.waits = True
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            batch.waits = False
            for one in waits:
                one.cancel()

    async def _delete(self, messages: Sequence[Message]) -> None:
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
        return list(told(came, count, redrive, self._seen_at(came.again)))

    def _seen_at(self, messages: Sequence[Message]) -> list[float]:
        return [self.visibility.until(one.receipt, one.until) for one in messages]

    def _look_later(self) -> None:
        """By a virtual clock nobody waits in the embedded AWS: whatever it hands out, this loop knows of."""
        if self._next_look is not None:
            self._next_look.cancel()
        self._next_look = asyncio.get_running_loop().call_later(LOOK, self._look)

    def _stir_at(self, moment: float) -> None:
        """Look again at that moment."""
        if self._timer is not None and not self._timer.done():
            if self._timer_at <= moment:
                return
            self._timer.cancel()

        async def stir() -> None:
            await self.clock.sleep_until(moment)
            self._stirred.set()

        self._timer, self._timer_at = asyncio.create_task(stir()), moment

    async def _give_back(self) -> None:
        """At the end, have what nobody has begun to process received again."""
        held = [*self.gathering.messages]
        held += [one for batch in self.batches if not batch.begun for one in batch.messages]
        if self._next_look is not None:
            self._next_look.cancel()
        tasks = [*self.batches.values(), *filter(None, (self._poll, self._timer))]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            async with asyncio.timeout(GIVING_BACK):
                await self.queue.show([one.receipt for one in held])
        except (AwsError, Unanswered, TimeoutError) as error:
            self.trouble.met(error)
