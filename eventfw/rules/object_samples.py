"""Sample events of objects in a bucket, in both forms that S3 has for them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

from __future__ import annotations

from .object_events import TOLD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def notification(bucket: str, key: str, happened: str, size: int | None) -> dict[str, Any]:
    """S3's notification of one event."""
    from urllib.parse import quote_plus

    stored: dict[str, Any] = {"key": quote_plus(key, safe="/"), "sequencer": "0055AED6DCD90281E5"}
    if size is not None:
        stored |= {"size": size, "eTag": "d41d8cd98f00b204e9800998ecf8427e"}
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": happened,
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "203.0.113.10"},
        "responseElements": {
            "x-amz-request-id": "C3D13FE58DE4C810",
            "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG",
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "example",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                "arn": f"arn:aws:s3:::{bucket}",
            },
            "object": stored,
        },
    }
    return {"Records": [record]}


def event(bucket: str, key: str, happened: str, size: int | None) -> dict[str, Any]:
    """EventBridge's event of the same."""
    detail_type, said = TOLD.get(f"s3:{happened}", (happened, {}))
    stored: dict[str, Any] = {"key": key, "etag": "d41d8cd98f00b204e9800998ecf8427e", "sequencer": "0055AED6DCD90281E5"}
    if size is not None:
        stored["size"] = size
    return {
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": detail_type,
        "source": "aws.s3",
        "account": "123456789012",
        "time": "2026-01-01T00:00:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:s3:::{bucket}"],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket},
            "object": stored,
            "request-id": "C3D13FE58DE4C810",
            "requester": "123456789012",
            "source-ip-address": "203.0.113.10",
            **{name: values[0] for name, values in said.items()},
        },
    }
