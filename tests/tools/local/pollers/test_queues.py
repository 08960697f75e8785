"""A queue's poller over a queue in memory: batches, failures, order, limits, throttles, and how it begins and ends."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from in_loop import in_loop
from memory_sqs import MemorySqs, refused

from eventfw.errors import LocalError
from eventfw.tools.local.clock import RealClock, VirtualClock
from eventfw.tools.local.lambdas.chaos import Chaos, Spec
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers import poller as pollers
from eventfw.tools.local.pollers import queues
from eventfw.tools.local.pollers.poller import Surroundings
from eventfw.tools.local.pollers.queues import QueuePoller
from eventfw.tools.local.pollers.visibility import Visibility
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import Result, Throttled

PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


class Function:
    """Stands for Lambda: notes the bodies of each batch; fails, waits or throttles as the test wants."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.records: list[list[dict[str, Any]]] = []
        self.failing: set[str] = set()
        self.throttles: list[LocalError] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.running = self.most = 0
        self.limit = 1000
        self.chaos = Chaos()
        self.qualifiers: set[str] = set()

    async def invoke(self, function: str, event: bytes, *, qualifier: str = "") -> Result:
        if self.throttles:
            raise self.throttles.pop()
        if self.running >= self.limit:
            raise Throttled("too many")
        self.qualifiers.add(qualifier)
        records = json.loads(event)["Records"]
        self.batches.append([one["body"] for one in records])
        self.records.append(records)
        self.running += 1
        self.most = max(self.most, self.running)
        await self.may_go_on.wait()
        self.running -= 1
        named = [{"itemIdentifier": one["messageId"]} for one in records if one["body"] in self.failing]
        if "crash" in self.failing:
            return Result(b'{"errorType": "Runtime.ExitError", "errorMessage": "gone"}', error=True)
        return Result(json.dumps({"batchItemFailures": named}).encode())


