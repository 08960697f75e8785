"""`@app.alb`: the rule, the target group, and which requests a handler gets."""

from __future__ import annotations

from typing import Any

import pytest
from templates import complaints, deployed, local, properties, types

from eventfw import App, Request, Response
from eventfw.answering.fronts import fits
from eventfw.errors import RegistrationError
from eventfw.routing import Router, identify
from eventfw.testing import Client
from eventfw.tools.checks import check

LISTENER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/shop/50dc6c495c0c9188/f2f7dc8efc522ab2"


def app_with(listener: Any = LISTENER, **options: Any) -> App:
    app = App("demo")

    @app.alb(listener, **{"priority": 10, "path": "/photos/*", **options})
    def photos(request: Request) -> Any:
        return {"path": request.path, "tags": request.query.get_all("tag")}

    return app


def test_a_rule_leads_to_a_target_group_that_waits_for_its_permission() -> None:
    options = {
        "host": ["a.example.com", "*.example.org"],
        "methods": "get",
        "headers": {"X-Team": "a*"},
        "query": {},
        "health_check": "/health",
    }
    template = deployed(app_with(**options))
    group = template["Resources"]["PhotosTargetGroup"]
    assert group["DependsOn"] == ["PhotosTargetGroupPermission"]
    assert group["Properties"] == {
        "TargetType": "lambda",
        "Targets": [{"Id": {"Fn::GetAtt": ["PhotosFunction", "Arn"]}}],
        "TargetGroupAttributes": [{"Key": "lambda.multi_value_headers.enabled", "Value": "true"}],
        "HealthCheckEnabled": True,
        "HealthCheckPath": "/health",
    }
    permission = properties(template, "PhotosTargetGroupPermission")
    assert permission["Principal"] == "elasticloadbalancing.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:targetgroup/*")
    assert properties(template, "PhotosListenerRule") == {
        "ListenerArn": LISTENER,
        "Priority": 10,
        "Conditions": [
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["a.example.com", "*.example.org"]}},
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/photos/*"]}},
            {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Team", "Values": ["a*"]}},
        ],
        "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "PhotosTargetGroup"}}],
    }
    assert complaints(template) == []


def test_queries_and_addresses_are_conditions_too() -> None:
    template = deployed(app_with(path=(), query={"v": ["1", "2"]}, source_ip="10.0.0.0/8"))
    assert properties(template, "PhotosListenerRule")["Conditions"] == [
        {"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.0/8"]}},
        {
            "Field": "query-string",
            "QueryStringConfig": {"Values": [{"Key": "v", "Value": "1"}, {"Key": "v", "Value": "2"}]},
        },
    ]
    assert complaints(template) == []


def test_a_listener_that_the_app_makes_is_referred_to() -> None:
    app = App("demo")
    listener = app.resource("Front", "AWS::ElasticLoadBalancingV2::Listener", {})

    @app.alb(listener, priority=1, path="*")
    def everything(request: Request) -> None: ...

    assert properties(deployed(app), "EverythingListenerRule")["ListenerArn"] == {"Ref": "Front"}


def test_a_published_functions_target_is_its_alias() -> None:
    app = App("demo")

    @app.alb(LISTENER, priority=1, path="*")
    @app.function(provisioned_concurrency=1)
    def photos(request: Request) -> None: ...

    assert properties(deployed(app), "PhotosTargetGroup")["Targets"] == [{"Id": {"Ref": "PhotosLiveAlias"}}]


def test_the_embedded_aws_is_given_none_of_it() -> None:
    assert not {one for one in types(local(app_with())).values() if "ElasticLoadBalancing" in one}


def test_repeated_values_arrive_and_several_cookies_leave() -> None:
    app = app_with()
    answer = Client(app).send("photos", query="tag=a&tag=b%20c")
    assert answer["body"] == '{"path":"/photos/example","tags":["a","b c"]}'
    assert answer["multiValueHeaders"] == {"content-type": ["application/json"]}
    assert answer["statusDescription"] == "200 OK"
    one = Client(app_with(multi_value=False)).send("photos", query="tag=a&tag=b")
    assert (one["body"], one["headers"]) == (
        '{"path":"/photos/example","tags":["b"]}',
        {"content-type": "application/json"},
    )


def test_cookies_are_lists() -> None:
    app = App("demo")

    @app.alb(LISTENER, priority=1, path="*")
    def login(request: Request) -> Response:
        response = Response({})
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        return response

    assert len(Client(app).send("login")["multiValueHeaders"]["set-cookie"]) == 2


def test_the_sample_meets_the_conditions() -> None:
    trigger = app_with(host="*.example.com", headers={"X-Team": "a?"}, methods=["POST"], query={"v": "1"}, path="/p?/*")
    sample = trigger.handlers[0].triggers[0].sample()
    assert identify(sample) == "alb"
    assert (sample["httpMethod"], sample["path"]) == ("POST", "/px/example")
    assert sample["multiValueHeaders"]["host"] == ["example.example.com"]
    assert sample["multiValueHeaders"]["x-team"] == ["ax"]
    assert sample["multiValueQueryStringParameters"] == {"v": ["1"]}


def two_in_one_function() -> App:
    app = App("demo")

    @app.alb(LISTENER, priority=20, path="/*", health_check="/health")
    @app.function("web")
    def rest(request: Request) -> str:
        return "rest"

    @app.alb(LISTENER, priority=10, path="/photos/*", methods="GET", health_check="/health")
    @app.function("web")
    def photos(request: Request) -> str:
        return "photos"

    return app


@pytest.mark.parametrize(
    ("fields", "reached", "why"),
    [
        ({"path": "/photos/a"}, "photos", "the rule of `photos`, of priority 10, takes it"),
        ({"path": "/photos/a", "method": "POST"}, "rest", "method POST is not GET"),
        ({"path": "/Photos/a"}, "rest", "path `/Photos/a` does not match `/photos/*`"),
    ],
)
def test_rules_of_one_function_are_told_apart_by_their_conditions(
    fields: dict[str, str], reached: str, why: str
) -> None:
    app = two_in_one_function()
    event = app.handlers[0].triggers[0].sample(**fields)
    assert Client(app).invoke("web", event)["body"] == reached
    assert list(Router(app).route(event).why.values()) == [why]
    assert check(app) == []


def test_hosts_are_compared_without_their_port_and_in_any_case() -> None:
    app = App("demo")
    for number, host in enumerate(("*.Example.com", "other.example.com")):

        def handler(request: Request) -> None: ...

        handler.__name__ = f"h{number}"
        app.function("web")(app.alb(LISTENER, priority=number + 1, host=host)(handler))
    event = app.handlers[0].triggers[0].sample(headers={"host": "a.example.COM:8080"})
    route = Router(app).route(event)
    assert [one.name for one in route.reached] == ["h0"]
    assert route.why == {"h1": "host `a.example.COM` does not match `other.example.com`"}


def test_a_rule_that_leads_to_routes_is_no_peer_of_one_that_does_not() -> None:
    app = App("demo")

    @app.alb(LISTENER, priority=1, path="/a/*")
    @app.get("/a/{name}")
    @app.function("web")
    def routed(name: str) -> str:
        return name

    @app.alb(LISTENER, priority=2, path="/b/*")
    @app.function("web")
    def rest(request: Request) -> str:
        return "rest"

    event = app.handlers[1].triggers[0].sample(path="/a/b/c")  # the first rule's, and none of its routes'
    assert Client(app).invoke("web", event)["body"] == "rest"


def test_they_share_a_target_group_and_so_its_options() -> None:
    app = two_in_one_function()
    template = deployed(app)
    assert list(types(template).values()).count("AWS::ElasticLoadBalancingV2::TargetGroup") == 1
    assert {"RestListenerRule", "PhotosListenerRule"} <= set(types(template))

    again = App("demo")
    for number, options in enumerate(({}, {"multi_value": False})):

        def handler(request: Request) -> None: ...

        handler.__name__ = f"h{number}"
        again.function("web")(again.alb(LISTENER, priority=number + 1, path="*", **options)(handler))
    with pytest.raises(RegistrationError, match="share a target group"):
        deployed(again)


def test_a_health_check_reaches_the_first_handler_whatever_its_path() -> None:
    app = two_in_one_function()
    headers = {"user-agent": "ELB-HealthChecker/2.0"}
    check = app.handlers[1].triggers[0].sample(path="/health", method="PUT", headers=headers)
    assert Client(app).invoke("web", check)["body"] == "photos"
    alone = app_with(health_check="/health")
    check = alone.handlers[0].triggers[0].sample(path="/health")
    assert Client(alone).invoke("photos", check)["statusCode"] == 200


def test_on_a_handler_with_routes_the_rule_leads_to_all_routes() -> None:
    app = App("demo")

    @app.alb(LISTENER, priority=1, path="*")
    @app.get("/photos/{name}")
    def photo(name: str) -> str:
        return name

    @app.get("/other")
    def other() -> str:
        return "other"

    client, [balancer] = Client(app), [one for one in app.handlers[0].triggers if one.decorator == "alb"]
    assert client.invoke("api", balancer.sample())["body"] == "example"
    assert client.invoke("api", balancer.sample(path="/other"))["body"] == "other"
    assert client.invoke("api", balancer.sample(path="/none"))["statusCode"] == 404
    assert "ApiTargetGroup" in types(deployed(app))


def test_one_priority_twice_on_a_listener_is_refused() -> None:
    app = app_with()
    with pytest.raises(RegistrationError, match="A rule of priority 10 in this listener is there already"):

        @app.alb(LISTENER, priority=10, path="/other")
        def other(request: Request) -> None: ...


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"listener": "arn:aws:elasticloadbalancing:x:1:listener/net/a/b/c"}, "listener must be the ARN"),
        ({"listener": 5}, "listener must be the ARN"),
        ({"priority": 0}, "priority must be 1 to 50000"),
        ({"path": ()}, "needs a condition"),
        ({"path": "photos"}, "path must begin with"),
        ({"path": ["/a", "/b", "/c", "/d"]}, "path has 4 values"),
        ({"path": ["/a", "/b"], "host": ["a.b", "c.d"], "methods": ["GET", "PUT"]}, "at most 5 values"),
        ({"path": 5}, "path takes text"),
        ({"path": ""}, "path takes text of 1 to 128"),
        ({"headers": {"path": []}}, "path has 0 values"),
        ({"methods": "G T"}, "methods takes methods"),
        ({"source_ip": "10.0.0.1"}, "Write '10.0.0.1/32'"),
        ({"source_ip": "10.0.0.1/8"}, "has host bits set"),
        ({"multi_value": 1}, "multi_value must be True or False"),
        ({"health_check": "health"}, "health_check must be a path"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    given = {"listener": LISTENER, "priority": 1, "path": "*", **options}
    with pytest.raises(RegistrationError, match=says):
        App("demo").alb(given.pop("listener"), **given)


@pytest.mark.parametrize(
    ("pattern", "text", "right"),
    [
        ("*", "", True),
        ("/a", "/a", True),
        ("/a", "/ab", False),
        ("/a*", "/a", True),
        ("/a*c", "/abc", True),
        ("/a*c", "/ac", True),
        ("/ab*bc", "/abc", False),
        ("*b*", "abc", True),
        ("*b*c*", "acb", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*?", "", False),
    ],
)
def test_a_pattern_has_stars_and_question_marks(pattern: str, text: str, right: bool) -> None:
    assert fits(pattern, text) is right
