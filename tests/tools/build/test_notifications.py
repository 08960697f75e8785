"""An existing bucket's notifications through a whole stack: CloudFormation runs the custom resource that was built."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from live import until

from eventfw import App
from eventfw.tools.build.template import Template
from eventfw.tools.local.cloud.embedded import Cloud, free_port

STACK = "shop-dev"
THEIRS = {"Id": "theirs", "QueueArn": "arn:aws:sqs:us-east-1:123456789012:theirs", "Events": ["s3:ObjectRemoved:*"]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The embedded AWS at the address that custom resources answer to, which is the door's otherwise."""
    cloud = Cloud(free_port())
    cloud.host = "127.0.0.1"
    cloud.port = free_port()
    cloud.endpoint_url = f"http://127.0.0.1:{cloud.port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "123456789012")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    asyncio.run(cloud.start())
    yield
    asyncio.run(cloud.stop())


def body(*prefixes: str) -> str:
    """The template of an app with a handler for each prefix of the bucket ``photos``."""
    app, template = App("shop"), Template("shop", "dev")
    template.add("Other", "AWS::SQS::Queue", {})
    for number, prefix in enumerate(prefixes):

        def handler(record: Any) -> None: ...

        handler.__name__ = f"handler{number}"
        app.s3_trigger("photos", prefix=prefix)(handler)
    for function in app.functions.values():
        code = {"Runtime": "python3.13", "Handler": "index.handler", "Code": {"ZipFile": "def handler(*_): ..."}}
        name = template.physical(function.name)
        role = {"Role": "arn:aws:iam::123456789012:role/x"}
        template.add(template.function_id(function), "AWS::Lambda::Function", {"FunctionName": name, **code, **role})
        function.handlers[0].triggers[0].resources(function, template)
    if prefixes:  # the embedded AWS has no boto3 for its functions; and nobody else writes here
        made = template.properties("EventfwNotificationsFunction")
        made["Environment"] = {"Variables": {"PYTHONPATH": str(Path(boto3.__file__).parents[1])}}
        made["Code"]["ZipFile"] = made["Code"]["ZipFile"].replace("LOOKS_AGAIN_AFTER = 2.0", "LOOKS_AGAIN_AFTER = 0.01")
    return json.dumps(template.body("shop"))


def status() -> str:
    stacks = boto3.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    found = str(stacks[0]["StackStatus"])
    return "" if found.endswith("IN_PROGRESS") else found


def notifications() -> dict[str, Any]:
    found: dict[str, Any] = boto3.client("s3").get_bucket_notification_configuration(Bucket="photos")
    return {name: value for name, value in found.items() if name != "ResponseMetadata"}


def prefixes() -> list[str]:
    entries = notifications().get("LambdaFunctionConfigurations", [])
    return [entry["Filter"]["Key"]["FilterRules"][0]["Value"] for entry in entries]


@pytest.mark.usefixtures("aws")
def test_a_stack_adds_its_notifications_changes_them_and_takes_them_out() -> None:
    cloudformation, s3 = boto3.client("cloudformation"), boto3.client("s3")
    s3.create_bucket(Bucket="photos")
    boto3.client("sqs").create_queue(QueueName="theirs")
    s3.put_bucket_notification_configuration(
        Bucket="photos", NotificationConfiguration={"QueueConfigurations": [THEIRS]}
    )
    before = notifications()
    cloudformation.create_stack(StackName=STACK, TemplateBody=body("in/"), Capabilities=["CAPABILITY_IAM"])
    assert until(status) == "CREATE_COMPLETE"
    assert prefixes() == ["in/"]
    cloudformation.update_stack(StackName=STACK, TemplateBody=body("in/", "out/"), Capabilities=["CAPABILITY_IAM"])
    assert until(status) == "UPDATE_COMPLETE"
    assert sorted(prefixes()) == ["in/", "out/"]
    assert notifications()["QueueConfigurations"] == before["QueueConfigurations"]
    cloudformation.update_stack(StackName=STACK, TemplateBody=body(), Capabilities=["CAPABILITY_IAM"])
    assert until(status) == "UPDATE_COMPLETE"
    until(lambda: notifications() == before, "the removal of the stack's entries")
