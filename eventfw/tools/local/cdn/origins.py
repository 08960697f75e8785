"""What is behind the local edge: the gateway, buckets of the embedded AWS, servers on this machine, and those elsewhere
that the developer names; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote

from eventfw.tools.local.cdn.client import READ, OriginClient, Unreachable
from eventfw.tools.local.cdn.named import Named
from eventfw.tools.local.web.asgi import ASGIApp, Headers, HttpRequest, HttpResponse, Message, Scope
from eventfw.tools.local.web.gateway import ASKED
from eventfw.tools.local.web.guard import Guard, host_name

#: What an S3 origin is not sent: it would be taken for a signature, or belongs to a body.
_NOT_TO_BUCKETS = ("authorization", "cookie", "content-type")


class Origins:
    """Asks origins. ``gateway`` is the app's API, an ASGI app in this process that ``gateway_host`` is the address of.

    ``cloud`` gives the address of the door to the embedded AWS, or nothing while there is none. ``named`` are the
    servers that the developer wants asked.
    """

    def __init__(
        self,
        gateway: ASGIApp,
        gateway_host: str,
        cloud: Callable[[], str | None],
        region: str,
        named: Iterable[Named] = (),
    ) -> None:
        self.gateway = gateway
        self.gateway_host = gateway_host
        self.cloud = cloud
        self.region = region
        named = tuple(named)
        self.named = frozenset((one.protocol, one.host, one.port) for one in named if not one.stands_for)
        self.stand_ins = {one.stands_for: one for one in named if one.stands_for}
        self.client = OriginClient()

    def described(self, origin: Mapping[str, Any]) -> dict[str, Any]:
        """An origin of a distribution as CloudFront's events have it."""
        if origin["kind"] == "bucket":
            host = f"{origin['bucket']}.s3.{self.region}.amazonaws.com"
            none: dict[str, Any] = {"authMethod": "none", "customHeaders": {}}
            return {"s3": {**none, "domainName": host, "path": "", "region": self.region}}
        host, port, protocol = origin.get("host", ""), origin.get("port", 443), origin.get("protocol", "https")
        if origin["kind"] == "api":
            name, _, digits = self.gateway_host.rpartition(":")
            host, port, protocol = "localhost" if name == "127.0.0.1" else name, int(digits), "http"
        path = origin.get("path", "")
        settings = {"customHeaders": {}, "domainName": host, "keepaliveTimeout": 5, "path": path, "port": port}
        return {"custom": {**settings, "protocol": protocol, "readTimeout": 30, "sslProtocols": ["TLSv1.2"]}}

    def host_of(self, origin: Mapping[str, Any]) -> str:
        """What CloudFront writes into the Host header."""
        kind, settings = next(iter(origin.items()))
        return self.gateway_host if kind == "custom" and self._is_gateway(settings) else str(settings["domainName"])

    def _is_gateway(self, settings: Mapping[str, Any]) -> bool:
        port = str(settings.get("port", 443))
        return port == self.gateway_host.rpartition(":")[2] and Guard().trusts(settings["domainName"])

    def for_bucket(self, request: HttpRequest) -> HttpRequest:
        """A request without what a bucket is not sent."""
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
        read = float(settings.get("readTimeout", READ))
        if stand_in := self.stand_ins.get(settings["domainName"].lower()):
            return await self.client.fetched(stand_in.url + sent.target, sent, read)
        host, port, protocol = settings["domainName"], settings.get("port", 443), settings.get("protocol", "https")
        if not Guard().trusts(host) and (protocol, host, port) not in self.named:
            asked = f"{protocol}://{host}" + (f":{port}" if port not in (80, 443) else "")
            raise Unreachable(
                f"The origin {host} is not on this machine, and eventfw local asks nothing elsewhere unless you name "
                f"it. On AWS, CloudFront would ask it. Start eventfw local with --edge-origin {host}={asked} to have "
                f"it asked, or with the URL of a server here in its place; or answer in an origin-request handler.",
                local=True,
            )
        if self._is_gateway(settings):
            return await call_origin(self.gateway, sent, api)
        return await self.client.fetched(f"{protocol}://{host}:{port}{sent.target}", sent, read)

    async def _bucket(self, domain: str, request: HttpRequest) -> HttpResponse:
        endpoint = self.cloud()
        bucket = domain.partition(".s3.")[0]
        if endpoint is None:
            problem = f"The bucket {bucket} is in the embedded AWS, which is not running."
            raise Unreachable(problem, local=True)
        sent = replace(self.for_bucket(request), body=b"").with_headers(host=endpoint.partition("//")[2])
        answer = await self.client.fetched(f"{endpoint}/{quote(bucket)}{sent.path}", sent)
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
