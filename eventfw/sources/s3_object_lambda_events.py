"""Requests of S3 Object Lambda access points, and the objects they are about."""

from __future__ import annotations

from ..events import Event
from ..http import Headers, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


CONTEXTS = {  # the part of an event that tells the operation
    "getObjectContext": "GetObject",
    "headObjectContext": "HeadObject",
    "listObjectsContext": "ListObjects",
    "listObjectsV2Context": "ListObjectsV2",
}
FETCH_SECONDS = 55.0


class S3Original(Response):
    """What S3 answers through the supporting access point: ``status``, ``headers`` and ``body``, ready to return."""


class S3ObjectRequest(Event):
    """A request for an object, its head, or a list of objects.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/olap-event-context.html
    """

    def summary(self) -> str:
        return f"{self.operation} {self.key}"

    @property
    def operation(self) -> str:
        """``GetObject``, ``HeadObject``, ``ListObjects`` or ``ListObjectsV2``."""
        return next(CONTEXTS[name] for name in CONTEXTS if name in self.raw)

    @property
    def key(self) -> str:
        """The object's key, decoded; ``""`` for a list."""
        from urllib.parse import unquote, urlsplit

        if not self.operation.endswith("Object"):
            return ""
        parts = urlsplit(self.url)
        path = unquote(parts.path.removeprefix("/"))
        # S3 names the access point in the host; an endpoint of one's own may name it in the path.
        return path if ".s3-object-lambda." in (parts.hostname or "") else path.partition("/")[2]

    @property
    def url(self) -> str:
        """The URL that the caller asked for, at the Object Lambda access point."""
        return str(self.raw["userRequest"]["url"])

    @property
    def headers(self) -> Headers:
        """The header fields of the caller's request."""
        return Headers(self.raw["userRequest"].get("headers") or {})

    @property
    def input_s3_url(self) -> str:
        """The presigned URL of the original, at the supporting access point."""
        return str(self._context["inputS3Url"])

    @property
    def payload(self) -> str:
        """The text that the access point was given for the function; ``""`` where there is none."""
        return str(self.raw["configuration"].get("payload") or "")

    @property
    def access_point_arn(self) -> str:
        """The Object Lambda access point."""
        return str(self.raw["configuration"]["accessPointArn"])

    @property
    def supporting_access_point_arn(self) -> str:
        """The access point of the bucket behind it."""
        return str(self.raw["configuration"]["supportingAccessPointArn"])

    @property
    def user_identity(self) -> dict[str, Any]:
        """Who asked, as CloudTrail says it: ``type``, ``arn``, ``accountId``..."""
        return self.raw.get("userIdentity") or {}

    @property
    def request_id(self) -> str:
        """S3's id of the request."""
        return str(self.raw["xAmzRequestId"])

    @property
    def _context(self) -> dict[str, Any]:
        return next(self.raw[name] for name in CONTEXTS if name in self.raw)

    def fetch(self) -> S3Original:
        """The original, whole in memory; S3's refusal too, with its status. Lists come as XML.

        Headers that the URL's signature covers, such as ``Range``, are sent as the caller sent them. Raises ``OSError``
        where S3 cannot be reached.
        """
        from urllib.error import HTTPError as Refusal
        from urllib.request import Request, urlopen

        headers, method = signed(self.input_s3_url, self.headers), "HEAD" if self.operation == "HeadObject" else "GET"
        request = Request(reachable(self.input_s3_url), headers=headers, method=method)
        try:
            with urlopen(request, timeout=FETCH_SECONDS) as got:
                return S3Original(got.read(), got.status, received(got.headers))
        except Refusal as refusal:
            with refusal:
                return S3Original(refusal.read(), refusal.code, received(refusal.headers))


def reachable(url: str) -> str:
    """A presigned URL. At an endpoint of one's own it is asked for there, without the signature, which covers a host
    that only that endpoint knows."""
    import os
    from urllib.parse import urlsplit

    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        own, parts = urlsplit(endpoint), urlsplit(url)
        query = "&".join(part for part in parts.query.split("&") if not part.lower().startswith("x-amz-"))
        return parts._replace(scheme=own.scheme, netloc=own.netloc, query=query).geturl()
    if not url.startswith("https://"):
        raise ValueError(f"S3 presigns https URLs only, not {url!r:.100}.")
    return url


def signed(url: str, headers: Headers) -> dict[str, str]:
    """The caller's headers that a presigned URL's signature covers: S3 refuses the URL without them."""
    from urllib.parse import parse_qs, urlsplit

    names = parse_qs(urlsplit(url).query).get("X-Amz-SignedHeaders", [""])[0].split(";")
    return {name: headers.get(name) for name in names if name != "host" and name in headers}


def received(headers: Any) -> list[tuple[str, str]]:
    """Header fields of an answer that may be sent on: those of the connection and the request are not the object's."""
    own = {"connection", "date", "server", "transfer-encoding", "x-amz-id-2", "x-amz-request-id", "x-amzn-requestid"}
    return [(name, value) for name, value in headers.items() if name.lower() not in own]
