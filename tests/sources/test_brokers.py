"""Kafka, MQ and DocumentDB: what records say, what comes again after a failure, the mapping and the role."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from eventfw import App, DocumentChange, KafkaBatch, KafkaRecord, MqMessage
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.runtime import entry
from eventfw.tools.build.template import Template

MSK = "arn:aws:kafka:us-east-1:123456789012:cluster/shop/abcd1234-1111"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf"
BROKER = "arn:aws:mq:us-east-1:123456789012:broker:shop:b-1"
GLUE = "arn:aws:glue:us-east-1:123456789012:registry/shop"
CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:shop"


def handle(event: Any) -> None: ...


def registered(decorator: str, *arguments: Any, **options: Any) -> tuple[App, Any]:
    app = App("demo")
    getattr(app, decorator)(*arguments, **options)(handle)
    return app, app.handlers[0].triggers[0]


def mapping(app: App) -> dict[str, Any]:
    template = Template("demo", "dev")
    for resource in app.resources:
        resource.resources(template)
    function = next(iter(app.functions.values()))
    app.handlers[0].triggers[0].resources(function, template)
    found = [one for one in template.body("")["Resources"].values() if one["Type"].endswith("EventSourceMapping")]
    return found[0]["Properties"] if found else {}


def allowed(trigger: Any) -> dict[str, list[Any]]:
    return {action: on for actions, on in trigger.statements(Template("demo", "dev")) for action in actions}


def kafka_event(*records: tuple[int, int, str]) -> dict[str, Any]:
    _, trigger = registered("kafka_consumer", MSK, "orders")
    event = trigger.sample()
    made = [trigger.sample(partition=p, offset=o, value=v)["records"][f"orders-{p}"][0] for p, o, v in records]
    by_partition: dict[str, list[Any]] = {}
    for record in made:
        by_partition.setdefault(f"orders-{record['partition']}", []).append(record)
    return {**event, "records": by_partition}


def test_a_failed_kafka_record_ends_its_partition_and_no_other() -> None:
    app, seen = App("demo"), list[str]()

    @app.kafka_consumer(MSK, "orders", pollers=(1, 2))
    def order(record: KafkaRecord) -> None:
        seen.append(record.text)
        if record.text == "bad":
            raise ValueError("no")

    answer = entry(app, "order")(kafka_event((0, 1, "a"), (0, 2, "bad"), (0, 3, "c"), (1, 1, "d")), None)
    assert seen == ["a", "bad", "d"]
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == [
        {"partition": "orders-0", "offset": 2},
        {"partition": "orders-0", "offset": 3},
    ]


def test_a_kafka_batch_reports_what_is_behind_a_failed_record() -> None:
    app = App("demo")

    @app.kafka_consumer(MSK, "orders", pollers=(1, 2), batch=True)
    def orders(batch: KafkaBatch) -> None:
        batch.fail(next(iter(batch)))

    answer = entry(app, "orders")(kafka_event((0, 1, "a"), (0, 2, "b"), (1, 9, "c")), None)
    offsets = [one["itemIdentifier"]["offset"] for one in answer["batchItemFailures"]]
    assert offsets == [1, 2]


def test_without_pollers_the_first_failure_has_the_whole_kafka_batch_come_again() -> None:
    app, seen = App("demo"), list[str]()

    @app.kafka_consumer(MSK, "orders")
    def order(record: KafkaRecord) -> None:
        seen.append(record.text)
        if record.text == "bad":
            raise ValueError("no")

    run = entry(app, "order")
    with pytest.raises(ValueError, match="no"):
        run(kafka_event((0, 1, "a"), (0, 2, "bad"), (0, 3, "c")), None)
    assert seen == ["a", "bad"]
    assert run(kafka_event((0, 4, "d")), None) is None
    assert "FunctionResponseTypes" not in mapping(app)


def test_without_pollers_a_record_that_was_told_to_fail_fails_the_invocation() -> None:
    app = App("demo")

    @app.kafka_consumer(MSK, "orders", batch=True)
    def orders(batch: KafkaBatch) -> None:
        batch.fail(next(iter(batch)))

    with pytest.raises(RuntimeError, match="with pollers only"):
        entry(app, "orders")(kafka_event((0, 1, "a")), None)


def test_a_kafka_record_is_read_in_full() -> None:
    _, trigger = registered("kafka_consumer", MSK, "orders")
    raw = trigger.sample(value={"a": 1}, key="k", headers={"trace": "x"}, partition=2, offset=7)
    [record] = KafkaBatch(raw)
    assert (record.topic, record.partition, record.offset) == ("orders", 2, 7)
    assert (record.json, record.key, record.headers) == ({"a": 1}, b"k", {"trace": b"x"})
    assert (record.timestamp, record.timestamp_type) == (datetime(2026, 1, 1, tzinfo=UTC), "CREATE_TIME")


def test_a_tombstone_has_no_value_and_javas_signed_bytes_are_bytes() -> None:
    record = KafkaRecord({"topic": "t", "partition": 0, "offset": 1, "headers": [{"h": [-1, 0, 127]}]})
    assert (record.value, record.key, record.text, record.headers) == (None, None, "", {"h": b"\xff\x00\x7f"})
    assert record.timestamp is None


def test_the_role_reads_the_topic_of_an_msk_cluster_and_no_other() -> None:
    _, trigger = registered("kafka_consumer", MSK, "orders", consumer_group="shop")
    found = allowed(trigger)
    base = "arn:aws:kafka:us-east-1:123456789012"
    assert found["kafka-cluster:ReadData"] == [f"{base}:topic/shop/abcd1234-1111/orders"]
    assert found["kafka-cluster:AlterGroup"] == [f"{base}:group/shop/abcd1234-1111/shop"]
    assert found["kafka:GetBootstrapBrokers"] == [MSK]
    assert "secretsmanager:GetSecretValue" not in found


def test_with_a_secret_the_role_does_not_log_in_itself() -> None:
    app, trigger = registered("kafka_consumer", MSK, "orders", secret=SECRET)
    found = allowed(trigger)
    assert found["secretsmanager:GetSecretValue"] == [SECRET]
    assert not [action for action in found if action.startswith("kafka-cluster:")]
    assert mapping(app)["SourceAccessConfigurations"] == [{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET}]


def test_a_topic_for_failures_may_be_written_and_glues_registry_read() -> None:
    options = {"on_failure": "kafka://failed", "pollers": (1, 2), "schema_registry": {"uri": GLUE}}
    app, trigger = registered("kafka_consumer", MSK, "orders", **options)
    found = allowed(trigger)
    base = "arn:aws:kafka:us-east-1:123456789012:topic/shop/abcd1234-1111"
    assert found["kafka-cluster:WriteData"] == [f"{base}/failed"]
    assert found["glue:GetRegistry"] == [GLUE]
    assert mapping(app)["DestinationConfig"] == {"OnFailure": {"Destination": "kafka://failed"}}


def test_a_queue_of_kafka_has_no_position() -> None:
    app, _ = registered("kafka_consumer", ["h:1"], "orders", consumption_mode="Queue")
    found = mapping(app)
    assert "StartingPosition" not in found
    assert found["SelfManagedKafkaEventSourceConfig"] == {"ConsumptionMode": "Queue"}


def test_every_option_of_kafka_stands_in_the_mapping() -> None:
    app = App("demo")
    app.kafka_consumer(
        ["b1:9092", "b2:9092"],
        "orders",
        consumer_group="shop",
        secret=SECRET,
        auth="BASIC_AUTH",
        root_ca=SECRET,
        subnets=["subnet-1"],
        security_groups=["sg-1"],
        starting_position=datetime(2026, 1, 1, tzinfo=UTC),
        batching_window=5,
        pollers=(1, 4),
        poller_group="all",
        schema_registry={"uri": "https://registry.example.com", "secret": SECRET, "auth": "BASIC_AUTH"},
        log_level="INFO",
        maximum_retry_attempts=3,
        maximum_record_age=60,
        bisect_batch=True,
        on_failure=app.topic("failed"),
        filters=[{"value": {"a": [1]}}],
        kms_key="arn:aws:kms:us-east-1:123456789012:key/k",
        metrics=["KafkaMetrics"],
    )(handle)
    assert mapping(app) == {
        "FunctionName": {"Fn::GetAtt": ["HandleFunction", "Arn"]},
        "BatchSize": 100,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "MaximumBatchingWindowInSeconds": 5,
        "FilterCriteria": {"Filters": [{"Pattern": '{"value":{"a":[1]}}'}]},
        "MetricsConfig": {"Metrics": ["KafkaMetrics"]},
        "Topics": ["orders"],
        "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": 1767225600.0,
        "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["b1:9092", "b2:9092"]}},
        "SelfManagedKafkaEventSourceConfig": {
            "ConsumerGroupId": "shop",
            "SchemaRegistryConfig": {
                "SchemaRegistryURI": "https://registry.example.com",
                "EventRecordFormat": "JSON",
                "SchemaValidationConfigs": [{"Attribute": "KEY"}, {"Attribute": "VALUE"}],
                "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET}],
            },
        },
        "LoggingConfig": {"SystemLogLevel": "INFO"},
        "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
        "SourceAccessConfigurations": [
            {"Type": "BASIC_AUTH", "URI": SECRET},
            {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": SECRET},
            {"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"},
            {"Type": "VPC_SECURITY_GROUP", "URI": "security_group:sg-1"},
        ],
        "MaximumRetryAttempts": 3,
        "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": True,
        "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 4, "PollerGroupName": "all"},
        "DestinationConfig": {"OnFailure": {"Destination": {"Ref": "FailedTopic"}}},
    }


@pytest.mark.parametrize(
    ("raw", "why"),
    [({"topic": "other"}, "topic `other` is not `orders`"), ({"arn": MSK + "x"}, "cluster")],
)
def test_routing_says_which_topic_or_cluster_was_meant(raw: dict[str, str], why: str) -> None:
    app, _ = registered("kafka_consumer", MSK, "orders")
    _, other = registered("kafka_consumer", raw.get("arn", MSK), raw.get("topic", "orders"))
    route = Router(app).route(other.sample())
    assert not route.reached and why in route.why["handle"]


def test_both_spellings_of_a_self_managed_cluster_reach_it() -> None:
    app, trigger = registered("kafka_consumer", ["b1:9092"], "orders")
    for spelling in ("SelfManagedKafka", "aws:SelfManagedKafka"):
        assert Router(app).route(trigger.sample() | {"eventSource": spelling}).reached


@pytest.mark.parametrize("engine", ["activemq", "rabbitmq"])
def test_a_message_of_either_broker_reads_the_same(engine: str) -> None:
    app, seen = App("demo"), list[MqMessage]()

    @app.mq_consumer(BROKER, "orders", secret=SECRET, engine=engine)
    def order(message: MqMessage) -> None:
        seen.append(message)

    raw = app.handlers[0].triggers[0].sample(data={"a": 1}, message_id="m-1", properties={"k": "v"})
    assert entry(app, "order")(raw, None) is None
    [message] = seen
    assert (message.json, message.id, message.properties, message.redelivered) == ({"a": 1}, "m-1", {"k": "v"}, False)
    assert message.destination == ("orders" if engine == "activemq" else None)


def test_a_header_of_rabbitmqs_is_text_where_it_is_text() -> None:
    sent = {"text": {"bytes": [-61, -68]}, "raw": {"bytes": [-1]}, "count": 10, "nested": {"bytes": 1, "more": 2}}
    message = MqMessage({"basicProperties": {"headers": sent}, "data": ""})
    assert message.properties == {"text": "ü", "raw": b"\xff", "count": 10, "nested": {"bytes": 1, "more": 2}}


def test_a_failed_mq_message_fails_the_batch_after_the_others_ran() -> None:
    app, seen = App("demo"), list[str]()

    @app.mq_consumer(BROKER, "orders", secret=SECRET)
    def order(message: MqMessage) -> None:
        seen.append(message.text)
        if message.text != "good":
            raise ValueError(message.text)

    trigger = app.handlers[0].triggers[0]
    event = trigger.sample()
    event["messages"] = [trigger.sample(data=text)["messages"][0] for text in ("bad", "worse", "good")]
    with pytest.raises(ValueError, match="bad") as caught:
        entry(app, "order")(event, None)
    assert seen == ["bad", "worse", "good"]
    assert "worse" in caught.value.__notes__[0]


def test_the_mapping_of_rabbitmq_names_the_virtual_host() -> None:
    app, trigger = registered("mq_consumer", BROKER, "orders", secret=SECRET, engine="rabbitmq")
    assert mapping(app)["SourceAccessConfigurations"] == [
        {"Type": "BASIC_AUTH", "URI": SECRET},
        {"Type": "VIRTUAL_HOST", "URI": "/"},
    ]
    assert "FunctionResponseTypes" not in mapping(app)
    assert allowed(trigger)["mq:DescribeBroker"] == [BROKER]
    assert trigger.mismatch(trigger.sample()) == ""


def test_the_first_failed_change_of_a_document_fails_the_batch_at_once() -> None:
    app, seen = App("demo"), list[str]()

    @app.documentdb_stream(CLUSTER, "shop", secret=SECRET)
    def changed(change: DocumentChange) -> None:
        seen.append(change.operation)
        raise ValueError("no")

    trigger = app.handlers[0].triggers[0]
    event = trigger.sample()
    event["events"] += trigger.sample(operation="delete")["events"]
    with pytest.raises(ValueError, match="no"):
        entry(app, "changed")(event, None)
    assert seen == ["insert"]


def test_a_change_of_a_document_is_read_in_full() -> None:
    _, trigger = registered("documentdb_stream", CLUSTER, "shop", secret=SECRET, collection="orders")
    [change] = trigger.parse(trigger.sample(document={"n": 1}), None)
    assert (change.database, change.collection, change.operation) == ("shop", "orders", "insert")
    assert change.full_document == {**change.document_key, "n": 1}
    assert change.changed_at == datetime(2026, 1, 1, tzinfo=UTC)
    bare = DocumentChange({"operationType": "dropDatabase"})
    assert (bare.database, bare.document_key, bare.full_document, bare.changed_at) == (None, None, None, None)


def test_the_mapping_of_a_collection() -> None:
    app, trigger = registered(
        "documentdb_stream", CLUSTER, "shop", secret=SECRET, collection="orders", full_document="UpdateLookup"
    )
    found = mapping(app)
    config = {"DatabaseName": "shop", "FullDocument": "UpdateLookup", "CollectionName": "orders"}
    assert (found["EventSourceArn"], found["DocumentDBEventSourceConfig"]) == (CLUSTER, config)
    assert (found["StartingPosition"], found["BatchSize"]) == ("LATEST", 100)
    other = trigger.sample()
    other["events"][0]["event"]["ns"]["coll"] = "other"
    assert trigger.mismatch(other) == "collection `other` is not `orders`"


@pytest.mark.parametrize(
    ("decorator", "arguments", "options", "said"),
    [
        ("kafka_consumer", ("shop", "orders"), {}, "ARN of an MSK cluster"),
        ("kafka_consumer", (["host"], "orders"), {}, "list of brokers"),
        ("kafka_consumer", ([], "orders"), {}, "list of brokers"),
        ("kafka_consumer", (MSK, ""), {}, "topic must be"),
        ("kafka_consumer", (MSK, "orders"), {"auth": "BASIC_AUTH"}, "auth must be one of"),
        ("kafka_consumer", (["h:1"], "orders"), {"auth": "BASIC_AUTH"}, "Give secret, or remove auth"),
        ("kafka_consumer", (MSK, "orders"), {"subnets": ["s"]}, "MSK's own"),
        ("kafka_consumer", (["h:1"], "orders"), {"subnets": ["s"]}, "go together"),
        ("kafka_consumer", (MSK, "orders"), {"secret": "hunter2"}, "ARN of a secret"),
        ("kafka_consumer", (MSK, "orders"), {"pollers": (5, 2)}, "smaller number first"),
        ("kafka_consumer", (MSK, "orders"), {"pollers": (1, 2001)}, "1 to 2000"),
        ("kafka_consumer", (MSK, "orders"), {"poller_group": "x"}, "needs pollers"),
        ("kafka_consumer", (MSK, "orders"), {"maximum_retry_attempts": 0}, "maximum_retry_attempts needs pollers"),
        ("kafka_consumer", (MSK, "orders"), {"maximum_record_age": 60}, "maximum_record_age needs pollers"),
        ("kafka_consumer", (MSK, "orders"), {"bisect_batch": True}, "bisect_batch needs pollers"),
        ("kafka_consumer", (MSK, "orders"), {"log_level": "INFO"}, "needs pollers"),
        ("kafka_consumer", (MSK, "orders"), {"pollers": (1, 2), "log_level": "ALL"}, "log_level must be one of"),
        ("kafka_consumer", (MSK, "orders"), {"schema_registry": {"uri": GLUE}}, "needs pollers"),
        ("kafka_consumer", (MSK, "orders"), {"pollers": (1, 2), "schema_registry": {}}, "with the 'uri'"),
        ("kafka_consumer", (MSK, "orders"), {"pollers": (1, 2), "schema_registry": {"uri": "http://a"}}, "https://"),
        (
            "kafka_consumer",
            (MSK, "orders"),
            {"pollers": (1, 2), "schema_registry": {"uri": GLUE, "secret": SECRET, "auth": "BASIC_AUTH"}},
            "function's role",
        ),
        ("kafka_consumer", (MSK, "orders"), {"consumption_mode": "Queue"}, "clusters of your own"),
        (
            "kafka_consumer",
            (["h:1"], "orders"),
            {"consumption_mode": "Queue", "batching_window": 1},
            "no batching",
        ),
        ("kafka_consumer", (MSK, "orders"), {"on_failure": "topic"}, "kafka://TOPIC"),
        ("kafka_consumer", (MSK, "orders"), {"kms_key": "arn:aws:kms:a:b:key/c"}, "encrypts filters"),
        ("kafka_consumer", (MSK, "orders"), {"starting_position": "NOW"}, "starting_position"),
        ("mq_consumer", ("shop", "orders"), {"secret": SECRET}, "broker must be an ARN"),
        ("mq_consumer", (BROKER, "orders"), {"secret": "x"}, "ARN of a secret"),
        ("mq_consumer", (BROKER, "orders"), {"secret": SECRET, "engine": "kafka"}, "engine must be one of"),
        ("mq_consumer", (BROKER, "orders"), {"secret": SECRET, "virtual_host": "/"}, "RabbitMQ's"),
        ("documentdb_stream", (BROKER, "shop"), {"secret": SECRET}, "cluster must be an ARN"),
        ("documentdb_stream", (CLUSTER.replace("cluster", "db"), "shop"), {"secret": SECRET}, "cluster must be an ARN"),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": "hunter2"}, "ARN of a secret"),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": SECRET, "batch_size": 0}, "1 to 10000"),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": SECRET, "collection": "a$b"}, "collection must"),
        ("documentdb_stream", (CLUSTER, "d" * 64), {"secret": SECRET}, "database must have"),
        ("documentdb_stream", (CLUSTER, "a b"), {"secret": SECRET}, "database must have"),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": SECRET, "collection": "system.x"}, "collection must"),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": SECRET, "full_document": "yes"}, "full_document"),
    ],
)
def test_what_lambda_refuses_is_refused(decorator: str, arguments: Any, options: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        registered(decorator, *arguments, **options)


@pytest.mark.parametrize(
    ("decorator", "arguments", "options"),
    [
        ("kafka_consumer", (MSK, "orders"), {}),
        ("mq_consumer", (BROKER, "orders"), {"secret": SECRET}),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": SECRET}),
    ],
)
def test_a_function_longer_than_14_minutes_is_refused(decorator: str, arguments: Any, options: Any) -> None:
    app = App("demo")
    getattr(app, decorator)(*arguments, **options)(app.function(timeout=900)(handle))
    with pytest.raises(RegistrationError, match="at most 840 s"):
        mapping(app)


@pytest.mark.parametrize("local", [True, False])
def test_the_embedded_aws_gets_no_mapping_of_what_it_has_not(local: bool) -> None:
    app, trigger = registered("kafka_consumer", MSK, "orders")
    template = Template("demo", "local" if local else "dev", local=local)
    trigger.resources(next(iter(app.functions.values())), template)
    assert template.empty is local


@pytest.mark.parametrize(
    ("topic", "group", "said"),
    [
        ("o", None, "topic must have 2 to 249"),
        (".orders", None, "not begin with a dot"),
        ("my orders", None, "letters, digits"),
        ("o" * 250, None, "2 to 249"),
        ("orders", "", "consumer_group must have 1 to 200"),
        ("orders", 5, "consumer_group must have 1 to 200"),
        ("orders", "a b", "Remove it for a group of Lambda's making"),
    ],
)
def test_names_that_kafka_does_not_have_are_refused(topic: str, group: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        registered("kafka_consumer", MSK, topic, consumer_group=group)


def test_names_that_kafka_has_are_taken() -> None:
    registered("kafka_consumer", MSK, "shop.orders_new-1", consumer_group="shop/team:a=b@c")


def test_records_that_a_queue_is_told_of_are_written_to_no_topic() -> None:
    app = App("demo")
    app.kafka_consumer(MSK, "orders", on_failure=app.queue("failed"))(handle)
    assert "kafka-cluster:WriteData" not in allowed(app.handlers[0].triggers[0])


def test_a_registry_behind_a_certificate_of_ones_own_is_believed_by_it() -> None:
    registry = {"uri": "https://schemas.example.com", "root_ca": SECRET}
    app, trigger = registered("kafka_consumer", MSK, "orders", pollers=(1, 2), schema_registry=registry)
    config = mapping(app)["AmazonManagedKafkaEventSourceConfig"]["SchemaRegistryConfig"]
    assert config["AccessConfigs"] == [{"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": SECRET}]
    assert allowed(trigger)["secretsmanager:GetSecretValue"] == [SECRET]


def test_an_option_that_registries_have_not_is_refused() -> None:
    with pytest.raises(RegistrationError, match="An option of schema_registry must be one of 'uri'"):
        registered("kafka_consumer", MSK, "orders", pollers=(1, 2), schema_registry={"uri": GLUE, "url": GLUE})


def test_rabbitmq_has_virtual_hosts_and_says_what_a_message_relates_to() -> None:
    app, _ = registered("mq_consumer", BROKER, "orders", secret=SECRET, engine="rabbitmq", virtual_host="/shop")
    assert {"Type": "VIRTUAL_HOST", "URI": "/shop"} in mapping(app)["SourceAccessConfigurations"]
    message = MqMessage({"basicProperties": {"correlationId": "c-1", "replyTo": "answers"}, "data": ""})
    assert (message.correlation_id, message.reply_to) == ("c-1", "answers")


def test_a_batch_of_changes_succeeds_or_comes_again_as_a_whole() -> None:
    app, failing = App("demo"), list[bool]()

    @app.documentdb_stream(CLUSTER, "shop", secret=SECRET, batch=True)
    def changed(batch: Any) -> None:
        for change in batch:
            if failing:
                batch.fail(change)

    run, raw = entry(app, "changed"), app.handlers[0].triggers[0].sample()
    assert run(raw, None) is None
    failing.append(True)
    with pytest.raises(RuntimeError, match="1 changes failed, and Lambda takes no word of single ones"):
        run(raw, None)


def test_a_batch_of_kafka_says_which_brokers_it_came_from_if_it_was_told() -> None:
    _, trigger = registered("kafka_consumer", ["one:9092", "two:9092"], "orders")
    assert KafkaBatch(trigger.sample()).bootstrap_servers == ["one:9092", "two:9092"]
    assert KafkaBatch({"records": {}}).bootstrap_servers == []


def test_a_tombstone_is_no_json_and_may_have_no_headers() -> None:
    record = KafkaRecord({"topic": "t", "partition": 0, "offset": 1, "headers": None})
    assert record.headers == {}
    with pytest.raises(ValueError, match="Expecting value"):
        record.json  # noqa: B018
