"""Firehose: every record is answered once, whatever the handler does."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

import pytest
from templates import complaints, deployed, properties

from eventfw import App, FirehoseRecord
from eventfw.errors import RegistrationError
from eventfw.runtime import entry


def event(*data: bytes, stream: str = "views") -> dict[str, Any]:
    records = [{"recordId": str(at), "data": b64encode(each).decode()} for at, each in enumerate(data)]
    arn = f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{stream}"
    return {"invocationId": "i", "deliveryStreamArn": arn, "region": "us-east-1", "records": records}


def transform(handler: Any, raw: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    app = App("demo")
    app.firehose_transform("views", bucket=app.bucket("uploads"), **options)(handler)
    answer = entry(app, handler.__name__)(raw, None)
    assert [each["recordId"] for each in answer["records"]] == [each["recordId"] for each in raw["records"]]
    assert len(json.dumps(answer)) <= 6 * 1024 * 1024
    return answer["records"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("result", "delivered"),
    [(b"\x00raw", b"\x00raw"), ("text", b"text"), ({"a": 1}, b'{"a": 1}\n'), ([1], b"[1]\n"), (7, b"7\n"), ("", b"")],
)
def test_what_the_handler_returns_is_delivered(result: Any, delivered: bytes) -> None:
    def clean(record: FirehoseRecord) -> Any:
        return result

    [answer] = transform(clean, event(b"{}"))
    assert (answer["result"], b64decode(answer["data"])) == ("Ok", delivered)


@dataclass
class View:
    photo: str


def test_models_are_received_and_returned(caplog: pytest.LogCaptureFixture) -> None:
    def clean(view: View) -> View:
        return View(view.photo.upper())

    answers = transform(clean, event(b'{"photo": "cat"}', b'{"photo": 7}'))
    assert b64decode(answers[0]["data"]) == b'{"photo": "CAT"}\n'
    assert answers[1]["result"] == "ProcessingFailed" and "does not fit View" in caplog.text


def test_nothing_drops_an_exception_fails_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    def clean(record: FirehoseRecord) -> Any:
        if record.text == "drop":
            return None
        return record.json

    answers = transform(clean, event(b'{"a": 1}', b"drop", b"broken", b"{}"))
    assert [each["result"] for each in answers] == ["Ok", "Dropped", "ProcessingFailed", "Ok"]
    assert b64decode(answers[2]["data"]) == b"broken"
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_what_cannot_be_written_fails_its_record_only() -> None:
    def clean(record: FirehoseRecord) -> Any:
        return {"when": object()} if record.id == "0" else record.data

    assert [each["result"] for each in transform(clean, event(b"a", b"b"))] == ["ProcessingFailed", "Ok"]


@pytest.mark.parametrize("result", [None, [], [{"recordId": "9", "result": "Ok", "data": ""}], "nonsense"])
def test_records_that_middleware_loses_have_failed(result: Any) -> None:
    app = App("demo")

    @app.firehose_transform("views")
    def clean(record: FirehoseRecord) -> bytes:
        return record.data

    @app.middleware
    def lossy(event: Any, call: Any) -> Any:
        return result

    answers = entry(app, "clean")(event(b"a", b"b"), None)["records"]
    assert [(each["recordId"], each["result"]) for each in answers] == [
        ("0", "ProcessingFailed"),
        ("1", "ProcessingFailed"),
    ]


def test_a_response_that_would_be_too_large_fails_the_largest_records_only() -> None:
    def clean(record: FirehoseRecord) -> bytes:
        return record.data * (4_000_000 if record.id == "1" else 500_000)

    assert [each["result"] for each in transform(clean, event(b"a", b"b", b"c"))] == ["Ok", "ProcessingFailed", "Ok"]


def test_a_full_buffer_that_is_passed_on_fits() -> None:
    def clean(record: FirehoseRecord) -> bytes:
        return record.data

    answers = transform(clean, event(*[b"x" * 1000] * 3000))
    assert {each["result"] for each in answers} == {"Ok"}


def test_partition_keys_are_sent_along() -> None:
    def clean(record: FirehoseRecord) -> Any:
        record.partition_keys["customer"] = record.json["customer"]
        return record.json

    [answer] = transform(clean, event(b'{"customer": 7}'), partition_by=["customer"])
    assert answer["metadata"] == {"partitionKeys": {"customer": "7"}}


def test_a_record_without_its_partition_key_fails() -> None:
    def clean(record: FirehoseRecord) -> Any:
        return None if record.text == "drop" else record.data

    answers = transform(clean, event(b"a", b"drop"), partition_by=["customer"])
    assert [each["result"] for each in answers] == ["ProcessingFailed", "Dropped"]


def test_handlers_of_one_function_are_told_apart_by_stream() -> None:
    app, seen = App("demo"), []

    @app.firehose_transform("views", bucket=app.bucket("uploads"))
    @app.function("transform")
    def views(record: Any) -> None:
        seen.append("views")

    @app.firehose_transform("sales")
    @app.function("transform")
    def sales(record: Any) -> None:
        seen.append("sales")

    run = entry(app, "transform")
    run(event(b"", stream="demo-prod-views"), None)
    run(event(b"", stream="sales"), None)
    assert seen == ["views", "sales"]


def test_the_stream_invokes_the_function_and_writes_to_the_bucket() -> None:
    app = App("demo")

    @app.firehose_transform(
        "views", bucket=app.bucket("uploads"), prefix="views/", partition_by=["customer"], retries=5
    )
    def clean(record: Any) -> Any: ...

    template = deployed(app)
    stream = properties(template, "ViewsFirehose")
    assert stream["DeliveryStreamName"] == "demo-dev-views"
    destination = stream["ExtendedS3DestinationConfiguration"]
    assert destination["Prefix"] == "views/customer=!{partitionKeyFromLambda:customer}/"
    assert destination["ErrorOutputPrefix"] == "failed/!{firehose:error-output-type}/"
    assert destination["DynamicPartitioningConfiguration"] == {"Enabled": True}
    [processor] = destination["ProcessingConfiguration"]["Processors"]
    values = {each["ParameterName"]: each["ParameterValue"] for each in processor["Parameters"]}
    assert values["LambdaArn"] == {"Fn::GetAtt": ["CleanFunction", "Arn"]} and values["NumberOfRetries"] == "5"
    role = properties(template, "ViewsFirehoseRole")
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "AWS::AccountId"}}}
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert statements[0]["Resource"] == [{"Fn::GetAtt": ["CleanFunction", "Arn"]}]
    assert complaints(template) == []


def test_an_existing_stream_is_not_touched() -> None:
    app = App("demo")

    @app.firehose_transform("views")
    def clean(record: Any) -> Any: ...

    assert set(deployed(app)["Resources"]) == {"CleanFunction", "CleanRole", "CleanLogGroup"}


def test_a_function_that_firehose_does_not_wait_for_is_refused() -> None:
    app = App("demo")

    @app.firehose_transform("views")
    @app.function(timeout=301)
    def clean(record: Any) -> Any: ...

    with pytest.raises(RegistrationError, match="Firehose waits 300 s"):
        deployed(app)


@pytest.mark.parametrize(
    "options",
    [
        {"stream": "a b"},
        {"stream": ""},
        {"stream": "x" * 65},
        {"buffer_size": 4},
        {"buffer_size": 0.1},
        {"buffer_size": True},
        {"prefix": "!{timestamp:yyyy}/", "error_prefix": ""},
        {"error_prefix": "!{timestamp:yyyy}/"},
        {"buffer_interval": 901},
        {"retries": 301},
        {"compression": "gzip"},
        {"partition_by": "customer"},
        {"partition_by": ["customer id"]},
        {"partition_by": ["customer"], "error_prefix": ""},
        {"prefix": 7},
        {"bucket": None, "prefix": "views/"},
        {"bucket": None, "retries": 5},
        {"bucket": 7},
    ],
)
def test_what_firehose_refuses_is_refused(options: Any) -> None:
    app = App("demo")
    given = {"stream": "views", "bucket": app.bucket("uploads"), **options}
    with pytest.raises(RegistrationError):
        app.firehose_transform(given.pop("stream"), **given)


def test_a_record_says_where_it_was_in_a_kinesis_stream() -> None:
    raw = {"recordId": "1", "data": "", "kinesisRecordMetadata": {"partitionKey": "cat"}}
    assert FirehoseRecord(raw).kinesis == {"partitionKey": "cat"}
    assert FirehoseRecord({"recordId": "1", "data": ""}).kinesis == {}
