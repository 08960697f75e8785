"""``@app.edge_viewer_request`` and its three companions: Lambda@Edge, around the cache of a CloudFront distribution."""

from __future__ import annotations

from ..http import HTTPError, Response, as_response, checked, encoded_body
from ..options import Checked, flag, printable
from ..resources.distribution import Distribution, bare
from ..resources.names import pascal
from ..trigger import Trigger
from .edge_events import EdgeEvent as EdgeEvent
from .edge_events import EdgeRequest as EdgeRequest
from .edge_events import OriginRequest as OriginRequest
from .edge_events import OriginResponse as OriginResponse
from .edge_events import ViewerResponse as ViewerResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort


class RefusedResult(ValueError):
    """What CloudFront would answer its viewer 502 for."""


class Sent(Checked):
    """What CloudFront sent, kept from the handler's changes; not so in a deployment, which does not check results.

    To check them there would take 16 KB of the zip, and at 128 MB about 2 ms of every request. CloudFront does.
    """

    def __init__(self, cf: dict[str, Any]) -> None:
        self.cf = cf
        self.validate()

    def validate(self) -> None:
        self.cf = copied(self.cf)


class EdgeTrigger(Trigger):
    """What the four have in common. ``distribution`` is one of the app's, or a name for one that is not."""

    kinds = ("cloudfront",)
    answers: tuple[type[BaseException], ...] = (HTTPError,)
    edge = True
    event_type = ""
    event_class: type[EdgeEvent] = EdgeEvent
    include_body = False

    def __init__(self, distribution: Distribution | str, path: str) -> None:
        super().__init__()
        self.distribution = self.resource = Distribution.of(self.decorator, distribution)
        self.path = path

    def validate(self) -> None:
        from ..resources.distribution import refuse_pattern

        if self.path != "":
            refuse_pattern(self.decorator, self.path)
        flag(self.decorator, "include_body", self.include_body)

    def key(self) -> Collection[tuple[str, str]]:
        name = f"The {self.event_type} function of distribution {self.distribution.key!r}"
        if self.path:
            name += f" for {self.path!r}"
        return [(f"edge {self.event_type} {pascal(self.distribution.key)} {bare(self.path)}", name)]

    def title(self) -> str:
        where = f" {self.path}" if self.path else ""
        return f"cloudfront {self.distribution.key}{where} {self.event_type}"

    def parse(self, raw: Any, context: Any) -> Any:
        event = self.event_class(raw, context)
        event._sent = Sent(raw["Records"][0]["cf"])
        return event

    def encode(self, result: Any, event: Any) -> dict[str, Any]:
        answer = self.answered(result, event)
        refuse_result(self, event._sent.cf, answer)
        return answer

    def answered(self, result: Any, event: Any) -> dict[str, Any]:
        """What a handler returned, in CloudFront's form."""
        raise NotImplementedError

    def wrong(self, result: Any, wanted: str, forgotten: str) -> TypeError:
        """The error for a result of no form that could be meant."""
        hint = f" Add `return {forgotten}`." if result is None else ""
        return TypeError(f"An {self.decorator} handler returns {wanted}, not {result!r:.200}.{hint}")

    def mismatch(self, raw: Any) -> str:
        cf = raw["Records"][0]["cf"]
        happened = (cf.get("config") or {}).get("eventType")
        if happened is None:  # AWS's own samples leave it out
            return "" if self.event_type in likely(cf) else f"the event has not the form of `{self.event_type}`"
        return "" if happened == self.event_type else f"event type `{printable(happened)}` is not `{self.event_type}`"

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """Nothing in an event says by which of two behaviors it came; one handler may well serve both."""
        if not isinstance(other, EdgeTrigger) or other.event_type != self.event_type or other.handler == self.handler:
            return None
        event: dict[str, Any] = self.sample()
        return event

    def resources(self, function: Function, template: Template) -> None:
        """The ARN of the version to associate."""
        where = f"{self.distribution.key} {self.path}".strip()
        template.output(
            output_of(self), template.version_arn(function), f"To associate with {self.event_type} of {where}"
        )

    def local(self) -> tuple[str, dict[str, Any]]:
        return "edge", {
            "event_type": self.event_type,
            "distribution": self.distribution.key,
            "path": self.path,
            "include_body": self.include_body,
        }


