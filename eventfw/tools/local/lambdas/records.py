"""What Lambda tells of an asynchronous event that ended: the record that destinations get, and a dead letter's marks.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from eventfw.tools.local.workers.results import LATEST, Result

SUCCESS = "Success"
RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"

THROTTLED_STATUS = 429
ERROR_MESSAGE_LIMIT = 1024  # bytes of it in a dead letter
ZERO_MESSAGE = "Function not invoked. Function is configured with zero reserved concurrent executions"


@dataclass(frozen=True)
class Ending:
    """How an asynchronous event ended.

    ``attempts`` counts invocations. ``result`` is the last one's, of ``version``; where Lambda refused instead, there
    is none, and ``status`` is that of the refusal, 0 where there was not even that.
    """

    condition: str
    function_arn: str
    request_id: str
    event: bytes
    attempts: int
    result: Result | None = None
    version: str = LATEST
    status: int = 200


def record(ending: Ending, now: datetime) -> dict[str, Any]:
    """The JSON document for a destination. An event that never ran has no response in it."""
    made: dict[str, Any] = {
        "version": "1.0",
        "timestamp": stamp(now),
        "requestContext": {
            "requestId": ending.request_id,
            "functionArn": ending.function_arn,
            "condition": ending.condition,
            "approximateInvokeCount": ending.attempts,
        },
        "requestPayload": parsed(ending.event),
    }
    if ending.result is not None:
        context: dict[str, Any] = {"statusCode": ending.status, "executedVersion": ending.version}
        if ending.result.error:
            context["functionError"] = "Unhandled"
        made["responseContext"] = context
        made["responsePayload"] = parsed(ending.result.payload or b"null")
    elif ending.status:
        made["responseContext"] = {"statusCode": ending.status}
    return made


def dead_letter(ending: Ending) -> dict[str, tuple[str, str]]:
    """The attributes of a dead letter, whose body is the event itself: by name, the data type and the value."""
    marks = {"RequestID": ("String", ending.request_id)}
    if ending.result is not None or ending.status:
        marks["ErrorCode"] = ("Number", str(ending.status))
    if message := _message(ending):
        cut = message.encode(errors="replace")[:ERROR_MESSAGE_LIMIT]  # half of a surrogate pair is no text
        marks["ErrorMessage"] = ("String", cut.decode(errors="ignore"))
    return marks


def _message(ending: Ending) -> str:
    if ending.condition == ZERO_RESERVED_CONCURRENCY:
        return ZERO_MESSAGE
    if ending.result is None:
        return "Rate Exceeded." if ending.status == THROTTLED_STATUS else ""
    document = parsed(ending.result.payload)
    return str(document.get("errorMessage", "")) if isinstance(document, dict) else ""


def written(made: Mapping[str, Any]) -> str:
    """A record as the text that is sent: half of a surrogate pair, which JSON can have and UTF-8 cannot, is escaped."""
    text = json.dumps(made, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(made)
    return text


def parsed(payload: bytes) -> Any:
    """A payload as a value; as text where it is not JSON, which a runtime of the developer's own may answer."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload.decode(errors="replace")


def stamp(moment: datetime) -> str:
    """A moment as records have it: in UTC, with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
