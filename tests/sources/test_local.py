"""Every source in one app on a running ``eventfw local``: its stack is made, and what clients do sets handlers off."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from examples import example, module
from live import Live, until

from eventfw.sources import table

pytestmark = pytest.mark.xdist_group("sources_local")
NOTE = """
import json
def note(name, event):
    with open("seen.jsonl", "a") as file:
        file.write(json.dumps([name, repr(event)]) + "\\n")
    return event if name.startswith("edge_") else "hello" if name == "s3_object_lambda" else None
"""
SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
GUARDED = """
@app.get("/guarded", authorizer=authorizer)
def guarded(request): return note("guarded", request)
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("sources")
    text = module(*sorted(table.SOURCES), body="return note({name!r}, event)")
    (folder / "app.py").write_text(NOTE + text + GUARDED)
    server = Live(folder)
    yield server
    server.stop()


def outputs(live: Live) -> dict[str, str]:
    [stack] = live.client("cloudformation").describe_stacks()["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def topic(live: Live) -> str:
    [found] = live.client("sns").list_topics()["Topics"]
    return str(found["TopicArn"])


def queue(live: Live) -> str:
    return str(live.client("sqs").get_queue_url(QueueName="orders")["QueueUrl"])


def sign_up(live: Live) -> None:
    cognito = live.client("cognito-idp")
    [pool] = cognito.list_user_pools(MaxResults=9)["UserPools"]
    [client] = cognito.list_user_pool_clients(UserPoolId=pool["Id"], MaxResults=9)["UserPoolClients"]
    who = {"Username": "ada@example.com", "Password": "Correct-horse-1"}
    email = [{"Name": "email", "Value": "ada@example.com"}]
    cognito.sign_up(ClientId=client["ClientId"], UserAttributes=email, **who)


def log(live: Live) -> None:
    logs, stream = live.client("logs"), {"logGroupName": "audit", "logStreamName": "web"}
    logs.create_log_stream(**stream)
    told = [{"timestamp": int(time.time() * 1000), "message": "ERROR: no stock"}]
    logs.put_log_events(**stream, logEvents=told)


def object_of(live: Live) -> None:
    s3 = live.client("s3")
    s3.put_object(Bucket="uploads", Key="a.txt", Body=b"hello")
    s3.get_object(Bucket=outputs(live)["S3ObjectLambdaObjectLambdaAccessPointAlias"], Key="a.txt")


def sold(live: Live) -> Any:
    entry = {"Source": "my.shop", "DetailType": "Sold", "Detail": "{}"}
    return live.client("events").put_events(Entries=[entry])


CALLS: dict[str, Callable[[Live], Any]] = {  # what clients do
    "alb": lambda live: live.request("GET", "/_alb/alb/photos/1"),
    "authorizer": lambda live: live.request("GET", "/guarded", authorization="token"),
    "cognito_trigger": sign_up,
    "delete": lambda live: live.request("DELETE", "/photos"),
    "dynamodb_stream": lambda live: live.client("dynamodb").put_item(TableName="catalog", Item={"id": {"S": "cat"}}),
    "edge_origin_request": lambda live: live.request("GET", "/path", to="edge"),
    "edge_origin_response": lambda live: live.request("GET", "/path", to="edge"),
    "edge_viewer_request": lambda live: live.request("GET", "/path", to="edge"),
    "edge_viewer_response": lambda live: live.request("GET", "/path", to="edge"),
    "event_rule": sold,
    "firehose_transform": lambda live: live.client("firehose").put_record(
        DeliveryStreamName="views", Record={"Data": b"{}"}
    ),
    "function_url": lambda live: live.request("GET", "/_url/function_url", authorization=SIGNED),
    "get": lambda live: live.request("GET", "/photos"),
    "http": lambda live: live.request("GET", "/path"),
    "iot_rule": lambda live: live.client("iot-data").publish(topic="sensors/hall/temperature", payload="{}"),
    "kinesis_consumer": lambda live: live.client("kinesis").put_record(
        StreamName="clicks", PartitionKey="1", Data=b"{}"
    ),
    "log_subscription": log,
    "patch": lambda live: live.request("PATCH", "/photos"),
    "post": lambda live: live.request("POST", "/photos"),
    "put": lambda live: live.request("PUT", "/photos"),
    "s3_object_lambda": object_of,
    "s3_trigger": lambda live: live.client("s3").put_object(Bucket="uploads", Key="cat.png", Body=b""),
    "sns_subscriber": lambda live: live.client("sns").publish(TopicArn=topic(live), Message="{}"),
    "sqs_consumer": lambda live: live.client("sqs").send_message(QueueUrl=queue(live), MessageBody="{}"),
    "vpc_lattice": lambda live: live.request("GET", "/_lattice/vpc_lattice/photos/1"),
}


def test_the_stack_is_made_whole(live: Live) -> None:
    cloudformation = live.client("cloudformation")
    [stack] = cloudformation.describe_stacks()["Stacks"]
    made = cloudformation.describe_stack_resources(StackName=stack["StackName"])["StackResources"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {one["ResourceStatus"] for one in made} == {"CREATE_COMPLETE"} and len(made) > 100


@pytest.mark.parametrize("name", sorted(CALLS))
def test_what_a_client_does_sets_the_handler_off(live: Live, name: str) -> None:
    before = len(live.noted(name))
    CALLS[name](live)
    until(lambda: len(live.noted(name)) > before, f"the call of {name}")


@pytest.mark.parametrize("name", sorted({*table.SOURCES} - {*CALLS}))
def test_a_sample_that_is_sent_to_the_function_runs_the_handler(live: Live, name: str) -> None:
    before, trigger = len(live.noted(name)), example(name)[1]
    trigger.handler = name
    live.client("lambda").invoke(FunctionName=name, Payload=json.dumps(trigger.sample()))
    assert len(live.noted(name)) > before
