"""``eventfw local`` as a whole: one real server, an app with every decorator, and real clients."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from live import Live, until, write

APP = """
    import json
    import os
    from pathlib import Path

    from eventfw import App, Response

    app = App("shop")
    uploads = app.bucket("uploads")
    orders = app.queue("orders", visibility_timeout=1, max_receives=2)
    steps = app.queue("steps", fifo=True, content_based_deduplication=True)
    failures = app.queue("failures")


    def note(what, value):
        with Path("seen.jsonl").open("a") as file:
            file.write(json.dumps([what, value]) + "\\n")


    @app.http("/photos/{name}")
    def photo(request, name):
        return {"name": name, "raw": request.raw}


    @app.http("/environment")
    def environment():
        return dict(os.environ)


    @app.http("/echo", methods="POST")
    def echo(request):
        return request.body


    @app.http("/boom")
    def boom():
        raise KeyError("gone")


    @app.http("/version")
    def version():
        return {"version": 1}


    @app.s3_trigger(uploads, suffix=".png")
    def thumbnail(upload):
        note("thumbnail", {"key": upload.key, "raw": upload.raw})


    @app.s3_trigger(uploads, suffix=".bad")
    @app.function(on_failure=failures, maximum_retry_attempts=0)
    def broken(upload):
        note("broken", upload.key)
        raise ValueError("cannot read this")


    @app.sqs_consumer(failures)
    def failed(message):
        note("failed", message.json)


    @app.sqs_consumer(orders)
    @app.function(timeout=1)
    def order(message):
        note("order", message.raw)
        if message.body == "bad":
            raise ValueError("cannot ship this")


    @app.sqs_consumer(steps)
    def step(message):
        note("step", message.body)


    @app.sqs_consumer("legacy")
    def legacy(message):
        note("legacy", message.body)


    @app.schedule("cron(0 6 * * ? *)")
    def morning(tick):
        note("morning", tick.time.isoformat())


    @app.event_rule({"source": ["my.shop"], "detail": {"total": [{"numeric": [">", 100]}]}})
    @app.function("totals")
    def large(event):
        note("large", event.raw)


    @app.event_rule({"source": ["my.shop"], "detail": {"total": [{"numeric": ["<=", 100]}]}})
    @app.function("totals")
    def small(event):
        note("small", event.detail)


    @app.edge_viewer_request("site")
    def redirect(request):
        if request.uri == "/old":
            return Response("moved", 301, headers={"location": "/new"})
        request.uri = "/photos/" + request.uri.strip("/")
        return request


    @app.function()
    def direct(event, context):
        if event == "fail":
            raise RuntimeError("no")
        note("direct", event)
        return {"got": event, "client": getattr(context.client_context, "custom", None)}
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("shop")
    write(folder / "app.py", APP)
    live = Live(folder, AWS_ACCESS_KEY_ID="AKIAREAL", AWS_SECRET_ACCESS_KEY="real", AWS_PROFILE="work")
    try:
        yield live
    finally:
        live.stop()


def test_the_first_line_has_the_addresses(live: Live) -> None:
    assert set(live.addresses) == {"http", "aws", "edge", "pid"}
    assert live.addresses["pid"] == live.process.pid


# HTTP


def test_http_gives_the_handler_an_event_of_format_2(live: Live) -> None:
    raw = live.get("/photos/cat%20one?size=2&size=3")["raw"]
    assert raw["version"] == "2.0"
    assert raw["routeKey"] == "GET /photos/{name}"
    assert raw["pathParameters"] == {"name": "cat%20one"}  # HTTP APIs leave it encoded
    assert raw["queryStringParameters"] == {"size": "2,3"}


def test_http_of_an_unknown_path_is_the_gateways_404(live: Live) -> None:
    status, _, body = live.request("GET", "/nothing")
    assert (status, json.loads(body)) == (404, {"message": "Not Found"})


def test_a_failing_handler_is_a_500_and_is_told(live: Live) -> None:
    assert live.request("GET", "/boom")[0] == 500
    live.says("KeyError")


def test_handlers_have_dummy_credentials_and_the_doors_address(live: Live) -> None:
    seen = live.get("/environment")
    assert seen["AWS_ENDPOINT_URL"] == live.addresses["aws"]
    assert "AKIAREAL" not in seen.values()
    assert "real" not in seen.values()
    assert "AWS_PROFILE" not in seen


def test_an_upgrade_to_websocket_is_answered_as_plain_http(live: Live) -> None:
    headers = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }
    for to, status in (("http", 404), ("edge", 404), ("aws", 404)):
        assert live.request("GET", "/chat/room/nothing", to=to, **headers)[0] == status


