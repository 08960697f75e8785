"""Which kind an event is, which handler it reaches, and why not the others."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App
from eventfw.errors import RoutingError
from eventfw.http import HTTPError
from eventfw.paths import HttpTable
from eventfw.routing import Router, identify, reason
from eventfw.runtime import entry


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


def many(count: int) -> App:
    """An app with ``count`` handlers of each of five sources."""
    app = App("demo")
    uploads, other = app.bucket("uploads"), app.bucket("other")
    for number in range(count):
        app.s3_trigger(uploads if number % 2 else other, prefix=f"in/{number}/", suffix=".png")(named("s3", number))
        app.sqs_consumer(app.queue(f"orders-{number}"))(named("sqs", number))
        app.schedule("rate(5 minutes)")(named("tick", number))
        app.event_rule({"source": ["shop"], "detail": {"id": [number]}})(named("rule", number))
        app.http(f"/things/{number}/{{x}}", methods="ANY" if number % 3 else "GET")(named("http", number))
    return app


def named(kind: str, number: int) -> Any:
    function = lambda_named(f"{kind}{number}")
    if kind == "http":

        def function(x: Any) -> None: ...

        function.__name__ = f"http{number}"
    return function


def events(count: int) -> list[Any]:
    """Events that reach one handler, several, or none."""
    app = many(3)
    found: list[Any] = [{"Records": []}, None, {"source": "shop", "detail-type": "x", "detail": {"id": [0, 2, 5000]}}]
    for handler in app.handlers:
        raw = handler.triggers[0].sample()
        found += [raw, without(raw, "Records"), without(raw, "source"), without(raw, "requestContext")]
    for number in (0, 1, count - 1, count):
        found.append(request("PUT", f"/things/{number}/y"))
        found.append({"source": "shop", "detail-type": "x", "detail": {"id": number}})
        found.append(notification("uploads", f"in/{number}/a.png"))
        found.append(notification("demo-dev-other-123456789012-eu-west-1", f"in/{number}/a.png"))
        found.append(notification("other", "in/0/a.txt"))
        for name in (f"orders-{number}", f"demo-dev-orders-{number}", f"x-orders-{number}"):
            found.append({"Records": [{"eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:us-east-1:1:{name}"}]})
    return found


def without(raw: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if name != key}


def notification(bucket: str, key: str) -> dict[str, Any]:
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    return {"Records": [{**record, "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]}


def test_the_index_leads_to_what_asking_every_trigger_finds() -> None:
    app = many(20)
    router = Router(app)
    reached = 0
    for raw in events(20):
        kind = identify(raw)
        every = [
            handler.name for handler in app.handlers if any(not reason(one, kind, raw) for one in handler.triggers)
        ]
        assert [handler.name for handler in router.route(raw).reached] == every, raw
        assert set(router.route(raw).why) == {handler.name for handler in app.handlers} - set(every)
        reached += len(every)
    assert reached > 30


def test_an_event_asks_a_few_triggers_however_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    app = many(300)
    router = Router(app)
    asked: list[str] = []
    for source in {type(trigger) for handler in app.handlers for trigger in handler.triggers}:
        monkeypatch.setattr(source, "mismatch", told(source.mismatch, asked))
    for raw in events(300):
        asked.clear()
        router.route(raw)
        assert len(asked) <= 3, raw


def told(mismatch: Any, asked: list[str]) -> Any:
    def mismatch_and_tell(trigger: Any, raw: Any) -> str:
        asked.append(trigger.handler)
        return str(mismatch(trigger, raw))

    return mismatch_and_tell


URL = "abc.lambda-url.eu-west-1.on.aws"


def behind_a_url(method: str, path: str) -> dict[str, Any]:
    raw = request(method, path, routeKey="$default")
    raw["requestContext"]["domainName"] = URL
    return raw


@pytest.fixture
def site() -> App:
    app = App("demo")

    @app.http("/photos/{name}", methods=["GET", "PUT"])
    def photo(request: Any, name: str) -> str:
        return f"photo {name}"

    @app.http("/photos/new", methods="POST")
    def new(request: Any) -> str:
        return "new"

    return app


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/photos/cat", 200, None),
        ("GET", "/photos/new", 200, None),
        ("DELETE", "/photos/cat", 405, "GET, PUT"),
        ("HEAD", "/photos/new", 405, "GET, POST, PUT"),
        ("GET", "/nothing", 404, None),
    ],
)
def test_behind_a_function_url_the_function_routes(
    site: App, method: str, path: str, status: int, allow: str | None
) -> None:
    answer = entry(site, "api")(behind_a_url(method, path), None)
    assert (answer["statusCode"], answer["headers"].get("allow")) == (status, allow)
    told = Router(site).route(behind_a_url(method, path)).answers.get("api")
    assert (told.status if told else 200) == status


def test_behind_an_http_api_a_miss_is_the_gateways_affair(site: App) -> None:
    assert not Router(site).route(request("DELETE", "/photos/cat")).answers
    with pytest.raises(RoutingError, match="method DELETE is not GET or PUT"):
        Router(site).pick("api", request("DELETE", "/photos/cat"))


def test_a_direct_handler_is_not_for_requests_that_no_route_takes(site: App) -> None:
    @site.function("api")
    def direct(payload: Any) -> Any:
        return payload

    router = Router(site)
    for method, path, status in (("DELETE", "/photos/cat", 405), ("GET", "/zz", 404)):
        raw = behind_a_url(method, path)
        assert entry(site, "api")(raw, None)["statusCode"] == router.route(raw).answers["api"].status == status
    assert router.pick("api", {"any": "payload"})[0].name == "direct"


def test_the_table_says_which_methods_a_path_has() -> None:
    assert HttpTable(ROUTES).allowed("/a/b") == ["ANY", "GET"]
    assert HttpTable(ROUTES).allowed("/b") == []


def test_a_function_url_belongs_to_one_function_so_each_is_told_of() -> None:
    app = App("demo")

    @app.http("/a/{x}")
    @app.function("one")
    def p(x: str) -> None: ...

    @app.http("/a/b")
    @app.function("two")
    def q() -> None: ...

    router = Router(app)
    both = router.route(behind_a_url("GET", "/a/b"))
    assert ([handler.name for handler in both.reached], both.answers) == (["p", "q"], {})
    first = router.route(behind_a_url("GET", "/a/c"))
    assert [handler.name for handler in first.reached] == ["p"]
    assert {name: answer.status for name, answer in first.answers.items()} == {"two": 404}
    assert first.why == {"q": "path `/a/c` does not match `/a/b`"}
    wrong = router.route(behind_a_url("PUT", "/a/b"))
    assert {name: answer.status for name, answer in wrong.answers.items()} == {"one": 405, "two": 405}


def test_the_functions_own_answers_go_through_the_apps_middleware(site: App) -> None:
    seen: list[str] = []

    @site.middleware
    def log(event: Any, call: Any) -> Any:
        seen.append(event.raw_path)
        try:
            return call(event)
        except HTTPError as error:
            seen.append(str(error.status))
            raise

    assert entry(site, "api")(behind_a_url("GET", "/nothing"), None)["statusCode"] == 404
    assert seen == ["/nothing", "404"]


def switched(on: bool) -> App:
    app = App("demo")

    @app.event_rule({"source": ["shop"]}, enabled=on)
    @app.function("both")
    def old(event: Any) -> None: ...

    @app.event_rule({"source": ["shop"]}, enabled=not on)
    @app.function("both")
    def new(event: Any) -> None: ...

    return app


@pytest.mark.parametrize("on", [True, False])
def test_what_is_switched_off_is_not_reached_and_says_so(on: bool) -> None:
    raw = {"source": "shop", "detail-type": "x", "detail": {}}
    router = Router(switched(on))
    reached, other = ("old", "new") if on else ("new", "old")
    assert [handler.name for handler in router.route(raw).reached] == [reached]
    assert router.route(raw).why == {other: "it is switched off (enabled=False)"}
    assert router.pick("both", raw)[0].name == reached


def test_a_rule_alone_that_is_switched_off_still_runs_what_is_sent_to_it() -> None:
    app = App("demo")
    app.event_rule({"source": ["shop"]}, enabled=False)(lambda_named("only"))
    assert Router(app).pick("only", {"source": "shop", "detail-type": "x", "detail": {}})[0].name == "only"


def test_an_event_that_asks_too_much_of_one_pattern_still_reaches_the_others() -> None:
    app = App("demo")
    app.event_rule({"detail": {"a": {"x": [1], "y": [1]}}})(lambda_named("involved"))
    app.event_rule({"source": ["shop"]})(lambda_named("plain"))
    items = [{"x": 1, "y": 1} for _ in range(20_001)]
    raw = {"source": "shop", "detail-type": "x", "detail": {"a": items}}
    route = Router(app).route(raw)
    assert [handler.name for handler in route.reached] == ["plain"]
    assert "combines more than" in route.why["involved"]
    assert Router(app).pick("involved", raw)[0].name == "involved"  # alone in its function, it was meant


def test_a_schedule_and_rules_for_events_of_aws_share_a_function() -> None:
    app = App("demo")

    @app.event_rule({"source": [{"prefix": "aws."}], "detail": {"a": [1]}})
    @app.function("watch")
    def first(event: Any) -> None: ...

    @app.event_rule({"source": [{"prefix": "aws."}], "detail": {"a": [{"exists": False}]}})
    @app.function("watch")
    def second(event: Any) -> None: ...

    @app.schedule("rate(1 minute)")
    @app.function("watch")
    def tick(event: Any) -> None: ...

    assert Router(app).pick("watch", app.handlers[2].triggers[0].sample())[0].name == "tick"


def test_a_handler_that_fits_by_two_triggers_runs() -> None:
    app = App("demo")

    @app.event_rule({"source": ["shop"]})
    @app.event_rule({"detail": {"a": [1]}})
    def both(event: Any) -> None: ...

    assert Router(app).pick("both", {"source": "shop", "detail-type": "x", "detail": {"a": 1}})[0].name == "both"


def test_a_route_of_another_function_does_not_take_a_request_behind_a_url() -> None:
    app = App("demo")

    @app.http("/a/b", methods="PUT")
    @app.http("/a/{x}")
    @app.function("one")
    def p(x: str = "") -> None: ...

    @app.http("/a/b")
    @app.function("one")
    def q() -> None: ...

    @app.http("/{x}/b")
    @app.function("two")
    def r(x: str) -> None: ...

    route = Router(app).route(behind_a_url("GET", "/a/b"))
    assert [handler.name for handler in route.reached] == ["q", "r"]
    assert route.why == {"p": "the more specific route of `q` takes it"}
