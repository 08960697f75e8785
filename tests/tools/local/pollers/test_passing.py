"""What passes the door: whom it wakes, and what becomes of requests about received messages."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import pytest
from in_loop import in_loop
from memory_sqs import MemorySqs

from eventfw.tools.local.clock import RealClock, VirtualClock
from eventfw.tools.local.pollers.passing import Passing, names_in
from eventfw.tools.local.pollers.visibility import HIDDEN, Visibility
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.asgi import HttpRequest

URL = "http://127.0.0.1:4566/000000000000/orders"
SQS_SIGNED = ("authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sqs/aws4_request, ...")


class Bench:
    def __init__(self, *, virtual: bool = True) -> None:
        self.clock = VirtualClock(1000.0) if virtual else RealClock()
        self.sqs = MemorySqs(self.clock, visibility=30)
        self.said = io.StringIO()
        aws: Any = self.sqs
        self.visibility = Visibility(aws, self.clock, Terminal(self.said))
        self.woken: list[str] = []
        self.visibility.shown = self.woken.append
        self.passing = Passing(
            self.woken.append, lambda: self.woken.append("what is sent on"), self._refresh, self.visibility
        )

    async def _refresh(self, stream: str) -> None:
        self.woken.append(f"the shards of {stream}")

    async def asked(self, action: str, answer: Any = None, *, status: int = 200, **sent: Any) -> Any:
        """What is passed on of a request of SQS's that the embedded AWS answers so."""
        request, body = target(f"AmazonSQS.{action}"), json.dumps({"QueueUrl": URL, **sent}).encode()
        passed = await self.passing.before(request, body)
        await self.passing.after(request, body, status, json.dumps(answer or {}).encode())
        return json.loads(passed)

    async def advance(self, seconds: float) -> None:
        assert isinstance(self.clock, VirtualClock)
        await self.clock.advance(seconds)

    def received(self, *names: str) -> dict[str, Any]:
        """Messages of the queue in memory, as a client has received them."""
        self.sqs.send("orders", *names)
        for one in self.sqs.queues["orders"]:
            one |= {"receipt": f"r-{one['body']}", "count": 1, "from": 1e12}
        return {"Messages": [{"ReceiptHandle": f"r-{name}"} for name in names]}


def target(action: str) -> HttpRequest:
    return HttpRequest("POST", "/", headers=[("x-amz-target", action)])


@pytest.mark.parametrize(
    ("action", "body", "names"),
    [
        ("AmazonSQS.SendMessage", {"QueueUrl": URL, "MessageBody": "x"}, ["orders"]),
        ("AmazonSQS.SendMessageBatch", {"QueueUrl": "orders", "Entries": []}, ["orders"]),
        ("Kinesis_20131202.PutRecord", {"StreamName": "clicks", "Data": ""}, ["clicks"]),
        ("Kinesis_20131202.PutRecords", {"StreamARN": "arn:aws:kinesis:x:1:stream/clicks"}, ["clicks"]),
        ("DynamoDB_20120810.PutItem", {"TableName": "people", "Item": {}}, ["people"]),
        ("DynamoDB_20120810.BatchWriteItem", {"RequestItems": {"a": [], "b": []}}, ["a", "b"]),
        (
            "DynamoDB_20120810.TransactWriteItems",
            {"TransactItems": [{"Put": {"TableName": "b"}}, {"Delete": {"TableName": "a"}}]},
            ["a", "b"],
        ),
    ],
)
@in_loop
async def test_what_is_sent_wakes_whoever_polls_it(action: str, body: dict[str, Any], names: list[str]) -> None:
    bench, request, data = Bench(virtual=False), target(action), json.dumps(body).encode()
    assert bench.passing.concerns(request)
    assert await bench.passing.before(request, data) == data
    await bench.passing.after(request, data, 400, b"{}")
    assert not bench.woken
    await bench.passing.after(request, data, 200, b"{}")
    assert bench.woken == names


@in_loop
async def test_shards_are_read_before_they_are_changed_and_after() -> None:
    bench, request = Bench(), target("Kinesis_20131202.SplitShard")
    assert bench.passing.concerns(request)
    body = await bench.passing.before(request, b'{"StreamName": "clicks"}')
    assert bench.woken == ["the shards of clicks"]
    await bench.passing.after(request, body, 200, b"")
    assert bench.woken == ["the shards of clicks"] * 2


@in_loop
async def test_the_older_protocol_of_sqs_wakes_as_well() -> None:
    bench = Bench(virtual=False)
    for path, form in (("/", f"Action=SendMessage&QueueUrl={URL}"), ("/000000000000/news", "Action=SendMessageBatch")):
        request = HttpRequest("POST", path, headers=[SQS_SIGNED])
        assert bench.passing.concerns(request)
        await bench.passing.after(request, form.encode(), 200, b"<x/>")
    await bench.passing.after(HttpRequest("POST", "/", headers=[SQS_SIGNED]), b"Action=ListQueues", 200, b"<x/>")
    assert bench.woken == ["orders", "news"]


