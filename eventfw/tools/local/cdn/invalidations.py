"""CloudFront's CreateInvalidation at the door: the local edge forgets what a distribution is to forget.

A function of the app knows its distribution by an id that the embedded AWS has not; those are answered for here.
An invalidation of a distribution in the embedded AWS is that one's to take. What it takes is forgotten of all of them
here, since its ids say nothing of their names.
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from eventfw.resources.distribution import local_id
from eventfw.tools.local.cdn.front import EdgeFront
from eventfw.tools.local.cloud.door import foreign_page
from eventfw.tools.local.web.asgi import (
    ASGIApp,
    BodyTooLarge,
    ClientGone,
    HttpRequest,
    HttpResponse,
    Message,
    Receive,
    Scope,
    Send,
    body_of,
    head_of,
    respond,
)
from eventfw.tools.local.web.guard import Guard

PATH = re.compile(r"/2020-05-31/distribution/([^/]+)/invalidation(?:/([^/]+))?/?")
NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
REMEMBERED = 1000  # invalidations of a distribution
BODY_LIMIT = 16 * 1024 * 1024  # bytes: 3,000 paths of 4,000 characters


@dataclass(frozen=True)
class Batch:
    """What is to be forgotten. ``reference`` is the caller's own name for it, by which it is done once."""

    reference: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Invalidation:
    """An invalidation that was done."""

    id: str
    created: str
    batch: Batch

    def xml(self) -> str:
        """CloudFront's form of it."""
        paths = "".join(f"<Path>{escape(path)}</Path>" for path in self.batch.paths)
        return (
            f'<Invalidation xmlns="{NAMESPACE}"><Id>{self.id}</Id><Status>Completed</Status>'
            f"<CreateTime>{self.created}</CreateTime><InvalidationBatch><Paths><Quantity>{len(self.batch.paths)}"
            f"</Quantity><Items>{paths}</Items></Paths><CallerReference>{escape(self.batch.reference)}"
            f"</CallerReference></InvalidationBatch></Invalidation>"
        )


class Refused(Exception):
    """A request that CloudFront refuses: the status, the code and the message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Invalidations:
    """An ASGI app before the door, which gets everything that is no invalidation."""

    def __init__(self, door: ASGIApp, front: EdgeFront, now: Callable[[], datetime], guard: Guard) -> None:
        self.door = door
        self.front = front
        self.now = now
        self.guard = guard
        self._done: dict[str, dict[str, Invalidation]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = PATH.fullmatch(scope["path"]) if scope["type"] == "http" else None
        request = head_of(scope) if found else None
        if found is None or request is None or self.guard.refusal(request.headers) or foreign_page(request, self.guard):
            await self.door(scope, receive, send)  # which refuses what comes from elsewhere
            return
        name = next((name for name in self.front.sites if local_id(name) == found[1]), None)
        try:
            if name is not None:
                await respond(send, await self._answer(name, request, found[2] or "", receive))
            elif request.method == "POST" and not found[2]:
                await self._passed_on(scope, request, receive, send)
            else:
                await self.door(scope, receive, send)
        except ClientGone:
            return

    async def _answer(self, name: str, request: HttpRequest, id_: str, receive: Receive) -> HttpResponse:
        """CloudFront's answer for a distribution of this edge."""
        done = self._done.setdefault(name, {})
        try:
            if request.method == "POST" and not id_:
                return self._created(name, done, batch_of(await body_of(request, receive, BODY_LIMIT)))
            if request.method == "GET" and id_:
                return xml(200, found_among(done, id_).xml())
            if request.method == "GET":
                return xml(200, listed(done))
        except BodyTooLarge:
            return error(413, "RequestEntityTooLarge", f"The request has over {BODY_LIMIT} bytes.")
        except Refused as refused:
            return error(refused.status, refused.code, str(refused))
        return error(405, "MethodNotAllowed", f"The edge of eventfw local takes no {request.method} here.")

    def _created(self, name: str, done: dict[str, Invalidation], batch: Batch) -> HttpResponse:
        """Do it, unless the caller's reference says that it is done."""
        before = next((one for one in done.values() if one.batch.reference == batch.reference), None)
        if before is not None and set(before.batch.paths) != set(batch.paths):
            message = f"The caller reference {batch.reference!r} was used for other paths. Use a new one."
            raise Refused(400, "InvalidationBatchAlreadyExists", message)
        if before is None:
            created = self.now().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
            before = Invalidation("I" + secrets.token_hex(6).upper(), created, batch)
            done[before.id] = before
            if len(done) > REMEMBERED:
                del done[next(iter(done))]
            self.front.invalidate(name, batch.paths)
        location = f"https://cloudfront.amazonaws.com/2020-05-31/distribution/{local_id(name)}/invalidation/{before.id}"
        return xml(201, before.xml(), ("location", location))

    async def _passed_on(self, scope: Scope, request: HttpRequest, receive: Receive, send: Send) -> None:
        """Have the embedded AWS take it, and forget what it took. It would take more than CloudFront does."""
        try:
            body = await body_of(request, receive, BODY_LIMIT)
            paths = batch_of(body).paths
        except BodyTooLarge:
            await respond(send, error(413, "RequestEntityTooLarge", f"The request has over {BODY_LIMIT} bytes."))
            return
        except Refused as refused:
            await respond(send, error(refused.status, refused.code, str(refused)))
            return

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 201:
                for name in self.front.sites:
                    self.front.invalidate(name, paths)
            await send(message)

        await self.door(scope, again, seen)