@pytest.mark.parametrize("to", ["http", "aws"])
def test_a_client_that_waits_for_100_continue_gets_it(live: Live, to: str) -> None:
    host, port = live.address(to).split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = "PUT /uploads/waits.bin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        if to == "http":
            head = head.replace("PUT /uploads/waits.bin", "POST /echo")
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"abc")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


# S3


@pytest.mark.parametrize("key", ["a b.png", "a+b.png", "ordner/größe 1+2 é✓.png", "100%.png", "a%20b.png"])
def test_an_object_stored_reaches_the_handler_with_its_key_decoded(live: Live, key: str) -> None:
    live.client("s3").put_object(Bucket="uploads", Key=key, Body=b"png")
    seen = until(lambda: [one for one in live.noted("thumbnail") if one["key"] == key], f"the event of {key}")
    record = seen[0]["raw"]
    assert record["eventSource"] == "aws:s3"
    assert record["eventName"] == "ObjectCreated:Put"
    assert record["s3"]["bucket"]["name"] == "uploads"
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::uploads"
    assert record["s3"]["object"]["size"] == 3


def test_an_object_the_filter_leaves_out_runs_nothing(live: Live) -> None:
    live.client("s3").put_object(Bucket="uploads", Key="notes.txt", Body=b"text")
    live.client("s3").put_object(Bucket="uploads", Key="after.png", Body=b"png")
    until(lambda: "after.png" in [one["key"] for one in live.noted("thumbnail")])
    assert "notes.txt" not in [one["key"] for one in live.noted("thumbnail")]


def test_what_failed_for_good_reaches_the_destination_of_failures(live: Live) -> None:
    live.client("s3").put_object(Bucket="uploads", Key="cat.bad", Body=b"x")
    record = until(lambda: live.noted("failed"), "the record of the failure")[0]
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"]["Records"][0]["s3"]["object"]["key"] == "cat.bad"
    assert live.noted("broken") == ["cat.bad"]


def test_large_objects_stream_through_the_door(live: Live) -> None:
    body = bytes(range(256)) * 40_000
    live.client("s3").put_object(Bucket="uploads", Key="large.bin", Body=body)
    assert live.client("s3").get_object(Bucket="uploads", Key="large.bin")["Body"].read() == body
    assert live.client("s3").head_object(Bucket="uploads", Key="large.bin")["ContentLength"] == len(body)


# SQS


def send(live: Live, queue: str, body: str, **more: Any) -> Any:
    client = live.client("sqs")
    return client.send_message(QueueUrl=client.get_queue_url(QueueName=queue)["QueueUrl"], MessageBody=body, **more)


