"""Function URLs, load balancers and Lattice on a running server, with functions in workers of their own."""

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

    inside = app.lattice_service("inside")
    LISTENER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/a/50dc6c495c0c9188/f2f7dc8efc522ab2"

    @app.alb(LISTENER, priority=1, path="/a/*")
    @app.vpc_lattice(inside)
    def both(request):
        return {"path": request.path, "cookies": request.cookies}
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
        for prefix in ("_alb", "_lattice"):
            assert server.get(f"/{prefix}/both/a/b", cookie="c=1") == {"path": "/a/b", "cookies": {"c": "1"}}
        assert server.request("GET", "/_alb/both/other")[0] == 404
    finally:
        assert server.stop() == 0
