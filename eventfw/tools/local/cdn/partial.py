"""What of a whole answer a viewer asked for: nothing where it has that already, or ranges of bytes.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RangeGETs.html
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from eventfw.tools.local.cdn.freshness import moment
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse

_CONDITIONS = frozenset(("if-none-match", "if-modified-since", "range"))
#: Headers that describe a body, and are not sent without one.
_OF_BODY = ("content-length", "content-type", "content-encoding", "content-range")


def asked_for(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer to this request out of the whole one: a 304, a 206 or 416, or the answer itself."""
    if response.status != 200 or not any(name in _CONDITIONS for name, _ in request.headers):
        return response
    headers = dict(response.headers)
    if _has(request, headers):
        kept = [(name, value) for name, value in response.headers if name not in _OF_BODY]
        return HttpResponse(304, kept, b"", response.problem)
    wanted = request.header("range")
    if request.method != "GET" or not wanted or not _may_be_cut(request.header("if-range"), headers):
        return response
    size = len(response.body)
    found = ranges(wanted, size)
    if found is None:
        return response
    if not found:
        kept = [(name, value) for name, value in response.headers if name not in _OF_BODY]
        return HttpResponse(416, [*kept, ("content-range", f"bytes */{size}")])
    return _cut(response, found) if len(found) == 1 else _cut_into_parts(response, found)


def ranges(wanted: str, size: int) -> list[tuple[int, int]] | None:
    """The first and the last byte of each range; nothing where all lie behind the end.

    None where CloudFront sends the whole object: for another unit, a range of no form, and ranges that are not in
    ascending order or overlap.
    """
    unit, _, specs = wanted.partition("=")
    if unit.strip().lower() != "bytes":
        return None
    found, before = [], -1
    for spec in specs.split(","):
        first, hyphen, last = (part.strip() for part in spec.strip().partition("-"))
        if not hyphen or not (first or last) or not all(part == "" or _digits(part) for part in (first, last)):
            return None
        begin = int(first) if first else max(size - int(last), 0)
        end = min(int(last), size - 1) if first and last else size - 1
        if begin <= before or (first and last and int(last) < begin):
            return None
        if begin < size and (first or int(last)):
            found.append((begin, end))
            before = end
    return found


def _has(request: HttpRequest, headers: dict[str, str]) -> bool:
    """Whether the viewer has this answer already, by its tag or else by its date."""
    tags = request.header("if-none-match")
    if tags:
        own = headers.get("etag", "").removeprefix("W/")
        return bool(own) and (tags.strip() == "*" or own in (tag.strip().removeprefix("W/") for tag in tags.split(",")))
    since, changed = moment(request.header("if-modified-since")), moment(headers.get("last-modified", ""))
    return since is not None and changed is not None and changed <= since


def _may_be_cut(condition: str, headers: dict[str, str]) -> bool:
    """Whether the answer is still the one that the viewer has a part of (RFC 9110, 13.1.5)."""
    if not condition:
        return True
    if condition.startswith('"'):
        return condition == headers.get("etag")
    return moment(condition) is not None and condition == headers.get("last-modified")


def _cut(response: HttpResponse, found: list[tuple[int, int]]) -> HttpResponse:
    [(first, last)] = found
    kept = [(name, value) for name, value in response.headers if name not in ("content-length", "content-range")]
    content_range = ("content-range", f"bytes {first}-{last}/{len(response.body)}")
    return replace(response, status=206, headers=[*kept, content_range], body=response.body[first : last + 1])


def _cut_into_parts(response: HttpResponse, found: list[tuple[int, int]]) -> HttpResponse:
    """Several ranges, as ``multipart/byteranges`` (RFC 9110, 14.6)."""
    body, kind = response.body, dict(response.headers).get("content-type", "application/octet-stream")
    boundary = "CloudFront:" + sha256(body).hexdigest()[:32].upper()
    parts = [
        f"--{boundary}\r\nContent-Type: {kind}\r\nContent-Range: bytes {first}-{last}/{len(body)}\r\n\r\n".encode()
        + body[first : last + 1]
        for first, last in found
    ]
    whole = b"\r\n".join(parts) + f"\r\n--{boundary}--\r\n".encode()
    kept = [(name, value) for name, value in response.headers if name not in ("content-length", "content-type")]
    headers = [*kept, ("content-type", f'multipart/byteranges; boundary="{boundary}"')]
    return replace(response, status=206, headers=headers, body=whole)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
