"""WebSocket APIs on the local server: an app between clients' connections and the functions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from test_gateway import Result, ask

from eventfw.errors import LocalError
from eventfw.routing import identify
from eventfw.tools.local.web.asgi import Exchange, HttpResponse, respond
from eventfw.tools.local.web.websocket_api import MESSAGE_LIMIT, SocketApi, SocketRoute
from eventfw.tools.local.web.websockets import WebSockets

SELECTION = "$request.body.action"
Handle = Callable[[dict[str, Any]], Any]


def described(
    *routes: str, reply: tuple[str, ...] = (), guard: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    return [
        {
            "api": "chat",
            "selection": SELECTION,
            "route": route,
            "function": route.strip("$"),
            "handler": route,
            "reply": route in reply,
            "guard": guard if route == "$connect" else None,
        }
        for route in routes
    ]


class Room:
    """Functions that answer with what a test says, and the events they were given."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.events: list[dict[str, Any]] = []

    async def __call__(self, function: str, event: bytes) -> Result:
        raw = json.loads(event)
        self.events.append(raw)
        answer = self.answers.get(function, {"statusCode": 200})
        if callable(answer):
            answer = answer(raw)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Result) else Result(json.dumps(answer).encode())

    @property
    def routes(self) -> list[str]:
        return [event["requestContext"]["routeKey"] for event in self.events if "routeKey" in event["requestContext"]]


class Peer:
    """A client, as the server's protocol shows it to the app."""

    def __init__(self, app: WebSockets, path: str = "/chat", query: str = "", **headers: str) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.got: asyncio.Queue[Any] = asyncio.Queue()
        given = {"host": "localhost:8000", **{name.replace("_", "-"): value for name, value in headers.items()}}
        self.scope = {
            "type": "websocket",
            "http_version": "1.1",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": ("127.0.0.1", 5000),
            "extensions": {"websocket.http.response": {}},
        }
        self.sent.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(app(self.scope, self.sent.get, self.got.put))

    async def next(self) -> dict[str, Any]:
        found: dict[str, Any] = await asyncio.wait_for(self.got.get(), 5)
        return found

    async def opened(self) -> Peer:
        assert (await self.next())["type"] == "websocket.accept"
        return self

    def say(self, message: Any) -> None:
        text = message if isinstance(message, str | bytes) else json.dumps(message)
        self.sent.put_nowait({"type": "websocket.receive", "bytes" if isinstance(text, bytes) else "text": text})

    async def leave(self, code: int = 1000, reason: str = "") -> None:
        self.sent.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        await asyncio.wait_for(self.task, 5)


EMPTY = {"type": "http.request", "body": b"", "more_body": False}


async def beyond(scope: Any, receive: Any, send: Any) -> None:
    await respond(send, HttpResponse(200, [], b"beyond"))


def sockets(room: Room, *routes: str, seen: list[Exchange] | None = None, **options: Any) -> WebSockets:
    made = WebSockets(beyond, room, observe=(seen if seen is not None else []).append, timeout=0.2)
    made.replace(described(*(routes or ("$connect", "$disconnect", "$default", "say")), **options))
    return made


def test_a_connection_its_messages_and_its_end_are_events() -> None:
    room = Room()

    async def scenario() -> None:
        peer = await Peer(sockets(room), query="a=1&a=2", user_agent="x").opened()
        peer.say({"action": "say", "text": "hi"})
        peer.say("\u00e4")
        await peer.leave(1001, "away")

    asyncio.run(scenario())
    connect, say, other, disconnect = room.events
    assert {identify(event) for event in room.events} == {"apigw_websocket"}
    assert len({event["requestContext"]["connectionId"] for event in room.events}) == 1
    assert connect["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
    assert connect["headers"]["User-Agent"] == "x"
    assert (say["requestContext"]["routeKey"], json.loads(say["body"])["text"]) == ("say", "hi")
    assert (other["requestContext"]["routeKey"], other["body"]) == ("$default", "\u00e4")
    context = disconnect["requestContext"]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1001, "away")
    assert context["stage"] == "chat"


