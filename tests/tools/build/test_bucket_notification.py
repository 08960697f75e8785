"""The custom resource's code: its own entries come and go, everybody else's stay, and CloudFormation is answered."""

from __future__ import annotations

import ast
import asyncio
import copy
import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from eventfw.tools.build import bucket_notification
from eventfw.tools.build.bucket_notification import NOTHING, Answer, changed, handler
from eventfw.tools.local.cloud.embedded import Cloud, free_port

Config = dict[str, Any]
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/shop-dev/0a1b2c3d-5555-11ee-8888-0123456789ab"
MINE = "shop-dev-0a1b2c3d-PhotosBucketNotifications-"
OTHERS: Config = {
    "TopicConfigurations": [{"Id": "t", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Events": ["s3:ObjectTagging:*"]}],
    "QueueConfigurations": [{"Id": "q", "QueueArn": "arn:aws:sqs:us-east-1:1:q", "Events": ["s3:ObjectRemoved:*"]}],
    "LambdaFunctionConfigurations": [
        {"Id": "theirs", "LambdaFunctionArn": "arn:aws:lambda:us-east-1:1:function:f", "Events": ["s3:ObjectAcl:Put"]}
    ],
    "EventBridgeConfiguration": {},
}
ENTRY = {
    "LambdaFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:shop-dev-thumbnail",
    "Events": ["s3:ObjectCreated:*"],
    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}},
}
OTHER_ENTRY = {**ENTRY, "Events": ["s3:ObjectRestore:*"]}


class Refused(Exception):
    """What boto3 raises."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.response = {"Error": {"Code": code, "Message": message}}


class FakeS3:
    """Buckets' notification configurations. ``before_put`` may raise, or change them as somebody else would."""

    def __init__(self, **buckets: Config) -> None:
        self.buckets = copy.deepcopy(buckets)
        self.calls: list[dict[str, Any]] = []
        self.puts = 0
        self.after_put: Callable[[], None] = lambda: None
        self.errors: list[Exception] = []

    def _called(self, **given: Any) -> None:
        self.calls.append(given)
        if self.errors:
            raise self.errors.pop(0)
        if given["Bucket"] not in self.buckets:
            raise Refused("NoSuchBucket")

    def get_bucket_notification_configuration(self, **given: Any) -> Config:
        self._called(**given)
        return {"ResponseMetadata": {}, **copy.deepcopy(self.buckets[given["Bucket"]])}

    def put_bucket_notification_configuration(self, **given: Any) -> Config:
        self._called(**given)
        self.puts += 1
        self.buckets[given["Bucket"]] = copy.deepcopy(given["NotificationConfiguration"])
        self.after_put()
        return {}


def request(kind: str, *entries: Config, bucket: str = "photos", physical: str = "", **more: Any) -> dict[str, Any]:
    event = {
        "RequestType": kind,
        "StackId": STACK,
        "RequestId": "r-1",
        "LogicalResourceId": "PhotosBucketNotifications",
        "ResponseURL": "http://127.0.0.1:9/",
        "ResourceProperties": {
            "Bucket": bucket,
            "Owner": "123456789012",
            "EventBridge": "false",
            "Notifications": list(entries),
            **more,
        },
    }
    return {**event, "PhysicalResourceId": physical} if physical else event


def run(event: dict[str, Any], s3: Any, tries: int = 50) -> str:
    """Do what the event asks, without waiting; the time is up after so many pauses."""
    left = iter(range(tries))
    return changed(event, s3, Answer(event), lambda: next(left, None) is not None, lambda seconds: None)


def mine(config: Config) -> list[Config]:
    return [one for one in config.get("LambdaFunctionConfigurations", []) if one["Id"].startswith(MINE)]


def without_mine(config: Config) -> Config:
    return {
        **config,
        "LambdaFunctionConfigurations": [
            one for one in config["LambdaFunctionConfigurations"] if one not in mine(config)
        ],
    }


