"""What destinations are told of records that are given up."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from in_loop import in_loop

from eventfw.errors import LocalError
from eventfw.tools.local.pollers.attempts import TOO_OLD, Batch, Record
from eventfw.tools.local.pollers.given_up import Loss, send

NOW = datetime(2026, 5, 4, 3, 2, 1, 987_654, tzinfo=UTC)
ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/catalog/stream/x"
RECORDS = (Record("7", "a", 1_000_000.5, b'{"n": 1}'), Record("8", "b", 1_000_002.25, b'{"n": 2}'))


def loss(kind: str = "dynamodb", **more: Any) -> Loss:
    return Loss(
        kind, more.pop("batch", Batch(RECORDS, invocations=3)), TOO_OLD, "shardId-1", ARN, "function", "id", **more
    )


class Sent:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    async def call(self, service: str, action: str, sent: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((action, sent))
        return {"QueueUrl": "http://queue"}

    async def query(self, service: str, version: str, action: str, sent: dict[str, str]) -> str:
        self.calls.append((action, sent))
        return ""

    async def put_object(self, bucket: str, key: str, body: bytes) -> None:
        self.calls.append((bucket, key, body))


def test_a_table_is_told_of_to_the_second_and_a_stream_to_the_millisecond() -> None:
    told = loss(request_id="r", error=True).document(NOW)
    assert told["timestamp"] == "2026-05-04T03:02:01.987Z" and told["version"] == "1.0"
    assert told["DDBStreamBatchInfo"] == {
        "shardId": "shardId-1",
        "startSequenceNumber": "7",
        "endSequenceNumber": "8",
        "approximateArrivalOfFirstRecord": "1970-01-12T13:46:40Z",
        "approximateArrivalOfLastRecord": "1970-01-12T13:46:42Z",
        "batchSize": 2,
        "streamArn": ARN,
    }
    info = loss("kinesis").document(NOW)["KinesisBatchInfo"]
    assert info["approximateArrivalOfLastRecord"] == "1970-01-12T13:46:42.250Z"


def test_a_partial_failure_is_no_error_of_the_function_and_what_never_ran_has_no_response() -> None:
    assert loss(error=True).document(NOW)["responseContext"]["functionError"] == "Unhandled"
    assert loss().document(NOW)["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    unrun = loss(batch=Batch(RECORDS)).document(NOW)
    assert "responseContext" not in unrun
    assert unrun["requestContext"]["condition"] == "RecordAgeExceeded"
    assert unrun["requestContext"]["approximateInvokeCount"] == 0


def test_the_end_of_a_window_has_no_records() -> None:
    info = loss(batch=Batch((), invocations=1)).document(NOW)["DDBStreamBatchInfo"]
    assert info == {"shardId": "shardId-1", "batchSize": 0, "streamArn": ARN}


@in_loop
async def test_a_bucket_gets_the_records_too_under_the_key_that_aws_documents() -> None:
    aws: Any = Sent()
    assert await send(loss(), "arn:aws:s3:::kept", NOW, aws) == "the bucket kept"
    [(bucket, key, body)] = aws.calls
    assert bucket == "kept"
    assert re.fullmatch(r"aws/lambda/id/shardId-1/2026/05/04/2026-05-04T03\.02\.01-[0-9a-f-]{36}", key)
    assert json.loads(body)["payload"] == {"Records": [{"n": 1}, {"n": 2}]}


@in_loop
async def test_a_queue_and_a_topic_get_the_information_alone() -> None:
    aws: Any = Sent()
    assert await send(loss(), "arn:aws:sqs:us-east-1:1:failed", NOW, aws) == "the queue failed"
    assert await send(loss(), "arn:aws:sns:us-east-1:1:news", NOW, aws) == "the topic news"
    (_, _), (_, message), (_, published) = aws.calls
    for text in (message["MessageBody"], published["Message"]):
        assert "DDBStreamBatchInfo" in json.loads(text) and "payload" not in json.loads(text)


@in_loop
async def test_lambda_tells_nothing_else() -> None:
    aws: Any = Sent()
    with pytest.raises(LocalError, match="not 'kafka'"):
        await send(loss(), "arn:aws:kafka:us-east-1:1:x", NOW, aws)
