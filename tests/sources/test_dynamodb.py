"""DynamoDB streams: items as plain values, order, and the stream of the table."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from eventfw import App, DynamoDBBatch, DynamoDBRecord
from eventfw.errors import RegistrationError
from eventfw.runtime import entry
from eventfw.sources.dynamodb import json_values
from eventfw.tools.build.template import Template

ITEM = {
    "id": "cat",
    "n": Decimal("1.5"),
    "flag": True,
    "none": None,
    "raw": b"\0\1",
    "deep": {"list": [Decimal(1), "a", {"x": Decimal(2)}]},
    "words": {"a", "b"},
    "numbers": {Decimal(1), Decimal(2)},
    "blobs": {b"a", b"b"},
    "empty": [],
}


def consumer(**options: Any) -> tuple[App, list[DynamoDBRecord]]:
    app, seen = App("demo"), list[DynamoDBRecord]()

    @app.dynamodb_stream(app.table("catalog"), **options)
    def changed(record: DynamoDBRecord) -> None:
        seen.append(record)
        if record.keys["id"] == "bad":
            raise ValueError("no")

    return app, seen


def sample(app: App, **fields: Any) -> dict[str, Any]:
    return app.handlers[0].triggers[0].sample(**fields)  # type: ignore[no-any-return]


def test_images_are_plain_values_of_every_type() -> None:
    app, seen = consumer()
    raw = sample(app, event_name="MODIFY", new_image=ITEM, old_image={"id": "cat"})
    assert raw["Records"][0]["dynamodb"]["NewImage"]["n"] == {"N": "1.5"}
    entry(app, "changed")(raw, None)
    [record] = seen
    assert (record.event_name, record.keys) == ("MODIFY", {"id": "cat"})
    assert (record.new_image, record.old_image) == (ITEM, {"id": "cat"})
    assert record.changed_at == datetime(2026, 1, 1, tzinfo=UTC)
    assert not record.is_expiry


def test_a_type_that_dynamodb_has_not_is_an_error() -> None:
    record = DynamoDBRecord({"dynamodb": {"NewImage": {"a": {"X": 1}}}})
    with pytest.raises(TypeError, match="'X' is no type"):
        _ = record.new_image


def test_what_a_stream_does_not_carry_is_none() -> None:
    change = {"Keys": {"id": {"S": "1"}}, "SequenceNumber": "1"}
    record = DynamoDBRecord({"eventName": "REMOVE", "eventSourceARN": "arn", "dynamodb": change})
    assert (record.new_image, record.old_image, record.size, record.changed_at) == (None, None, None, None)
    assert (record.stream_view_type, record.event_id, record.region) == (None, None, None)


def test_an_item_that_expired_is_told_from_one_that_was_deleted() -> None:
    app, seen = consumer()
    raw = sample(app, event_name="REMOVE")
    entry(app, "changed")(raw, None)
    identity = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    entry(app, "changed")({"Records": [{**raw["Records"][0], "userIdentity": identity}]}, None)
    assert [record.is_expiry for record in seen] == [False, True]


def test_the_first_failure_is_where_lambda_goes_on() -> None:
    app, seen = consumer()
    changes = [sample(app, new_image={"id": key}, sequence_number=key)["Records"][0] for key in ("a", "bad", "c")]
    answer = entry(app, "changed")({"Records": changes}, None)
    assert [record.keys["id"] for record in seen] == ["a", "bad"]
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}


def test_a_batch_is_handed_over_whole() -> None:
    app = App("demo")

    @app.dynamodb_stream(app.table("catalog"), batch=True)
    def changed(batch: DynamoDBBatch) -> None:
        batch.fail(next(iter(batch)))

    answer = entry(app, "changed")(sample(app, sequence_number="7"), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "7"}]}


def test_a_models_parameter_gets_numbers_and_lists_as_json_has_them() -> None:
    assert json_values({"a": Decimal(2), "b": Decimal("1.5"), "c": {"y", "x"}, "d": [None, True]}) == {
        "a": 2,
        "b": 1.5,
        "c": ["x", "y"],
        "d": [None, True],
    }


def built(app: App) -> dict[str, Any]:
    template = Template("demo", "dev")
    for resource in app.resources:
        resource.resources(template)
    trigger = app.handlers[0].triggers[0]
    trigger.resources(next(iter(app.functions.values())), template)
    return template.body("")["Resources"]  # type: ignore[no-any-return]


def test_the_tables_stream_is_switched_on_and_read_with_exactly_its_permissions() -> None:
    app, _ = consumer(filters=[{"eventName": ["INSERT"]}])
    resources = built(app)
    assert resources["CatalogTable"]["Properties"]["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    arn = {"Fn::GetAtt": ["CatalogTable", "StreamArn"]}
    mapping = resources["ChangedCatalogTableMapping"]["Properties"]
    assert (mapping["EventSourceArn"], mapping["StartingPosition"]) == (arn, "TRIM_HORIZON")
    template = Template("demo", "dev")
    app.resources[0].resources(template)
    allowed = {tuple(actions): on for actions, on in app.handlers[0].triggers[0].statements(template)}
    assert allowed == {
        ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"): [arn],
        ("dynamodb:ListStreams",): ["*"],
    }


def print_it(record: Any) -> None: ...


def test_the_stream_of_an_existing_table_is_named_by_its_arn() -> None:
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/2026-01-01T00:00:00.000"
    app = App("demo")
    app.dynamodb_stream(arn)(print_it)
    assert built(app)["PrintItOrdersTableMapping"]["Properties"]["EventSourceArn"] == arn
    trigger = app.handlers[0].triggers[0]
    assert trigger.mismatch(trigger.sample()) == ""


def test_an_existing_table_without_its_streams_arn_is_refused_with_the_remedy() -> None:
    app = App("demo")
    app.dynamodb_stream("orders")(print_it)
    with pytest.raises(RegistrationError, match="LABEL"):
        built(app)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"starting_position": datetime(2026, 1, 1, tzinfo=UTC)}, "starting_position must be one of"),
        ({"filters": [{"dynamodb": ["x"]}]}, "filters are not valid"),
        ({"tumbling_window": 60}, "needs batch=True"),
    ],
)
def test_what_lambda_refuses_is_refused(options: Any, said: str) -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match=said):
        app.dynamodb_stream(app.table("catalog"), **options)


def test_the_stream_of_an_encrypted_table_is_read_with_its_key() -> None:
    app, key = App("demo"), "arn:aws:kms:us-east-1:123456789012:key/shop"
    app.dynamodb_stream(app.table("catalog", kms_key=key))(print_it)
    template = Template("demo", "dev")
    app.resources[0].resources(template)
    assert (["kms:Decrypt"], [key]) in app.handlers[0].triggers[0].statements(template)
