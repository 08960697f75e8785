"""Several sources of one handler: their things in the template have names of their own."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from templates import deployed, types

from eventfw import App


def bucket(app: App) -> Any:
    return app.s3_trigger(app.bucket("shop"))


def objects(app: App) -> Any:
    return app.s3_trigger(app.bucket("objects"), via="eventbridge")


def topic(app: App) -> Any:
    return app.sns_subscriber(app.topic("shop"))


def repository(app: App) -> Any:
    return app.codecommit_trigger("shop", create=True)


def queue(app: App) -> Any:
    return app.sqs_consumer(app.queue("shop"))


def stream(app: App) -> Any:
    return app.kinesis_consumer(app.stream("shop"))


def table(app: App) -> Any:
    return app.dynamodb_stream(app.table("shop"))


def kafka(app: App) -> Any:
    return app.kafka_consumer(["broker:9092"], "shop")


def rule(app: App) -> Any:
    return app.event_rule({"source": ["shop"]}, bus=app.event_bus("shop"))


def databases(app: App) -> Any:
    return app.rds_event()


def delivery(app: App) -> Any:
    return app.firehose_transform("shop", bucket="photos")


def thing(app: App) -> Any:
    return app.iot_rule("SELECT * FROM 'shop'")


ALL = [bucket, objects, topic, repository, queue, stream, table, kafka, rule, databases, delivery, thing]


@pytest.mark.parametrize(("one", "other"), [*combinations(ALL, 2)])
def test_a_handler_may_have_two_sources_of_one_name(one: Any, other: Any) -> None:
    app = App("demo")
    for source in (one, other):
        source(app)(shop)
    assert types(deployed(app))


def shop(event: Any) -> None: ...
