"""AppSync Events: what is published, dropped and refused, and who may subscribe."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import App, AppSyncChannelEvent, AppSyncMessage
from eventfw.errors import RegistrationError
from eventfw.testing import Client

API = "abcdefghijklmnopqrstuvwxyz"


def channel(func: Any, **options: Any) -> App:
    app = App("demo")
    app.appsync_channel(API, "orders", **options)(func)
    return app


def check(message: AppSyncMessage) -> Any:
    if message.payload == "secret":
        message.drop()
    elif message.payload == "bad":
        raise ValueError("not this one")
    elif message.payload == "old":
        return "new"
    return None


def test_each_message_is_passed_on_replaced_dropped_or_refused(caplog: pytest.LogCaptureFixture) -> None:
    answer = Client(channel(check)).send(check, payloads=["as it is", "old", "secret", "bad"])
    assert [{**each, "id": each["id"][-1]} for each in answer["events"]] == [
        {"id": "1", "payload": "as it is"},
        {"id": "2", "payload": "new"},
        {"id": "4", "error": "not this one"},
    ]
    assert "failed" in caplog.text


def test_subscribers_are_let_in_or_refused() -> None:
    def door(event: AppSyncChannelEvent) -> Any:
        if event.segments[1] == "private":
            raise PermissionError("no")
        return True if event.segments[1] == "wrong" else None

    client = Client(channel(door, operation="SUBSCRIBE"))
    assert client.send(door, channel="/orders/eu/*") is None
    with pytest.raises(PermissionError):
        client.send(door, channel="/orders/private")
    with pytest.raises(TypeError, match="returns nothing"):
        client.send(door, channel="/orders/wrong")


def test_each_operation_reaches_its_own_handler() -> None:
    app = App("demo")

    @app.appsync_channel(API, "orders")
    @app.function("both")
    def publish(message: AppSyncMessage) -> str:
        return "published"

    @app.appsync_channel(API, "orders", operation="SUBSCRIBE")
    @app.function("both")
    def subscribe(event: AppSyncChannelEvent) -> None: ...

    client = Client(app)
    assert client.send(publish)["events"][0]["payload"] == "published"
    assert client.send(subscribe) is None
    config = properties_of(stack_of(app), "OrdersStuvwxyzNamespace")["HandlerConfigs"]
    assert config.keys() == {"OnPublish", "OnSubscribe"}
    assert config["OnPublish"]["Integration"]["DataSourceName"] == {"Fn::GetAtt": ["BothStuvwxyzDataSource", "Name"]}


def test_a_namespace_has_one_handler_for_an_operation() -> None:
    app = channel(check)

    def other(message: AppSyncMessage) -> None: ...

    with pytest.raises(RegistrationError, match="is there already"):
        app.appsync_channel(API, "orders")(other)


def test_an_api_of_the_app_is_referred_to() -> None:
    app = App("demo")
    api = app.resource("Live", "AWS::AppSync::Api", {"Name": "live"}, local=False)
    app.appsync_channel(api, "orders")(check)
    stack = stack_of(app)
    assert properties_of(stack, "OrdersLiveNamespace")["ApiId"] == {"Fn::GetAtt": ["Live", "ApiId"]}
    trust = properties_of(stack, "CheckLiveDataSourceRole")["AssumeRolePolicyDocument"]["Statement"][0]
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": {"Fn::GetAtt": ["Live", "ApiArn"]}}
    assert "AppSync" not in str(stack_of(app, local=True))


@pytest.mark.parametrize(
    ("api", "namespace", "operation", "said"),
    [
        ("my api", "orders", "PUBLISH", "takes an Event API"),
        (API, "-orders", "PUBLISH", "namespace must be 1 to 50"),
        (API, "o" * 51, "PUBLISH", "namespace must be 1 to 50"),
        (API, "orders", "publish", "operation must be one of"),
    ],
)
def test_wrong_options_are_refused(api: str, namespace: str, operation: str, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        App("demo").appsync_channel(api, namespace, operation=operation)


def test_a_resource_of_another_type_is_refused() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="An Event API is of type AWS::AppSync::Api"):
        app.appsync_channel(app.resource("Limit", "AWS::SSM::Parameter", {}), "orders")
