"""Queues as Lambda polls them, in a real server whose clock is virtual: minutes are over at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from live import Live, eventfw, until, write

from eventfw.tools.local.state import read_state

APP = """
    import json
    import os
    import random
    import boto3
    from eventfw import App

    app = App("demo")
    dead = app.queue("dead", dead_letter=False)
    orders = app.queue("orders", visibility_timeout=60, max_receives=3, dead_letter=dead)
    jobs = app.queue("jobs", visibility_timeout=60, max_receives=6, dead_letter=dead)
    patient = app.queue("patient", visibility_timeout=60)
    slow = app.queue("slow")
    app.queue("unread", visibility_timeout=60)

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    @app.sqs_consumer(orders)
    @app.function(timeout=5)
    def order(message):
        note("order", message.body)
        raise ValueError("cannot ship this")

    @app.sqs_consumer(dead)
    def buried(message):
        note("buried", message.body)

    @app.sqs_consumer(jobs, batch_size=5)
    @app.function(timeout=5)
    def job(message):
        luck = random.Random(f"{message.body} {message.receive_count}").random()
        if luck < 0.02:
            os._exit(1)
        if luck < 0.2:
            raise ValueError("bad luck")
        note("job", message.body)

    @app.sqs_consumer(patient)
    @app.function(timeout=5)
    def later(message):
        note("later", message.receive_count)
        if message.receive_count == 1:
            queue = boto3.client("sqs")
            handle = message.receipt_handle
            queue.change_message_visibility(QueueUrl=patient.url, ReceiptHandle=handle, VisibilityTimeout=300)
            raise ValueError("in five minutes")

    @app.sqs_consumer(slow, batch_size=100, batching_window=20, batch=True)
    def gathered(batch):
        note("gathered", sorted(message.body for message in batch))
"""


@pytest.fixture(scope="module", name="live")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("queues")
    write(folder / "app.py", APP)
    live = Live(folder, "--clock", "virtual")
    yield live
    live.stop()


def send(live: Live, queue: str, *bodies: str) -> None:
    client = live.client("sqs")
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    for at in range(0, len(bodies), 10):
        some = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[at : at + 10])]
        assert len(client.send_message_batch(QueueUrl=url, Entries=some)["Successful"]) == len(some)


def advance(live: Live, seconds: int) -> None:
    token = read_state(live.folder).token
    body = json.dumps({"advance": seconds}).encode()
    status, _, answer = live.request("POST", "/_eventfw/clock", body, to="aws", x_eventfw_token=token)
    assert status == 200, answer


def test_a_message_that_always_fails_is_in_the_dead_letter_queue_minutes_later(live: Live) -> None:
    send(live, "orders", "bad")
    until(lambda: live.noted("order"))
    advance(live, 59)
    assert len(live.noted("order")) == 1
    advance(live, 1)
    assert len(live.noted("order")) == 2
    done = eventfw(live.folder, "clock", "advance", "3m")
    assert done.returncode == 0, done.stderr
    assert live.noted("order") == ["bad"] * 3
    assert live.noted("buried") == ["bad"]


def test_a_handler_may_say_when_its_message_comes_again(live: Live) -> None:
    send(live, "patient", "x")
    until(lambda: live.noted("later"))
    advance(live, 299)
    assert live.noted("later") == [1]
    advance(live, 1)
    assert live.noted("later") == [1, 2]


def test_a_batching_window_is_waited_for_by_the_clock(live: Live) -> None:
    send(live, "slow", *"abc")
    advance(live, 19)
    assert not live.noted("gathered")
    advance(live, 1)
    assert live.noted("gathered") == [["a", "b", "c"]]


def test_a_clients_own_messages_come_again_by_the_clock(live: Live) -> None:
    send(live, "unread", "mine")
    client = live.client("sqs")
    url = client.get_queue_url(QueueName="unread")["QueueUrl"]

    def bodies() -> list[Any]:
        return [one["Body"] for one in client.receive_message(QueueUrl=url).get("Messages", [])]

    assert bodies() == ["mine"]
    advance(live, 59)
    assert bodies() == []
    advance(live, 1)
    assert bodies() == ["mine"]


def test_nothing_is_lost_when_handlers_fail_and_workers_die(live: Live) -> None:
    names = {f"job {number}" for number in range(200)}
    before = len(live.noted("buried"))
    send(live, "jobs", *sorted(names))
    advance(live, 600)
    done, buried = live.noted("job"), live.noted("buried")[before:]
    assert set(done) | set(buried) == names
    assert len(done) > 150
    assert [line for line in live.lines if "Runtime.ExitError" in line]