class OnRequest(EdgeTrigger):
    """What the two request events have in common."""

    def __init__(self, distribution: Distribution | str, *, path: str = "", include_body: bool = False) -> None:
        super().__init__(distribution, path)
        self.include_body = include_body
        self.validate()

    def answered(self, result: Any, event: EdgeRequest) -> dict[str, Any]:
        if isinstance(result, EdgeRequest):
            return result.request
        if isinstance(result, dict) and ("uri" in result or "status" in result):
            return result  # CloudFront's own form of a request or response
        if isinstance(result, (Response, HTTPError)):
            return generated(as_response(result))
        raise self.wrong(result, "the request or a Response", "request")


class EdgeViewerRequest(OnRequest):
    """Run for every request of a distribution's viewers, before CloudFront looks into its cache.

    ``distribution``: one of the app's, ``app.distribution("site")``, whose ``viewer-request`` event the function is
    then associated with; or a name for another: the function's version ARN becomes an output, to be associated with
    it. ``path``: the cache behavior, by its path pattern; the default one unless said. ``include_body``: let the
    handler see the body.

    The handler returns the request, changed or not, or a :class:`~eventfw.Response` to answer at once, of at most 40 KB
    with its headers. A result that CloudFront does not accept is the viewer's 502, an exception its 503. Edge functions
    have no environment variables.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html
    """

    decorator = "edge_viewer_request"
    example = '@app.edge_viewer_request("site")'
    event_type = "viewer-request"
    event_class = EdgeRequest

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A viewer's request. Fields: ``uri``, ``querystring``, ``method``, ``host``, ``headers`` (name: value), and
        ``body`` with ``include_body``."""
        cf = sampled(self, fields, ("body",))
        return {"Records": [{"cf": cf}]}


class EdgeOriginRequest(OnRequest):
    """Run for every request that CloudFront's cache cannot answer, before it goes to the origin.

    ``distribution``, ``path`` and ``include_body`` are as for ``edge_viewer_request``.

    The handler returns the request, changed or not, perhaps for another origin, or a :class:`~eventfw.Response`, of at
    most 1 MB, which is cached like an origin's. The Host header is the origin's and may be changed here.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-cloudfront-trigger-events.html
    """

    decorator = "edge_origin_request"
    example = '@app.edge_origin_request("site")'
    event_type = "origin-request"
    event_class = OriginRequest

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request for a custom origin. Fields: those of a viewer's request, and ``origin``: a host name, or the
        whole object of CloudFront's form."""
        cf = sampled(self, fields, ("body", "origin"))
        origin = fields.get("origin", "example.org")
        if isinstance(origin, str):
            settings = {"customHeaders": {}, "domainName": origin, "keepaliveTimeout": 5, "path": "", "port": 443}
            more = {"protocol": "https", "readTimeout": 30, "sslProtocols": ["TLSv1.2"]}
            origin = {"custom": {**settings, **more}}
        cf["request"]["origin"] = origin
        return {"Records": [{"cf": cf}]}


class OnResponse(EdgeTrigger):
    """What the two response events have in common."""

    def __init__(self, distribution: Distribution | str, *, path: str = "") -> None:
        super().__init__(distribution, path)
        self.validate()

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A response. Fields: ``status``, ``response_headers`` (name: value), and those of a viewer's request."""
        cf = sampled(self, fields, ("status", "response_headers"))
        from ..http import phrase

        status = int(fields.get("status", 200))
        headers = {"Content-Type": "text/html", "Via": "1.1 example", **(fields.get("response_headers") or {})}
        description = phrase(status)
        cf["response"] = {"headers": edge_headers(headers), "status": str(status), "statusDescription": description}
        return {"Records": [{"cf": cf}]}


class EdgeOriginResponse(OnResponse):
    """Run for every answer of the origin, whatever its status, before CloudFront caches it.

    ``distribution`` and ``path`` are as for ``edge_viewer_request``.

    The handler returns the response, changed or not, or a :class:`~eventfw.Response` of at most 1 MB instead of it.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-updating-http-responses.html
    """

    decorator = "edge_origin_response"
    example = '@app.edge_origin_response("site")'
    event_type = "origin-response"
    event_class = OriginResponse

    def answered(self, result: Any, event: OriginResponse) -> dict[str, Any]:
        if isinstance(result, OriginResponse):
            return result.response
        if isinstance(result, dict) and "status" in result:
            return result
        if isinstance(result, (Response, HTTPError)):
            answer = generated(as_response(result))
            kept = {name: event.headers[name] for name in ("transfer-encoding", "via") if name in event.headers}
            # What is kept CloudFront lets nobody change; without a body it would send the origin's.
            return {"body": "", **answer, "headers": {**answer["headers"], **kept}}
        raise self.wrong(result, "the response or a Response", "response")


