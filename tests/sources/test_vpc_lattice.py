"""`@app.vpc_lattice` and `app.lattice_service`: the service, its rules, and which requests a handler gets."""

from __future__ import annotations

from typing import Any

import pytest
from templates import complaints, deployed, local, properties, types

from eventfw import App, Blueprint, Request
from eventfw.errors import RegistrationError
from eventfw.routing import Router, identify
from eventfw.testing import Client

LISTENER = (
    "arn:aws:vpc-lattice:us-east-1:123456789012:service/svc-0123456789abcdef0/listener/listener-0123456789abcdef0"
)


def app_with(*, on: Any = None, made: dict[str, Any] | None = None, **options: Any) -> App:
    app = App("demo")
    service = on or app.lattice_service("inside", **(made or {}))

    @app.vpc_lattice(service, **options)
    def photos(request: Request) -> Any:
        return {"path": request.path, "tags": request.query.get_all("tag")}

    return app


def test_a_service_lets_signed_requests_of_the_account_in_and_answers_404() -> None:
    template = deployed(app_with(made={"network": "sn-0123456789abcdef0"}, priority=1, path="/*"))
    assert properties(template, "InsideLatticeService") == {"Name": "demo-dev-inside", "AuthType": "AWS_IAM"}
    assert properties(template, "InsideLatticeServiceListener") == {
        "ServiceIdentifier": {"Ref": "InsideLatticeService"},
        "Protocol": "HTTPS",
        "Port": 443,
        "DefaultAction": {"FixedResponse": {"StatusCode": 404}},
    }
    [statement] = properties(template, "InsideLatticeServiceAuthPolicy")["Policy"]["Statement"]
    assert statement["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}}
    assert statement["Action"] == "vpc-lattice-svcs:Invoke"
    association = properties(template, "InsideLatticeServiceAssociation")
    assert association["ServiceNetworkIdentifier"] == "sn-0123456789abcdef0"
    address = template["Outputs"]["InsideLatticeService"]["Value"]
    assert address == {"Fn::GetAtt": ["InsideLatticeService", "DnsEntry.DomainName"]}
    assert complaints(template) == []


def test_an_open_service_has_no_policy_and_one_without_a_network_no_association() -> None:
    made = types(deployed(app_with(made={"auth": "NONE", "protocol": "HTTP"})))
    assert not {"InsideLatticeServiceAuthPolicy", "InsideLatticeServiceAssociation"} & set(made)
    listener = properties(deployed(app_with(made={"protocol": "HTTP"})), "InsideLatticeServiceListener")
    assert listener["Port"] == 80


def test_a_rule_leads_to_a_target_group_that_waits_for_its_permission() -> None:
    headers = {"x-team": "a", "x-kind": "b*", "x-note": "*c*"}
    template = deployed(app_with(priority=5, path="/photos/*", method="get", headers=headers))
    group = template["Resources"]["PhotosLatticeTargets"]
    assert group["DependsOn"] == ["PhotosLatticeTargetsPermission"]
    assert group["Properties"] == {
        "Type": "LAMBDA",
        "Config": {"LambdaEventStructureVersion": "V2"},
        "Targets": [{"Id": {"Fn::GetAtt": ["PhotosFunction", "Arn"]}}],
    }
    permission = properties(template, "PhotosLatticeTargetsPermission")
    assert permission["Principal"] == "vpc-lattice.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:targetgroup/*")
    assert properties(template, "PhotosLatticeRule") == {
        "ServiceIdentifier": {"Ref": "InsideLatticeService"},
        "ListenerIdentifier": {"Ref": "InsideLatticeServiceListener"},
        "Priority": 5,
        "Match": {
            "HttpMatch": {
                "PathMatch": {"CaseSensitive": True, "Match": {"Prefix": "/photos/"}},
                "Method": "GET",
                "HeaderMatches": [
                    {"Name": "x-team", "CaseSensitive": True, "Match": {"Exact": "a"}},
                    {"Name": "x-kind", "CaseSensitive": True, "Match": {"Prefix": "b"}},
                    {"Name": "x-note", "CaseSensitive": True, "Match": {"Contains": "c"}},
                ],
            }
        },
        "Action": {"Forward": {"TargetGroups": [{"TargetGroupIdentifier": {"Ref": "PhotosLatticeTargets"}}]}},
    }
    assert complaints(template) == []


def test_an_exact_path_is_one() -> None:
    match = properties(deployed(app_with(priority=5, path="/photos")), "PhotosLatticeRule")["Match"]
    assert match["HttpMatch"]["PathMatch"]["Match"] == {"Exact": "/photos"}


def test_without_a_priority_the_handler_gets_what_no_rule_takes() -> None:
    template = deployed(app_with())
    action = properties(template, "InsideLatticeServiceListener")["DefaultAction"]
    assert action == {"Forward": {"TargetGroups": [{"TargetGroupIdentifier": {"Ref": "PhotosLatticeTargets"}}]}}
    assert "PhotosLatticeRule" not in types(template)
    assert complaints(template) == []


def test_a_rule_of_an_existing_listener() -> None:
    template = deployed(app_with(on=LISTENER, priority=5, method="PUT"))
    rule = properties(template, "PhotosLatticeRule")
    assert rule["ServiceIdentifier"] == "svc-0123456789abcdef0"
    assert rule["ListenerIdentifier"] == "listener-0123456789abcdef0"
    assert complaints(template) == []


