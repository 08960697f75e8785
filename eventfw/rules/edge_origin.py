"""What CloudFront accepts of the origin that an origin-request function chooses.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from .edge_headers import disallowed, has_control, header_shape, header_values, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Headers CloudFront cannot add to a request to the origin (add-origin-custom-headers.html), beside the disallowed.
_NOT_TO_ORIGIN = frozenset((
    "cache-control", "content-length", "cookie", "host", "if-match", "if-modified-since", "if-none-match", "if-range",
    "if-unmodified-since", "max-forwards", "pragma", "range", "request-range", "te", "transfer-encoding", "via",
))  # fmt: skip


def origin_problems(before: dict[str, Any], request: dict[str, Any]) -> list[str]:
    origin = request.get("origin")
    if not isinstance(origin, dict) or len(origin) != 1 or not isinstance(origin.get("s3", origin.get("custom")), dict):
        return [f"origin must have exactly one of s3 and custom, not {shown(origin)}."]
    kind, settings = next(iter(origin.items()))
    problems = _custom(settings) if kind == "custom" else _s3(settings, before)
    path = settings.get("path", "")
    if not isinstance(path, str) or (path and (not path.startswith("/") or path.endswith("/"))):
        problems.append(f"origin.{kind}.path must be empty or begin with / and not end with it, not {shown(path)}.")
    elif kind == "custom" and (len(path) > 255 or has_control(path) or " " in path or not path.isascii()):
        problems.append(f"origin.custom.path must be URL encoded and have up to 255 characters, not {shown(path)}.")
    return problems + _custom_headers(kind, settings.get("customHeaders"), request.get("headers"))


def _custom(settings: dict[str, Any]) -> list[str]:
    domain, protocol, tls = settings.get("domainName"), settings.get("protocol"), settings.get("sslProtocols", [])
    problems = []
    if not isinstance(domain, str) or not 0 < len(domain) <= 253 or ":" in domain or _ipv4(domain):
        problems.append(
            "origin.custom.domainName must be a DNS name of up to 253 characters, without a port and not an IP "
            f"address, not {shown(domain)}."
        )
    port = settings.get("port", 443)
    if not _number(port, 1024, 65535) and port not in (80, 443):
        problems.append(f"origin.custom.port must be 80, 443 or 1024 to 65535, not {shown(port)}.")
    if protocol is not None and protocol not in ("http", "https"):
        problems.append(f"origin.custom.protocol must be http or https, not {shown(protocol)}.")
    for name, low in (("keepaliveTimeout", 1), ("readTimeout", 4)):
        if name in settings and not _number(settings[name], low, 60):
            problems.append(f"origin.custom.{name} must be {low} to 60 seconds, not {shown(settings[name])}.")
    if not isinstance(tls, list) or not all(each in ("TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3") for each in tls):
        problems.append(f"origin.custom.sslProtocols may list TLSv1.2, TLSv1.1, TLSv1 and SSLv3, not {shown(tls)}.")
    return problems


def _s3(settings: dict[str, Any], before: dict[str, Any]) -> list[str]:
    domain, method = settings.get("domainName"), settings.get("authMethod", "none")
    problems = []
    if not isinstance(domain, str) or not 0 < len(domain) <= 128 or domain != domain.lower():
        problems.append(f"origin.s3.domainName must be lower case and have 1 to 128 characters, not {shown(domain)}.")
    if method not in ("none", "origin-access-identity"):
        problems.append(f"origin.s3.authMethod must be none or origin-access-identity, not {shown(method)}.")
    elif method == "origin-access-identity":
        if not settings.get("region"):
            problems.append("origin.s3.authMethod origin-access-identity needs origin.s3.region.")
        if "s3" not in before:
            problems.append("origin.s3.authMethod must be none when the request comes from a custom origin.")
    return problems


def _custom_headers(kind: str, custom: Any, headers: Any) -> list[str]:
    where = f"origin.{kind}.customHeaders"
    problems = header_shape(where, {} if custom is None else custom)
    sent = header_values(headers)
    for name in sorted(header_values(custom)):
        if disallowed(name) or name in _NOT_TO_ORIGIN or name.startswith("x-amz-"):
            problems.append(f"{where} must not contain {name}: CloudFront does not add it to requests to the origin.")
        elif name in sent:
            problems.append(f"{where} must not contain {name}, which is in the request's headers already.")
    return problems


def _ipv4(domain: str) -> bool:
    return all(part.isdigit() for part in domain.split(".")) and domain.count(".") == 3


def _number(value: Any, low: int, high: int) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
