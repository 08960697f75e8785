"""The child that puts the app's stack into the embedded AWS: what it reports, and what it may see."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from live import write

from eventfw.errors import DeployError
from eventfw.tools.cli.apply import apply as apply_here
from eventfw.tools.local.cloud.infrastructure import Order, applied, told_of
from eventfw.tools.local.workers.variables import Place, of_tool


def order(folder: Path, endpoint: str) -> Order:
    return Order(str(folder), None, endpoint, endpoint, "us-east-1", f"{endpoint}/_eventfw/push/token")


def apply(folder: Path, endpoint: str) -> dict[str, Any]:
    return asyncio.run(applied(order(folder, endpoint)))


APP = """
    import boto3
    from eventfw import App

    boto3.client("s3")  # at import, as many apps do: it takes a region
    print("hello from the import")
    app = App("infrastructure")
    app.queue("infrastructure-jobs")
"""


def test_a_stack_is_made_once_and_then_is_as_it_was(tmp_path: Path, cloud_endpoint: str) -> None:
    write(tmp_path / "app.py", APP)
    assert apply(tmp_path, cloud_endpoint)["changed"] is True
    assert apply(tmp_path, cloud_endpoint)["changed"] is False


def test_a_save_within_the_same_second_is_taken_over(
    tmp_path: Path, cloud_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    saved = time.time() + 3600  # both within a moment of when they are read, however long that takes
    for seconds in ("10", "20"):
        write(tmp_path / "app.py", APP.replace('jobs"', f'quick", visibility_timeout={seconds}'))
        os.utime(tmp_path / "app.py", (saved, saved))
        assert apply(tmp_path, cloud_endpoint)["changed"] is True


KEPT = """
    from eventfw import App

    app = App("keeping")
    app.queue("keeping-jobs", visibility_timeout=30)
    app.bucket("keeping-files")
    app.table("keeping-rows", partition_key="id")
"""
CHANGED = (
    KEPT.replace("=30", "=60").replace('"keeping-files"', '"keeping-files", versioned=True')
    + """
    app.queue("keeping-more")
