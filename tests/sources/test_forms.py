"""The contract of test_contract.py for sources in other forms than those of their examples, which differ much."""

from __future__ import annotations

from typing import Any

import pytest
from examples import Names
from reading import never_none, read_all
from templates import complaints, every, local

from eventfw import App
from eventfw.routing import Router, identify

API = '"abcdefghijklmnopqrstuvwxyz"'
BROKER = '"arn:aws:mq:us-east-1:123456789012:broker:shop:b-1", "orders"'
SECRET = '"arn:aws:secretsmanager:us-east-1:123456789012:secret:broker-AbCdEf"'
KEY = '"arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555"'
FORMS = [
    f'@app.appsync_channel({API}, "orders", operation="SUBSCRIBE")',
    f'@app.appsync_resolver({API}, "Query", "post", max_batch_size=10, batch=True)',
    '@app.authorizer("TOKEN")',
    '@app.bedrock_action("ABCDEFGHIJ", "orders", function="status")',
    f'@app.cognito_trigger("custom_email_sender", people, kms_key={KEY})',
    '@app.cognito_trigger("custom_message", people)',
    '@app.cognito_trigger("define_auth_challenge", people)',
    '@app.cognito_trigger("inbound_federation", people)',
    '@app.cognito_trigger("post_confirmation", people)',
    '@app.cognito_trigger("pre_token_generation", people)',
    '@app.cognito_trigger("user_migration", people)',
    "@app.dynamodb_stream(catalog, tumbling_window=60, batch=True)",
    '@app.edge_origin_request("site", path="/a/*", include_body=True)',
    '@app.event_rule({"source": ["my.shop"]}, bus=shop)',
    '@app.firehose_transform("views")',
    '@app.function_url("NONE")',
    '@app.kafka_consumer("arn:aws:kafka:us-east-1:123456789012:cluster/shop/6cc0432b", "orders")',
    "@app.kinesis_consumer(clicks, tumbling_window=60, batch=True)",
    '@app.log_subscription("/aws/lambda/other", batch=True)',
    f'@app.mq_consumer({BROKER}, secret={SECRET}, engine="rabbitmq")',
    '@app.s3_object_lambda(uploads, operations=["GetObject", "HeadObject", "ListObjectsV2"])',
    '@app.s3_trigger("theirs", events=["s3:ObjectRemoved:*"])',
    '@app.s3_trigger(uploads, via="eventbridge")',
    '@app.schedule("at(2030-01-01T00:00:00)", timezone="Europe/Berlin")',
    "@app.ses_receiver(bucket=uploads, sync=True)",
    "@app.sns_subscriber(news, through=orders)",
    '@app.websocket(chat, "$connect")',
    '@app.websocket(chat, "$disconnect")',
]
EVERY = pytest.mark.parametrize("form", FORMS)


def written(form: str) -> App:
    """An app with one handler, under a decorator."""
    app = App("demo")
    exec(f"{form}\ndef handler(event): return event", Names(app))
    return app


def parsed(app: App) -> tuple[Any, Any, Any]:
    """The trigger, a sample for it, and what is made of it."""
    trigger = app.handlers[0].triggers[0]
    return trigger, trigger.sample(), trigger.parse(trigger.sample(), None)


@EVERY
def test_the_sample_is_recognised_and_reaches_the_handler(form: str) -> None:
    app = written(form)
    trigger, sample, event = parsed(app)
    assert identify(sample) in trigger.kinds
    assert [handler.name for handler in Router(app).route(sample).reached] == ["handler"]
    assert event.summary() in repr(event)


@EVERY
def test_every_property_can_be_read(form: str) -> None:
    read_all(parsed(written(form))[2])


@EVERY
def test_what_may_be_none_is_none_where_its_key_is_missing(form: str) -> None:
    never = {attribute for _, attribute in never_none(parsed(written(form))[0])}
    assert never == ({"published_at", "topic_arn"} if "through=" in form else set())  # keys within a body's text


@EVERY
def test_cfn_lint_has_nothing_to_say_and_there_is_a_local_variant(form: str) -> None:
    app = written(form)
    assert [complaint for template in every(app) for complaint in complaints(template)] == []
    assert parsed(app)[0].edge or local(app)["Resources"]
