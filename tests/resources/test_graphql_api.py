"""A GraphQL API: its schema, who may call it, and what it needs of its authorizer."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import artifacts, resources

from eventfw import App, Blueprint, GraphQLApi
from eventfw.errors import RegistrationError

SCHEMA = "type Query { photo: String }"
ID = "abcdefghijklmnopqrstuvwxyz"


def door(event: Any) -> bool:
    return True


def built(app: App) -> dict[str, Any]:
    template: dict[str, Any] = artifacts(app).stacks[0].template
    return template


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("my shop", {}, "letters, digits"),
        ("shop", {"schema": ""}, "schema must be a non-empty string"),
        ("shop", {"schema": "x" * 1_000_001}, "over AppSync's 1000000"),
        ("shop", {"authorization": "API_KEY"}, "authorization must be one of 'AWS_IAM'"),
        ("shop", {"authorization": "AMAZON_COGNITO_USER_POOLS"}, "Write both, or neither"),
        ("shop", {"user_pool": "eu-west-1_AbCdEf123"}, "Write both, or neither"),
        ("shop", {"query_depth_limit": 76}, "1 to 75"),
        ("shop", {"introspection": "no"}, "True or False"),
    ],
)
def test_what_appsync_would_refuse_is_refused(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        GraphQLApi(name, **{"schema": SCHEMA, **options})
    assert "test_graphql_api.py" in caught.value.place


def test_an_api_asks_for_iam_unless_said() -> None:
    app = App("demo")
    app.graphql_api("shop", schema=SCHEMA, introspection=False, query_depth_limit=5)
    made = resources(app)
    assert made["ShopGraphQLApi"]["Properties"] == {
        "Name": "demo-dev-shop",
        "AuthenticationType": "AWS_IAM",
        "IntrospectionConfig": "DISABLED",
        "QueryDepthLimit": 5,
    }
    assert made["ShopGraphQLSchema"]["Properties"]["Definition"] == SCHEMA


@pytest.mark.parametrize("owned", [True, False])
def test_users_of_a_pool_may_call_it(owned: bool) -> None:
    app = App("demo")
    pool = app.user_pool("people") if owned else "eu-west-1_AbCdEf123"
    app.graphql_api("shop", schema=SCHEMA, authorization="AMAZON_COGNITO_USER_POOLS", user_pool=pool)
    config = resources(app)["ShopGraphQLApi"]["Properties"]["UserPoolConfig"]
    assert config["UserPoolId"] == ({"Ref": "PeopleUserPool"} if owned else "eu-west-1_AbCdEf123")
    assert config["AwsRegion"] == ({"Ref": "AWS::Region"} if owned else "eu-west-1")


def test_an_api_is_told_of_its_authorizer() -> None:
    app = App("demo")
    app.appsync_authorizer(app.graphql_api("shop", schema=SCHEMA, authorization="AWS_LAMBDA"), ttl=60)(door)
    made = built(app)["Resources"]
    assert made["ShopGraphQLApi"]["Properties"]["LambdaAuthorizerConfig"] == {
        "AuthorizerUri": {"Fn::GetAtt": ["DoorFunction", "Arn"]},
        "AuthorizerResultTtlInSeconds": 60,
    }
    permission = made["AuthorizerShopPermission"]["Properties"]
    assert permission["SourceArn"] == {"Fn::GetAtt": ["ShopGraphQLApi", "Arn"]}


def test_an_api_without_the_authorizer_it_asks_is_refused() -> None:
    app = App("demo")
    app.graphql_api("shop", schema=SCHEMA, authorization="AWS_LAMBDA")
    app.function()(door)
    with pytest.raises(RegistrationError, match="asks a function who may call it, and has none"):
        built(app)


def test_an_authorizer_of_an_api_that_asks_none_is_refused() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="authorization='AWS_LAMBDA'"):
        app.appsync_authorizer(app.graphql_api("shop", schema=SCHEMA))
    with pytest.raises(RegistrationError, match="Set it there"):
        app.appsync_authorizer(ID, ttl=5)


def test_an_authorizer_in_another_stack_is_refused() -> None:
    app, blueprint = App("demo"), Blueprint("admin")
    blueprint.appsync_authorizer(app.graphql_api("shop", schema=SCHEMA, authorization="AWS_LAMBDA"))(door)
    app.mount(blueprint, stack=True)
    with pytest.raises(RegistrationError, match="without stack=True"):
        built(app)


def test_resolvers_wait_for_the_schema() -> None:
    app = App("demo")
    app.appsync_resolver(app.graphql_api("shop", schema=SCHEMA), "Query", "photo")(door)
    made = built(app)["Resources"]
    assert made["QueryPhotoShopResolver"]["DependsOn"] == ["ShopGraphQLSchema"]
    assert made["QueryPhotoShopResolver"]["Properties"]["ApiId"] == {"Fn::GetAtt": ["ShopGraphQLApi", "ApiId"]}


def test_a_resolver_in_another_stack_is_told_of_the_api() -> None:
    app, blueprint = App("demo"), Blueprint("admin")
    blueprint.appsync_resolver(app.graphql_api("shop", schema=SCHEMA), "Query", "photo")(door)
    app.mount(blueprint, stack=True)
    main, other = (stack.template for stack in artifacts(app).stacks)
    assert main["Outputs"]["ShopGraphQLApiApiId"]["Value"] == {"Fn::GetAtt": ["ShopGraphQLApi", "ApiId"]}
    assert other["Resources"]["QueryPhotoShopResolver"]["Properties"]["ApiId"] == {"Ref": "ShopGraphQLApiApiId"}
    assert "DependsOn" not in other["Resources"]["QueryPhotoShopResolver"]


def test_the_address_is_an_output_and_an_existing_api_is_not_made() -> None:
    app = App("demo")
    app.graphql_api("shop", schema=SCHEMA)
    app.appsync_resolver(GraphQLApi.existing(ID), "Query", "photo")(door)
    template = built(app)
    assert template["Outputs"]["ShopGraphQLApi"]["Value"] == {"Fn::GetAtt": ["ShopGraphQLApi", "GraphQLUrl"]}
    kinds = [each["Type"] for each in template["Resources"].values() if "AppSync" in each["Type"]]
    assert sorted(kinds) == ["AWS::AppSync::GraphQLApi", "AWS::AppSync::GraphQLSchema"]
