"""Which kind an event is, which handler it reaches, and why not the others."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App
from eventfw.errors import RoutingError
from eventfw.paths import HttpTable
from eventfw.routing import Router, identify


def deep(levels: int = 5000) -> Any:
    value: Any = {}
    for _ in range(levels):
        value = {"Records": [value]}
    return value


def request(method: str, path: str, **more: Any) -> dict[str, Any]:
    context = {"http": {"method": method, "path": path}, "stage": more.pop("stage", "$default")}
    return {"version": "2.0", "rawPath": path, "requestContext": context, **more}


@pytest.mark.parametrize(
    "raw",
    [
        None,
        1,
        float("nan"),
        "x",
        [],
        [1],
        {},
        {"Records": 5},
        {"Records": []},
        {"Records": [1]},
        {"Records": [{}]},
        {"Records": [{"eventSource": []}]},
        {"requestContext": 1},
        {"requestContext": {"http": []}, "version": "2.0"},
        {"detail-type": 1, "source": []},
        {"Event": []},
        {1: 2},
        {"version": float("nan")},
    ],
)
def test_what_no_source_sends_is_unknown(raw: Any) -> None:
    assert identify(raw) == "unknown"


def test_a_deep_event_is_looked_at_from_above() -> None:
    assert identify(deep()) == "unknown"


def test_an_authorizer_is_not_taken_for_a_request() -> None:
    assert identify(request("GET", "/", routeArn="arn:aws:execute-api:x")) == "apigw_authorizer_v2"


def test_a_function_url_is_not_taken_for_an_api() -> None:
    raw = request("GET", "/")
    raw["requestContext"]["domainName"] = "abc.lambda-url.eu-west-1.on.aws"
    assert identify(raw) == "function_url"


@pytest.fixture
def app() -> App:
    app = App("demo")

    @app.http("/photos/{name}")
    def photo(request: Any, name: str) -> str:
        return f"photo {name}"

    @app.http("/photos/new")
    def new(request: Any) -> str:
        return "new"

    @app.function("api")
    def direct(payload: Any) -> Any:
        return payload

    return app


def test_the_route_key_decides(app: App) -> None:
    raw = request("GET", "/photos/new", routeKey="GET /photos/{name}")
    assert Router(app).pick("api", raw)[0].name == "photo"


def test_without_a_route_key_the_most_specific_route_decides(app: App) -> None:
    router, raw = Router(app), request("GET", "/photos/new")
    assert router.pick("api", raw)[0].name == "new"
    assert [handler.name for handler in router.route(raw).reached] == ["new"]
    assert router.route(raw).why["photo"] == "the more specific route of `new` takes it"


@pytest.mark.parametrize("raw", [{"routeKey": []}, {"routeKey": "GET /photos/new"}, {"version": "2.0"}, [], None, 5])
def test_any_other_payload_is_a_direct_invocation(app: App, raw: Any) -> None:
    assert Router(app).pick("api", raw)[0].name == "direct"


@pytest.mark.parametrize("broken", [{"http": {}}, {"http": {"method": 1}}, {"http": {"method": "GET"}}])
def test_a_broken_request_is_explained(app: App, broken: Any) -> None:
    route = Router(app).route({"version": "2.0", "requestContext": broken})
    assert route.kind == "apigw_http_v2" and not route.reached and set(route.why) == {"photo", "new", "direct"}


def test_an_event_that_nobody_takes_says_why() -> None:
    app = App("demo")
    app.schedule("rate(5 minutes)")(lambda_named("tick"))
    with pytest.raises(RoutingError, match=r"tick \(schedule rate\(5 minutes\)\): kind sqs is not eventbridge"):
        Router(app).pick("tick", {"Records": [{"eventSource": "aws:sqs"}]})


def lambda_named(name: str) -> Any:
    def function(event: Any) -> None: ...

    function.__name__ = name
    return function


ROUTES = [
    ["GET", "/", "api", "root"],
    ["GET", "/a/{x}", "api", "parameter"],
    ["ANY", "/a/{x}", "api", "any"],
    ["GET", "/a/b", "api", "literal"],
    ["GET", "/a/{rest+}", "api", "greedy"],
    ["GET", "/c/", "api", "slash"],
]


@pytest.mark.parametrize(
    ("method", "path", "handler"),
    [
        ("GET", "/", "root"),
        ("GET", "/a/b", "literal"),
        ("GET", "/a/z", "parameter"),
        ("PUT", "/a/z", "any"),
        ("PUT", "/a/b", "any"),
        ("GET", "/a/b/c", "greedy"),
        ("GET", "/c/", "slash"),
        ("GET", "/c", None),
        ("PUT", "/", None),
        ("GET", "/a/", None),
        ("GET", "/a", None),
        ("GET", "", "root"),
    ],
)
def test_the_table_takes_the_most_specific_route(method: str, path: str, handler: str | None) -> None:
    found = HttpTable(ROUTES).match(method, path)
    assert (found and found[3]) == handler
