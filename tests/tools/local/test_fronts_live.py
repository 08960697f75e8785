"""Function URLs on a running server, with functions in workers of their own."""

from __future__ import annotations

import json
from pathlib import Path

from live import Live, write

APP = """
    from eventfw import App

    app = App("shop")

    @app.function_url("NONE")
    def hook(request):
        return {"path": request.path, "name": request.json["name"]}, 202

    @app.function_url("NONE")
    @app.get("/photos/{id:int}")
    def photo(id):
        return {"id": id}
"""


def test_fronts_are_served_beside_the_apis(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    server = Live(tmp_path, "--no-cloud")
    try:
        assert server.says("_url/hook")
        status, _, body = server.request("POST", "/_url/hook/github", b'{"name": "cat"}')
        assert (status, json.loads(body)) == (202, {"path": "/github", "name": "cat"})
        assert server.get("/_url/api/photos/7") == {"id": 7}
        assert server.get("/photos/7") == {"id": 7}
        assert server.request("POST", "/_url/api/photos/7")[0] == 405
        assert server.request("GET", "/_url/hook/")[0] == 400  # the handler's: there is no JSON
    finally:
        assert server.stop() == 0
