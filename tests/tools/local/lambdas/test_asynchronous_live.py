"""Asynchronous invocations of a whole server with a virtual clock: retries, destinations, dead letters, the clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from live import Live, eventfw, until, write

APP = """
    import json
    import os
    import time
    from eventfw import App

    app = App("shop")
    uploads = app.bucket("uploads")
    shop = app.event_bus("shop")
    failures = app.queue("failures")
    dead = app.queue("dead")

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    @app.s3_trigger(uploads, suffix=".png")
    @app.function(on_failure=failures, dead_letter=dead)
    def thumbnail(upload, context):
        note("thumbnail", [upload.key, context.aws_request_id])
        raise ValueError("cannot read this")

    @app.event_rule({"source": ["my.shop"]}, bus=shop, input={"a": 1})
    @app.function(on_success=failures, maximum_retry_attempts=1)
    def told(event):
        note("told", event)
        if len(open("seen.jsonl").read().split('"told"')) < 3:
            raise ValueError("not yet")

    @app.function(reserved_concurrency=1)
    def direct(event, context):
        note("direct", event)
        if event == "wait":
            open("waiting.txt", "w").close()
            while not os.path.exists("go.txt"):
                time.sleep(0.005)
        return [context.function_version, context.invoked_function_arn, os.environ["AWS_LAMBDA_FUNCTION_VERSION"]]

    alerts = app.topic("alerts")

    @app.function(on_failure=uploads, dead_letter=alerts, maximum_retry_attempts=0)
    def to_bucket_and_topic(event):
        raise ValueError("lost")

    @app.function(on_success=shop)
    def to_bus(event):
        return event

    @app.function(on_failure=app.lambda_function("mend"), maximum_retry_attempts=0)
    def to_function(event):
        raise ValueError("broken")

    @app.function()
    def mend(record):
        note("mend", record["requestPayload"])

    @app.sns_subscriber(alerts)
    def alerted(message):
        note("alerted", [message.message, message.attributes["ErrorMessage"]])

    @app.event_rule({"source": ["lambda"]}, bus=shop)
    def heard(event):
        note("heard", [event.detail_type, event.resources, event.detail["responsePayload"]])

    @app.function(tenant_isolation_mode="PER_TENANT")
    def shared(event, context):
        return [context.tenant_id, os.getpid()]

    @app.iot_rule("SELECT * FROM 'devices/+/temperature'")
    @app.function(maximum_retry_attempts=1)
    def measured(message):
        note("measured", message)
        raise ValueError("not now")

    @app.function(provisioned_concurrency=1)
    def ready(event, context):
        return context.function_version
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("shop")
    write(folder / "app.py", APP)
    live = Live(folder, "--clock", "virtual")
    try:
        yield live
    finally:
        live.stop()


def advance(live: Live, duration: str) -> str:
    done = eventfw(live.folder, "clock", "advance", duration)
    assert done.returncode == 0, done.stderr
    return done.stdout


def received(live: Live, queue: str) -> list[dict[str, Any]]:
    client = live.client("sqs")
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    for one in found.get("Messages", []):
        client.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
    return list(found.get("Messages", []))


