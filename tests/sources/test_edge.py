"""Lambda@Edge: what each of the four may return, what is refused before CloudFront refuses it, whose an event is."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, EdgeRequest, HTTPError, OriginRequest, OriginResponse, Response, ViewerResponse
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.sources.edge import RefusedResult
from eventfw.testing import Client
from eventfw.tools.checks import check

EVENTS = ("viewer_request", "origin_request", "origin_response", "viewer_response")
EVERY = pytest.mark.parametrize("event", EVENTS)


def answer(returned: Any, event: str = "viewer_request", *, options: Any = None, **fields: Any) -> Any:
    """What CloudFront gets from a handler that returns, or raises, or computes ``returned``."""
    app = App("demo")

    @getattr(app, f"edge_{event}")("site", **(options or {}))  # type: ignore[untyped-decorator]
    def site(event: Any) -> Any:
        if isinstance(returned, Exception):
            raise returned
        return returned(event) if callable(returned) else returned

    return Client(app).send(site, **{"uri": "/a", **fields})


def refusal(returned: Any, event: str = "viewer_request", **fields: Any) -> str:
    with pytest.raises(RefusedResult) as caught:
        answer(returned, event, **fields)
    return str(caught.value)


def changing(change: Any) -> Any:
    """A handler that changes its event and returns it."""

    def handler(event: Any) -> Any:
        change(event)
        return event

    return handler


def changed(request: EdgeRequest) -> EdgeRequest:
    request.uri = "/b"
    request.set_header("X-One", "1")
    request.remove_header("User-Agent")
    request.remove_header("Not-There")
    return request


@pytest.mark.parametrize("event", EVENTS[:2])
def test_a_changed_request_goes_on(event: str) -> None:
    result = answer(changed, event)
    assert result["uri"] == "/b" and result["headers"]["x-one"] == [{"key": "X-One", "value": "1"}]
    assert "user-agent" not in result["headers"]


@pytest.mark.parametrize("event", EVENTS[:2])
@pytest.mark.parametrize("generated", [Response("no", 403), HTTPError(403)])
def test_a_response_answers_at_once(generated: Any, event: str) -> None:
    assert answer(generated, event)["status"] == "403"


@pytest.mark.parametrize("returned", [None, {"a": 1}, "text", lambda event: event.raw])
@EVERY
def test_what_is_no_result_at_all_is_an_error(returned: Any, event: str) -> None:
    with pytest.raises(TypeError, match=f"An edge_{event} handler returns the re"):
        answer(returned, event)


@EVERY
def test_a_forgotten_return_is_guessed(event: str) -> None:
    with pytest.raises(TypeError, match=r"Add `return re(quest|sponse)`\.$"):
        answer(None, event)


def test_a_header_cannot_smuggle_in_another() -> None:
    with pytest.raises(ValueError, match="line break"):
        answer(lambda request: request.set_header("x", "a\r\nb: c"))


@pytest.mark.parametrize(
    ("event", "change", "said"),
    [
        ("viewer_request", lambda e: e.set_header("Host", "x"), "the header host is read-only in viewer-request"),
        ("viewer_request", lambda e: e.set_header("X-Cache", "x"), "the header x-cache is not allowed"),
        ("viewer_request", lambda e: setattr(e, "uri", "a"), "uri must be a string that begins with /"),
        ("viewer_request", lambda e: e.request.update(method="PUT"), "method is read-only"),
        (
            "origin_request",
            lambda e: e.set_header("If-None-Match", "x"),
            "if-none-match is read-only in origin-request",
        ),
        ("origin_request", lambda e: e.use_host("10.0.0.1"), "not an IP address"),
        ("origin_request", lambda e: setattr(e.origin, "path", "a/"), "origin.custom.path must be empty or begin"),
        ("origin_response", lambda e: e.remove_header("Via"), "the header via is read-only in origin-response"),
        ("origin_response", lambda e: e.replace_body("a" * (1 << 20)), "may have 1048576 bytes"),
        ("origin_response", lambda e: setattr(e, "status", 199), 'status must be a string from "200" to "599"'),
        ("viewer_response", lambda e: e.response.update(status="500"), "cannot change the status from 200 to 500"),
        ("viewer_response", lambda e: e.set_header("Content-Encoding", "x"), "content-encoding is read-only"),
    ],
)
def test_what_cloudfront_would_refuse_is_refused_first_and_named(event: str, change: Any, said: str) -> None:
    said_of_it = refusal(changing(change), event)
    assert said in said_of_it
    assert f"CloudFront refuses the result of a edge_{event} handler" not in said_of_it
    assert f"of an edge_{event} handler" in said_of_it


def test_a_generated_response_that_is_too_large_is_refused() -> None:
    assert "may have 40960 bytes" in refusal(Response("a" * 40_960))
    assert answer(Response("a" * 40_960), "origin_request")["status"] == "200"


def test_a_dict_of_cloudfronts_form_is_checked_too() -> None:
    assert answer({"status": "204"}) == {"status": "204"}
    assert "status must be" in refusal({"status": "99"})
    assert answer(lambda event: {**event.response}, "viewer_response")["status"] == "200"


def test_a_body_is_read_and_replaced() -> None:
    options = {"include_body": True}
    seen: list[Any] = []

    def handler(request: EdgeRequest) -> EdgeRequest:
        seen.append((request.body, request.body_truncated))
        request.replace_body({"a": 1})
        return request

    result = answer(handler, options=options, body="hällo")
    assert seen == [("hällo".encode(), False)]
    assert result["body"] == {"action": "replace", "encoding": "text", "data": '{"a":1}'}
    assert answer(changing(lambda e: e.replace_body(b"\xff")), options=options)["body"]["encoding"] == "base64"
    with pytest.raises(ValueError, match="include_body=True"):
        answer(handler)
    with pytest.raises(RegistrationError, match="include_body=True"):
        answer(handler, body="x")


def test_the_origin_can_be_read_changed_and_switched() -> None:
    seen: list[Any] = []

    def change(request: OriginRequest) -> OriginRequest:
        origin = request.origin
        seen.append((origin.kind, origin.domain_name, origin.path, origin.settings["port"]))
        origin.path = "/v2"
        origin.set_header("X-Secret", "s")
        return request

    custom = answer(change, "origin_request", origin="api.example.com")["origin"]["custom"]
    assert seen == [("custom", "api.example.com", "", 443)]
    assert (custom["path"], custom["customHeaders"]) == ("/v2", {"x-secret": [{"key": "X-Secret", "value": "s"}]})

    hosted = answer(changing(lambda e: e.use_host("b.example.com", protocol="http")), "origin_request")
    assert hosted["origin"]["custom"]["port"] == 80
    assert hosted["headers"]["host"] == [{"key": "Host", "value": "b.example.com"}]

    stored = answer(changing(lambda e: e.use_bucket("cats", "eu-west-1", path="/big")), "origin_request")
    assert stored["origin"]["s3"] | {"customHeaders": {}} == {
        "authMethod": "none",
        "customHeaders": {},
        "domainName": "cats.s3.eu-west-1.amazonaws.com",
        "path": "/big",
        "region": "eu-west-1",
    }
    assert "EdgeOrigin s3 cats.s3" in repr(OriginRequest({"Records": [{"cf": {"request": stored}}]}).origin)


def test_an_origins_response_can_be_changed() -> None:
    def change(response: OriginResponse) -> OriginResponse:
        assert (response.status, response.status_description) == (404, "Not Found")
        response.status = 200
        response.replace_body({"cats": []})
        return response

    headers = {"Content-Encoding": "gzip", "ETag": '"1"', "Content-Length": "9"}
    result = answer(change, "origin_response", status=404, response_headers=headers)
    assert (result["status"], result["statusDescription"]) == ("200", "OK")
    assert (result["body"], result["bodyEncoding"]) == ('{"cats":[]}', "text")
    assert result["headers"]["content-type"][0]["value"] == "application/json"
    assert sorted(result["headers"]) == ["content-type", "via"]


@pytest.mark.parametrize("instead", [Response("gone", 410), HTTPError(410)])
def test_a_response_takes_the_place_of_the_origins_and_keeps_what_is_read_only(instead: Any) -> None:
    result = answer(instead, "origin_response", response_headers={"X-Origin": "1"})
    assert result["status"] == "410"
    assert "via" in result["headers"] and "x-origin" not in result["headers"]
    assert answer(Response("", 301, {"location": "/b"}), "origin_response")["body"] == ""


def test_a_viewers_response_has_its_headers_changed_and_nothing_else() -> None:
    result = answer(changing(lambda e: e.set_header("X-Frame-Options", "DENY")), "viewer_response")
    assert result["headers"]["x-frame-options"] == [{"key": "X-Frame-Options", "value": "DENY"}]
    with pytest.raises(TypeError, match=r"use @app\.edge_origin_response"):
        answer(Response("x"), "viewer_response")
    with pytest.raises(HTTPError):
        answer(HTTPError(403), "viewer_response")
    assert not hasattr(ViewerResponse, "replace_body")


def four() -> App:
    app = App("demo")
    for event in EVENTS:

        def handler(event: Any) -> Any:
            return event

        handler.__name__ = event
        getattr(app, f"edge_{event}")("site")(handler)
    return app


@EVERY
def test_an_event_reaches_the_handler_of_its_type_and_says_why_no_other(event: str) -> None:
    app = four()
    sample = next(handler for handler in app.handlers if handler.name == event).triggers[0].sample()
    route = Router(app).route(sample)
    assert [handler.name for handler in route.reached] == [event]
    happened = event.replace("_", "-")
    others = {one: f"event type `{happened}` is not `{one.replace('_', '-')}`" for one in EVENTS if one != event}
    assert route.why == others


def test_a_sample_without_an_event_type_is_told_by_its_form() -> None:
    app = four()
    for event in EVENTS[:2]:
        sample = next(handler for handler in app.handlers if handler.name == event).triggers[0].sample()
        del sample["Records"][0]["cf"]["config"]
        assert [handler.name for handler in Router(app).route(sample).reached] == [event]


def test_an_event_of_a_behavior_has_one_handler() -> None:
    app = App("demo")
    site = app.distribution("site")

    @app.edge_viewer_request(site)
    def one(request: Any) -> Any: ...

    @app.edge_viewer_request(site, path="/images/*")
    def two(request: Any) -> Any: ...

    @app.edge_origin_request(site)
    def three(request: Any) -> Any: ...

    with pytest.raises(RegistrationError, match="The viewer-request function of distribution 'site' for '/images/"):

        @app.edge_viewer_request(site, path="/images/*")
        def four(request: Any) -> Any: ...


def test_a_name_for_a_distribution_that_the_app_owns_is_refused() -> None:
    app = App("demo")
    app.distribution("site")
    with pytest.raises(RegistrationError, match="Keep one and pass the object"):

        @app.edge_viewer_request("site")
        def one(request: Any) -> Any: ...


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"path": "*"}, "that is the distribution itself"),
        ({"path": "/a b"}, "path must be a pattern"),
        ({"path": 1}, "path must be a pattern"),
        ({"include_body": 1}, "include_body must be True or False"),
        ({"distribution": ""}, "edge_viewer_request takes a distribution"),
        ({"distribution": "--"}, "needs a letter or digit"),
    ],
)
def test_options_that_cannot_be_are_refused_on_the_users_line(options: dict[str, Any], said: str) -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match=said) as caught:
        app.edge_viewer_request(**{"distribution": "site", **options})
    assert "test_edge.py" in caught.value.place


@pytest.mark.parametrize("event", EVENTS[2:])
def test_a_response_has_no_body_to_include(event: str) -> None:
    with pytest.raises(RegistrationError, match="has no option 'include_body'"):
        getattr(App("demo"), f"edge_{event}")("site", include_body=True)


def test_two_handlers_of_one_function_cannot_tell_their_behaviors_apart_and_one_need_not() -> None:
    def app(*, apart: bool) -> App:
        made = App("demo")

        def one(request: Any) -> Any: ...
        def two(request: Any) -> Any: ...

        made.edge_viewer_request("site")(made.function("door")(one))
        made.edge_viewer_request("site", path="/a*")(two if apart else one)
        if apart:
            made.function("door")(two)
        return made

    assert [finding.kind for finding in check(app(apart=True))] == ["ambiguous"]
    assert check(app(apart=False)) == []


def test_a_test_event_of_awss_that_lacks_the_request_can_be_answered() -> None:
    response = ViewerResponse({"Records": [{"cf": {"config": {}, "response": {"status": "200", "headers": {}}}}]})
    assert (response.method, response.uri, response.client_ip, response.status) == ("", "", "", 200)
    assert repr(response)


def test_a_cookie_that_was_added_by_hand_cannot_smuggle_in_a_header() -> None:
    app = App("demo")

    @app.edge_viewer_request("site")
    def handler(request: Any) -> Response:
        response = Response("")
        response.cookies.append("a=b\r\nx-evil: 1")
        return response

    with pytest.raises(ValueError, match="line break"):
        Client(app).send(handler)
