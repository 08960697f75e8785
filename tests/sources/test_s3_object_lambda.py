"""S3 Object Lambda: what a handler returns is what the caller gets, in the form that each operation wants."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import MagicMock

import pytest

from eventfw import App, HTTPError, Response, S3ObjectRequest
from eventfw.errors import RegistrationError
from eventfw.runtime import entry
from eventfw.sources.s3_object_lambda import S3ObjectLambda, S3Original
from eventfw.tools.build.template import Template
from eventfw.tools.checks import check

ALL = ["GetObject", "HeadObject", "ListObjects", "ListObjectsV2"]


def app_with(answer: Any = None, **options: Any) -> tuple[App, list[S3ObjectRequest], MagicMock]:
    app, seen, s3 = App("demo"), list[S3ObjectRequest](), MagicMock()

    @app.s3_object_lambda(app.bucket("uploads"), **options)
    def shout(request: S3ObjectRequest) -> Any:
        seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    trigger = app.handlers[0].triggers[0]
    assert isinstance(trigger, S3ObjectLambda)
    trigger._client = s3
    return app, seen, s3


def run(app: App, **fields: Any) -> Any:
    return entry(app, "shout")(app.handlers[0].triggers[0].sample(**fields), None)


def written(s3: MagicMock) -> dict[str, Any]:
    given: dict[str, Any] = s3.write_get_object_response.call_args.kwargs
    assert (given.pop("RequestRoute"), given.pop("RequestToken")) == ("io-use1-001", "T3V0cHV0VG9rZW4=")
    return given


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (b"HELLO", {"StatusCode": 200, "Body": b"HELLO"}),
        ("HÉLLO", {"StatusCode": 200, "Body": "HÉLLO".encode(), "ContentType": "text/plain; charset=utf-8"}),
        (
            Response(b"x", 206, {"Content-Type": "image/png", "x-amz-meta-by": "me", "Content-Range": "bytes 0-0/2"}),
            {
                "StatusCode": 206,
                "Body": b"x",
                "ContentType": "image/png",
                "Metadata": {"by": "me"},
                "ContentRange": "bytes 0-0/2",
            },
        ),
        (
            HTTPError(403, "Not for you."),
            {"StatusCode": 403, "ErrorCode": "AccessDenied", "ErrorMessage": "Not for you."},
        ),
        (
            S3Original(b"<Error><Code>NoSuchKey</Code><Message>Gone.</Message></Error>", 404),
            {"StatusCode": 404, "ErrorCode": "NoSuchKey", "ErrorMessage": "Gone."},
        ),
        (S3Original(b"x", 200, {"ETag": '"e"', "Vary": "*"}), {"StatusCode": 200, "Body": b"x", "ETag": '"e"'}),
    ],
)
def test_an_object_is_sent_with_write_get_object_response(answer: Any, sent: dict[str, Any]) -> None:
    app, _, s3 = app_with(answer)
    assert run(app) == {"status_code": 200}
    assert written(s3) == sent


@pytest.mark.parametrize(
    "answer", [None, {"a": 1}, Response({"a": 1}), Response(b"", 201), Response(b"", 200, {"Vary": "*"})]
)
def test_what_s3_does_not_take_is_an_error_of_the_handler(answer: Any) -> None:
    app, _, s3 = app_with(answer)
    with pytest.raises(TypeError):
        run(app)
    s3.write_get_object_response.assert_not_called()


@pytest.mark.parametrize(
    ("operation", "answer", "returned"),
    [
        (
            "HeadObject",
            S3Original(b"", 200, {"Content-Length": "5"}),
            {"statusCode": 200, "headers": {"content-length": 5}},
        ),
        ("HeadObject", {"statusCode": 304}, {"statusCode": 304}),
        ("HeadObject", HTTPError(404), {"statusCode": 404, "errorCode": "NoSuchKey", "errorMessage": "Not Found"}),
        ("ListObjectsV2", "<ListBucketResult/>", {"statusCode": 200, "listResultXml": "<ListBucketResult/>"}),
        ("ListObjects", S3Original(b"<x/>"), {"statusCode": 200, "listResultXml": "<x/>"}),
        (
            "ListObjects",
            S3Original(b"<Error><Code>NoSuchBucket</Code><Message>Gone.</Message></Error>", 404),
            {"statusCode": 404, "errorCode": "NoSuchBucket", "errorMessage": "Gone."},
        ),
    ],
)
def test_a_head_or_a_list_is_returned(operation: str, answer: Any, returned: dict[str, Any]) -> None:
    app, _, s3 = app_with(answer, operations=ALL)
    assert run(app, operation=operation) == returned
    s3.write_get_object_response.assert_not_called()


def test_an_operation_that_was_not_asked_for_does_not_reach_the_handler() -> None:
    app, _, _ = app_with(b"")
    trigger = app.handlers[0].triggers[0]
    assert trigger.mismatch(trigger.sample(operation="HeadObject")) == "operation HeadObject is not GetObject"


def test_the_key_is_decoded_and_a_list_has_none() -> None:
    app, seen, _ = app_with("", operations=ALL)
    run(app, key="in/a b+ü.txt")
    run(app, operation="ListObjects")
    assert [request.key for request in seen] == ["in/a b+ü.txt", ""]
    local = {**seen[0].raw, "userRequest": {"url": "http://127.0.0.1:4566/alias/in/a%20b.txt"}}
    assert S3ObjectRequest(local).key == "in/a b.txt"


class Original(http.server.BaseHTTPRequestHandler):
    """S3 behind the access point."""

    asked: list[tuple[str, str, str | None]] = []

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, self.headers["Range"]))
        self.send_response(404 if "missing" in self.path else 200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(b"hello")

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Original) as server:
        threading.Thread(target=server.serve_forever).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        Original.asked.clear()
        yield
        server.shutdown()


@pytest.mark.usefixtures("endpoint")
def test_fetching_sends_the_signed_headers_and_gives_refusals_too() -> None:
    app, seen, _ = app_with("", operations=ALL, allowed_features=["GetObject-Range"])
    url = "https://ap.s3-accesspoint.us-east-1.amazonaws.com/{}?partNumber=1&X-Amz-SignedHeaders=host;range"
    run(app, input_s3_url=url.format("a.txt"), headers={"Range": "bytes=0-1", "Cookie": "no"})
    run(app, input_s3_url=url.format("missing"), operation="HeadObject")
    found, refused = seen[0].fetch(), seen[1].fetch()
    assert (found.status, found.body, found.headers["content-type"]) == (200, b"hello", "text/plain")
    assert (refused.status, refused.body) == (404, b"")
    assert Original.asked == [("GET", "/a.txt?partNumber=1", "bytes=0-1"), ("HEAD", "/missing?partNumber=1", None)]


def test_only_what_s3_presigned_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    app, seen, _ = app_with("")
    run(app, input_s3_url="file:///etc/passwd")
    with pytest.raises(ValueError, match="https URLs only"):
        seen[0].fetch()


def test_the_function_may_answer_at_its_own_access_point_alone() -> None:
    app, _, _ = app_with()
    trigger, template = app.handlers[0].triggers[0], Template("demo", "dev")
    app.resources[0].resources(template)
    trigger.resources(app.functions["shout"], template)
    arn = "arn:${AWS::Partition}:s3-object-lambda:${AWS::Region}:${AWS::AccountId}:accesspoint/demo-dev-shout"
    assert trigger.statements(template) == [(["s3-object-lambda:WriteGetObjectResponse"], [{"Fn::Sub": arn}])]
    made = template.properties("ShoutObjectLambdaAccessPoint")
    assert made["Name"] == "demo-dev-shout"
    [runs] = made["ObjectLambdaConfiguration"]["TransformationConfigurations"]
    assert runs["Actions"] == ["GetObject"]
    assert template.properties("ShoutObjectLambdaSupportingAccessPoint")["Bucket"] == {"Ref": "UploadsBucket"}


def test_a_name_longer_than_s3_takes_is_refused_on_the_decorators_line() -> None:
    app, _, _ = app_with()
    with pytest.raises(RegistrationError, match="at most 45") as caught:
        app.handlers[0].triggers[0].statements(Template("demo", "d" * 40))
    assert "test_s3_object_lambda.py" in caught.value.place


def test_a_short_handlers_access_point_has_a_name_that_s3_takes() -> None:
    app = App("demo")

    @app.s3_object_lambda("uploads")
    def _a(request: Any) -> None: ...

    [(_, [arn])] = app.handlers[0].triggers[0].statements(Template("demo", "local", local=True))
    assert arn["Fn::Sub"].endswith("/a-object-lambda")


def test_a_timeout_longer_than_s3_waits_is_refused() -> None:
    app = App("demo")

    @app.s3_object_lambda("uploads")
    @app.function(timeout=61)
    def shout(request: Any) -> None: ...

    with pytest.raises(RegistrationError, match="at most 60"):
        app.handlers[0].triggers[0].resources(app.functions["shout"], Template("demo", "dev"))


def test_handlers_of_one_function_share_no_operation() -> None:
    app = App("demo")

    def one(request: Any) -> None: ...

    def two(request: Any) -> None: ...

    def three(request: Any) -> None: ...

    for handler, operation in ((one, "GetObject"), (two, "HeadObject"), (three, "GetObject")):
        app.s3_object_lambda("uploads", operations=operation)(app.function("all")(handler))
    app.s3_object_lambda("others")(one)  # one handler may serve two buckets
    refused = [finding.handlers for finding in check(app) if finding.refused]
    assert {tuple(sorted(handlers)) for handlers in refused} == {("one", "three")}


def test_who_builds_is_warned_that_the_service_is_closed_to_new_accounts() -> None:
    app, _, _ = app_with()
    [finding] = check(app)
    assert "2025-11-07" in finding.message and not finding.refused


@pytest.mark.parametrize(
    "options",
    [
        {"operations": ["PutObject"]},
        {"operations": []},
        {"operations": ["GetObject", "GetObject"]},
        {"allowed_features": ["HeadObject-Range"]},
        {"allowed_features": "GetObject-Range"},
        {"payload": {"a": 1}},
    ],
)
def test_options_that_cannot_be_are_refused_on_the_users_line(options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError) as caught:
        App("demo").s3_object_lambda("uploads", **options)
    assert "test_s3_object_lambda.py" in caught.value.place
