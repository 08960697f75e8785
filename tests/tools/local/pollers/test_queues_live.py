"""Queues as Lambda polls them, in a real server whose clock is virtual: minutes are over at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from live import Live, eventfw, until, write

APP = """
    import json
    import os
    import time
    from eventfw import App

    app = App("demo")
    dead = app.queue("dead", dead_letter=False)
    orders = app.queue("orders", visibility_timeout=60, max_receives=3, dead_letter=dead)

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
        note("buried", [message.body, message.receive_count])
"""


@pytest.fixture(scope="module", name="live")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("queues")
    write(folder / "app.py", APP)
    live = Live(folder, "--clock", "virtual")
    yield live
    live.stop()


def send(live: Live, queue: str, body: str, **more: Any) -> Any:
    client = live.client("sqs")
    return client.send_message(QueueUrl=client.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=body, **more)


def advance(live: Live, duration: str) -> None:
    done = eventfw(live.folder, "clock", "advance", duration)
    assert done.returncode == 0, done.stderr


def test_a_message_that_always_fails_is_in_the_dead_letter_queue_minutes_later(live: Live) -> None:
    send(live, "orders", "bad")
    until(lambda: live.noted("order"))
    advance(live, "59s")
    assert len(live.noted("order")) == 1
    advance(live, "1s")
    assert len(live.noted("order")) == 2
    advance(live, "3m")
    assert live.noted("order") == ["bad"] * 3
    assert live.noted("buried") == [["bad", 4]]
