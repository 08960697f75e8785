"""Connections: a plain request goes the short way, any other one the long way, and both are answered alike."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from eventfw.tools.local.web.apis import apis_of
from eventfw.tools.local.web.asgi import Exchange
from eventfw.tools.local.web.direct import BODY_LIMIT, Direct
from eventfw.tools.local.web.fronts import Fronts
from eventfw.tools.local.web.gateway import Gateway
from eventfw.tools.local.web.listening import bound, port_of, serving
from eventfw.tools.local.web.websockets import WebSockets

ROUTES = [
    ["GET", "/photos/{name}", "api", "photo"],
    ["HEAD", "/photos/{name}", "api", "photo"],
    ["POST", "/photos", "api", "upload"],
    ["GET", "/guarded", "api", "guarded"],
    ["GET", "/a/{rest+}", "api", "rest"],
    ["OPTIONS", "/photos", "api", "options"],
]
GUARD = {"kind": "iam"}
CORS = {"AllowOrigins": ["http://localhost:3000"], "AllowMethods": ["GET"], "AllowHeaders": ["*"]}


@dataclass
class Result:
    payload: bytes
    error: bool = False


@dataclass
class Functions:
    """Stands for the Lambda service. ``busy`` says that nothing can run at once."""

    payload: bytes = b'{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{}"}'
    error: bool = False
    raised: Exception | None = None
    busy: bool = False
    held: bool = False
    at_once: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[Callable[[], None]] = field(default_factory=list)

    def begin(self, function: str, event: bytes, answer: Callable[[Any], None], within: float) -> bool:
        if self.busy or self.raised is not None:
            return False
        self.at_once += 1
        self.events.append(json.loads(event))
        result = Result(self.payload, self.error)
        if self.held:
            self.waiting.append(lambda: answer(result))
        else:
            asyncio.get_running_loop().call_soon(answer, result)
        return True

    async def invoke(self, function: str, event: bytes) -> Result:
        self.events.append(json.loads(event))
        if self.raised is not None:
            raise self.raised
        return Result(self.payload, self.error)


@dataclass
class Served:
    """Two addresses of one app: the first leads plain requests the short way, the second none."""

    short: int
    long: int
    functions: Functions
    seen: list[Exchange]


@asynccontextmanager
async def served(functions: Functions, cors: Any = None) -> AsyncIterator[Served]:
    seen: list[Exchange] = []
    gateway = Gateway(apis_of([]).default.routes, functions.invoke, observe=seen.append)
    api = {"name": "", "routes": ROUTES, "rest": False, "guards": {"GET /guarded": GUARD}, "cors": cors}
    rest = {"name": "rest", "routes": [["GET", "/x", "api", "x"]], "rest": True, "guards": {}}
    gateway.apis = apis_of([api, rest])
    fronts = Fronts(gateway, functions.invoke, observe=seen.append)
    websockets = WebSockets(fronts, functions.invoke)
    sockets = [bound(0, "--port") for _ in range(2)]
    short, long = (port_of(one) for one in sockets)
    direct = Direct(websockets, fronts, gateway, functions.begin)
    end = serving([(one, websockets) for one in sockets], {short: direct})
    try:
        yield Served(short, long, functions, seen)
    finally:
        await end()


class Client:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, port: int) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes, *, body: bool = True) -> bytes:
        self.writer.write(request)
        return await self.answer(body=body)

    async def answer(self, *, body: bool = True) -> bytes:
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            return head + (await self.reader.readexactly(int(length[1])) if length and body else b"")

    async def ended(self) -> bool:
        async with asyncio.timeout(10):
            return await self.reader.read() == b""


def plain(answer: bytes) -> bytes:
    """An answer without what differs each time."""
    answer = re.sub(rb"date: [^\r]*", b"date: D", answer)
    return re.sub(rb"apigw-requestid: \S{15}=\r", b"apigw-requestid: I\r", answer)


def stripped(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what differs each time."""
    context = event["requestContext"]
    assert len(context.pop("requestId")) == 16
    for name in ("time", "timeEpoch"):
        assert context.pop(name)
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", json.dumps(event))
    stripped: dict[str, Any] = json.loads(re.sub(r'"x-forwarded-port": "\d+"', '"x-forwarded-port": "P"', text))
    return stripped