def test_what_a_handler_answers_is_sent_where_the_route_replies() -> None:
    room = Room(say={"statusCode": 200, "body": "said"}, default={"statusCode": 200, "body": "unsaid"})

    async def scenario() -> dict[str, Any]:
        peer = await Peer(sockets(room, "$default", "say", reply=("say",))).opened()
        peer.say({"action": "other"})
        peer.say({"action": "say"})
        found = await peer.next()
        await peer.leave()
        assert peer.got.empty()
        return found

    assert asyncio.run(scenario()) == {"type": "websocket.send", "text": "said"}
    assert sorted(room.routes) == ["$default", "say"]


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"connect": {"statusCode": 403}}, 403),
        ({"connect": {"statusCode": 401, "headers": {"X-Why": "no"}, "body": "no"}}, 401),
        ({"connect": Result(b'{"errorMessage": "x"}', error=True)}, 502),
        ({"connect": Result(b"null")}, 502),
        ({"connect": LocalError("no worker")}, 502),
    ],
)
def test_a_client_that_may_not_connect_is_told_the_status(answers: dict[str, Any], status: int) -> None:
    room, seen = Room(**answers), []

    async def scenario() -> dict[str, Any]:
        app = sockets(room, seen=seen)
        peer = Peer(app)
        found = await peer.next()
        await asyncio.wait_for(peer.task, 5)
        assert app.connections == {}
        return found

    found = asyncio.run(scenario())
    assert (found["type"], found["status"]) == ("websocket.http.response.start", status)
    assert room.routes == ["$connect"] and len(seen) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/chat/", {"origin": "null"}),
        ("/chat", {"origin": "https://evil.example"}),
        ("/chat", {"host": "evil.example"}),
    ],
)
def test_foreign_pages_are_refused(path: str, headers: dict[str, str]) -> None:
    room = Room()

    async def scenario() -> dict[str, Any]:
        peer = Peer(sockets(room), path, **headers)
        found = await peer.next()
        await asyncio.wait_for(peer.task, 5)
        return found

    assert asyncio.run(scenario())["status"] == 403
    assert room.events == []


GUARD = {
    "kind": "lambda",
    "name": "check",
    "function": "check",
    "type": "REQUEST",
    "identity_sources": ["querystring.token"],
    "ttl": 0,
    "expression": "",
    "simple": True,
    "scopes": [],
}


def policy(effect: str) -> dict[str, Any]:
    arn = "arn:aws:execute-api:us-east-1:000000000000:chat/chat/*"
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
    return {"principalId": "anna", "policyDocument": {"Statement": [statement]}, "context": {"room": 7}}


def test_an_authorizer_is_asked_and_what_it_says_comes_with_every_event() -> None:
    room = Room(check=policy("Allow"))

    async def scenario() -> None:
        peer = await Peer(sockets(room, "$connect", "$default", guard=GUARD), query="token=t").opened()
        peer.say("hi")
        await peer.leave()

    asyncio.run(scenario())
    asked, connect, message = room.events
    assert (asked["type"], asked["methodArn"].endswith("/$connect")) == ("REQUEST", True)
    for event in (connect, message):
        told = event["requestContext"]["authorizer"]
        assert (told["principalId"], told["room"]) == ("anna", "7")


@pytest.mark.parametrize(("query", "effect", "status"), [("", "Allow", 401), ("token=t", "Deny", 403)])
def test_whom_the_authorizer_refuses_does_not_connect(query: str, effect: str, status: int) -> None:
    room = Room(check=policy(effect))

    async def scenario() -> dict[str, Any]:
        return await Peer(sockets(room, "$connect", guard=GUARD), query=query).next()

    assert asyncio.run(scenario())["status"] == status
    assert room.routes.count("$connect") == (1 if query else 0)  # the authorizer's own event, if it was asked


