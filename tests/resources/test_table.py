"""A table: what DynamoDB would refuse, its keys and indexes, its stream, and its grants."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import granted, resources

from eventfw import App, Table
from eventfw.errors import RegistrationError
from eventfw.tools.build.template import Template

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/catalog"
STREAM = f"{ARN}/stream/2026-01-01T00:00:00.000"


@pytest.mark.parametrize("name", ["", "ab", "a b c", "a/b", "x" * 256, "...", 7])
def test_names_that_dynamodb_refuses_are_refused_with_the_users_line(name: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        Table(name)
    assert "test_table.py" in caught.value.place


INDEX = {"partition_key": "category"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partition_key": ""}, "name of an attribute"),
        ({"partition_key": ["sku", "S"]}, "name of an attribute"),
        ({"partition_key": ("sku", "string")}, "'S', 'N', 'B'"),
        ({"partition_key": "x" * 256}, "255 bytes"),
        ({"sort_key": "id"}, "two attributes"),
        ({"ttl": "id"}, "no key"),
        ({"ttl": 5}, "name of an attribute"),
        ({"stream": "NEW_IMAGES"}, "Did you mean 'NEW_IMAGE'"),
        ({"read_capacity": 5}, "go together"),
        ({"read_capacity": 0, "write_capacity": 1}, "1 to 40000"),
        ({"point_in_time_recovery": 1}, "True or False"),
        ({"deletion_protection": 1}, "True or False"),
        ({"kms_key": "alias/mine"}, "alias/aws/dynamodb"),
        ({"indexes": []}, "dict of at most 20"),
        ({"indexes": {f"by_{number}": INDEX for number in range(21)}}, "dict of at most 20"),
        ({"indexes": {"no": INDEX}}, "3 to 255"),
        ({"indexes": {"by_x": {}}}, "'partition_key'"),
        ({"indexes": {"by_x": {**INDEX, "sortkey": "x"}}}, "Did you mean 'sort_key'"),
        ({"indexes": {"by_x": {**INDEX, "projection": "SOME"}}}, "'ALL', 'KEYS_ONLY'"),
        ({"indexes": {"by_x": {**INDEX, "projection": []}}}, "1 to 100 attributes"),
        ({"indexes": {"by_x": {"partition_key": ("id", "N")}}}, "'id' has the type 'S' in one key and 'N'"),
    ],
)
def test_options_outside_what_dynamodb_takes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        Table("catalog", **options)
    assert "test_table.py" in caught.value.place


def test_a_table_is_on_demand_and_backed_up_unless_said() -> None:
    app = App("shop")
    app.table("catalog", partition_key="sku", sort_key=("version", "N"))
    assert resources(app)["CatalogTable"]["Properties"] == {
        "TableName": "shop-dev-catalog",
        "AttributeDefinitions": [
            {"AttributeName": "sku", "AttributeType": "S"},
            {"AttributeName": "version", "AttributeType": "N"},
        ],
        "KeySchema": [
            {"AttributeName": "sku", "KeyType": "HASH"},
            {"AttributeName": "version", "KeyType": "RANGE"},
        ],
        "BillingMode": "PAY_PER_REQUEST",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "DeletionProtectionEnabled": False,
    }


def test_indexes_bring_their_attributes_and_the_tables_throughput() -> None:
    app = App("shop")
    app.table(
        "catalog",
        read_capacity=5,
        write_capacity=2,
        ttl="expires",
        indexes={"by_price": {"partition_key": "category", "sort_key": ("price", "N"), "projection": ["title"]}},
    )
    made = resources(app)["CatalogTable"]["Properties"]
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 2}
    assert (made["BillingMode"], made["ProvisionedThroughput"]) == ("PROVISIONED", units)
    assert made["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert [one["AttributeName"] for one in made["AttributeDefinitions"]] == ["category", "id", "price"]
    assert made["GlobalSecondaryIndexes"] == [
        {
            "IndexName": "by_price",
            "KeySchema": [
                {"AttributeName": "category", "KeyType": "HASH"},
                {"AttributeName": "price", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
            "ProvisionedThroughput": units,
        }
    ]


def test_a_table_that_is_read_as_a_stream_has_one() -> None:
    template = Template("shop", "dev")
    plain, chosen = Table("catalog"), Table("orders", stream="KEYS_ONLY")
    for table in (plain, chosen):
        table.resources(template)
    assert "StreamSpecification" not in template.properties("CatalogTable")
    assert plain.stream_arn_in(template) == {"Fn::GetAtt": ["CatalogTable", "StreamArn"]}
    chosen.stream_arn_in(template)
    views = [template.properties(one)["StreamSpecification"] for one in ("CatalogTable", "OrdersTable")]
    assert views == [{"StreamViewType": "NEW_AND_OLD_IMAGES"}, {"StreamViewType": "KEYS_ONLY"}]


def test_the_stream_of_an_existing_table_is_told_by_its_own_arn() -> None:
    template = Template("shop", "dev")
    for table in (Table.existing(STREAM), Table.existing("catalog", stream_arn=STREAM)):
        assert table.stream_arn_in(template) == STREAM
    assert Table.existing(STREAM).arn_in(template) == ARN
    with pytest.raises(RegistrationError, match="by its own ARN only") as caught:
        Table.existing(ARN).stream_arn_in(template)
    assert "test_table.py" in caught.value.place
    for wrong in (STREAM.replace("catalog", "orders"), ARN):
        with pytest.raises(RegistrationError, match="not the ARN of a stream of the table 'catalog'"):
            Table.existing("catalog", stream_arn=wrong)


def test_the_local_variant_makes_an_existing_table_with_the_keys_said() -> None:
    app = App("shop")
    table = Table.existing("catalog", partition_key="sku")
    app.own(table)
    made = resources(app, "prod", local=True)["CatalogTable"]["Properties"]
    assert (made["TableName"], made["KeySchema"]) == ("catalog", [{"AttributeName": "sku", "KeyType": "HASH"}])


def test_grants_are_exactly_their_actions_and_those_of_a_customers_key() -> None:
    table = Table("catalog")
    searching = {"dynamodb:Query", "dynamodb:Scan"}
    reading = {f"dynamodb:{verb}" for verb in ("BatchGetItem", "ConditionCheckItem", "DescribeTable", "GetItem")}
    writing = {f"dynamodb:{verb}" for verb in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")}
    assert granted(table.read, table.write, table.read_write) == {
        "read": {"": reading | searching, "/index/*": searching},
        "write": {"": writing},
        "read_write": {"": reading | searching | writing, "/index/*": searching},
    }
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    statements = Table("catalog", kms_key=key).write.statements(Template("shop", "dev"))
    assert statements[-1] == (["kms:Decrypt"], [key])
