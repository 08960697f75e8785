"""`@app.function_url`: which requests the handler gets, and what is created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from templates import complaints, deployed, local, properties, types

from eventfw import App, Cors, HTTPError, Request
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.testing import Client
from eventfw.tools.checks import check
from eventfw.tools.project import describe


def app_with(auth: str = "NONE", **options: Any) -> App:
    app = App("demo")

    @app.function_url(auth, **options)
    def hook(request: Request) -> Any:
        if request.path == "/teapot":
            raise HTTPError(418)
        return {"method": request.method, "path": request.path, "query": request.query.get("a", "")}

    return app


def with_routes() -> App:
    app = App("demo")

    @app.function_url("NONE")
    @app.get("/photos")
    def photos() -> Any:
        return ["cat"]

    @app.post("/photos")
    def upload() -> Any:
        return "up", 201

    return app


def test_a_handler_without_routes_gets_every_request_of_its_own_function() -> None:
    client = Client(app_with())
    answer = client.send("hook", method="put", path="/a/b", query="a=1")
    assert answer["statusCode"] == 200
    assert answer["body"] == '{"method":"PUT","path":"/a/b","query":"1"}'
    assert answer["headers"]["content-type"] == "application/json"
    assert client.send("hook", path="/teapot")["statusCode"] == 418
    assert list(client.app.functions) == ["hook"]


def test_a_body_that_is_no_text_is_sent_as_json() -> None:
    app = App("demo")

    @app.function_url("NONE")
    def hook(request: Request) -> Any:
        return [request.json["a"], request.headers["content-type"]]

    assert Client(app).send("hook", body={"a": 1})["body"] == '[1,"application/json"]'


def test_on_a_handler_with_routes_the_url_serves_all_routes_of_the_function() -> None:
    app = with_routes()
    assert list(app.functions) == ["api"]
    client, [url] = Client(app), [one for one in app.handlers[0].triggers if one.decorator == "function_url"]
    assert client.invoke("api", url.sample())["body"] == '["cat"]'
    assert client.invoke("api", url.sample(method="POST"))["statusCode"] == 201
    assert client.invoke("api", url.sample(path="/nothing"))["statusCode"] == 404
    missed = client.invoke("api", url.sample(method="DELETE"))
    assert (missed["statusCode"], missed["headers"]["allow"]) == (405, "GET, POST")


def test_routes_go_before_a_handler_that_takes_everything_in_their_function() -> None:
    app = App("demo")

    @app.get("/photos/{name}")
    @app.function("web")
    def photo(name: str) -> str:
        return name

    @app.function_url("NONE")
    @app.function("web")
    def rest(request: Request) -> str:
        return "rest"

    client, url = Client(app), app.handlers[1].triggers[0]
    assert client.invoke("web", url.sample(path="/photos/cat"))["body"] == "cat"
    assert client.invoke("web", url.sample(path="/photos/cat", method="POST"))["body"] == "rest"
    route = Router(app).route(url.sample(path="/photos/cat"))
    assert route.why == {"rest": "the route GET /photos/{name} of `photo` in its function takes it"}
    assert check(app) == []


def test_an_event_is_explained_for_each_function() -> None:
    app = with_routes()

    @app.function_url("AWS_IAM")
    def other(request: Request) -> None: ...

    route = Router(app).route(app.handlers[-1].triggers[0].sample(path="/nothing"))
    assert [handler.name for handler in route.reached] == ["other"]
    assert route.answers["api"].status == 404
    assert "the routes of its function take requests to the function URL" in route.why["photos"]


def test_two_in_one_function_are_refused() -> None:
    app = App("demo")

    @app.function_url("NONE")
    @app.function("web")
    def one(request: Request) -> None: ...

    @app.function_url("NONE")
    @app.function("web")
    def two(request: Request) -> None: ...

    assert [finding.refused for finding in check(app)] == [True]
    with pytest.raises(RegistrationError, match="has a URL already"):
        deployed(app)


def test_a_public_url_has_the_two_permissions_and_its_address_is_an_output() -> None:
    template = deployed(app_with(cors=Cors("https://example.com", allow_methods=["get"], max_age=60)))
    assert properties(template, "HookUrl") == {
        "TargetFunctionArn": {"Fn::GetAtt": ["HookFunction", "Arn"]},
        "AuthType": "NONE",
        "Cors": {
            "AllowOrigins": ["https://example.com"],
            "AllowMethods": ["GET"],
            "AllowHeaders": ["*"],
            "MaxAge": 60,
        },
    }
    function = {"Fn::GetAtt": ["HookFunction", "Arn"]}
    assert properties(template, "HookUrlPermission") == {
        "FunctionName": function,
        "Action": "lambda:InvokeFunctionUrl",
        "Principal": "*",
        "FunctionUrlAuthType": "NONE",
    }
    assert properties(template, "HookUrlInvokePermission") == {
        "FunctionName": function,
        "Action": "lambda:InvokeFunction",
        "Principal": "*",
        "InvokedViaFunctionUrl": True,
    }
    assert template["Outputs"]["HookUrl"]["Value"] == {"Fn::GetAtt": ["HookUrl", "FunctionUrl"]}
    assert complaints(template) == []


def test_a_signed_url_lets_nobody_in_by_itself() -> None:
    template = deployed(app_with("AWS_IAM"))
    assert properties(template, "HookUrl")["AuthType"] == "AWS_IAM"
    assert "AWS::Lambda::Permission" not in types(template).values()


def test_the_sample_of_a_signed_url_says_who_calls() -> None:
    signed, public = (app_with(auth).handlers[0].triggers[0].sample() for auth in ("AWS_IAM", "NONE"))
    assert signed["requestContext"]["authorizer"]["iam"]["accountId"] == "123456789012"
    assert "authorizer" not in public["requestContext"]


def test_a_url_decides_nothing_about_which_function_a_handler_is_in() -> None:
    app = App("demo")

    @app.function_url("NONE")
    @app.get("/x")
    @app.schedule("rate(1 hour)")
    def mixed(event: Request) -> None: ...

    @app.function_url("NONE")
    @app.schedule("rate(1 hour)")
    def timed(event: Request) -> None: ...

    assert list(app.functions) == ["mixed", "timed"]


def test_the_url_of_a_published_function_is_its_aliass() -> None:
    app = App("demo")

    @app.function_url("NONE")
    @app.function(provisioned_concurrency=1)
    def hook(request: Request) -> None: ...

    template = deployed(app)
    assert properties(template, "HookUrl")["Qualifier"] == "live"
    assert template["Resources"]["HookUrl"]["DependsOn"] == ["HookLiveAlias"]
    assert properties(template, "HookUrlPermission")["FunctionName"] == {"Ref": "HookLiveAlias"}
    assert complaints(template) == []


def test_the_local_server_is_told() -> None:
    from eventfw.resources.names import Names

    [front] = describe(app_with(), Names("demo", "local"))["fronts"]
    assert front == {"kind": "function_url", "auth": "NONE", "cors": None, "function": "hook", "handler": "hook"}
    assert "HookUrl" in types(local(app_with()))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "has no default for auth"),
        ({"auth": "PUBLIC"}, "auth must be one of 'NONE', 'AWS_IAM'"),
        ({"auth": "NONE", "invoke_mode": "RESPONSE_STREAM"}, "Python runtimes do not"),
        ({"auth": "NONE", "invoke_mode": "STREAM"}, "invoke_mode must be one of 'BUFFERED'"),
        ({"auth": "NONE", "cors": Cors("*", allow_methods=["OPTIONS"])}, "Lambda answers preflight requests itself"),
        ({"auth": "NONE", "cors": Cors("*", allow_methods=["TRACE"])}, "not 'TRACE'"),
        ({"auth": "NONE", "cors": 1}, "cors must be origins"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(RegistrationError, match=says):
        App("demo").function_url(**options)


@dataclass
class Photo:
    name: str


def test_a_model_receives_the_body_and_what_does_not_fit_is_a_422() -> None:
    app = App("demo")

    @app.function_url("NONE")
    def hook(photo: Photo) -> str:
        return photo.name

    client = Client(app)
    assert client.send("hook", body={"name": "cat"})["body"] == "cat"
    assert client.send("hook", body={"name": 5})["statusCode"] == 422