class EdgeViewerResponse(OnResponse):
    """Run for every response of a distribution, from its cache or the origin, before the viewer gets it; not where the
    origin answered with a status of 400 or more.

    ``distribution`` and ``path`` are as for ``edge_viewer_request``.

    The handler returns the response, with its headers changed or not. Its status cannot be changed.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-cloudfront-trigger-events.html
    """

    decorator = "edge_viewer_response"
    example = '@app.edge_viewer_response("site")'
    event_type = "viewer-response"
    event_class = ViewerResponse
    answers = ()

    def answered(self, result: Any, event: ViewerResponse) -> dict[str, Any]:
        if isinstance(result, ViewerResponse):
            return result.response
        if isinstance(result, dict) and "status" in result:
            return result
        if isinstance(result, Response):
            raise TypeError(
                "An edge_viewer_response handler cannot answer with a Response: the status and the body are settled. "
                "Change the response's headers and return it, or use @app.edge_origin_response."
            )
        raise self.wrong(result, "the response", "response")


def refuse_result(trigger: EdgeTrigger, sent: dict[str, Any], answer: dict[str, Any]) -> None:
    """Refuse, outside a deployment, what CloudFront would."""
    from ..rules.edge import check_edge

    problems = check_edge(trigger.event_type, sent, answer)
    if problems:
        name = trigger.decorator
        raise RefusedResult(f"CloudFront refuses the result of an {name} handler: {' '.join(problems)}")


def copied(value: Any) -> Any:
    """An event as it came, whatever the handler then does to it. Its texts are shared, a body's too."""
    if type(value) is dict:
        return {name: copied(one) for name, one in value.items()}
    if type(value) is list:
        return [copied(one) for one in value]
    return value


def output_of(trigger: EdgeTrigger) -> str:
    """The output of the edge's stack that carries the version to run, and the main stack's parameter for it."""
    where = pascal(trigger.distribution.key)
    if trigger.path:
        from hashlib import sha256

        where += pascal(trigger.path) + sha256(trigger.path.encode()).hexdigest()[:6]
    return where + pascal(trigger.event_type) + "FunctionArn"


def sampled(trigger: EdgeTrigger, fields: dict[str, Any], more: Collection[str]) -> dict[str, Any]:
    """A sample's only record, without what its event type adds to the request."""
    trigger.fields_among(fields, ("uri", "querystring", "method", "host", "headers", *more))
    host = str(fields.get("host", "d111111abcdef8.cloudfront.net"))
    headers = {"Host": host, "User-Agent": "eventfw", **(fields.get("headers") or {})}
    request: dict[str, Any] = {
        "clientIp": "203.0.113.178",
        "headers": edge_headers(headers),
        "method": str(fields.get("method", "GET")).upper(),
        "querystring": str(fields.get("querystring", "")),
        "uri": str(fields.get("uri", "/")),
    }
    if trigger.include_body:
        data, binary, _ = encoded_body(Response(fields.get("body", b"")))
        from base64 import b64encode

        text = data if binary or not data else b64encode(data.encode()).decode()
        request["body"] = {"action": "read-only", "data": text, "encoding": "base64", "inputTruncated": False}
    elif "body" in fields:
        raise trigger.refused(f"{trigger.title()} sees no body. Write include_body=True to send one.")
    config = {
        "distributionDomainName": "d111111abcdef8.cloudfront.net",
        "distributionId": "EDFDVBD6EXAMPLE",
        "eventType": trigger.event_type,
        "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
    }
    return {"config": config, "request": request}


def likely(cf: dict[str, Any]) -> Collection[str]:
    """The event types that an event without one may be of."""
    if "response" in cf:
        return ("origin-response", "viewer-response")
    return ("origin-request",) if "origin" in cf["request"] else ("viewer-request",)


def edge_headers(headers: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """Headers in CloudFront's form."""
    return {name.lower(): [{"key": name, "value": str(value)}] for name, value in headers.items()}


def generated(response: Response) -> dict[str, Any]:
    """A response in CloudFront's form."""
    body, is_base64, content_type = encoded_body(response)
    headers: dict[str, list[dict[str, str]]] = {}
    fields = [
        *response.headers.items(),
        *(("set-cookie", checked("set-cookie", cookie)) for cookie in response.cookies),
    ]
    if content_type and "content-type" not in response.headers:
        fields.append(("content-type", content_type))
    for name, value in fields:
        headers.setdefault(name, []).append({"key": name.title(), "value": checked(name, value)})
    answer: dict[str, Any] = {"status": str(response.status), "headers": headers}
    if body:
        answer |= {"body": body, "bodyEncoding": "base64" if is_base64 else "text"}
    return answer
