"""Function URLs and the like on the local server: an event as AWS writes it, an answer as AWS makes it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from test_gateway import Functions, Result, ask

from eventfw.errors import LocalError
from eventfw.routing import identify
from eventfw.tools.local.web.asgi import Exchange, HttpResponse, respond
from eventfw.tools.local.web.fronts import URL_LIMIT, Fronts
from eventfw.tools.local.workers.results import Throttled

URL = {"kind": "function_url", "function": "hook", "handler": "hook", "auth": "NONE", "cors": None}


async def beyond(scope: Any, receive: Any, send: Any) -> None:
    await respond(send, HttpResponse(200, [], b"beyond"))


def fronts(*described: dict[str, Any], functions: Functions | None = None, **options: Any) -> Fronts:
    made = Fronts(beyond, functions or Functions(), **options)
    made.replace(described or [URL])
    return made


def test_a_request_reaches_the_function_without_the_paths_beginning() -> None:
    functions = Functions()
    answer = ask(fronts(functions=functions), "POST", "/_url/hook/photos/a%20b?x=1", b"{}", content_type="text/plain")
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"ok", "application/json")
    [(function, event)] = functions.calls
    assert (function, event["rawPath"], event["rawQueryString"]) == ("hook", "/photos/a%20b", "x=1")
    assert (event["routeKey"], event["body"]) == ("$default", "{}")
    assert event["requestContext"]["accountId"] == "anonymous"
    assert identify(event) == "function_url"
    assert event["headers"]["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize(("target", "path"), [("/_url/hook", "/"), ("/_url/hook/", "/"), ("/_url/hook/a/", "/a/")])
def test_the_path_below_the_functions_name_is_the_urls(target: str, path: str) -> None:
    functions = Functions()
    ask(fronts(functions=functions), target=target)
    assert functions.calls[0][1]["rawPath"] == path


def test_all_other_paths_are_left_to_the_apis() -> None:
    functions = Functions()
    for target in ("/", "/photos", "/_url", "/_urls/hook", "/_url%2Fhook", "/%5Furl/hook"):
        assert ask(fronts(functions=functions), target=target).body == b"beyond"
    assert functions.calls == []


def test_a_function_without_a_url_is_not_invoked() -> None:
    functions, seen = Functions(), []
    answer = ask(fronts(functions=functions, observe=seen.append), target="/_url/other/")
    assert answer.status == 404 and b"There is: /_url/hook" in answer.body
    assert functions.calls == [] and [type(one) for one in seen] == [Exchange]


@pytest.mark.parametrize("header", [{"host": "evil.example"}, {"origin": "https://evil.example"}])
def test_foreign_pages_are_refused(header: dict[str, str]) -> None:
    functions = Functions()
    assert ask(fronts(functions=functions), target="/_url/hook/", **header).status == 403
    assert functions.calls == []


def test_a_body_over_the_limit_is_refused() -> None:
    functions = Functions()
    assert ask(fronts(functions=functions), "POST", "/_url/hook/", b"x" * (URL_LIMIT + 1)).status == 413
    assert functions.calls == []


def test_bytes_are_over_the_limit_once_they_are_base64() -> None:
    functions = Functions()
    body = b"x" * (URL_LIMIT * 4 // 5)
    answer = ask(fronts(functions=functions), "POST", "/_url/hook/", body, content_type="image/png")
    assert (answer.status, functions.calls) == (413, [])
    assert ask(fronts(functions=functions), "POST", "/_url/hook/", body, content_type="text/plain").status == 200


def test_a_failure_is_the_services_502() -> None:
    seen: list[Exchange] = []
    failed = Functions(Result(b'{"errorType": "KeyError", "errorMessage": "x"}', error=True))
    answer = ask(fronts(functions=failed, observe=seen.append), target="/_url/hook/")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    assert seen[0].problem == "hook failed: KeyError: x"
    assert ask(fronts(functions=Functions(LocalError("no worker"))), target="/_url/hook/").status == 502


def test_a_throttled_function_is_a_429_at_its_url_and_a_failure_elsewhere() -> None:
    throttled = Functions(Throttled("hook runs twice already.", "ConcurrentInvocationLimitExceeded"))
    answer = ask(fronts(functions=throttled), target="/_url/hook/")
    assert (answer.status, json.loads(answer.body)["Reason"]) == (429, "ConcurrentInvocationLimitExceeded")
    assert ask(fronts(ALB, functions=throttled), target="/_alb/photo/photos/a?x=1&x=2").status == 502


def test_a_url_for_signed_requests_refuses_others() -> None:
    functions = Functions()
    app = fronts({**URL, "auth": "AWS_IAM"}, functions=functions)
    answer = ask(app, target="/_url/hook/")
    assert (answer.status, json.loads(answer.body)) == (403, {"Message": "Forbidden"})
    assert functions.calls == []
    assert ask(app, target="/_url/hook/", authorization="AWS4-HMAC-SHA256 Credential=x").status == 200
    assert functions.calls[0][1]["requestContext"]["authorizer"]["iam"]["accountId"] == "000000000000"
    assert ask(app, target="/_url/hook/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=x").status == 200


def test_a_url_with_cors_answers_preflights_itself() -> None:
    functions = Functions()
    origin = "http://localhost:3000"
    cors = {"AllowOrigins": [origin], "AllowMethods": ["GET"], "AllowHeaders": ["*"]}
    app = fronts({**URL, "cors": cors}, functions=functions)
    asked = ask(app, "OPTIONS", "/_url/hook/", origin=origin, access_control_request_method="GET")
    assert asked.header("access-control-allow-methods") == "GET" and functions.calls == []
    assert ask(app, target="/_url/hook/", origin=origin).header("access-control-allow-origin") == origin
    assert len(functions.calls) == 1


def test_what_is_no_request_is_left_to_the_app_beyond() -> None:
    kinds = []

    async def seen(scope: Any, receive: Any, send: Any) -> None:
        kinds.append(scope["type"])

    asyncio.run(Fronts(seen, Functions())({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert kinds == ["lifespan"]


CONDITIONS = {"path": ["/photos/*"], "host": ["a.example.com"], "methods": ["GET"], "headers": {}, "query": {}}
ALB = {"kind": "alb", "function": "photo", "handler": "photo", "multi_value": True, "conditions": CONDITIONS}
MATCH = {"path": "/photos/*", "method": "GET", "headers": {}}
LATTICE = {"kind": "vpc_lattice", "function": "photo", "handler": "photo", "match": MATCH}
MULTI = Result(b'{"statusCode": 200, "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]}, "body": "ok"}')


def test_a_load_balancer_sends_its_event_and_takes_its_answer() -> None:
    functions = Functions(MULTI)
    answer = ask(fronts(ALB, functions=functions), target="/_alb/photo/photos/a?x=1&x=2")
    assert (answer.status, answer.body) == (200, b"ok")
    assert [value for name, value in answer.headers if name == "set-cookie"] == ["a=1", "b=2"]
    [(function, event)] = functions.calls
    assert (function, identify(event), event["path"]) == ("photo", "alb", "/photos/a")
    assert event["multiValueQueryStringParameters"] == {"x": ["1", "2"]}


def test_lattice_sends_its_event_and_takes_its_answer() -> None:
    functions = Functions()
    answer = ask(fronts(LATTICE, functions=functions), target="/_lattice/photo/photos/a?x=1")
    assert (answer.status, answer.body) == (200, b"ok")
    [(function, event)] = functions.calls
    assert (function, identify(event), event["path"]) == ("photo", "vpc_lattice_v2", "/photos/a?x=1")


@pytest.mark.parametrize(("front", "prefix"), [(ALB, "_alb"), (LATTICE, "_lattice")])
def test_a_request_that_no_rule_takes_says_why(front: dict[str, Any], prefix: str) -> None:
    functions = Functions()
    for method, path, why in (("GET", "/b", b"path `/b` does not match"), ("PUT", "/photos/a", b"method PUT is not")):
        answer = ask(fronts(front, functions=functions), method, f"/{prefix}/photo{path}")
        assert answer.status == 404 and why in answer.body
    assert functions.calls == []
    other = {**front, "conditions": {**CONDITIONS, "path": ["/b"]}, "match": {**MATCH, "path": "/b"}}
    assert ask(fronts(front, other, functions=functions), "GET", f"/{prefix}/photo/b").status in (200, 502)
    assert len(functions.calls) == 1


@pytest.mark.parametrize(("front", "prefix"), [(ALB, "_alb"), (LATTICE, "_lattice")])
def test_a_failing_target_is_a_502(front: dict[str, Any], prefix: str) -> None:
    failed = Functions(Result(b'{"errorMessage": "x"}', error=True))
    assert ask(fronts(front, functions=failed), "GET", f"/{prefix}/photo/photos/a").status == 502
    assert ask(fronts(front, functions=Functions(Result(b"[]"))), "GET", f"/{prefix}/photo/photos/a").status == 502


def test_a_load_balancer_takes_a_megabyte_and_upgrades_nothing() -> None:
    functions = Functions()
    app = fronts(ALB, functions=functions)
    assert ask(app, "GET", "/_alb/photo/photos/a", connection="x", upgrade="websocket").status == 400
    assert ask(app, "GET", "/_alb/photo/photos/a", b"x" * (1024 * 1024 + 1)).status == 413
    assert functions.calls == []