def test_an_advance_runs_all_attempts_and_delivers_before_it_returns(live: Live) -> None:
    live.client("s3").put_object(Bucket="uploads", Key="cat.png", Body=b"x")
    until(lambda: live.noted("thumbnail"), "the first attempt")
    live.says("thumbnail failed, and will be tried again in 1 minute (attempt 2 of 3).")
    advance(live, "4m")
    attempts = live.noted("thumbnail")
    assert len(attempts) == 3
    assert len({request_id for _, request_id in attempts}) == 1
    [message] = received(live, "failures")
    record = json.loads(message["Body"])
    assert record["requestContext"] == {
        "requestId": attempts[0][1],
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:thumbnail:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"]["Records"][0]["s3"]["object"]["key"] == "cat.png"
    assert record["responsePayload"]["errorMessage"] == "cannot read this"
    [letter] = received(live, "dead")
    assert json.loads(letter["Body"]) == record["requestPayload"]
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "cannot read this"
    assert letter["MessageAttributes"]["RequestID"]["StringValue"] == attempts[0][1]
    live.says("thumbnail gave up on an event after 3 attempts (RetriesExhausted)")


def test_what_a_rule_with_an_input_sends_is_retried_too(live: Live) -> None:
    entry = {"Source": "my.shop", "DetailType": "Order", "Detail": "{}", "EventBusName": "shop"}
    live.client("events").put_events(Entries=[entry])
    live.says("told failed, and will be tried again in 1 minute (attempt 2 of 2).")
    advance(live, "1m")
    assert live.noted("told") == [{"a": 1}, {"a": 1}]
    [message] = received(live, "failures")
    record = json.loads(message["Body"])
    assert (record["requestContext"]["condition"], record["responsePayload"]) == ("Success", None)


def test_what_a_rule_of_iot_sends_is_retried_too(live: Live) -> None:
    live.client("iot-data").publish(topic="devices/1/temperature", payload=b'{"t": 5}')
    live.says("measured failed, and will be tried again in 1 minute (attempt 2 of 2).")
    live.client("iot-data").publish(topic="devices/1/pressure", payload=b'{"p": 5}')
    advance(live, "1m")
    assert live.noted("measured") == [{"t": 5}, {"t": 5}]


def invoke_later(live: Live, function: str, event: object) -> None:
    live.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=json.dumps(event))


def test_records_reach_destinations_of_every_kind(live: Live) -> None:
    invoke_later(live, "to_bucket_and_topic", {"a": 1})
    assert until(lambda: live.noted("alerted"), "the dead letter") == [['{"a": 1}', "lost"]]
    s3 = live.client("s3")
    found = until(
        lambda: s3.list_objects_v2(Bucket="uploads", Prefix="aws/lambda/async/to_bucket_and_topic/").get("Contents"),
        "the object",
    )
    record = json.loads(s3.get_object(Bucket="uploads", Key=found[0]["Key"])["Body"].read())
    assert (record["requestPayload"], record["requestContext"]["approximateInvokeCount"]) == ({"a": 1}, 1)
    invoke_later(live, "to_bus", {"b": 2})
    [[detail_type, resources, response]] = until(lambda: live.noted("heard"), "the event of the bus")
    assert (detail_type, response) == ("Lambda Function Invocation Result - Success", {"b": 2})
    here = "us-east-1:000000000000"
    assert resources == [f"arn:aws:events:{here}:event-bus/shop", f"arn:aws:lambda:{here}:function:to_bus:$LATEST"]
    invoke_later(live, "to_function", {"c": 3})
    assert until(lambda: live.noted("mend"), "the record") == [{"c": 3}]


