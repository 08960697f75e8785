"""What CloudFront accepts of the headers an edge function returns.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Headers a function of the event type may read but not add, change or delete.
READ_ONLY = {
    "viewer-request": frozenset(("cdn-loop", "content-length", "host", "transfer-encoding", "via")),
    "origin-request": frozenset((
        "accept-encoding", "cdn-loop", "content-length", "if-modified-since", "if-none-match", "if-range",
        "if-unmodified-since", "transfer-encoding", "via",
    )),
    "origin-response": frozenset(("transfer-encoding", "via")),
    "viewer-response": frozenset(("content-encoding", "content-length", "transfer-encoding", "via", "warning")),
}  # fmt: skip

_DISALLOWED = frozenset((
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer",
    "upgrade", "x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-amzn-auth",
    "x-amzn-cf-billing", "x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile",
    "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache",
    "x-forwarded-proto", "x-real-ip",
))  # fmt: skip
_DISALLOWED_PREFIXES = ("x-amz-cf-", "x-edge-")

_NAME_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")


def disallowed(name: str) -> bool:
    """Whether CloudFront hides the header from edge functions and refuses it from them."""
    name = name.lower()
    return name in _DISALLOWED or name.startswith(_DISALLOWED_PREFIXES)


def header_problems(event_type: str, before: dict[str, Any], after: Any) -> list[str]:
    """The shape of the headers, then what may not be added, changed or deleted."""
    problems, old, new = (
        header_shape("headers", {} if after is None else after),
        header_values(before),
        header_values(after),
    )
    for name in sorted(old.keys() | new.keys()):
        if new.get(name) == old.get(name):
            continue
        if disallowed(name) and name in new:
            problems.append(f"the header {name} is not allowed in edge functions. Do not set it.")
        elif name in READ_ONLY[event_type]:
            did = "added" if name not in old else "deleted" if name not in new else "changed"
            problems.append(f"the header {name} is read-only in {event_type}, and the function {did} it.")
        elif name == "cloudfront-viewer-country" and event_type == "viewer-request" and name in new:
            problems.append("a viewer-request function cannot set CloudFront-Viewer-Country: CloudFront adds it later.")
    return problems


def header_shape(where: str, headers: Any) -> list[str]:
    if not isinstance(headers, dict):
        return [f"{where} must be an object of lists of {{key, value}}, not {shown(headers)}."]
    problems = []
    for name, entries in headers.items():
        if not name or not _NAME_CHARACTERS.issuperset(name.lower()):
            problems.append(f"{where} contains {shown(name)}, which is not the name of a header.")
        elif not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            problems.append(f"each header must be a list of {{key, value}}: {where}[{name!r}] is {shown(entries)}.")
        else:
            problems += [problem for entry in entries for problem in _header_entry(f"{where}[{name!r}]", name, entry)]
    return problems


def _header_entry(where: str, name: str, entry: dict[str, Any]) -> list[str]:
    key, value = entry.get("key", name), entry.get("value")
    if not isinstance(key, str) or key.lower() != name.lower():
        return [f"{where} has the key {shown(key)}: the key is the header's name, in any case, or is left out."]
    # CloudFront's own message allows "string or array of string" here.
    values: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        return [f"{where} has the value {shown(value)}: the value of a header is a string."]
    if any(has_control(each) for each in values):
        return [f"{where} has the value {shown(value)}: a header must not contain line ends or control characters."]
    return []


def header_values(headers: Any) -> dict[str, list[str]]:
    """Each header's values under its lower-case name; entries of a wrong shape are left to ``header_shape``."""
    found: dict[str, list[str]] = {}
    for name, entries in headers.items() if isinstance(headers, dict) else ():
        for entry in entries if isinstance(entries, list) else ():
            value: Any = entry.get("value") if isinstance(entry, dict) else None
            found.setdefault(name.lower(), []).extend(value if isinstance(value, list) else [value])
    return found


def has_control(text: str) -> bool:
    return any((character < " " and character != "\t") or character == "\x7f" for character in text)


def shown(value: Any) -> str:
    """The value as JSON's reader would write it, cut to a line."""
    text = "null" if value is None else repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
