"""Requests and responses, whatever the client sent."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, HTTPError, Request, Response
from eventfw.http import Headers, Query, method_and_path
from eventfw.testing import Client


def request(**fields: Any) -> Request:
    context = {"http": {"method": "GET", "path": "/"}, "stage": fields.pop("stage", "$default")}
    return Request({"version": "2.0", "rawPath": "/", "requestContext": context, **fields})


@pytest.mark.parametrize(
    ("raw", "path"),
    [("/prod/photos", "/photos"), ("/prod", "/"), ("/production", "/production"), ("/a%20b", "/a b")],
)
def test_the_stage_is_taken_off_the_path(raw: str, path: str) -> None:
    assert request(rawPath=raw, stage="prod").path == path


@pytest.mark.parametrize(
    "raw",
    [
        {"rawPath": "/prod/a%2Fb", "requestContext": {"http": {"method": "PUT"}, "stage": "prod"}},
        {"httpMethod": "PUT", "path": "/a%2Fb", "requestContext": {"elb": {}}},
        {"method": "PUT", "raw_path": "/a%2Fb?c=/d"},
        {"method": "PUT", "path": "/a%2Fb?c=/d", "version": "2.0", "requestContext": {}},
    ],
)
def test_every_form_tells_its_method_and_path(raw: Any) -> None:
    assert method_and_path(raw) == ("PUT", "/a%2Fb")


def test_a_summary_is_one_short_line() -> None:
    summary = request(rawPath="/" + "a" * 500 + "\n").summary()
    assert len(summary) < 130 and "\n" not in summary and summary.startswith("GET /aaa")


def test_headers_and_query_read_like_mappings() -> None:
    headers, query = Headers([("A", "1"), ("b", "2"), ("a", "3")]), Query("x=1&y=&x=2")
    assert (list(headers), list(headers.keys()), len(headers), dict(headers)) == (
        ["a", "b"],
        ["a", "b"],
        2,
        {"a": "1,3", "b": "2"},
    )
    assert (list(query), list(query.keys()), len(query), dict(query)) == (
        ["x", "y"],
        ["x", "y"],
        2,
        {"x": "1", "y": ""},
    )


def test_headers_have_any_case_and_several_values() -> None:
    headers = Headers([("Accept", "a, b"), ("accept", 'c;x="1,2"')])
    assert headers["ACCEPT"] == 'a, b,c;x="1,2"'
    assert headers.get_all("accept") == ["a", "b", 'c;x="1,2"']


@pytest.mark.parametrize(
    ("name", "value"), [("x", "a\rb"), ("x", "a\nb"), ("x y", "a"), ("", "a"), ("x:", "a"), ("x", "\0")]
)
def test_a_header_cannot_smuggle_in_another(name: str, value: str) -> None:
    with pytest.raises(ValueError):
        Response("", headers={name: value})


@pytest.mark.parametrize("body", ["{", "", "\\", "1" * 5000, "[" * 100_000])
def test_a_body_that_is_not_json_is_a_400(body: str) -> None:
    with pytest.raises(HTTPError, match=r"^400 The request body is not JSON"):
        _ = request(body=body).json


@pytest.mark.parametrize("charset", ["hex", "nonsense", "utf-8", '"'])
def test_a_body_that_is_not_text_is_a_400(charset: str) -> None:
    with pytest.raises(HTTPError):
        _ = request(body="/w==", isBase64Encoded=True, headers={"content-type": f"x/y; charset={charset}"}).text


@pytest.mark.parametrize("charset", ["punycode", "IDNA", " Puny_Code", "idna "])
def test_a_client_cannot_choose_a_charset_that_takes_minutes(charset: str) -> None:
    with pytest.raises(HTTPError, match=r"^400 The request body is not"):
        _ = request(body="abc", headers={"content-type": f"text/plain; charset={charset}"}).text


@pytest.mark.parametrize("options", [{"path": "/; Domain=example.com"}, {"same_site": "Lax; Domain=example.com"}])
def test_a_cookie_gets_no_attributes_but_those_that_are_said(options: dict[str, Any]) -> None:
    response = Response("")
    with pytest.raises(ValueError, match="would get more attributes"):
        response.set_cookie("a", "b", **options)
    assert response.cookies == []


def test_query_and_cookies_are_decoded() -> None:
    found = request(rawQueryString="a=1&a=%20&b", cookies=["s=x=y", 't="z"'])
    assert found.query.get_all("a") == ["1", " "] and found.query["b"] == ""
    assert found.cookies == {"s": "x=y", "t": "z"}


def test_cookies_are_sent_one_field_each() -> None:
    app = App("demo")

    @app.http("/{rest:path}")
    def root(rest: str) -> Response:
        response = Response(rest, headers=[("Set-Cookie", "a=1; Expires=Thu, 01 Jan 2026"), ("X", "1"), ("x", "2")])
        response.set_cookie("b", "2")
        return response

    result = Client(app).get("/a%2Fb/%C3%BC")
    assert result.text == "a/b/ü"
    assert result.cookies == ["a=1; Expires=Thu, 01 Jan 2026", "b=2; Path=/; Secure; HttpOnly; SameSite=Lax"]
    assert result.headers["x"] == "1,2" and "set-cookie" not in result.headers


def test_any_beside_all_seven_methods_is_told_what_it_is_left_with() -> None:
    app = App("demo")

    @app.http("/x", methods="ANY")
    def rest() -> None: ...

    @app.http("/x", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
    def seven() -> None: ...

    triggers = [handler.triggers[0] for handler in app.handlers]
    assert "nothing but unusual methods such as TRACE" in triggers[0].shadow(triggers)
    assert triggers[1].shadow(triggers) == ""
