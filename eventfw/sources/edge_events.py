"""What Lambda@Edge handlers receive: a request on its way to the cache or the origin, or a response on its way back.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from ..events import Event
from ..http import Response, checked, encoded_body

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class EdgeEvent(Event):
    """What requests and responses have in common."""

    _sent: Any = None
    """For eventfw's own check of what the handler returns."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        # AWS's own test events leave some of it out, in responses all of it.
        self.request: dict[str, Any] = raw["Records"][0]["cf"].get("request") or {}

    def summary(self) -> str:
        return f"{self.method} {self.uri}"

    @property
    def uri(self) -> str:
        """The path. In a request it may be set."""
        return str(self.request.get("uri", ""))

    @property
    def querystring(self) -> str:
        """The query string, without ``?``; ``""`` where there is none. In a request it may be set."""
        return str(self.request.get("querystring", ""))

    @property
    def method(self) -> str:
        """The HTTP method. It cannot be changed."""
        return str(self.request.get("method", ""))

    @property
    def client_ip(self) -> str:
        """The viewer's address; ``""`` in some of AWS's own test events."""
        return str(self.request.get("clientIp", ""))

    @property
    def distribution_id(self) -> str:
        """The distribution the request came to; ``""`` in AWS's own test events."""
        return str((self.raw["Records"][0]["cf"].get("config") or {}).get("distributionId", ""))

    @property
    def headers(self) -> dict[str, list[dict[str, str]]]:
        """The header fields by lower-case name: the request's, or in a response event the response's."""
        return self.request.setdefault("headers", {})  # type: ignore[no-any-return]

    def header(self, name: str, default: str = "") -> str:
        """The first value of a header, or ``default``."""
        fields = self.headers.get(name.lower())
        return fields[0]["value"] if fields else default

    def set_header(self, name: str, value: str) -> None:
        """Replace a header. CloudFront refuses to have some of them changed."""
        self.headers[name.lower()] = [{"key": name, "value": checked(name, value)}]

    def remove_header(self, name: str) -> None:
        """Take a header away, if it is there."""
        self.headers.pop(name.lower(), None)


class EdgeRequest(EdgeEvent):
    """A viewer's request, which the handler may change and return.

    ``headers`` are as CloudFront has them: ``{"host": [{"key": "Host", "value": "d111.cloudfront.net"}]}``.
    """

    @property
    def uri(self) -> str:
        """The path, as the viewer sent it. It may be set."""
        return str(self.request["uri"])

    @uri.setter
    def uri(self, value: str) -> None:
        self.request["uri"] = value

    @property
    def querystring(self) -> str:
        """The query string, without ``?``; ``""`` where there is none. It may be set."""
        return str(self.request.get("querystring", ""))

    @querystring.setter
    def querystring(self, value: str) -> None:
        self.request["querystring"] = value

    @property
    def body(self) -> bytes:
        """The body, where the trigger has ``include_body``; CloudFront shows its first 40 KB to ``viewer-request`` and
        its first megabyte to ``origin-request``."""
        body = self.request.get("body") or {}
        data = body.get("data", "")
        if body.get("encoding") == "base64":
            from base64 import b64decode

            return b64decode(data)
        return str(data).encode()

    @property
    def body_truncated(self) -> bool:
        """Whether the viewer sent more than ``body`` shows."""
        return bool((self.request.get("body") or {}).get("inputTruncated"))

    def replace_body(self, body: Any) -> None:
        """Send the origin another body: text, bytes, or a dict or list as JSON. The trigger needs ``include_body``."""
        if "body" not in self.request:
            raise ValueError(
                "CloudFront takes another body only from a function that sees it. Write include_body=True."
            )
        data, binary, _ = encoded_body(Response(body))
        self.request["body"] = {"action": "replace", "encoding": "base64" if binary else "text", "data": data}