def test_a_message_reaches_the_handler_in_the_shape_of_aws(live: Live) -> None:
    sent = send(live, "orders", "one print")
    seen = until(lambda: [one for one in live.noted("order") if one["body"] == "one print"])
    assert seen[0]["messageId"] == sent["MessageId"]
    assert seen[0]["eventSource"] == "aws:sqs"
    assert seen[0]["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:orders"
    assert seen[0]["attributes"]["ApproximateReceiveCount"] == "1"


def test_the_address_of_a_queue_is_the_doors(live: Live) -> None:
    url = live.client("sqs").get_queue_url(QueueName="orders")["QueueUrl"]
    assert url == f"{live.addresses['aws']}/000000000000/orders"


def test_a_failing_message_comes_back_and_is_dead_lettered(live: Live) -> None:
    send(live, "orders", "bad")
    client = live.client("sqs")
    dead = client.get_queue_url(QueueName="orders-dead-letters")["QueueUrl"]
    found = until(lambda: client.receive_message(QueueUrl=dead, WaitTimeSeconds=1).get("Messages"), "the dead letter")
    assert [one["Body"] for one in found] == ["bad"]
    counts = [one["attributes"]["ApproximateReceiveCount"] for one in live.noted("order") if one["body"] == "bad"]
    assert counts == ["1", "2"]
    live.says("The message will come again at ")
    live.says("The message, received 2 times, will be in orders-dead-letters at ")


def test_a_fifo_queue_keeps_its_order(live: Live) -> None:
    for number in range(6):
        send(live, "steps.fifo", f"step {number}", MessageGroupId="one")
    until(lambda: len(live.noted("step")) >= 6, "six steps")
    assert live.noted("step") == [f"step {number}" for number in range(6)]


def test_an_existing_queue_is_made_under_its_own_name(live: Live) -> None:
    send(live, "legacy", "hello")
    until(lambda: live.noted("legacy") == ["hello"])


# The edge


def test_an_event_reaches_the_handler_whose_pattern_it_matches(live: Live) -> None:
    details = [{"Source": "my.shop", "DetailType": "Order", "Detail": json.dumps({"total": n})} for n in (500, 5)]
    live.client("events").put_events(Entries=details)
    until(lambda: live.noted("large") and live.noted("small"), "both events")
    (raw,) = live.noted("large")
    assert (raw["source"], raw["detail-type"], raw["detail"]) == ("my.shop", "Order", {"total": 500})
    assert live.noted("small") == [{"total": 5}]


def test_the_edge_runs_before_the_gateway(live: Live) -> None:
    status, _, body = live.request("GET", "/dog", to="edge")
    assert status == 200
    assert json.loads(body)["name"] == "dog"


def test_the_edge_answers_with_a_generated_response(live: Live) -> None:
    status, headers, body = live.request("GET", "/old", to="edge")
    assert (status, headers["location"], body) == (301, "/new", b"moved")


# Invoke, as SDKs send it


def test_an_sdk_invokes_a_function(live: Live) -> None:
    import base64

    custom = base64.b64encode(json.dumps({"custom": {"who": "me"}}).encode()).decode()
    for name in ("direct", "arn:aws:lambda:us-east-1:000000000000:function:direct"):
        done = live.client("lambda").invoke(FunctionName=name, Payload=b'{"a": 1}', ClientContext=custom)
        assert json.load(done["Payload"]) == {"got": {"a": 1}, "client": {"who": "me"}}
        assert "FunctionError" not in done


def test_an_sdk_sees_a_function_fail(live: Live) -> None:
    done = live.client("lambda").invoke(FunctionName="direct", Payload=b'"fail"', LogType="Tail")
    assert done["FunctionError"] == "Unhandled"
    error = json.load(done["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("RuntimeError", "no")
    assert done["LogResult"]


def test_an_event_invocation_is_accepted_and_runs(live: Live) -> None:
    done = live.client("lambda").invoke(FunctionName="direct", InvocationType="Event", Payload=b'"later"')
    assert done["StatusCode"] == 202
    until(lambda: "later" in live.noted("direct"))


def test_an_unknown_function_is_not_found(live: Live) -> None:
    client = live.client("lambda")
    for type_ in ("RequestResponse", "Event", "DryRun"):
        with pytest.raises(client.exceptions.ResourceNotFoundException, match="nobody"):
            client.invoke(FunctionName="nobody", InvocationType=type_)


def test_the_stack_and_its_resources_are_there_for_clients(live: Live) -> None:
    stacks = live.client("cloudformation").describe_stacks()["Stacks"]
    assert [one["StackName"] for one in stacks] == ["shop-local"]
    names = {one["FunctionName"] for one in live.client("lambda").list_functions()["Functions"]}
    assert {"api", "order", "direct", "thumbnail"} <= names
    rules = live.client("events").list_rules()["Rules"]
    states = {("ScheduleExpression" in one, one["State"]) for one in rules}
    assert states == {(True, "DISABLED"), (False, "ENABLED")}  # the server keeps the time itself


# What is refused


@pytest.mark.parametrize("to", ["http", "aws", "edge"])
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
def test_foreign_pages_are_refused_on_every_port(live: Live, to: str, headers: dict[str, str]) -> None:
    status, _, body = live.request("GET", "/version", to=to, **headers)
    assert status == 403
    assert b"--allow-host" in body


@pytest.mark.parametrize(
    "path",
    [
        "/_ministack/reset",
        "/_ministack/health",
        "//_ministack/reset",
        "/%5fministack/reset",
        "/%255fministack/reset",
        "/./_ministack/reset",
        "/x/../_ministack/reset",
        "/x/%2e%2e/_ministack/reset",
        "/_MINISTACK/reset",
        "/_ministack",
        "/_ministack/reset?x=1",
        "/_localstack/health",
        "/_ministack/cfn-response/../reset",
    ],
)
def test_the_embedded_aws_is_controlled_by_nobody_else(live: Live, path: str) -> None:
    for method in ("GET", "POST", "PUT"):
        assert live.request(method, path, b"", to="aws")[0] == 403


def test_the_servers_own_paths_ask_for_the_token(live: Live) -> None:
    for path in ("/_eventfw/invoke/direct", "/_eventfw/push/guess/direct", "/_eventfw/", "/_eventfw/push"):
        assert live.request("POST", path, b"{}", to="aws")[0] == 403


def test_the_file_with_the_token_is_its_owners(live: Live) -> None:
    path = live.folder / ".eventfw" / "local.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert (path.parent / ".gitignore").read_text() == "*\n"
