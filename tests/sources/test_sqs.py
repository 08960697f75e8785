"""SQS: single messages, partial failures, FIFO, whole batches."""

from __future__ import annotations

from typing import Any

import pytest
from templates import deployed, properties

from eventfw import App, SqsBatch, SqsMessage
from eventfw.errors import RegistrationError
from eventfw.runtime import entry
from eventfw.testing import Client


def event(*ids: str, fifo: bool = False) -> dict[str, Any]:
    app = App("demo")
    app.sqs_consumer(app.queue("orders", fifo=fifo))(print_nothing)
    record = app.handlers[0].triggers[0].sample()["Records"][0]
    return {"Records": [{**record, "messageId": each} for each in ids]}


def print_nothing(message: Any) -> None: ...


def failures(answer: Any) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@pytest.mark.parametrize(("fifo", "reported", "called"), [(False, ["2"], "123"), (True, ["2", "3"], "12")])
def test_failed_messages_are_reported_and_fifo_stops_at_the_first(fifo: bool, reported: list[str], called: str) -> None:
    app, seen = App("demo"), []

    @app.sqs_consumer(app.queue("orders", fifo=fifo))
    def order(message: SqsMessage) -> None:
        seen.append(message.id)
        if message.id == "2":
            raise ValueError("no")

    assert failures(entry(app, "order")(event("1", "2", "3", fifo=fifo), None)) == reported
    assert "".join(seen) == called


@pytest.mark.parametrize(("fifo", "reported"), [(False, ["1", "3"]), (True, ["1", "2", "3"])])
def test_a_batch_reports_what_it_was_told_to_fail(fifo: bool, reported: list[str]) -> None:
    app = App("demo")

    @app.sqs_consumer(app.queue("orders", fifo=fifo), batch=True)
    def order(batch: SqsBatch) -> None:
        for message in batch:
            if message.id != "2":
                batch.fail(message)

    assert failures(entry(app, "order")(event("1", "2", "3", fifo=fifo), None)) == reported


def test_a_batch_that_returns_failures_is_told_how_to_report_them() -> None:
    app = App("demo")

    @app.sqs_consumer(app.queue("orders"), batch=True)
    def order(batch: SqsBatch) -> Any:
        return {"batchItemFailures": []}

    with pytest.raises(TypeError, match=r"batch\.fail"):
        entry(app, "order")(event("1"), None)


def test_a_message_of_another_batch_cannot_fail() -> None:
    batch, other = SqsBatch(event("1")), SqsBatch(event("2"))
    with pytest.raises(ValueError, match="not a message of this batch"):
        batch.fail(next(iter(other)))


@pytest.mark.parametrize(
    ("fifo", "options"),
    [
        (True, {"batch_size": 11}),
        (True, {"batching_window": 1}),
        (False, {"batch_size": 11}),
        (False, {"batching_window": 301}),
        (False, {"maximum_concurrency": 1}),
        (False, {"batch": 1}),
        (False, {"enabled": 1}),
        (False, {"pollers": 5}),
        (False, {"pollers": (1, 5)}),
        (False, {"pollers": (2, 10_001)}),
        (False, {"pollers": (2, 5, 7)}),
        (False, {"pollers": (2, 5), "maximum_concurrency": 5}),
        (False, {"metrics": ["EventCount", "EventCount"]}),
    ],
)
def test_what_lambda_refuses_is_refused(fifo: bool, options: Any) -> None:
    app = App("demo")
    with pytest.raises(RegistrationError):
        app.sqs_consumer(app.queue("orders", fifo=fifo), **options)


@pytest.mark.parametrize("name", ["", "a b", "x.fifo", "é", "a" * 81, "--", None, 7])
def test_a_queue_name_that_sqs_refuses_is_refused(name: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").queue(name)


@pytest.mark.parametrize("arn", ["arn:aws:sns:us-east-1:123456789012:x", "arn:aws:sqs:us-east-1:x:y", "arn:"])
def test_an_arn_of_something_else_is_refused(arn: str) -> None:
    with pytest.raises(RegistrationError, match="is not the ARN of a queue"):
        App("demo").sqs_consumer(arn)


def test_the_log_of_a_failed_message_begins_at_the_users_own_line(caplog: pytest.LogCaptureFixture) -> None:
    app = App("shop")

    @app.sqs_consumer(app.queue("orders"))
    def order(message: Any) -> None:
        raise KeyError("copies")

    Client(app).send("order")
    [record] = caplog.records
    assert record.exc_info is not None and record.exc_info[2] is not None
    assert record.exc_info[2].tb_frame.f_code.co_filename == __file__


def test_a_filter_does_not_take_the_messages_of_another_queue() -> None:
    app = App("demo")
    app.sqs_consumer(app.queue("orders"), filters=[{"body": {"kind": ["x"]}}])(print_nothing)
    trigger: Any = app.handlers[0].triggers[0]
    other = trigger.sample()
    assert trigger.mismatch(other) == ""
    other["Records"][0]["eventSourceARN"] += "-old"
    assert trigger.mismatch(other) == "queue `orders-old` is not `orders`"


@pytest.mark.parametrize(("timeout", "refused"), [(60, False), (61, True)])
def test_a_visibility_timeout_is_at_least_the_functions_timeout(timeout: int, refused: bool) -> None:
    app = App("demo")
    handler = app.function(timeout=timeout)(print_nothing)
    app.sqs_consumer(app.queue("orders", visibility_timeout=60))(handler)
    if refused:
        with pytest.raises(RegistrationError, match="at least the function's timeout of 61 s"):
            deployed(app)
    else:
        assert properties(deployed(app), "OrdersQueue")["VisibilityTimeout"] == 60


@pytest.mark.parametrize("fifo", [False, True])
def test_a_sample_says_of_a_message_what_its_kind_of_queue_says(fifo: bool) -> None:
    app = App("demo")
    app.sqs_consumer(app.queue("orders", fifo=fifo))(print_nothing)
    fields = {"group_id": "g-1"} if fifo else {}
    [message] = SqsBatch(app.handlers[0].triggers[0].sample(**fields))
    assert message.group_id == ("g-1" if fifo else None)
    assert bool(message.deduplication_id) is fifo


def test_a_sample_comes_from_the_queue_that_an_arn_names() -> None:
    app, arn = App("demo"), "arn:aws:sqs:eu-west-1:210987654321:orders"
    app.sqs_consumer(arn)(print_nothing)
    [message] = SqsBatch(app.handlers[0].triggers[0].sample())
    assert message.queue_arn == arn
