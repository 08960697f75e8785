"""Lambda's Runtime API: runtimes of the developer's own take the place of the workers, each function at an address.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from eventfw.tools.local.entry import APP
from eventfw.tools.local.lambdas.runtime_function import Invocation, RuntimeFunction
from eventfw.tools.local.lambdas.runtime_http import Connection, Request
from eventfw.tools.local.lambdas.service import Environments
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.web.listening import HOST, bound, port_of
from eventfw.tools.local.workers import answers, results, variables
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result

PREFIX = "/2018-06-01/runtime/"
STREAMING = "streaming"
ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"
RESPONSE_MODE = "lambda-runtime-function-response-mode"
INVOCATION_ID = "lambda-runtime-invocation-id"
INVALID_MODE = "Runtime.InvalidResponseModeHeader"


class RuntimeApi:
    """The functions that are served to runtimes, each on a port of its own, because runtimes do not say which they are.

    ``chosen`` names them; empty stands for all of the app. ``others`` run the functions that are not served here.
    ``app`` is what the command line says of the app. ``replace`` takes over a description of it. ``oversight`` is told
    of invocations, as it is of the workers'.
    """

    def __init__(
        self,
        chosen: Collection[str],
        others: Environments,
        place: variables.Place,
        app: str = "",
        *,
        guard: Guard,
        say: Callable[[str], None],
        oversight: Oversight | None = None,
    ) -> None:
        self.oversight = oversight or Oversight()
        self.chosen = frozenset(chosen)
        self.others = others
        self.place = place
        self.app = app
        self.guard = guard
        self.say = say
        self.environments: dict[str, dict[str, str]] = {}
        self._endpoints: dict[str, Endpoint] = {}
        self._retired: set[Endpoint] = set()

    def replace(self, functions: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what the app says of its functions: new ones get a port, others keep theirs and their events."""
        served = {name: one for name, one in functions.items() if not self.chosen or name in self.chosen}
        for name in self._endpoints.keys() - served.keys():
            gone = self._endpoints.pop(name)
            self._retired.add(gone)
            gone.retire(self._retired.discard)
        for name, settings in served.items():
            if name in self._endpoints:
                self._endpoints[name].function.follow(settings)
            else:
                function = RuntimeFunction(name, settings, self.say, self.oversight, self.place.region)
                self._endpoints[name] = Endpoint(function, self.guard)
        self.environments = {name: self._environment(name, settings) for name, settings in served.items()}

    def addresses(self, most: int) -> list[str]:
        """Lines that say where the first functions are reached."""
        lines = [f"  runtime  {name}  {endpoint.address}" for name, endpoint in self._endpoints.items()]
        if len(lines) > most:
            lines[most:] = [f"  ... and {len(lines) - most} more, in .eventfw/local.json"]
        return [*lines, "  Attach a runtime to a function with: eventfw attach FUNCTION [COMMAND ...]"]

    def missing(self) -> list[str]:
        """The chosen functions that the app has not."""
        return sorted(self.chosen - self._endpoints.keys())

    async def invoke(self, request: InvocationRequest) -> Result:
        """Have a runtime answer an event. The log has Lambda's own lines; a runtime's are where it was started.

        There is one code for all versions, the runtime's; the ARN tells it what was invoked.
        """
        endpoint = self._endpoints.get(request.function)
        if endpoint is None:
            return await self.others.invoke(request)
        if not request.arn:
            request = replace(request, arn=self.place.arn(request.function))
        return await endpoint.function.invoke(request)

    def begin(self, function: str, event: bytes, answer: Callable[[Result | None], None], within: float) -> bool:
        """Have a function that is not served here run at once, if it can; whether it is run."""
        return function not in self._endpoints and self.others.begin(function, event, answer, within)

    async def stop(self) -> None:
        """Close every port and connection; runtimes end with that."""
        endpoints = [*self._endpoints.values(), *self._retired]
        self._endpoints.clear()
        await asyncio.gather(*(endpoint.close() for endpoint in endpoints))

    def _environment(self, name: str, settings: Mapping[str, Any]) -> dict[str, str]:
        """The variables that a runtime of the function needs, beside those of the shell it is started from."""
        return {
            **variables.of_function(name, settings, self.place, {}),
            **({APP: self.app} if self.app else {}),
            "AWS_LAMBDA_LOG_STREAM_NAME": self._endpoints[name].function.stream.name,
            "AWS_LAMBDA_RUNTIME_API": self._endpoints[name].address,
        }


