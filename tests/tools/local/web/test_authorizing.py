"""APIs and authorizers behind the gateway: AWS's answers, and what reaches the handlers."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from asgi_client import Answer
from test_gateway import Result, ask

from eventfw.tools.local.web.apis import apis_of
from eventfw.tools.local.web.asgi import Exchange
from eventfw.tools.local.web.authorizing import effect
from eventfw.tools.local.web.gateway import Gateway

LAMBDA = {
    "kind": "lambda",
    "name": "check",
    "function": "check",
    "type": "REQUEST",
    "identity_sources": ["header.Authorization"],
    "ttl": 0,
    "expression": "",
    "simple": True,
    "scopes": [],
}
ARN = "arn:aws:execute-api:us-east-1:000000000000:local"
Event = dict[str, Any]


class Functions:
    """Stands for the workers: ``check`` answers what it is told, ``api`` what the gateways take."""

    def __init__(self, result: Any = None, *, error: bool = False) -> None:
        self.result = result
        self.error = error
        self.asked: list[Event] = []
        self.ran: list[Event] = []

    async def __call__(self, function: str, event: bytes) -> Result:
        if function == "check":
            self.asked.append(json.loads(event))
            return Result(json.dumps(self.result).encode(), self.error)
        self.ran.append(json.loads(event))
        return Result(b'{"statusCode":200,"body":"ok","headers":{"access-control-allow-origin":"mine","x-a":"1"}}')


def described(guard: Event | None = None, **api: Any) -> Event:
    routes = [
        ["GET", "/a", "api", "a"],
        ["GET", "/b", "api", "b"],
        ["GET", "/c/{id}", "api", "c"],
        ["GET", "/", "api", "root"],
    ]
    guards = {key: guard for key in ("GET /a", "GET /b") if guard}
    return {"name": "", "rest": False, "routes": routes, "guards": guards, **api}


def gateway(functions: Functions, *apis: Event, observe: Any = None) -> Gateway:
    made = Gateway(None, functions, **({"observe": observe} if observe else {}))  # type: ignore[arg-type]
    made.apis = apis_of(apis)
    return made


def http(functions: Functions, target: str = "/a", guard: Event | None = None, **headers: str) -> Answer:
    return ask(gateway(functions, described({**LAMBDA, **(guard or {})})), "GET", target, **headers)


def rest(functions: Functions, target: str = "/v1/a", guard: Event | None = None, **headers: str) -> Answer:
    api = described({**LAMBDA, **(guard or {})}, name="v1", rest=True, binary_media_types=["*/*"])
    return ask(gateway(functions, api), "GET", target, **headers)


def test_a_request_without_the_identity_source_is_a_401_and_nobody_is_asked() -> None:
    for call, body in ((http, b'{"message":"Unauthorized"}'), (rest, b'{"message":"Unauthorized"}')):
        functions = Functions({"isAuthorized": True})
        answer = call(functions)
        assert (answer.status, answer.body, functions.asked, functions.ran) == (401, body, [], [])


def test_a_route_without_an_authorizer_asks_nobody() -> None:
    functions = Functions()
    assert http(functions, "/c/1").status == 200
    assert functions.asked == []


def test_an_http_api_asks_in_format_2_and_hands_the_context_on() -> None:
    functions = Functions({"isAuthorized": True, "context": {"tenant": 7}})
    assert http(functions, "/a?x=1", authorization="Bearer t").status == 200
    [asked] = functions.asked
    assert (asked["type"], asked["version"], asked["routeArn"]) == ("REQUEST", "2.0", ARN + "/$default/GET/a")
    assert asked["identitySource"] == ["Bearer t"] and "body" not in asked and "isBase64Encoded" not in asked
    assert functions.ran[0]["requestContext"]["authorizer"] == {"lambda": {"tenant": 7}}


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"isAuthorized": False}, 403),
        ({"isAuthorized": "true"}, 500),
        ({"principalId": "a", "policyDocument": {}}, 500),
        (True, 500),
        (None, 500),
    ],
)
def test_an_http_api_refuses_with_403_and_breaks_with_500(result: Any, status: int) -> None:
    functions = Functions(result)
    answer = http(functions, authorization="t")
    said = {403: b'{"message":"Forbidden"}', 500: b'{"message":"Internal Server Error"}'}[status]
    assert (answer.status, answer.body, functions.ran) == (status, said, [])


def policy(effect: str, resource: Any) -> Event:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_an_http_api_without_simple_responses_reads_a_policy() -> None:
    for resource, status in ((ARN + "/$default/*", 200), (ARN + "/$default/GET/b", 403)):
        functions = Functions({"principalId": "x", "policyDocument": policy("Allow", resource)})
        assert http(functions, guard={"simple": False}, authorization="t").status == status
    assert http(Functions({"isAuthorized": True}), guard={"simple": False}, authorization="t").status == 500


def test_a_rest_api_asks_in_its_form_and_hands_on_texts() -> None:
    context = {"tenant": 7, "admin": True, "name": "anna"}
    functions = Functions({"principalId": "x", "policyDocument": policy("Allow", ARN + "/v1/*"), "context": context})
    assert rest(functions, authorization="t").status == 200
    [asked] = functions.asked
    assert (asked["type"], asked["methodArn"], asked["resource"]) == ("REQUEST", ARN + "/v1/GET/a", "/a")
    assert "body" not in asked
    told = functions.ran[0]["requestContext"]["authorizer"]
    assert told == {"principalId": "x", "integrationLatency": 0, "tenant": "7", "admin": "true", "name": "anna"}


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        (
            {"policyDocument": policy("Deny", "*")},
            403,
            {"Message": "User is not authorized to access this resource with an explicit deny"},
        ),
        (
            {"policyDocument": policy("Allow", ARN + "/v1/GET/b")},
            403,
            {"Message": "User is not authorized to access this resource"},
        ),
        ({"isAuthorized": True}, 500, {"message": None}),
        ({"policyDocument": policy("Allow", "*"), "context": {"a": [1]}}, 500, {"message": None}),
        (None, 500, {"message": None}),
    ],
)
def test_a_rest_api_refuses_and_breaks_in_its_own_words(result: Any, status: int, body: Any) -> None:
    functions = Functions(result)
    answer = rest(functions, authorization="t")
    assert (answer.status, json.loads(answer.body), functions.ran) == (status, body, [])


def test_an_error_that_says_unauthorized_is_a_401_of_a_rest_api_only() -> None:
    error = {"errorMessage": "Unauthorized", "errorType": "Exception"}
    assert rest(Functions(error, error=True), authorization="t").status == 401
    assert http(Functions(error, error=True), authorization="t").status == 500
    assert rest(Functions({"errorMessage": "boom"}, error=True), authorization="t").status == 500


def test_a_token_authorizer_gets_the_token_and_its_expression_is_asked_first() -> None:
    guard = {"type": "TOKEN", "expression": "Bearer [a-z]+"}
    functions = Functions({"policyDocument": policy("Allow", "*")})
    for wrong in ("t", "Bearer t.", " Bearer t"):
        assert rest(functions, guard=guard, authorization=wrong).status == 401
    assert functions.asked == []
    assert rest(functions, guard=guard, authorization="Bearer t").status == 200
    assert functions.asked == [{"type": "TOKEN", "authorizationToken": "Bearer t", "methodArn": ARN + "/v1/GET/a"}]


def test_an_answer_is_kept_for_its_time_and_serves_every_route() -> None:
    functions = Functions({"isAuthorized": True})
    app = gateway(functions, described({**LAMBDA, "ttl": 300}))
    for target in ("/a", "/b", "/a"):
        assert ask(app, "GET", target, authorization="one").status == 200
    assert len(functions.asked) == 1
    ask(app, "GET", "/a", authorization="two")
    assert len(functions.asked) == 2
    app.apis = app.apis
    ask(app, "GET", "/a", authorization="two")
    assert len(functions.asked) == 3


@pytest.mark.parametrize("guard", [{}, {"name": "other", "function": "check"}])
@pytest.mark.parametrize("name", ["", "admin"])
def test_an_answer_is_kept_for_one_authorizer_of_one_api(guard: Event, name: str) -> None:
    functions = Functions({"isAuthorized": True})
    first, second = {**LAMBDA, "ttl": 300}, {**LAMBDA, "ttl": 300, **guard}
    here = described(first)
    here["guards"]["GET /b"] = second
    app = gateway(functions, here, described(second, name="admin"))
    assert ask(app, "GET", "/a", authorization="one").status == 200
    functions.result = {"isAuthorized": False}
    again = ask(app, "GET", f"/{name}/b" if name else "/b", authorization="one").status
    assert again == (403 if guard or name else 200)


@pytest.mark.parametrize(("kept", "status"), [({"a": "1"}, 401), ({"b": "1"}, 401), ({"a": "1", "b": "1"}, 200)])
def test_all_identity_sources_must_be_there(kept: Event, status: int) -> None:
    functions = Functions({"isAuthorized": True})
    answer = http(functions, guard={"identity_sources": ["header.a", "header.b"]}, **kept)
    assert (answer.status, len(functions.asked)) == (status, status == 200)


def test_an_answer_that_was_under_way_when_the_app_changed_is_not_kept() -> None:
    functions = Functions({"isAuthorized": True})
    app = gateway(functions, described({**LAMBDA, "ttl": 300}))
    ask_it = app.authorizing.asks[False].invoke

    async def changed_meanwhile(function: str, event: bytes) -> Result:
        app.apis = app.apis
        return await ask_it(function, event)  # type: ignore[return-value]

    app.authorizing.asks[False].invoke = changed_meanwhile
    for _ in range(2):
        assert ask(app, "GET", "/a", authorization="one").status == 200
    assert len(functions.asked) == 2


def test_an_answer_without_a_time_is_not_kept() -> None:
    functions = Functions({"isAuthorized": True})
    app = gateway(functions, described(LAMBDA))
    for _ in range(2):
        ask(app, "GET", "/a", authorization="one")
    assert len(functions.asked) == 2


def test_a_kept_policy_for_one_route_refuses_the_next_one_as_on_aws() -> None:
    functions = Functions({"policyDocument": policy("Allow", ARN + "/v1/GET/a")})
    api = described({**LAMBDA, "ttl": 300}, name="v1", rest=True, binary_media_types=[])
    app = gateway(functions, api)
    statuses = [ask(app, "GET", target, authorization="one").status for target in ("/v1/a", "/v1/b")]
    assert (statuses, len(functions.asked)) == ([200, 403], 1)


@pytest.mark.parametrize(
    ("sources", "target", "status"),
    [
        (["querystring.key"], "/a?key=1", 200),
        (["querystring.key"], "/a?key=", 401),
        (["context.routeKey", "context.http.method"], "/a", 200),
        (["context.identity.sourceIp"], "/a", 200),
        (["context.nothing"], "/a", 401),
        (["stageVariables.x"], "/a", 401),
        ([], "/a", 200),
    ],
)
def test_identity_sources_are_looked_up_where_they_say(sources: list[str], target: str, status: int) -> None:
    guard = {"identity_sources": sources}
    assert http(Functions({"isAuthorized": True}), target, guard).status == status


def test_a_signed_request_is_wanted_for_iam() -> None:
    for call, body in ((http, b"Forbidden"), (rest, b"Missing Authentication Token")):
        answer = call(Functions(), guard={"kind": "iam"})
        assert answer.status == 403 and body in answer.body
        assert call(Functions(), guard={"kind": "iam"}, authorization="AWS4-HMAC-SHA256 ...").status == 200


def token(**claims: Any) -> str:
    parts = [json.dumps(part).encode() for part in ({"alg": "none"}, {"exp": time.time() + 86_400, **claims})]
    return ".".join(urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + ".x"


JWT = {"kind": "jwt", "issuer": "https://i", "audience": ["client"], "scopes": []}
GOOD = {"iss": "https://i", "aud": "client"}


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (token(**GOOD), 200),
        ("Bearer " + token(iss="https://i", client_id="client"), 200),
        (token(iss="https://i", aud=["x", "client"]), 200),
        ("nonsense", 401),
        ("a.b.c", 401),
        ("a.W10.c", 401),
        (token(iss="https://other", aud="client"), 401),
        (token(iss="https://i", aud="other"), 401),
        (token(**GOOD, exp=1), 401),
        (token(**GOOD, exp=None), 401),
        (token(**GOOD, exp="never"), 401),
        (token(**GOOD, nbf=time.time() + 86_400), 401),
    ],
)
def test_the_claims_of_a_token_are_looked_at(value: str, status: int) -> None:
    functions = Functions()
    answer = http(functions, guard=JWT, authorization=value)
    assert answer.status == status
    if status == 401:
        assert answer.header("www-authenticate") == 'Bearer error="invalid_token"'
    else:
        claims = functions.ran[0]["requestContext"]["authorizer"]["jwt"]["claims"]
        assert claims["iss"] == "https://i"


def test_a_rest_api_takes_tokens_in_its_own_form() -> None:
    functions = Functions()
    assert rest(functions, guard=JWT, authorization="Bearer " + token(**GOOD)).status == 200
    assert functions.ran[0]["requestContext"]["authorizer"]["claims"]["aud"] == "client"
    refused = rest(Functions(), guard={**JWT, "scopes": ["a"]}, authorization=token(**GOOD))
    assert (refused.status, refused.body) == (401, b'{"message":"Unauthorized"}')


def test_a_token_needs_one_of_the_scopes() -> None:
    guard = {**JWT, "scopes": ["photos/read"]}
    assert http(Functions(), guard=guard, authorization=token(**GOOD, scope="a photos/read")).status == 200
    assert http(Functions(), guard=guard, authorization=token(**GOOD, scope="a")).status == 403


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        ("*", True),
        (ARN + "/v1/*/a", True),
        (ARN + "/v1/GET/?", True),
        ([ARN + "/v1/POST/a", ARN + "/v1/GET/*"], True),
        (ARN + "/v1/GET/b", None),
        (ARN + "/v1/GET/[ab]", None),
        (None, None),
    ],
)
def test_policies_are_read_as_iam_reads_them(resource: Any, wanted: bool | None) -> None:
    assert effect(policy("Allow", resource), ARN + "/v1/GET/a") is wanted


def test_a_deny_counts_more_than_an_allow_and_other_actions_do_not_count() -> None:
    both = {"Statement": [*policy("Allow", "*")["Statement"], *policy("Deny", "*")["Statement"]]}
    assert effect(both, "x") is False
    assert effect({"Statement": {"Action": "EXECUTE-API:*", "Effect": "Allow", "Resource": "*"}}, "x") is True
    assert effect({"Statement": {"Action": "s3:*", "Effect": "Allow", "Resource": "*"}}, "x") is None


def test_the_first_segment_says_which_api_is_meant() -> None:
    functions = Functions()
    v1 = described(name="v1", rest=True, binary_media_types=["*/*"])
    app = gateway(functions, described(), described(name="admin"), v1)
    for target in ("/a", "/admin/a", "/v1/a", "/v1/a/", "/v1", "/admin", "/"):
        assert ask(app, "GET", target).status == 200, target
    default, admin, rest, *_ = functions.ran
    assert (default["rawPath"], default["requestContext"]["stage"]) == ("/a", "$default")
    assert (admin["rawPath"], admin["requestContext"]["stage"], admin["routeKey"]) == ("/admin/a", "admin", "GET /a")
    assert (rest["path"], rest["resource"], rest["requestContext"]["path"]) == ("/a", "/a", "/v1/a")
    assert rest["requestContext"]["stage"] == "v1"


def test_a_miss_is_answered_as_its_api_does() -> None:
    v1 = described(name="v1", rest=True, binary_media_types=["*/*"])
    app = gateway(Functions(), described(), v1)
    missed = ask(app, "GET", "/v1/nothing")
    assert (missed.status, missed.body) == (403, b'{"message":"Missing Authentication Token"}')
    assert ask(app, "POST", "/v1/a").status == 403
    assert ask(app, "GET", "/nothing").status == 404


def test_a_rest_function_that_fails_is_a_502() -> None:
    class Failing(Functions):
        async def __call__(self, function: str, event: bytes) -> Result:
            return Result(b'{"errorMessage":"boom"}', True)

    app = gateway(Failing(), described(name="v1", rest=True, binary_media_types=[]))
    answer = ask(app, "GET", "/v1/a")
    assert (answer.status, answer.body) == (502, b'{"message":"Internal server error"}')


def test_the_terminal_learns_why_a_request_was_refused() -> None:
    seen: list[Exchange] = []
    ask(gateway(Functions(), described(LAMBDA), observe=seen.append), "GET", "/a")
    assert (seen[0].function, seen[0].problem) == ("", "the request lacks header.Authorization.")
    denying = Functions({"isAuthorized": False})
    ask(gateway(denying, described(LAMBDA), observe=seen.append), "GET", "/a", authorization="t")
    assert (seen[1].function, seen[1].problem) == ("check", "the authorizer check refused it.")


CORS = {"AllowOrigins": ["http://localhost:3000"], "AllowMethods": ["GET"], "AllowHeaders": ["x"]}


def test_preflight_is_answered_without_an_invocation_and_without_an_authorizer() -> None:
    functions = Functions()
    app = gateway(functions, described(LAMBDA, cors={**CORS, "MaxAge": 9, "AllowCredentials": True}))
    asked = {"origin": "http://localhost:3000", "access_control_request_method": "GET"}
    answer = ask(app, "OPTIONS", "/a", **asked)
    told = {name: value for name, value in answer.headers if name.startswith("access-control")}
    assert answer.status == 204
    assert told == {
        "access-control-allow-origin": "http://localhost:3000",
        "access-control-allow-credentials": "true",
        "access-control-allow-methods": "GET",
        "access-control-allow-headers": "x",
        "access-control-max-age": "9",
    }
    other = ask(app, "OPTIONS", "/a", **{**asked, "origin": "http://localhost:4000"})
    assert not [name for name, _ in other.headers if name.startswith("access-control")]
    assert (functions.asked, functions.ran) == ([], [])


def test_the_apis_cors_takes_the_place_of_the_functions_own() -> None:
    app = gateway(Functions(), described(cors={**CORS, "ExposeHeaders": ["x-a"]}))
    answer = ask(app, "GET", "/a", origin="http://localhost:3000")
    assert answer.header("access-control-allow-origin") == "http://localhost:3000"
    assert answer.header("access-control-expose-headers") == "x-a"
    assert "access-control-allow-origin" not in dict(ask(app, "GET", "/a", origin="http://localhost:4000").headers)
    everybody = gateway(Functions(), described(cors={**CORS, "AllowOrigins": ["*"]}))
    assert ask(everybody, "GET", "/nothing", origin="http://localhost:1").header("access-control-allow-origin") == "*"
    without = ask(gateway(Functions(), described()), "GET", "/a", origin="http://localhost:3000")
    assert without.header("access-control-allow-origin") == "mine"
