"""Records and dead letters have the shape that AWS documents."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

from eventfw.tools.local.lambdas.records import Ending, dead_letter, record, written
from eventfw.tools.local.workers.results import Result

ARN = "arn:aws:lambda:us-east-1:000000000000:function:order:$LATEST"
NOW = datetime(2026, 3, 1, 6, 0, 5, 568_999, tzinfo=UTC)
FAILED = Ending(
    "RetriesExhausted", ARN, "id-1", b'{"a": 1}', 3, Result(b'{"errorMessage": "no", "errorType": "E"}', True)
)


def test_the_record_of_a_failure() -> None:
    assert record(FAILED, NOW) == {
        "version": "1.0",
        "timestamp": "2026-03-01T06:00:05.568Z",
        "requestContext": {
            "requestId": "id-1",
            "functionArn": ARN,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "no", "errorType": "E"},
    }


def test_the_record_of_a_success_names_no_error() -> None:
    done = record(Ending("Success", ARN, "id-1", b"null", 1, Result(b"null"), "7"), NOW)
    assert done["responseContext"] == {"statusCode": 200, "executedVersion": "7"}
    assert (done["requestPayload"], done["responsePayload"]) == (None, None)


def test_what_never_ran_has_no_response() -> None:
    throttled = dataclasses.replace(FAILED, condition="EventAgeExceeded", result=None, status=429)
    assert record(throttled, NOW)["responseContext"] == {"statusCode": 429}
    assert "responsePayload" not in record(throttled, NOW)
    off = dataclasses.replace(FAILED, condition="ZeroReservedConcurrency", attempts=0, result=None, status=0)
    assert set(record(off, NOW)) == {"version", "timestamp", "requestContext", "requestPayload"}


def test_a_dead_letter_says_what_went_wrong_in_its_attributes() -> None:
    assert dead_letter(FAILED) == {
        "RequestID": ("String", "id-1"),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "no"),
    }
    long = dataclasses.replace(FAILED, result=Result('{"errorMessage": "ä%s"}'.replace("%s", "ä" * 900).encode(), True))
    assert dead_letter(long)["ErrorMessage"] == ("String", "ä" * 512)
    off = dataclasses.replace(FAILED, condition="ZeroReservedConcurrency", result=None, status=0)
    assert set(dead_letter(off)) == {"RequestID", "ErrorMessage"}
    throttled = dataclasses.replace(FAILED, result=None, status=429)
    assert dead_letter(throttled)["ErrorMessage"] == ("String", "Rate Exceeded.")


def test_half_a_surrogate_pair_and_what_is_no_json_lose_no_record() -> None:
    half = b'{"errorMessage": "\\ud83d", "errorType": "E"}'
    ending = dataclasses.replace(FAILED, event=b'"\\ud83d"', result=Result(half, True))
    text = written(record(ending, NOW))
    assert json.loads(text.encode())["requestPayload"] == "\ud83d"
    assert dead_letter(ending)["ErrorMessage"] == ("String", "?")
    bare = dataclasses.replace(FAILED, result=Result(b"<html>\xff", True))
    assert record(bare, NOW)["responsePayload"] == "<html>\ufffd"
    assert "ErrorMessage" not in dead_letter(bare)
    assert '"ä"' in written({"a": "ä"})
