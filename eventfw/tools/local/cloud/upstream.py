"""The way from the door to the embedded AWS: requests and responses streamed through, byte for byte."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from yarl import URL

from eventfw.tools.local.web.asgi import ClientGone, Headers, HttpRequest, Receive, Send, without_hop_by_hop

BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS")


class Upstream:
    """Connections to the embedded AWS, kept between requests. Made and closed on the loop that uses it."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, connect=10),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def pass_on(self, request: HttpRequest, base: str, receive: Receive, send: Send) -> str:
        """Stream a request to ``base`` and the response back. What went wrong, where nothing was sent back yet.

        Raises ClientGone where half of the answer is out: the connection can then only be closed.
        """
        begun = False
        try:
            async with self._session.request(
                request.method,
                URL(base + request.target, encoded=True),
                headers=[(name, value) for name, value in without_hop_by_hop(request.headers) if name != "expect"],
                data=None if bodiless(request) else chunks(receive),
                allow_redirects=False,
                skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            ) as answered:
                headers = [
                    (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answered.raw_headers
                ]
                await send({"type": "http.response.start", "status": answered.status, "headers": wire(headers)})
                begun = True
                async for chunk in answered.content.iter_any():
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (aiohttp.ClientError, OSError) as error:
            if begun:
                raise ClientGone from error
            return str(error) or type(error).__name__
        return ""


def bodiless(request: HttpRequest) -> bool:
    """Whether a request has no body to stream."""
    length = request.header("content-length")
    if length:
        return length == "0" and request.method in BODILESS
    return not request.header("transfer-encoding")


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it arrives."""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


def wire(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Response headers to pass on: not those of the connection, nor leave for foreign pages."""
    return [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in without_hop_by_hop(headers)
        if not name.startswith("access-control-") and name not in ("date", "server")
    ]
