"""What the HTTP sources share: parts of a request as events have them, parts of a result as responses need them."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from binascii import Error, a2b_base64
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_plus

from eventfw.tools.local.web.asgi import Headers, HttpRequest, without_hop_by_hop

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_TEXT_TYPES = frozenset(("application/json", "application/javascript", "application/xml"))
_NAME = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")


#: A value as JSON, without spaces.
as_json = json.JSONEncoder(separators=(",", ":")).encode


class BadResult(Exception):
    """A function's result that no response can be made of; says why."""


class NotBase64(BadResult):
    """A result that says its body is base64, and it is not."""


def domain_prefix(domain: str) -> str:
    """The first label of a host name: the API's or the function URL's id on AWS."""
    return domain.partition(":")[0].partition(".")[0]


@lru_cache(maxsize=8)
def log_time(second: int) -> str:
    """A second since 1970 as :func:`common_log_time` writes it."""
    return common_log_time(datetime.fromtimestamp(second, UTC))


def common_log_time(moment: datetime) -> str:
    """``12/Mar/2020:19:03:58 +0000``, in any locale."""
    moment = moment.astimezone(UTC)
    return f"{moment.day:02}/{_MONTHS[moment.month - 1]}/{moment:%Y:%H:%M:%S} +0000"


def epoch_milliseconds(moment: datetime) -> int:
    """The moment in milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def query_pairs(query: str) -> Headers:
    """The parameters of a query string in their order, still encoded."""
    split = [part.partition("=") for part in query.split("&") if part]
    return [(name, value) for name, _, value in split]


def decoded_query(query: str) -> Headers:
    """The parameters of a query string in their order, decoded; a plus sign is a space."""
    return [(unquote_plus(name), unquote_plus(value)) for name, value in query_pairs(query)]


def joined(pairs: Iterable[tuple[str, str]], separator: str = ",") -> dict[str, str]:
    """Each name once; the values of a repeated one in one string."""
    together: dict[str, str] = {}
    for name, value in pairs:
        together[name] = f"{together[name]}{separator}{value}" if name in together else value
    return together


def listed(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Each name once, with the list of its values."""
    together: dict[str, list[str]] = {}
    for name, value in pairs:
        together.setdefault(name, []).append(value)
    return together


def media_type(value: str) -> str:
    """A media type without its parameters, in lower case."""
    return value.partition(";")[0].strip().lower()


def is_text(request: HttpRequest) -> bool:
    """Whether the body's type is one that AWS sends as text: a form, and a body without a type, are none."""
    kind = media_type(request.header("content-type"))
    return kind.startswith("text/") or kind in _TEXT_TYPES


def encoded_body(body: bytes, text: bool) -> tuple[str, bool]:
    """The body as an event has it, and whether that is base64. Text that is not UTF-8 arrives unharmed as base64."""
    if text:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return b64encode(body).decode("ascii"), bool(body)


def loaded(payload: bytes) -> Any:
    """A function's result."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise BadResult(f"the function's result is not JSON that can be read: {payload[:80]!r}.") from None


def status_code(value: Any) -> int:
    """A status, which may be written as a string."""
    if type(value) is int and 200 <= value <= 599:
        return value
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not (len(text) == 3 and text.isascii() and text.isdigit() and 200 <= int(text) <= 599):
        raise BadResult(f"statusCode must be a number from 200 to 599, not {value!r}.")
    return int(text)


def header_value(where: str, value: Any, *, strict: bool = False) -> str:
    """A header's value as it goes over the wire: UTF-8, each byte as one character.

    A number or a boolean is written as JSON; ``strict`` refuses it.
    """
    if isinstance(value, (bool, int, float)) and not strict:
        value = json.dumps(value)
    if not isinstance(value, str):
        raise BadResult(f"{where} must be a string, not {value!r}.")
    if _CONTROL.search(value):
        raise BadResult(f"{where} must not contain line ends or control characters: {value!r}.")
    return value if value.isascii() else value.encode("utf-8", "surrogatepass").decode("latin-1")


def single_headers(headers: Any, *, strict: bool = False) -> Headers:
    """The names and values of a result's ``headers``."""
    found = _members("headers", headers).items()
    return [(name, header_value(f"headers[{name!r}]", value, strict=strict)) for name, value in found]


def multi_headers(headers: Any, *, strict: bool = False) -> Headers:
    """The names and values of a result's ``multiValueHeaders``: one pair for each value."""
    pairs = []
    for name, values in _members("multiValueHeaders", headers).items():
        where = f"multiValueHeaders[{name!r}]"
        if not isinstance(values, list):
            raise BadResult(f"{where} must be a list of strings, not {values!r}.")
        pairs += [(name, header_value(where, value, strict=strict)) for value in values]
    return pairs


def _members(where: str, headers: Any) -> dict[str, Any]:
    if not isinstance(headers, dict | None):
        raise BadResult(f"{where} must be an object of names and values, not {headers!r}.")
    for name in headers or ():
        if not _NAME.fullmatch(name):
            raise BadResult(f"{where} contains {name!r}, which is not the name of a header.")
    return headers or {}


def passed_on(headers: Headers, own: frozenset[str]) -> Headers:
    """A result's headers, named in lower case, but those of the connection and ``own``, which the service writes."""
    lower = [(name.lower(), value) for name, value in headers]
    return [(name, value) for name, value in without_hop_by_hop(lower) if name not in own]


def has_content_type(headers: Headers) -> bool:
    """Whether the headers say what the body is."""
    return any(name.lower() == "content-type" for name, _ in headers)


def response_body(result: dict[str, Any], status: int, *, decode: bool = True) -> bytes:
    """A result's body; none where the status has none. ``decode=False`` sends base64 as it is."""
    if status in (204, 304):
        return b""
    body, encoded = result.get("body"), result.get("isBase64Encoded")
    if not isinstance(body, str | None):
        raise BadResult(f"body must be a string, not {type(body).__name__}. Encode it, with json.dumps for instance.")
    if not isinstance(encoded, bool | None):
        raise BadResult(f"isBase64Encoded must be true or false, not {encoded!r}.")
    if not (encoded and decode and body):
        return (body or "").encode("utf-8", "surrogatepass")
    try:
        return a2b_base64(body.encode("ascii"), strict_mode=True)
    except (Error, UnicodeEncodeError):
        raise NotBase64(f"isBase64Encoded is true, and body is not base64: {body[:80]!r}.") from None
