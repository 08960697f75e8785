"""A queue's mapping at work: receives messages, and makes batches of them for the function.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from eventfw.rules.criteria import FILTERS_ON_REQUEST, FilterCriteria
from eventfw.tools.local.cloud.aws import AwsError, Unanswered
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.batching import Gathering, Message, message_of
from eventfw.tools.local.pollers.poller import Poller, Surroundings, Trouble
from eventfw.tools.local.pollers.queue_batches import Batches
from eventfw.tools.local.pollers.scaling import GROWTH, scale_of
from eventfw.tools.local.pollers.sqs import MOST, SqsQueue

LONG_POLL = 5  # seconds. Lambda waits for 20; a mapping that has changed waits for the last poll of the old one
LOOK = 0.2  # seconds of real time between two looks at a queue, by a virtual clock
PASSED_ON = 0.005  # seconds after which a topic, bus or bucket has passed on what it was given
GIVING_BACK = 2.0  # seconds that the end may take


class QueuePoller:
    """Polls one queue for one function.

    One loop receives and makes batches; each batch is a task of its own. The loop rests while nothing can be received
    and no further batch may begin; whatever may change that stirs it.
    """

    def __init__(self, mapping: EventSourceMapping, surroundings: Surroundings, previous: Poller | None = None) -> None:
        said = mapping.properties
        self.function = mapping.function
        self.queue = SqsQueue(surroundings.aws, mapping.source)
        self.clock, self.terminal = surroundings.clock, surroundings.terminal
        self.visibility = surroundings.visibility
        self.size = int(said.get("BatchSize", 10))
        self.criteria = FilterCriteria(said.get("FilterCriteria") or [], "sqs", limit=FILTERS_ON_REQUEST)
        self.scale = scale_of(said)
        self.trouble = Trouble(surroundings, f"The queue {self.queue.name}")
        window = float(said.get("MaximumBatchingWindowInSeconds", 0))
        self.gathering = Gathering(self.size, window, fifo=self.queue.fifo)
        self.batches = Batches(mapping, surroundings, self.queue, self.scale, self.trouble, self._batch_ended)
        self.chaos, self._twice = surroundings.lambdas.chaos, list[Message]()
        self._stirred = asyncio.Event()
        self._resting = asyncio.Event()
        self._ended = asyncio.Event()
        self._woken = True
        self._draining = False
        self._receiving: asyncio.Task[list[Message]] | None = None  # what is there
        self._poll: asyncio.Task[list[Message]] | None = None  # what will be
        self._next_look: asyncio.TimerHandle | None = None
        self._fed = False  # by what is in the embedded AWS: the long poll has brought something
        self._timer: asyncio.Task[None] | None = None
        self._timer_at = 0.0
        self._events = 0  # that happened: messages received, batches ended
        if isinstance(previous, QueuePoller) and previous.queue.arn == self.queue.arn:
            self._inherit(previous)

    async def run(self) -> None:
        try:
            while not (self._draining and self._poll is None and not self.gathering.messages):
                self._stirred.clear()
                if not await self._step() and not self._stirred.is_set():
                    self._resting.set()
                    await self._stirred.wait()
                    self._resting.clear()
                if self.batches.failure is not None:
                    raise self.batches.failure
            await self.batches.finish()
        finally:
            await self._give_back()
            self._resting.set()
            self._ended.set()

    async def drain(self) -> None:
        self._draining = True
        self._stirred.set()
        await self._ended.wait()

    async def left(self) -> None:
        self._draining = True

    def _inherit(self, previous: QueuePoller) -> None:
        """Take the long poll of the one before over: what it brings is for this one's filters and function."""
        self._poll, previous._poll = previous._poll, None
        previous._stirred.set()
        if self._poll is not None:
            self._poll.add_done_callback(lambda _: self._stirred.set())

    async def settle(self) -> bool:
        busy = False
        while not self._ended.is_set():
            before = self._events
            self._look()
            self._resting.clear()
            await self._resting.wait()
            await self.batches.rest()
            if self._events == before:
                break
            busy = True
        return busy

    def wake(self, source: str) -> None:
        if source == self.queue.name:
            self._look()

    def passed_on(self) -> None:
        """A topic, bus or bucket was given something, which may come to this queue: the embedded AWS's long poll would
        see it a tenth of a second later. Queues that have never got such are left alone."""
        if self._fed and self._next_look is None:
            self._next_look = asyncio.get_running_loop().call_later(PASSED_ON, self._look)

    def _look(self) -> None:
        """Receive at once."""
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None
        self._woken = True
        self._stirred.set()

    def _batch_ended(self, again: Sequence[Message]) -> None:
        """A batch is over, or these messages of it come again: in a FIFO queue, so do those behind them."""
        if self.queue.fifo and again:
            self.gathering.forget({one.group for one in again})
        if self._twice:
            self._deliver_twice()
        self._events += 1
        self._stirred.set()

    async def _step(self) -> bool:
        """Do one thing that can be done now; whether there was one."""
        now = self.clock.time()
        if self.scale.allowed(now) <= len(self.batches):
            if self.scale.grows(now):
                self._stir_at(now + 1 / GROWTH)
            return False
        closed = self._draining or self.gathering.due(now)
        if closed and (messages := self.gathering.batch(now, self.batches.groups)):
            self.batches.begin(messages)
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

    async def _receive(self, room: int) -> bool:
        """Take in what the long poll brought, or, after something was sent, what is there. Whether one of them was."""
        if self._poll is not None and self._poll.done():
            poll, self._poll = self._poll, None
            await (self._return(poll) if self._draining else self._take(poll, room))
            return True
        if self._draining or room <= 0 or self.trouble.lasts(self._stirred.set):
            return False
        if self._woken:
            self._woken = False
            self._receiving = asyncio.create_task(self._messages(room, 0))
            await self._take(self._receiving, room)
            return True
        if self.visibility.takes_over:
            self._look_later()
        elif self._poll is None:
            self._poll = asyncio.create_task(self._messages(room, LONG_POLL))
            self._poll.add_done_callback(lambda _: self._stirred.set())
        return False

    async def _take(self, receiving: asyncio.Task[list[Message]], room: int) -> None:
        """Gather what is received."""
        try:
            messages = await asyncio.shield(receiving)  # what is on its way is not lost when the server ends
        except (AwsError, Unanswered) as error:
            self.trouble.met(error)
            self._woken = True  # the next call does not wait, and shows at once whether it can be had again
            return
        self.trouble.over()
        if not messages:
            self.scale.idle()
            return
        self._fed = self._fed or receiving is not self._receiving
        now = self.clock.time()
        self._events += 1
        self._woken = True  # there may be more
        if len(messages) >= min(room, MOST):
            self.scale.busy(now)
        wanted = [one for one in messages if self.criteria.matches(one.record)]
        if len(wanted) < len(messages):
            await self._drop([one for one in messages if one not in wanted])
        self.gathering.add(self._delivered(wanted), now)

    def _delivered(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The messages in the order in which a standard queue delivers them; some are to come a second time."""
        if self.queue.fifo:
            return messages
        self._twice += self.chaos.doubled(self.function, messages)
        return self.chaos.shuffled(self.function, messages)

    def _deliver_twice(self) -> None:
        """Deliver again what comes twice, in a batch behind that of the first time."""
        behind = [one for one in self._twice if one not in self.gathering.messages]
        self._twice = [one for one in self._twice if one not in behind]
        self.gathering.add(behind, self.clock.time())

    async def _return(self, receiving: asyncio.Task[list[Message]]) -> None:
        """Give back what is received: the mapping is gone, and no other has taken its place."""
        try:
            await self.queue.show([one.receipt for one in await receiving])
        except (AwsError, Unanswered) as error:
            self.trouble.met(error)

    async def _messages(self, most: int, wait: int) -> list[Message]:
        hidden_for = max(1.0, (await self.queue.attributes()).visibility)
        received = await self.queue.receive(most, wait, self.visibility.timeout)
        if not received:
            return []
        until = self.clock.time() + hidden_for
        self.visibility.hide(await self.queue.url(), [one["ReceiptHandle"] for one in received], until)
        return [message_of(one, self.queue.arn, until) for one in received]

    async def _drop(self, messages: Sequence[Message]) -> None:
        """Delete what no filter takes, as Lambda does."""
        await self.batches.delete(messages)
        why = self.criteria.mismatch(messages[0].record)
        some = f"{len(messages)} messages" if len(messages) > 1 else "A message"
        self.terminal.note(f"{some} of {self.queue.name} deleted: {self.function}'s filters take none such: {why}")

    def _look_later(self) -> None:
        """By a virtual clock nobody waits in the embedded AWS: whatever it hands out, this loop knows of."""
        if self._next_look is None:
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
        if self._next_look is not None:
            self._next_look.cancel()
        for task in filter(None, (self._poll, self._timer)):
            task.cancel()
        held = await self.batches.give_up() + self.gathering.messages
        try:
            async with asyncio.timeout(GIVING_BACK):
                if self._receiving is not None and not self._receiving.done():
                    held += await self._receiving
                await self.queue.show([one.receipt for one in held])
        except (AwsError, Unanswered, TimeoutError) as error:
            self.trouble.met(error)