def batch_of(body: bytes) -> Batch:
    """What a request is to have forgotten. Raises Refused for what CloudFront does not take."""
    from xml.etree import ElementTree as Xml  # imported with the first

    try:
        root = Xml.fromstring(body)
    except Xml.ParseError as problem:
        raise Refused(400, "MalformedXML", f"The request's body is not XML: {problem}.") from None
    paths = tuple(one.text or "" for one in root.iter(f"{{{NAMESPACE}}}Path"))
    reference = next((one.text or "" for one in root.iter(f"{{{NAMESPACE}}}CallerReference")), "")
    if not reference:
        raise Refused(400, "MissingArgument", "An invalidation has a CallerReference.")
    for path in paths:
        if not path.startswith("/") or "*" in path[:-1] or len(path) > 4000:
            message = f"A path to invalidate begins with /, and has * as its last character only: not {path[:200]!r}."
            raise Refused(400, "InvalidArgument", message)
    if not paths:
        raise Refused(400, "InvalidArgument", "An invalidation has at least one path.")
    return Batch(reference, paths)


def found_among(done: dict[str, Invalidation], id_: str) -> Invalidation:
    """An invalidation by its id. Raises Refused where there is none."""
    if id_ not in done:
        raise Refused(404, "NoSuchInvalidation", "The specified invalidation does not exist.")
    return done[id_]


def listed(done: dict[str, Invalidation]) -> str:
    """The list of invalidations, the newest first."""
    items = "".join(
        f"<InvalidationSummary><Id>{one.id}</Id><CreateTime>{one.created}</CreateTime><Status>Completed</Status>"
        "</InvalidationSummary>"
        for one in reversed(done.values())
    )
    return (
        f'<InvalidationList xmlns="{NAMESPACE}"><Marker></Marker><MaxItems>{max(len(done), 100)}</MaxItems>'
        f"<IsTruncated>false</IsTruncated><Quantity>{len(done)}</Quantity><Items>{items}</Items></InvalidationList>"
    )


def error(status: int, code: str, message: str) -> HttpResponse:
    """An error as SDKs read it of CloudFront."""
    kind = "Sender" if status < 500 else "Receiver"
    inner = f"<Error><Type>{kind}</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return xml(status, f'<ErrorResponse xmlns="{NAMESPACE}">{inner}</ErrorResponse>')


def xml(status: int, text: str, *headers: tuple[str, str]) -> HttpResponse:
    """A response of CloudFront's API."""
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()
    return HttpResponse(status, [("content-type", "text/xml"), *headers], body)
