"""The header that tells of a broken save."""

from __future__ import annotations

import asyncio
from pathlib import Path

from eventfw.errors import ProjectError
from eventfw.tools.local.web.asgi import HttpResponse, Message, Receive, Scope, Send, respond
from eventfw.tools.local.web.trouble import HEADER, LIMIT, Trouble, Troubled, line_of


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await respond(send, HttpResponse(200, [("x-a", "1")], b"ok"))


def headers(troubled: Troubled) -> list[tuple[bytes, bytes]]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def main() -> None:
        await troubled({"type": "http"}, receive, send)

    asyncio.run(main())
    return [tuple(one) for one in sent[0]["headers"]]


def test_responses_have_the_header_while_the_trouble_lasts(tmp_path: Path) -> None:
    trouble = Trouble(tmp_path)
    troubled = Troubled(app, trouble)
    plain = headers(troubled)
    trouble.begin(ProjectError("SyntaxError: invalid syntax", place=f"{tmp_path}/app.py:6"))
    assert headers(troubled) == [*plain, (HEADER.encode(), b"app.py:6: SyntaxError: invalid syntax")]
    trouble.end()
    assert headers(troubled) == plain


def test_the_line_is_one_that_a_header_can_hold(tmp_path: Path) -> None:
    line = line_of(ProjectError("no 'ünï' \N{SNOWMAN}\r\nx-forged: 1\x00"), tmp_path)
    assert line == "no 'ünï' \\u2603 x-forged: 1?"
    assert len(line_of(ProjectError("long " * 500), tmp_path)) == LIMIT
