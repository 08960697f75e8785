"""`@app.authorizer`: what the handler sees, and each answer in the form that its API takes."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import Allow, App, AuthorizerRequest, Deny, HTTPError
from eventfw.errors import BuildError, RegistrationError
from eventfw.routing import identify
from eventfw.sources.authorizer import Authorizer, asked_by_http, asked_by_rest
from eventfw.testing import Client
from eventfw.tools.checks import check as checked

ARN = "arn:aws:execute-api:us-east-1:123456789012:example/v1"
HEADERS = {"authorization": "Bearer x", "host": "h"}
TOKEN = {"type": "TOKEN", "authorizationToken": "Bearer x", "methodArn": ARN + "/GET/photos/cat"}
REST = asked_by_rest("GET", "/photos/cat", "a=1&a=2", HEADERS)
HTTP = asked_by_http("GET", "/photos/cat", "a=1&a=2", HEADERS)
SOCKET = {
    "type": "REQUEST",
    "methodArn": ARN + "/$connect",
    "headers": {"Authorization": "Bearer x"},
    "multiValueHeaders": {"Authorization": ["Bearer x"]},
    "queryStringParameters": {},
    "requestContext": {"routeKey": "$connect", "eventType": "CONNECT", "connectionId": "c", "apiId": "example"},
}


def returning(result: Any, **options: Any) -> Client:
    app = App("demo")

    def check(request: AuthorizerRequest) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    app.authorizer(**options)(check)
    return Client(app)


def answer(result: Any, raw: Any, **options: Any) -> Any:
    return returning(result, type=raw["type"], **options).invoke("check", raw)


def policy(effect: str, arn: str = ARN) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn + "/*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.mark.parametrize("raw", [TOKEN, REST, SOCKET], ids=["token", "rest", "socket"])
def test_an_answer_is_a_policy_for_the_whole_stage(raw: Any) -> None:
    assert answer(True, raw) == {"principalId": "user", "policyDocument": policy("Allow")}
    assert answer(False, raw) == {"principalId": "user", "policyDocument": policy("Deny")}
    told = answer(Allow("anna", context={"tenant": 7, "admin": True}), raw)
    assert told == {
        "principalId": "anna",
        "policyDocument": policy("Allow"),
        "context": {"tenant": 7, "admin": True},
    }
    assert answer(Deny("anna"), raw)["policyDocument"] == policy("Deny")
    assert answer(HTTPError(403), raw)["policyDocument"] == policy("Deny")


def test_an_http_api_is_told_yes_or_no() -> None:
    assert answer(True, HTTP) == {"isAuthorized": True, "context": {"principalId": "user"}}
    assert answer(False, HTTP)["isAuthorized"] is False
    told = answer(Allow("anna", context={"tags": ["a"]}), HTTP)
    assert told == {"isAuthorized": True, "context": {"principalId": "anna", "tags": ["a"]}}
    assert answer(HTTPError(401), HTTP)["isAuthorized"] is False
    assert answer({"isAuthorized": True}, HTTP) == {"isAuthorized": True}


def test_an_http_api_without_simple_responses_is_told_a_policy() -> None:
    arn = "arn:aws:execute-api:us-east-1:123456789012:example/$default"
    told = answer(Allow("anna"), HTTP, simple_responses=False)
    assert told == {"principalId": "anna", "policyDocument": policy("Allow", arn)}
    own = {"principalId": "x", "policyDocument": {}}
    assert answer(own, HTTP, simple_responses=False) == own


@pytest.mark.parametrize("raw", [TOKEN, REST, SOCKET], ids=["token", "rest", "socket"])
def test_a_401_is_the_error_that_api_gateway_reads(raw: Any) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        answer(HTTPError(401), raw)
    own = {"principalId": "x", "policyDocument": {"Statement": []}}
    assert answer(own, raw) == own


@pytest.mark.parametrize("raw", [TOKEN, REST, HTTP], ids=["token", "rest", "http"])
@pytest.mark.parametrize("result", [None, "yes", 1, {}, {"allow": True}, {"isAuthorized": "false"}])
def test_an_answer_of_another_shape_is_an_error_that_says_so(raw: Any, result: Any) -> None:
    with pytest.raises(TypeError, match=r"returns True, False, Allow\(...\)"):
        answer(result, raw)


def test_a_policy_where_yes_or_no_is_wanted_is_an_error() -> None:
    with pytest.raises(TypeError, match="isAuthorized"):
        answer({"policyDocument": {}}, HTTP)


def test_other_errors_are_errors() -> None:
    with pytest.raises(HTTPError):
        answer(HTTPError(503), REST)
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError(), REST)


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_a_context_that_a_rest_api_refuses_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError, match="strings, numbers and booleans"):
        answer(Allow(context={"x": value}), REST)


def test_names_in_a_context_are_text() -> None:
    wrong: Any = {1: "a"}
    with pytest.raises(TypeError, match="strings, not 1"):
        Allow(context=wrong)


@pytest.mark.parametrize(
    ("raw", "method", "path"),
    [
        (TOKEN, "GET", "/photos/cat"),
        (REST, "GET", "/photos/cat"),
        (HTTP, "GET", "/photos/cat"),
        (SOCKET, "", "/"),
    ],
    ids=["token", "rest", "http", "socket"],
)
def test_the_handler_sees_what_is_asked_for_in_every_form(raw: Any, method: str, path: str) -> None:
    request = AuthorizerRequest(raw)
    assert (request.type, request.token, request.method, request.path) == (raw["type"], "Bearer x", method, path)
    assert request.arn in (raw.get("methodArn"), raw.get("routeArn"))
    assert request.query.get_all("a") == (["1", "2"] if raw in (REST, HTTP) else [])
    assert request.source_ip == ("203.0.113.10" if raw in (REST, HTTP) else "")
    for name in ("headers", "cookies", "path_parameters", "body", "text", "authorizer", "claims", "request_id"):
        getattr(request, name)
    assert request.summary() == f"{method} {path}"


def test_cookies_are_read_in_both_forms() -> None:
    assert AuthorizerRequest({**HTTP, "cookies": ["a=1", "b=2"]}).cookies == {"a": "1", "b": "2"}
    rest = asked_by_rest("GET", "/", "", {"cookie": "a=1; b=2"})
    assert AuthorizerRequest(rest).cookies == {"a": "1", "b": "2"}


def test_the_token_is_the_first_identity_source() -> None:
    assert AuthorizerRequest({**HTTP, "identitySource": ["key", "other"]}).token == "key"
    assert AuthorizerRequest({**HTTP, "identitySource": None, "headers": {}}).token == ""
    assert AuthorizerRequest({**REST, "version": "1.0", "identitySource": "a,b"}).token == "a,b"
    for source, token in (("header.Host", "h"), ("querystring.a", "1"), ("header.none", "")):
        assert Authorizer(identity_sources=[source]).parse(REST, None).token == token
    assert Authorizer(identity_sources=[]).parse(REST, None).token == "Bearer x"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "JWT"}, "type must be one of"),
        ({"ttl": 3601}, "ttl must be 0 to 3600"),
        ({"ttl": 5, "identity_sources": []}, "ttl needs identity_sources"),
        ({"identity_sources": ["Authorization"]}, "identity_sources takes"),
        ({"identity_sources": [5]}, "identity_sources must be a list"),
        ({"identity_sources": "header.Authorization"}, "must be a list such as .* not 'header.Authorization'"),
        ({"identity_sources": None}, "must be a list"),
        ({"type": "TOKEN", "identity_validation_expression": 5}, "must be text"),
        ({"identity_validation_expression": "x"}, "is for type='TOKEN'"),
        ({"type": "TOKEN", "identity_validation_expression": "("}, "is no regular expression"),
        ({"type": "TOKEN", "identity_sources": ["header.a", "header.b"]}, "must be one header"),
        ({"type": "TOKEN", "identity_sources": ["querystring.a"]}, "must be one header"),
        ({"simple_responses": 1}, "True or False"),
    ],
)
def test_options_that_cannot_work_are_refused_on_their_line(options: dict[str, Any], said: str) -> None:
    app: Any = App("demo")
    with pytest.raises(RegistrationError, match=said) as error:
        app.authorizer(**options)
    assert "test_authorizer.py" in error.value.place


def test_identity_sources_are_written_as_each_api_has_them() -> None:
    names = ["header.Auth", "querystring.key", "context.identity.sourceIp", "stageVariables.x"]
    authorizer = Authorizer(identity_sources=names)
    assert authorizer.sources_of("$request.", "$context.", "$stageVariables.") == [
        "$request.header.Auth",
        "$request.querystring.key",
        "$context.identity.sourceIp",
        "$stageVariables.x",
    ]
    assert authorizer.sources_of("method.request.", "context.", "stageVariables.") == [
        "method.request.header.Auth",
        "method.request.querystring.key",
        "context.identity.sourceIp",
        "stageVariables.x",
    ]


def test_samples_are_recognised_and_follow_the_api_that_asks() -> None:
    app = App("demo")
    check = app.authorizer()(lambda_check("check"))
    token = app.authorizer("TOKEN")(lambda_check("token"))
    rest = app.rest_api("v1")
    app.get("/a", api=rest, authorizer=check)(lambda_check("a"))
    app.get("/b", api=rest, authorizer=token)(lambda_check("b"))
    assert app.functions
    kinds = [identify(handler.triggers[0].sample()) for handler in app.handlers[:2]]
    assert kinds == ["apigw_authorizer_request", "apigw_authorizer_token"]
    assert identify(Authorizer().sample(path="/x", query="a=1", headers={"A": "b"})) == "apigw_authorizer_v2"


def lambda_check(name: str) -> Any:
    def handler(request: Any) -> bool:
        return True

    handler.__name__ = name
    return handler


def test_an_authorizer_that_no_route_names_is_told() -> None:
    app = App("demo")
    app.authorizer()(lambda_check("check"))
    [finding] = checked(app)
    assert finding.message.startswith("No route names check")


def test_two_authorizers_in_one_function_are_ambiguous() -> None:
    app = App("demo")
    for name in ("one", "two"):
        app.authorizer()(app.function("both")(lambda_check(name)))
    assert [finding.refused for finding in checked(app)] == [True, False, False]


def test_a_token_authorizer_of_an_http_api_is_refused() -> None:
    from eventfw.tools.build.assemble import LocalVariant, build
    from eventfw.tools.project import Config, Path, Project, Stage

    app = App("demo")
    token = app.authorizer("TOKEN")(lambda_check("token"))
    app.get("/a", authorizer=token)(lambda_check("a"))
    project = Project(Path("/nowhere"), Config(), app, "app", "app")
    with pytest.raises((RegistrationError, BuildError), match="Only REST APIs have TOKEN authorizers"):
        build(project, Stage("dev"), local=LocalVariant("http://127.0.0.1:1/push"))
