"""What topics, tables, streams, buses, log groups and user pools have in common."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from resource_bench import artifacts, resources

from eventfw import App, EventBus, LogGroup, Stream, Table, Topic, UserPool
from eventfw.errors import RegistrationError, ResourceError
from eventfw.resources.named import Named
from eventfw.resources.names import Names
from eventfw.tools.build.lint import lint_templates
from eventfw.tools.build.template import Template

ARNS = {
    Topic: "arn:aws:sns:eu-west-1:123456789012:news",
    Stream: "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks",
    Table: "arn:aws:dynamodb:eu-west-1:123456789012:table/catalog",
    EventBus: "arn:aws:events:eu-west-1:123456789012:event-bus/shop",
    LogGroup: "arn:aws:logs:eu-west-1:123456789012:log-group:/my/audit",
    UserPool: "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEf123",
}
EVERY = pytest.mark.parametrize(("cls", "arn"), list(ARNS.items()), ids=[cls.__name__ for cls in ARNS])
Class = type[Named]


def all_of_them(app: App) -> list[Named]:
    return [
        app.topic("news"),
        app.stream("clicks"),
        app.table("catalog"),
        app.event_bus("shop"),
        app.log_group("audit"),
        app.user_pool("people"),
    ]


def test_logical_ids_never_change() -> None:
    app = App("shop")
    all_of_them(app)
    app.topic("new-things", fifo=True)
    assert {logical: one["Type"] for logical, one in resources(app).items()} == {
        "NewsTopic": "AWS::SNS::Topic",
        "NewsTopicPolicy": "AWS::SNS::TopicPolicy",
        "ClicksStream": "AWS::Kinesis::Stream",
        "CatalogTable": "AWS::DynamoDB::Table",
        "ShopEventBus": "AWS::Events::EventBus",
        "AuditLogGroup": "AWS::Logs::LogGroup",
        "PeopleUserPool": "AWS::Cognito::UserPool",
        "PeopleUserPoolClient": "AWS::Cognito::UserPoolClient",
        "NewThingsTopic": "AWS::SNS::Topic",
        "NewThingsTopicPolicy": "AWS::SNS::TopicPolicy",
    }


def test_real_names_follow_the_stage() -> None:
    named = {
        "NewsTopic": "TopicName",
        "ClicksStream": "Name",
        "CatalogTable": "TableName",
        "ShopEventBus": "Name",
        "AuditLogGroup": "LogGroupName",
        "PeopleUserPool": "UserPoolName",
    }
    app = App("shop")
    keys = [one.key for one in all_of_them(app)]
    for stage, wanted in (("local", keys), ("prod", [f"shop-prod-{key}" for key in keys])):
        made = resources(app, stage)
        assert [made[logical]["Properties"][name] for logical, name in named.items()] == wanted


def test_only_tables_and_user_pools_outlive_the_stack() -> None:
    app = App("shop")
    all_of_them(app)
    made = resources(app)
    kept = {logical for logical, one in made.items() if "DeletionPolicy" in one}
    assert kept == {"CatalogTable", "PeopleUserPool"}
    assert {made[one]["DeletionPolicy"] for one in kept} == {"RetainExceptOnCreate"}
    assert {made[one]["UpdateReplacePolicy"] for one in kept} == {"Retain"}


@EVERY
def test_an_existing_one_is_named_by_its_arn(cls: Class, arn: str) -> None:
    there = cls.existing(arn)
    template = Template("shop", "prod")
    there.resources(template)
    assert (there.owned, there.arn, there.arn_in(template), template.empty) == (False, arn, arn, True)
    assert there.name == arn.split(":", 5)[5].removeprefix(cls.path)


@EVERY
def test_an_existing_one_is_named_by_its_name(cls: Class, arn: str) -> None:
    name = cls.existing(arn).key
    there = cls.existing(name)
    generic = arn.replace("arn:aws:", "arn:${AWS::Partition}:").replace("eu-west-1:", "${AWS::Region}:")
    assert there.arn_in(Template("shop", "prod")) == {
        "Fn::Sub": generic.replace("123456789012", "${AWS::AccountId}"),
    }


@EVERY
def test_the_local_variant_makes_an_existing_one_under_its_own_name(cls: Class, arn: str) -> None:
    app = App("demo")
    there = cls.existing(arn)
    app.own(there)
    made = resources(app, "prod", local=True)[there.logical_id]
    assert there.key in made["Properties"].values()
    assert there.local_value(Names("demo", "local"), "").split(":")[4] == "000000000000"
    assert there.local_value(Names("demo", "prod"), "") == arn


@EVERY
@pytest.mark.parametrize("wrong", ["arn:aws:s3:::x", "arn:aws:sqs:eu-west-1:123456789012:x", "arn:", "", None, 7])
def test_what_names_nothing_of_its_kind_is_refused_with_the_users_line(cls: Class, arn: str, wrong: Any) -> None:
    with pytest.raises(RegistrationError) as caught:
        cls.existing(wrong)
    assert "test_named.py" in caught.value.place


@EVERY
def test_a_decorator_takes_the_object_or_a_name(cls: Class, arn: str) -> None:
    there = cls.existing(arn)
    assert cls.of("any_source", there) is there
    assert cls.of("any_source", arn).arn_text == arn
    for wrong in (None, "", 7, App("shop").queue("orders")):
        with pytest.raises(RegistrationError, match=f"any_source takes a {cls.words()} such as app.{cls.type}"):
            cls.of("any_source", wrong)


@EVERY
def test_a_deployed_function_is_told_the_arn(cls: Class, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = cls.existing(arn).key
    one = cls.existing(name)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "shop-prod-api")
    with pytest.raises(ResourceError, match="uses="):
        _ = one.name
    monkeypatch.setenv(one.variable, arn)
    assert (one.arn, one.name) == (arn, name)


@EVERY
def test_an_existing_one_that_a_function_only_uses_is_made_in_the_local_variant(cls: Class, arn: str) -> None:
    app = App("shop")
    there = cls.existing(arn)

    @app.function(uses=every_grant(there))
    def handle(event: Any) -> None: ...

    made = artifacts(app).stacks[0].template["Resources"]
    assert there.logical_id in made
    assert there.variable in made["HandleFunction"]["Properties"]["Environment"]["Variables"]


def test_two_existing_ones_of_one_name_and_two_accounts_are_refused() -> None:
    app = App("shop")
    here, far = (
        Topic.existing(f"arn:aws:sns:eu-west-1:{account}:news") for account in ("123456789012", "210987654321")
    )
    app.own(here)
    app.own(Topic.existing("news"))
    app.own(Topic.existing(here.arn_text))
    with pytest.raises(RegistrationError, match="two resources"):
        app.own(far)


def test_triggers_are_found_by_real_names_in_every_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    topic, far = Topic("news"), Topic.existing("arn:aws:sns:eu-west-1:123456789012:far")
    topic.app = far.app = "shop"
    arn = "arn:aws:sns:eu-west-1:123456789012:"
    for name, reached in (("news", True), ("shop-prod-news", True), ("other-prod-news", False), ("old", False)):
        assert (topic.filed() in topic.leads(arn + name)) is reached
        assert (topic.mismatch(arn + name) == "") is reached
    assert far.mismatch(far.arn_text) == ""
    assert "is not" in far.mismatch("arn:aws:sns:eu-west-1:210987654321:far")
    assert far.mismatch("arn:aws:sns:us-east-1:000000000000:far") == ""
    monkeypatch.setenv(topic.variable, arn + "shop-prod-news")
    assert topic.mismatch(arn + "shop-prod-news") == ""
    assert "`shop-dev-news` is not `news`" in topic.mismatch(arn + "shop-dev-news")


def test_a_name_that_becomes_too_long_with_app_and_stage_is_refused_on_its_line() -> None:
    app = App("a" * 40)
    app.stream("c" * 100)
    with pytest.raises(RegistrationError, match="over AWS's 128 characters") as caught:
        resources(app)
    assert "test_named.py" in caught.value.place


def test_another_stack_takes_an_arn_through_an_output() -> None:
    main = Template("shop", "prod")
    table = Table("catalog")
    table.resources(main)
    assert table.arn_in(Template("shop", "prod", main=main)) == {"Ref": "CatalogTableArn"}
    assert main.body("")["Outputs"] == {"CatalogTableArn": {"Value": {"Fn::GetAtt": ["CatalogTable", "Arn"]}}}


@pytest.mark.parametrize("key", [None, "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"])
def test_cfn_lint_has_nothing_to_say(key: str | None, tmp_path: Path) -> None:
    app = App("shop")
    uses = [grant for one in all_of_them(app) for grant in every_grant(one)]
    managed = key or "alias/aws/kinesis"
    more = [
        app.topic("alerts", fifo=True, content_based_deduplication=True, display_name="Alerts", kms_key=key),
        app.stream("shards", shards=2, retention=48, kms_key=managed),
        app.table(
            "orders",
            partition_key=("customer", "N"),
            sort_key="order",
            ttl="expires",
            stream="NEW_IMAGE",
            read_capacity=5,
            write_capacity=5,
            deletion_protection=True,
            kms_key=key or "alias/aws/dynamodb",
            indexes={
                "by_status": {"partition_key": "status", "sort_key": ("total", "N"), "projection": ["title"]},
                "by_order": {"partition_key": "order", "projection": "KEYS_ONLY"},
            },
        ),
        app.event_bus("books", description="Books", kms_key=key),
        app.log_group("rare", log_class="INFREQUENT_ACCESS", retention=7, kms_key=key),
        app.log_group("handed-on", log_class="DELIVERY"),
        app.user_pool("admins", sign_in=[], mfa="ON", self_sign_up=True, deletion_protection=True),
        app.user_pool("callers", sign_in=["phone_number"], mfa="OFF"),
    ]
    uses += [grant for one in more for grant in every_grant(one)]

    @app.function(uses=uses)
    def handle(event: Any) -> None: ...

    built = artifacts(app)
    (stack,) = built.stacks
    function = stack.template["Resources"]["HandleFunction"]["Properties"]
    function |= {"Runtime": "python3.12", "Code": {"S3Bucket": "code", "S3Key": "key"}}
    (tmp_path / f"{stack.name}.template.json").write_text(json.dumps(stack.template))
    lint_templates(tmp_path, built)


def every_grant(resource: Named) -> list[Any]:
    verbs = ("publish", "put", "put_events", "read", "write", "read_write")
    return [getattr(resource, verb) for verb in verbs if hasattr(resource, verb)]
