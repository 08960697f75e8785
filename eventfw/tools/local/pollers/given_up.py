"""Records of a stream that are given up: what Lambda tells the mapping's OnFailure destination of them.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from eventfw.errors import LocalError
from eventfw.tools.local.cloud.aws import Aws
from eventfw.tools.local.lambdas.sending import place, to_bucket, to_queue, to_topic
from eventfw.tools.local.pollers.attempts import Batch
from eventfw.tools.local.workers.results import LATEST

BATCH_INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


@dataclass(frozen=True)
class Loss:
    """Records that are given up. ``request_id`` is of the last invocation that had them, and empty where none did;
    ``version`` is what it ran, ``error`` says whether the function failed in it. ``mapping`` is the mapping's id."""

    kind: str
    batch: Batch
    condition: str
    shard: str
    source: str
    function_arn: str
    mapping: str
    request_id: str = ""
    version: str = LATEST
    error: bool = False

    def document(self, now: datetime) -> dict[str, Any]:
        """The record of the invocation, without the records themselves."""
        answered: dict[str, Any] = {"statusCode": 200, "executedVersion": self.version}
        if self.error:
            answered["functionError"] = "Unhandled"
        return {
            "requestContext": {
                "requestId": self.request_id or str(uuid.uuid4()),
                "functionArn": self.function_arn,
                "condition": self.condition,
                "approximateInvokeCount": self.batch.invocations,
            },
            **({"responseContext": answered} if self.batch.invocations else {}),
            "version": "1.0",
            "timestamp": _moment(now, "milliseconds"),
            BATCH_INFO[self.kind]: self._information(),
        }

    def with_payload(self, now: datetime) -> bytes:
        """What a bucket gets, which is the event too."""
        payload = b'{"Records": [' + b", ".join(record.body for record in self.batch.records) + b"]}"
        return json.dumps(self.document(now)).encode()[:-1] + b', "payload": ' + payload + b"}"

    def key(self, now: datetime) -> str:
        """The object's key in a bucket."""
        return f"aws/lambda/{self.mapping}/{self.shard}/{now:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"

    def _information(self) -> dict[str, Any]:
        about: dict[str, Any] = {"shardId": self.shard}
        if records := self.batch.records:
            # DynamoDB knows changes to the second.
            precision = "milliseconds" if self.kind == "kinesis" else "seconds"
            first, last = (datetime.fromtimestamp(records[at].arrival, UTC) for at in (0, -1))
            about |= {
                "startSequenceNumber": records[0].sequence,
                "endSequenceNumber": records[-1].sequence,
                "approximateArrivalOfFirstRecord": _moment(first, precision),
                "approximateArrivalOfLastRecord": _moment(last, precision),
            }
        return about | {"batchSize": len(records), "streamArn": self.source}


async def send(loss: Loss, destination: str, now: datetime, aws: Aws) -> str:
    """Tell a queue, topic or bucket of it; the place in words. Raises LocalError where that cannot be."""
    service = destination.split(":")[2]
    if service == "s3":
        await to_bucket(aws, destination, loss.key(now), loss.with_payload(now))
    elif service == "sns":
        await to_topic(aws, destination, json.dumps(loss.document(now)), {})
    elif service == "sqs":
        await to_queue(aws, destination, json.dumps(loss.document(now)), {})
    else:
        raise LocalError(f"Lambda tells a queue, topic or bucket, not {service!r}.")
    return place(destination)


def _moment(moment: datetime, precision: str) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"
