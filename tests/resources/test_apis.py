"""APIs of the app: what `app.http_api`, `app.rest_api` and `app.jwt_authorizer` create, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventfw import App, Blueprint, Cors
from eventfw.errors import BuildError, RegistrationError
from eventfw.resources.http_api import HttpApi
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.build.lint import lint_templates
from eventfw.tools.project import Config, Project, Stage

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"


def named(name: str) -> Any:
    def handler(request: Any) -> None: ...

    handler.__name__ = name
    return handler


def template(app: App, stack: int = 0, **variant: Any) -> dict[str, Any]:
    local = LocalVariant("http://127.0.0.1:1/push")
    made = build(Project(Path("/nowhere"), Config(), app, "app", "app"), Stage("dev"), local=local)
    return made.stacks[stack].template["Resources"]


def deployed(app: App, folder: Path) -> dict[str, Any]:
    """The template that AWS gets, which cfn-lint must have nothing to say of."""
    folder.mkdir()
    (folder / "app.py").write_text("")
    artifacts = build(Project(folder, Config(), app, "app", "app"), Stage("dev"), out=folder / "out")
    artifacts.write(folder / "out")
    lint_templates(folder / "out", artifacts)
    return artifacts.stacks[0].template


def of_type(resources: dict[str, Any], type_: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == type_}


def test_routes_without_an_api_share_the_default_one_and_options_are_given_to_it() -> None:
    app = App("shop")
    app.http_api(cors=["https://shop.example.com"], rate_limit=10, burst_limit=20, access_logs=True)
    app.get("/a")(named("a"))
    found = template(app)
    assert list(of_type(found, "AWS::ApiGatewayV2::Api")) == ["HttpApi"]
    assert found["HttpApi"]["Properties"]["CorsConfiguration"] == {
        "AllowOrigins": ["https://shop.example.com"],
        "AllowMethods": ["*"],
        "AllowHeaders": ["*"],
    }
    stage = found["HttpApiStage"]["Properties"]
    assert stage["DefaultRouteSettings"] == {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20}
    assert json.loads(stage["AccessLogSettings"]["Format"])["status"] == "$context.status"
    assert found["GetARoute"]["Properties"]["RouteKey"] == "GET /a"


def test_a_named_api_has_a_stage_of_its_name_and_ids_of_its_own() -> None:
    app = App("shop")
    admin = app.http_api("admin")
    app.get("/a")(named("a"))
    app.get("/a", api=admin)(app.function()(named("b")))
    found = template(app)
    assert found["HttpApiStage"]["Properties"]["StageName"] == "$default"
    assert found["AdminHttpApiStage"]["Properties"]["StageName"] == "admin"
    assert found["AdminHttpApiGetARoute"]["Properties"]["ApiId"] == {"Ref": "AdminHttpApi"}
    assert found["BAdminHttpApiPermission"]["Properties"]["SourceArn"]["Fn::Sub"][1] == {"api": {"Ref": "AdminHttpApi"}}


def test_a_rest_api_has_a_resource_for_each_segment_once() -> None:
    app = App("shop")
    rest = app.rest_api("v1")
    app.get("/", api=rest)(named("root"))
    for method, path in (("get", "/a/{id}"), ("put", "/a/{id}"), ("get", "/a/{id}/b"), ("get", "/c/{rest:path}")):
        handler = app.function("api")(lambda_taking(path, method))
        getattr(app, method)(path, api=rest)(handler)
    found = template(app)
    parts = [one["PathPart"] for one in of_type(found, "AWS::ApiGateway::Resource").values()]
    assert sorted(parts) == ["a", "b", "c", "{id}", "{rest+}"]
    methods = of_type(found, "AWS::ApiGateway::Method")
    assert sorted(one["HttpMethod"] for one in methods.values()) == ["GET", "GET", "GET", "GET", "PUT"]
    assert found["V1RestApiGetMethod"]["Properties"]["ResourceId"] == {"Fn::GetAtt": ["V1RestApi", "RootResourceId"]}
    assert found["V1RestApi"]["Properties"]["BinaryMediaTypes"] == ["*/*"]
    assert list(of_type(found, "AWS::Lambda::Permission")) == ["ApiV1RestApiPermission"]
    assert found["V1RestApiStage"]["Properties"]["StageName"] == "v1"


def lambda_taking(path: str, method: str) -> Any:
    names = [segment[1:-1].partition(":")[0] for segment in path.split("/") if segment.startswith("{")]
    name = f"{method}{''.join(char for char in path if char.isalnum())}"
    space: dict[str, Any] = {}
    exec(f"def {name}({', '.join(names)}): ...", space)
    return space[name]


def rest_app(path: str = "/a") -> App:
    app = App("shop")
    app.get(path, api=app.rest_api("v1"))(lambda_taking(path, "get"))
    return app


def test_a_change_of_a_route_is_a_new_deployment_and_no_change_is_none() -> None:
    first, again, other = (template(rest_app(path)) for path in ("/a", "/a", "/b"))
    (one,), (same,), (new,) = (of_type(found, "AWS::ApiGateway::Deployment") for found in (first, again, other))
    assert one == same != new
    assert other["V1RestApiStage"]["Properties"]["DeploymentId"] == {"Ref": new}
    assert other[new]["DependsOn"] == ["V1RestApiGetBMethod"]


def test_everything_lints_clean(tmp_path: Path) -> None:
    app = App("shop")
    limits: dict[str, Any] = {"rate_limit": 1.5, "burst_limit": 2, "certificate": CERTIFICATE}
    cors = Cors(
        ["https://a.example.com"], allow_methods=["GET"], allow_headers=["x"], allow_credentials=True, max_age=9
    )
    app.http_api(cors=cors, access_logs=True, domain="a.example.com", disable_execute_api_endpoint=True, **limits)
    admin = app.http_api("admin")
    rest = app.rest_api("v1", domain="b.example.com", disable_execute_api_endpoint=True, **limits)
    members = app.jwt_authorizer("members", issuer=app.user_pool("people"))
    others = app.jwt_authorizer("others", issuer="https://issuer.example.com", audience="photos")
    check = app.authorizer(identity_sources=["header.a", "querystring.b", "context.routeKey"], ttl=60)(named("check"))
    token = app.authorizer("TOKEN", identity_validation_expression="^Bearer .+$", ttl=300)(named("token"))
    app.get("/a", authorizer=members, scopes=["photos/read"])(named("a"))
    app.get("/b", authorizer=others, api=admin)(named("b"))
    app.get("/c", authorizer=check)(named("c"))
    app.get("/d", authorizer="check", api=admin)(named("d"))
    app.get("/e", authorizer="iam", api=admin)(named("e"))
    app.get("/f", authorizer=token, api=rest)(named("f"))
    app.get("/g/h", authorizer="iam", api=rest)(named("g"))
    app.get("/i", api=rest)(named("i"))
    app.get("/j", api=rest, authorizer=members, scopes=["photos/read"])(named("j"))
    found = deployed(app, tmp_path / "one")
    assert found["Outputs"]["HttpApiDomainTarget"] and found["Outputs"]["V1RestApiUrl"]
    assert {"AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::ApiMapping"} <= {
        one["Type"] for one in found["Resources"].values()
    }


def test_the_domain_is_left_out_of_the_embedded_aws() -> None:
    app = App("shop")
    app.http_api(domain="a.example.com", certificate=CERTIFICATE, disable_execute_api_endpoint=True)
    app.get("/a")(named("a"))
    found = template(app)
    assert not of_type(found, "AWS::ApiGatewayV2::DomainName")
    assert "DisableExecuteApiEndpoint" not in found["HttpApi"]["Properties"]


def test_a_user_pool_is_an_issuer_with_its_own_client_as_audience() -> None:
    app = App("shop")
    members = app.jwt_authorizer("members", issuer=app.user_pool("people"))
    app.get("/a", authorizer=members, scopes=["x/y"])(named("a"))
    app.get("/b", authorizer=members)(named("b"))
    found = template(app)
    [(name, authorizer)] = of_type(found, "AWS::ApiGatewayV2::Authorizer").items()
    assert authorizer["JwtConfiguration"]["Issuer"]["Fn::Sub"][1] == {"pool": {"Ref": "PeopleUserPool"}}
    assert authorizer["JwtConfiguration"]["Audience"] == [{"Ref": "PeopleUserPoolClient"}]
    route = found["GetARoute"]["Properties"]
    assert (route["AuthorizationType"], route["AuthorizerId"]) == ("JWT", {"Ref": name})
    assert route["AuthorizationScopes"] == ["x/y"]
    assert "AuthorizationScopes" not in found["GetBRoute"]["Properties"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda app: app.http_api("a b"), "letters, digits, - and _"),
        (lambda app: app.rest_api(""), "name must say something"),
        (lambda app: app.http_api(rate_limit=1), "go together"),
        (lambda app: app.http_api(rate_limit=0, burst_limit=1), "over 0"),
        (lambda app: app.http_api(rate_limit=1, burst_limit=0), "burst_limit must be"),
        (lambda app: app.http_api(domain="a.example.com"), "domain and certificate go together"),
        (lambda app: app.http_api(domain="https://a.com/", certificate=CERTIFICATE), "must be a host name"),
        (lambda app: app.http_api(domain="a.com", certificate="abc"), "ARN of an ACM certificate"),
        (lambda app: app.http_api(disable_execute_api_endpoint=True), "without an address"),
        (lambda app: app.http_api(access_logs="yes"), "True or False"),
        (lambda app: app.http_api(cors=5), "cors must be origins"),
        (lambda app: app.http_api(cors="example.com"), "a scheme, a host"),
        (lambda app: app.http_api(cors=[]), "allow_origins is empty"),
        (lambda app: app.rest_api("v1", binary_media_types="png"), "binary_media_types"),
        (lambda app: app.jwt_authorizer("m", issuer="http://x", audience="a"), "begins with https://"),
        (lambda app: app.jwt_authorizer("m", issuer="https://x"), "audience must be"),
        (lambda app: app.jwt_authorizer("m", issuer="https://x", audience="a", identity_sources=["y"]), "header.NAME"),
        (lambda app: app.jwt_authorizer("m", issuer="https://x", audience="a", identity_sources=[]), "where the token"),
        (lambda app: app.jwt_authorizer("m", issuer="https://x", audience="a", identity_sources="header.a"), "a list"),
        (lambda app: app.jwt_authorizer("m", issuer="https://x", audience=5), r"such as \['photos'\] .* not 5"),
        (lambda app: app.http_api(cors=Cors(5)), "allow_origins must be a list"),
        (lambda app: app.http_api(cors=Cors("*", allow_methods=["GTE"])), "allow_methods must be among .* not 'GTE'"),
        (lambda app: app.http_api(cors=Cors("*", allow_headers=["x-a, x-b"])), "names of headers .* 'x-a, x-b'"),
        (lambda app: app.http_api(cors=Cors("*", expose_headers=["x a"])), "expose_headers takes names"),
        (lambda app: app.http_api(cors="https://*.example.com"), r"no \* within a host .* 'https://\*\.example\.com'"),
    ],
)
def test_options_that_cannot_work_are_refused_on_their_line(make: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as error:
        make(App("shop"))
    assert "test_apis.py" in error.value.place


@pytest.mark.parametrize(
    ("origin", "option"),
    [
        ("https://a.example.com", "allow_methods"),
        ("https://*", "allow_origins"),
        ("http://*", "allow_origins"),
        ("*", "allow_origins"),
    ],
)
def test_credentials_and_wildcards_exclude_one_another(origin: str, option: str) -> None:
    with pytest.raises(RegistrationError, match=f"{option} must not have"):
        Cors(origin, allow_credentials=True)


def test_a_host_name_leads_to_one_api_or_distribution() -> None:
    app = App("shop")
    app.http_api("a", domain="a.example.com", certificate=CERTIFICATE)
    with pytest.raises(RegistrationError, match=r"two resources host name 'a\.example\.com'"):
        app.rest_api("b", domain="a.example.com", certificate=CERTIFICATE)
    with pytest.raises(RegistrationError, match=r"two resources host name 'a\.example\.com'"):
        app.distribution("site", aliases=["b.example.com", "a.example.com"], certificate=CERTIFICATE)


def test_two_apis_of_one_name_are_refused() -> None:
    app = App("shop")
    app.http_api("v1")
    with pytest.raises(RegistrationError, match="two resources API 'v1'"):
        app.rest_api("v1")


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["/a/{id}", "/a/{name}/b"], r"has \{name\} where another route has \{id\}"),
        (["/{id}", "/{rest:path}"], "one parameter in each place"),
        (["/a/"], "cannot end in a slash"),
        (["/a$b"], "takes letters, digits"),
    ],
)
def test_paths_that_a_rest_api_refuses_are_refused_on_their_line(paths: list[str], said: str) -> None:
    app = App("shop")
    rest = app.rest_api("v1")
    for number, path in enumerate(paths):
        handler = lambda_taking(path, f"get{number}x")
        app.get(path, api=rest)(handler)
    with pytest.raises(RegistrationError, match=said) as error:
        template(app)
    assert "test_apis.py" in error.value.place


def test_a_rest_api_without_routes_is_refused() -> None:
    app = App("shop")
    app.rest_api("v1")
    app.get("/a")(named("a"))
    with pytest.raises(RegistrationError, match="has no routes"):
        template(app)


def test_a_rest_api_looks_at_the_tokens_of_a_user_pool() -> None:
    app = App("shop")
    rest = app.rest_api("v1")
    members = app.jwt_authorizer("members", issuer=app.user_pool("people"))
    app.get("/a", api=rest, authorizer=members, scopes=["x/y"])(named("a"))
    app.get("/b", api=rest, authorizer=members)(named("b"))
    found = template(app)
    [(name, authorizer)] = of_type(found, "AWS::ApiGateway::Authorizer").items()
    assert authorizer["Type"] == "COGNITO_USER_POOLS"
    assert authorizer["ProviderARNs"] == [{"Fn::GetAtt": ["PeopleUserPool", "Arn"]}]
    method = found["V1RestApiGetAMethod"]["Properties"]
    assert (method["AuthorizationType"], method["AuthorizerId"]) == ("COGNITO_USER_POOLS", {"Ref": name})
    assert method["AuthorizationScopes"] == ["x/y"]


def test_a_rest_api_cannot_look_at_tokens_of_others() -> None:
    app = App("shop")
    members = app.jwt_authorizer("members", issuer="https://x", audience="a")
    app.get("/a", api=app.rest_api("v1"), authorizer=members)(named("a"))
    with pytest.raises(RegistrationError, match="cannot look at tokens but those of a user pool"):
        template(app)


def test_a_rest_route_of_a_blueprints_own_stack_is_refused() -> None:
    app, more = App("shop"), Blueprint("more")
    rest = app.rest_api("v1")
    more.get("/a", api=rest)(named("a"))
    app.mount(more, stack=True)
    with pytest.raises(RegistrationError, match="without stack=True"):
        template(app)


def test_a_blueprints_own_stack_takes_api_and_authorizer_from_the_main_one() -> None:
    app, more = App("shop"), Blueprint("more")
    check = app.authorizer()(named("check"))
    more.get("/a", authorizer=check)(app_function(more, "a"))
    app.mount(more, stack=True)
    found = template(app, stack=1)
    assert found["GetARoute"]["Properties"]["AuthorizerId"] == {"Ref": "CheckAuthorizer"}
    assert "CheckAuthorizer" in template(app)


def app_function(registrar: Any, name: str) -> Any:
    return registrar.function()(named(name))


def test_an_api_that_no_app_owns_is_refused() -> None:
    app = App("shop")
    app.get("/a", api=HttpApi("other"))(named("a"))
    with pytest.raises((RegistrationError, BuildError), match="No app owns the API 'other'"):
        template(app)


def test_one_path_in_two_apis_needs_two_functions_or_one_handler() -> None:
    app = App("shop")
    admin = app.http_api("admin")
    app.get("/a")(app.get("/a", api=admin)(named("both")))
    template(app)
    app = App("shop")
    app.get("/a")(named("one"))
    app.get("/a", api=app.http_api("admin"))(named("two"))
    with pytest.raises(BuildError, match="take the same event"):
        template(app)


@pytest.mark.parametrize("methods", ["ANY", ["GET", "OPTIONS"]])
def test_preflight_requests_must_not_reach_an_authorizer(methods: Any) -> None:
    app = App("shop")
    app.http_api(cors="*")
    app.http("/a", methods, authorizer="iam")(named("a"))
    with pytest.raises(RegistrationError, match="with which browsers ask for leave"):
        template(app)


def test_the_same_route_twice_in_one_api_is_refused() -> None:
    app = App("shop")
    rest = app.rest_api("v1")
    app.get("/a", api=rest)(named("one"))
    with pytest.raises(RegistrationError, match="The route GET /a of the API 'v1' is there already"):
        app.http("/a", api=rest)(named("two"))


def test_the_resources_of_a_rest_api_are_counted() -> None:
    app = App("shop")
    rest = app.rest_api("v1")
    for number in range(300):
        app.get(f"/a{number}", api=rest)(named(f"a{number}"))
    with pytest.raises(RegistrationError, match="more than 300 resources"):
        template(app)


def test_the_authorizers_of_an_api_are_counted() -> None:
    app = App("shop")
    for number in range(11):
        members = app.jwt_authorizer(f"m{number}", issuer="https://x", audience="a")
        app.get(f"/a{number}", authorizer=members)(named(f"a{number}"))
    with pytest.raises(RegistrationError, match="more than 10 authorizers"):
        template(app)