class OriginRequest(EdgeRequest):
    """A request that the cache could not answer, on its way to the origin."""

    @property
    def origin(self) -> EdgeOrigin:
        """Where the request goes."""
        return EdgeOrigin(self.request)

    def use_host(self, host: str, *, path: str = "", protocol: str = "https", port: int = 0) -> None:
        """Send the request to another host, with its name as the Host header. ``path`` is put before the request's.

        ``port`` is 443 or 80 by ``protocol`` unless said.
        """
        settings = {
            "customHeaders": {},
            "domainName": host,
            "keepaliveTimeout": 5,
            "path": path,
            "port": port or (443 if protocol == "https" else 80),
            "protocol": protocol,
            "readTimeout": 30,
            "sslProtocols": ["TLSv1.2"],
        }
        self.request["origin"] = {"custom": settings}
        self.set_header("Host", host)

    def use_bucket(self, bucket: str, region: str, *, path: str = "") -> None:
        """Send the request to a bucket that anybody may read, by its real name. ``path`` is put before the request's.

        A bucket that only a distribution may read must be an origin of the distribution's.
        """
        host = f"{bucket}.s3.{region}.amazonaws.com"
        settings = {"authMethod": "none", "customHeaders": {}, "domainName": host, "path": path, "region": region}
        self.request["origin"] = {"s3": settings}
        self.set_header("Host", host)


class EdgeOrigin:
    """The origin of a request: an S3 bucket or, ``custom``, any other host. What is set changes the request."""

    def __init__(self, request: dict[str, Any]) -> None:
        self._request = request

    def __repr__(self) -> str:
        return f"<EdgeOrigin {self.kind} {self.domain_name}{self.path}>"

    @property
    def kind(self) -> str:
        """``s3`` or ``custom``."""
        return "s3" if "s3" in self._request["origin"] else "custom"

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that CloudFront says of it, and may be changed."""
        return self._request["origin"][self.kind]  # type: ignore[no-any-return]

    @property
    def domain_name(self) -> str:
        """The host name."""
        return str(self.settings["domainName"])

    @property
    def path(self) -> str:
        """What is put before the request's path: ``""``, or with a slash before it and none behind. It may be set."""
        return str(self.settings.get("path", ""))

    @path.setter
    def path(self, value: str) -> None:
        self.settings["path"] = value

    def set_header(self, name: str, value: str) -> None:
        """Send the origin a header that the viewer did not send."""
        fields = self.settings.setdefault("customHeaders", {})
        fields[name.lower()] = [{"key": name, "value": checked(name, value)}]


class EdgeResponse(EdgeEvent):
    """A response on its way to the viewer. ``request`` is what it answers, to be read only."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.response: dict[str, Any] = raw["Records"][0]["cf"]["response"]

    def summary(self) -> str:
        return f"{self.status} to {self.method} {self.uri}"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.response["status"])

    @property
    def status_description(self) -> str:
        """The status in words; ``""`` where there are none."""
        return str(self.response.get("statusDescription", ""))

    @property
    def headers(self) -> dict[str, list[dict[str, str]]]:
        """The response's header fields by lower-case name."""
        return self.response.setdefault("headers", {})  # type: ignore[no-any-return]


class OriginResponse(EdgeResponse):
    """What the origin answered, whatever its status, before it is cached. Its body is not shown."""

    @property
    def status(self) -> int:
        """The HTTP status. It may be set, to 200 to 599."""
        return int(self.response["status"])

    @status.setter
    def status(self, value: int) -> None:
        from ..http import phrase

        self.response["status"] = str(value)
        self.response["statusDescription"] = phrase(value)

    def replace_body(self, body: Any) -> None:
        """Answer with another body: text, bytes, or a dict or list as JSON. At most 1 MB. What described the origin's
        body, its encoding, length, tag and, unless the handler set one after this, its type, goes with it."""
        data, binary, content_type = encoded_body(Response(body))
        for name in ("content-encoding", "content-length", "etag"):
            self.remove_header(name)
        self.response["body"], self.response["bodyEncoding"] = data, "base64" if binary else "text"
        if content_type:
            self.set_header("Content-Type", content_type)


class ViewerResponse(EdgeResponse):
    """A response from the cache or the origin, before the viewer gets it. Its status cannot be changed, its headers
    can; its body is not shown. CloudFront does not run the function where the origin answered 400 or more."""
