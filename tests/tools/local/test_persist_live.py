"""``eventfw local --persist``: what one run leaves the next has, on another port, even where the first was killed."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from urllib.parse import urlsplit

from live import PATIENCE, Live, eventfw, until, write

APP = """
import json

from eventfw import App

app = App("gallery")
later, photos, news = app.queue("later"), app.table("photos", partition_key="name"), app.topic("news")
uploads = app.bucket("uploads", versioned=True)


def note(what, value):
    with open("seen.jsonl", "a") as file:
        file.write(json.dumps([what, value]) + "\\n")


@app.s3_trigger(uploads)
def stored(record):
    note("stored", record.key)


@app.event_rule({"source": ["shop"]})
def fails(event):
    note("failed", event.id)
    raise ValueError(event.id)


@app.sns_subscriber(news, filter_policy={"kind": ["photo"]})
def told(message):
    note("told", message.message)


@app.get("/queue")
@app.function(uses=[later.send])
def queue(request):
    return {"url": later.url}
"""


def waiting(folder: Path) -> list[tuple[str, int]]:
    """The functions of the asynchronous events that are kept, and how often each was attempted."""
    kept = folder / ".eventfw" / "aws" / "events.json"
    if not kept.exists():
        return []
    return [(one["function"], one["attempts"]) for one in json.loads(kept.read_text())["events"]]


def test_what_a_killed_run_leaves_is_there_in_the_next(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    first = Live(tmp_path, "--persist")
    try:
        queue = first.get("/queue")["url"]
        first.client("sqs").send_message(QueueUrl=queue, MessageBody="kept")
        first.client("dynamodb").put_item(TableName="photos", Item={"name": {"S": "cat"}})
        for body in (b"1", b"22"):
            first.client("s3").put_object(Bucket="uploads", Key="cat", Body=body)
        first.client("events").put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
        until(lambda: len(first.noted("stored")) == 2)
        until(lambda: waiting(tmp_path) == [("fails", 1)], "the first attempt that failed is kept")
    finally:
        first.stop(signal.SIGKILL)
    second = Live(tmp_path, "--persist", "--clock", "virtual")
    try:
        second.says("Goes on with 1 asynchronous event")
        [failed] = second.noted("failed")
        assert eventfw(tmp_path, "clock", "advance", "2m").returncode == 0
        until(lambda: second.noted("failed") == [failed, failed])
        queue = second.get("/queue")["url"]
        assert urlsplit(queue).netloc == second.address("aws") != first.address("aws")
        sqs = second.client("sqs")
        assert sqs.get_queue_url(QueueName="later")["QueueUrl"] == queue
        [message] = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=int(PATIENCE / 2))["Messages"]
        assert message["Body"] == "kept"
        assert second.client("dynamodb").scan(TableName="photos")["Items"] == [{"name": {"S": "cat"}}]
        assert len(second.client("s3").list_object_versions(Bucket="uploads")["Versions"]) == 2
        second.client("s3").put_object(Bucket="uploads", Key="dog", Body=b"3")
        sns = second.client("sns")
        [topic] = sns.list_topics()["Topics"]
        for kind in ("letter", "photo"):
            attributes = {"kind": {"DataType": "String", "StringValue": kind}}
            sns.publish(TopicArn=topic["TopicArn"], Message=kind, MessageAttributes=attributes)
        until(lambda: second.noted("told") and len(second.noted("stored")) == 3)
        assert second.noted("told") == ["photo"]
        assert second.noted("stored") == ["cat", "cat", "dog"]
        assert any("goes on with what is kept" in line for line in second.lines)
        assert not any("could not save" in line or "is up to date" in line for line in second.lines)
    finally:
        assert second.stop() == 0
    assert not (tmp_path / ".eventfw" / "aws" / "unsaved").exists()
