"""A distribution on a running local server: its API, a bucket in the embedded AWS, and all four of its functions."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from live import Live, eventfw, write

from eventfw.resources.distribution import local_id

APP = """
    from eventfw import App

    app = App("shop")
    cats = app.bucket("cats")
    site = app.distribution("site")
    site.behavior("/cats/*", cats)
    news = app.distribution("news", origin="news.example.com", cache_policy="UseOriginCacheControlHeaders")

    @app.http("/where")
    @app.function(uses=[site.named])
    def where(request):
        return {"domain": site.domain, "secret": request.headers.get("x-secret"), "path": request.path}

    @app.edge_viewer_request(site)
    def door(request):
        if request.uri == "/":
            request.uri = "/where"
        if request.uri == "/wrong":
            request.set_header("Host", "other")
        return request

    @app.edge_origin_request(site)
    def choose(request):
        request.origin.set_header("X-Secret", request.origin.kind)
        return request

    @app.edge_origin_response(site, path="/cats/*")
    def dress(response):
        if response.status == 403:
            response.status = 200
            response.replace_body({"cat": None})
        return response

    @app.edge_viewer_response(site)
    def secure(response):
        response.set_header("X-Frame-Options", "DENY")
        return response
"""


class News(BaseHTTPRequestHandler):
    """A server that the developer names, which says who asked it."""

    def do_GET(self) -> None:
        body = b"news for " + self.headers["x-forwarded-for"].encode()
        self.send_response(200)
        self.send_header("cache-control", "max-age=60")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("edge")
    write(folder / "app.py", APP)
    with ThreadingHTTPServer(("127.0.0.1", 0), News) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.02,))
        serving.start()
        running = Live(folder, "--edge-origin", f"news=http://127.0.0.1:{server.server_port}")
        try:
            yield running
        finally:
            running.stop()
            server.shutdown()
            serving.join()


def test_the_functions_run_around_the_api_and_a_function_knows_where_the_edge_is(live: Live) -> None:
    status, headers, body = live.request("GET", "/", to="edge")
    assert (status, headers["x-frame-options"]) == (200, "DENY")
    port = live.address("edge").rpartition(":")[2]
    assert json.loads(body) == {"domain": f"site.localhost:{port}", "secret": "custom", "path": "/where"}


def test_a_bucket_of_the_embedded_aws_is_an_origin(live: Live) -> None:
    live.client("s3").put_object(Bucket="cats", Key="cats/tom cat.txt", Body=b"meow", ContentType="text/plain")
    status, headers, body = live.request("GET", "/cats/tom%20cat.txt", to="edge")
    assert (status, headers["content-type"], body) == (200, "text/plain", b"meow")
    assert live.request("GET", "/cats/none", to="edge")[::2] == (200, b'{"cat":null}')


def test_a_bucket_is_read_from_the_cache_until_an_invalidation(live: Live) -> None:
    def cat() -> tuple[bytes, str]:
        _, headers, body = live.request("GET", "/cats/kitten.txt", to="edge")
        return body, headers["x-cache"].partition(" ")[0]

    live.client("s3").put_object(Bucket="cats", Key="cats/kitten.txt", Body=b"mew")
    assert [cat(), cat()] == [(b"mew", "Miss"), (b"mew", "Hit")]
    live.client("s3").put_object(Bucket="cats", Key="cats/kitten.txt", Body=b"purr")
    assert cat() == (b"mew", "Hit")
    distribution = live.client("cloudfront").list_distributions()["DistributionList"]["Items"][0]
    for id_, result in ((distribution["Id"], b"purr"), (local_id("site"), b"hiss")):
        live.client("s3").put_object(Bucket="cats", Key="cats/kitten.txt", Body=result)
        batch = {"Paths": {"Quantity": 1, "Items": ["/cats/*"]}, "CallerReference": id_}
        made = live.client("cloudfront").create_invalidation(DistributionId=id_, InvalidationBatch=batch)
        assert (made["Invalidation"]["Status"], cat()) == ("Completed", (result, "Miss"))


def test_a_server_that_is_named_is_the_origin_of_its_distribution(live: Live) -> None:
    host = f"news.localhost:{live.address('edge').rpartition(':')[2]}"
    found = [live.request("GET", "/", to="edge", host=host) for _ in range(2)]
    assert [body for _, _, body in found] == [b"news for 127.0.0.1"] * 2
    assert [headers["x-cache"].partition(" ")[0] for _, headers, _ in found] == ["Miss", "Hit"]


def test_an_origin_that_is_not_one_is_refused_before_anything_starts(tmp_path: Path) -> None:
    write(tmp_path / "app.py", "from eventfw import App\n\napp = App('shop')\n")
    done = eventfw(tmp_path, "local", "--port", "0", "--edge-origin", "news.example.com")
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "--edge-origin takes URL, DISTRIBUTION=URL or HOST=URL, not 'news.example.com'" in done.stderr


def test_what_cloudfront_would_refuse_is_told_in_the_page_and_the_terminal(live: Live) -> None:
    status, headers, body = live.request("GET", "/wrong", to="edge")
    assert (status, headers["x-cache"]) == (502, "LambdaValidationError from cloudfront")
    assert b"the header host is read-only in viewer-request, and the function changed it" in body
    live.says("the header host is read-only in viewer-request")


def test_the_distribution_is_stored_in_the_embedded_aws(live: Live) -> None:
    every = live.client("cloudfront").list_distributions()["DistributionList"]["Items"]
    [found] = [one for one in every if one["Comment"] == "site"]
    assert {origin["Id"] for origin in found["Origins"]["Items"]} == {"HttpApi", "CatsBucket"}
