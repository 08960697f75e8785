"""CloudFront's forms: a request as edge functions see it, what they return, and what CloudFront adds.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
from dataclasses import replace
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import quote

from eventfw.http import phrase
from eventfw.resources.distribution import local_id
from eventfw.rules.edge import SIZE_LIMIT
from eventfw.rules.edge_headers import disallowed
from eventfw.tools.local.cdn.keys import forwarded
from eventfw.tools.local.cdn.policies import Policies
from eventfw.tools.local.web.asgi import HOP_BY_HOP, Headers, HttpRequest, HttpResponse

#: The methods CloudFront knows; it answers 403 to others.
METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"))
#: Bytes of a URL, and of path, query string and headers together; CloudFront answers 413 above them.
URL_LIMIT, HEAD_LIMIT = 8192, 20_480

#: What may stand unencoded in a path; a ? would begin the query string and a # the fragment.
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~[]|"
_QUERY_CHARACTERS = _PATH_CHARACTERS + '?"<>^`{}\\'

_VIA = f"1.1 {sha256(b'eventfw local').hexdigest()[:32]}.cloudfront.net (CloudFront)"
#: What CloudFront writes anew for the viewer; the length follows from the body.
_REPLACED = frozenset(("via", "content-length", "date", "x-cache", "x-amz-cf-id", "x-amz-cf-pop"))


def edge_event(event_type: str, distribution: str, identity: str) -> dict[str, Any]:
    """The event of one function, its only record's ``cf``, without the request and the response."""
    id_ = local_id(distribution)
    return {
        "config": {
            "distributionDomainName": f"d{id_[1:].lower()}.cloudfront.net",
            "distributionId": id_,
            "eventType": event_type,
            "requestId": identity,
        }
    }


def edge_request(request: HttpRequest, *, body_of: str = "") -> dict[str, Any]:
    """The request as functions see it: without what CloudFront hides, and without a body.

    ``body_of`` names the event type of a function that includes the body, cut to the size shown to that type.
    """
    seen: dict[str, Any] = {
        "clientIp": request.source_ip,
        "headers": _shown(request.headers),
        "method": request.method,
        "querystring": request.query,
        "uri": request.path,
    }
    if body_of:
        limit = SIZE_LIMIT[body_of]
        seen["body"] = {
            "action": "read-only",
            "data": b64encode(request.body[:limit]).decode("ascii"),
            "encoding": "base64",
            "inputTruncated": len(request.body) > limit,
        }
    return seen


def changed_request(result: dict[str, Any], request: HttpRequest) -> HttpRequest:
    """The request that a function handed back, which CloudFront has accepted."""
    body = result.get("body") or {}
    path, query = result["uri"], result.get("querystring", "")
    return replace(
        request,
        path=path if path == request.path else quote(path, safe=_PATH_CHARACTERS),
        query=query if query == request.query else quote(query, safe=_QUERY_CHARACTERS),
        headers=_headers(result),
        body=_decoded(body.get("data", ""), body.get("encoding", "base64"))
        if body.get("action") == "replace"
        else request.body,
    )


def changed_origin_request(result: dict[str, Any], request: HttpRequest) -> HttpRequest:
    """The same on the way to the origin, with the headers that the function did not see."""
    changed = changed_request(result, request)
    changed = replace(changed, headers=[*changed.headers, *_hidden(request.headers)])
    if changed.body or changed.header("content-length"):
        return changed.with_headers(content_length=str(len(changed.body)))
    return changed


def edge_response(response: HttpResponse) -> dict[str, Any]:
    """The response as functions see it: without its body and what CloudFront hides."""
    description = phrase(response.status)
    return {"headers": _shown(response.headers), "status": str(response.status), "statusDescription": description}


def changed_response(result: dict[str, Any], response: HttpResponse) -> HttpResponse:
    """The response that a function handed back, which CloudFront has accepted: with the origin's body, or another."""
    made = generated_response(result)
    body = made.body if "body" in result or made.status in (204, 304) else response.body
    return replace(made, headers=[*made.headers, *_hidden(response.headers)], body=body)


def generated_response(result: dict[str, Any]) -> HttpResponse:
    """The response that a function made, which CloudFront has accepted."""
    status = int(result["status"])
    body = b"" if status in (204, 304) else _decoded(result.get("body", ""), result.get("bodyEncoding", "text"))
    return HttpResponse(status, _headers(result), body)


