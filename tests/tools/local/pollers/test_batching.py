"""Messages, batches and events: what the function gets, and when a batch is due."""

from __future__ import annotations

import json
from typing import Any

from eventfw.tools.local.pollers.batching import EVENT_LIMIT, Gathering, Message, event_of, message_of

ARN = "arn:aws:sqs:eu-west-1:000000000000:orders"


def received(body: str = "x", **more: Any) -> dict[str, Any]:
    return {"MessageId": "m-1", "ReceiptHandle": "r-1", "Body": body, "MD5OfBody": "9dd4", "Attributes": {}, **more}


def messages(*names: str, group: str = "", until: float = 100.0, size: int = 0) -> list[Message]:
    record = {"attributes": {"MessageGroupId": group} if group else {}}
    return [Message(name, f"r-{name}", record, b"x" * size, until) for name in names]


def ids(batch: list[Message]) -> list[str]:
    return [one.id for one in batch]


def test_a_message_has_the_shape_of_aws() -> None:
    attributes = {
        "kind": {"DataType": "String", "StringValue": "print"},
        "raw": {"DataType": "Binary", "BinaryValue": "AAE="},
    }
    sent = {"Attributes": {"ApproximateReceiveCount": "2"}, "MessageAttributes": attributes}
    message = message_of(received(**sent, MD5OfMessageAttributes="c3f1"), ARN, 5.0)
    [record] = json.loads(event_of([message]))["Records"]
    assert record == {
        "messageId": "m-1",
        "receiptHandle": "r-1",
        "body": "x",
        "attributes": {"ApproximateReceiveCount": "2"},
        "messageAttributes": {
            "kind": {"stringValue": "print", "stringListValues": [], "binaryListValues": [], "dataType": "String"},
            "raw": {"binaryValue": "AAE=", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
        },
        "md5OfMessageAttributes": "c3f1",
        "md5OfBody": "9dd4",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-west-1",
    }
    assert (message.receives, message.until) == (2, 5.0)


def test_a_message_without_attributes_has_none_and_no_digest_of_them() -> None:
    record = message_of(received(), ARN, 0.0).record
    assert record["messageAttributes"] == {}
    assert "md5OfMessageAttributes" not in record


def test_an_event_has_the_messages_in_order_and_counts_bytes_as_they_are_sent() -> None:
    first, second = message_of(received("grün"), ARN, 0.0), message_of(received('"'), ARN, 0.0)
    event = event_of([first, second])
    assert [one["body"] for one in json.loads(event)["Records"]] == ["grün", '"']
    assert "grün".encode() in event


def test_without_a_window_what_was_received_is_a_batch_of_at_most_its_size() -> None:
    gathering = Gathering(2, 0)
    assert not gathering.due(0.0)
    gathering.add(messages("a", "b", "c"), 0.0)
    assert gathering.due(0.0)
    assert ids(gathering.batch(0.0)) == ["a", "b"]
    assert gathering.due(0.0)
    assert ids(gathering.batch(0.0)) == ["c"]
    assert not gathering.due(0.0)


def test_a_window_begins_with_the_first_message_and_a_full_batch_does_not_wait() -> None:
    gathering = Gathering(3, 20)
    gathering.add(messages("a"), 10.0)
    gathering.add(messages("b"), 25.0)
    assert not gathering.due(29.0)
    assert gathering.due(30.0)
    gathering.add(messages("c"), 26.0)
    assert gathering.due(26.0)
    assert ids(gathering.batch(26.0)) == ["a", "b", "c"]


def test_a_batch_stays_under_six_megabytes_and_is_due_when_it_reaches_them() -> None:
    gathering = Gathering(10, 20)
    gathering.add(messages("a", "b", "c", size=2_500_000), 0.0)
    assert gathering.due(0.0)
    batch = gathering.batch(0.0)
    assert ids(batch) == ["a", "b"]
    assert len(event_of(batch)) <= EVENT_LIMIT
    assert not gathering.due(1.0)
    assert ids(gathering.batch(20.0)) == ["c"]


def test_what_others_may_have_received_by_now_is_left_out() -> None:
    gathering = Gathering(10, 0)
    gathering.add([*messages("old", until=5.0), *messages("new", until=50.0)], 0.0)
    assert ids(gathering.batch(5.0)) == ["new"]
    assert not gathering.messages


def test_in_a_fifo_queue_a_group_under_way_waits_and_others_go() -> None:
    gathering = Gathering(10, 0, fifo=True)
    gathering.add([*messages("a1", group="a"), *messages("b1", group="b"), *messages("a2", group="a")], 0.0)
    assert ids(gathering.batch(0.0, {"a"})) == ["b1"]
    assert ids(gathering.batch(0.0)) == ["a1", "a2"]


def test_in_a_fifo_queue_nothing_overtakes_a_message_that_did_not_fit() -> None:
    gathering = Gathering(10, 0, fifo=True)
    large, small = messages("a1", "a2", group="a", size=4_000_000), messages("a3", group="a", size=10)
    gathering.add([*large, *small, *messages("b1", group="b", size=10)], 0.0)
    assert ids(gathering.batch(0.0)) == ["a1", "b1"]
    assert ids(gathering.batch(0.0)) == ["a2", "a3"]


def test_behind_a_message_that_failed_its_group_is_forgotten() -> None:
    gathering = Gathering(1, 0, fifo=True)
    gathering.add([*messages("a2", group="a"), *messages("b1", group="b")], 0.0)
    gathering.forget({"a"})
    assert ids(gathering.batch(0.0)) == ["b1"]
    assert not gathering.messages