class Bench:
    """A poller, a queue, a function, a clock, and what is said."""

    def __init__(self, *, real: bool = False, queue: str = "orders", sqs: dict[str, int] | None = None, **said: Any):
        self.clock = RealClock() if real else VirtualClock(1000.0)
        self.sqs = MemorySqs(self.clock, **(sqs or {}))
        self.function = Function()
        self.said = io.StringIO()
        arn = f"arn:aws:sqs:us-east-1:000000000000:{queue}"
        name = {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:order:live"}
        self.mapping = EventSourceMapping("OrderMapping", "order", arn, {**PARTIAL, **name, **said})
        terminal, anything = Terminal(self.said), Any
        aws: anything = self.sqs
        lambdas: anything = self.function
        self.visibility = Visibility(aws, self.clock, terminal)
        self.surroundings = Surroundings(aws, lambdas, self.clock, terminal, self.visibility)
        self.poller = QueuePoller(self.mapping, self.surroundings)
        self.visibility.shown = self.poller.wake
        self.clock.settled_by(self.poller.settle)

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[QueuePoller]:
        task = asyncio.create_task(self.poller.run())
        try:
            yield self.poller
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def advance(self, seconds: float = 0) -> None:
        assert isinstance(self.clock, VirtualClock)
        await self.clock.advance(seconds)


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@in_loop
async def test_messages_are_handed_over_in_batches_and_deleted_when_they_succeeded() -> None:
    bench = Bench(BatchSize=4)
    bench.sqs.send("orders", *map(str, range(10)))
    async with bench.polling():
        await bench.advance()
    assert sorted(map(len, bench.function.batches)) == [2, 4, 4]
    assert sorted(bench.sqs.deleted) == sorted(map(str, range(10)))
    assert bench.function.qualifiers == {"live"}
    assert bench.said.getvalue().count("sqs -> order ok") == 3


@in_loop
async def test_those_that_failed_come_again_after_the_visibility_timeout_until_they_are_dead() -> None:
    bench = Bench(sqs={"visibility": 30, "receives": 2})
    bench.function.failing = {"b"}
    bench.sqs.send("orders", "a", "b")
    async with bench.polling():
        await bench.advance(29)
        assert bench.function.batches == [["a", "b"]]
        await bench.advance(1)
        assert bench.function.batches == [["a", "b"], ["b"]]
        await bench.advance(300)
    assert (bench.sqs.deleted, bench.sqs.dead) == (["a"], ["b"])
    assert "1 of 2 messages will come again at " in bench.said.getvalue()
    assert "The message, received 2 times, will be in dead at " in bench.said.getvalue()


@in_loop
async def test_an_error_brings_the_whole_batch_again() -> None:
    bench = Bench()
    bench.function.failing = {"crash"}
    bench.sqs.send("orders", "a", "b")
    async with bench.polling():
        await bench.advance()
        bench.function.failing = set()
        await bench.advance(30)
    assert bench.function.batches == [["a", "b"]] * 2
    assert "Runtime.ExitError: gone" in bench.said.getvalue()


@in_loop
async def test_what_no_filter_takes_is_deleted_and_told() -> None:
    bench = Bench(FilterCriteria={"Filters": [{"Pattern": '{"body": {"state": ["paid"]}}'}]})
    bench.sqs.send("orders", '{"state": "paid"}', '{"state": "new"}', "text")
    async with bench.polling():
        await bench.advance()
    assert bench.function.batches == [['{"state": "paid"}']]
    assert len(bench.sqs.deleted) == 3
    assert "2 messages of orders deleted: order's filters take none such: " in bench.said.getvalue()


@in_loop
async def test_a_window_gathers_until_it_is_over() -> None:
    bench = Bench(BatchSize=100, MaximumBatchingWindowInSeconds=20)
    async with bench.polling():
        for moment in range(15):
            bench.sqs.send("orders", str(moment))
            await bench.advance(1)
        assert not bench.function.batches
        await bench.advance(5)
    assert bench.function.batches == [list(map(str, range(15)))]


@in_loop
async def test_a_batch_may_have_more_than_one_call_receives() -> None:
    bench = Bench(BatchSize=1000, MaximumBatchingWindowInSeconds=1)
    bench.sqs.send("orders", *map(str, range(250)))
    async with bench.polling():
        await bench.advance(1)
    assert bench.function.batches == [list(map(str, range(250)))]
    assert len(bench.sqs.deleted) == 250


@in_loop
async def test_no_more_batches_run_at_once_than_the_mapping_says() -> None:
    bench = Bench(real=True, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    bench.sqs.send("orders", *map(str, range(7)))
    bench.function.may_go_on.clear()
    async with bench.polling():
        await until(lambda: bench.function.running == 2)
        for _ in range(50):
            await asyncio.sleep(0)
        assert bench.function.running == 2
        bench.function.may_go_on.set()
        await until(lambda: len(bench.sqs.deleted) == 7)
    assert bench.function.most == 2


@in_loop
async def test_a_fifo_queue_runs_groups_side_by_side_and_each_in_order() -> None:
    bench = Bench(real=True, queue="steps.fifo", BatchSize=1)
    bench.sqs.send("steps.fifo", "a1", "a2", group="a")
    bench.sqs.send("steps.fifo", "b1", group="b")
    bench.function.may_go_on.clear()
    async with bench.polling() as poller:
        await until(lambda: bench.function.running == 2)
        assert bench.function.batches == [["a1"], ["b1"]]
        poller.wake("steps.fifo")
        for _ in range(50):
            await asyncio.sleep(0)
        assert bench.function.running == 2
        bench.function.may_go_on.set()
        await until(lambda: len(bench.sqs.deleted) == 3)
    assert bench.function.batches == [["a1"], ["b1"], ["a2"]]


@in_loop
async def test_behind_a_failure_a_group_waits_and_others_go_on() -> None:
    bench = Bench(queue="steps.fifo", BatchSize=1)
    bench.sqs.send("steps.fifo", "a1", "a2", group="a")
    bench.sqs.send("steps.fifo", "b1", "b2", group="b")
    bench.function.failing = {"a1"}
    async with bench.polling():
        await bench.advance()
        assert bench.sqs.deleted == ["b1", "b2"]
        assert [one["count"] for one in bench.sqs.queues["steps.fifo"]] == [1, 0]
        bench.function.failing = set()
        await bench.advance(30)
    assert bench.sqs.deleted == ["b1", "b2", "a1", "a2"]


@in_loop
async def test_what_did_not_fit_into_a_batch_stays_behind_what_failed_in_it() -> None:
    bench = Bench(queue="steps.fifo")
    bodies = [letter * 2_500_000 for letter in "abc"]
    bench.sqs.send("steps.fifo", *bodies, group="g")
    bench.function.failing = {bodies[1]}
    async with bench.polling():
        await bench.advance()
        assert [len(batch) for batch in bench.function.batches] == [2]
        bench.function.failing = set()
        await bench.advance(30)
    assert bench.sqs.deleted == bodies


@in_loop
async def test_groups_side_by_side_stay_within_the_limit() -> None:
    bench = Bench(real=True, queue="steps.fifo", BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    for group in "abcd":
        bench.sqs.send("steps.fifo", group, group=group)
    bench.function.may_go_on.clear()
    async with bench.polling():
        await until(lambda: bench.function.running == 2)
        bench.function.may_go_on.set()
        await until(lambda: len(bench.sqs.deleted) == 4)
    assert bench.function.most == 2


@in_loop
async def test_all_that_sqs_knows_of_a_message_is_asked_for() -> None:
    bench = Bench()
    bench.sqs.send("orders", "a", attributes={"kind": {"DataType": "String", "StringValue": "print"}})
    async with bench.polling():
        await bench.advance()
    [[record]] = bench.function.records
    assert record["messageAttributes"]["kind"]["stringValue"] == "print"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"


@in_loop
async def test_a_throttled_batch_is_tried_again_when_another_is_over() -> None:
    bench = Bench(BatchSize=1)
    bench.function.limit = 1
    bench.function.may_go_on.clear()
    bench.sqs.send("orders", "a", "b", "c")
    async with bench.polling():
        await until(lambda: bench.function.running == 1)
        bench.function.may_go_on.set()
        await until(lambda: len(bench.sqs.deleted) == 3)
    assert bench.function.most == 1
    assert "order failed" not in bench.said.getvalue()


@in_loop
async def test_a_batch_that_is_throttled_all_the_time_comes_again() -> None:
    bench = Bench(sqs={"visibility": 10})
    bench.function.throttles = [Throttled("no room")] * 100
    bench.sqs.send("orders", "a")
    async with bench.polling():
        await bench.advance(9)
        assert "A message comes again" not in bench.said.getvalue()
        await bench.advance(1)
        assert "A message comes again, as order could not be invoked all the time: no room" in bench.said.getvalue()
        bench.function.throttles.clear()
        await bench.advance(2)
    assert bench.sqs.deleted == ["a"]


@in_loop
async def test_what_cannot_be_run_is_told_and_its_message_waits() -> None:
    bench = Bench()
    bench.function.throttles = [LocalError("No function order.")]
    bench.sqs.send("orders", "a")
    async with bench.polling():
        await bench.advance(1)
    assert "order cannot take messages of orders: No function order." in bench.said.getvalue()
    assert bench.sqs.deleted == ["a"]


@in_loop
async def test_what_sqs_goes_on_to_refuse_is_told_once_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pollers, "FIRST_PAUSE", 0.01)
    bench = Bench(real=True)
    bench.sqs.refusals = [refused()]
    bench.sqs.send("orders", "a")
    async with bench.polling():
        await until(lambda: bench.sqs.deleted == ["a"])
        assert "cannot be polled" not in bench.said.getvalue()
        bench.sqs.refusals = [refused()] * 3
        bench.sqs.send("orders", "b")
        bench.poller.wake("orders")
        await until(lambda: bench.sqs.deleted == ["a", "b"] and not bench.sqs.refusals)
        await until(lambda: "is polled again" in bench.said.getvalue())
    assert bench.said.getvalue().count("The queue orders cannot be polled: QueueDoesNotExist: no") == 1
    assert "The queue orders is polled again." in bench.said.getvalue()


@in_loop
async def test_a_message_wakes_the_poller_and_otherwise_the_long_poll_finds_it() -> None:
    bench = Bench(real=True)
    async with bench.polling() as poller:
        await until(lambda: queues.LONG_POLL in waits(bench))
        bench.sqs.send("orders", "quiet")
        await until(lambda: bench.sqs.deleted == ["quiet"])
        before = len(waits(bench))
        poller.wake("another")
        for _ in range(10):
            await asyncio.sleep(0)
        assert 0 not in waits(bench)[before:]
        poller.wake("orders")
        await until(lambda: 0 in waits(bench)[before:])


@in_loop
async def test_what_is_passed_on_is_looked_for_where_the_long_poll_has_found_such_before() -> None:
    bench = Bench(real=True)
    async with bench.polling() as poller:
        await until(lambda: queues.LONG_POLL in waits(bench))
        before = len(waits(bench))
        poller.passed_on()
        await asyncio.sleep(2 * queues.PASSED_ON)
        assert 0 not in waits(bench)[before:]
        bench.sqs.send("orders", "first")
        await until(lambda: bench.sqs.deleted == ["first"] and waits(bench)[-1] == queues.LONG_POLL)
        before = len(waits(bench))
        poller.passed_on()
        await until(lambda: 0 in waits(bench)[before:])


def waits(bench: Bench) -> tuple[int, ...]:
    """How long each call to receive was to wait."""
    return tuple(sent["WaitTimeSeconds"] for action, sent in bench.sqs.calls if action == "ReceiveMessage")


@in_loop
async def test_draining_it_finishes_what_it_holds_and_gives_back_what_comes() -> None:
    bench = Bench(real=True, BatchSize=100, MaximumBatchingWindowInSeconds=60)
    bench.sqs.send("orders", "a")
    running = asyncio.create_task(bench.poller.run())
    await until(lambda: bench.poller.gathering.messages and waits(bench)[-2:] == (0, queues.LONG_POLL))
    draining = asyncio.create_task(bench.poller.drain())
    await until(lambda: bench.sqs.deleted == ["a"])
    bench.sqs.send("orders", "b")
    await asyncio.gather(running, draining)
    assert (bench.function.batches, bench.sqs.shown) == ([["a"]], ["b"])
    assert await bench.poller.settle() is False


@in_loop
async def test_a_changed_mapping_gets_what_the_long_poll_of_the_old_one_brings() -> None:
    bench = Bench(real=True)
    old = asyncio.create_task(bench.poller.run())
    await until(lambda: waits(bench)[-1:] == (queues.LONG_POLL,))
    await bench.poller.left()
    changed = EventSourceMapping("OrderMapping", "order2", bench.mapping.source, bench.mapping.properties)
    new = asyncio.create_task(QueuePoller(changed, bench.surroundings, bench.poller).run())
    await bench.poller.drain()
    assert waits(bench).count(queues.LONG_POLL) == 1
    bench.sqs.send("orders", "a")
    await until(lambda: bench.sqs.deleted == ["a"])
    new.cancel()
    await asyncio.gather(old, new, return_exceptions=True)
    assert "sqs -> order2 ok" in bench.said.getvalue()
    assert not bench.sqs.shown


@in_loop
async def test_cancelled_it_gives_back_what_nobody_has_begun() -> None:
    bench = Bench(BatchSize=100, MaximumBatchingWindowInSeconds=60)
    bench.sqs.send("orders", "a", "b")
    async with bench.polling():
        await bench.advance(1)
    assert bench.sqs.shown == ["a", "b"]


@in_loop
async def test_stopped_it_leaves_nothing_hidden_that_only_the_virtual_clock_would_show() -> None:
    bench = Bench()
    bench.function.failing = {"a"}
    bench.sqs.send("orders", "a", "b")
    async with bench.polling():
        await bench.advance(1)
    await bench.visibility.stop()
    assert bench.sqs.shown == ["a"]


@in_loop
async def test_by_chaos_messages_come_twice_behind_their_first_time_and_never_of_a_fifo_queue() -> None:
    for queue, expected in (("orders", [["a", "b"], ["a", "b"]]), ("orders.fifo", [["a", "b"]])):
        bench = Bench(queue=queue)
        bench.poller.chaos = Chaos(Spec(duplicate=1.0, reorder=1.0 if queue != "orders" else 0.0))
        bench.sqs.send(queue, "a", "b")
        async with bench.polling():
            await bench.advance()
        assert bench.function.batches == expected
        assert sorted(set(bench.sqs.deleted)) == ["a", "b"]


@in_loop
async def test_by_chaos_the_messages_of_a_batch_come_in_another_order() -> None:
    bench = Bench()
    bench.poller.chaos = Chaos(Spec(reorder=1.0, seed=1))
    sent = list("abcdefgh")
    bench.sqs.send("orders", *sent)
    async with bench.polling():
        await bench.advance()
    [batch] = bench.function.batches
    assert batch != sent and sorted(batch) == sent