class Endpoint:
    """The port of one function, and what runtimes may ask there."""

    def __init__(self, function: RuntimeFunction, guard: Guard) -> None:
        socket = bound(0, "--runtime-api")
        self.address = f"{HOST}:{port_of(socket)}"
        self.function = function
        self.guard = guard
        self.connections: set[Connection] = set()
        self._serving = asyncio.create_task(asyncio.get_running_loop().create_server(self._connected, sock=socket))

    def retire(self, ended: Callable[[Endpoint], object]) -> None:
        """Take no more events, and close once the last is answered."""

        def closing() -> None:
            task = asyncio.create_task(self.close())
            task.add_done_callback(lambda _: ended(self))

        self.function.retire(closing)

    async def close(self) -> None:
        """Close the port and every connection."""
        self.function.close()
        for connection in list(self.connections):
            connection.close()
        (await self._serving).close()

    def _connected(self) -> Connection:
        connection = Connection(self, self.guard)
        self.connections.add(connection)
        return connection

    def requested(self, connection: Connection, request: Request) -> None:
        """Answer one request of the Runtime API, and only of that: extensions have no place here."""
        path = request.path.removeprefix(PREFIX) if request.path.startswith(PREFIX) else ""
        parts = path.split("/")
        known = path in ("invocation/next", "init/error") or (
            len(parts) == 3 and parts[0] == "invocation" and parts[2] in ("response", "error")
        )
        if not known:
            connection.refuse(HTTPStatus.NOT_FOUND, "NotFound", f"{request.path} is not of the Runtime API.")
        elif request.method != ("GET" if path == "invocation/next" else "POST"):
            message = f"{request.method} is not for {request.path}."
            connection.refuse(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
        elif path == "invocation/next":
            self._next(connection)
        elif path == "init/error":
            self._init_error(connection, request)
        else:
            self._answered(connection, request, parts[1], parts[2])

    def hung_up(self, connection: Connection, unfinished: Request | None) -> None:
        """A runtime closed its connection, perhaps within its answer."""
        self.connections.discard(connection)
        parts = unfinished.path.removeprefix(PREFIX).split("/") if unfinished is not None else []
        if unfinished is not None and len(parts) == 3 and parts[2] == "response":
            number = unfinished.header(INVOCATION_ID)
            invocation = self.function.running_as(parts[1], number, connection)
            if invocation is not None:
                message = f"RequestId: {parts[1]} Error: The runtime closed its connection within its response"
                error_type = "Runtime.TruncatedResponse"
                self.function.finish(invocation, results.document(message, error_type), error_type)
        self.function.gone(connection)

    def _next(self, connection: Connection) -> None:
        if self.function.ended is not None:
            connection.close()
        elif not self.function.ask(connection):
            message = "Transition from Running to Ready is not allowed: this runtime has an event it has not answered."
            connection.refuse(HTTPStatus.FORBIDDEN, "InvalidStateTransition", message)

    def _init_error(self, connection: Connection, request: Request) -> None:
        payload, error_type = error_of(request)
        self.function.broken(payload, error_type)
        self.function.say(f"The runtime of {self.function.name} could not start: {error_type}")
        connection.accept()

    def _answered(self, connection: Connection, request: Request, request_id: str, what: str) -> None:
        invocation = self.function.running_as(request_id, request.header(INVOCATION_ID), connection)
        if invocation is None:
            connection.refuse(HTTPStatus.BAD_REQUEST, "InvalidRequestID", "Invalid request ID")
        elif request.too_large:
            error_type, payload = answers.too_large()
            self.function.finish(invocation, payload, error_type)
            message = f"Exceeded maximum allowed payload size ({answers.PAYLOAD_LIMIT} bytes)."
            connection.refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", message)
        elif what == "error":
            self.function.finish(invocation, *error_of(request))
            connection.accept()
        else:
            self._responded(connection, request, invocation)

    def _responded(self, connection: Connection, request: Request, invocation: Invocation) -> None:
        mode = request.header(RESPONSE_MODE)
        if mode not in ("", STREAMING):
            message = (
                f"RequestId: {invocation.request.request_id} Error: {RESPONSE_MODE} is {mode!r}, not {STREAMING!r}"
            )
            self.function.finish(invocation, results.document(message, INVALID_MODE), INVALID_MODE)
            connection.refuse(HTTPStatus.BAD_REQUEST, "InvalidFunctionResponseMode", "Invalid function response mode")
            return
        if mode and request.trailer(ERROR_TYPE):
            self.function.finish(invocation, *streamed_error(request))
        else:
            self.function.finish(invocation, bytes(request.body))
        connection.accept()


def error_of(request: Request) -> tuple[bytes, str]:
    """What a runtime reports as an error: the document, which callers see as it is, and its type."""
    payload = bytes(request.body)
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        data = None
    named = data.get("errorType") if isinstance(data, dict) else None
    return payload, (named if isinstance(named, str) else "") or request.header(ERROR_TYPE) or "Runtime.Unknown"


def streamed_error(request: Request) -> tuple[bytes, str]:
    """What ended a streamed response: its trailers name the error, and give its document in base64."""
    error_type = request.trailer(ERROR_TYPE)
    try:
        body = b64decode(request.trailer(ERROR_BODY), validate=True)
    except ValueError:
        body = b""
    return body or results.document("The runtime ended its response with an error.", error_type), error_type
