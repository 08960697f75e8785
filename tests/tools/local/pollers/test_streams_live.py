"""Streams on a running ``eventfw local``: what fails comes again by a virtual clock, and reloads lose nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from live import Live, eventfw, until, write

APP = """
    import json
    from eventfw import App

    app = App("demo")
    clicks = app.stream("clicks", shards=2)
    catalog = app.table("catalog")
    views = app.stream("views")
    failed = app.queue("failed")
    kept = app.bucket("kept")
    once = {"maximum_retry_attempts": 2, "bisect_batch": True}

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    @app.kinesis_consumer(clicks, on_failure=failed, **once)
    def count(record):
        note("count", record.text)
        if record.text == "bad":
            raise ValueError("bad")

    @app.dynamodb_stream(catalog, on_failure=kept, batch=True, **once)
    def follow(batch):
        names = [record.keys["id"] for record in batch]
        if "bad" in names:
            note("bad", names)
            raise ValueError("bad")
        note("follow", [[record.event_name, record.keys["id"], record.size] for record in batch])

    @app.kinesis_consumer(views, batch=True, tumbling_window=60, fan_out=True)
    def per_minute(batch):
        batch.state["views"] = batch.state.get("views", 0) + len(batch)
        note("window", [batch.state["views"], batch.is_final])
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("streams")
    write(folder / "app.py", APP)
    server = Live(folder, "--clock", "virtual")
    yield server
    server.stop()


def advance(live: Live, duration: str) -> None:
    moved = eventfw(live.folder, "clock", "advance", duration)
    assert moved.returncode == 0, moved.stderr


def put(live: Live, stream: str, *texts: str) -> None:
    records: Any = [{"PartitionKey": "one", "Data": text.encode()} for text in texts]
    assert live.client("kinesis").put_records(StreamName=stream, Records=records)["FailedRecordCount"] == 0


def test_a_bad_record_of_a_stream_ends_in_the_queue_and_the_others_are_done_in_order(live: Live) -> None:
    put(live, "clicks", "1", "2", "bad", "3")
    advance(live, "10s")
    seen = live.noted("count")
    assert [text for text in seen if text != "bad"] == ["1", "2", "3"]
    assert seen[:3] == ["1", "2", "bad"] and seen[-1] == "3"
    sqs = live.client("sqs")
    url = sqs.get_queue_url(QueueName="failed")["QueueUrl"]
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    told = json.loads(message["Body"])
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["KinesisBatchInfo"]["batchSize"] == 1
    assert told["KinesisBatchInfo"]["startSequenceNumber"] == told["KinesisBatchInfo"]["endSequenceNumber"]
    live.says("gave up 1 record")


def test_a_bad_change_of_a_table_ends_in_the_bucket_with_its_payload(live: Live) -> None:
    table = live.client("dynamodb")
    for name in ("1", "2", "bad", "3"):
        table.put_item(TableName="catalog", Item={"id": {"S": name}, "n": {"N": "7"}})
    table.delete_item(TableName="catalog", Key={"id": {"S": "1"}})
    advance(live, "10s")
    done = [change for changes in live.noted("follow") for change in changes]
    assert [change[:2] for change in done] == [["INSERT", "1"], ["INSERT", "2"], ["INSERT", "3"], ["REMOVE", "1"]]
    assert [change[2] for change in done] == [9] * 4, "names, values, and both of the key"
    assert live.noted("bad")[-3:] == [["bad"]] * 3
    s3 = live.client("s3")
    [kept] = s3.list_objects_v2(Bucket="kept")["Contents"]
    assert kept["Key"].startswith("aws/lambda/") and "/shardId-" in kept["Key"]
    told = json.loads(s3.get_object(Bucket="kept", Key=kept["Key"])["Body"].read())
    assert told["DDBStreamBatchInfo"]["batchSize"] == 1
    [record] = told["payload"]["Records"]
    assert record["dynamodb"]["Keys"] == {"id": {"S": "bad"}} and record["eventName"] == "INSERT"
    assert record["eventSourceARN"] == told["DDBStreamBatchInfo"]["streamArn"]


def test_a_window_is_closed_by_the_clock_and_a_consumer_is_read_as_its_stream(live: Live) -> None:
    put(live, "views", "1", "2")
    advance(live, "0s")
    put(live, "views", "3")
    advance(live, "60s")
    assert live.noted("window") == [[2, False], [3, False], [3, True]]


def test_over_a_reload_nothing_is_read_twice_and_a_changed_mapping_goes_on(live: Live) -> None:
    put(live, "clicks", "before")
    until(lambda: "before" in live.noted("count"), "the first record")
    seen = len(live.lines)
    write(live.folder / "app.py", APP.replace('"maximum_retry_attempts": 2', '"maximum_retry_attempts": 1'))
    live.says("Reloaded", after=seen)
    put(live, "clicks", "during")
    live.says("up to date", after=seen)
    put(live, "clicks", "after")
    until(lambda: "after" in live.noted("count"), "the last record")
    assert live.noted("count")[-3:] == ["before", "during", "after"]


def test_a_shard_is_split_merged_and_counted_anew_without_losing_a_record(live: Live) -> None:
    kinesis, seen = live.client("kinesis"), len(live.noted("window"))
    put(live, "views", "4")
    kinesis.split_shard(StreamName="views", ShardToSplit="shardId-000000000000", NewStartingHashKey="9")
    put(live, "views", "5")
    kinesis.merge_shards(
        StreamName="views", ShardToMerge="shardId-000000000001", AdjacentShardToMerge="shardId-000000000002"
    )
    put(live, "views", "6", "7")
    kinesis.update_shard_count(StreamName="views", TargetShardCount=4, ScalingType="UNIFORM_SCALING")
    put(live, "views", "8")
    advance(live, "60s")
    windows = live.noted("window")[seen:]
    assert sum(views for views, final in windows if final) == 5, windows
