"""What is behind the local edge: the gateway, buckets of the embedded AWS, servers on this machine, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from eventfw.tools.local.web.asgi import ASGIApp, Headers, HttpRequest, HttpResponse, Message, Scope, without_hop_by_hop
from eventfw.tools.local.web.gateway import ASKED
from eventfw.tools.local.web.guard import Guard, host_name

TIMEOUT = 30.0  # seconds CloudFront waits for an origin, unless told otherwise
#: What an S3 origin is not sent without an origin request policy.
_NOT_TO_BUCKETS = ("authorization", "cookie", "content-type", "origin", "referer")


class Unreachable(Exception):
    """An origin that could not be asked, and why."""


class Origins:
    """Asks origins. ``gateway`` is the app's API, an ASGI app in this process that ``gateway_host`` is the address of.

    ``cloud`` gives the address of the door to the embedded AWS, or nothing while there is none.
    """

    def __init__(self, gateway: ASGIApp, gateway_host: str, cloud: Callable[[], str | None], region: str) -> None:
        self.gateway = gateway
        self.gateway_host = gateway_host
        self.cloud = cloud
        self.region = region

    def described(self, origin: Mapping[str, str]) -> dict[str, Any]:
        """An origin of a distribution as CloudFront's events have it."""
        if origin["kind"] == "bucket":
            host = f"{origin['bucket']}.s3.{self.region}.amazonaws.com"
            none: dict[str, Any] = {"authMethod": "none", "customHeaders": {}}
            return {"s3": {**none, "domainName": host, "path": "", "region": self.region}}
        host, port, protocol = origin.get("host", ""), 443, "https"
        if origin["kind"] == "api":
            name, _, digits = self.gateway_host.rpartition(":")
            host, port, protocol = "localhost" if name == "127.0.0.1" else name, int(digits), "http"
        settings = {"customHeaders": {}, "domainName": host, "keepaliveTimeout": 5, "path": "", "port": port}
        return {"custom": {**settings, "protocol": protocol, "readTimeout": 30, "sslProtocols": ["TLSv1.2"]}}

    def host_of(self, origin: Mapping[str, Any]) -> str:
        """What CloudFront writes into the Host header."""
        kind, settings = next(iter(origin.items()))
        if kind == "custom" and str(settings["port"]) == self.gateway_host.rpartition(":")[2]:
            return self.gateway_host
        return str(settings["domainName"])

    def for_bucket(self, request: HttpRequest) -> HttpRequest:
        """A request without what a bucket is not sent: there is no origin request policy for it."""
        kept = [(name, value) for name, value in request.headers if name not in _NOT_TO_BUCKETS]
        return replace(request, headers=kept, query="")

    async def ask(self, origin: Mapping[str, Any], request: HttpRequest, api: str | None = None) -> HttpResponse:
        """An origin's answer; ``api`` names the API that an origin is. Raises Unreachable where it cannot be had on
        this machine."""
        kind, settings = next(iter(origin.items()))
        path = settings.get("path", "") + request.path
        sent = replace(request, path=path, headers=[*request.headers, *custom_headers(settings)])
        if kind == "s3":
            return await self._bucket(str(settings["domainName"]), sent)
        host, port, protocol = settings["domainName"], settings.get("port", 443), settings.get("protocol", "https")
        if not Guard().trusts(host):
            raise Unreachable(
                f"The origin {host} is not on this machine, and eventfw local asks nothing that is not. On AWS, "
                f"CloudFront would ask it. Answer in an origin-request handler to try the rest."
            )
        if f"{port}" == self.gateway_host.rpartition(":")[2]:
            return await call_origin(self.gateway, sent, api)
        return await fetched(f"{protocol}://{host}:{port}{sent.target}", sent)

    async def _bucket(self, domain: str, request: HttpRequest) -> HttpResponse:
        endpoint = self.cloud()
        bucket = domain.partition(".s3.")[0]
        if endpoint is None:
            raise Unreachable(f"The bucket {bucket} is in the embedded AWS, which is not running.")
        sent = replace(self.for_bucket(request), body=b"").with_headers(host=endpoint.partition("//")[2])
        answer = await fetched(f"{endpoint}/{quote(bucket)}{sent.path}", sent)
        # The embedded AWS lets every page read everything; S3 lets none, unless the bucket says so.
        own = [(name, value) for name, value in answer.headers if not name.startswith("access-control-")]
        return replace(answer, headers=own) if answer.status != 404 else missing(request)


def missing(request: HttpRequest) -> HttpResponse:
    """What S3 says of an object that is not there to whoever may not list the bucket, as no distribution may."""
    error = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    body = b"" if request.method == "HEAD" else b'<?xml version="1.0" encoding="UTF-8"?>\n' + error
    problem = f"There is no object {unquote(request.path)[1:]!r}. S3 answers 403, since the distribution may not list."
    return HttpResponse(403, [("content-type", "application/xml")], body, problem)


def custom_headers(settings: Mapping[str, Any]) -> Headers:
    """The headers that an origin is sent beside the request's own."""
    fields = (settings.get("customHeaders") or {}).items()
    return [(name.lower(), str(entry["value"])) for name, entries in fields for entry in entries]


async def fetched(url: str, request: HttpRequest) -> HttpResponse:
    """The response of a server on this machine. Raises Unreachable."""
    import aiohttp
    from yarl import URL

    waiting = aiohttp.ClientTimeout(total=TIMEOUT, connect=10)
    headers = without_hop_by_hop(request.headers)
    try:
        async with (
            aiohttp.ClientSession(timeout=waiting, auto_decompress=False) as session,
            session.request(
                request.method,
                URL(url, encoded=True),
                headers=headers,
                data=request.body or None,
                allow_redirects=False,
                skip_auto_headers=("accept", "accept-encoding", "user-agent", "content-type"),
            ) as answered,
        ):
            body = await answered.read()
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise Unreachable(f"{url.partition('?')[0]} could not be asked: {error or type(error).__name__}.") from error
    found = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in answered.raw_headers]
    return HttpResponse(answered.status, without_hop_by_hop(found), body)


async def call_origin(origin: ASGIApp, request: HttpRequest, api: str | None = None) -> HttpResponse:
    """The response of an ASGI app in this process, to a request that came from CloudFront for one of its APIs."""
    host = request.header("host")
    port = host.rpartition(":")[2]
    messages: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(request.path),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query.encode("ascii"),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "client": (request.source_ip, 0),
        "server": (host_name(host), int(port) if port.isdigit() else 80),
        ASKED: api,
    }
    await origin(scope, receive, send)
    start, *bodies = messages
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    return HttpResponse(start["status"], headers, b"".join(message.get("body", b"") for message in bodies))
