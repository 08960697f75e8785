"""The door: the only address of the embedded AWS that anybody is told.

It refuses what a foreign web page could send and the embedded AWS's own control paths, answers Lambda's Invoke, reports
to services that the embedded AWS has not, and the server's own paths itself, and streams everything else through, byte
for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit

from eventfw.tools.local.cloud.control import PREFIX
from eventfw.tools.local.cloud.faults import fault
from eventfw.tools.local.cloud.reports import REPORT_LIMIT, reported, taken
from eventfw.tools.local.lambdas.api import InvokeApi, called, refused
from eventfw.tools.local.lambdas.controls import ControlsApi
from eventfw.tools.local.web.asgi import (
    ASGIApp,
    BodyTooLarge,
    ClientGone,
    Headers,
    HttpRequest,
    HttpResponse,
    Message,
    Receive,
    Scope,
    Send,
    body_of,
    head_of,
    refuse_protocol,
    respond,
)
from eventfw.tools.local.web.guard import Guard

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.upstream import Upstream

CONTROL_PATHS = ("_ministack", "_localstack", "health")
WATCHED_LIMIT = 32 * 1024 * 1024  # bytes: twice what the largest of these requests may have
ALLOWED_CONTROL = "/_ministack/cfn-response/"  # where custom resources answer; the URL carries a token
SHUT = "eventfw local keeps the embedded AWS's own paths shut."


class Onlooker(Protocol):
    """Looks at some of the requests that pass."""

    def concerns(self, request: HttpRequest, /) -> bool:
        """Whether a request is one of them."""

    async def before(self, request: HttpRequest, body: bytes, /) -> bytes:
        """The body to pass on."""

    async def after(self, request: HttpRequest, body: bytes, status: int, answer: bytes, /) -> bytes | None:
        """The embedded AWS has answered; the client, whose ``body`` it was, has not been told yet. What to answer, if
        not that."""


class Door:
    """An ASGI app in front of the embedded AWS at ``upstream()``, which is ``None`` while there is none.

    ``invoke`` answers Lambda's Invoke of the app's functions, ``controls`` what is asked and changed of their
    concurrency and asynchronous events; what is asked of any other function is the embedded AWS's. ``passed`` is told
    of every request that the embedded AWS has answered.
    """

    def __init__(
        self,
        upstream: Callable[[], str | None],
        *,
        control: ASGIApp,
        invoke: InvokeApi,
        controls: ControlsApi | None = None,
        guard: Guard | None = None,
        note: Callable[[str], None] = lambda text: None,
        onlookers: Callable[[], Iterable[Onlooker]] = lambda: (),
        passed: Callable[[HttpRequest], None] = lambda request: None,
    ) -> None:
        self.upstream = upstream
        self.control = control
        self.invoke = invoke
        self.controls = controls
        self.guard = guard or Guard()
        self.note = note
        self.onlookers = onlookers
        self.passed = passed
        self._stream: Upstream | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await refuse_protocol(scope, receive, send)
            return
        request = head_of(scope)
        response = self.guard.refusal(request.headers) or foreign_page(request, self.guard)
        if response is None and request.path.startswith(PREFIX + "/"):
            await self.control(scope, receive, send)
            return
        if response is None and is_control(request):
            response = fault(request, 403, "AccessDeniedException", SHUT)
        try:
            if response is None and (call := self.invoke.call(request)) is not None:
                response = await self.invoke.answer(call, request, receive)
            if response is None and self.controls is not None and (function := self.controls.concerns(request)):
                response = await self.controls.answer(function, request, receive)
            if response is None and reported(request):
                response = await self._reported(request, receive)
            if response is None and (onlooker := next((o for o in self.onlookers() if o.concerns(request)), None)):
                response = await self._watched(onlooker, request, receive)
            if response is None:
                await self._forward(request, receive, send)
                return
        except ClientGone:
            return
        await respond(send, response)

    async def close(self) -> None:
        """Close the connections to the embedded AWS."""
        if self._stream is not None:
            await self._stream.close()

    async def _reported(self, request: HttpRequest, receive: Receive) -> HttpResponse:
        """What a handler tells a service that the embedded AWS has not."""
        try:
            body = await body_of(request, receive, REPORT_LIMIT)
        except BodyTooLarge:
            return fault(request, 413, "RequestEntityTooLarge", f"A report has at most {REPORT_LIMIT} bytes.")
        return taken(request, body, self.note)

    async def _watched(self, onlooker: Onlooker, request: HttpRequest, receive: Receive) -> HttpResponse:
        """A request that somebody looks at on its way."""
        try:
            body = await body_of(request, receive, WATCHED_LIMIT)
        except BodyTooLarge:
            message = f"Here, a request has at most {WATCHED_LIMIT} bytes."
            return fault(request, 413, "RequestEntityTooLarge", message)
        passed = await onlooker.before(request, body)
        answer = Answer()
        await self._forward(with_length(request, len(passed)), given(passed), answer)
        changed = await onlooker.after(request, body, answer.status, answer.body)
        return HttpResponse(answer.status, answer.headers, answer.body if changed is None else changed)

    async def _forward(self, request: HttpRequest, receive: Receive, send: Send) -> None:
        """Stream a request to the embedded AWS and its response back."""
        base = self.upstream()
        if base is None:
            await respond(send, absent(request))
            return
        if self._stream is None:
            # The client library takes as long to import as the rest of the server; HTTP need not wait for it.
            from eventfw.tools.local.cloud.upstream import Upstream

            self._stream = Upstream()
        problem = await self._stream.pass_on(request, base, receive, send)
        self.invoke.passed(request)
        self.passed(request)
        if problem:
            message = f"The embedded AWS does not answer: {problem}"
            await respond(send, fault(request, 503, "ServiceUnavailable", message))


class Answer:
    """Takes in the answer to a request, as an ASGI server would."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            told = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
            self.headers = [one for one in told if one[0] not in ("content-length", "transfer-encoding")]
        else:
            self.body += message.get("body", b"")


