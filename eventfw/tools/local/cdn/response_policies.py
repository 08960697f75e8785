"""The headers that a response headers policy adds for the viewer.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-response-headers-policies.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from eventfw.tools.local.web.asgi import Headers, HttpRequest, HttpResponse


@dataclass(frozen=True)
class Added:
    """A header of a policy. ``override``: it takes the place of the origin's, which else goes before."""

    name: str
    value: str
    override: bool = False


SECURITY = (
    Added("referrer-policy", "strict-origin-when-cross-origin"),
    Added("strict-transport-security", "max-age=31536000"),
    Added("x-content-type-options", "nosniff", override=True),
    Added("x-frame-options", "SAMEORIGIN"),
    Added("x-xss-protection", "1; mode=block"),
)
CORS = (Added("access-control-allow-origin", "*"),)
#: For the question that a browser asks before some requests.
PREFLIGHT = (
    *CORS,
    Added("access-control-allow-methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
    Added("access-control-expose-headers", "*"),
)


def with_policy(policy: str, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response with the headers of a managed policy; as it is without one, or with one that only AWS knows."""
    if not policy:
        return response
    headers = list(response.headers)
    for added in added_by(policy, request):
        headers = _with(headers, added)
    return replace(response, headers=headers)


def added_by(policy: str, request: HttpRequest) -> tuple[Added, ...]:
    """What a policy has for the response to a request."""
    if policy == "SecurityHeadersPolicy":
        return SECURITY
    if policy == "CORS-With-Preflight" and request.header("origin"):
        asked = request.method == "OPTIONS" and request.header("access-control-request-method")
        return PREFLIGHT if asked else CORS
    return ()


def _with(headers: Headers, added: Added) -> Headers:
    if any(name == added.name for name, _ in headers):
        if not added.override:
            return headers
        headers = [pair for pair in headers if pair[0] != added.name]
    return [*headers, (added.name, added.value)]
