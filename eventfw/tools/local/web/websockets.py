"""WebSocket APIs on this machine, on the HTTP port: clients connect to ``/NAME``, handlers reach them through
``/NAME/@connections/ID``."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from eventfw.errors import EventfwError
from eventfw.paths import HttpTable
from eventfw.tools.local.web.apis import LocalApi
from eventfw.tools.local.web.asgi import (
    ASGIApp,
    BodyTooLarge,
    ClientGone,
    Exchange,
    HttpRequest,
    HttpResponse,
    Invoke,
    Observe,
    PlainHttp,
    Receive,
    Scope,
    Send,
    body_of,
    failure,
    head_of,
    request_id,
    respond,
    unobserved,
)
from eventfw.tools.local.web.authorizing import Authorizing, Refused
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.web.http_api import gateway_error
from eventfw.tools.local.web.http_shared import BadResult, loaded, single_headers, status_code
from eventfw.tools.local.web.waiting import TimedInvoke
from eventfw.tools.local.web.websocket_api import (
    CONNECT,
    DISCONNECT,
    MESSAGE_LIMIT,
    Client,
    SocketApi,
    connect_event,
    disconnect_event,
    error_text,
    gone,
    message_event,
    seen,
    socket_apis,
    too_long,
)

TIMEOUT = 29.0  # seconds for a handler: "Integration timeout" of a WebSocket API
ARN = "arn:aws:execute-api:us-east-1:000000000000"
ENDED, NOT_TEXT, TOO_BIG = 1000, 1003, 1009  # close codes
CONNECTIONS = "@connections"


class Connection:
    """A client that is connected. Several tasks may send to it."""

    def __init__(self, client: Client, send: Send) -> None:
        self.client = client
        self.active = datetime.now(UTC)
        self.closing: tuple[int, str] | None = None
        self.open = True
        self._send = send

    async def tell(self, text: str) -> None:
        """Send a message. To a client that has gone meanwhile nothing is sent."""
        if self.open:
            self.active = datetime.now(UTC)
            with contextlib.suppress(OSError):  # how uvicorn says that the client is gone
                await self._send({"type": "websocket.send", "text": text})

    async def end(self, code: int, reason: str = "") -> None:
        """Close it from here."""
        if self.open:
            self.open, self.closing = False, (code, reason)
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})


class WebSockets:
    """An ASGI app that serves WebSocket APIs, and leaves all other requests to the app ``beyond``.

    Assigning new APIs with :meth:`replace` takes effect with the next message; connections stay.
    """

    def __init__(
        self,
        beyond: ASGIApp,
        invoke: Invoke,
        *,
        guard: Guard | None = None,
        observe: Observe = unobserved,
        timeout: float = TIMEOUT,
    ) -> None:
        self.beyond = PlainHttp(beyond)
        self.authorizing = Authorizing(invoke)
        self.invoke = TimedInvoke(invoke, timeout)
        self.guard = guard or Guard()
        self.observe = observe
        self.apis: dict[str, SocketApi] = {}
        self.connections: dict[str, Connection] = {}

    def replace(self, described: list[dict[str, Any]]) -> None:
        """Serve these from now on. The answers of authorizers are forgotten."""
        self.apis = socket_apis(described)
        self.authorizing.forget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        api = self.apis.get(scope["path"].strip("/")) if scope["type"] == "websocket" else None
        if api is not None:
            await self._socket(api, scope, receive, send)
            return
        if scope["type"] == "http" and self.takes(scope["path"]):
            _, name, _, identity = scope["path"].split("/", 3)
            await self._managed(scope, receive, send, name, identity)
        else:
            await self.beyond(scope, receive, send)

    def takes(self, path: str) -> bool:
        """Whether an HTTP request for a decoded path is about connections here."""
        parts = path.split("/", 3) if self.apis else ()
        return len(parts) == 4 and parts[2] == CONNECTIONS and parts[1] in self.apis

    async def _socket(self, api: SocketApi, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from the request for it to its end."""
        await receive()
        request = head_of({**scope, "method": "GET"})
        refused = self.guard.refusal(request.headers)
        if refused is not None:
            self.observe(Exchange("WS", request.target, refused.status, "", 0.0, refused.problem))
            await deny(scope, send, refused)
            return
        client = Client(
            request_id(11),
            api.name,
            request.header("host"),
            request.source_ip,
            request.header("user-agent"),
            datetime.now(UTC),
        )
        client, answer = await self._asked(api, client, request)
        if not 200 <= answer.status < 300:
            await deny(scope, send, answer)
            return
        chosen = dict(answer.headers).get("sec-websocket-protocol")
        await send({"type": "websocket.accept", "subprotocol": chosen})
        connection = self.connections[client.id] = Connection(client, send)
        try:
            code, reason = await self._talk(connection, receive)
        finally:
            connection.open = False
            del self.connections[client.id]
        await self._run(client, DISCONNECT, disconnect_event(client, code, reason))

    async def _asked(self, api: SocketApi, client: Client, request: HttpRequest) -> tuple[Client, HttpResponse]:
        """Who connects, as the authorizer knows him, and whether he may: what ``$connect`` answers, if it is there."""
        route = api.routes.get(CONNECT)
        if route is None:
            return client, HttpResponse(200, [])
        event = connect_event(client, request)
        if route.guard is not None:
            shape = LocalApi(api.name, HttpTable(()), rest=True)
            try:
                arn = f"{ARN}:{api.name}/{api.name}/{CONNECT}"
                passed = await self.authorizing.passed(shape, route.guard, request, event, arn)
            except Refused as refused:
                status, problem = refused.response.status, refused.response.problem
                self.observe(Exchange("WS", request.target, status, refused.function, 0.0, problem))
                return client, refused.response
            client = replace(client, authorizer=passed.context)
            event["requestContext"]["authorizer"] = passed.context
        result, problem = await self._run(client, CONNECT, event)
        if problem:
            return client, HttpResponse(502, [("content-type", "text/plain")], b"Bad Gateway", problem)
        return client, result

    async def _talk(self, connection: Connection, receive: Receive) -> tuple[int, str]:
        """Take messages, each by itself, until the connection ends. The code and the reason of that."""
        running: set[asyncio.Task[None]] = set()
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                ended = connection.closing or (message.get("code") or 1005, message.get("reason") or "")
                connection.open = False
                if running:
                    await asyncio.wait(running)
                return ended
            text = message.get("text")
            if text is None:
                await connection.end(NOT_TEXT, "messages are text")
                continue
            if len(text.encode()) > MESSAGE_LIMIT:
                await connection.end(TOO_BIG, f"a message has at most {MESSAGE_LIMIT} bytes")
                continue
            task = asyncio.create_task(self._take(connection, text))
            running.add(task)
            task.add_done_callback(running.discard)

    async def _take(self, connection: Connection, message: str) -> None:
        """Run the handler of one message, and send what there is to be sent."""
        connection.active = datetime.now(UTC)
        client = connection.client
        api = self.apis.get(client.api) or SocketApi(client.api, "")
        route = api.route_of(message)
        event = message_event(client, route, message)
        found = api.routes.get(route)
        if found is None:
            problem = f"no route takes the message: {client.api} has {', '.join(api.routes) or 'none'}."
            self.observe(Exchange("WS", f"/{client.api} {route}", 403, "", 0.0, problem))
            await connection.tell(error_text("Forbidden", event))
            return
        response, problem = await self._run(client, route, event)
        if problem:
            timed_out = response.status == 504
            said = "Endpoint request timed out" if timed_out else "Internal server error"
            await connection.tell(error_text(said, event))
        elif found.reply and response.body:
            await connection.tell(response.body.decode(errors="replace"))

    async def _run(self, client: Client, route: str, event: dict[str, Any]) -> tuple[HttpResponse, str]:
        """What the function of a route answers, and what was wrong with that; 200 where there is no such route."""
        api = self.apis.get(client.api)
        found = api.routes.get(route) if api else None
        if found is None:
            return HttpResponse(200, []), ""
        started, problem = perf_counter(), ""
        response = HttpResponse(500, [])
        try:
            outcome = await self.invoke(found.function, json.dumps(event, separators=(",", ":")).encode())
            if outcome.error:
                problem = f"{found.function} failed: {failure(outcome.payload)}"
            else:
                response = answer_of(outcome.payload)
        except TimeoutError:
            response, problem = HttpResponse(504, []), f"{found.function} ran longer than {self.invoke.seconds:g} s."
        except (EventfwError, BadResult) as error:
            problem = str(error)
        spent = perf_counter() - started
        self.observe(Exchange("WS", f"/{client.api} {route}", response.status, found.function, spent, problem))
        return response, problem

    async def _managed(self, scope: Scope, receive: Receive, send: Send, api: str, identity: str) -> None:
        """``@connections``: what handlers do with connections."""
        request = head_of(scope)
        response = self.guard.refusal(request.headers)
        if response is None:
            try:
                response = await self._manage(request, await body_of(request, receive, MESSAGE_LIMIT), api, identity)
            except BodyTooLarge:
                response = too_long()
            except ClientGone:
                return
        response.headers.append(("x-amzn-requestid", request_id(11)))
        await respond(send, response)

    async def _manage(self, request: HttpRequest, body: bytes, api: str, identity: str) -> HttpResponse:
        connection = self.connections.get(identity)
        if connection is None or connection.client.api != api or not connection.open:
            return gone()
        if request.method == "POST":
            await connection.tell(body.decode(errors="replace"))
            return HttpResponse(200, [])
        if request.method == "DELETE":
            await connection.end(ENDED)
            return HttpResponse(204, [])
        if request.method == "GET":
            return seen(connection.client, connection.active)
        return gateway_error(403, problem=f"{request.method} is not for {CONNECTIONS}.")


async def deny(scope: Scope, send: Send, response: HttpResponse) -> None:
    """Answer a request to connect with something else than a connection."""
    if "websocket.http.response" not in (scope.get("extensions") or {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": response.body})


def answer_of(payload: bytes) -> HttpResponse:
    """What a route's function answered. Raises BadResult for what API Gateway takes for a failure."""
    result = loaded(payload)
    if not isinstance(result, Mapping) or "statusCode" not in result:
        raise BadResult(f"the function's result has no statusCode: {payload[:80]!r}.")
    body = result.get("body")
    if not isinstance(body, str | None):
        raise BadResult(f"body must be a string, not {type(body).__name__}.")
    return HttpResponse(status_code(result["statusCode"]), lowered(result.get("headers")), (body or "").encode())


def lowered(headers: Any) -> list[tuple[str, str]]:
    """The headers of a result, their names in lower case."""
    return [(name.lower(), value) for name, value in single_headers(headers)]
