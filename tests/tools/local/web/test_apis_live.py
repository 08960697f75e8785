"""All APIs of an app on a running server, with authorizers in workers of their own."""

from __future__ import annotations

from pathlib import Path

from live import Live, write

APP = """
    from eventfw import Allow, App

    app = App("shop")
    app.http_api(cors=["http://localhost:3000"])
    v1 = app.rest_api("v1")

    @app.authorizer(ttl=300)
    def check(request):
        return Allow("anna", context={"admin": True}) if request.token == "secret" else False

    @app.get("/me", authorizer=check)
    @app.get("/me/{id:int}", api=v1, authorizer=check)
    def me(request, id=0):
        return {"id": id, **{name: request.authorizer[name] for name in ("principalId", "admin")}}
"""


def test_every_api_is_served_and_its_authorizers_are_asked(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    server = Live(tmp_path, "--no-cloud")
    try:
        assert server.says("REST").endswith("/v1")
        assert server.get("/me", authorization="secret") == {"id": 0, "principalId": "anna", "admin": True}
        assert server.get("/v1/me/7", authorization="secret") == {"id": 7, "principalId": "anna", "admin": "true"}
        assert server.request("GET", "/me")[0] == 401
        assert server.request("GET", "/v1/me/7", authorization="x")[0] == 403
        assert server.request("GET", "/v1/nothing")[2] == b'{"message":"Missing Authentication Token"}'
        asked = {"origin": "http://localhost:3000", "access_control_request_method": "GET"}
        status, headers, _ = server.request("OPTIONS", "/me", **asked)
        assert (status, headers["access-control-allow-origin"]) == (204, "http://localhost:3000")
    finally:
        assert server.stop() == 0
