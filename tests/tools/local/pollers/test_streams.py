"""The poller of a stream: shards side by side, lanes, where it goes on, and what a virtual clock waits for."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from in_loop import in_loop

from eventfw.tools.local.clock import RealClock, VirtualClock
from eventfw.tools.local.cloud.aws import AwsError
from eventfw.tools.local.lambdas.chaos import Chaos, Spec
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers import poller as pollers
from eventfw.tools.local.pollers import shard_work
from eventfw.tools.local.pollers.attempts import Record
from eventfw.tools.local.pollers.positions import Position, Positions
from eventfw.tools.local.pollers.shard_work import HELD
from eventfw.tools.local.pollers.shards import Page, Shard
from eventfw.tools.local.pollers.stream_settings import StreamSettings
from eventfw.tools.local.pollers.streams import StreamPoller
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import Result

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
FAILED = "arn:aws:sqs:us-east-1:000000000000:failed"
START = 1_000_000.0


class Clicks:
    """A stream in memory. A record is its own sequence number, with a key before a slash where it has one."""

    name = "clicks"

    def __init__(self, **shards: list[str]) -> None:
        self.contents = {name: list(numbers) for name, numbers in shards.items()}
        self.parents: dict[str, tuple[str, ...]] = {}
        self.listing = asyncio.Event()
        self.listing.set()
        self.starts: dict[str, str] = {}
        self.closed: set[str] = set()
        self.refusals: list[AwsError] = []
        self.expired: set[str] = set()
        self.begun: list[str] = []

    async def shards(self) -> list[Shard]:
        await self.listing.wait()
        return [Shard(name, self.parents.get(name, ()), self.starts.get(name, "")) for name in self.contents]

    async def begin(self, shard: str, settings: StreamSettings | None) -> str:
        position = settings.starting_position if settings else "TRIM_HORIZON"
        self.begun.append(f"{shard} {position}")
        return f"{shard} {len(self.contents[shard]) if position == 'LATEST' else 0}"

    async def resume(self, shard: str, position: Position) -> str:
        self.begun.append(f"{shard} {'after' if position.behind else 'at'} {position.sequence}")
        if shard not in self.contents:
            raise AwsError("ResourceNotFoundException", "gone", 400)
        before = [one for one in self.contents[shard] if int(sequence(one)) < int(position.sequence) + position.behind]
        return f"{shard} {len(before)}"

    async def read(self, iterator: str) -> Page:
        if self.refusals:
            raise self.refusals.pop()
        shard, at = iterator.split()
        if shard in self.expired:
            self.expired.discard(shard)
            raise AwsError("ExpiredIteratorException", "old", 400)
        if shard not in self.contents:
            raise AwsError("ResourceNotFoundException", "gone", 400)
        found = self.contents[shard][int(at) :]
        more = "" if shard in self.closed else f"{shard} {int(at) + len(found)}"
        return Page([{"it": one} for one in found], more, False)

    async def retention(self) -> float:
        return 86_400.0

    def arrived(self, found: dict[str, Any]) -> float:
        return START

    def sequence(self, found: dict[str, Any]) -> str:
        return sequence(found["it"])

    def event(self, found: dict[str, Any], arrival: float, shard: str, function: str) -> dict[str, Any]:
        return {"number": sequence(found["it"]), "key": found["it"].partition("/")[0], "data": "e30="}

    def record(self, event: dict[str, Any], arrival: float) -> Record:
        return Record(event["number"], event["key"], arrival, json.dumps(event).encode())


def sequence(text: str) -> str:
    return text.rpartition("/")[2]


class Function:
    """Stands for Lambda: notes the batches, fails where a batch has a bad record, waits where one is held up."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.events: list[dict[str, Any]] = []
        self.bad: set[str] = set()
        self.held: dict[str, asyncio.Event] = {}
        self.running: list[str] = []
        self.answer: Any = None
        self.chaos = Chaos()

    async def version(self, function: str, qualifier: str) -> str:
        return {"": "$LATEST", "live": "3"}[qualifier]

    async def invoke(self, function: str, event: bytes, *, qualifier: str, version: str) -> Result:
        self.invoked = (qualifier, version)
        self.events.append(json.loads(event))
        numbers = [record["number"] for record in self.events[-1]["Records"]]
        self.batches.append(numbers)
        self.running += numbers
        for number in numbers:
            if number in self.held:
                await self.held[number].wait()
        self.running = [one for one in self.running if one not in numbers]
        if self.bad & set(numbers):
            return Result(b'{"errorType": "ValueError", "errorMessage": "bad"}', error=True, request_id="r")
        return Result(json.dumps(self.answer).encode(), request_id="r")

    def arn(self, function: str) -> str:
        return f"arn:aws:lambda:us-east-1:000000000000:function:{function}"