def test_the_embedded_aws_is_given_none_of_it() -> None:
    assert not {one for one in types(local(app_with())).values() if "Lattice" in one}


def test_a_handler_receives_a_request_and_its_answer_is_lattices() -> None:
    client = Client(app_with(priority=5, path="/photos/*"))
    answer = client.send("photos", query="tag=a&tag=b%20c")
    assert answer["statusCode"] == 200
    assert answer["body"] == '{"path":"/photos/example","tags":["a","b c"]}'
    assert client.send("photos", method="PUT", body={"a": 1})["statusCode"] == 200


def test_an_event_of_structure_v1_is_taken_too() -> None:
    event = {"raw_path": "/photos/a?tag=b", "method": "GET", "headers": {}, "body": "", "is_base64_encoded": False}
    assert identify(event) == "vpc_lattice_v1"
    answer = Client(app_with(priority=5, path="/photos/*")).invoke("photos", event)
    assert answer["body"] == '{"path":"/photos/a","tags":["b"]}'


def test_rules_of_one_function_are_told_apart_and_the_default_comes_last() -> None:
    app = App("demo")
    service = app.lattice_service("inside")

    @app.vpc_lattice(service)
    @app.function("web")
    def rest(request: Request) -> str:
        return "rest"

    @app.vpc_lattice(service, priority=10, path="/photos", method="GET", headers={"x-team": "a*"})
    @app.function("web")
    def photos(request: Request) -> str:
        return "photos"

    client, rule = Client(app), app.handlers[1].triggers[0]
    assert client.invoke("web", rule.sample())["body"] == "photos"
    for fields, why in (
        ({"path": "/other"}, "path `/other` does not match `/photos`"),
        ({"method": "PUT"}, "method PUT is not GET"),
        ({"headers": {"x-team": "b"}}, "header x-team is not `a*`"),
    ):
        event = rule.sample(**fields)
        assert client.invoke("web", event)["body"] == "rest"
        assert Router(app).route(event).why == {"photos": why}


def test_a_default_handler_is_not_for_a_stack_that_comes_later() -> None:
    app = App("demo")
    blueprint = Blueprint("later")
    service = app.lattice_service("inside")

    @blueprint.vpc_lattice(service)
    def rest(request: Request) -> None: ...

    app.mount(blueprint, stack=True)
    with pytest.raises(RegistrationError, match="before the stack of this blueprint"):
        deployed(app)


def test_a_service_of_nobodys_is_refused() -> None:
    app = App("demo")
    app.vpc_lattice(App("other").lattice_service("inside"))(lambda_named("rest"))
    with pytest.raises(RegistrationError, match="No app owns the service 'inside'"):
        deployed(app)


def test_one_place_twice_is_refused() -> None:
    for options in ({}, {"priority": 5, "path": "/*"}):
        app = App("demo")
        service = app.lattice_service("inside")
        app.vpc_lattice(service, **options)(lambda_named("one"))
        with pytest.raises(RegistrationError, match="of this service is there already"):
            app.vpc_lattice(service, **options)(lambda_named("two"))


def lambda_named(name: str) -> Any:
    def handler(request: Request) -> None: ...

    handler.__name__ = name
    return handler


def test_a_name_too_long_for_lattice_is_refused() -> None:
    app = App("demo")
    app.lattice_service("a" * 35)
    with pytest.raises(RegistrationError, match="3 to 40 lower-case letters"):
        deployed(app)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "/a"}, "needs a priority"),
        ({"priority": 5}, "needs a path, a method or headers"),
        ({"priority": 0, "path": "/a"}, "priority must be 1 to 2000"),
        ({"priority": 5, "path": "a"}, "path must be such as"),
        ({"priority": 5, "path": "/a*b"}, "path must be such as"),
        ({"priority": 5, "method": "PATCH"}, "method must be one of"),
        ({"priority": 5, "headers": {"a": "*b"}}, "a takes a text"),
        ({"priority": 5, "headers": {"a": ""}}, "a takes a text"),
        ({"priority": 5, "headers": dict.fromkeys("abcdef", "x")}, "5 names"),
        ({"service": LISTENER}, "an existing listener has its own default"),
        ({"service": "svc-0123456789abcdef0", "priority": 5}, "service must be what app.lattice_service"),
        ({"service": 7}, "service must be what app.lattice_service"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    app = App("demo")
    given = {"service": app.lattice_service("inside"), **options}
    with pytest.raises(RegistrationError, match=says):
        app.vpc_lattice(given.pop("service"), **given)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "In"}, "lower-case"),
        ({"name": "a--b"}, "single hyphens"),
        ({"name": "ab"}, "at least 3"),
        ({"auth": "IAM"}, "auth must be one of"),
        ({"network": "vpc-1"}, "network must be the id or ARN"),
        ({"protocol": "TCP"}, "protocol must be one of"),
        ({"port": 0}, "port must be 1 to 65535"),
    ],
)
def test_a_service_that_cannot_be_is_refused(options: dict[str, Any], says: str) -> None:
    given = {"name": "inside", **options}
    with pytest.raises(RegistrationError, match=says):
        App("demo").lattice_service(**given)