def test_everybody_elses_entries_survive_create_update_and_delete() -> None:
    s3 = FakeS3(photos=OTHERS)
    physical = run(request("Create", ENTRY), s3)
    [made] = mine(s3.buckets["photos"])
    assert {key: value for key, value in made.items() if key != "Id"} == ENTRY
    assert without_mine(s3.buckets["photos"]) == OTHERS
    assert run(request("Update", OTHER_ENTRY, physical=physical), s3) == physical
    assert [one["Events"] for one in mine(s3.buckets["photos"])] == [OTHER_ENTRY["Events"]]
    assert without_mine(s3.buckets["photos"]) == OTHERS
    assert run(request("Delete", OTHER_ENTRY, physical=physical), s3) == physical
    assert s3.buckets["photos"] == OTHERS


def test_a_bucket_without_notifications_has_none_again_afterwards() -> None:
    s3 = FakeS3(photos={})
    physical = run(request("Create", ENTRY, OTHER_ENTRY), s3)
    assert len(mine(s3.buckets["photos"])) == 2
    run(request("Delete", physical=physical), s3)
    assert s3.buckets["photos"] == {}


def test_nothing_is_written_where_nothing_changed() -> None:
    s3 = FakeS3(photos=OTHERS)
    physical = run(request("Create", ENTRY), s3)
    run(request("Update", ENTRY, physical=physical), s3)
    assert s3.puts == 1


def test_another_bucket_is_another_resource_and_the_old_one_is_cleaned_when_it_is_deleted() -> None:
    s3 = FakeS3(photos=OTHERS, pictures={})
    old = run(request("Create", ENTRY), s3)
    new = run(request("Update", ENTRY, bucket="pictures", physical=old), s3)
    assert new != old
    assert mine(s3.buckets["pictures"]) and mine(s3.buckets["photos"])
    run(request("Delete", ENTRY, bucket="pictures", physical=old), s3)
    assert s3.buckets["photos"] == OTHERS and mine(s3.buckets["pictures"])


def test_another_stack_and_another_resource_have_entries_of_their_own() -> None:
    s3 = FakeS3(photos={})
    run(request("Create", ENTRY), s3)
    later = {**request("Create", OTHER_ENTRY), "StackId": STACK.replace("0a1b2c3d", "ffffffff")}
    physical = run(later, s3)
    run({**later, "RequestType": "Delete", "PhysicalResourceId": physical}, s3)
    assert len(mine(s3.buckets["photos"])) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("OperationAborted", ""),
        ("SlowDown", ""),
        ("AccessDenied", ""),
        ("InvalidArgument", "Unable to validate the following destination configurations"),
    ],
)
def test_a_conflict_or_leave_that_is_too_young_is_tried_again(code: str, said: str) -> None:
    s3 = FakeS3(photos=OTHERS)
    s3.errors = [Refused(code, said), Refused(code, said)]
    run(request("Create", ENTRY), s3)
    assert mine(s3.buckets["photos"])


def test_what_a_concurrent_change_took_away_is_written_again() -> None:
    s3 = FakeS3(photos={})

    def overwritten() -> None:
        if s3.puts == 1:
            s3.buckets["photos"] = copy.deepcopy(OTHERS)

    s3.after_put = overwritten
    run(request("Create", ENTRY), s3)
    assert mine(s3.buckets["photos"]) and without_mine(s3.buckets["photos"]) == OTHERS


def test_it_gives_up_where_the_time_is_up() -> None:
    s3 = FakeS3(photos={})
    s3.after_put = lambda: s3.buckets["photos"].clear()
    with pytest.raises(RuntimeError, match="again and again"):
        run(request("Create", ENTRY), s3, tries=3)


def test_every_call_says_whose_the_bucket_must_be() -> None:
    s3 = FakeS3(photos={})
    physical = run(request("Create", ENTRY), s3)
    run(request("Delete", physical=physical), s3)
    assert {call["ExpectedBucketOwner"] for call in s3.calls} == {"123456789012"}


