"""Asking a server that is an origin, as CloudFront asks: how often, and how long it waits.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

from __future__ import annotations

import asyncio
import errno
import importlib
import os
from typing import TYPE_CHECKING

from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, without_hop_by_hop

if TYPE_CHECKING:
    import aiohttp

ATTEMPTS = 3
CONNECT = 10.0  # seconds, for each attempt
READ = 30.0  # seconds without a byte, where the origin's settings say nothing else
HEADER_LIMIT = 20_480  # bytes of a header's value: as much as CloudFront takes of all of them together
KEEP_ALIVE = 4.0  # seconds that an unused connection is kept: less than the five after which many servers close theirs
AGAIN = ("GET", "HEAD")  # methods that are sent once more where an origin that has the request does not answer


class Unreachable(Exception):
    """An origin that gave no answer: the status of CloudFront's page, CloudFront's words, and what happened.

    ``local`` says that CloudFront would have asked and eventfw local did not, or not there.
    """

    def __init__(self, problem: str, *, status: int = 502, words: str = "", local: bool = False) -> None:
        super().__init__(problem)
        self.status = status
        self.words = words
        self.local = local


class OriginClient:
    """Connections to origins, kept between requests. Used and closed on one loop."""

    def __init__(self, connect: float = CONNECT) -> None:
        self.connect = connect
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetched(self, url: str, request: HttpRequest, read: float = READ) -> HttpResponse:
        """A server's whole response. Raises Unreachable."""
        if self._session is None:  # it takes as long to import as the rest of the server, which need not wait for it
            await asyncio.to_thread(importlib.import_module, "aiohttp")
        import aiohttp

        where = url.partition("?")[0]
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._asked(url, request, read)
            except aiohttp.ConnectionTimeoutError as error:
                tried = f"{where} could not be connected to within {self.connect:g} s"
                failure = unreachable(504, f"{tried}, {attempt} times.", error)
            except aiohttp.ClientConnectorDNSError as error:
                raise unreachable(
                    502, f"The name in {where} could not be resolved: {error.strerror}.", error
                ) from error
            except aiohttp.ClientSSLError as error:
                problem = f"{where} and CloudFront agree on no TLS connection: {error}."
                advice = "CloudFront takes certificates of public authorities. Write http:// for a server without one."
                raise unreachable(502, f"{problem} {advice}", error) from error
            except aiohttp.ClientConnectorError as error:
                failure = unreachable(502, f"{where} takes no connection: {reason_of(error)}. Is it running?", error)
            except (aiohttp.ServerTimeoutError, TimeoutError) as error:
                failure = unreachable(504, f"{where} sent nothing for {read:g} s, its read timeout.", error)
                if request.method not in AGAIN:
                    break
            except (aiohttp.ClientError, OSError) as error:
                failure = unreachable(502, f"{where} could not be asked: {error or type(error).__name__}.", error)
                if request.method not in AGAIN:
                    break
        raise failure

    async def _asked(self, url: str, request: HttpRequest, read: float) -> HttpResponse:
        import aiohttp
        from yarl import URL

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                max_field_size=HEADER_LIMIT,
            )
        waiting = aiohttp.ClientTimeout(total=None, sock_connect=self.connect, sock_read=read)
        async with self._session.request(
            request.method,
            URL(url, encoded=True),
            headers=without_hop_by_hop(request.headers),
            data=request.body or None,
            allow_redirects=False,
            timeout=waiting,
            skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
        ) as answered:
            body = await answered.read()
        found = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answered.raw_headers]
        return HttpResponse(answered.status, without_hop_by_hop(found), body)


def reason_of(error: aiohttp.ClientConnectorError) -> str:
    """The system's words for a connection that did not come about."""
    code = error.os_error.errno
    return os.strerror(code) if code and code in errno.errorcode else str(error.os_error) or type(error).__name__


def unreachable(status: int, problem: str, error: Exception) -> Unreachable:
    """The failure, with the words that CloudFront's page has for it."""
    words = "CloudFront wasn't able to connect to the origin."
    if status == 504:
        words = (
            "CloudFront attempted to establish a connection with the origin, but either the attempt failed or the "
            "origin closed the connection."
        )
    if "could not be resolved" in problem:
        words = "CloudFront wasn't able to resolve the origin domain name."
    failure = Unreachable(problem, status=status, words=words)
    failure.__cause__ = error
    return failure
