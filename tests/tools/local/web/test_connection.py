"""Connections: a plain request goes the short way, any other one the long way, and both are answered alike."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.run import event_loop
from eventfw.tools.local.web.apis import apis_of
from eventfw.tools.local.web.asgi import Exchange
from eventfw.tools.local.web.direct import BODY_LIMIT, Direct
from eventfw.tools.local.web.fronts import Fronts
from eventfw.tools.local.web.gateway import Gateway
from eventfw.tools.local.web.listening import bound, port_of
from eventfw.tools.local.web.serving import serving
from eventfw.tools.local.web.websockets import WebSockets

ROUTES = [
    ["GET", "/photos/{name}", "api", "photo"],
    ["HEAD", "/photos/{name}", "api", "photo"],
    ["POST", "/photos", "api", "upload"],
    ["GET", "/guarded", "api", "guarded"],
    ["GET", "/a/{rest+}", "api", "rest"],
    ["OPTIONS", "/photos", "api", "options"],
]
ASKED = "Access-Control-Request-Method"
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
    returned: bool = False  # it turns out that nothing can
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
            asyncio.get_running_loop().call_soon(answer, None if self.returned else result)
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
    clients: list[Client] = field(default_factory=list)

    async def client(self, port: int = 0) -> Client:
        """A new connection."""
        client = Client(*await asyncio.open_connection("127.0.0.1", port or self.short))
        self.clients.append(client)
        return client


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
    server = Served(short, long, functions, seen)
    try:
        yield server
    finally:
        await end()
        for client in server.clients:
            await client.close()


class Client:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

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


def running(work: Coroutine[Any, Any, None]) -> None:
    """Run a test in the loop that the server has."""
    with asyncio.Runner(loop_factory=event_loop()) as runner:
        runner.run(work)


def plain(answer: bytes) -> bytes:
    """An answer without what differs each time."""
    answer = re.sub(rb"date: [^\r]*", b"date: D", answer)
    return re.sub(rb"apigw-requestid: \S{15}=\r", b"apigw-requestid: I\r", answer)


def stripped(event: dict[str, Any]) -> dict[str, Any]:
    """An event without what differs each time."""
    context = event["requestContext"]
    for name in ("requestId", "extendedRequestId", "time", "timeEpoch", "requestTime", "requestTimeEpoch"):
        context.pop(name, None)
    text = re.sub(r"127\.0\.0\.1:\d+", "HOST", json.dumps(event))
    text = re.sub(r'("x-forwarded-port": \[?")\d+"', r'\1P"', text, flags=re.IGNORECASE)
    stripped: dict[str, Any] = json.loads(text)
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
    "two hosts": get("/photos/cat", "Host: localhost", host="localhost"),
    "foreign origin": get("/photos/cat", "Origin: https://evil.example"),
    "embedded": get("/photos/cat", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"),
    "long headers": get("/photos/cat", f"X-Long: {'x' * 10_240}"),
    "preflight": get("/photos", "Origin: http://localhost:3000", f"{ASKED}: GET", method="OPTIONS"),
    "chunked": get("/photos", "Transfer-Encoding: chunked", method="POST") + b"3\r\nabc\r\n0\r\n\r\n",
    "expect": get("/photos", "Expect: nothing", "Content-Length: 0", method="POST"),
    "no version": b"GET /photos/cat HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n",
    "absolute": get("http://localhost/photos/cat"),
    "large": get("/photos", method="POST", body=b"x" * (16 * BODY_LIMIT)),
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
        client = await server.client(port)
        answers.append(plain(await client.ask(request.replace(b"%\r\n", b"%d\r\n" % port, 1), **how)))
    return answers


async def compared(server: Served, requests: dict[str, bytes], *, short: bool) -> None:
    """Send requests both ways, and find the same answers, events and lines of the terminal."""
    functions = server.functions
    for name, request in requests.items():
        functions.events.clear()
        server.seen.clear()
        functions.at_once = 0
        one, other = await both(server, request, body=not request.startswith(b"HEAD"))
        assert one == other, name
        assert functions.at_once == (1 if short else 0), name
        assert not functions.events or stripped(functions.events[0]) == stripped(functions.events[1]), name
        told = [(e.method, e.target, e.status, e.function, e.problem) for e in server.seen]
        assert told[:1] == told[1:], name


@pytest.mark.parametrize("cors", [None, CORS], ids=["no CORS", "CORS"])
def test_plain_requests_go_the_short_way_and_are_answered_as_on_the_long_one(cors: Any) -> None:
    requests = {name: request for name, request in REQUESTS.items() if cors is None or name != "options"}

    async def run() -> None:
        async with served(Functions(), cors) as server:
            await compared(server, requests, short=True)

    running(run())


def test_all_others_go_the_long_way_and_are_answered_alike() -> None:
    async def run() -> None:
        async with served(Functions(), CORS) as server:
            await compared(server, OTHERWISE, short=False)

    running(run())


def test_results_and_errors_come_to_the_same_response() -> None:
    requests = {"get": get("/photos/cat"), "head": get("/photos/cat", method="HEAD")}

    async def run() -> None:
        functions = Functions()
        async with served(functions) as server:
            for payload in RESULTS.values():
                functions.payload = payload
                await compared(server, requests, short=True)
            functions.payload, functions.error = b'{"errorMessage":"no","errorType":"E"}', True
            await compared(server, requests, short=True)

    running(run())


def test_what_cannot_run_at_once_is_waited_for() -> None:
    async def run() -> None:
        functions = Functions(busy=True)
        async with served(functions) as server:
            await compared(server, {"": get("/photos/cat")}, short=False)
            functions.raised = LocalError("it is off")
            await compared(server, {"": get("/photos/cat")}, short=False)

    running(run())


def test_what_could_not_begin_after_all_is_waited_for() -> None:
    async def run() -> None:
        async with served(Functions(returned=True)) as server:
            await compared(server, {"": get("/photos/cat")}, short=True)
            assert len(server.functions.events) == 3  # begun, and invoked, and invoked on the long way

    running(run())


def test_a_connection_takes_both_ways_in_turn() -> None:
    async def run() -> None:
        functions = Functions()
        async with served(functions) as server:
            client = await server.client()
            for _ in range(3):
                assert (await client.ask(get("/photos/cat"))).startswith(b"HTTP/1.1 200 ")
                assert (await client.ask(get("/nowhere"))).startswith(b"HTTP/1.1 404 ")
                assert (await client.ask(REQUESTS["binary"])).startswith(b"HTTP/1.1 200 ")
                assert (await client.ask(OTHERWISE["chunked"])).startswith(b"HTTP/1.1 200 ")
            assert functions.at_once == 6 and len(functions.events) == 9

    running(run())


def test_one_request_after_the_other_is_answered_alike_whatever_was_the_same_before() -> None:
    lines = ["GET /photos/a", "GET /photos/b?x=1", "HEAD /photos/b", "GET /nowhere", "GET /photos/a", "GET /photos/%2F"]
    lines += ["POST /photos", "GET /guarded", "GET //photos/a", "GET /photos/a#b", 'GET /photos/"', "BREW /photos/a"]

    async def run() -> None:
        functions = Functions()
        async with served(functions) as server:
            answers: dict[int, list[bytes]] = {}
            for port in (server.short, server.long):
                client = await server.client(port)
                for line in lines:
                    method, _, url = line.partition(" ")
                    answer = await client.ask(get(url, method=method, host="localhost"), body=method != "HEAD")
                    answers.setdefault(port, []).append(plain(answer))
            assert answers[server.short] == answers[server.long]
            half = len(functions.events) // 2
            assert [stripped(one) for one in functions.events[:half]] == list(map(stripped, functions.events[half:]))
            assert functions.at_once == 7

    running(run())


def test_requests_in_pieces_and_pipelined_ones_are_answered_in_order() -> None:
    async def run() -> None:
        functions = Functions(held=True)
        async with served(functions) as server:
            client = await server.client()
            whole = REQUESTS["text"]
            again = get("/photos/b")
            functions.held = False
            await client.ask(again)
            client.writer.write(again[:23])  # the line alone, without its end
            await asyncio.sleep(0.01)
            await client.ask(again[23:])
            functions.events.clear()
            functions.held = True
            for piece in (whole[:5], whole[5:60], whole[60:-4], whole[-4:]):
                client.writer.write(piece)
                await asyncio.sleep(0.01)
            await until(lambda: functions.waiting)
            client.writer.write(get("/nowhere") + get("/photos/b"))  # before the first is answered
            await asyncio.sleep(0.01)
            functions.held = False
            functions.waiting.pop()()
            answers = [await client.answer() for _ in range(3)]
            assert [answer[9:12] for answer in answers] == [b"200", b"404", b"200"]
            assert functions.events[0]["body"] == '{"ä": "\x00\U0001f600"}'

    running(run())


def test_a_client_that_hangs_up_keeps_nobody_from_being_answered() -> None:
    async def run() -> None:
        functions = Functions(held=True)
        async with served(functions) as server:
            gone, stays = await server.client(), await server.client()
            gone.writer.write(get("/photos/a"))
            await until(lambda: len(functions.waiting) == 1)
            stays.writer.write(get("/photos/b"))
            await until(lambda: len(functions.waiting) == 2)
            gone.writer.close()
            await asyncio.sleep(0.02)
            for answer in functions.waiting:
                answer()
            assert (await stays.answer()).startswith(b"HTTP/1.1 200 ")
            assert [exchange.target for exchange in server.seen] == ["/photos/a", "/photos/b"]

    running(run())


def test_the_end_of_the_server_waits_for_the_answer_and_says_that_it_is_the_last() -> None:
    async def run() -> None:
        functions = Functions(held=True)
        async with served(functions) as server:
            idle, waits = await server.client(), await server.client()
            waits.writer.write(get("/photos/a"))
            await until(lambda: functions.waiting)
            asyncio.get_running_loop().call_later(0.25, functions.waiting[0])
            reading = asyncio.gather(waits.answer(), idle.ended())
        answer, ended = await reading
        assert ended and answer.startswith(b"HTTP/1.1 200 ") and b"connection: close\r\n" in answer

    running(run())


def test_the_end_of_the_server_closes_kept_connections_of_addresses_without_a_short_way() -> None:
    async def run() -> None:
        async with served(Functions()) as server:
            kept = await server.client(server.long)
            assert (await kept.ask(get("/photos/a"))).startswith(b"HTTP/1.1 200 ")
            ended = asyncio.create_task(kept.ended())
            server.clients.clear()
        assert await ended, "it would be answered by parts of the server that have ended"
        await kept.close()

    running(run())


@pytest.mark.parametrize("request_", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_is_no_http_is_refused(request_: bytes) -> None:
    async def run() -> None:
        async with served(Functions()) as server:
            client = await server.client()
            assert (await client.ask(request_)).startswith(b"HTTP/1.1 400 ")
            assert await client.ended()

    running(run())


def test_an_offer_of_http_2_is_declined_and_the_request_answered_with_its_body() -> None:
    offer = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAA")
    request = get("/photos", *offer, method="POST", body=b"cat")

    async def run() -> None:
        async with served(Functions()) as server:
            for port in (server.short, server.long):
                client = await server.client(port)
                asked = request.replace(b"%\r\n", b"%d\r\n" % port, 1)
                for pieces in ([asked], [asked[:-2], asked[-2:]], [asked[:40], asked[40:]]):
                    for piece in pieces:
                        client.writer.write(piece)
                        await client.writer.drain()
                        await asyncio.sleep(0.01)
                    assert (await client.answer()).startswith(b"HTTP/1.1 200 ")
                    assert server.functions.events.pop()["body"] == "Y2F0"
                    assert server.functions.events == []

    running(run())


def test_a_fault_of_the_gateway_is_told_and_answered() -> None:
    async def run() -> None:
        told: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        functions = Functions(payload=None)  # type: ignore[arg-type] # nothing that a service would give
        async with served(functions) as server:
            client = await server.client()
            assert (await client.ask(get("/photos/a"))).startswith(b"HTTP/1.1 500 ")
            functions.payload = b"{}"
            assert (await client.ask(get("/photos/a"))).startswith(b"HTTP/1.1 200 ")
        assert [type(context["exception"]) for context in told] == [TypeError]

    running(run())


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for knows nothing of events
            await asyncio.sleep(0.002)