def origin_request(request: HttpRequest, policies: Policies, *, origin_host: str, identity: str) -> HttpRequest:
    """The request as the origin gets it: what the behavior's policies send, and CloudFront's own headers."""
    before = request.header("x-forwarded-for")
    sent = forwarded(policies, request)
    own = {
        "via": _via(request.header("via")),
        "x_amz_cf_id": identity,
        "x_forwarded_for": f"{before},{request.source_ip}" if before else request.source_ip,
    }
    if not policies.sends("host"):
        own["host"] = origin_host
    if not policies.sends("user-agent"):
        own["user_agent"] = "Amazon CloudFront"
    sent = sent.with_headers(**own)
    return sent.with_headers(content_length=str(len(sent.body))) if sent.body or sent.header("content-length") else sent


def origin_response(policies: Policies, response: HttpResponse) -> HttpResponse:
    """The origin's answer as CloudFront takes it: without cookies where it sends none, and of Vary what it forwards."""
    kept: Headers = []
    for name, value in response.headers:
        if name == "vary" and value.strip() != "*":
            value = ", ".join(part for part in map(str.strip, value.split(",")) if _varies(policies, part.lower()))
            if not value:
                continue
        if name != "set-cookie" or policies.cookies:
            kept.append((name, value))
    return replace(response, headers=kept)


def _varies(policies: Policies, name: str) -> bool:
    return name in ("accept-encoding", "cookie") or policies.sends(name)


def viewer_response(response: HttpResponse, *, result_type: str, identity: str) -> HttpResponse:
    """The response with CloudFront's own headers; ``result_type`` is ``Miss``, ``Error``, ..."""
    kept = [(name, value) for name, value in response.headers if name not in _REPLACED and name not in HOP_BY_HOP]
    own = [
        ("x-cache", f"{result_type} from cloudfront"),
        ("via", _VIA),
        ("x-amz-cf-pop", "LOCAL1-C1"),
        ("x-amz-cf-id", identity),
    ]
    return HttpResponse(response.status, kept + own, response.body, response.problem)


def error_page(status: int, reason: str, identity: str, *, problem: str = "") -> HttpResponse:
    """CloudFront's page for what it could not serve, with the reason in the developer's terms."""
    page = (
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">\n'
        "<HTML><HEAD><TITLE>ERROR: The request could not be satisfied</TITLE></HEAD><BODY>\n"
        f'<H1>{status} ERROR</H1>\n<H2>The request could not be satisfied.</H2>\n<HR noshade size="1px">\n'
        f'{escape(reason)}\n<BR clear="all">\n<HR noshade size="1px">\n'
        f"<PRE>\nGenerated by cloudfront (CloudFront), as eventfw local plays it\nRequest ID: {identity}\n</PRE>\n"
        "</BODY></HTML>\n"
    )
    return HttpResponse(status, [("content-type", "text/html")], page.encode(), problem or reason)


def _shown(headers: Headers) -> dict[str, list[dict[str, str]]]:
    """Headers in CloudFront's form, without those it hides from functions."""
    shown: dict[str, list[dict[str, str]]] = {}
    for name, value in headers:
        if not disallowed(name):
            shown.setdefault(name.lower(), []).append({"key": name.title(), "value": value})
    return shown


def _hidden(headers: Headers) -> Headers:
    return [(name, value) for name, value in headers if disallowed(name)]


def _headers(result: dict[str, Any]) -> Headers:
    """The headers of a request or response that CloudFront has accepted, in bytes as they go over the wire."""
    found: Headers = []
    for name, entries in (result.get("headers") or {}).items():
        for entry in entries:
            values = entry["value"] if isinstance(entry["value"], list) else [entry["value"]]
            found += [(name.lower(), _wire(value)) for value in values]
    return found


def _wire(value: str) -> str:
    """The value as latin-1 text: what came from the wire unchanged, anything wider as UTF-8."""
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode().decode("latin-1")
    return value


def _decoded(data: str, encoding: str) -> bytes:
    return a2b_base64(data) if encoding == "base64" else data.encode()


def _via(before: str) -> str:
    return f"{before}, {_VIA}" if before else _VIA