def given(body: bytes) -> Receive:
    """A body that has arrived, as it is received."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def with_length(request: HttpRequest, length: int) -> HttpRequest:
    """The request, with a body of another length."""
    kept = [one for one in request.headers if one[0] not in ("content-length", "transfer-encoding")]
    return replace(request, headers=[*kept, ("content-length", str(length))])


def absent(request: HttpRequest) -> HttpResponse:
    """The answer while there is no AWS. SDKs try again after a 503, for several seconds."""
    if (call := called(request)) is not None:
        return refused(404, "ResourceNotFoundException", f"Function not found: {call.function}")
    message = "No AWS is running here (yet). The terminal of eventfw local says why."
    return fault(request, 503, "ServiceUnavailable", message)


def is_control(request: HttpRequest) -> bool:
    """Whether the embedded AWS could take a request for one of its own control paths, however it is written."""
    path = request.path
    if request.method == "PUT" and path.startswith(ALLOWED_CONTROL) and ".." not in unquote(path):
        return False
    for _ in range(3):
        path = unquote(path)
    parts: list[str] = []
    for part in path.replace("\\", "/").lower().split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return bool(parts) and (parts[0] in CONTROL_PATHS[:2] or (parts == ["health"] and request.method == "GET"))


def foreign_page(request: HttpRequest, guard: Guard) -> HttpResponse | None:
    """The refusal of what a browser sends for a foreign page without an Origin header: an image, a link.

    Browsers mark it as cross-site. The developer's own page, on another loopback name, shows in the Referer header.
    """
    if request.header("sec-fetch-site") != "cross-site" or request.header("origin"):
        return None
    try:
        page = urlsplit(request.header("referer")).hostname or ""
    except ValueError:
        page = ""
    if guard.trusts(page):
        return None
    message = "eventfw local refuses what a page of another site asks for. Open the URL itself."
    return fault(request, 403, "AccessDeniedException", message)
