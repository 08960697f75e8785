"""What the server's own client makes of an AWS that answers as it should not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from eventfw.tools.local.cloud.aws import Aws, AwsError, Unanswered
from eventfw.tools.local.web.asgi import HttpResponse, respond

Serve = Callable[[Any], int]


def asked(serve: Serve, status: int, body: bytes) -> dict[str, Any]:
    """What an action gives at an AWS that answers so."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await respond(send, HttpResponse(status, [], body))

    endpoint = f"http://127.0.0.1:{serve(app)}"

    async def main() -> dict[str, Any]:
        aws = Aws(lambda: endpoint, "us-east-1")
        try:
            assert await aws.rest("lambda", "GET", "/") == await aws.call("sqs", "ListQueues", {})
            return await aws.call("sqs", "ListQueues", {})
        finally:
            await aws.close()

    return asyncio.run(main())


def test_what_is_no_json_is_an_error_that_can_be_told(serve: Serve) -> None:
    assert asked(serve, 200, b"") == {}
    for body in (b"<html>", b"[]"):
        with pytest.raises(Unanswered, match="no JSON object"):
            asked(serve, 200, body)
        with pytest.raises(AwsError) as caught:
            asked(serve, 500, body)
        assert (caught.value.status, caught.value.code) == (500, "500")


def test_after_its_end_it_asks_nobody() -> None:
    async def main() -> None:
        aws = Aws(lambda: "http://127.0.0.1:9", "us-east-1")
        await aws.close()
        with pytest.raises(Unanswered, match="No AWS is running here"):
            await aws.call("sqs", "ListQueues", {})

    asyncio.run(main())
