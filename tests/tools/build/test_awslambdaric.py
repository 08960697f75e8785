"""A zip, unpacked, answers events under AWS's own runtime client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from eventfw.tools.build.assemble import build
from eventfw.tools.project import Config, Project, import_app_module

pytest.importorskip("awslambdaric")

APP = """
from eventfw import App

app = App("gallery")
orders = app.queue("orders")


@app.http("/photos/{name}")
def photo(request, name):
    return {"name": name, "file": __file__}


@app.sqs_consumer(orders)
def order(message):
    if message.body == "bad":
        raise ValueError("bad")


@app.event_rule({"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}})
@app.function("totals")
def large(event):
    raise ValueError(f"large {event.detail} {event.resources} {event.time.year}")


@app.event_rule({"source": ["shop"], "detail": {"total": [{"numeric": ["<=", 100]}]}})
@app.function("totals")
def small(event):
    raise ValueError(f"small {event.detail}")
"""
HTTP = {
    "version": "2.0", "routeKey": "GET /photos/{name}", "rawPath": "/photos/cat", "rawQueryString": "",
    "headers": {"accept": "*/*"}, "pathParameters": {"name": "cat"}, "isBase64Encoded": False,
    "requestContext": {"http": {"method": "GET", "path": "/photos/cat"}, "domainName": "x.example"},
}  # fmt: skip
ARN = "arn:aws:sqs:eu-west-1:000000000000:orders"


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's Runtime API: hands out the events it is given, keeps what the function answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Invocations)
        self.events: Queue[Any] = Queue()
        self.answers: Queue[tuple[str, Any]] = Queue()

    def invoke(self, event: object) -> tuple[str, Any]:
        """What the function makes of an event: (``response`` or ``error``, its body)."""
        self.events.put(event)
        return self.answers.get(timeout=30)


class Invocations(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:
        body = json.dumps(self.server.events.get()).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:000000000000:function:f")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answers.put((self.path.rpartition("/")[2], body))

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running(task: Path, handler: str, **environment: str) -> Iterator[RuntimeApi]:
    """AWS's runtime client with a function of an unpacked zip, as Lambda starts it."""
    with RuntimeApi() as api:
        threading.Thread(target=api.serve_forever, daemon=True).start()
        given = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        with (task.parent / "log").open("w") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", handler],
                cwd=task, env={**kept, **given, **environment}, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            yield api
        finally:
            child.kill()
            child.wait()
            api.shutdown()


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked zip."""
    folder = tmp_path_factory.mktemp("gallery")
    (folder / "gallery_app.py").write_text(APP)
    app = import_app_module(folder, "gallery_app").app
    project = Project(folder, Config(app="gallery_app"), app, "gallery_app", "app")
    sys.path.remove(str(folder))
    artifacts = build(project, project.stage(None), out=tmp_path_factory.mktemp("out"))
    unpacked = tmp_path_factory.mktemp("lambda") / "task"
    zipfile.ZipFile(artifacts.assets[0].path).extractall(unpacked)
    return unpacked


def test_an_http_event_is_answered_by_the_code_of_the_zip(task: Path) -> None:
    with running(task, "eventfw_entry.api") as api:
        kind, answer = api.invoke(HTTP)
    assert (kind, answer["statusCode"]) == ("response", 200)
    body = json.loads(answer["body"])
    assert body["name"] == "cat"
    assert Path(body["file"]).resolve() == (task / "gallery_app.py").resolve()


def test_a_batch_of_messages_reports_the_one_that_failed(task: Path) -> None:
    records = [
        {"messageId": str(number), "body": body, "attributes": {}, "messageAttributes": {}, "receiptHandle": "r",
         "eventSource": "aws:sqs", "eventSourceARN": ARN, "awsRegion": "eu-west-1"}
        for number, body in enumerate(["good", "bad", "good"])
    ]  # fmt: skip
    url = "https://sqs.eu-west-1.amazonaws.com/000000000000/orders"
    with running(task, "eventfw_entry.order", EVENTFW_QUEUE_ORDERS=url) as api:
        kind, answer = api.invoke({"Records": records})
    assert (kind, answer) == ("response", {"batchItemFailures": [{"itemIdentifier": "1"}]})


def test_the_handler_whose_pattern_matches_runs_and_has_the_events_fields(task: Path) -> None:
    event = {"source": "shop", "detail-type": "Order", "time": "2026-05-01T00:00:00Z", "resources": ["arn:x"]}
    with running(task, "eventfw_entry.totals") as api:
        answers = [api.invoke({**event, "detail": {"total": total}})[1]["errorMessage"] for total in (500, 5)]
    assert answers == ["large {'total': 500} ['arn:x'] 2026", "small {'total': 5}"]


def test_a_method_without_a_route_is_a_405_behind_a_function_url(task: Path) -> None:
    context = {"http": {"method": "PUT", "path": "/photos/cat"}, "domainName": "x.lambda-url.eu-west-1.on.aws"}
    with running(task, "eventfw_entry.api") as api:
        kind, answer = api.invoke({**HTTP, "routeKey": "$default", "requestContext": context})
    assert (kind, answer["statusCode"], answer["headers"]["allow"]) == ("response", 405, "GET")


def test_a_foreign_event_is_an_error_that_names_the_function(task: Path) -> None:
    with running(task, "eventfw_entry.order") as api:
        kind, answer = api.invoke({"detail": {}})
    assert kind == "error"
    assert answer["errorType"].endswith("RoutingError")
    assert "'order'" in answer["errorMessage"]
