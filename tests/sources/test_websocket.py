"""`@app.websocket` and `app.websocket_api`: what handlers see and answer, and what is created."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from templates import allowed, complaints, deployed, local, properties, types

from eventfw import App, HTTPError, Response, WebSocketEvent
from eventfw.errors import RegistrationError
from eventfw.resources.names import Names
from eventfw.routing import Router, identify
from eventfw.testing import Client
from eventfw.tools.project import describe


def returning(result: Any, route: str = "send", **options: Any) -> Client:
    app = App("demo")
    chat = app.websocket_api("chat")

    @app.websocket(chat, route, **options)
    def handle(event: WebSocketEvent) -> Any:
        if isinstance(result, Exception):
            raise result
        return result(event) if callable(result) else result

    return Client(app)


def room() -> tuple[App, Any]:
    app = App("demo")
    chat = app.websocket_api("chat", rate_limit=10, burst_limit=20)

    @app.authorizer(identity_sources=["querystring.token"], ttl=300)
    def check(request: Any) -> bool:
        return bool(request.query.get("token") == "t")

    @app.websocket(chat, "$connect", authorizer=check)
    @app.function("room", uses=[chat.manage_connections])
    def joined(event: WebSocketEvent) -> None: ...

    @app.websocket(chat, "say", reply=True)
    @app.function("room")
    def say(event: WebSocketEvent) -> Any:
        return {"said": event.json["text"]}

    @app.websocket(chat, "$disconnect")
    def left(event: WebSocketEvent) -> None: ...

    return app, chat


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (None, 200),
        (True, 200),
        (False, 403),
        (HTTPError(401), 401),
        (Response({}, 204, {"Sec-WebSocket-Protocol": "v1"}), 204),
    ],
)
def test_a_connect_handler_lets_a_client_in_or_not(result: Any, status: int) -> None:
    answer = returning(result, "$connect").send("handle")
    assert answer["statusCode"] == status
    if status == 204:
        assert answer["headers"]["sec-websocket-protocol"] == "v1"


def test_a_connect_handler_that_returns_something_else_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"\$connect handler returns nothing or True"):
        returning({"hello": 1}, "$connect").send("handle")


def test_what_a_message_handler_returns_is_sent_only_where_that_was_said() -> None:
    assert returning(None).send("handle") == {"statusCode": 200}
    assert returning({"a": 1}, reply=True).send("handle") == {"statusCode": 200, "body": '{"a":1}'}
    assert returning("hi", reply=True).send("handle")["body"] == "hi"
    assert returning(None, reply=True).send("handle") == {"statusCode": 200}
    with pytest.raises(TypeError, match=r"nobody would get it. Write reply=True"):
        returning({"a": 1}).send("handle")
    with pytest.raises(TypeError, match="text or JSON"):
        returning(b"x", reply=True).send("handle")


def test_an_error_is_told_where_handlers_reply() -> None:
    assert returning(HTTPError(404, "No room."), reply=True).send("handle") == {
        "statusCode": 404,
        "body": '{"message":"No room."}',
    }
    assert returning(HTTPError(404)).send("handle") == {"statusCode": 404}
    assert returning(lambda event: event.json, reply=True).send("handle", body="{")["statusCode"] == 400


def test_a_disconnect_handlers_answer_is_nobodys() -> None:
    assert returning({"a": 1}, "$disconnect").send("handle") == {"statusCode": 200}


def test_a_handler_sees_the_connection_and_the_message() -> None:
    seen: list[WebSocketEvent] = []
    returning(seen.append).send("handle", body={"text": "hi"}, connection_id="c1", authorizer={"principalId": "anna"})
    [event] = seen
    assert (event.route_key, event.event_type, event.connection_id) == ("send", "MESSAGE", "c1")
    assert event.json == {"action": "send", "text": "hi"} and event.text == event.body.decode()
    assert (event.authorizer, event.stage, event.source_ip) == ({"principalId": "anna"}, "chat", "203.0.113.10")
    assert event.connected_at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert (event.disconnect_code, event.disconnect_reason) == (None, "")


def test_a_binary_message_is_bytes() -> None:
    raw = {"body": "AAE=", "isBase64Encoded": True, "requestContext": {}}
    event = WebSocketEvent(raw)
    assert event.body == b"\x00\x01"
    with pytest.raises(HTTPError):
        _ = WebSocketEvent({**raw, "body": "/w=="}).text


def test_a_connect_handler_sees_headers_and_query() -> None:
    seen: list[WebSocketEvent] = []
    returning(seen.append, "$connect").send("handle", headers={"Origin": "https://a"}, query="token=a%20b&x=1&x=2")
    assert seen[0].headers["origin"] == "https://a"
    assert (seen[0].query["token"], seen[0].query.get_all("x")) == ("a b", ["1", "2"])


def test_a_disconnect_handler_sees_why() -> None:
    seen: list[WebSocketEvent] = []
    returning(seen.append, "$disconnect").send("handle", disconnect_code=1000, disconnect_reason="bye")
    assert (seen[0].disconnect_code, seen[0].disconnect_reason) == (1000, "bye")


def test_a_message_names_its_route_where_the_api_looks_for_it() -> None:
    app = App("demo")
    chat = app.websocket_api("chat", route_selection_expression="$request.body.head.kind")

    @app.websocket(chat, "send", reply=True)
    def handle(event: WebSocketEvent) -> Any:
        return event.json

    assert Client(app).send("handle", body={"a": 1})["body"] == '{"head":{"kind":"send"},"a":1}'


def test_routes_of_one_function_and_of_two_apis_are_told_apart() -> None:
    app = App("demo")
    handlers = {}
    for name in ("chat", "game"):
        api = app.websocket_api(name)
        for route in ("$connect", "$default", "send"):

            def handle(event: WebSocketEvent) -> None: ...

            handle.__name__ = f"{name}_{route.strip('$')}"
            app.function("all")(app.websocket(api, route)(handle))
            handlers[name, route] = handle.__name__
    for handler in app.handlers:
        event = handler.triggers[0].sample()
        assert identify(event) == "apigw_websocket"
        assert [one.name for one in Router(app).route(event).reached] == [handler.name]
    event = app.handlers[2].triggers[0].sample()
    why = Router(app).route(event).why
    assert why["chat_connect"] == "route send is not $connect"
    assert why["game_send"] == "WebSocket API `chat` is not `game`"


def test_one_api_with_its_routes_is_created() -> None:
    template = deployed(room()[0])
    own = {"Ref": "ChatWebSocketApi"}
    assert properties(template, "ChatWebSocketApi") == {
        "Name": "demo-dev-demo-chat",
        "ProtocolType": "WEBSOCKET",
        "RouteSelectionExpression": "$request.body.action",
    }
    assert properties(template, "ChatWebSocketApiStage") == {
        "ApiId": own,
        "StageName": "chat",
        "AutoDeploy": True,
        "DefaultRouteSettings": {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 20},
    }
    connect = properties(template, "ChatWebSocketApiConnectRoute")
    assert (connect["AuthorizationType"], connect["AuthorizerId"]) == (
        "CUSTOM",
        {"Ref": "ChatWebSocketApiCheckAuthorizer"},
    )
    say = properties(template, "ChatWebSocketApiSayRoute")
    assert (say["RouteKey"], say["RouteResponseSelectionExpression"]) == ("say", "$default")
    assert properties(template, "ChatWebSocketApiSayRouteResponse") == {
        "ApiId": own,
        "RouteId": {"Ref": "ChatWebSocketApiSayRoute"},
        "RouteResponseKey": "$default",
    }
    assert "RouteResponseSelectionExpression" not in properties(template, "ChatWebSocketApiDisconnectRoute")
    integrations = [name for name, type_ in types(template).items() if type_.endswith("Integration")]
    assert integrations == ["ChatWebSocketApiRoomIntegration", "ChatWebSocketApiLeftIntegration"]
    permission = properties(template, "RoomChatWebSocketApiPermission")["SourceArn"]["Fn::Sub"]
    assert permission[0].endswith(":${api}/*")
    authorizer = properties(template, "ChatWebSocketApiCheckAuthorizer")
    assert authorizer["IdentitySource"] == ["route.request.querystring.token"]
    assert complaints(template) == []


def test_a_grant_is_for_the_connections_of_this_api_and_its_address_is_told() -> None:
    template = deployed(room()[0])
    [(actions, [arn])] = allowed(template, "RoomRole")
    assert actions == ["execute-api:ManageConnections"]
    assert arn["Fn::Join"][1][1] == "/chat/*/@connections/*"
    told = properties(template, "RoomFunction")["Environment"]["Variables"]["EVENTFW_WEBSOCKET_API_CHAT"]["Fn::Sub"]
    assert told[0] == "https://${api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/chat"
    assert "Environment" not in properties(template, "LeftFunction")
    url = template["Outputs"]["ChatWebSocketApiUrl"]["Value"]["Fn::Sub"]
    assert url == ["${endpoint}/chat", {"endpoint": {"Fn::GetAtt": ["ChatWebSocketApi", "ApiEndpoint"]}}]


def test_a_handler_asks_the_api_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    _, chat = room()
    assert chat.endpoint == "http://127.0.0.1:8000/chat"
    assert chat.local_value(Names("demo", "local", http_port=81), "") == "http://127.0.0.1:81/chat"
    monkeypatch.setenv("EVENTFW_WEBSOCKET_API_CHAT", "https://x.execute-api.eu-west-1.amazonaws.com/chat")
    assert chat.url == "wss://x.execute-api.eu-west-1.amazonaws.com/chat"


def test_signed_requests_only() -> None:
    app = returning(None, "$connect", authorizer="iam").app
    template = deployed(app)
    assert properties(template, "ChatWebSocketApiConnectRoute")["AuthorizationType"] == "AWS_IAM"
    assert complaints(template) == []


def test_the_embedded_aws_is_given_all_but_what_it_does_not_know() -> None:
    made = types(local(room()[0]))
    assert "ChatWebSocketApiSayRoute" in made and "ChatWebSocketApiSayRouteResponse" not in made


def test_route_names_that_look_alike_get_ids_of_their_own() -> None:
    app = App("demo")
    chat = app.websocket_api("chat")
    for number, route in enumerate(("$connect", "connect", "send-it", "send_it", "sendIt")):

        def handle(event: WebSocketEvent) -> None: ...

        handle.__name__ = f"h{number}"
        app.websocket(chat, route)(handle)
    routes = [name for name, type_ in types(deployed(app)).items() if type_.endswith("::Route")]
    assert len(routes) == 5 and "ChatWebSocketApiConnectRoute" in routes and "ChatWebSocketApiSendItRoute" in routes


def test_the_local_server_is_told() -> None:
    sockets = describe(room()[0], Names("demo", "local"))["websockets"]
    assert [(one["api"], one["route"], one["function"], one["reply"]) for one in sockets] == [
        ("chat", "$connect", "room", False),
        ("chat", "say", "room", True),
        ("chat", "$disconnect", "left", False),
    ]
    assert sockets[0]["guard"]["function"] == "check" and sockets[1]["guard"] is None
    assert sockets[0]["guard"]["ttl"] == 0  # whatever the authorizer says: API Gateway keeps no answers here
    assert [api["name"] for api in describe(room()[0], Names("demo", "local"))["apis"]] == [""]


def test_more_routes_than_the_quota_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventfw.resources.websocket_api.ROUTES_MAX", 2)
    with pytest.raises(RegistrationError, match="more than 2 routes"):
        deployed(room()[0])


def test_a_route_twice_is_refused() -> None:
    app, chat = room()
    with pytest.raises(RegistrationError, match="The route say of the WebSocket API 'chat' is there already"):

        @app.websocket(chat, "say")
        def again(event: WebSocketEvent) -> None: ...


def test_an_authorizer_of_tokens_is_refused() -> None:
    app = App("demo")
    chat = app.websocket_api("chat")

    @app.authorizer("TOKEN")
    def check(request: Any) -> bool:
        return True

    @app.websocket(chat, "$connect", authorizer=check)
    def joined(event: WebSocketEvent) -> None: ...

    with pytest.raises(RegistrationError, match="REQUEST authorizers only"):
        _ = app.functions


def test_http_routes_are_not_for_a_websocket_api() -> None:
    app, chat = room()
    with pytest.raises(RegistrationError, match=r"api must be what app.http_api\(...\)"):
        app.get("/x", api=chat)


@pytest.mark.parametrize(
    ("route", "options", "says"),
    [
        ("", {}, "route must be text"),
        ("$conect", {}, "Routes with"),
        ("send", {"authorizer": "iam"}, "authorizer is for the route"),
        ("$connect", {"authorizer": 5}, "authorizer must be the handler"),
        ("$connect", {"reply": True}, "reply is for messages"),
        ("send", {"reply": "yes"}, "reply must be True or False"),
    ],
)
def test_an_option_that_cannot_work_is_refused(route: str, options: dict[str, Any], says: str) -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match=says):
        app.websocket(app.websocket_api("chat"), route, **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": ""}, "name must say something"),
        ({"name": "a b"}, "name must be letters"),
        ({"route_selection_expression": "action"}, "route_selection_expression must be such as"),
        ({"route_selection_expression": "$request.body."}, "route_selection_expression must be such as"),
        ({"rate_limit": 5}, "rate_limit and burst_limit go together"),
    ],
)
def test_an_api_that_cannot_be_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(RegistrationError, match=says):
        App("demo").websocket_api(**{"name": "chat", **options})


def test_only_a_websocket_api_is_taken() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match=r"api must be what app.websocket_api\(...\)"):
        app.websocket(app.http_api("x"), "send")


@dataclass
class Said:
    text: str


def test_a_model_receives_the_message_and_what_does_not_fit_is_told() -> None:
    app = App("demo")
    chat = app.websocket_api("chat")

    @app.websocket(chat, "say", reply=True)
    def say(said: Said) -> str:
        return said.text

    client = Client(app)
    assert client.send("say", body={"text": "hi"})["body"] == "hi"
    answer = client.send("say", body={"text": 5})
    assert answer["statusCode"] == 422 and "errors" in answer["body"]