def errors_for(message: Any, *routes: str, **answers: Any) -> dict[str, Any]:
    room = Room(**answers)

    async def scenario() -> dict[str, Any]:
        peer = await Peer(sockets(room, *routes)).opened()
        peer.say(message)
        found = await peer.next()
        await peer.leave()
        told: dict[str, Any] = json.loads(found["text"])
        return told

    return asyncio.run(scenario())


def test_a_client_is_told_that_something_went_wrong_and_no_more() -> None:
    failed = errors_for("x", "$default", default=Result(b'{"errorMessage": "secret"}', error=True))
    assert set(failed) == {"message", "connectionId", "requestId"}
    assert failed["message"] == "Internal server error"
    assert errors_for("x", "$default", default=Result(b"[]"))["message"] == "Internal server error"
    slow = errors_for("x", "$default", default=lambda raw: asyncio.sleep(1))
    assert slow["message"] == "Endpoint request timed out"


def test_a_message_without_a_route_is_forbidden() -> None:
    assert errors_for({"action": "other"}, "say")["message"] == "Forbidden"


@pytest.mark.parametrize(
    ("body", "route"),
    [
        ('{"action": "say"}', "say"),
        ('{"action": 5}', "5"),
        ('{"action": true}', "true"),
        ('{"action": "$connect"}', "$default"),
        ('{"action": "none"}', "$default"),
        ('{"act": "say"}', "$default"),
        ('["say"]', "$default"),
        ("say", "$default"),
    ],
)
def test_a_field_of_the_message_names_the_route(body: str, route: str) -> None:
    found = SocketRoute("f", reply=False, guard=None)
    api = SocketApi("chat", SELECTION, dict.fromkeys(("$connect", "say", "5", "true"), found))
    assert api.route_of(body) == route


def test_a_field_may_be_deeper() -> None:
    api = SocketApi("chat", "$request.body.a.b", {"say": SocketRoute("f", reply=False, guard=None)})
    assert api.route_of('{"a": {"b": "say"}}') == "say"


def test_messages_are_handled_side_by_side() -> None:
    first = asyncio.Event

    async def scenario() -> list[str]:
        gate = first()

        async def slow(raw: Any) -> Any:
            await gate.wait()
            return {"statusCode": 200, "body": "slow"}

        def quick(raw: Any) -> Any:
            gate.set()
            return {"statusCode": 200, "body": "quick"}

        app = WebSockets(beyond, Room(slow=slow, quick=quick))
        app.replace(described("slow", "quick", reply=("slow", "quick")))
        peer = await Peer(app).opened()
        peer.say({"action": "slow"})
        peer.say({"action": "quick"})
        texts = [(await peer.next())["text"], (await peer.next())["text"]]
        await peer.leave()
        return texts

    assert sorted(asyncio.run(scenario())) == ["quick", "slow"]


@pytest.mark.parametrize(("message", "code"), [("x" * (MESSAGE_LIMIT + 1), 1009), (b"\x00", 1003)])
def test_a_message_that_is_too_long_or_no_text_ends_the_connection(message: Any, code: int) -> None:
    room = Room()

    async def scenario() -> dict[str, Any]:
        peer = await Peer(sockets(room)).opened()
        peer.say(message)
        found = await peer.next()
        await peer.leave(1005)
        return found

    found = asyncio.run(scenario())
    assert (found["type"], found["code"]) == ("websocket.close", code)
    assert room.routes == ["$connect", "$disconnect"]
    assert room.events[-1]["requestContext"]["disconnectStatusCode"] == code


