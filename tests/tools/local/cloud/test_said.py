"""What the embedded AWS does not pass on is taken from the request that said it."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from eventfw.tools.local.cloud.said import MOST, Said
from eventfw.tools.local.web.asgi import HttpRequest


def request(**headers: str) -> HttpRequest:
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpRequest("POST", "/", "", named)


EVENTS = request(x_amz_target="AWSEvents.PutEvents")
SNS = request(authorization="AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/sns/aws4_request, Signature=0")


def put(said: Said, *entries: dict[str, Any]) -> None:
    body = json.dumps({"Entries": entries}).encode()
    assert asyncio.run(said.before(EVENTS, body)) == body


def event(**more: Any) -> dict[str, Any]:
    """An event as it arrives."""
    one = {
        "source": "shop",
        "detail-type": "order",
        "resources": [],
        "detail": {"n": 1},
        "time": "2026-11-26T10:00:00Z",
    }
    return {**one, **more}


def test_an_event_has_the_time_that_was_said_and_no_other_has() -> None:
    said = Said()
    entry = {"Source": "shop", "DetailType": "order", "Detail": '{ "n": 1 }'}
    put(said, {**entry, "Time": 1577836800}, {**entry, "Source": "other"}, {**entry, "Source": "none", "Time": "1"})
    for arrived, time in ((event(), "2020-01-01T00:00:00Z"), (event(detail={"n": 2}), event()["time"])):
        said.complete_event(arrived)
        assert arrived["time"] == time
    other = event(source="other")
    said.complete_event(other)
    assert other["time"] == event()["time"]


def test_what_was_said_is_not_remembered_for_ever() -> None:
    said = Said()
    for number in range(MOST + 1):
        put(said, {"Source": "shop", "DetailType": str(number), "Detail": "{}", "Time": 1})
    for number, time in ((0, event()["time"]), (MOST, "1970-01-01T00:00:01Z")):
        arrived = event(**{"detail-type": str(number), "detail": {}})
        said.complete_event(arrived)
        assert arrived["time"] == time


@pytest.mark.parametrize("entry", ["", "PublishBatchRequestEntries.member.2."])
def test_a_messages_binary_attributes_have_the_values_that_were_said(entry: str) -> None:
    said = Said()
    fields = {
        f"{entry}Message": "hi & so on",
        f"{entry}MessageAttributes.entry.1.Name": "text",
        f"{entry}MessageAttributes.entry.1.Value.StringValue": "t",
        f"{entry}MessageAttributes.entry.2.Name": "raw",
        f"{entry}MessageAttributes.entry.2.Value.DataType": "Binary",
        f"{entry}MessageAttributes.entry.2.Value.BinaryValue": "YWJj",
    }
    body = urlencode(fields).encode()
    assert asyncio.run(said.before(SNS, body)) == body
    attributes = {"text": {"Type": "String", "Value": "t"}, "raw": {"Type": "Binary", "Value": ""}}
    message = {"Message": "hi & so on", "MessageAttributes": attributes}
    said.complete_message(message)
    assert [one["Value"] for one in attributes.values()] == ["t", "YWJj"]
    attributes["raw"]["Value"] = ""
    said.complete_message({**message, "Message": "another"})
    assert attributes["raw"]["Value"] == ""


def test_it_looks_at_nothing_else_and_survives_what_is_broken() -> None:
    said = Said()
    assert said.concerns(EVENTS)
    assert said.concerns(SNS)
    assert not said.concerns(request(x_amz_target="AmazonSQS.SendMessage"))
    for body in (b"", b"[1]", b'{"Entries": 1}', b'{"Entries": [1]}', b"\xff"):
        assert asyncio.run(said.before(EVENTS, body)) == body
    assert asyncio.run(said.before(SNS, b"\xffBinaryValue=1&MessageAttributes.entry.x.Value.BinaryValue=1"))


def test_events_that_eventbridge_refuses_do_not_pass_and_are_told_at_their_places() -> None:
    said = Said()
    entry = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    wrong = [{**entry, "Detail": "text"}, {**entry, "Detail": "[1]"}, {**entry, "Source": ""}, {"Source": "shop"}]
    body = json.dumps({"Entries": [wrong[0], entry, *wrong[1:]], "EndpointId": "e"}).encode()
    passed = json.loads(asyncio.run(said.before(EVENTS, body)))
    assert passed == {"Entries": [entry], "EndpointId": "e"}
    told = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
    answer = json.loads(asyncio.run(said.after(EVENTS, body, 200, json.dumps(told).encode())) or b"")
    assert answer["FailedEntryCount"] == 4
    assert answer["Entries"][1] == {"EventId": "1"}
    codes = [one.get("ErrorCode") for one in answer["Entries"]]
    assert codes == ["MalformedDetail", None, "MalformedDetail", "InvalidArgument", "InvalidArgument"]
    assert "DetailType is a required argument" in answer["Entries"][4]["ErrorMessage"]


def test_the_answer_to_a_request_that_is_refused_as_a_whole_stays() -> None:
    said = Said()
    body = json.dumps({"Entries": [{"Source": "shop"}] * 11}).encode()
    assert asyncio.run(said.before(EVENTS, body)) == body
    assert asyncio.run(said.after(EVENTS, body, 200, b"{}")) is None
    wrong = json.dumps({"Entries": [{"Source": "shop"}]}).encode()
    assert asyncio.run(said.after(EVENTS, wrong, 503, b"")) is None
    assert asyncio.run(said.after(SNS, b"Action=Publish", 200, b"<x/>")) is None


def test_an_event_that_says_no_time_has_its_own_though_one_like_it_said_one() -> None:
    said = Said()
    entry = {"Source": "shop", "DetailType": "order", "Detail": '{"n": 1}'}
    put(said, {**entry, "Time": 1577836800})
    put(said, entry)
    arrived = event()
    said.complete_event(arrived)
    assert arrived["time"] == event()["time"]
