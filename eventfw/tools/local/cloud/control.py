"""The server's own paths behind the door: what the embedded AWS pushes, and what the other commands ask for."""

from __future__ import annotations

import asyncio
import json
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from eventfw.errors import EventfwError
from eventfw.rules.transform import WHOLE_EVENT
from eventfw.tools.local.clock import Clock, VirtualClock
from eventfw.tools.local.cloud.steps import Step
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.pushes import is_asynchronous
from eventfw.tools.local.lambdas.service import source_of
from eventfw.tools.local.web.asgi import (
    BodyTooLarge,
    ClientGone,
    HttpRequest,
    HttpResponse,
    Receive,
    Scope,
    Send,
    body_of,
    head_of,
    refuse_protocol,
    respond,
)
from eventfw.tools.local.web.http_api import PAYLOAD_LIMIT
from eventfw.tools.local.workers.results import Result

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.pushes import Pushes
    from eventfw.tools.local.cloud.steps import StepFunctions

PREFIX = "/_eventfw"
JSON = [("content-type", "application/json")]


class Lambda(Protocol):
    """What runs functions: :class:`LambdaService`."""

    async def invoke(
        self, function: str, event: bytes, *, request_id: str | None = None, qualifier: str = "", source: str = ""
    ) -> Result:
        """Run a function and wait for its outcome."""

    def accept(
        self, function: str, event: bytes, *, source: str, request_id: str | None = None, qualifier: str = ""
    ) -> str:
        """Take an event for a function, to be run soon."""

    def configuration(self, function: str) -> FunctionConfiguration:
        """The function's settings."""


