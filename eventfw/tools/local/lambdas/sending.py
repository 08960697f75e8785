"""Sending Lambda's records to queues, topics and buckets of the embedded AWS.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventfw.errors import LocalError

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws

LIMITS = {"sqs": 1_048_576, "sns": 262_144, "events": 262_144, "lambda": 1_048_576}  # bytes, by service
SNS_VERSION = "2010-03-31"
KINDS = {"sqs": "queue", "sns": "topic", "lambda": "function", "events": "bus", "s3": "bucket"}

Marks = dict[str, tuple[str, str]]
"""A message's attributes: by name, the data type and the value."""


async def to_queue(aws: Aws, arn: str, body: str, marks: Marks) -> None:
    """Send a message."""
    account, name = arn.split(":")[4:6]
    named = {"QueueName": name, "QueueOwnerAWSAccountId": account}
    url = (await aws.call("sqs", "GetQueueUrl", named))["QueueUrl"]
    sent = {"QueueUrl": url, "MessageBody": body}
    attributes = {key: {"DataType": kind, "StringValue": value} for key, (kind, value) in marks.items()}
    await aws.call("sqs", "SendMessage", {**sent, "MessageAttributes": attributes} if attributes else sent)


async def to_topic(aws: Aws, arn: str, body: str, marks: Marks) -> None:
    """Publish a message."""
    sent = {"TopicArn": arn, "Message": body}
    for number, (name, (kind, value)) in enumerate(marks.items(), 1):
        entry = f"MessageAttributes.entry.{number}"
        sent |= {f"{entry}.Name": name, f"{entry}.Value.DataType": kind, f"{entry}.Value.StringValue": value}
    await aws.query("sns", SNS_VERSION, "Publish", sent)


async def to_bucket(aws: Aws, arn: str, key: str, body: bytes) -> None:
    """Store an object."""
    await aws.put_object(arn.split(":")[5], key, body)


def check_size(arn: str, body: str, marks: Marks) -> None:
    """Raises LocalError for what is larger than the target takes."""
    limit = LIMITS.get(arn.split(":")[2])
    size = len(body.encode()) + sum(len((name + kind + value).encode()) for name, (kind, value) in marks.items())
    if limit is not None and size > limit:
        raise LocalError(f"it has {size} bytes, and the target takes {limit}")


def place(arn: str) -> str:
    """A target in words."""
    words = arn.split(":")
    name = words[6] if words[2] == "lambda" else words[-1].rpartition("/")[2]
    return f"the {KINDS.get(words[2], words[2])} {name}"
