"""What an answer means for a batch of messages, and what is said of it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from eventfw.tools.local.pollers.batching import Message
from eventfw.tools.local.pollers.partial import Outcome, Redrive, outcome, told
from eventfw.tools.local.workers.results import Result

NOON = datetime(2026, 1, 1, 12).timestamp()


def messages(*names: str, count: int = 1) -> list[Message]:
    return [Message(name, f"r-{name}", {"attributes": {"ApproximateReceiveCount": str(count)}}, b"") for name in names]


def ids(of: Any) -> list[str]:
    return [one.id for one in of]


def came(returned: Any, *, reports: bool = True, error: bool = False) -> Outcome:
    return outcome(messages("a", "b"), Result(json.dumps(returned).encode(), error), reports=reports, fifo=False)


def failed(*names: Any) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name} for name in names]}


@pytest.mark.parametrize("returned", [None, {}, [], "", failed(), {"batchItemFailures": None}, {"other": 1}])
def test_nothing_named_is_a_success(returned: Any) -> None:
    assert ids(came(returned).done) == ["a", "b"]


@pytest.mark.parametrize("returned", ["done", 7, [1], failed("c"), failed(""), failed(None), {"batchItemFailures": 1}])
def test_an_answer_that_aws_cannot_read_brings_the_whole_batch_again(returned: Any) -> None:
    found = came(returned)
    assert (ids(found.done), ids(found.again)) == ([], ["a", "b"])
    assert found.fault.endswith("the whole batch is retried")


def test_those_that_are_named_come_again_and_the_others_do_not() -> None:
    found = came(failed("b"))
    assert (ids(found.done), ids(found.again), found.fault) == (["a"], ["b"], "")


def test_without_the_setting_an_answer_means_nothing_and_an_error_everything() -> None:
    found = came(failed("b"), reports=False)
    assert ids(found.done) == ["a", "b"]
    assert "the records it names are not retried" in found.fault
    assert ids(came({"errorType": "KeyError"}, error=True).again) == ["a", "b"]


def test_an_empty_payload_is_null() -> None:
    found = outcome(messages("a"), Result(b""), reports=True, fifo=False)
    assert ids(found.done) == ["a"]


def test_an_order_that_is_lost_in_a_fifo_queue_is_told() -> None:
    record = {"attributes": {"MessageGroupId": "g"}}
    batch = [Message(name, name, record, b"") for name in ("a", "b")]
    found = outcome(batch, Result(json.dumps(failed("a")).encode()), reports=True, fifo=True)
    assert "the order is lost" in found.fault


def test_it_is_said_when_messages_come_again_and_which_are_dead() -> None:
    some = Outcome(messages("a"), [*messages("b", "c", count=1), *messages("d", count=3)])
    lines = list(told(some, 4, Redrive(3, "dead"), [NOON, NOON + 30, NOON + 60]))
    assert lines == [
        "2 of 4 messages will come again at 12:00:00 to 12:00:30",
        "1 of 4 messages, received 3 times, will be in dead at 12:01:00",
    ]
    assert list(told(Outcome([], messages("a")), 1, None, [NOON])) == ["The message will come again at 12:00:00"]
    assert list(told(Outcome(messages("a"), [], "odd"), 1, None, [])) == ["odd"]
