"""Every type of resource, made for real in the embedded AWS by the same template and the same deployment."""

from __future__ import annotations

import json
from typing import Any

import pytest
from resource_bench import artifacts

from eventfw import App, EventBus, LogGroup, Queue, Stream, Table, Topic, UserPool
from eventfw.tools.deploy.access import Access, Clients
from eventfw.tools.deploy.deploy import deploy


@pytest.fixture
def access(cloud_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Access:
    """An account of this file's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "555566667777")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Access(region="eu-west-1", endpoint_url=cloud_endpoint)


def test_every_type_is_made_and_functions_are_told_their_names(access: Access, monkeypatch: pytest.MonkeyPatch) -> None:
    app = App("every")
    owned = [
        app.bucket("uploads"),
        app.queue("orders", dead_letter=app.queue("lost")),
        app.topic("news", display_name="News"),
        app.stream("clicks"),
        app.table(
            "catalog",
            sort_key=("version", "N"),
            ttl="expires",
            stream="NEW_IMAGE",
            indexes={"by_place": {"partition_key": "place", "projection": ["title"]}},
        ),
        app.event_bus("shop"),
        app.log_group("audit"),
        app.user_pool("people"),
    ]
    app.topic("ordered", fifo=True)
    app.stream("views", shards=2, retention=48)
    app.table("capped", read_capacity=5, write_capacity=5, deletion_protection=True)
    limit = app.resource("Limit", "AWS::SSM::Parameter", {"Name": "/every/limit", "Type": "String", "Value": "5"})
    grants = [
        getattr(one, verb)
        for one in owned
        for verb in ("send", "publish", "put", "put_events", "write")
        if hasattr(one, verb)
    ]

    @app.function(uses=[*grants, limit.grant(["ssm:GetParameter"], arn=limit.ref)])
    def handle(event: Any) -> None: ...

    deploy(artifacts(app), access=access)
    client = Clients(access).client
    told = client("lambda").get_function_configuration(FunctionName="every-dev-handle")["Environment"]["Variables"]
    for name, value in told.items():
        if name.startswith("EVENTFW_"):
            monkeypatch.setenv(name, value)
    bucket, queue, topic, stream, table, bus, group, pool = owned
    client("s3").put_object(Bucket=bucket.name, Key="cat.png", Body=b"")
    client("sqs").send_message(QueueUrl=queue.url, MessageBody="{}")
    client("sns").publish(TopicArn=topic.arn, Message="{}")
    client("kinesis").put_record(StreamName=stream.name, PartitionKey="1", Data=b"{}")
    client("dynamodb").put_item(TableName=table.name, Item={"id": {"S": "cat"}, "version": {"N": "1"}})
    assert client("events").put_events(Entries=[entry(bus.name)])["FailedEntryCount"] == 0
    client("logs").create_log_stream(logGroupName=group.name, logStreamName="one")
    client("cognito-idp").admin_create_user(UserPoolId=pool.id, Username="ann@example.com")
    assert client("ssm").get_parameter(Name=limit.name)["Parameter"]["Value"] == "5"


def entry(bus: str) -> dict[str, str]:
    return {"Source": "my.shop", "DetailType": "Sold", "Detail": json.dumps({}), "EventBusName": bus}


def test_existing_ones_are_made_under_their_own_names(access: Access) -> None:
    app = App("others")
    region = "eu-west-1:123456789012"
    for one in (
        Queue.existing(f"arn:aws:sqs:{region}:their-queue.fifo"),
        Topic.existing(f"arn:aws:sns:{region}:their-topic"),
        Stream.existing("their-stream"),
        Table.existing("their-table", partition_key="sku"),
        EventBus.existing("their-bus"),
        EventBus.existing("default"),
        LogGroup.existing("/their/logs"),
        UserPool.existing("eu-west-1_AbCdEf123"),
    ):
        app.own(one)
    app.queue("mine", fifo=True, dead_letter=Queue.existing("their-dead.fifo"))
    app.function()(entry)

    deploy(artifacts(app), access=access)
    client = Clients(access).client
    assert client("sqs").get_queue_url(QueueName="their-queue.fifo")
    assert client("sqs").get_queue_url(QueueName="their-dead.fifo")
    assert "their-topic" in str(client("sns").list_topics()["Topics"])
    assert client("kinesis").describe_stream_summary(StreamName="their-stream")
    keys = client("dynamodb").describe_table(TableName="their-table")["Table"]["KeySchema"]
    assert [key["AttributeName"] for key in keys] == ["sku"]
    assert {"their-bus", "default"} <= {bus["Name"] for bus in client("events").list_event_buses()["EventBuses"]}
    assert client("logs").describe_log_groups(logGroupNamePrefix="/their/logs")["logGroups"]
