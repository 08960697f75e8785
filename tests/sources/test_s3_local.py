"""S3 on a running ``eventfw local``: what clients do to buckets, and ask of access points, sets the handlers off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from live import Live, until, write

APP = """
    import json
    from eventfw import App, HTTPError, Response

    app = App("gallery")
    uploads = app.bucket("uploads")

    def note(name, what):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([name, what]) + "\\n")

    @app.s3_trigger("theirs", prefix="in/")
    def existing(record):
        note("existing", [record.bucket, record.key, record.event_name])

    happened = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]

    @app.s3_trigger("theirs", via="eventbridge", wildcard="in/*/x*.png", events=happened)
    def bridged(record):
        note("bridged", [record.bucket, record.key, record.event_name])

    @app.s3_trigger(uploads, via="eventbridge", prefix="a b/", suffix=".txt")
    def owned(record):
        note("owned", record.key)

    @app.s3_object_lambda(uploads, operations=["GetObject", "HeadObject", "ListObjectsV2"])
    def shout(request):
        if request.key == "secret":
            raise HTTPError(403, "Not for you.")
        original = request.fetch()
        if request.operation != "GetObject" or original.status != 200:
            return original
        return Response(original.body.upper(), headers={"Content-Type": "text/plain", "x-amz-meta-how": "loud"})
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("s3")
    write(folder / "app.py", APP)
    server = Live(folder)
    yield server
    server.stop()


def test_an_existing_bucket_is_there_and_tells_of_its_objects_both_ways(live: Live) -> None:
    s3, key = live.client("s3"), "in/a b/x+ü.png"
    s3.put_object(Bucket="theirs", Key=key, Body=b"hello")
    s3.put_object(Bucket="theirs", Key="in/other.png", Body=b"hello")
    s3.delete_object(Bucket="theirs", Key=key)
    until(lambda: len(live.noted("bridged")) == 2 and len(live.noted("existing")) == 2)
    created = [["theirs", name, "ObjectCreated:Put"] for name in (key, "in/other.png")]
    assert sorted(live.noted("existing")) == created  # S3 promises no order
    assert sorted(live.noted("bridged")) == [
        ["theirs", key, "ObjectCreated:Put"],
        ["theirs", key, "ObjectRemoved:Delete"],
    ]


def test_an_owned_bucket_sends_to_eventbridge_what_the_rule_asks_for(live: Live) -> None:
    s3 = live.client("s3")
    for key in ("a b/c.png", "b/c.txt", "a b/c+d.txt"):
        s3.put_object(Bucket="uploads", Key=key, Body=b"hello")
    assert until(lambda: live.noted("owned")) == ["a b/c+d.txt"]


def alias(live: Live) -> str:
    [stack] = live.client("cloudformation").describe_stacks()["Stacks"]
    outputs: dict[str, Any] = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    return str(outputs["ShoutObjectLambdaAccessPointAlias"])


def test_an_object_is_changed_on_its_way_out(live: Live) -> None:
    s3 = live.client("s3")
    s3.put_object(Bucket="uploads", Key="in/a b.txt", Body=b"hello")
    got = s3.get_object(Bucket=alias(live), Key="in/a b.txt")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"HELLO", "text/plain", {"how": "loud"})
    assert s3.head_object(Bucket=alias(live), Key="in/a b.txt")["ContentLength"] == 5
    assert "in/a b.txt" in [one["Key"] for one in s3.list_objects_v2(Bucket=alias(live))["Contents"]]


@pytest.mark.parametrize(("key", "code"), [("secret", "AccessDenied"), ("missing", "NoSuchKey")])
def test_an_error_is_the_callers(live: Live, key: str, code: str) -> None:
    with pytest.raises(ClientError) as caught:
        live.client("s3").get_object(Bucket=alias(live), Key=key)
    assert caught.value.response["Error"]["Code"] == code
