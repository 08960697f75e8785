"""The asynchronous queue keeps an event until it has succeeded or is given up, by Lambda's rules and on the clock."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from in_loop import in_loop

from eventfw.errors import LocalError
from eventfw.tools.local.clock import VirtualClock
from eventfw.tools.local.lambdas.asynchronous import AT_ONCE, Accepted, AsynchronousQueue, next_step, spelled
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.records import Ending
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import Result, Throttled

START = 1_000_000.0
FAILED = Result(b'{"errorMessage": "no"}', True)
DONE = Result(b"5")


class Bench:
    """A queue before a function that gives one outcome after the other; the last one stays."""

    def __init__(self, *outcomes: Result | Exception, **settings: Any) -> None:
        self.outcomes = list(outcomes)
        self.how = FunctionConfiguration("order", **settings)
        self.clock = VirtualClock(START)
        self.said = io.StringIO()
        self.attempts: list[tuple[float, str]] = []
        self.running = self.most = 0
        self.endings: list[tuple[float, Ending]] = []
        self.queue = AsynchronousQueue(self, self.deliver, self.clock, Terminal(self.said))
        self.clock.settled_by(self.queue.settle)

    def accept(self, request_id: str = "id-1", event: bytes = b'{"a": 1}') -> None:
        now = self.clock.time()
        self.queue.accept(Accepted("order", event, request_id, "s3", now, now))

    def configuration(self, function: str) -> FunctionConfiguration:
        assert function == "order"
        return self.how

    def qualified_arn(self, function: str, qualifier: str) -> str:
        return f"arn:{function}:{qualifier or '$LATEST'}"

    def is_off(self, function: str) -> bool:
        return self.how.reserved_concurrency == 0

    async def attempt(self, event: Accepted) -> tuple[Result, str]:
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        self.attempts.append((self.clock.time() - START, event.request_id))
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome, "$LATEST"

    async def deliver(self, event: Accepted, ending: Ending, how: FunctionConfiguration) -> list[str]:
        assert how is self.how
        self.endings.append((self.clock.time() - START, ending))
        return ["the record was sent to the queue failures"]

    @property
    def moments(self) -> list[float]:
        return [moment for moment, _ in self.attempts]

    @property
    def conditions(self) -> list[tuple[float, str, int]]:
        return [(moment, ending.condition, ending.attempts) for moment, ending in self.endings]


@in_loop
async def test_what_fails_is_tried_after_one_and_two_more_minutes_under_one_request_id() -> None:
    bench = Bench(FAILED)
    bench.accept()
    await bench.clock.advance(59)
    assert bench.moments == [0]
    await bench.clock.advance(121)
    assert bench.attempts == [(0, "id-1"), (60, "id-1"), (180, "id-1")]
    assert bench.conditions == [(180, "RetriesExhausted", 3)]
    assert bench.endings[0][1].result == FAILED
    said = bench.said.getvalue()
    assert "order failed, and will be tried again in 1 minute (attempt 2 of 3)." in said
    assert "order failed, and will be tried again in 2 minutes (attempt 3 of 3)." in said
    assert "after 3 attempts (RetriesExhausted): the record was sent to the queue failures." in said


@in_loop
async def test_a_success_ends_it() -> None:
    bench = Bench(FAILED, DONE)
    bench.accept()
    await bench.clock.advance(1000)
    assert bench.moments == [0, 60]
    assert bench.conditions == [(60, "Success", 2)]
    assert not await bench.queue.settle()


@pytest.mark.parametrize(("retries", "moments"), [(0, [0.0]), (1, [0.0, 60.0])])
def test_the_function_says_how_often_it_is_tried(retries: int, moments: list[float]) -> None:
    @in_loop
    async def main() -> None:
        bench = Bench(FAILED, maximum_retry_attempts=retries)
        bench.accept()
        await bench.clock.advance(1000)
        assert bench.moments == moments
        assert bench.conditions == [(moments[-1], "RetriesExhausted", retries + 1)]

    main()


@in_loop
async def test_throttles_back_off_from_one_second_and_are_no_attempts() -> None:
    bench = Bench(Throttled("full"), Throttled("full"), LocalError("broken"), FAILED, DONE)
    bench.accept()
    await bench.clock.advance(1000)
    assert bench.moments == [0, 1, 3, 7, 67]
    assert bench.conditions == [(67, "Success", 2)]
    assert "order was throttled, and will be tried again in 1 second: full" in bench.said.getvalue()


@in_loop
async def test_throttles_are_retried_at_most_five_minutes_apart_until_the_event_is_too_old() -> None:
    bench = Bench(Throttled("full"), maximum_event_age=2000)
    bench.accept()
    await bench.clock.advance(3000)
    gaps = [after - before for before, after in zip(bench.moments, bench.moments[1:], strict=False)]
    assert gaps == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    [(moment, ending)] = bench.endings
    assert (moment, ending.condition, ending.attempts, ending.status) == (1711, "EventAgeExceeded", 0, 429)
    assert ending.result is None


@in_loop
async def test_an_event_that_would_be_too_old_by_its_next_attempt_is_given_up_at_once() -> None:
    bench = Bench(FAILED, maximum_event_age=60)
    bench.accept()
    await bench.clock.advance(0)
    assert bench.conditions == [(0, "EventAgeExceeded", 1)]


@in_loop
async def test_a_function_that_is_off_runs_nothing() -> None:
    bench = Bench(DONE, reserved_concurrency=0)
    bench.accept()
    await bench.clock.advance(0)
    assert bench.attempts == []
    assert bench.conditions == [(0, "ZeroReservedConcurrency", 0)]
    assert "at once, its reserved_concurrency being 0" in bench.said.getvalue()


@in_loop
async def test_settings_are_those_of_the_moment() -> None:
    bench = Bench(FAILED)
    bench.accept()
    await bench.clock.advance(1)
    bench.how = FunctionConfiguration("order", maximum_retry_attempts=1)  # a reload
    await bench.clock.advance(1000)
    assert bench.conditions == [(60, "RetriesExhausted", 2)]


@in_loop
async def test_events_of_a_function_begin_in_their_order_and_no_more_than_it_has_environments() -> None:
    bench = Bench(DONE)
    for number in range(50):
        bench.accept(str(number))
    await bench.clock.advance(0)
    assert [request for _, request in bench.attempts] == list(map(str, range(50)))
    assert bench.most == AT_ONCE


@in_loop
async def test_a_fault_of_ours_is_told_and_harms_no_other_event() -> None:
    bench = Bench(RuntimeError("oh"), DONE)
    bench.accept()
    bench.accept("id-2")
    await bench.clock.advance(0)
    assert bench.conditions == [(0, "Success", 1)]
    said = bench.said.getvalue()
    assert "An asynchronous event of order is lost, by a fault of eventfw's own: RuntimeError('oh')" in said


@in_loop
async def test_what_waits_can_be_kept_and_taken_back() -> None:
    bench = Bench(FAILED)
    bench.accept(event='{"größe": 1}'.encode())
    await bench.clock.advance(70)
    kept = json.loads(json.dumps(bench.queue.dump()))
    assert await bench.queue.stop() == 1
    after = Bench(DONE)
    await after.clock.advance(100)
    after.queue.restore(kept)
    await after.clock.advance(79)
    assert after.attempts == []
    await after.clock.advance(1)
    assert after.attempts == [(180, "id-1")]
    [(_, ending)] = after.endings
    assert (ending.attempts, ending.event.decode()) == (3, '{"größe": 1}')
    assert after.queue.dump() == []


def test_a_wait_counts_from_the_failure() -> None:
    event = Accepted("order", b"{}", "id", "s3", accepted=0, due=0, attempts=1)
    assert next_step(event, FunctionConfiguration("order"), 50) == 60
    assert next_step(event, FunctionConfiguration("order"), 21_540) == "EventAgeExceeded"


def test_waits_are_told_in_words() -> None:
    assert [spelled(one) for one in (60, 120, 1, 2, 90, 0.5)] == [
        "1 minute",
        "2 minutes",
        "1 second",
        "2 seconds",
        "90 seconds",
        "0.5 seconds",
    ]
