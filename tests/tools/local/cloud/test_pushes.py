"""What the embedded AWS pushes arrives as AWS sends it, or not at all where AWS would not send it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from eventfw.rules.object_samples import event as object_event
from eventfw.rules.object_samples import notification
from eventfw.rules.transform import WHOLE_EVENT
from eventfw.tools.local.cloud.pushes import NO_CONTENT, Pushes
from eventfw.tools.local.workers.results import Result

from .test_control import TOKEN, Functions, Serve, ask

ARN = "arn:aws:sns:us-east-1:000000000000:news:1"
EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "source": "shop",
    "time": "2026-01-01T00:00:00Z",
    "detail-type": "order",
    "detail": {"items": [{"n": 1}, {"n": 2}], "text": 'a "b"', "state": {"name": "on"}},
}


async def followed() -> None: ...


def handed_over(pushed: Any, *subscriptions: dict[str, Any], said: list[str] | None = None) -> Any:
    pushes = Pushes(followed, (said if said is not None else []).append)
    pushes.replace(subscriptions)
    body = pushed if isinstance(pushed, bytes) else json.dumps(pushed).encode()
    found = asyncio.run(pushes.handed_over("told", body))
    return None if found is None else json.loads(found)


def message(text: str, **attributes: dict[str, str]) -> dict[str, Any]:
    """A message as the embedded AWS pushes it."""
    sent: dict[str, Any] = {
        "Type": "Notification",
        "Message": text,
        "SigningCertURL": "https://sns/cert",
        "UnsubscribeURL": "http://127.0.0.1:1/?Action=Unsubscribe&SubscriptionArn=example",
        **({"MessageAttributes": attributes} if attributes else {}),
    }
    return {"Records": [{"EventVersion": "1.0", "EventSubscriptionArn": ARN, "EventSource": "aws:sns", "Sns": sent}]}


@pytest.mark.parametrize(
    "record",
    [
        {"EventSource": "aws:sns"},
        {"EventSource": "aws:sns", "EventSubscriptionArn": ARN, "Sns": "text"},
        {"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"},
        {"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete", "s3": {}},
    ],
)
def test_what_only_looks_like_a_record_is_handed_over_as_it_is(record: dict[str, Any]) -> None:
    assert handed_over({"Records": [record]}) == {"Records": [record]}


def test_a_message_has_the_fields_that_lambda_gets() -> None:
    [record] = handed_over(message("hi"), {"arn": ARN, "policy": {}, "scope": "MessageAttributes"})["Records"]
    sent = record["Sns"]
    assert (sent["Subject"], sent["MessageAttributes"], sent["Message"]) == (None, {}, "hi")
    assert sent["SigningCertUrl"] == "https://sns/cert"
    assert sent["UnsubscribeUrl"].endswith(f"Action=Unsubscribe&SubscriptionArn={ARN}")
    assert "SigningCertURL" not in sent
    assert "UnsubscribeURL" not in sent


def test_a_policy_lets_through_what_sns_lets_through() -> None:
    attributes = {"arn": ARN, "policy": {"n": [{"numeric": [">", 1]}]}, "scope": "MessageAttributes"}
    assert handed_over(message("hi", n={"Type": "Number", "Value": "2"}), attributes)
    assert handed_over(message("hi", n={"Type": "Number", "Value": "1"}), attributes) is None
    assert handed_over(message("hi", n={"Type": "String", "Value": "2"}), attributes) is None
    assert handed_over(message("hi"), attributes) is None
    body = {"arn": ARN, "policy": {"items": {"kind": ["a"]}}, "scope": "MessageBody"}
    assert handed_over(message('{"items": [{"kind": "b"}, {"kind": "a"}]}'), body)
    assert handed_over(message('{"items": [{"kind": "b"}]}'), body) is None
    assert handed_over(message("text"), body) is None


def test_who_has_subscribed_is_known_once_the_stack_is_followed() -> None:
    pushes: Pushes

    async def told_meanwhile() -> None:
        pushes.replace([{"arn": ARN, "policy": {"kind": ["photo"]}, "scope": "MessageAttributes"}])

    pushes = Pushes(told_meanwhile, print)
    assert asyncio.run(pushes.handed_over("told", json.dumps(message("hi")).encode())) is None


def test_a_subscription_made_by_hand_is_the_embedded_awss_to_filter() -> None:
    other = {"arn": "another", "policy": {"kind": ["photo"]}, "scope": "MessageAttributes"}
    assert handed_over(message("hi"), other)["Records"][0]["Sns"]["Message"] == "hi"


def test_of_a_removed_object_there_is_no_size() -> None:
    for name, tag in (("ObjectRemoved:Delete", None), ("ObjectRemoved:DeleteMarkerCreated", NO_CONTENT)):
        pushed = notification("uploads", "a b", name, 0)
        stored = handed_over(pushed)["Records"][0]["s3"]["object"]
        assert ("size" in stored, stored.get("eTag"), stored["key"]) == (False, tag, "a+b")
        event = object_event("uploads", "a b", name, 0)
        event["time"] = "2026-01-01T00:00:00.123Z"
        told = handed_over(event)
        assert ("size" in told["detail"]["object"], told["detail"]["object"].get("etag")) == (False, tag)
        assert told["time"] == "2026-01-01T00:00:00Z"
    created = notification("uploads", "a", "ObjectCreated:Put", 3)
    assert handed_over(created) == created


@pytest.mark.parametrize(
    ("target", "made"),
    [
        ({"InputPath": "$.detail.items[1]"}, {"n": 2}),
        ({"InputPath": "$.detail.nothing"}, None),
        (
            {
                "InputTransformer": {
                    "InputTemplate": '"<t>: <gone>"',
                    "InputPathsMap": {"t": "$.detail.text", "gone": "$.x"},
                }
            },
            'a "b": ',
        ),
        ({"InputTransformer": {"InputTemplate": "[<aws.events.rule-name>, <aws.events.rule-arn>]"}}, ["rule", "arn"]),
        ({"Input": "0", "EventPattern": {"detail": {"state.name": ["on"]}}}, 0),
        ({"EventPattern": {"detail": {"state.name": ["on"]}}}, EVENT),
    ],
)
def test_a_rule_makes_of_the_event_what_eventbridge_makes(target: dict[str, Any], made: Any) -> None:
    pushed = {WHOLE_EVENT: {"name": "rule", "arn": "arn", "target": target}, "event": EVENT}
    body = json.dumps(pushed).encode()
    assert json.loads(asyncio.run(Pushes(followed, print).handed_over("told", body)) or b"!") == made


def test_a_rule_does_not_get_what_its_pattern_does_not_take() -> None:
    target = {"EventPattern": {"detail": {"state.name": ["off"]}}}
    assert handed_over({WHOLE_EVENT: {"name": "r", "arn": "a", "target": target}, "event": EVENT}) is None


def test_a_template_that_gives_no_json_is_told_and_runs_nothing() -> None:
    said: list[str] = []
    target = {"InputTransformer": {"InputTemplate": "<t> it is", "InputPathsMap": {"t": "$.detail.text"}}}
    pushed = {WHOLE_EVENT: {"name": "mine", "arn": "a", "target": target}, "event": EVENT}
    assert handed_over(pushed, said=said) is None
    assert said[0].startswith("told does not get an event by the rule mine: ")


def test_an_event_that_no_bus_takes_is_told_and_runs_nothing() -> None:
    said: list[str] = []
    assert handed_over({**EVENT, "detail": "text"}, said=said) is None
    assert "MalformedDetail" in said[0]


@pytest.mark.parametrize("pushed", [b'"text"', b"[1]", b'{"Records": []}', b'{"a": {"b": 1}}', b"no JSON"])
def test_what_is_none_of_these_is_handed_over_as_it_is(pushed: bytes) -> None:
    assert asyncio.run(Pushes(followed, print).handed_over("told", pushed)) == pushed


def test_the_embedded_aws_is_told_that_all_is_well_where_nothing_runs(serve: Serve) -> None:
    from eventfw.tools.local.clock import RealClock
    from eventfw.tools.local.cloud.control import Control

    functions = Functions(Result(b"1"))
    pushes = Pushes(followed, print)
    pushes.replace([{"arn": ARN, "policy": {"kind": ["photo"]}, "scope": "MessageAttributes"}])
    port = serve(Control(functions, TOKEN, RealClock(), pushes=pushes))
    path = f"/_eventfw/push/{TOKEN}/told"
    assert ask(port, path, json.dumps(message("hi")).encode()) == (200, None)
    assert functions.accepted == []
    assert ask(port, path, json.dumps(message("hi", kind={"Type": "String", "Value": "photo"})).encode())[0] == 200
    assert json.loads(functions.accepted[0][1])["Records"][0]["Sns"]["Subject"] is None
