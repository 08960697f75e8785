"""Lambda's Invoke, as SDKs send it and expect it answered.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse
from eventfw.tools.local.workers.results import Result

TYPES = ("RequestResponse", "Event", "DryRun")
LOG_TAIL = 4096  # bytes
EVENT_LIMIT = 1024 * 1024  # bytes of an asynchronous event


@dataclass(frozen=True)
class Invocation:
    """How a function is to be invoked."""

    type: str = "RequestResponse"
    tail: bool = False
    client_context: dict[str, Any] | None = None


def function_of(request: HttpRequest) -> str:
    """The function's short name in an Invoke request, which names it, or gives its ARN; ``""`` for other requests."""
    parts = request.path.split("/")
    if request.method != "POST" or len(parts) != 5 or parts[2:3] != ["functions"] or parts[4] != "invocations":
        return ""
    if parts[1] != "2015-03-31":
        return ""
    words = unquote(parts[3]).split(":")
    if "function" in words:
        words = words[words.index("function") + 1 :]
    elif len(words) > 1 and words[0].isdigit():
        words = words[2:]
    return words[0] if words else ""


def invocation(request: HttpRequest) -> Invocation:
    """The headers of an Invoke request. Raises ValueError for what Lambda would refuse."""
    type_ = request.header("x-amz-invocation-type") or "RequestResponse"
    if type_ not in TYPES:
        raise ValueError(f"InvocationType must be one of {', '.join(TYPES)}, not {type_!r}.")
    context = request.header("x-amz-client-context")
    try:
        data = json.loads(b64decode(context)) if context else None
    except ValueError:
        raise ValueError("ClientContext must be base64 of JSON.") from None
    return Invocation(type_, request.header("x-amz-log-type") == "Tail", data if isinstance(data, dict) else None)


def answer(result: Result, how: Invocation) -> HttpResponse:
    """The response to a RequestResponse invocation."""
    headers = [
        ("content-type", "application/json"),
        ("x-amz-executed-version", "$LATEST"),
        ("x-amzn-requestid", result.request_id),
    ]
    if result.error:
        headers.append(("x-amz-function-error", "Unhandled"))
    if how.tail:
        headers.append(("x-amz-log-result", b64encode(result.logs.encode()[-LOG_TAIL:]).decode()))
    return HttpResponse(200, headers, result.payload)


def refused(status: int, kind: str, message: str) -> HttpResponse:
    """An error that SDKs of every service show with its message."""
    headers = [("content-type", "application/json"), ("x-amzn-errortype", kind)]
    return HttpResponse(status, headers, json.dumps({"Type": "User", "__type": kind, "message": message}).encode())