def test_other_requests_are_let_alone() -> None:
    assert not Bench().passing.concerns(target("DynamoDB_20120810.GetItem"))
    assert not Bench().passing.concerns(HttpRequest("PUT", "/uploads/cat.png"))
    assert not Bench(virtual=False).passing.concerns(target("AmazonSQS.ReceiveMessage"))
    assert Bench().passing.concerns(target("AmazonSQS.ReceiveMessage"))


def test_a_name_is_found_once_and_not_in_what_is_sent() -> None:
    body = json.dumps({"QueueUrl": URL + ".fifo", "MessageBody": json.dumps({"QueueUrl": "http://x/1/other"})})
    assert list(names_in(body.encode() + b'{"QueueUrl" : "orders.fifo"}')) == ["orders.fifo"]


@in_loop
async def test_by_a_virtual_clock_a_clients_message_is_hidden_until_that_clock_says_so() -> None:
    bench = Bench()
    passed = await bench.asked("ReceiveMessage", bench.received("a"), MaxNumberOfMessages=1)
    assert passed["VisibilityTimeout"] == HIDDEN
    await bench.advance(29)
    assert not bench.sqs.shown
    await bench.advance(1)
    assert (bench.sqs.shown, bench.woken) == (["a"], ["orders"])
    assert bench.visibility.until("r-a", 0.0) == 0.0


@in_loop
async def test_a_timeout_that_a_client_says_goes_by_the_virtual_clock() -> None:
    bench = Bench()
    passed = await bench.asked("ReceiveMessage", bench.received("a"), VisibilityTimeout=5)
    assert passed["VisibilityTimeout"] == HIDDEN
    await bench.asked("ChangeMessageVisibility", ReceiptHandle="r-a", VisibilityTimeout=60)
    await bench.advance(59)
    assert not bench.sqs.shown
    await bench.advance(1)
    assert bench.sqs.shown == ["a"]
    assert (await bench.asked("ReceiveMessage", {}, VisibilityTimeout=0))["VisibilityTimeout"] == 0


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"Entries": [1]}', b'{"VisibilityTimeout": 43201}', b'{"VisibilityTimeout": -1}']
)
@in_loop
async def test_what_sqs_refuses_is_passed_on_as_it_is(body: bytes) -> None:
    for action in ("ReceiveMessage", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch"):
        if b"Entries" not in body or action.endswith("Batch"):
            assert await Bench().passing.before(target(f"AmazonSQS.{action}"), body) == body


@in_loop
async def test_of_a_batch_those_that_were_refused_are_as_they_were() -> None:
    bench = Bench()
    await bench.asked("ReceiveMessage", bench.received("a", "b"))
    entries = [{"Id": name, "ReceiptHandle": f"r-{name}", "VisibilityTimeout": 300} for name in ("a", "b")]
    passed = await bench.asked("ChangeMessageVisibilityBatch", {"Failed": [{"Id": "b"}]}, Entries=entries)
    assert [one["VisibilityTimeout"] for one in passed["Entries"]] == [HIDDEN] * 2
    await bench.advance(30)
    assert bench.sqs.shown == ["b"]
    await bench.advance(270)
    assert bench.sqs.shown == ["b", "a"]


@in_loop
async def test_what_is_deleted_or_given_back_is_shown_no_more() -> None:
    bench = Bench()
    await bench.asked("ReceiveMessage", bench.received("a", "b"))
    await bench.asked("DeleteMessage", ReceiptHandle="r-a")
    passed = await bench.asked("ChangeMessageVisibility", ReceiptHandle="r-b", VisibilityTimeout=0)
    assert (passed["VisibilityTimeout"], bench.woken) == (0, ["orders"])
    await bench.advance(100)
    assert not bench.sqs.shown


@in_loop
async def test_by_the_real_clock_a_changed_timeout_is_known_of_messages_that_are_held() -> None:
    bench = Bench(virtual=False)
    now = bench.clock.time()
    bench.visibility.hide(URL, ["r-a"], now + 30)
    await bench.asked("ChangeMessageVisibility", ReceiptHandle="r-a", VisibilityTimeout=600)
    await bench.asked("ChangeMessageVisibility", ReceiptHandle="r-of-another", VisibilityTimeout=600)
    assert bench.visibility.until("r-a", 0.0) >= now + 600
    assert bench.visibility.until("r-of-another", 1.0) == 1.0
    assert not bench.sqs.calls


@in_loop
async def test_what_stays_hidden_is_told() -> None:
    bench = Bench()
    bench.visibility.hide(URL, ["r-a"], 1010.0)
    bench.sqs.gone = True
    await bench.advance(10)
    assert "Received messages of orders, 1, stay hidden: The embedded AWS" in bench.said.getvalue()
    await asyncio.wait_for(bench.visibility.stop(), 5)


@pytest.mark.parametrize(
    ("method", "service", "looked"),
    [("PUT", "s3", True), ("POST", "sns", True), ("POST", "events", True), ("GET", "s3", False), ("POST", "x", False)],
)
def test_what_may_be_sent_on_to_queues_has_them_looked_at(method: str, service: str, looked: bool) -> None:
    bench = Bench()
    signed = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    bench.passing.passed(HttpRequest(method, "/", headers=[("authorization", signed)]))
    assert bench.woken == ["what is sent on"] * looked
