"""One invocation: what the handler is called with, and what Lambda gets back."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, Blueprint, HTTPError, Response
from eventfw.runtime import entry
from eventfw.testing import Client


class Unlucky(Exception):
    """A user's own."""


def test_the_middleware_goes_once_around_all_records_the_first_outermost() -> None:
    app, part, seen = App("demo"), Blueprint("part"), []

    def named(name: str) -> Any:
        def middleware(event: Any, call: Any) -> Any:
            seen.append(name)
            return call(event)

        return middleware

    app.middleware(named("first"))
    app.middleware(named("second"))
    part.middleware(named("blueprint"))

    @part.sqs_consumer("orders")
    def order(message: Any) -> None:
        seen.append(message.id)

    app.mount(part)
    record = app.handlers[0].triggers[0].sample()["Records"][0]
    raw = {"Records": [{**record, "messageId": "1"}, {**record, "messageId": "2"}]}
    assert entry(app, "order")(raw, None) == {"batchItemFailures": []}
    assert seen == ["first", "second", "blueprint", "1", "2"]


def test_an_exception_keeps_its_type() -> None:
    app = App("demo")

    @app.http("/")
    def root() -> None:
        raise Unlucky

    @app.schedule("rate(5 minutes)")
    def tick() -> None:
        raise HTTPError(404)

    with pytest.raises(Unlucky):
        Client(app).get("/")
    with pytest.raises(HTTPError, match="404 Not Found"):
        Client(app).send(tick)


def test_a_cancelled_task_of_a_handler_is_an_error_as_any_other() -> None:
    """``CancelledError`` is no ``Exception``: a message that awaits one would take the rest of its batch along."""
    import asyncio

    app = App("demo")

    @app.sqs_consumer(app.queue("orders"))
    async def order(message: Any) -> None:
        if message.body == "bad":
            task = asyncio.ensure_future(asyncio.sleep(20))
            task.cancel()
            await task

    trigger = app.handlers[0].triggers[0]
    samples = [trigger.sample(body=body, message_id=body) for body in ("bad", "good")]
    raw = {"Records": [record for sample in samples for record in sample["Records"]]}
    assert Client(app).invoke("order", raw) == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_async_handlers_share_one_loop() -> None:
    import asyncio

    app, loops = App("demo"), []

    @app.http("/{n:int}")
    async def root(n: int, context: Any) -> tuple[list[int], int]:
        loops.append(asyncio.get_running_loop())
        return [n], 201

    client = Client(app)
    assert [client.get("/1").json, client.get("/2").status] == [[1], 201]
    assert loops[0] is loops[1]


@pytest.mark.parametrize(
    ("returned", "status", "body"),
    [
        ({"a": "é"}, 200, '{"a":"é"}'),
        ("x", 200, "x"),
        (b"\x00", 200, "\x00"),
        (None, 204, ""),
        (([], 202), 202, "[]"),
        (Response("x", 418), 418, "x"),
        (HTTPError(409, "taken"), 409, '{"message":"taken"}'),
    ],
)
def test_what_a_handler_returns_is_the_answer(returned: Any, status: int, body: str) -> None:
    app = App("demo")

    @app.http("/")
    def root() -> Any:
        return returned

    result = Client(app).get("/")
    assert (result.status, result.text) == (status, body)


@pytest.mark.parametrize("returned", [object(), ("x", "y"), {"a": float("nan")}, ("x", 99)])
def test_what_is_no_answer_fails_the_invocation(returned: Any) -> None:
    app = App("demo")

    @app.http("/")
    def root() -> Any:
        return returned

    with pytest.raises((TypeError, ValueError)):
        Client(app).get("/")


def test_a_value_that_does_not_convert_is_a_404() -> None:
    app = App("demo")

    @app.http("/{n:int}")
    def root(n: int) -> list[int]:
        return [n]

    assert Client(app).get("/x").status == 404
    assert Client(app).get("/-7").json == [-7]


def test_direct_invocation_passes_the_payload_itself() -> None:
    app = App("demo")

    @app.function()
    def double(n: int) -> int:
        return 2 * n

    assert double(2) == Client(app).invoke("double", 2) == 4
