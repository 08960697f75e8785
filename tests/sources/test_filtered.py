"""Samples of sources with filters: one that the filters let through."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App
from eventfw.routing import Router

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf"
BROKER = "arn:aws:mq:us-east-1:123456789012:broker:shop:b-1"
CONDITIONS = [
    {"kind": ["order"], "item": {"price": [{"numeric": [">", 5]}]}},
    {"kind": [{"exists": False}]},
    {"kind": [{"anything-but": ["order"]}]},
]
TEXTS: list[Any] = [["order"], [{"prefix": "order-"}]]


def registered(source: str, filters: Any) -> App:
    app = App("demo")
    made = {
        "sqs": lambda: app.sqs_consumer(app.queue("orders"), filters=filters),
        "kinesis": lambda: app.kinesis_consumer(app.stream("clicks"), filters=filters),
        "dynamodb": lambda: app.dynamodb_stream(app.table("catalog"), filters=filters),
        "kafka": lambda: app.kafka_consumer(["broker:9092"], "orders", filters=filters),
        "activemq": lambda: app.mq_consumer(BROKER, "orders", secret=SECRET, filters=filters),
        "rabbitmq": lambda: app.mq_consumer(BROKER, "orders", secret=SECRET, engine="rabbitmq", filters=filters),
    }
    made[source]()(handler)
    return app


def handler(event: Any) -> None: ...


@pytest.mark.parametrize(
    ("source", "pattern"),
    [
        *[("sqs", {"body": one}) for one in [*CONDITIONS, *TEXTS]],
        *[("kinesis", {"data": one}) for one in CONDITIONS],
        *[("kafka", {"value": one}) for one in [*CONDITIONS, *TEXTS]],
        ("kafka", {"key": ["shop"], "value": {"a": [1]}}),
        *[("activemq", {"data": one}) for one in [*CONDITIONS, *TEXTS]],
        ("rabbitmq", {"data": {"a": [1]}}),
        ("dynamodb", {"eventName": ["REMOVE"]}),
        ("dynamodb", {"dynamodb": {"NewImage": {"state": {"S": ["sold"]}}}}),
    ],
)
def test_a_sample_passes_the_filters(source: str, pattern: Any) -> None:
    app = registered(source, [pattern])
    route = Router(app).route(app.handlers[0].triggers[0].sample())
    assert [reached.name for reached in route.reached] == ["handler"], route.why


def test_a_sample_has_what_it_was_told_to_have() -> None:
    trigger: Any = registered("sqs", [{"body": {"kind": ["order"]}}]).handlers[0].triggers[0]
    assert trigger.sample(body={"kind": "bill"})["Records"][0]["body"] == '{"kind": "bill"}'
    assert trigger.sample(message_id="m-1")["Records"][0]["body"] == '{"kind": "order"}'
