"""Who gets into an API of the app, as its template says it; and when a REST API is deployed anew."""

from __future__ import annotations

from typing import Any

import pytest
from templates import deployed, properties, types

from eventfw import App

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"


def named(name: str) -> Any:
    def handler(request: Any) -> None: ...

    handler.__name__ = name
    return handler


def made(app: App, kind: str, **options: Any) -> Any:
    return getattr(app, kind)("v1", **options)


KINDS = [("http_api", "V1HttpApiGetARoute"), ("rest_api", "V1RestApiGetAMethod")]


@pytest.mark.parametrize(("kind", "route"), KINDS)
def test_a_route_says_who_may_send_requests_to_it(kind: str, route: str) -> None:
    def access(authorizer: Any) -> tuple[Any, Any]:
        app = App("shop")
        app.authorizer()(named("check"))
        app.get("/a", api=made(app, kind), authorizer=authorizer)(named("a"))
        app.get("/b", authorizer="check")(app.function("other")(named("b")))
        found = properties(deployed(app), route)
        return found.get("AuthorizationType", "NONE"), found.get("AuthorizerId")

    own = "V1HttpApi" if kind == "http_api" else "V1RestApi"
    assert access(None) == ("NONE", None)
    assert access("iam") == ("AWS_IAM", None)
    assert access("check") == ("CUSTOM", {"Ref": own + "CheckAuthorizer"})


@pytest.mark.parametrize("kind", ["http_api", "rest_api"])
def test_only_the_authorizer_of_the_api_may_invoke_its_function(kind: str) -> None:
    app = App("shop")
    check = app.authorizer()(named("check"))
    api = made(app, kind)
    app.get("/a", api=api, authorizer=check)(named("a"))
    own = api.logical_id + "CheckAuthorizer"
    template = deployed(app)
    assert properties(template, own + "Permission")["SourceArn"]["Fn::Sub"] == [
        "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${api}/authorizers/${authorizer}",
        {"api": {"Ref": api.logical_id}, "authorizer": {"Ref": own}},
    ]
    permitted = [name for name, type_ in types(template).items() if type_ == "AWS::Lambda::Permission"]
    assert sorted(permitted) == sorted([own + "Permission", f"Api{api.logical_id}Permission"])


@pytest.mark.parametrize("kind", ["http_api", "rest_api"])
def test_an_api_of_a_domain_speaks_new_tls_and_may_answer_there_only(kind: str) -> None:
    for only in (True, False):
        app = App("shop")
        api = made(app, kind, domain="a.example.com", certificate=CERTIFICATE, disable_execute_api_endpoint=only)
        app.get("/a", api=api)(named("a"))
        template = deployed(app)
        assert properties(template, api.logical_id).get("DisableExecuteApiEndpoint", False) is only
        [configuration] = properties(template, api.logical_id + "Domain")["DomainNameConfigurations"]
        assert configuration["SecurityPolicy"] == "TLS_1_2"


def deployment(ttl: int = 0, binary: str = "*/*", authorizer: str | None = "check") -> tuple[str, dict[str, Any]]:
    app = App("shop")
    app.authorizer(ttl=ttl)(named("check"))
    rest = app.rest_api("v1", binary_media_types=[binary])
    app.get("/a", api=rest, authorizer=authorizer)(named("a"))
    app.get("/b", api=rest, authorizer="check")(named("b"))
    template = deployed(app)
    [name] = [name for name, type_ in types(template).items() if type_ == "AWS::ApiGateway::Deployment"]
    assert properties(template, "V1RestApiStage")["DeploymentId"] == {"Ref": name}
    return name, template["Resources"][name]


def test_a_rest_api_is_deployed_anew_when_an_authorizer_or_the_api_changes() -> None:
    """A deployment is a copy of the API: what it does not have is not served, a new authorizer neither."""
    first, resource = deployment()
    assert resource["DependsOn"] == ["V1RestApiGetAMethod", "V1RestApiGetBMethod"]
    assert deployment()[0] == first
    changed = [deployment(ttl=5)[0], deployment(binary="image/png")[0], deployment(authorizer=None)[0]]
    assert len({first, *changed}) == 4
