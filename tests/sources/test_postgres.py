"""Functions that SQL calls: the database takes a role that may invoke them, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from templates import allowed, complaints, deployed, local, properties, types

from eventfw import App, Blueprint
from eventfw.errors import RegistrationError
from eventfw.testing import Client

CLUSTER = "arn:aws:rds:eu-west-1:123456789012:cluster:shop"
INVOKE = ["lambda:InvokeFunction"]


@dataclass
class Order:
    copies: int


def test_the_payload_goes_in_and_the_result_comes_out() -> None:
    app = App("demo")

    @app.postgres_function("shop")
    def price(order: Order) -> dict[str, int]:
        return {"price": order.copies * 3}

    assert Client(app).send(price, payload={"copies": 2}) == {"price": 6}


def priced(app: Any, *names: str, database: str = "shop", **options: Any) -> None:
    for name in names or ("price",):
        app.postgres_function(database, **options)(app.function(name)(handler(name)))


def handler(name: str) -> Any:
    def handle(order: Any) -> None: ...

    handle.__name__ = name
    return handle


@pytest.mark.parametrize(
    ("database", "options", "part", "action"),
    [
        ("shop", {}, ":cluster:shop", "rds:AddRoleToDBCluster"),
        (CLUSTER, {}, ":cluster:shop", "rds:AddRoleToDBCluster"),
        ("shop", {"instance": True}, ":db:shop", "rds:AddRoleToDBInstance"),
        (CLUSTER.replace("cluster", "db"), {}, ":db:shop", "rds:AddRoleToDBInstance"),
    ],
)
def test_the_stack_makes_a_role_and_associates_it(
    database: str, options: dict[str, Any], part: str, action: str
) -> None:
    app = App("demo")
    priced(app, database=database, **options)
    template = deployed(app)
    name = "ShopClusterLambda" if "cluster" in part else "ShopInstanceLambda"
    role = properties(template, f"{name}Role")
    assert allowed(template, f"{name}Role") == [(INVOKE, [{"Fn::GetAtt": ["PriceFunction", "Arn"]}])]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["rds.amazonaws.com"]}
    arn = trust["Condition"]["ArnLike"]["aws:SourceArn"]
    assert (arn if isinstance(arn, str) else arn["Fn::Sub"]).endswith(part)
    made = properties(template, f"{name}Association")
    assert (made["Kind"], made["Database"]) == (part.split(":")[1], "shop")
    assert made["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    statements = properties(template, f"{name}AssociationPolicy")["PolicyDocument"]["Statement"]
    assert action in statements[0]["Action"] and statements[0]["Resource"] == [arn]
    assert (statements[1]["Action"], statements[1]["Resource"]) == (["iam:PassRole"], [made["Role"]])
    assert complaints(template) == []


def test_all_functions_of_a_database_share_its_role() -> None:
    app, admin = App("demo"), Blueprint("admin")
    priced(app, "price", "stock")
    priced(app, "till", database="till", instance=True)
    priced(admin, "audit")
    app.mount(admin)
    template = deployed(app)
    [(_, arns)] = allowed(template, "ShopClusterLambdaRole")
    assert [arn["Fn::GetAtt"][0] for arn in arns] == ["PriceFunction", "StockFunction", "AuditFunction"]
    assert list(types(template).values()).count("Custom::DatabaseRole") == 2
    assert "EventfwDatabaseRolesFunction" in types(template)
    assert complaints(template) == []


def test_a_function_of_a_blueprints_stack_is_named_in_the_main_one() -> None:
    from eventfw.tools.build import assemble
    from eventfw.tools.build.assemble import handler_of
    from eventfw.tools.build.functions import Code
    from eventfw.tools.project import Stage

    app, admin = App("demo"), Blueprint("admin")
    priced(admin, "audit")
    app.mount(admin, stack=True)
    code = lambda one: Code("python3.13", handler_of(one), {})  # noqa: E731
    main = assemble._main_templates(app, Stage("dev"), code)["demo-dev"].body("test")
    [(_, [arn])] = allowed(main, "ShopClusterLambdaRole")
    assert arn["Fn::Sub"].endswith(":function:demo-dev-audit")


@pytest.mark.parametrize("role", ["their-role", "arn:aws:iam::123456789012:role/service/their-role"])
def test_a_role_that_the_database_has_gets_leave(role: str) -> None:
    app = App("demo")
    priced(app, role=role)
    template = deployed(app)
    policy = properties(template, "PricePostgresPolicy")
    assert policy["Roles"] == ["their-role"]
    assert policy["PolicyDocument"]["Statement"][0]["Action"] == INVOKE
    assert "Custom::DatabaseRole" not in types(template).values()
    assert complaints(template) == []


def test_the_sql_is_an_output() -> None:
    app = App("demo")
    priced(app)
    sql, names = deployed(app)["Outputs"]["PriceSql"]["Value"]["Fn::Sub"]
    assert sql == "SELECT * FROM aws_lambda.invoke('${Function}', '{}'::json);"
    assert names == {"Function": {"Fn::GetAtt": ["PriceFunction", "Arn"]}}


def test_there_is_no_database_locally() -> None:
    app = App("demo")
    priced(app)
    assert set(types(local(app))) == {"PriceFunction", "PriceLogGroup", "PriceRole"}


@pytest.mark.parametrize(
    ("database", "options"),
    [
        ("", {}),
        (5, {}),
        ("my_shop", {}),
        ("a" * 64, {}),
        ("arn:aws:rds:eu-west-1:123456789012:snapshot:shop", {}),
        ("arn:aws:s3:eu-west-1:123456789012:cluster:shop", {}),
        ("cluster:shop", {}),
        (CLUSTER, {"instance": True}),
        ("shop", {"instance": "yes"}),
        ("shop", {"role": ""}),
        ("shop", {"role": "arn:aws:iam::123456789012:user/ann"}),
    ],
)
def test_options_that_cannot_work_are_refused(database: Any, options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").postgres_function(database, **options)
