"""Kinesis: order, the first failure, tumbling windows, and the mapping."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from templates import allowed, deployed, every, properties, types

from eventfw import App, Blueprint, KinesisBatch, KinesisRecord, Stream
from eventfw.errors import RegistrationError
from eventfw.runtime import entry
from eventfw.tools.build.template import Template


def handler(**options: Any) -> tuple[App, Any]:
    app, seen = App("demo"), list[str]()

    @app.kinesis_consumer(app.stream("clicks"), **options)
    def click(record: KinesisRecord) -> None:
        seen.append(record.text)
        if record.text == "bad":
            raise ValueError("no")

    return app, seen


def event(app: App, *data: str) -> dict[str, Any]:
    trigger = app.handlers[0].triggers[0]
    return {"Records": [trigger.sample(data=one, sequence_number=n)["Records"][0] for n, one in enumerate(data, 1)]}


def test_the_first_failure_ends_the_batch_and_is_where_lambda_goes_on() -> None:
    app, seen = handler()
    answer = entry(app, "click")(event(app, "a", "bad", "c", "bad"), None)
    assert seen == ["a", "bad"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_a_batch_reports_the_lowest_of_the_records_it_was_told_to_fail() -> None:
    app = App("demo")

    @app.kinesis_consumer(app.stream("clicks"), batch=True)
    def clicks(batch: KinesisBatch) -> None:
        records = list(batch)
        batch.fail(records[2])
        batch.fail(records[1])

    answer = entry(app, "clicks")(event(app, "a", "b", "c"), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def window(app: App, *data: str, **more: Any) -> dict[str, Any]:
    trigger = app.handlers[0].triggers[0]
    arn = trigger.sample()["Records"][0]["eventSourceARN"]
    bounds = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T00:01:00Z"}
    records = event(app, *data) if data else {"Records": []}
    return {**records, "window": bounds, "shardId": "shardId-1", "eventSourceARN": arn, **more}


def test_a_tumbling_window_hands_its_state_on_and_ends_without_records() -> None:
    app, finals = App("demo"), list[Any]()

    @app.kinesis_consumer(app.stream("clicks"), tumbling_window=60, batch=True)
    def count(batch: KinesisBatch) -> None:
        batch.state["n"] = batch.state.get("n", 0) + len(batch)
        if batch.is_final:
            finals.append((batch.state["n"], batch.window_start, batch.window_end, batch.shard_id))

    run = entry(app, "count")
    first = run(window(app, "a", "b", state={}), None)
    assert first == {"batchItemFailures": [], "state": {"n": 2}}
    run(window(app, state=first["state"], isFinalInvokeForWindow=True), None)
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert finals == [(2, begin, begin.replace(minute=1), "shardId-1")]


def test_records_are_read_in_full() -> None:
    app, _ = handler()
    [record] = KinesisBatch(event(app, '{"a": 1}'))
    assert (record.data, record.json, record.partition_key) == (b'{"a": 1}', {"a": 1}, "1")
    assert (record.shard_id, record.event_id) == ("shardId-000000000006", "shardId-000000000006:1")
    assert record.arrived_at == datetime(2026, 1, 1, tzinfo=UTC)


def built(app: App) -> dict[str, Any]:
    template = Template("demo", "dev")
    for resource in app.resources:
        resource.resources(template)
    function = next(iter(app.functions.values()))
    for trigger in app.handlers[0].triggers:
        trigger.resources(function, template)
    return template.body("")["Resources"]  # type: ignore[no-any-return]


def test_every_option_stands_in_the_mapping() -> None:
    app = App("demo")
    failed = app.queue("failed")
    app.kinesis_consumer(
        app.stream("clicks"),
        starting_position=datetime(2026, 1, 1, tzinfo=UTC),
        batch_size=500,
        batching_window=5,
        parallelization_factor=2,
        maximum_retry_attempts=3,
        maximum_record_age=60,
        bisect_batch=True,
        on_failure=failed,
        filters=[{"data": {"kind": ["click"]}}],
        enabled=False,
        metrics=["EventCount"],
    )(print_it)
    mapping = built(app)["PrintItClicksStreamMapping"]["Properties"]
    assert mapping == {
        "EventSourceArn": {"Fn::GetAtt": ["ClicksStream", "Arn"]},
        "FunctionName": {"Fn::GetAtt": ["PrintItFunction", "Arn"]},
        "BatchSize": 500,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": 5,
        "FilterCriteria": {"Filters": [{"Pattern": '{"data":{"kind":["click"]}}'}]},
        "Enabled": False,
        "MetricsConfig": {"Metrics": ["EventCount"]},
        "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": 1767225600.0,
        "ParallelizationFactor": 2,
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": True,
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["FailedQueue", "Arn"]}}},
    }
    assert failed.send.verb in {grant.verb for grant in app.functions["print_it"].uses}


def print_it(record: Any) -> None: ...


def test_fan_out_reads_through_a_consumer_of_its_own() -> None:
    app = App("demo")
    app.kinesis_consumer(app.stream("clicks"), fan_out=True)(print_it)
    resources = built(app)
    consumer = resources["PrintItStreamConsumer"]["Properties"]
    assert consumer == {
        "ConsumerName": "demo-dev-print_it",
        "StreamARN": {"Fn::GetAtt": ["ClicksStream", "Arn"]},
    }
    arn = {"Fn::GetAtt": ["PrintItStreamConsumer", "ConsumerARN"]}
    assert resources["PrintItClicksStreamMapping"]["Properties"]["EventSourceArn"] == arn


def test_an_event_that_comes_through_a_consumer_reaches_the_handler() -> None:
    app, seen = handler(fan_out=True)
    raw = event(app, "a")
    raw["Records"][0]["eventSourceARN"] += "/consumer/demo-dev-click:1767225600"
    entry(app, "click")(raw, None)
    assert seen == ["a"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"starting_position": "LATES"}, "Did you mean 'LATEST'"),
        ({"starting_position": datetime(2026, 1, 1)}, "datetime with time zone"),
        ({"batch_size": 0}, "1 to 10000"),
        ({"batching_window": 301}, "0 to 300"),
        ({"parallelization_factor": 11}, "1 to 10"),
        ({"maximum_retry_attempts": -1}, "0 to 10000"),
        ({"maximum_record_age": 59}, "60 to 604800"),
        ({"bisect_batch": 1}, "True or False"),
        ({"tumbling_window": 901, "batch": True}, "0 to 900"),
        ({"tumbling_window": 60}, "needs batch=True"),
        ({"on_failure": "failed"}, "on_failure must be a queue, topic or bucket"),
        ({"filters": [{"data": ["x"]}]}, "filters are not valid"),
        ({"fan_out": "yes"}, "True or False"),
        ({"metrics": ["ErrorCount"]}, "metrics must be one of 'EventCount'"),
    ],
)
def test_what_lambda_refuses_is_refused(options: Any, said: str) -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match=said):
        app.kinesis_consumer(app.stream("clicks"), **options)


def test_a_fifo_queue_cannot_be_told_of_failures() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="must be a standard queue"):
        app.kinesis_consumer(app.stream("clicks"), on_failure=app.queue("failed", fifo=True))


def test_an_existing_stream_is_named_by_its_arn() -> None:
    app = App("demo")
    arn = "arn:aws:kinesis:eu-west-1:210987654321:stream/shared"
    app.kinesis_consumer(arn)(print_it)
    trigger = app.handlers[0].triggers[0]
    assert isinstance(trigger.resource, Stream) and not trigger.resource.owned
    assert built(app)["PrintItSharedStreamMapping"]["Properties"]["EventSourceArn"] == arn
    assert trigger.mismatch(trigger.sample()) == ""
    other = trigger.sample()
    other["Records"][0]["eventSourceARN"] = arn.replace("shared", "other")
    assert trigger.mismatch(other) == "stream `other` is not `shared`"


def test_the_role_may_list_the_bucket_that_failed_records_go_to() -> None:
    app = App("demo")
    app.kinesis_consumer(app.stream("clicks"), on_failure=app.bucket("failed"))(print_it)
    found = {tuple(actions): arns for actions, arns in allowed(deployed(app), "PrintItRole")}
    bucket = "arn:${AWS::Partition}:s3:::demo-dev-failed-${AWS::AccountId}-${AWS::Region}"
    assert found["s3:ListBucket",] == [{"Fn::Sub": bucket}]
    assert found["s3:AbortMultipartUpload", "s3:PutObject"] == [{"Fn::Sub": f"{bucket}/*"}]
    assert not [actions for actions in found if "kinesis:SubscribeToShard" in actions]


def test_a_consumer_of_a_blueprints_stack_is_referred_to_where_it_is() -> None:
    app, own = App("demo"), Blueprint("own")
    own.kinesis_consumer(app.stream("clicks"), fan_out=True)(print_it)
    app.mount(own, stack=True)
    main, stack = every(app)
    assert "Outputs" not in main or not [name for name in main["Outputs"] if "Consumer" in name]
    arn = {"Fn::GetAtt": ["PrintItStreamConsumer", "ConsumerARN"]}
    assert properties(stack, "PrintItClicksStreamMapping")["EventSourceArn"] == arn
    assert (["kinesis:SubscribeToShard"], [arn]) in allowed(stack, "PrintItRole")


def test_two_handlers_of_one_function_cannot_read_one_stream() -> None:
    app = App("demo")
    clicks = app.stream("clicks")
    for name in ("one", "two"):

        def made(record: Any) -> None: ...

        made.__name__ = name
        app.kinesis_consumer(clicks, filters=[{"data": {"name": [name]}}])(app.function("both")(made))
    with pytest.raises(RegistrationError, match=r"reads 'kinesis clicks .*' twice.*a function of its own"):
        deployed(app)


def test_a_function_may_read_a_queue_a_stream_a_table_and_topics_of_one_name() -> None:
    app, secret = App("demo"), "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf"
    app.sqs_consumer(app.queue("shop"))(print_it)
    app.kinesis_consumer(app.stream("shop"))(print_it)
    app.dynamodb_stream(app.table("shop"))(print_it)
    app.kafka_consumer(["broker:9092"], "shop")(print_it)
    app.mq_consumer("arn:aws:mq:us-east-1:123456789012:broker:shop:b-1", "shop", secret=secret)(print_it)
    app.documentdb_stream("arn:aws:rds:us-east-1:123456789012:cluster:shop", "shop", secret=secret)(print_it)
    mappings = [name for name, type_ in types(deployed(app)).items() if type_.endswith("EventSourceMapping")]
    assert len(mappings) == 6
