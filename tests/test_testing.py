"""The test client sends what a browser and the sources would, through the same invoke as Lambda."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App, HTTPError, Response
from eventfw.errors import RegistrationError, RoutingError
from eventfw.testing import Client


@pytest.fixture
def client() -> Client:
    app = App("shop")
    orders = app.queue("orders")

    @app.http("/echo/{name}", methods=["POST", "PUT"])
    def echo(request: Any, name: str) -> Any:
        sent = {"name": name, "body": request.body.decode("latin-1"), "size": request.query.get_all("size")}
        return {**sent, "cookies": request.cookies, "type": request.headers.get("content-type")}

    @app.http("/file")
    def file() -> Response:
        response = Response(b"\x00\xff", headers={"X-A": "1"})
        response.set_cookie("seen", "yes")
        return response

    @app.http("/gone")
    def gone() -> None:
        raise HTTPError(410, "It is gone.", {"retry-after": "1"})

    @app.http("/broken")
    def broken() -> None:
        raise KeyError("no")

    @app.sqs_consumer(orders)
    def order(message: Any) -> None:
        if not message.json:
            raise ValueError("empty")

    return Client(app)


def test_a_request_reaches_its_handler_with_everything_in_it(client: Client) -> None:
    answer = client.post("/echo/a%20b?size=1&size=2", json={"n": 1}, headers={"Cookie": "a=1; b=2"})
    assert answer.status == 200
    assert answer.json == {
        "name": "a b",
        "body": '{"n": 1}',
        "size": ["1", "2"],
        "cookies": {"a": "1", "b": "2"},
        "type": "application/json",
    }


def test_a_body_of_bytes_arrives_as_it_was_sent(client: Client) -> None:
    assert client.put("/echo/x", body=b"\x00\xfe").json["body"] == "\x00\xfe"


def test_an_answer_has_status_headers_cookies_and_bytes(client: Client) -> None:
    answer = client.get("/file")
    assert (answer.status, answer.body, answer.headers["x-a"]) == (200, b"\x00\xff", "1")
    assert answer.cookies == ["seen=yes; Path=/; Secure; HttpOnly; SameSite=Lax"]


def test_an_http_error_is_an_answer_and_any_other_exception_comes_through(client: Client) -> None:
    answer = client.get("/gone")
    assert (answer.status, answer.json, answer.headers["retry-after"]) == (410, {"message": "It is gone."}, "1")
    with pytest.raises(KeyError):
        client.get("/broken")


def test_a_path_or_method_without_a_route_is_the_apis_404(client: Client) -> None:
    for answer in (client.get("/nothing"), client.get("/echo/x"), client.delete("/file"), client.patch("/file")):
        assert (answer.status, answer.json) == (404, {"message": "Not Found"})


def test_send_makes_the_event_from_the_trigger(client: Client) -> None:
    assert client.send("order", body={"a": 1}) == {"batchItemFailures": []}
    failed = client.send("order", body={}, message_id="m1")
    assert failed == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


@pytest.mark.parametrize(
    "fields", [{"slots": 5}, {"transcript": "a", "slots": "big"}, {"slots": [1], "intent": "Order"}]
)
def test_a_field_that_the_event_cannot_have_is_named(fields: dict[str, Any]) -> None:
    app = App("shop")

    @app.lex_hook("ABCDEFGHIJ/TSTALIASID")
    def order(event: Any) -> None: ...

    with pytest.raises(RegistrationError, match=r"lex ABCDEFGHIJ/TSTALIASID cannot have slots=.*is one here"):
        Client(app).send(order, **fields)


def test_an_unknown_handler_or_function_is_named(client: Client) -> None:
    with pytest.raises(RoutingError, match="'nobody'"):
        client.send("nobody")
    with pytest.raises(RoutingError, match="'nobody'"):
        client.invoke("nobody", {})