"""
)


def test_what_stays_keeps_its_data_and_what_is_replaced_is_told(tmp_path: Path, cloud_endpoint: str) -> None:
    import boto3

    def here(module: str, source: str) -> dict[str, Any]:
        """What the child does, in this process, which has imported the SDK already."""
        write(tmp_path / f"keeping_{module}.py", source)
        return apply_here(replace(order(tmp_path, cloud_endpoint), app=f"keeping_{module}"))

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        return boto3.client(service, endpoint_url=cloud_endpoint, region_name="us-east-1", **keys)

    def messages(queue: str) -> str:
        url = client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "VisibilityTimeout"]
        found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return f"{found['ApproximateNumberOfMessages']} message, {found['VisibilityTimeout']} s"

    here("kept", KEPT)
    url = client("sqs").get_queue_url(QueueName="keeping-jobs")["QueueUrl"]
    client("sqs").send_message(QueueUrl=url, MessageBody="one")
    client("s3").put_object(Bucket="keeping-files", Key="cat", Body=b"1")
    client("dynamodb").put_item(TableName="keeping-rows", Item={"id": {"S": "1"}})
    assert list(told_of(here("changed", CHANGED)["changes"])) == []
    assert messages("keeping-jobs") == "1 message, 60 s"
    assert client("s3").list_objects_v2(Bucket="keeping-files")["Contents"][0]["Key"] == "cat"
    assert client("s3").get_bucket_versioning(Bucket="keeping-files")["Status"] == "Enabled"
    with pytest.raises(DeployError, match="RowsTable"):
        here("failing", KEPT.replace('partition_key="id"', 'partition_key="id", sort_key="at"'))
    assert messages("keeping-more").startswith("0 message"), "what was there before a failure is there after it"
    last = KEPT.replace('"keeping-jobs", visibility_timeout=30', '"keeping-jobs", fifo=True')
    told = list(told_of(here("last", last)["changes"]))
    assert any("keeping-jobs (AWS::SQS::Queue) was replaced" in line and "is gone" in line for line in told)
    assert any("keeping-more (AWS::SQS::Queue) was removed" in line for line in told)
    assert client("dynamodb").scan(TableName="keeping-rows")["Count"] == 1
    with pytest.raises(client("sqs").exceptions.QueueDoesNotExist):
        messages("keeping-more")


def change(action: str, type_: str = "AWS::SQS::Queue", **more: Any) -> dict[str, Any]:
    one = {"action": action, "type": type_, "physical_id": "http://127.0.0.1/0/jobs", "logical_id": "JobsQueue"}
    return {**one, "properties": ["FifoQueue"], "certain": True, "data": False, **more}


def test_of_changes_those_are_told_that_data_depends_on() -> None:
    assert list(told_of([change("replace")])) == [
        "jobs (AWS::SQS::Queue) was replaced by another, because of FifoQueue. Whatever it held is gone."
    ]
    [line] = told_of([change("remove", "AWS::DynamoDB::Table", physical_id="rows", data=True)])
    assert (
        line == "rows (AWS::DynamoDB::Table) is the app's no longer. What it held is kept in the embedded AWS, as rows."
    )
    harmless = [change("change"), change("add"), change("replace", certain=False), change("remove", "AWS::IAM::Role")]
    assert list(told_of(harmless)) == []


def test_an_app_for_the_edge_alone_deploys_nothing(tmp_path: Path) -> None:
    edge = """
        from eventfw import App

        app = App("edge")


        @app.edge_viewer_request("site")
        def pass_on(request):
            return request
    """
    write(tmp_path / "app.py", edge)
    assert apply(tmp_path, "http://127.0.0.1:9") == {
        "changed": False,
        "resources": 0,
        "changes": [],
        "names": {},
        "lambda": {"functions": ["pass_on"], "mappings": [], "destinations": {}, "subscriptions": []},
    }


@pytest.mark.parametrize(
    ("source", "place", "says"),
    [
        ("raise RuntimeError('no database')\n", "app.py:1", "no database"),
        ("from eventfw import App\napp = App('a')\napp.queue('no spaces')\n", "app.py:3", "no spaces"),
    ],
)
def test_an_error_of_the_app_has_its_place(tmp_path: Path, source: str, place: str, says: str) -> None:
    write(tmp_path / "app.py", source)
    with pytest.raises(DeployError, match=says) as caught:
        apply(tmp_path, "http://127.0.0.1:9")
    assert caught.value.place.endswith(place)


def test_an_app_that_ends_the_child_is_told_with_what_it_said(tmp_path: Path) -> None:
    write(tmp_path / "app.py", "import os, sys\nsys.stderr.write('giving up')\nsys.stderr.flush()\nos._exit(3)\n")
    with pytest.raises(DeployError, match=r"exit code 3\.\ngiving up"):
        apply(tmp_path, "http://127.0.0.1:9")


def test_the_child_sees_the_developers_environment_but_no_account() -> None:
    environ = {"DATABASE": "x", "AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_ENDPOINT_URL_S3": "x"}
    seen = of_tool(Place("/app", "http://127.0.0.1:4566", "eu-west-1"), environ)
    assert seen["DATABASE"] == "x"
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert (seen["AWS_REGION"], seen["AWS_ACCESS_KEY_ID"]) == ("eu-west-1", "test")
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"}.isdisjoint(seen)


def test_an_app_that_was_renamed_is_told_whose_names_it_wants(tmp_path: Path, cloud_endpoint: str) -> None:
    source = """
        from eventfw import App

        app = App("{}")
        app.table("renamed-rows", partition_key="id")

        @app.function()
        def renamed_work(event): ...
    """
    write(tmp_path / "app.py", source.format("old-name"))
    apply(tmp_path, cloud_endpoint)
    write(tmp_path / "app.py", source.format("new-name"))
    with pytest.raises(DeployError, match=r"also has the app .*old-name.*If new-name was called so before"):
        apply(tmp_path, cloud_endpoint)
