"""`@app.http` and its verbs: which handler a request reaches, in which API."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, Blueprint
from eventfw.errors import RegistrationError
from eventfw.routing import Router, identify
from eventfw.testing import Client

VERBS = ["get", "post", "put", "patch", "delete"]


def named(name: str) -> Any:
    def handler(request: Any) -> str:
        return name

    handler.__name__ = name
    return handler


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_fixes_the_method(verb: str) -> None:
    app = App("demo")
    getattr(app, verb)("/x")(named("one"))
    client = Client(app)
    assert client.request(verb.upper(), "/x").text == "one"
    assert client.request("HEAD", "/x").status == 404


def test_verbs_may_be_stacked_on_one_handler() -> None:
    app = App("demo")

    @app.get("/photos")
    @app.post("/photos")
    @app.put("/photos/{id:int}")
    @app.http("/old", "ANY")
    def photos(request: Any, id: int = 0) -> dict[str, Any]:
        return {"method": request.method, "id": id}

    client = Client(app)
    assert client.get("/photos").json == {"method": "GET", "id": 0}
    assert client.post("/photos").json == {"method": "POST", "id": 0}
    assert client.put("/photos/7").json == {"method": "PUT", "id": 7}
    assert client.patch("/old").json == {"method": "PATCH", "id": 0}
    assert client.delete("/photos").status == 404


def test_verbs_take_no_methods_and_are_called_by_their_names() -> None:
    app: Any = App("demo")
    with pytest.raises(RegistrationError, match="get has no option 'methods'"):
        app.get("/x", methods="POST")
    with pytest.raises(RegistrationError, match="for delete, not 7"):
        app.delete(7)
    with pytest.raises(RegistrationError, match=r"Write @app\.patch"):
        app.patch(named("x"))


def balancer(method: str, path: str) -> dict[str, Any]:
    arn = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/x/50dc6c495c0c9188"
    context = {"elb": {"targetGroupArn": arn}}
    return {"requestContext": context, "httpMethod": method, "path": path, "headers": {"a": "b"}, "body": ""}


def test_verbs_and_http_are_routed_together_where_the_function_routes() -> None:
    app = App("demo")
    app.get("/photos/new")(named("new"))
    app.put("/photos/new")(named("put"))
    app.http("/{rest:path}", "ANY")(lambda_rest())
    router = Router(app)
    for raw, wanted in ((balancer("GET", "/photos/new"), "new"), (balancer("POST", "/photos/new"), "rest")):
        assert router.pick("api", raw)[0].name == wanted
        assert [handler.name for handler in router.route(raw).reached] == [wanted]
    app = App("demo")
    app.get("/x")(named("one"))
    app.put("/x")(named("two"))
    assert Client(app).invoke("api", balancer("POST", "/x"))["headers"]["allow"] == "GET, PUT"


def lambda_rest() -> Any:
    def rest(rest: str) -> str:
        return rest

    return rest


def test_a_request_through_an_apis_default_route_is_routed_here_and_missed_here() -> None:
    app = App("demo")
    app.get("/x")(named("one"))
    client = Client(app)
    raw = app.handlers[0].triggers[0].sample() | {"routeKey": "$default"}
    assert client.invoke("api", raw)["body"] == "one"
    assert client.invoke("api", raw | {"rawPath": "/nothing"})["statusCode"] == 404
    raw["requestContext"]["http"]["method"] = "PUT"
    assert client.invoke("api", raw)["headers"]["allow"] == "GET"


def test_the_default_api_may_be_named_as_an_object() -> None:
    app = App("demo")
    web = app.http_api()
    app.get("/x", api=web)(named("one"))
    with pytest.raises(RegistrationError, match="The route GET /x is there already"):
        app.get("/x")(named("two"))
    assert Client(app).get("/x", api=web).text == Client(app).get("/x").text == "one"


def test_a_clash_of_a_verb_and_http_is_refused() -> None:
    app = App("demo")
    app.get("/x")(named("one"))
    with pytest.raises(RegistrationError, match="The route GET /x is there already"):
        app.http("/x")(named("two"))


def test_a_rest_route_is_sampled_and_answered_as_a_rest_api_has_it() -> None:
    app = App("demo")
    rest = app.rest_api("v1")

    @app.post("/photos/{id:int}", api=rest)
    def photo(request: Any, id: int) -> Any:
        return {"id": id, "tags": request.query.get_all("tag"), "body": request.json, "cookies": request.cookies}

    raw = app.handlers[0].triggers[0].sample(id=3, query="tag=a&tag=b%26", body={"a": 1})
    assert identify(raw) == "apigw_rest"
    assert raw["requestContext"]["path"] == "/v1/photos/3" and raw["path"] == "/photos/3"
    client = Client(app)
    answer = client.invoke("api", raw)
    assert sorted(answer) == ["body", "isBase64Encoded", "multiValueHeaders", "statusCode"]
    told = client.post("/photos/3?tag=a&tag=b%26", json={"a": 1}, headers={"cookie": "s=1; t=2"}).json
    assert told == {"id": 3, "tags": ["a", "b&"], "body": {"a": 1}, "cookies": {"s": "1", "t": "2"}}
    missed = client.get("/nothing", api=rest)
    assert (missed.status, missed.json) == (403, {"message": "Missing Authentication Token"})


def test_a_client_asks_the_default_api_first_and_the_one_it_is_told() -> None:
    app = App("demo")
    admin = app.http_api("admin")
    app.get("/x")(app.function("one")(named("one")))
    app.get("/x", api=admin)(app.function("two")(named("two")))
    app.get("/y", api=admin)(app.function("two")(named("three")))
    client = Client(app)
    assert client.get("/x").text == "one"
    assert client.get("/x", api=admin).text == "two"
    assert client.get("/y").text == "three"
    assert client.get("/z", api=admin).status == 404


def test_cookies_of_a_rest_answer_are_told_as_those_of_any_other() -> None:
    from eventfw import Response

    app = App("demo")

    @app.get("/x", api=app.rest_api("v1"))
    def handler() -> Response:
        response = Response("a")
        response.set_cookie("s", "1", secure=False, http_only=False, same_site="")
        response.set_cookie("t", "2", secure=False, http_only=False, same_site="")
        return response

    answer = Client(app).get("/x")
    assert (answer.text, answer.cookies) == ("a", ["s=1; Path=/", "t=2; Path=/"])


def test_what_an_authorizer_found_is_given_to_a_sample() -> None:
    app = App("demo")

    @app.get("/x", api=app.rest_api("v1"))
    @app.get("/x")
    def handler(request: Any) -> Any:
        return {"authorizer": request.authorizer, "claims": request.claims}

    client = Client(app)
    for api in (None, app.resources[0]):
        assert client.get("/x", api=api, authorizer={"a": "b"}).json["authorizer"] == {"a": "b"}
        assert client.get("/x", api=api, claims={"sub": "1"}).json["claims"] == {"sub": "1"}
        assert client.get("/x", api=api).json == {"authorizer": {}, "claims": {}}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api": "v1"}, "api must be what"),
        ({"authorizer": 5}, "authorizer must be the handler"),
        ({"scopes": "a"}, "scopes must be a list"),
        ({"scopes": ["a"]}, "whose authorizer is an app.jwt_authorizer"),
        ({"scopes": ["a"], "authorizer": "iam"}, "whose authorizer is an app.jwt_authorizer"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], said: str) -> None:
    app: Any = App("demo")
    with pytest.raises(RegistrationError, match=said):
        app.get("/x", **options)


def test_an_authorizer_is_named_by_its_handler_or_by_name_also_across_blueprints() -> None:
    app, more = App("demo"), Blueprint("more")
    check = app.authorizer()(named("check"))
    more.get("/a", authorizer=check)(named("a"))
    more.get("/b", authorizer="check")(named("b"))
    app.mount(more)
    assert app.functions
    authorizer = app.handlers[0].triggers[0]
    assert [trigger.authorizer for handler in app.handlers[1:] for trigger in handler.triggers] == [authorizer] * 2


def test_what_is_no_authorizer_is_refused_on_the_routes_line() -> None:
    for wanted in ("chek", named("other"), "a"):
        app = App("demo")
        app.get("/a", authorizer=wanted)(named("a"))
        with pytest.raises(RegistrationError, match="is no authorizer of the app") as error:
            _ = app.functions
        assert "test_http.py" in error.value.place


def test_an_authorizer_in_a_later_stack_is_refused() -> None:
    app, more = App("demo"), Blueprint("more")
    check = more.authorizer()(named("check"))
    app.mount(more, stack=True)
    app.get("/a", authorizer=check)(named("a"))
    with pytest.raises(RegistrationError, match="deployed after"):
        _ = app.functions
