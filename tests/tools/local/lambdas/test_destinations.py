"""Destinations and dead-letter queues of every kind are sent to as Lambda does."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from in_loop import in_loop

from eventfw.errors import LocalError
from eventfw.tools.local.clock import VirtualClock
from eventfw.tools.local.lambdas.asynchronous import Accepted
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.destinations import AT_ONCE, RECURSION, Destinations
from eventfw.tools.local.lambdas.records import Ending
from eventfw.tools.local.workers.results import Result

HERE = "us-east-1:000000000000"
QUEUE = f"arn:aws:sqs:{HERE}:failures"
TOPIC = f"arn:aws:sns:{HERE}:alerts"
BUS = f"arn:aws:events:{HERE}:event-bus/shop"
FUNCTION = f"arn:aws:lambda:{HERE}:function:mend:live"
ARN = f"arn:aws:lambda:{HERE}:function:order:$LATEST"
ENDING = Ending("RetriesExhausted", ARN, "id-1", b'{"a": 1}', 3, Result(b'{"errorMessage": "no"}', True))


class Bench:
    """Destinations before an AWS that keeps what it is asked; also takes what goes to functions."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.accepted: list[dict[str, Any]] = []
        self.fails = False
        self.functions = {"mend": FunctionConfiguration("mend")}
        clock = VirtualClock(1_772_344_800.0)  # 2026-03-01T06:00:00Z
        self.destinations = Destinations(lambda: self, self.accept, lambda: self.functions, clock)  # type: ignore

    def accept(self, function: str, event: bytes, **how: Any) -> None:
        self.accepted.append({"function": function, "event": json.loads(event), **how})

    async def call(self, service: str, action: str, sent: dict[str, Any]) -> dict[str, Any]:
        if self.fails:
            raise LocalError("no such queue")
        self.asked.append((service, action, sent))
        return {"QueueUrl": "http://queue", "FailedEntryCount": 0}

    async def query(self, service: str, version: str, action: str, sent: dict[str, str]) -> None:
        self.asked.append((service, action, sent))

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self.asked.append((bucket, key, json.loads(body)))

    async def deliver(self, ending: Ending = ENDING, depth: int = 0, **where: str) -> list[str]:
        event = Accepted("order", ending.event, ending.request_id, "s3", 0, 0, depth=depth)
        return await self.destinations.deliver(event, ending, FunctionConfiguration("order", **where))  # type: ignore


@in_loop
async def test_a_dead_letter_is_the_event_with_attributes_and_comes_beside_the_record() -> None:
    bench = Bench()
    told = await bench.deliver(dead_letter=QUEUE, on_failure=QUEUE)
    assert told == ["the event was sent to the queue failures", "the record was sent to the queue failures"]
    [letter, made] = [sent for _, action, sent in bench.asked if action == "SendMessage"]
    assert letter["MessageBody"] == '{"a": 1}'
    assert letter["MessageAttributes"]["ErrorCode"] == {"DataType": "Number", "StringValue": "200"}
    assert "MessageAttributes" not in made
    assert json.loads(made["MessageBody"])["timestamp"] == "2026-03-01T06:00:00.000Z"


@in_loop
async def test_a_topic_gets_attributes_too() -> None:
    bench = Bench()
    await bench.deliver(dead_letter=TOPIC)
    [(_, action, sent)] = bench.asked
    assert (action, sent["TopicArn"], sent["Message"]) == ("Publish", TOPIC, '{"a": 1}')
    assert sent["MessageAttributes.entry.2.Name"] == "ErrorCode"
    assert sent["MessageAttributes.entry.2.Value.DataType"] == "Number"


@in_loop
async def test_a_bus_gets_an_event_of_lambdas() -> None:
    bench = Bench()
    await bench.deliver(on_failure=BUS)
    success = Ending("Success", ARN, "id-1", b"1", 1, Result(b"2"))
    assert await bench.deliver(success, on_success=BUS, on_failure=QUEUE, dead_letter=QUEUE) == [
        "the record was sent to the bus shop"
    ]
    [failed, done] = [sent["Entries"][0] for _, _, sent in bench.asked]
    assert (failed["EventBusName"], failed["Source"], failed["Time"]) == ("shop", "lambda", 1_772_344_800)
    assert failed["DetailType"] == "Lambda Function Invocation Result - Failure"
    assert done["DetailType"] == "Lambda Function Invocation Result - Success"
    assert failed["Resources"] == [BUS, ARN]
    assert json.loads(done["Detail"])["responsePayload"] == 2


@in_loop
async def test_a_bucket_gets_an_object_named_by_function_and_time() -> None:
    bench = Bench()
    await bench.deliver(on_failure="arn:aws:s3:::lost")
    [(bucket, key, body)] = bench.asked
    assert bucket == "lost"
    assert re.fullmatch(r"aws/lambda/async/order/2026/03/01/2026-03-01T06\.00\.00-[0-9a-f-]{36}", key)
    assert body["requestContext"]["approximateInvokeCount"] == 3


@in_loop
async def test_a_function_is_invoked_asynchronously_until_it_is_a_loop() -> None:
    bench = Bench()
    await bench.deliver(on_failure=FUNCTION, depth=2)
    [accepted] = bench.accepted
    assert (accepted["function"], accepted["qualifier"], accepted["depth"]) == ("mend", "live", 3)
    assert accepted["event"]["requestContext"]["condition"] == "RetriesExhausted"
    [told] = await bench.deliver(on_failure=FUNCTION, depth=RECURSION)
    assert "recursive loop" in told
    [told] = await bench.deliver(on_failure=FUNCTION.replace("mend", "other"))
    assert "'other' is no function of this app" in told
    assert len(bench.accepted) == 1
    bench.functions = {"mend": FunctionConfiguration("mend", recursive_loop="Allow")}
    assert await bench.deliver(on_failure=FUNCTION, depth=RECURSION) == ["the record was sent to the function mend"]


@in_loop
async def test_what_cannot_be_sent_is_told_and_counted_and_the_other_place_still_gets_it() -> None:
    bench = Bench()
    bench.fails = True
    told = await bench.deliver(dead_letter=QUEUE, on_failure="arn:aws:s3:::lost")
    assert told[0] == "the event could not be sent to the queue failures, and is lost (no such queue)"
    assert told[1] == "the record was sent to the bucket lost"
    assert bench.destinations.failures == 1


@pytest.mark.parametrize(("arn", "limit"), [(TOPIC, 262_144), (BUS, 262_144), (QUEUE, 1_048_576)])
def test_what_is_too_large_for_the_target_is_not_sent(arn: str, limit: int) -> None:
    @in_loop
    async def main() -> None:
        bench = Bench()
        large = Ending("RetriesExhausted", ARN, "id-1", json.dumps("x" * limit).encode(), 1, Result(b"1", True))
        [told] = await bench.deliver(large, on_failure=arn)
        assert f"the target takes {limit}" in told
        assert bench.asked == []

    main()


@in_loop
async def test_thousands_that_end_at_once_are_sent_some_at_a_time() -> None:
    bench, now, most = Bench(), 0, 0

    async def call(*asked: Any) -> dict[str, Any]:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return {"QueueUrl": "http://queue"}

    bench.call = call  # type: ignore[method-assign]
    told = await asyncio.gather(*(bench.deliver(on_failure=QUEUE) for _ in range(AT_ONCE * 3)))
    assert told == [["the record was sent to the queue failures"]] * (AT_ONCE * 3)
    assert most == AT_ONCE
