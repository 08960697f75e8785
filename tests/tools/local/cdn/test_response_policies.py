"""Headers that a policy adds."""

from __future__ import annotations

from eventfw.tools.local.cdn.response_policies import with_policy
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse

OWN = HttpResponse(200, [("x-frame-options", "DENY"), ("x-content-type-options", "sniff")], b"a")


def added(policy: str, method: str = "GET", **headers: str) -> dict[str, str]:
    request = HttpRequest(method, "/", headers=[(name.replace("_", "-"), value) for name, value in headers.items()])
    return dict(with_policy(policy, request, OWN).headers)


def test_security_headers_leave_the_origins_but_one() -> None:
    found = added("SecurityHeadersPolicy")
    assert (found["x-frame-options"], found["x-content-type-options"]) == ("DENY", "nosniff")
    assert found["strict-transport-security"] == "max-age=31536000"


def test_cors_is_for_pages_of_other_origins_and_says_more_to_what_asks_first() -> None:
    assert added("CORS-With-Preflight") == dict(OWN.headers)
    simple = added("CORS-With-Preflight", origin="http://b")
    asked = added("CORS-With-Preflight", "OPTIONS", origin="http://b", access_control_request_method="PUT")
    assert simple["access-control-allow-origin"] == "*" and "access-control-allow-methods" not in simple
    assert "PUT" in asked["access-control-allow-methods"]


def test_without_a_policy_and_with_one_that_only_aws_knows_nothing_is_added() -> None:
    assert added("") == added("11111111-2222-3333-4444-555555555555") == dict(OWN.headers)
