"""``@app.edge_viewer_request``: Lambda@Edge, in front of a CloudFront distribution."""

from __future__ import annotations

from ..events import Event
from ..http import HTTPError, Response, as_response, checked, encoded_body
from ..options import flag, printable, refused, text
from ..resources.names import pascal
from ..trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template


class EdgeRequest(Event):
    """A viewer's request, which the handler may change and return.

    ``headers`` are as CloudFront has them: ``{"host": [{"key": "Host", "value": "d111.cloudfront.net"}]}``.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.request: dict[str, Any] = raw["Records"][0]["cf"]["request"]

    def summary(self) -> str:
        return f"{self.method} {self.uri}"

    @property
    def uri(self) -> str:
        """The path, as the viewer sent it."""
        return str(self.request["uri"])

    @uri.setter
    def uri(self, value: str) -> None:
        self.request["uri"] = value

    @property
    def querystring(self) -> str:
        """The query string, without ``?``; ``""`` where there is none."""
        return str(self.request.get("querystring", ""))

    @querystring.setter
    def querystring(self, value: str) -> None:
        self.request["querystring"] = value

    @property
    def headers(self) -> dict[str, list[dict[str, str]]]:
        """The header fields by lower-case name."""
        return self.request["headers"]  # type: ignore[no-any-return]

    def header(self, name: str, default: str = "") -> str:
        """The first value of a header, or ``default``."""
        fields = self.headers.get(name.lower())
        return fields[0]["value"] if fields else default

    def set_header(self, name: str, value: str) -> None:
        """Replace a header. CloudFront refuses to have some of them changed, ``Host`` for one."""
        self.headers[name.lower()] = [{"key": name, "value": checked(name, value)}]

    @property
    def method(self) -> str:
        """The HTTP method. It cannot be changed."""
        return str(self.request["method"])

    @property
    def client_ip(self) -> str:
        """The viewer's address."""
        return str(self.request["clientIp"])

    @property
    def body(self) -> bytes:
        """The body, where the trigger has ``include_body``; CloudFront shows its first 40 KB."""
        body = self.request.get("body") or {}
        data = body.get("data", "")
        if body.get("encoding") == "base64":
            from base64 import b64decode

            return b64decode(data)
        return str(data).encode()

    @property
    def distribution_id(self) -> str:
        """The distribution the request came to."""
        return str(self.raw["Records"][0]["cf"]["config"]["distributionId"])


class EdgeViewerRequest(Trigger):
    """Run for every request of a distribution's viewers, before CloudFront looks into its cache.

    ``distribution``: a name for the distribution; the function's version ARN becomes an output, to be associated with
    the distribution's ``viewer-request`` event. ``include_body``: let the handler see the body.

    The handler returns the request, changed or not, or a :class:`~eventfw.Response` to answer at once. A result that
    CloudFront does not accept is the viewer's 502, an exception its 503. Edge functions have no environment variables.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html
    """

    decorator = "edge_viewer_request"
    example = '@app.edge_viewer_request("site")'
    kinds = ("cloudfront",)
    answers = (HTTPError,)
    edge = True
    event_type = "viewer-request"

    def __init__(self, distribution: str, *, include_body: bool = False) -> None:
        super().__init__()
        text("edge_viewer_request", "distribution", distribution, 'Write @app.edge_viewer_request("site").')
        if not pascal(distribution):
            raise refused(f"distribution needs a letter or digit for edge_viewer_request, not {distribution!r}.")
        self.distribution = distribution
        self.include_body = flag("edge_viewer_request", "include_body", include_body)

    def key(self) -> Collection[tuple[str, str]]:
        name = f"The {self.event_type} function of distribution {self.distribution!r}"
        return [(f"edge {self.event_type} {pascal(self.distribution)}", name)]

    def title(self) -> str:
        return f"cloudfront {self.distribution} {self.event_type}"

    def parse(self, raw: Any, context: Any) -> EdgeRequest:
        return EdgeRequest(raw, context)

    def encode(self, result: Any, event: EdgeRequest) -> dict[str, Any]:
        if isinstance(result, EdgeRequest):
            return result.request
        if isinstance(result, dict) and ("uri" in result or "status" in result):
            return result  # CloudFront's own form of a request or response
        if isinstance(result, (Response, HTTPError)):
            return generated(as_response(result))
        hint = " Add `return request`." if result is None else ""
        raise TypeError(f"An {self.decorator} handler returns the request or a Response, not {result!r:.200}.{hint}")

    def mismatch(self, raw: Any) -> str:
        config = raw["Records"][0]["cf"].get("config") or {}
        happened = config.get("eventType", self.event_type)
        return "" if happened == self.event_type else f"event type `{printable(happened)}` is not `{self.event_type}`"

    def resources(self, function: Function, template: Template) -> None:
        """The ARN of the version to associate."""
        name = pascal(self.distribution) + "ViewerRequestFunctionArn"
        template.output(
            name, template.version_arn(function), f"To associate with {self.event_type} of {self.distribution}"
        )

    def local(self) -> tuple[str, dict[str, Any]]:
        event, site = self.event_type, self.distribution
        return "edge", {"event_type": event, "distribution": site, "include_body": self.include_body}

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A viewer's request. Fields: ``uri``, ``querystring``, ``method``, ``host``, ``headers`` (name: value)."""
        self.fields_among(fields, ("uri", "querystring", "method", "host", "headers"))
        host = str(fields.get("host", "d111111abcdef8.cloudfront.net"))
        headers = {"Host": host, "User-Agent": "eventfw", **(fields.get("headers") or {})}
        request = {
            "clientIp": "203.0.113.178",
            "headers": {name.lower(): [{"key": name, "value": str(value)}] for name, value in headers.items()},
            "method": str(fields.get("method", "GET")).upper(),
            "querystring": str(fields.get("querystring", "")),
            "uri": str(fields.get("uri", "/")),
        }
        config = {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": self.event_type,
            "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
        }
        return {"Records": [{"cf": {"config": config, "request": request}}]}


def generated(response: Response) -> dict[str, Any]:
    """A response in CloudFront's form."""
    body, is_base64, content_type = encoded_body(response)
    headers: dict[str, list[dict[str, str]]] = {}
    fields = [*response.headers.items(), *(("set-cookie", cookie) for cookie in response.cookies)]
    if content_type and "content-type" not in response.headers:
        fields.append(("content-type", content_type))
    for name, value in fields:
        headers.setdefault(name, []).append({"key": name.title(), "value": value})
    answer: dict[str, Any] = {"status": str(response.status), "headers": headers}
    if body:
        answer |= {"body": body, "bodyEncoding": "base64" if is_base64 else "text"}
    return answer
