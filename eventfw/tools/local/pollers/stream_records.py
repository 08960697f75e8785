"""Records of Kinesis and of DynamoDB's streams, as Lambda hands them to functions.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html#services-kinesis-event-example
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html#services-dynamodb-eventsourcemapping
"""

from __future__ import annotations

import json
from typing import Any

from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.tools.local.pollers.attempts import Record

NUMBER_SIZE = 21  # bytes that DynamoDB counts for a number at most


def kinesis_event(found: dict[str, Any], arrival: float, shard: str, source: str, function: str) -> dict[str, Any]:
    """A record of GetRecords as the function gets it."""
    sequence = found["SequenceNumber"]
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": found["PartitionKey"],
            "sequenceNumber": sequence,
            "data": found["Data"],
            "approximateArrivalTimestamp": arrival,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": f"arn:aws:iam::{LOCAL_ACCOUNT}:role/{function}",
        "awsRegion": region_of(source),
        "eventSourceARN": source,
    }


def dynamodb_event(found: dict[str, Any], arrival: float, source: str) -> dict[str, Any]:
    """A record of GetRecords as the function gets it."""
    change = {**found["dynamodb"], "ApproximateCreationDateTime": int(arrival)}
    if not change.get("SizeBytes"):
        change["SizeBytes"] = sum(size_of(change.get(part) or {}) for part in ("Keys", "NewImage", "OldImage"))
    identity = {"userIdentity": found["userIdentity"]} if found.get("userIdentity") else {}
    return {
        "eventID": found["eventID"],
        "eventName": found["eventName"],
        "eventVersion": found.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": region_of(source),
        "dynamodb": change,
        **identity,
        "eventSourceARN": source,
    }


def kinesis_record(event: dict[str, Any], arrival: float) -> Record:
    """What a lane has to know of a record."""
    told = event["kinesis"]
    return Record(told["sequenceNumber"], told["partitionKey"], arrival, json.dumps(event).encode())


def dynamodb_record(event: dict[str, Any], arrival: float) -> Record:
    """What a lane has to know of a change, whose order is kept by item."""
    change = event["dynamodb"]
    key = json.dumps(change["Keys"], sort_keys=True)
    return Record(change["SequenceNumber"], key, arrival, json.dumps(event).encode())


def size_of(item: dict[str, dict[str, Any]]) -> int:
    """About how many bytes DynamoDB counts for an item, which is in its notation.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: dict[str, Any]) -> int:
    [(kind, inner)] = value.items()
    if kind == "S":
        return len(inner.encode())
    if kind == "N":
        return min(NUMBER_SIZE, (len(inner.lstrip("-").replace(".", "").strip("0")) + 1) // 2 + 1)
    if kind == "B":
        return len(inner) * 3 // 4
    if kind == "M":
        return 3 + size_of(inner) + len(inner)
    if kind == "L":
        return 3 + sum(_size(one) + 1 for one in inner)
    if kind in ("SS", "NS", "BS"):
        return sum(_size({kind[0]: one}) for one in inner)
    return 1


def region_of(arn: str) -> str:
    """The region that an ARN names."""
    return arn.split(":")[3]
