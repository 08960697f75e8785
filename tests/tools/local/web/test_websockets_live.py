"""A WebSocket API on a running server: real connections, and handlers that reach them with boto3."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live import Live, write
from sockets import Refused, Socket

APP = """
    import boto3
    from eventfw import App

    app = App("talk")
    chat = app.websocket_api("chat")
    ids = []

    def client():
        return boto3.client("apigatewaymanagementapi", endpoint_url=chat.endpoint)

    @app.websocket(chat, "$connect")
    @app.function("room", uses=[chat.manage_connections])
    def joined(event):
        print("joined")
        return event.query.get("token") == "t"

    @app.websocket(chat, "push")
    @app.function("room")
    def push(event):
        client().post_to_connection(ConnectionId=event.connection_id, Data=b"pushed")

    @app.websocket(chat, "look", reply=True)
    @app.function("room")
    def look(event):
        found = client().get_connection(ConnectionId=event.connection_id)
        return {"agent": found["Identity"]["UserAgent"], "year": found["ConnectedAt"].year > 2000}

    @app.websocket(chat, "lost", reply=True)
    @app.function("room")
    def lost(event):
        try:
            client().get_connection(ConnectionId="none=")
        except client().exceptions.GoneException:
            return {"gone": True}

    @app.websocket(chat, "kick")
    @app.function("room")
    def kick(event):
        client().delete_connection(ConnectionId=event.connection_id)

    @app.websocket(chat, "$default", reply=True)
    @app.function("room")
    def other(event):
        return event.text.upper()

    @app.websocket(chat, "$disconnect")
    @app.function("room")
    def left(event):
        print("left with", event.disconnect_code)
"""


def test_clients_connect_talk_and_leave(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    server = Live(tmp_path, "--no-cloud")
    try:
        url = server.says("WS").split()[1]
        assert url.endswith("/chat")
        with pytest.raises(Refused) as refused:
            Socket(url)
        assert refused.value.status == 403
        with pytest.raises(Refused):
            Socket(url + "?token=t", Origin="https://evil.example")
        one = Socket(url + "?token=t", **{"User-Agent": "tester"})
        for said, heard in (
            ('{"action": "push"}', "pushed"),
            ('{"action": "look"}', '{"agent":"tester","year":true}'),
            ('{"action": "lost"}', '{"gone":true}'),
            ("hello", "HELLO"),
            ("x" * 100_000, "X" * 100_000),
        ):
            one.say(said)
            assert one.hear() == heard
        two = Socket(url + "?token=t")
        two.say('{"action": "kick"}')
        assert two.ended() == 1000
        assert server.says("left with 1000")
        one.leave(1001)
        assert server.says("left with 1001")
        three = Socket(url + "?token=t")
        three.say("x" * (128 * 1024 + 1))  # too much with its last byte: else it might be ended while it is sent
        assert three.ended() == 1009
        assert server.says("left with 1009")
        assert json.loads(server.request("GET", "/nothing")[2])["message"] == "Not Found"
        frame = Socket(url + "?token=t")
        frame.say_at_once("x" * 32 * 1024)
        assert frame.hear() == "X" * 32 * 1024
        frame.say_at_once("x" * (32 * 1024 + 1))
        assert frame.ended() == 1009
        four = Socket(url + "?token=t")
        write(tmp_path / "app.py", APP.replace("event.text.upper()", "event.text.title()"))
        assert server.says("Reloaded")
        four.say("still here")
        assert four.hear() == "Still Here"
        assert server.stop() == 0  # with a connection that is open
        assert four.ended() == 1012
    finally:
        server.stop()