def test_a_bucket_of_somebody_elses_is_told_and_nothing_is_left_to_delete() -> None:
    s3 = FakeS3(photos={})
    s3.errors = [Refused("AccessDenied", "Access Denied")] * 100
    event = request("Create", ENTRY)
    answer = Answer(event)
    with pytest.raises(RuntimeError, match="must belong to account 123456789012"):
        changed(event, s3, answer, lambda: True, lambda seconds: None)
    assert answer.physical_id == NOTHING
    s3.calls.clear()
    assert run(request("Delete", physical=NOTHING), s3) == NOTHING
    assert s3.calls == []


def test_a_failure_after_writing_is_cleaned_up_by_the_deletion_that_follows() -> None:
    s3 = FakeS3(photos=OTHERS)
    event = request("Create", ENTRY)
    answer = Answer(event)
    s3.after_put = lambda: s3.errors.extend([Refused("InvalidArgument")])
    with pytest.raises(RuntimeError, match="InvalidArgument"):
        changed(event, s3, answer, lambda: True, lambda seconds: None)
    s3.after_put = lambda: None
    run(request("Delete", physical=answer.physical_id), s3)
    assert s3.buckets["photos"] == OTHERS


def test_a_failed_change_of_bucket_leaves_nothing_in_the_new_one() -> None:
    s3 = FakeS3(photos={}, pictures=OTHERS)
    old = run(request("Create", ENTRY), s3)

    def fail_once() -> None:
        s3.after_put = lambda: None
        s3.errors.append(Refused("InvalidArgument"))

    s3.after_put = fail_once
    with pytest.raises(RuntimeError):
        run(request("Update", ENTRY, bucket="pictures", physical=old), s3)
    assert s3.buckets["pictures"] == OTHERS


def test_an_overlap_with_somebody_elses_entry_is_told_in_words() -> None:
    s3 = FakeS3(photos=OTHERS)
    overlap = "Configurations overlap. Configurations on the same bucket cannot share a common event type."
    s3.put_bucket_notification_configuration = lambda **given: _raise(Refused("InvalidArgument", overlap))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError) as caught:
        run(request("Create", ENTRY), s3)
    said = str(caught.value)
    assert "same event and overlapping keys" in said and "via='eventbridge'" in said
    assert "The entries that others made: q, t, theirs." in said


def _raise(error: Exception) -> Any:
    raise error


def test_deleting_succeeds_where_the_bucket_is_gone() -> None:
    assert run(request("Delete", physical=f"photos/{MINE}"), FakeS3()) == f"photos/{MINE}"


def test_creating_in_a_bucket_that_is_not_there_says_so() -> None:
    with pytest.raises(Exception, match="There is no bucket photos"):
        run(request("Create", ENTRY), FakeS3())


def test_only_deleting_leaves_other_destinations_unasked() -> None:
    s3 = FakeS3(photos={})
    run(request("Delete", physical=run(request("Create", ENTRY), s3)), s3)
    skipped = [call.get("SkipDestinationValidation") for call in s3.calls if "NotificationConfiguration" in call]
    assert skipped == [None, True]


def test_eventbridge_is_switched_on_and_left_on() -> None:
    s3 = FakeS3(photos={})
    physical = run(request("Create", EventBridge="true"), s3)
    assert s3.buckets["photos"] == {"EventBridgeConfiguration": {}}
    run(request("Delete", physical=physical, EventBridge="true"), s3)
    assert s3.buckets["photos"] == {"EventBridgeConfiguration": {}}


class Context:
    """Lambda's context, with so much time left."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def answers() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A ResponseURL, and what was put there."""
    got: list[dict[str, Any]] = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            assert self.headers["Content-Type"] == ""
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/answer?signature=x", got
        server.shutdown()


