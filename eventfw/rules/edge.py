"""What CloudFront accepts of a Lambda@Edge function, for all four event types.

CloudFront validates every result and answers the viewer with 502 when a rule is broken. The rules are those of
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-restrictions.html,
.../lambda-event-structure.html and .../lambda-generating-http-responses-in-requests.html.
"""

from __future__ import annotations

from ..errors import RuleError
from .edge_headers import READ_ONLY, has_control, header_problems, header_values, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

KB = 1024
MB = 1024 * KB

#: Bytes of a generated response, its headers included, and of a request body as the function sees or replaces it.
SIZE_LIMIT = {"viewer-request": 40 * KB, "origin-request": MB, "origin-response": MB, "viewer-response": 40 * KB}
#: Characters of a replaced request body that is given as base64: 53.2 KB and 1.33 MB.
_BASE64_LIMIT = {"viewer-request": int(53.2 * KB), "origin-request": int(1.33 * MB)}
#: Characters of the uri and the query string together have to stay below this.
_URI_LIMIT = 8192


def check_edge(event_type: str, event: dict[str, Any], result: Any) -> list[str]:
    """Why CloudFront would refuse ``result``, in sentences; empty when it accepts it.

    ``event`` is the event's ``Records[0].cf``: its ``request`` and, for response events, its ``response``.
    An unknown ``event_type`` raises RuleError.
    """
    if event_type not in READ_ONLY:
        raise RuleError(f"a Lambda@Edge event type is one of {', '.join(READ_ONLY)}, not {event_type!r}.")
    on_request = event_type.endswith("-request")
    if not isinstance(result, dict):
        wanted = "the request or a response" if on_request else "the response"
        return [f"the function returned {shown(result)}, where CloudFront expects an object: return {wanted}."]
    if on_request and "status" not in result:
        return _request(event_type, event["request"], result)
    return _response(event_type, event, result)


def _request(event_type: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A request that is to go on, to the cache or the origin."""
    if "statusCode" in after:
        return ["a CloudFront response has status, not statusCode, which is API Gateway's name for it."]
    if "uri" not in after:
        return ["the result is neither a request, which has a uri, nor a response, which has a status."]
    problems = [
        f"{name} is read-only: it was {shown(before.get(name))} and the function returned {shown(after.get(name))}."
        for name in ("clientIp", "method")
        if after.get(name) != before.get(name)
    ]
    problems += _target(after)
    problems += header_problems(event_type, before.get("headers") or {}, after.get("headers"))
    problems += _request_body(event_type, after)
    if event_type == "origin-request":
        from .edge_origin import origin_problems

        problems += origin_problems(before.get("origin") or {}, after)
    elif "origin" in after:
        problems.append("a viewer-request function cannot choose the origin: use an origin-request function.")
    return problems


def _target(request: dict[str, Any]) -> list[str]:
    uri, query = request["uri"], request.get("querystring", "")
    if not isinstance(uri, str) or not uri.startswith("/"):
        return [f"uri must be a string that begins with /, not {shown(uri)}."]
    if not isinstance(query, str):
        return [f"querystring must be a string, not {shown(query)}."]
    problems = []
    if has_control(uri):
        problems.append(f"uri must not contain control characters: {shown(uri)}. Percent-encode them.")
    if has_control(query) or " " in query or "#" in query:
        problems.append(
            f"querystring must not contain spaces, control characters or #: {shown(query)}. Percent-encode them."
        )
    size = len(uri) + len(query) + (1 if query else 0)
    if size >= _URI_LIMIT:
        problems.append(f"uri and querystring must be shorter than {_URI_LIMIT} characters together, not {size}.")
    return problems


def _request_body(event_type: str, request: dict[str, Any]) -> list[str]:
    if "body" not in request:
        return []
    body = request["body"]
    if not isinstance(body, dict):
        return [f"a request's body is an object with action, encoding and data, not {shown(body)}."]
    action, encoding, data = body.get("action", "read-only"), body.get("encoding", "base64"), body.get("data", "")
    if action not in ("read-only", "replace"):
        return [f"body.action must be read-only or replace, not {shown(action)}."]
    if action == "read-only":  # CloudFront ignores what else changed, and sends the viewer's body.
        return []
    problems = _encoded("body.data", "body.encoding", data, encoding)
    if not problems:
        limit = _BASE64_LIMIT[event_type] if encoding == "base64" else SIZE_LIMIT[event_type]
        size = len(data.encode())
        if size > limit:
            problems.append(f"a replaced body may have {limit} bytes as {encoding} in {event_type}, not {size}.")
    return problems


def _response(event_type: str, event: dict[str, Any], response: dict[str, Any]) -> list[str]:
    """A generated response, or in a response event the changed one."""
    generated = event_type.endswith("-request")
    before = {} if generated else event["response"]
    problems = _status(event_type, before, response)
    problems += header_problems(event_type, before.get("headers") or {}, response.get("headers"))
    if "body" in response or "bodyEncoding" in response:
        encoding = response.get("bodyEncoding", "text")
        problems += _encoded("body", "bodyEncoding", response.get("body", ""), encoding)
        if event_type == "viewer-request" and str(response.get("status")) == "204" and response.get("body"):
            problems.append("a response with status 204 must not have a body. Remove body, or use status 200.")
    if not problems and (generated or response.get("body")):
        size = _size(response)
        if size > SIZE_LIMIT[event_type]:
            problems.append(
                f"a response from {event_type} may have {SIZE_LIMIT[event_type]} bytes, headers included, not {size}."
            )
    return problems


def _status(event_type: str, before: dict[str, Any], response: dict[str, Any]) -> list[str]:
    status = response.get("status")
    text = str(status) if isinstance(status, (str, int)) and not isinstance(status, bool) else ""
    if not (len(text) == 3 and text.isascii() and text.isdigit() and 200 <= int(text) <= 599):
        return [f'status must be a string from "200" to "599", not {shown(status)}.']
    problems = []
    if event_type == "viewer-response" and text != str(before.get("status")):
        problems.append(
            f"a viewer-response function cannot change the status from {before.get('status')} to {text}: "
            "use an origin-response function."
        )
    description = response.get("statusDescription", "")
    if not isinstance(description, str) or has_control(description):
        problems.append(f"statusDescription must be a string of one line, not {shown(description)}.")
    return problems


def _encoded(where: str, which: str, data: Any, encoding: Any) -> list[str]:
    if encoding not in ("text", "base64"):
        return [f"{which} must be text or base64, not {shown(encoding)}."]
    if not isinstance(data, str):
        return [f"{where} must be a string, not {shown(data)}."]
    if encoding == "base64" and _decoded_size(data) < 0:
        return [f"{where} is not valid base64, which {which} says it is: {shown(data)}."]
    return []


def _decoded_size(data: str) -> int:
    """Bytes that the base64 text stands for, or -1 when it is not base64."""
    from binascii import Error, a2b_base64

    try:
        return len(a2b_base64(data.encode("ascii"), strict_mode=True))
    except (Error, UnicodeEncodeError):
        return -1


def _size(response: dict[str, Any]) -> int:
    body = response.get("body", "")
    size = _decoded_size(body) if response.get("bodyEncoding") == "base64" else len(body.encode())
    headers = header_values(response.get("headers"))
    return size + sum(len(name) + len(value.encode()) for name, values in headers.items() for value in values)
