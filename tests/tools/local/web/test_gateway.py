"""The gateway: an ASGI app that answers as API Gateway's HTTP API does."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from asgi_client import Answer, asked

from eventfw.errors import LocalError
from eventfw.paths import HttpTable
from eventfw.tools.local.web.asgi import Exchange
from eventfw.tools.local.web.gateway import Gateway
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.web.http_api import BODY_LIMIT, HEADERS_LIMIT, PAYLOAD_LIMIT
from eventfw.tools.local.workers.results import Throttled

ROUTES = [
    ["GET", "/photos/{name}", "api", "photo"],
    ["POST", "/photos", "api", "upload"],
    ["OPTIONS", "/photos", "api", "preflight"],
    ["HEAD", "/photos", "api", "head"],
    ["DELETE", "/photos/{rest+}", "other", "remove"],
]


@dataclass
class Result:
    payload: bytes = b'{"statusCode": 200, "body": "ok"}'
    error: bool = False


class Functions:
    """Stands for the workers: keeps the events it was given, and gives one result."""

    def __init__(self, result: Any = None) -> None:
        self.result = result if result is not None else Result()
        self.calls: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, function: str, event: bytes) -> Result:
        self.calls.append((function, json.loads(event)))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def ask(app: Any, method: str = "GET", target: str = "/photos/a", body: bytes = b"", **headers: str) -> Answer:
    """One request to the app, without a server between."""
    return asyncio.run(asked(app, method, target, body, headers, port=8000))


def gateway(functions: Functions | None = None, **options: Any) -> Gateway:
    return Gateway(HttpTable(ROUTES), functions or Functions(), **options)


def test_a_route_reaches_its_function_with_the_event() -> None:
    functions = Functions()
    answer = ask(gateway(functions), target="/photos/a%2Fb?x=1")
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"ok", "2")
    [(function, event)] = functions.calls
    assert function == "api"
    assert (event["routeKey"], event["rawPath"]) == ("GET /photos/{name}", "/photos/a%2Fb")
    assert (event["pathParameters"], event["queryStringParameters"]) == ({"name": "a%2Fb"}, {"x": "1"})
    assert event["requestContext"]["requestId"] == answer.header("apigw-requestid")


@pytest.mark.parametrize(("method", "target"), [("GET", "/nowhere"), ("PUT", "/photos/a"), ("HEAD", "/photos/a")])
def test_a_miss_of_path_or_method_is_the_gateways_own_404(method: str, target: str) -> None:
    functions = Functions()
    answer = ask(gateway(functions), method, target)
    assert (answer.status, answer.body) == (404, b'{"message":"Not Found"}')
    assert answer.header("content-type") == "application/json"
    assert functions.calls == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_head_and_options_are_routes_like_any_other(method: str) -> None:
    functions = Functions()
    assert ask(gateway(functions), method, "/photos").status == 200
    assert functions.calls[0][1]["requestContext"]["http"]["method"] == method


def test_routes_are_swapped_for_the_next_request() -> None:
    app = gateway()
    assert ask(app, target="/new").status == 404
    app.routes = HttpTable([["GET", "/new", "api", "new"]])
    assert ask(app, target="/new").status == 200
    assert ask(app).status == 404


def test_the_function_sees_what_the_gateway_adds_and_not_the_connection() -> None:
    functions = Functions()
    ask(
        gateway(functions),
        connection="keep-alive, x-hop",
        x_hop="1",
        keep_alive="5",
        te="trailers",
        x_forwarded_for="203.0.113.9",
        x_forwarded_proto="https",
        x_mine="1",
    )
    assert functions.calls[0][1]["headers"] == {
        "host": "localhost:8000",
        "x-mine": "1",
        "content-length": "0",
        "x-forwarded-for": "203.0.113.9, 127.0.0.1",
        "x-forwarded-port": "8000",
        "x-forwarded-proto": "http",
    }


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (
            Result(b'{"errorMessage": "boom", "errorType": "Bad"}', error=True),
            "api failed: Bad: boom",
        ),
        (Result(b'{"errorMessage": "boom"}', error=True), "api failed: boom"),
        (Result(b"torn", error=True), "api failed: torn"),
        (LocalError("no worker"), "no worker"),
    ],
)
def test_a_function_that_fails_is_a_500_and_the_terminal_learns_why(result: Any, said: str) -> None:
    seen: list[Exchange] = []
    answer = ask(gateway(Functions(result), observe=seen.append))
    assert (answer.status, answer.body) == (500, b'{"message":"Internal Server Error"}')
    assert seen[0].problem == said


def test_a_throttled_function_is_a_503() -> None:
    seen: list[Exchange] = []
    answer = ask(gateway(Functions(Throttled("api runs twice already.")), observe=seen.append))
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    assert seen[0].problem == "api runs twice already."


def test_a_malformed_result_is_a_500_and_the_terminal_learns_why() -> None:
    seen: list[Exchange] = []
    assert ask(gateway(Functions(Result(b'{"statusCode": "abc"}')), observe=seen.append)).status == 500
    assert "'abc'" in seen[0].problem
    assert (seen[0].method, seen[0].target, seen[0].function, seen[0].status) == ("GET", "/photos/a", "api", 500)


def test_a_function_that_takes_too_long_is_a_503_and_runs_on() -> None:
    ended = []

    async def slow(function: str, event: bytes) -> Result:
        await asyncio.sleep(0.05)
        ended.append(function)
        return Result()

    app = Gateway(HttpTable(ROUTES), slow, timeout=0.01)

    async def wait_for_the_end(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        assert ended == []
        await asyncio.sleep(0.2)

    answer = ask(wait_for_the_end)
    assert (answer.status, answer.body) == (503, b'{"message":"Service Unavailable"}')
    assert ended == ["api"]


def test_a_function_that_is_debugged_may_take_its_time() -> None:
    async def slow(function: str, event: bytes) -> Result:
        await asyncio.sleep(0.05)
        return Result()

    app = Gateway(HttpTable(ROUTES), slow, timeout=0.01)
    app.invoke.patient = lambda: True
    assert ask(app).status == 200


@pytest.mark.parametrize("announced", [{}, {"content_length": str(BODY_LIMIT + 1)}])
def test_a_body_over_ten_megabytes_is_a_413(announced: dict[str, str]) -> None:
    functions = Functions()
    seen: list[Exchange] = []
    answer = ask(gateway(functions, observe=seen.append), "POST", "/photos", b"x" * (BODY_LIMIT + 1), **announced)
    assert (answer.status, answer.body) == (413, b'{"message":"Request Entity Too Large"}')
    assert str(BODY_LIMIT) in seen[0].problem
    assert functions.calls == []


def test_an_event_over_lambdas_limit_is_a_413() -> None:
    functions = Functions()
    text = {"content_type": "text/plain"}
    assert ask(gateway(functions), "POST", "/photos", b"x" * (PAYLOAD_LIMIT - 2000), **text).status == 200
    assert ask(gateway(functions), "POST", "/photos", b"x" * PAYLOAD_LIMIT, **text).status == 413
    assert len(functions.calls) == 1


def test_a_result_over_lambdas_limit_is_a_500() -> None:
    assert ask(gateway(Functions(Result(b'"' + b"x" * PAYLOAD_LIMIT + b'"')))).status == 500


def test_request_line_and_header_values_are_limited_together() -> None:
    room = HEADERS_LIMIT - len("GET /photos/a HTTP/1.1") - len("localhost:8000")
    assert ask(gateway(), x="a" * room).status == 200
    answer = ask(gateway(), x="a" * (room + 1))
    assert (answer.status, answer.body) == (431, b'{"message":"Request Header Fields Too Large"}')


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "site.localhost:80", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "[::1]"]
)
def test_names_of_this_machine_are_served(host: str) -> None:
    assert ask(gateway(), host=host).status == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:80", "0.0.0.0", "192.168.0.1", "", "[::]:80"])
def test_a_foreign_host_is_refused_before_anything_else(host: str) -> None:
    functions = Functions()
    seen: list[Exchange] = []
    answer = ask(gateway(functions, observe=seen.append), host=host)
    assert answer.status == 403
    assert b"--allow-host" in answer.body
    assert host in seen[0].problem
    assert functions.calls == []


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:80", ""])
def test_a_front_end_on_this_machine_may_call(origin: str) -> None:
    assert ask(gateway(), origin=origin).status == 200


@pytest.mark.parametrize(
    ("mode", "dest", "referer", "status"),
    [
        ("no-cors", "image", "https://evil.example/", 403),
        ("no-cors", "script", None, 403),
        ("navigate", "iframe", "https://evil.example/", 403),
        ("navigate", "document", "https://evil.example/", 200),
        ("no-cors", "image", "http://localhost:3000/", 200),
    ],
)
def test_a_foreign_page_may_embed_nothing(mode: str, dest: str, referer: str | None, status: int) -> None:
    sent = {"sec_fetch_site": "cross-site", "sec_fetch_mode": mode, "sec_fetch_dest": dest}
    sent |= {"referer": referer} if referer else {}
    assert ask(gateway(Functions()), **sent).status == status
    assert ask(gateway(Functions()), **{**sent, "sec_fetch_site": "same-site"}).status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://[", "x"])
def test_a_foreign_page_may_not_call(origin: str) -> None:
    functions = Functions()
    assert ask(gateway(functions), origin=origin).status == 403
    assert functions.calls == []


def test_more_names_can_be_allowed() -> None:
    app = gateway(guard=Guard(["Dev.Example"]))
    assert ask(app, host="dev.example:80", origin="https://dev.example").status == 200
    assert ask(app, host="a.dev.example").status == 403


def test_a_websocket_is_closed_and_the_servers_lifespan_is_acknowledged() -> None:
    def talk(kind: str, *received: str) -> list[str]:
        messages, sent = iter(received), []

        async def receive() -> dict[str, Any]:
            return {"type": next(messages)}

        async def send(message: Any) -> None:
            sent.append(message["type"])

        asyncio.run(gateway()({"type": kind}, receive, send))
        return sent

    assert talk("websocket", "websocket.connect") == ["websocket.close"]
    assert talk("lifespan", "lifespan.startup", "lifespan.shutdown") == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


def test_cookies_and_binary_bodies_on_a_kept_alive_connection(serve: Callable[[Any], int]) -> None:
    result = {
        "statusCode": 201,
        "cookies": ["a=1", "b=2"],
        "headers": {"X-A": "1"},
        "body": "iVBORw==",
        "isBase64Encoded": True,
    }
    functions = Functions(Result(json.dumps(result).encode()))
    client = http.client.HTTPConnection("127.0.0.1", serve(gateway(functions)), timeout=20)
    for _ in range(3):
        client.request("POST", "/photos?a=1", body=b"\x00\xff", headers={"Content-Type": "image/png"})
        own = client.sock
        answer = client.getresponse()
        assert (answer.status, answer.read(), client.sock) == (201, b"\x89PNG", own)
        assert answer.msg.get_all("set-cookie") == ["a=1", "b=2"]
        assert answer.msg.get_all("date") and "server" not in answer.msg
    client.close()
    assert [call[1]["body"] for call in functions.calls] == ["AP8="] * 3


@pytest.mark.parametrize(("target", "size", "status"), [("/photos", BODY_LIMIT + 1, 413), ("/nowhere", 100_000, 404)])
def test_a_body_nobody_reads_leaves_the_connection_usable(
    serve: Callable[[Any], int], target: str, size: int, status: int
) -> None:
    client = http.client.HTTPConnection("127.0.0.1", serve(gateway()), timeout=20)
    client.request("POST", target, body=b"x" * size)
    own = client.sock
    answer = client.getresponse()
    assert (answer.status, bool(answer.read())) == (status, True)
    client.request("GET", "/photos/a")
    assert (client.getresponse().status, client.sock) == (200, own)
    client.close()


def test_head_has_the_length_and_no_body(serve: Callable[[Any], int]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", serve(gateway()), timeout=20)
    for _ in range(2):
        client.request("HEAD", "/photos")
        answer = client.getresponse()
        assert (answer.status, answer.getheader("content-length"), answer.read()) == (200, "2", b"")
    client.close()


def test_a_response_arrives_in_one_piece(serve: Callable[[Any], int]) -> None:
    """Head and body in one segment: a client that waits for the second one would stall on a kept-alive connection."""
    port = serve(gateway())
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        for _ in range(20):
            client.sendall(b"GET /photos/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.recv(65536).endswith(b"\r\n\r\nok")


def test_a_chunked_request_has_a_length_for_the_function(serve: Callable[[Any], int]) -> None:
    functions = Functions()
    client = http.client.HTTPConnection("127.0.0.1", serve(gateway(functions)), timeout=20)
    client.request("POST", "/photos", body=iter([b"ab", b"c"]), headers={"Content-Type": "text/plain"})
    assert client.getresponse().read() == b"ok"
    client.close()
    event = functions.calls[0][1]
    assert (event["body"], event["headers"]["content-length"]) == ("abc", "3")
    assert "transfer-encoding" not in event["headers"]