def test_cloudformation_is_answered_when_it_went_well(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = answers
    s3 = FakeS3(photos={})
    monkeypatch.setattr(bucket_notification, "client", lambda: s3)
    monkeypatch.setattr(bucket_notification.time, "sleep", lambda seconds: None)
    handler({**request("Create", ENTRY), "ResponseURL": url}, Context(60_000))
    assert got == [
        {
            "Status": "SUCCESS",
            "Reason": "",
            "PhysicalResourceId": f"photos/{MINE}",
            "StackId": STACK,
            "RequestId": "r-1",
            "LogicalResourceId": "PhotosBucketNotifications",
        }
    ]


def test_cloudformation_is_answered_after_an_exception(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = answers
    monkeypatch.setattr(bucket_notification, "client", lambda: _raise(RuntimeError("no boto3" + "x" * 5000)))
    handler({**request("Update", ENTRY, physical="photos/x"), "ResponseURL": url}, Context(60_000))
    [answer] = got
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "photos/x")
    assert answer["Reason"].startswith("no boto3") and len(json.dumps(answer)) < 4096


def test_cloudformation_is_answered_once_before_the_time_is_up(
    answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = answers
    answered = threading.Event()

    def stuck() -> Any:
        while not got:
            answered.wait(0.01)
        return FakeS3(photos={})

    monkeypatch.setattr(bucket_notification, "client", stuck)
    handler({**request("Create", ENTRY), "ResponseURL": url}, Context(5_000))
    assert [(answer["Status"], answer["Reason"]) for answer in got] == [("FAILED", "It took too long. Deploy again.")]


@pytest.fixture(scope="module")
def cloud() -> Iterator[str]:
    cloud = Cloud(free_port())
    asyncio.run(cloud.start())
    yield cloud.endpoint_url
    asyncio.run(cloud.stop())


def test_entries_of_others_survive_in_a_bucket_of_the_embedded_aws(
    cloud: str, answers: tuple[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(bucket_notification, "LOOKS_AGAIN_AFTER", 0.01)
    s3, url = boto3.client("s3"), answers[0]
    queue = boto3.client("sqs").create_queue(QueueName="theirs")["QueueUrl"]
    told = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    s3.create_bucket(Bucket="photos")
    theirs: Config = {
        "QueueConfigurations": [
            {"Id": "theirs", "QueueArn": told["Attributes"]["QueueArn"], "Events": ["s3:ObjectRemoved:*"]}
        ],
        "EventBridgeConfiguration": {},
    }
    s3.put_bucket_notification_configuration(Bucket="photos", NotificationConfiguration=theirs)
    lambda_arn = make_function()

    def now() -> Config:
        found = s3.get_bucket_notification_configuration(Bucket="photos")
        return {name: value for name, value in found.items() if name != "ResponseMetadata"}

    def send(kind: str, *entries: Config, physical: str = "") -> str:
        handler({**request(kind, *entries, physical=physical), "ResponseURL": url}, Context(60_000))
        assert answers[1][-1]["Status"] == "SUCCESS", answers[1][-1]
        return str(answers[1][-1]["PhysicalResourceId"])

    before = now()
    physical = send("Create", {**ENTRY, "LambdaFunctionArn": lambda_arn})
    assert [one["Filter"] for one in mine(now())] == [ENTRY["Filter"]]
    send("Update", {**OTHER_ENTRY, "LambdaFunctionArn": lambda_arn}, physical=physical)
    [entry] = mine(now())
    assert (entry["Events"], entry["LambdaFunctionArn"]) == (["s3:ObjectRestore:*"], lambda_arn)
    assert {name: value for name, value in now().items() if name != "LambdaFunctionConfigurations"} == before
    send("Delete", physical=physical)
    assert now() == before


def make_function() -> str:
    """A function of the embedded AWS."""
    import io
    import zipfile

    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): return None")
    made = boto3.client("lambda").create_function(
        FunctionName="thumbnail",
        Runtime="python3.13",
        Handler="index.handler",
        Role="arn:aws:iam::123456789012:role/x",
        Code={"ZipFile": code.getvalue()},
    )
    return str(made["FunctionArn"])


def test_the_code_runs_by_itself() -> None:
    """It becomes ``index.py`` of a function that has nothing else."""
    tree = ast.parse(Path(bucket_notification.__file__).read_text("utf-8"))
    nodes = list(ast.walk(tree))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} - {"boto3", "botocore"} <= sys.stdlib_module_names