class Queues:
    """Stands for the embedded AWS: notes what is sent to queues."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def endpoint(self) -> str:
        return "http://127.0.0.1:1"

    async def call(self, service: str, action: str, sent: dict[str, Any]) -> dict[str, Any]:
        if action == "SendMessage":
            self.sent.append(json.loads(sent["MessageBody"]))
        return {"QueueUrl": "http://127.0.0.1:1/failed"}


@dataclass
class Bench:
    stream: Clicks
    clock: RealClock = field(default_factory=lambda: VirtualClock(START))
    function: Function = field(default_factory=Function)
    queues: Queues = field(default_factory=Queues)
    positions: Positions = field(default_factory=Positions)
    said: io.StringIO = field(default_factory=io.StringIO)

    def poller(self, previous: StreamPoller | None = None, **properties: Any) -> StreamPoller:
        how: Any = {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:count", **properties}
        around: Any = SimpleNamespace(
            aws=self.queues,
            lambdas=SimpleNamespace(
                invoke=self.function.invoke, versions=self.function, arn=self.function.arn, chaos=self.function.chaos
            ),
            clock=self.clock,
            terminal=Terminal(self.said),
            positions=self.positions,
        )
        return StreamPoller(EventSourceMapping("Mapping", "count", ARN, how), around, previous, self.stream)

    @asynccontextmanager
    async def polling(self, previous: StreamPoller | None = None, **properties: Any) -> AsyncIterator[StreamPoller]:
        poller = self.poller(previous, **properties)
        self.clock.settled_by(poller.settle)
        task = asyncio.create_task(poller.run())
        await asyncio.sleep(0)
        try:
            yield poller
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def advance(self, seconds: float) -> None:
        assert isinstance(self.clock, VirtualClock)
        await self.clock.advance(seconds)


async def until(condition: Callable[[], object]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("what was waited for did not happen")


@in_loop
async def test_a_function_that_takes_its_time_holds_up_its_own_shard_only() -> None:
    bench = Bench(Clicks(a=["1", "2"], b=["3", "4"]))
    bench.function.held["1"] = asyncio.Event()
    async with bench.polling(BatchSize=1):
        await until(lambda: len(bench.function.batches) == 3)
        assert sorted(bench.function.batches) == [["1"], ["3"], ["4"]]
        bench.function.held["1"].set()
        await bench.advance(0)
        assert sorted(bench.function.batches) == [["1"], ["2"], ["3"], ["4"]]


@in_loop
async def test_by_chaos_a_batch_that_was_processed_comes_again_and_the_shard_keeps_its_order() -> None:
    bench = Bench(Clicks(a=["1", "2"]))
    bench.function.chaos = Chaos(Spec(duplicate=1.0, reorder=1.0))
    async with bench.polling(BatchSize=1):
        await bench.advance(0)
        assert bench.function.batches == [["1"], ["1"], ["2"], ["2"]]


@in_loop
async def test_batches_of_one_shard_run_at_once_and_never_two_with_the_same_key() -> None:
    bench = Bench(Clicks(a=["x/1", "y/2", "x/3", "y/4"]))
    bench.function.held = {number: asyncio.Event() for number in "1234"}
    async with bench.polling(BatchSize=1, ParallelizationFactor=10):
        await until(lambda: sorted(bench.function.running) == ["1", "2"])
        bench.function.held["1"].set()
        await until(lambda: sorted(bench.function.running) == ["2", "3"])
        assert len(bench.function.batches) == 3
        for one in bench.function.held.values():
            one.set()
        await bench.advance(0)
    assert [[n for [n] in bench.function.batches if n in pair] for pair in ("13", "24")] == [["1", "3"], ["2", "4"]]


@in_loop
async def test_a_bad_record_is_found_retried_by_the_clock_and_told_to_the_destination() -> None:
    bench = Bench(Clicks(a=["1", "2", "3", "4", "5"]))
    bench.function.bad = {"3"}
    how = {"DestinationConfig": {"OnFailure": {"Destination": FAILED}}, "BisectBatchOnFunctionError": True}
    async with bench.polling(MaximumRetryAttempts=2, **how):
        await bench.advance(0)
        assert bench.function.batches == [["1", "2", "3", "4", "5"], ["1", "2", "3"], ["1", "2"], ["3"]]
        assert "1 record again in 1 s (retry 1 of 2)" in bench.said.getvalue()
        await bench.advance(0.9)
        assert len(bench.function.batches) == 4
        await bench.advance(2.1)
        assert bench.function.batches[4:] == [["3"], ["3"], ["4", "5"]]
    [told] = bench.queues.sent
    assert told["requestContext"] == {
        "requestId": "r",
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:count",
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 5,
    }
    assert told["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    assert told["version"] == "1.0" and told["timestamp"] == "1970-01-12T13:46:43.000Z"
    assert told["KinesisBatchInfo"] == {
        "shardId": "a",
        "startSequenceNumber": "3",
        "endSequenceNumber": "3",
        "approximateArrivalOfFirstRecord": "1970-01-12T13:46:40.000Z",
        "approximateArrivalOfLastRecord": "1970-01-12T13:46:40.000Z",
        "batchSize": 1,
        "streamArn": ARN,
    }
    assert "gave up 1 record 3 (RetryAttemptsExhausted) -> the queue failed" in bench.said.getvalue()


@in_loop
async def test_a_record_that_grows_too_old_is_given_up_by_the_clock() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.bad = {"1"}
    async with bench.polling(MaximumRecordAgeInSeconds=60, DestinationConfig={"OnFailure": {"Destination": FAILED}}):
        await bench.advance(59)
        assert bench.queues.sent == []
        await bench.advance(1)
    [told] = bench.queues.sent
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"


@in_loop
async def test_what_is_filtered_out_is_passed_over_and_a_batch_of_nothing_else_invokes_nothing() -> None:
    bench = Bench(Clicks(a=["1", "2"]))
    criteria = {"Filters": [{"Pattern": json.dumps({"number": ["2"]})}]}
    async with bench.polling(FilterCriteria=criteria):
        await bench.advance(0)
        bench.stream.contents["a"] += ["3", "4"]
        await bench.advance(0)
    assert bench.function.batches == [["2"]]
    assert "2 records of clicks passed over: count's filters take none such: " in bench.said.getvalue()


@in_loop
async def test_a_changed_mapping_goes_on_behind_the_last_record_that_is_done_with() -> None:
    bench = Bench(Clicks(a=["1", "2", "3"]))
    bench.function.bad = {"2"}
    async with bench.polling(BatchSize=1) as before:
        await bench.advance(0)
        assert bench.function.batches == [["1"], ["2"]]
        await before.drain()
        bench.stream.contents["a"].append("4")
        async with bench.polling(before, BatchSize=2) as after:
            await after.settle()
            assert bench.function.batches[2:] == [["2", "3"]]
            bench.function.bad = set()
            await bench.advance(1)
    assert bench.function.batches[3:] == [["2", "3"], ["4"]]


@in_loop
async def test_a_poller_that_is_drained_while_it_lists_shards_ends() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.stream.listing = asyncio.Event()
    async with bench.polling() as poller:
        draining = asyncio.create_task(poller.drain())
        await asyncio.sleep(0.01)
        bench.stream.listing.set()
        await asyncio.wait_for(draining, 5)


@in_loop
async def test_draining_lets_the_invocation_end_and_begins_no_other() -> None:
    bench = Bench(Clicks(a=["1", "2"]))
    bench.function.held["1"] = asyncio.Event()
    async with bench.polling(BatchSize=1) as poller:
        await until(lambda: bench.function.running)
        draining = asyncio.create_task(poller.drain())
        await asyncio.sleep(0.01)
        assert not draining.done()
        bench.function.held["1"].set()
        await draining
    assert bench.function.batches == [["1"]]


@in_loop
async def test_children_of_a_shard_are_read_from_their_beginning_and_after_it() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.bad = {"2"}
    async with bench.polling(StartingPosition="LATEST") as poller:
        await poller.settle()
        bench.stream.contents["a"].append("2")
        await poller.settle()
        bench.stream.contents |= {"b": ["3"], "c": ["4"]}
        bench.stream.parents = {"b": ("a",), "c": ("a",)}
        bench.stream.closed.add("a")
        await poller.refresh("clicks")
        await poller.settle()
        assert bench.function.batches == [["2"]]
        bench.function.bad = set()
        await bench.advance(2)
    assert bench.function.batches[:2] == [["2"], ["2"]] and sorted(bench.function.batches[2:]) == [["3"], ["4"]]
    assert bench.stream.begun == ["a TRIM_HORIZON", "a after 1", "b TRIM_HORIZON", "c TRIM_HORIZON"]


@in_loop
async def test_a_shard_that_is_gone_has_ended_and_a_new_one_is_found() -> None:
    bench = Bench(Clicks(a=["1"]))
    async with bench.polling() as poller:
        await poller.settle()
        del bench.stream.contents["a"]
        bench.stream.contents["b"] = ["2"]
        bench.stream.parents["b"] = ("a",)
        await bench.advance(0)
        await bench.advance(0)
    assert bench.function.batches == [["1"], ["2"]]


@in_loop
async def test_new_shards_with_the_names_of_old_ones_are_read_from_their_beginning() -> None:
    bench = Bench(Clicks(a=["1", "2", "3"]))
    async with bench.polling() as poller:
        await poller.settle()
        bench.stream.contents["a"], bench.stream.starts["a"] = ["4"], "4"
        await poller.refresh("views")
        assert bench.function.batches == [["1", "2", "3"]]
        await poller.refresh("clicks")
        await poller.settle()
    assert bench.function.batches == [["1", "2", "3"], ["4"]]


@in_loop
async def test_a_stream_that_was_made_again_with_fewer_shards_is_read_on() -> None:
    bench = Bench(Clicks(a=["1"], b=["2"]))
    async with bench.polling() as poller:
        await poller.settle()
        bench.stream.contents, bench.stream.starts, bench.stream.expired = {"a": ["3"]}, {"a": "3"}, {"a", "b"}
        await poller.refresh("clicks")
        await poller.settle()
        assert bench.function.batches == [["1"], ["2"], ["3"]] and list(poller.works) == ["a"]


@in_loop
async def test_a_shard_with_the_name_of_one_that_is_done_with_is_read() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.stream.closed = {"a"}
    async with bench.polling() as poller:
        await poller.settle()
        bench.stream.closed, bench.stream.contents, bench.stream.starts = set(), {"a": ["2"]}, {"a": "2"}
        await poller.refresh("clicks")
        await poller.settle()
    assert bench.function.batches == [["1"], ["2"]]


@in_loop
async def test_an_iterator_that_has_expired_is_had_anew_behind_the_last_record() -> None:
    bench = Bench(Clicks(a=["1"]))
    async with bench.polling() as poller:
        await poller.settle()
        bench.stream.refusals.append(AwsError("ExpiredIteratorException", "old", 400))
        bench.stream.contents["a"].append("2")
        await poller.settle()
    assert bench.function.batches == [["1"], ["2"]]
    assert bench.stream.begun == ["a TRIM_HORIZON", "a after 1"]


@in_loop
async def test_what_the_stream_goes_on_to_refuse_is_told_once_and_tried_again() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.stream.refusals.extend([AwsError("InternalFailure", "no", 500)] * 2)
    async with bench.polling():
        await until(lambda: bench.function.batches)
    assert bench.said.getvalue().count("The stream clicks cannot be polled: InternalFailure: no") == 1


@pytest.mark.parametrize("said", [{"FilterCriteria": {"Filters": [{"Pattern": "no"}]}}, {"BatchSize": "many"}])
@in_loop
async def test_a_mapping_that_lambda_would_refuse_is_told_and_polls_nothing(said: dict[str, Any]) -> None:
    bench = Bench(Clicks(a=["1"]))
    poller = bench.poller(**said)
    await poller.run()
    assert "error: Mapping cannot poll: " in bench.said.getvalue()
    await poller.drain()
    assert await poller.settle() is False


@in_loop
async def test_a_tumbling_window_ends_by_the_clock() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.answer = {"state": {"n": 1}}
    async with bench.polling(TumblingWindowInSeconds=60):
        await bench.advance(10)
        bench.stream.contents["a"].append("2")
        await bench.advance(60)
    told = [(len(event["Records"]), event["state"], event["isFinalInvokeForWindow"]) for event in bench.function.events]
    assert told == [(1, {}, False), (1, {"n": 1}, False), (0, {"n": 1}, True)]


@in_loop
async def test_a_batching_window_is_waited_for_by_the_clock() -> None:
    bench = Bench(Clicks(a=["1"]))
    async with bench.polling(MaximumBatchingWindowInSeconds=30):
        await bench.advance(29)
        bench.stream.contents["a"].append("2")
        await bench.advance(0)
        assert bench.function.batches == []
        await bench.advance(1)
    assert bench.function.batches == [["1", "2"]]


@in_loop
async def test_a_mapping_that_was_switched_off_goes_on_where_it_was() -> None:
    bench = Bench(Clicks(a=["1", "2"]))
    async with bench.polling() as poller:
        await poller.settle()
        await poller.drain()
    bench.stream.contents["a"].append("3")
    async with bench.polling() as poller:
        await poller.settle()
    assert bench.function.batches == [["1", "2"], ["3"]]


@in_loop
async def test_the_next_run_goes_on_at_the_first_record_that_is_not_done_with(tmp_path: Path) -> None:
    bench = Bench(Clicks(a=["1", "2"], b=["3"]), positions=Positions(tmp_path / "positions.json"))
    bench.function.bad = {"2"}
    async with bench.polling(BatchSize=1) as poller:
        await poller.settle()
        assert sorted(bench.function.batches) == [["1"], ["2"], ["3"]]
    later = Bench(bench.stream, positions=Positions(tmp_path / "positions.json"))
    async with later.polling(BatchSize=1) as poller:
        await poller.settle()
    assert later.function.batches == [["2"]]
    assert bench.stream.begun[2:] == ["a at 2", "b after 3"]


@pytest.mark.parametrize("there", [[], ["1", "2"]])
@in_loop
async def test_a_mapping_at_the_end_that_has_read_nothing_misses_nothing_in_the_next_run(there: list[str]) -> None:
    first = Bench(Clicks(a=there))
    async with first.polling(StartingPosition="LATEST") as poller:
        await poller.settle()
    second = Bench(Clicks(a=[*there, "3"]), positions=first.positions)
    async with second.polling(StartingPosition="LATEST") as poller:
        await poller.settle()
        second.stream.expired.add("a")
        await poller.settle()
    assert first.function.batches == [] and second.function.batches == [["3"]]


@in_loop
async def test_the_version_that_ran_is_told() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.bad = {"1"}
    name = "arn:aws:lambda:us-east-1:000000000000:function:count:live"
    on_failure = {"OnFailure": {"Destination": FAILED}}
    async with bench.polling(FunctionName=name, MaximumRetryAttempts=0, DestinationConfig=on_failure):
        await bench.advance(0)
    assert bench.function.invoked == ("live", "3")
    [told] = bench.queues.sent
    assert told["requestContext"]["functionArn"] == name
    assert told["responseContext"]["executedVersion"] == "3"


@in_loop
async def test_a_window_goes_on_over_a_changed_mapping() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.answer = {"state": {"n": 1}}
    async with bench.polling(TumblingWindowInSeconds=60) as before:
        await bench.advance(0)
        await before.drain()
        bench.stream.contents["a"].append("2")
        async with bench.polling(before, TumblingWindowInSeconds=60, BatchSize=1):
            await bench.advance(0)
    assert [event["state"] for event in bench.function.events] == [{}, {"n": 1}]


@in_loop
async def test_a_shard_that_ended_is_finished_by_the_mapping_that_was_changed_meanwhile() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.bad = {"1"}
    async with bench.polling() as before:
        await bench.advance(0)
        del bench.stream.contents["a"]
        await before.settle()
        await before.drain()
        bench.function.bad = set()
        async with bench.polling(before, BatchSize=1):
            await bench.advance(1)
    assert bench.function.batches == [["1"], ["1"]]


@in_loop
async def test_by_a_virtual_clock_a_record_arrives_when_it_is_read() -> None:
    bench = Bench(Clicks(a=[]))
    bench.function.bad = {"1"}
    on_failure = {"OnFailure": {"Destination": FAILED}}
    async with bench.polling(MaximumRecordAgeInSeconds=60, DestinationConfig=on_failure):
        await bench.advance(100)
        bench.stream.contents["a"].append("1")
        await bench.advance(50)
        assert len(bench.function.batches) > 1 and not bench.queues.sent
        await bench.advance(50)
    [told] = bench.queues.sent
    assert told["KinesisBatchInfo"]["approximateArrivalOfFirstRecord"] == "1970-01-12T13:48:20.000Z"


@in_loop
async def test_a_record_is_given_up_when_the_stream_has_forgotten_it() -> None:
    bench = Bench(Clicks(a=["1"]))
    bench.function.bad = {"1"}
    async with bench.polling(MaximumRecordAgeInSeconds=600_000):
        await bench.advance(86_399)
        assert "gave up" not in bench.said.getvalue()
        await bench.advance(1)
    assert "gave up 1 record 1 (RecordAgeExceeded), and has nobody to tell" in bench.said.getvalue()


@in_loop
async def test_a_shard_whose_function_is_held_up_is_read_ahead_so_far_and_no_further() -> None:
    bench = Bench(Clicks(a=[str(number) for number in range(HELD + 1)]))
    bench.function.held["0"] = asyncio.Event()
    async with bench.polling(BatchSize=1) as poller:
        await poller.look()
        bench.stream.contents["a"].append("late")
        assert await poller.look() is False
        assert poller.works["a"].read_to == Position(str(HELD), behind=True)


@in_loop
async def test_large_records_are_read_ahead_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_work, "HELD_BYTES", 200)
    bench = Bench(Clicks(a=[str(number) for number in range(10)]))
    bench.function.held["0"] = asyncio.Event()
    async with bench.polling(BatchSize=1) as poller:
        await poller.look()
        bench.stream.contents["a"].append("late")
        assert await poller.look() is False
        bench.function.held["0"].set()
        await poller.settle()
        assert bench.function.batches[-1] == ["late"]


@in_loop
async def test_no_shard_is_read_twice_at_once_after_another_was_refused() -> None:
    class Slow(Clicks):
        reading = most = 0
        may_go_on = asyncio.Event()

        async def read(self, iterator: str) -> Page:
            if iterator.startswith("a") and self.begun:
                raise AwsError("InternalFailure", "no", 500)
            self.reading += 1
            self.most = max(self.most, self.reading)
            await self.may_go_on.wait()
            self.reading -= 1
            return await super().read(iterator)

    stream = Slow(a=["1"], b=["2", "3"])
    bench = Bench(stream)
    async with bench.polling() as poller:
        looking = asyncio.create_task(poller.look())
        await asyncio.sleep(2.5 * pollers.FIRST_PAUSE)
        stream.may_go_on.set()
        await looking
        assert stream.most == 1


@in_loop
async def test_the_next_run_goes_on_at_the_first_of_what_several_lanes_have_left() -> None:
    bench = Bench(Clicks(a=["x/1", "y/2", "x/3", "y/4"]))
    bench.function.bad = {"2", "3"}
    async with bench.polling(BatchSize=1, ParallelizationFactor=10) as poller:
        await poller.settle()
    assert bench.positions.of(poller.mapping) == {"a": Position("2")}
