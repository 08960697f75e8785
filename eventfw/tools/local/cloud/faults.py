"""Errors of the door's own, in the form that the client of each AWS service reads."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote
from xml.sax.saxutils import escape

from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse

_SCOPE = re.compile(r"Credential=[^/,&\s]+/\d{8}/([^/,&\s]+)/([^/,&\s]+)/aws4_request")


def scope_of(request: HttpRequest) -> tuple[str, str]:
    """The region and the service that a request was signed for, in its header or its URL; empty where it was not."""
    found = _SCOPE.search(request.header("authorization")) or _SCOPE.search(unquote(request.query))
    return (found[1], found[2]) if found else ("", "")


def fault(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    """An error as the service that the request is for words it: S3's XML, the query protocol's, or JSON.

    https://smithy.io/2.0/aws/protocols/index.html
    """
    kind = request.header("content-type")
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if scope_of(request)[1] == "s3":
        return _xml(status, f"<Error>{inner}</Error>")
    if kind.startswith("application/x-www-form-urlencoded"):
        sender = "Sender" if status < 500 else "Receiver"
        return _xml(status, f"<ErrorResponse><Error><Type>{sender}</Type>{inner}</Error></ErrorResponse>")
    body = {"Type": "User" if status < 500 else "Service", "__type": code, "message": message}
    headers = [("content-type", "application/json"), ("x-amzn-errortype", code)]
    return HttpResponse(status, headers, json.dumps(body).encode())


def _xml(status: int, body: str) -> HttpResponse:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'
    return HttpResponse(status, [("content-type", "application/xml")], text.encode())