def test_handlers_reach_a_connection_by_its_id() -> None:
    room = Room()

    async def scenario() -> None:
        app = sockets(room)
        peer = await Peer(app, user_agent="x").opened()
        [identity] = app.connections
        assert (await manage(app, "POST", identity, b"news")).status == 200
        assert await peer.next() == {"type": "websocket.send", "text": "news"}
        told = await manage(app, "GET", identity)
        assert json.loads(told.body)["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "x"}
        assert (await manage(app, "POST", identity, b"x" * (MESSAGE_LIMIT + 1))).status == 413
        assert (await manage(app, "DELETE", identity)).status == 204
        assert (await peer.next())["type"] == "websocket.close"
        assert (await manage(app, "POST", identity, b"late")).status == 410
        await peer.leave(1005)
        gone = await manage(app, "GET", identity)
        assert (gone.status, gone.header("x-amzn-errortype")) == (410, "GoneException")

    asyncio.run(scenario())
    assert room.routes == ["$connect", "$disconnect"]


async def manage(app: WebSockets, method: str, identity: str, body: bytes = b"", **headers: str) -> Any:
    """One request to the management API, in the same loop as the connections."""
    from asgi_client import Answer

    sent: list[Any] = []
    given = {"host": "localhost:8000", **headers}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "path": f"/chat/@connections/{identity}",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 5000),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, content = sent
    return Answer(start["status"], [(a.decode(), b.decode()) for a, b in start["headers"]], content["body"])


def test_a_connection_is_not_there_while_it_is_asked_about() -> None:
    statuses = []

    async def scenario() -> None:
        async def connect(raw: Any) -> Any:
            answer = await manage(app, "POST", raw["requestContext"]["connectionId"], b"x")
            statuses.append(answer.status)
            return {"statusCode": 200}

        app = sockets(Room(connect=connect))
        await (await Peer(app).opened()).leave()

    asyncio.run(scenario())
    assert statuses == [410]


def test_a_connection_is_its_own_apis() -> None:
    async def scenario() -> int:
        app = sockets(Room())
        app.replace([*described("say"), *({**one, "api": "game"} for one in described("say"))])
        peer = await Peer(app, "/game").opened()
        [identity] = app.connections
        status = (await manage(app, "POST", identity, b"x")).status
        await peer.leave()
        return int(status)

    assert asyncio.run(scenario()) == 410


def test_a_reload_forgets_what_authorizers_said() -> None:
    room = Room(check=policy("Allow"))
    told = described("$connect", guard={**GUARD, "ttl": 300})

    async def scenario() -> None:
        app = WebSockets(beyond, room)
        for _ in range(2):
            app.replace(told)
            await (await Peer(app, query="token=t").opened()).leave()

    asyncio.run(scenario())
    assert len([event for event in room.events if event.get("type") == "REQUEST"]) == 2


def test_strangers_do_not_reach_connections() -> None:
    async def scenario() -> int:
        app = sockets(Room())
        peer = await Peer(app).opened()
        [identity] = app.connections
        answer = await manage(app, "POST", identity, b"x", origin="https://evil.example")
        assert peer.got.empty()
        await peer.leave()
        return int(answer.status)

    assert asyncio.run(scenario()) == 403


def test_a_client_that_is_gone_is_no_error() -> None:
    async def scenario() -> int:
        app = sockets(Room())
        peer = await Peer(app).opened()
        [(identity, connection)] = app.connections.items()

        async def broken(message: Any) -> None:
            raise OSError

        connection._send = broken
        answer = await manage(app, "POST", identity, b"x")
        await peer.leave()
        return int(answer.status)

    assert asyncio.run(scenario()) == 200


@pytest.mark.parametrize("path", ["/", "/other", "/chat/more"])
def test_a_request_to_connect_elsewhere_is_one_like_any_other(path: str) -> None:
    async def scenario() -> list[dict[str, Any]]:
        async def beyond(scope: Any, receive: Any, send: Any) -> None:
            assert (scope["type"], scope["method"], await receive()) == ("http", "GET", EMPTY)
            assert (b"upgrade", b"websocket") in scope["headers"]
            await respond(send, HttpResponse(200, [], b"beyond"))

        peer = Peer(WebSockets(beyond, Room()), path)
        found = [await peer.next(), await peer.next()]
        await asyncio.wait_for(peer.task, 5)
        return found

    start, body = asyncio.run(scenario())
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 200)
    assert (body["type"], body["body"]) == ("websocket.http.response.body", b"beyond")


def test_other_requests_are_left_to_the_app_beyond() -> None:
    app = sockets(Room())
    for target in ("/", "/chat", "/other/@connections/x", "/chat/@connections"):
        assert ask(app, target=target).body == b"beyond"