class Control:
    """An ASGI app for ``/_eventfw/push/<token>/<function>`` (the embedded AWS), ``/_eventfw/invoke/<function>`` and
    ``/_eventfw/clock``, which ask for the token of ``.eventfw/local.json`` in ``x-eventfw-token``."""

    def __init__(
        self,
        lambdas: Lambda,
        token: str,
        clock: Clock,
        step_functions: StepFunctions | None = None,
        pushes: Pushes | None = None,
    ) -> None:
        self.lambdas = lambdas
        self.token = token
        self.clock = clock
        self.step_functions = step_functions
        self.pushes = pushes
        self._moving: set[asyncio.Future[None]] = set()

    def push_url(self, base: str) -> str:
        """Where the embedded AWS posts invocations: this, a slash, and the function's short name."""
        return f"{base}{PREFIX}/push/{self.token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_protocol(scope, receive, send)
            return
        request = head_of(scope)
        try:
            body = await body_of(request, receive, PAYLOAD_LIMIT)
        except BodyTooLarge:
            await respond(send, refusal(413, f"The event is over Lambda's {PAYLOAD_LIMIT} bytes."))
            return
        except ClientGone:
            return
        parts = request.path.removeprefix(PREFIX + "/").split("/")
        if request.method != "POST":
            response = refusal(405, f"{request.method} is not for {request.path}.")
        elif len(parts) == 3 and parts[0] == "push" and self._trusts(parts[1]):
            response = await self._pushed(parts[2], body, request)
        elif len(parts) == 2 and parts[0] == "invoke" and self._trusts(request.header("x-eventfw-token")):
            response = await self._asked(unquote(parts[1]), body, request.header("x-eventfw-source") or "invoke")
        elif parts == ["clock"] and self._trusts(request.header("x-eventfw-token")):
            response = await self._moved(body, receive)
        else:
            response = refusal(403, "The token is not this server's.")
        await respond(send, response)

    def _trusts(self, token: str) -> bool:
        return compare_digest(token.encode(), self.token.encode())

    async def _pushed(self, function: str, event: bytes, request: HttpRequest) -> HttpResponse:
        """What is asynchronous on AWS is the queue's from here on, and a success for the embedded AWS, which would try
        it again otherwise. Of the rest it takes any 2xx for success, whatever the payload says."""
        if self.step_functions is not None and (step := Step.within(event)) is not None:
            await self.step_functions.tell(*step.report(await self._stepped(function, step)))
            return HttpResponse(200, list(JSON), b"null")
        request_id = request.header("x-amzn-lambda-request-id") or None
        qualifier = request.header("x-amzn-lambda-function-arn").partition(":function:")[2].partition(":")[2]
        by_rule = WHOLE_EVENT.encode() in event[:100]
        handed_over = await self.pushes.handed_over(function, event) if self.pushes is not None else event
        if handed_over is None:
            return HttpResponse(200, list(JSON), b"null")
        source = "eventbridge" if by_rule else source_of(handed_over)
        if is_asynchronous(source, self.lambdas.configuration(function)):
            self.lambdas.accept(function, handed_over, source=source, request_id=request_id, qualifier=qualifier)
            return HttpResponse(200, list(JSON), b"null")
        try:
            result = await self.lambdas.invoke(
                function, handed_over, request_id=request_id, qualifier=qualifier, source=source
            )
        except EventfwError as error:
            return refusal(500, str(error))
        return HttpResponse(500 if result.error else 200, list(JSON), result.payload)

    async def _stepped(self, function: str, step: Step) -> Result:
        try:
            return await self.lambdas.invoke(function, step.event, source="step")
        except EventfwError as error:
            return Result(refusal(500, str(error)).body, error=True)

    async def _asked(self, function: str, event: bytes, source: str) -> HttpResponse:
        try:
            result = await self.lambdas.invoke(function, event, source=source)
        except EventfwError as error:
            return refusal(404, str(error))
        answer = {
            "payload": result.payload.decode(errors="replace"),
            "error": result.error,
            "logs": result.logs,
            "printed": result.printed,
            "duration_ms": result.duration_ms,
            "request_id": result.request_id,
        }
        return HttpResponse(200, list(JSON), json.dumps(answer).encode())

    async def _advanced(self, seconds: float, receive: Receive) -> bool:
        """Advance the clock, for as long as the client waits and the server runs; whether it got there.

        A year of a schedule takes its time, and who gives up is not to find the clock in motion.
        """
        if not isinstance(self.clock, VirtualClock):
            return True
        moving = asyncio.ensure_future(self.clock.advance(seconds))
        leaving = asyncio.ensure_future(receive())  # the body is here: what else comes is that the client has left
        self._moving.add(moving)
        try:
            await asyncio.wait((moving, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._moving.discard(moving)
            moving.cancel()
            leaving.cancel()
            await asyncio.gather(moving, leaving, return_exceptions=True)
        if moving.cancelled():
            return False
        moving.result()
        return True

    def stop(self) -> None:
        """Halt what advances the clock."""
        for moving in self._moving:
            moving.cancel()

    async def _moved(self, body: bytes, receive: Receive) -> HttpResponse:
        """The time, after the virtual clock was advanced by so many seconds, if any are said."""
        try:
            seconds = seconds_of(body)
            there = seconds is None or await self._advanced(seconds, receive)
        except ValueError as error:
            return refusal(400, str(error))
        if not there:
            return refusal(503, f"The clock was halted at {self.clock.now().isoformat()}.")
        if seconds and not self.clock.virtual:
            return refusal(409, "The clock is real. Start the server with: eventfw local --clock virtual")
        told = {"now": self.clock.now().isoformat(), "virtual": self.clock.virtual}
        return HttpResponse(200, list(JSON), json.dumps(told).encode())


def seconds_of(body: bytes) -> float | None:
    """How far the clock is to be advanced, if at all. Raises ValueError, with what is wrong."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        sent = None
    if sent == {}:
        return None
    seconds = sent.get("advance") if isinstance(sent, dict) else None
    if not isinstance(seconds, (int, float)) or isinstance(seconds, bool):
        raise ValueError('The body must be a JSON object with seconds, such as {"advance": 120}.')
    return seconds


def refusal(status: int, message: str) -> HttpResponse:
    """An answer that says why not."""
    body: dict[str, Any] = {"errorMessage": message, "errorType": "Eventfw.Refused"}
    return HttpResponse(status, list(JSON), json.dumps(body).encode())
