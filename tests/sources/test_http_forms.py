"""`@app.http` behind a REST API, an HTTP API in format 1.0, a function URL, a load balancer and VPC Lattice.

Requests are made into events, and answers into responses, by the local server's side of the same contracts, so that
each checks the other; then come events as AWS writes them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from eventfw import App, HTTPError, Request, Response
from eventfw.http import method_and_path
from eventfw.http_forms import ProxyRequest
from eventfw.routing import Router, identify, reason
from eventfw.runtime import entry
from eventfw.testing import Client
from eventfw.tools.local.web.alb import alb_event, alb_response
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse
from eventfw.tools.local.web.function_url import url_event, url_response
from eventfw.tools.local.web.http_api_v1 import http_v1_event, http_v1_response
from eventfw.tools.local.web.lattice import lattice_response, lattice_v1_event, lattice_v2_event
from eventfw.tools.local.web.rest_api import RestStage, rest_event, rest_response

RECEIVED = datetime(2026, 3, 12, 19, 3, 58, tzinfo=UTC)
STAGE = RestStage("v1", binary_media_types=["*/*"])


def through_rest(request: HttpRequest) -> dict[str, Any]:
    """The event of a REST API that sends everything to the function."""
    below = replace(request, path="/v1" + request.path)
    return rest_event(below, "/{proxy+}", {}, STAGE, request_id="id", extended_request_id="id", received=RECEIVED)


def through_v1(request: HttpRequest) -> dict[str, Any]:
    """The event of an HTTP API in format 1.0, whose stage stays in the path."""
    below = replace(request, path="/v1" + request.path)
    return http_v1_event(below, "ANY /{proxy+}", {}, request_id="id", received=RECEIVED, stage="v1")


EVENTS: dict[str, Callable[[HttpRequest], dict[str, Any]]] = {
    "rest": through_rest,
    "http_v1": through_v1,
    "url": partial(url_event, request_id="id", received=RECEIVED),
    "alb": alb_event,
    "alb_multi": partial(alb_event, multi_value=True),
    "lattice_v1": lattice_v1_event,
    "lattice_v2": partial(lattice_v2_event, received=RECEIVED),
}
RESPONSES: dict[str, Callable[[bytes], HttpResponse]] = {
    "rest": lambda payload: lowered(rest_response(payload, STAGE)),
    "http_v1": http_v1_response,
    "url": url_response,
    "alb": alb_response,
    "alb_multi": partial(alb_response, multi_value=True),
    "lattice_v1": lattice_response,
    "lattice_v2": lattice_response,
}
KINDS = {
    "rest": "apigw_rest",
    "http_v1": "apigw_http_v1",
    "url": "function_url",
    "alb": "alb",
    "alb_multi": "alb",
    "lattice_v1": "vpc_lattice_v1",
    "lattice_v2": "vpc_lattice_v2",
}
ALL = sorted(EVENTS)
FORMS = pytest.mark.parametrize("form", ALL)
ONE_VALUE = ["alb", "lattice_v1"]
HOST = ("host", "abc.lambda-url.us-east-1.on.aws")


def lowered(response: HttpResponse) -> HttpResponse:
    """A response with the names of its headers in lower case, where AWS writes its own in capitals."""
    headers = [(name.lower(), value) for name, value in response.headers]
    if not response.body:  # a REST API says JSON of an empty body, too
        headers = [pair for pair in headers if pair != ("content-type", "application/json")]
    return replace(response, headers=headers)


def event(form: str, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> dict[str, Any]:
    path, _, query = target.partition("?")
    return EVENTS[form](HttpRequest(method, path, query, [HOST, *headers], body))


def answer(form: str, app: App, raw: Any) -> HttpResponse:
    """The response made of what the function returns for an event, which is JSON on the way."""
    response = RESPONSES[form](json.dumps(entry(app, "api")(raw, None)).encode())
    assert not response.problem, response.problem
    return response


def given(form: str, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Request:
    """The request that a handler receives."""
    app, seen = App("demo"), []

    @app.http("/{rest:path}", methods="ANY")
    def handler(request: Request, rest: str) -> None:
        seen.append(request)

    assert answer(form, app, event(form, method, target, *headers, body=body)).status == 204
    return seen[0]


def returned(form: str, result: Any, method: str = "GET") -> HttpResponse:
    """The response to a request whose handler returns, or raises, ``result``."""
    app = App("demo")

    @app.http("/x", methods=["GET", "HEAD"])
    def handler() -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return answer(form, app, event(form, method, "/x"))


@pytest.fixture
def site() -> App:
    app = App("demo")

    @app.http("/photos/{name}", methods=["GET", "PUT"])
    def photo(request: Request, name: str) -> dict[str, str]:
        return {"name": name}

    @app.http("/photos/new", methods="POST")
    def new() -> str:
        return "new"

    @app.http("/numbers/{id:int}")
    def number(id: int) -> dict[str, int]:
        return {"id": id}

    @app.http("/files/{rest:path}", methods="ANY")
    def files(rest: str) -> dict[str, str]:
        return {"rest": rest}

    return app


@FORMS
def test_events_are_recognised_as_what_a_handler_takes(form: str, site: App) -> None:
    raw = event(form, "GET", "/photos/cat")
    assert identify(raw) == KINDS[form]
    assert KINDS[form] in site.handlers[0].triggers[0].kinds


@FORMS
@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", "/photos/cat", 200, {"name": "cat"}),
        ("GET", "/photos/cat?x=1&y=/a/b", 200, {"name": "cat"}),
        ("GET", "/photos/a%2Fb", 200, {"name": "a/b"}),
        ("GET", "/photos/a+b%2B%25", 200, {"name": "a+b+%"}),
        ("GET", "/photos/%C3%BC%F0%9F%90%88", 200, {"name": "ü🐈"}),
        ("GET", "/photos/new?", 200, {"name": "new"}),
        ("GET", "/files/a%2Fb/c", 200, {"rest": "a/b/c"}),
        ("TRACE", "/files/a", 200, {"rest": "a"}),
        ("GET", "/numbers/-7", 200, {"id": -7}),
        ("GET", "/numbers/seven", 404, {"message": "Not Found"}),
        ("GET", "/photos/", 404, {"message": "Not Found"}),
        ("GET", "/", 404, {"message": "Not Found"}),
        ("GET", "/nothing?photos=/photos/cat", 404, {"message": "Not Found"}),
        ("DELETE", "/photos/cat", 405, {"message": "Method Not Allowed"}),
    ],
)
def test_the_function_routes(form: str, method: str, target: str, status: int, body: Any, site: App) -> None:
    response = answer(form, site, event(form, method, target))
    assert (response.status, json.loads(response.body)) == (status, body)
    assert dict(response.headers)["content-type"] == "application/json"


@FORMS
def test_a_slash_at_the_end_counts_but_in_a_rest_api(form: str, site: App) -> None:
    response = answer(form, site, event(form, "GET", "/files/a/"))
    assert json.loads(response.body) == {"rest": "a" if form == "rest" else "a/"}
    assert answer(form, site, event(form, "GET", "/photos/cat/")).status == (200 if form == "rest" else 404)


@pytest.mark.parametrize("form", ["rest", "http_v1"])
def test_api_gateway_says_where_a_request_came_from_and_calls_it_by_an_id(form: str) -> None:
    request = given(form, "GET", "/x", ("x-forwarded-for", "203.0.113.9"))
    assert (request.source_ip, request.request_id) == ("127.0.0.1", "id")


def test_what_an_authorizer_said_is_read_off_either_form() -> None:
    rest = event("rest", "GET", "/x")
    rest["requestContext"]["authorizer"] = {"principalId": "anna", "tenant": "7"}
    assert ProxyRequest(rest).authorizer == {"principalId": "anna", "tenant": "7"}
    rest["requestContext"]["authorizer"] = {"claims": {"sub": "1"}}
    assert ProxyRequest(rest).claims == {"sub": "1"}
    http = event("url", "GET", "/x")
    assert (Request(http).authorizer, Request(http).claims) == ({}, {})
    http["requestContext"]["authorizer"] = {"lambda": {"tenant": 7}}
    assert (Request(http).authorizer, Request(http).claims) == ({"tenant": 7}, {})
    http["requestContext"]["authorizer"] = {"lambda": None}
    assert Request(http).authorizer == {}
    http["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": "1"}, "scopes": None}}
    assert Request(http).claims == {"sub": "1"}


@FORMS
@pytest.mark.parametrize(("path", "allow"), [("/photos/cat", "GET, PUT"), ("/photos/new", "GET, POST, PUT")])
def test_a_405_says_which_methods_there_are(form: str, path: str, allow: str, site: App) -> None:
    assert dict(answer(form, site, event(form, "HEAD", path)).headers)["allow"] == allow


@FORMS
def test_what_keeps_a_request_from_a_handler_is_said_with_its_method_and_path(form: str, site: App) -> None:
    trigger = site.handlers[0].triggers[0]
    assert reason(trigger, KINDS[form], event(form, "GET", "/photos/a%2Fb?x=1")) == ""
    assert reason(trigger, KINDS[form], event(form, "POST", "/photos/cat")) == "method POST is not GET or PUT"
    told = reason(trigger, KINDS[form], event(form, "GET", "/n%2Fo?x=1"))
    assert told == "path `/n%2Fo` does not match `/photos/{name}`"
    assert "photo" in [handler.name for handler in Router(site).route(event(form, "PUT", "/photos/x")).reached]


@FORMS
def test_messages_do_not_repeat_control_characters(form: str, site: App) -> None:
    trigger = site.handlers[0].triggers[0]
    assert "\x1b" not in reason(trigger, KINDS[form], event(form, "GET", "/\x1b[31m"))
    assert "\x1b" not in reason(trigger, KINDS[form], event(form, "\x1b[31m", "/photos/x"))
    assert "\x1b" not in repr(trigger.parse(event(form, "GET", "/\x1b[31m"), None))


@FORMS
@pytest.mark.parametrize("target", ["/a%20b/%C3%BC", "/a%20b/%C3%BC?x=%20&x", "/a%20b/%C3%BC?"])
def test_the_path_is_as_the_client_sent_it_and_decoded(form: str, target: str) -> None:
    request = given(form, "POST", target)
    assert (request.method, request.raw_path, request.path) == ("POST", "/a%20b/%C3%BC", "/a b/ü")
    assert method_and_path(request.raw) == ("POST", "/a%20b/%C3%BC")
    assert request.summary() == "POST /a%20b/%C3%BC"
    assert request.path_parameters == {"rest": "a b/ü"}


@FORMS
@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1+2&b=%2B&c", {"a": "1 2", "b": "+", "c": ""}),
        ("a%20b=%26%3D&%C3%BC=%F0%9F%90%88", {"a b": "&=", "ü": "🐈"}),
        ("a=b=c&d=?", {"a": "b=c", "d": "?"}),
        ("a=%25%32%30", {"a": "%20"}),
    ],
)
def test_the_query_is_decoded_once(form: str, query: str, values: dict[str, str]) -> None:
    found = given(form, "GET", f"/x?{query}").query
    assert {name: found[name] for name in found} == values


@FORMS
def test_repeated_parameters_are_all_there_where_the_service_sends_them(form: str) -> None:
    found = given(form, "GET", "/x?tag=a&page=1&tag=b%26").query.get_all("tag")
    assert found == (["b&"] if form == "alb" else ["a", "b&"])


@FORMS
def test_repeated_headers_are_all_there_where_the_service_sends_them(form: str) -> None:
    headers = given(form, "GET", "/x", ("x-tag", "a"), ("x-tag", "b"), ("user-agent", "curl/8 (a, b)")).headers
    assert headers.get_all("X-Tag") == (["b"] if form == "alb" else ["a", "b"])
    assert headers["User-Agent"] == "curl/8 (a, b)"
    assert headers.get("absent") == "" and "absent" not in headers


@FORMS
def test_cookies_come_by_name(form: str) -> None:
    assert given(form, "GET", "/x", ("cookie", 's=x=y; t="z";u;')).cookies == {"s": "x=y", "t": "z", "u": ""}
    assert given(form, "GET", "/x").cookies == {}


@FORMS
def test_cookies_in_several_fields_are_one_set(form: str) -> None:
    cookies = given(form, "GET", "/x", ("cookie", "a=1"), ("cookie", "b=2; c=3")).cookies
    assert cookies == ({"b": "2", "c": "3"} if form == "alb" else {"a": "1", "b": "2", "c": "3"})


@pytest.mark.parametrize("form", ["alb", "alb_multi", "lattice_v2"])
def test_a_comma_in_a_cookie_stays(form: str) -> None:
    assert given(form, "GET", "/x", ("cookie", "a=1, 2; b=3")).cookies == {"a": "1, 2", "b": "3"}


@FORMS
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", '{"ü": [1]}'.encode()),
        ("text/plain; charset=utf-8", "ü".encode()),
        ("text/plain; charset=latin-1", b"\xfc"),
        ("application/x-www-form-urlencoded", b"a=1&b=+"),
        ("image/png", bytes(range(256))),
        ("image/png", b""),
        ("text/plain", b""),
    ],
)
def test_a_body_arrives_as_it_was_sent(form: str, kind: str, body: bytes) -> None:
    request = given(form, "POST", "/x", ("content-type", kind), body=body)
    assert request.body == body
    if kind.startswith("text"):
        assert request.text == ("ü" if body else "")
    if kind == "application/json":
        assert request.json == {"ü": [1]}


@FORMS
def test_a_body_that_is_not_json_is_a_400(form: str) -> None:
    app = App("demo")

    @app.http("/x", methods="POST")
    def handler(request: Request) -> Any:
        return request.json

    response = answer(form, app, event(form, "POST", "/x", ("content-type", "application/json"), body=b"{"))
    assert response.status == 400 and b"not JSON" in response.body


@pytest.mark.parametrize("form", [form for form in ALL if form.startswith(("alb", "lattice"))])
@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1", "10.0.0.1,203.0.113.9"], "203.0.113.9"),
        (["2001:db8::1"], "2001:db8::1"),
        (["203.0.113.9:51234"], "203.0.113.9"),
        (["198.51.100.1, [2001:db8::1]:51234"], "2001:db8::1"),
        ([], ""),
    ],
)
def test_the_address_is_the_one_that_the_service_added(form: str, forwarded: list[str], address: str) -> None:
    request = given(form, "GET", "/x", *(("x-forwarded-for", value) for value in forwarded))
    assert request.source_ip == address
    assert request.request_id == ""


@FORMS
@pytest.mark.parametrize(
    "result",
    [
        {"ü": [1, None, True]},
        {},
        [],
        [1, 2],
        "text ü",
        "",
        b"\x89PNG",
        b"",
        None,
        ({"a": 1}, 201),
        ("gone", 410, {"x-a": "1"}),
        Response("<p>", 202, {"Content-Type": "text/html"}),
        Response(b"", 301, {"location": "/y"}),
        Response(b"", 204),
        Response("a", headers=[("X-A", "1"), ("x-a", "2, 3")]),
        HTTPError(404, "There is no photo 1."),
        HTTPError(429, headers={"retry-after": "7"}),
    ],
)
def test_an_answer_is_the_same_behind_all_of_them(form: str, result: Any) -> None:
    response, wanted = returned(form, result), returned("url", result)
    assert (response.status, response.body) == (wanted.status, wanted.body)
    assert sorted(response.headers) == sorted(wanted.headers)


@FORMS
def test_head_is_answered_by_its_own_route(form: str) -> None:
    assert returned(form, Response(b"", headers={"x-a": "1"}), "HEAD").headers == [("x-a", "1")]


@FORMS
@pytest.mark.parametrize("value", [{"ü": 1}, {}, [], [{"a": [None]}]])
def test_the_fast_way_of_plain_answers_gives_what_the_long_one_gives(form: str, value: Any) -> None:
    app = App("demo")

    @app.http("/x")
    def handler() -> None: ...

    http = app.handlers[0].triggers[0]
    request = http.parse(event(form, "GET", "/x"), None)
    assert http.encode(value, request) == http.encode(Response(value), request)


def cookies_of(response: HttpResponse) -> list[str]:
    return [value for name, value in response.headers if name == "set-cookie"]


@FORMS
def test_a_cookie_is_set(form: str) -> None:
    response = Response({"a": 1})
    response.set_cookie("s", "1")
    assert cookies_of(returned(form, response)) == ["s=1; Path=/; Secure; HttpOnly; SameSite=Lax"]
    expiring = Response("", headers={"Set-Cookie": "a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT"})
    assert cookies_of(returned(form, expiring)) == ["a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT"]


def two_cookies() -> Response:
    response = Response("", headers={"Set-Cookie": "a=1"})
    response.set_cookie("b", "2", secure=False, http_only=False, same_site="")
    return response


@pytest.mark.parametrize("form", [form for form in ALL if form not in ONE_VALUE])
def test_cookies_are_set_one_field_each(form: str) -> None:
    assert cookies_of(returned(form, two_cookies())) == ["a=1", "b=2; Path=/"]


@pytest.mark.parametrize("form", ONE_VALUE)
def test_several_cookies_are_an_error_where_one_can_be_set(form: str) -> None:
    with pytest.raises(ValueError, match=r"sets 2 cookies.*lambda\.multi_value_headers\.enabled.*V2"):
        returned(form, two_cookies())


@FORMS
def test_a_response_may_be_returned_again(form: str) -> None:
    """A constant of the module, for example: encoding must not change it."""
    response = Response("a", headers={"x-a": "1", "set-cookie": "a=1"})
    first = returned(form, response)
    again = returned(form, response)
    assert (again.headers, response.cookies, list(response.headers)) == (first.headers, [], ["x-a", "set-cookie"])


@FORMS
@pytest.mark.parametrize("value", ["a=b\r\nx-evil: 1", "a=b\nx", "a=b\0"])
def test_a_cookie_that_was_added_by_hand_cannot_smuggle_in_a_header(form: str, value: str) -> None:
    app = App("demo")

    @app.get("/x")
    def handler() -> Response:
        response = Response("")
        response.cookies.append(value)
        return response

    with pytest.raises(ValueError, match="line break"):
        entry(app, "api")(event(form, "GET", "/x"), None)


@FORMS
def test_middleware_sees_the_request(form: str, site: App) -> None:
    seen = []

    @site.middleware
    def note(request: Request, call: Any) -> Any:
        seen.append((request.method, request.raw_path))
        return call(request)

    answer(form, site, event(form, "GET", "/photos/cat?x=1"))
    assert seen == [("GET", "/photos/cat")]


@FORMS
@pytest.mark.parametrize("authorizer", ["check", "iam"])
def test_a_way_around_api_gateway_is_no_way_around_the_authorizer(form: str, authorizer: str) -> None:
    app = App("demo")

    @app.authorizer()
    def check(request: Any) -> bool:
        return True

    @app.get("/x/{id}", authorizer=authorizer)
    def handler(id: str) -> str:
        return id

    assert answer(form, app, event(form, "GET", "/x/1")).status == 403
    raw = event(form, "GET", "/x/1")
    raw.setdefault("requestContext", {})["authorizer"] = {"iam": {"userArn": "arn"}}
    signed = authorizer == "iam" and form not in ("rest", "http_v1")
    assert answer(form, app, raw).status == (200 if signed else 403)


def test_a_rest_api_is_no_way_around_the_authorizer_of_another_api_or_route() -> None:
    app = App("demo")
    open_, shut = app.rest_api("open"), app.rest_api("shut")

    @app.authorizer()
    def check(request: Any) -> bool:
        return True

    @app.get("/a", authorizer=check)
    @app.get("/b", api=shut, authorizer=check)
    @app.get("/c/{id}", api=shut, authorizer=check)
    def secret(id: str = "") -> str:
        return "secret"

    @app.http("/{rest:path}", "ANY", api=open_)
    @app.http("/b", "ANY", api=open_)
    def everything(rest: str = "") -> str:
        return "everything"

    client = Client(app)
    triggers = {trigger.title(): trigger for handler in app.handlers for trigger in handler.triggers}
    for path in ("/a", "/b", "/c/1"):
        raw = triggers["ANY /{rest:path} of open"].sample(path=path)
        assert client.invoke("api", raw)["body"] == "everything", path
    assert client.invoke("api", triggers["ANY /b of open"].sample())["body"] == "everything"
    raw = triggers["GET /b of shut"].sample()
    assert client.invoke("api", raw)["body"] == "secret"
    assert client.invoke("api", triggers["GET /c/{id} of shut"].sample())["body"] == "secret"
    for changed in ({"resource": "/{proxy+}"}, {"version": "1.0"}, {"requestContext": {"stage": "other"}}):
        assert client.invoke("api", raw | changed)["statusCode"] == 403, changed


# Events as AWS's guides show them.

ALB = {
    "requestContext": {
        "elb": {
            "targetGroupArn": "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/photos/6d0ecf831eec9f09"
        }
    },
    "httpMethod": "GET",
    "path": "/photos/cat",
    "queryStringParameters": {"caption": "a%20b%2Bc", "size": ""},
    "headers": {
        "accept": "text/html,application/xhtml+xml",
        "cookie": "session=abc; theme=dark",
        "host": "photos-846800462.us-east-2.elb.amazonaws.com",
        "user-agent": "Mozilla/5.0",
        "x-amzn-trace-id": "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520",
        "x-forwarded-for": "72.21.198.66",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    },
    "body": "",
    "isBase64Encoded": False,
}
LATTICE_V1 = {
    "raw_path": "/photos/cat?caption=a%20b%2Bc&size=",
    "method": "GET",
    "headers": {"accept": "*/*", "cookie": "session=abc; theme=dark", "x-forwarded-for": "72.21.198.66"},
    "query_string_parameters": {"caption": "a%20b%2Bc", "size": ""},
    "body": "",
    "is_base64_encoded": False,
}
LATTICE_V2 = {
    "version": "2.0",
    "path": "/photos/cat?caption=a%20b%2Bc&size=",
    "method": "GET",
    "headers": {"accept": ["*/*"], "cookie": ["session=abc; theme=dark"], "x-forwarded-for": ["72.21.198.66"]},
    "queryStringParameters": {"caption": ["a%20b%2Bc"], "size": [""]},
    "requestContext": {
        "serviceNetworkArn": "arn:aws:vpc-lattice:us-east-2:123456789012:servicenetwork/sn-0bf3f2882e9cc805a",
        "serviceArn": "arn:aws:vpc-lattice:us-east-2:123456789012:service/svc-0a40eebed65f8d69c",
        "targetGroupArn": "arn:aws:vpc-lattice:us-east-2:123456789012:targetgroup/tg-6d0ecf831eec9f09",
        "identity": {"sourceVpcArn": "arn:aws:ec2:us-east-2:123456789012:vpc/vpc-0b8276c84697e7339", "type": "AWS_IAM"},
        "region": "us-east-2",
        "timeEpoch": "1690497599177430",
    },
}
ALB_MULTI = {
    **{key: value for key, value in ALB.items() if key not in ("headers", "queryStringParameters")},
    "multiValueHeaders": {name: [value] for name, value in ALB["headers"].items()},  # type: ignore[attr-defined]
    "multiValueQueryStringParameters": {"caption": ["a%20b%2Bc"], "size": [""]},
}
PLAIN_LATTICE_V1 = LATTICE_V1 | {"raw_path": "/photos/cat"}  # samples show a path without the query
PLAIN_LATTICE_V2 = {  # and plain strings
    **LATTICE_V2,
    "path": "/photos/cat",
    "headers": {"accept": "*/*", "cookie": "session=abc; theme=dark", "x-forwarded-for": "72.21.198.66"},
    "queryStringParameters": {"caption": "a%20b%2Bc", "size": ""},
}


@pytest.mark.parametrize("raw", [ALB, ALB_MULTI, LATTICE_V1, LATTICE_V2, PLAIN_LATTICE_V1, PLAIN_LATTICE_V2])
def test_an_event_of_the_guide_is_read(raw: dict[str, Any], site: App) -> None:
    request = site.handlers[0].triggers[0].parse(raw, None)
    assert (request.method, request.raw_path, request.source_ip) == ("GET", "/photos/cat", "72.21.198.66")
    assert (request.query["caption"], request.query["size"]) == ("a b+c", "")
    assert request.cookies == {"session": "abc", "theme": "dark"}
    assert request.headers["Accept"] in ("*/*", "text/html,application/xhtml+xml")
    assert (request.body, request.text, request.request_id) == (b"", "", "")
    assert request.raw is raw


JSON_BODY = {"body": '{"name":"cat"}', "isBase64Encoded": False}


@pytest.mark.parametrize(
    ("raw", "result"),
    [
        (
            ALB,
            {"statusDescription": "200 OK", "headers": {"content-type": "application/json"}},
        ),
        (
            ALB_MULTI,
            {"statusDescription": "200 OK", "multiValueHeaders": {"content-type": ["application/json"]}},
        ),
        (LATTICE_V1, {"headers": {"content-type": "application/json"}}),
        (LATTICE_V2, {"headers": {"content-type": "application/json"}}),
    ],
)
def test_the_whole_result(raw: dict[str, Any], result: dict[str, Any], site: App) -> None:
    assert entry(site, "api")(raw, None) == {"statusCode": 200, **JSON_BODY, **result}


def test_the_status_has_its_phrase_for_a_load_balancer(site: App) -> None:
    assert entry(site, "api")(ALB | {"httpMethod": "POST"}, None)["statusDescription"] == "405 Method Not Allowed"


def test_a_request_of_an_api_without_its_path_is_still_answered_as_the_api_takes_it() -> None:
    app = App("demo")

    @app.http("/x")
    def handler() -> str:
        return "x"

    made = entry(app, "api")({"version": "2.0", "routeKey": "GET /x"}, None)
    assert made == {"statusCode": 200, "headers": {"content-type": "text/plain; charset=utf-8"}, "body": "x"}


def test_a_health_check_is_a_request_like_any_other(site: App) -> None:
    check = ALB | {
        "path": "/health",
        "queryStringParameters": {},
        "headers": {"user-agent": "ELB-HealthChecker/2.0"},
    }
    assert entry(site, "api")(check, None)["statusCode"] == 404

    other = App("demo")

    @other.http("/health")
    def health(request: Request) -> str:
        return request.headers["user-agent"]

    assert entry(other, "api")(check, None)["body"] == "ELB-HealthChecker/2.0"


@pytest.mark.parametrize("raw", [ALB, LATTICE_V1, LATTICE_V2])
@pytest.mark.parametrize("key", ["path", "raw_path", "method", "httpMethod", "headers"])
def test_an_event_that_is_not_whole_is_explained(raw: dict[str, Any], key: str, site: App) -> None:
    broken = {name: value for name, value in raw.items() if name != key}
    route = Router(site).route(broken)
    assert set(route.why) | {handler.name for handler in route.reached} == {"photo", "new", "number", "files"}


@pytest.mark.parametrize("missing", ["headers", "queryStringParameters", "query_string_parameters", "body"])
@pytest.mark.parametrize("raw", [ALB, LATTICE_V1, LATTICE_V2])
def test_what_a_request_does_not_have_is_empty(raw: dict[str, Any], missing: str, site: App) -> None:
    for bare in ({key: value for key, value in raw.items() if key != missing}, raw | {missing: None}):
        request = site.handlers[0].triggers[0].parse(bare, None)
        assert request.body == b""
        assert len(request.headers) in (0, 3, 8) and len(request.query) in (0, 2)
