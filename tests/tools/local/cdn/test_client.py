"""Asking an origin: how often, and what CloudFront says of one that gives no answer."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from live import until

from eventfw.tools.local.cdn.client import OriginClient, Unreachable
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse


def ask(url: str, method: str = "GET", read: float = 5, connect: float = 5, **headers: str) -> HttpResponse:
    async def asked() -> HttpResponse:
        client = OriginClient(connect)
        try:
            return await client.fetched(url, HttpRequest(method, "/", headers=list(headers.items()), body=b""), read)
        finally:
            await client.close()

    return asyncio.run(asked())


@contextmanager
def server(behave: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """A server that is asked one connection after the other, and how often it was."""
    import threading

    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[int] = []
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted.append(1)
            held.append(connection)
            connection.recv(10_000)
            behave(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/", accepted
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        for connection in held:
            connection.close()


def test_headers_and_redirects_are_passed_as_they_are(serve: Callable[[Any], int]) -> None:
    async def origin(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"location", b"/there"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 302, "headers": headers})
        await send({"type": "http.response.body", "body": dict(scope["headers"])[b"x-a"]})

    answer = ask(f"http://127.0.0.1:{serve(origin)}/a", **{"x-a": "1"})
    assert (answer.status, answer.body) == (302, b"1")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]


@pytest.mark.parametrize(("method", "times"), [("GET", 3), ("HEAD", 3), ("POST", 1)])
def test_an_origin_that_is_silent_is_a_504_and_is_asked_again_where_that_is_safe(method: str, times: int) -> None:
    with server(lambda connection: None) as (url, accepted):
        with pytest.raises(Unreachable) as failed:
            ask(url, method, read=0.05)
        until(lambda: len(accepted) >= times)  # the system takes connections before the server does
    assert (failed.value.status, len(accepted)) == (504, times)
    assert "sent nothing for 0.05 s" in str(failed.value) and "closed the connection" in failed.value.words


@pytest.mark.parametrize(("method", "times"), [("GET", 3), ("POST", 1)])
def test_an_origin_that_hangs_up_is_a_502(method: str, times: int) -> None:
    hang_up = lambda connection: connection.shutdown(socket.SHUT_RDWR)  # noqa: E731
    with server(hang_up) as (url, accepted), pytest.raises(Unreachable) as failed:
        ask(url, method)
    assert failed.value.status == 502
    assert len(accepted) >= times if method == "GET" else len(accepted) == times


def test_an_origin_without_tls_is_a_502_that_says_what_to_write() -> None:
    plain = lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")  # noqa: E731
    with server(plain) as (url, accepted), pytest.raises(Unreachable, match="Write http://") as failed:
        ask(url.replace("http", "https"))
    assert (failed.value.status, len(accepted)) == (502, 1)


def test_an_origin_that_is_not_there_is_a_502_in_cloudfronts_words() -> None:
    with pytest.raises(Unreachable) as failed:
        ask("http://127.0.0.1:9/a?secret=1")
    assert (failed.value.status, failed.value.local) == (502, False)
    assert "wasn't able to connect" in failed.value.words
    assert str(failed.value) == "http://127.0.0.1:9/a takes no connection: Connection refused. Is it running?"


def test_a_header_may_be_as_long_as_cloudfront_takes_all_of_them(serve: Callable[[Any], int]) -> None:
    async def origin(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-long", b"a" * 20_000)]})
        await send({"type": "http.response.body", "body": b""})

    assert dict(ask(f"http://127.0.0.1:{serve(origin)}/").headers)["x-long"] == "a" * 20_000