def test_a_client_may_switch_a_function_off(live: Live) -> None:
    aws, before = live.client("lambda"), live.noted("mend")
    assert aws.get_function_event_invoke_config(FunctionName="told")["MaximumRetryAttempts"] == 1
    aws.put_function_concurrency(FunctionName="to_function", ReservedConcurrentExecutions=0)
    invoke_later(live, "to_function", {"d": 4})
    live.says("to_function gave up on an event at once, its reserved_concurrency being 0 (ZeroReservedConcurrency)")
    assert until(lambda: live.noted("mend")[len(before) :], "the record") == [{"d": 4}]
    told = aws.get_function_configuration(FunctionName="thumbnail")
    assert (told["Timeout"], told["DeadLetterConfig"]["TargetArn"].rpartition(":")[2]) == (30, "dead")
    assert aws.get_function(FunctionName="to_function")["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    limit = aws.get_account_settings()["AccountLimit"]  # "direct" has reserved 1
    assert (limit["ConcurrentExecutions"], limit["UnreservedConcurrentExecutions"]) == (1000, 999)
    aws.delete_function_concurrency(FunctionName="to_function")
    assert "Concurrency" not in aws.get_function(FunctionName="to_function")
    assert "ReservedConcurrentExecutions" not in aws.get_function_concurrency(FunctionName="to_function")


def test_the_clock_is_shown_and_stands_still(live: Live) -> None:
    told = [json.loads(eventfw(live.folder, "clock", "--json").stdout) for _ in range(2)]
    assert told[0] == told[1]
    assert told[0]["virtual"] is True


# Invoke


def once(live: Live) -> Any:
    """A client that does not try again."""
    how = Config(retries={"total_max_attempts": 1})
    return boto3.client(
        "lambda",
        endpoint_url=live.addresses["aws"],
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=how,
    )


def invoked(live: Live, name: str, event: object = None) -> Any:
    answer = live.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return answer["ExecutedVersion"], json.loads(answer["Payload"].read())


def test_versions_and_aliases_are_those_of_the_embedded_aws(live: Live) -> None:
    aws, arn = live.client("lambda"), "arn:aws:lambda:us-east-1:000000000000:function:direct"
    assert invoked(live, "direct") == ("$LATEST", ["$LATEST", arn, "$LATEST"])
    one = aws.publish_version(FunctionName="direct")["Version"]
    aws.create_alias(FunctionName="direct", Name="canary", FunctionVersion=one)
    assert invoked(live, "direct:canary") == (one, [one, f"{arn}:canary", one])
    assert invoked(live, f"{arn}:{one}") == (one, [one, f"{arn}:{one}", one])
    two = aws.publish_version(FunctionName="direct", Description="another")["Version"]
    weights = {"AdditionalVersionWeights": {two: 1.0}}
    aws.update_alias(FunctionName="direct", Name="canary", RoutingConfig=weights)
    assert invoked(live, "direct:canary")[0] == two
    assert invoked(live, "direct") == ("$LATEST", ["$LATEST", arn, "$LATEST"])
    with pytest.raises(ClientError, match=f"Function not found: {arn}:nobody"):
        invoked(live, "direct:nobody")


def test_a_published_function_has_its_alias(live: Live) -> None:
    assert invoked(live, "ready:live") == ("1", "1")


def test_an_environment_serves_one_tenant_alone(live: Live) -> None:
    aws = live.client("lambda")
    seen = [
        json.loads(aws.invoke(FunctionName="shared", TenantId=tenant)["Payload"].read())
        for tenant in ("blue", "green", "blue")
    ]
    assert [tenant for tenant, _ in seen] == ["blue", "green", "blue"]
    assert seen[0] == seen[2] != seen[1]
    assert seen[0][1] != seen[1][1]


def test_an_invocation_over_the_reserved_concurrency_is_throttled(live: Live) -> None:
    aws = live.client("lambda")
    aws.invoke(FunctionName="direct", InvocationType="Event", Payload=b'"wait"')
    until((live.folder / "waiting.txt").exists, "the first invocation")
    with pytest.raises(ClientError) as caught:
        once(live).invoke(FunctionName="direct", Payload=b"{}")
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    aws.invoke(FunctionName="direct", InvocationType="Event", Payload=b'"later"')
    live.says("direct was throttled, and will be tried again in 1 second")
    (live.folder / "go.txt").touch()
    live.says("invoke -> direct ok")
    advance(live, "1s")
    assert live.noted("direct")[-1] == "later"


def test_a_reload_changes_the_code_of_the_next_attempt_and_loses_nothing(live: Live) -> None:
    after = len(live.lines)
    live.client("s3").put_object(Bucket="uploads", Key="dog.png", Body=b"x")
    live.says("thumbnail failed, and will be tried again in 1 minute (attempt 2 of 3).", after=after)
    write(live.folder / "app.py", APP.replace('raise ValueError("cannot read this")', 'note("mended", upload.key)'))
    live.says("Reloaded after app.py", after=after)
    advance(live, "1m")
    assert live.noted("mended") == ["dog.png"]


def test_events_that_have_not_ended_are_counted_at_the_end(live: Live) -> None:
    after = len(live.lines)
    write(live.folder / "app.py", APP)
    live.says("Reloaded after app.py", after=after)
    live.client("s3").put_object(Bucket="uploads", Key="bird.png", Body=b"x")
    live.says("thumbnail failed", after=after)
    live.stop()
    assert any("Gave up 1 asynchronous event that had not ended." in line for line in live.lines)