def get(target: str, *more: str, method: str = "GET", body: bytes = b"", host: str = "") -> bytes:
    """A request; ``%`` in its Host header stands for the port."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host or '127.0.0.1:%'}", *more]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


REQUESTS = {
    "plain": get("/photos/cat"),
    "encoded path": get("/photos/c%20a%2Ft%C3%A4"),
    "greedy": get("/a/b/c//d"),
    "query": get("/photos/cat?a=1&b=%26&a=2&c&=d&plus=a+b"),
    "empty query": get("/photos/cat?"),
    "cookies": get("/photos/cat", "Cookie: a=1; b=2", "cookie: c=3"),
    "repeated headers": get("/photos/cat", "X-One: 1", "x-one: 2", "Accept: a", "X-One: 3"),
    "latin header": get("/photos/cat", "X-Name: \xe4\xff"),
    "forwarded": get("/photos/cat", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-Proto: https", "User-Agent: me"),
    "hop by hop": get("/photos/cat", "Connection: keep-alive", "Keep-Alive: 5", "TE: trailers"),
    "text": get("/photos", "Content-Type: application/json", method="POST", body='{"ä": "\x00\U0001f600"}'.encode()),
    "binary": get("/photos", "Content-Type: image/png", method="POST", body=bytes(range(256))),
    "no type": get("/photos", method="POST", body=b"a=1"),
    "text that is not UTF-8": get("/photos", "Content-Type: text/plain", method="POST", body=b"\xff"),
    "compressed": get("/photos", "Content-Type: text/plain", "Content-Encoding: gzip", method="POST", body=b"x"),
    "no body": get("/photos", "Content-Length: 0", method="POST"),
    "options": get("/photos", method="OPTIONS"),
    "origin": get("/photos/cat", "Origin: http://localhost:3000"),
}
OTHERWISE = {
    "no route": get("/nowhere"),
    "no method": get("/photos/cat", method="DELETE"),
    "guarded": get("/guarded"),
    "rest": get("/rest/x"),
    "front": get("/_url/none/x"),
    "foreign host": get("/photos/cat", host="evil.example"),
    "two hosts": get("/photos/cat", "Host: localhost"),
    "foreign origin": get("/photos/cat", "Origin: https://evil.example"),
    "embedded": get("/photos/cat", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"),
    "long headers": get("/photos/cat", f"X-Long: {'x' * 10_240}"),
    "preflight": get(
        "/photos", "Origin: http://localhost:3000", "Access-Control-Request-Method: GET", method="OPTIONS"
    ),
    "chunked": get("/photos", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n\r\n",
    "expect": get("/photos", "Expect: nothing", "Content-Length: 0", method="POST"),
    "no version": b"GET /photos/cat HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    "absolute": get("http://localhost/photos/cat"),
    "large": get("/photos", method="POST", body=b"x" * (BODY_LIMIT + 10_000)),
}
RESULTS = {
    "two cookies": b'{"statusCode":201,"headers":{"X-A":"1","x-b":"\\u00e4"},"cookies":["a=1","b=2"],"body":"\\u00e4"}',
    "binary": b'{"statusCode":200,"headers":{"content-type":"image/png"},"body":"AAEC","isBase64Encoded":true}',
    "no content": b'{"statusCode":204,"body":"x"}',
    "not modified": b'{"statusCode":"304"}',
    "without a status": b'{"a":1}',
    "text": b'"hello"',
    "unknown status": b'{"statusCode":299,"body":"x"}',
    "hop by hop": b'{"statusCode":200,"headers":{"connection":"close","date":"x","x-a":"1"},"body":""}',
    "bad status": b'{"statusCode":99}',
    "bad header": b'{"statusCode":200,"headers":{"x":"a\\r\\nb: c"}}',
    "bad name": b'{"statusCode":200,"headers":{"x y":"a"}}',
    "not JSON": b"nonsense",
}


async def both(server: Served, request: bytes, **how: Any) -> list[bytes]:
    answers = []
    for port in (server.short, server.long):
        client = await Client.to(port)
        answers.append(plain(await client.ask(request.replace(b"%\r\n", b"%d\r\n" % port, 1), **how)))
        client.writer.close()
    return answers


@pytest.mark.parametrize("cors", [None, CORS], ids=["", "cors"])
async def compare(functions: Functions, requests: dict[str, bytes], cors: Any, short: bool) -> None:
    async with served(functions, cors) as server:
        for name, request in requests.items():
            functions.events.clear()
            server.seen.clear()
            functions.at_once = 0
            one, other = await both(server, request)
            assert one == other, name
            assert functions.at_once == (1 if short else 0), name
            if functions.events:
                assert stripped(functions.events[0]) == stripped(functions.events[1]), name
            told = [(e.method, e.target, e.status, e.function, e.problem) for e in server.seen]
            assert len(told) == 2 and told[0] == told[1], name
