"""Any CloudFormation resource: taken as it is written, told to functions, and granted by action."""

from __future__ import annotations

from typing import Any

import pytest
from resource_bench import artifacts, resources

from eventfw import App, RawResource
from eventfw.errors import BuildError, RegistrationError
from eventfw.tools.build.template import Template

PARAMETER = ("Limit", "AWS::SSM::Parameter", {"Type": "String", "Value": "5", "Name": "/shop/limit"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("", *PARAMETER[1:]), "logical_id must be a non-empty string"),
        (("my-limit", *PARAMETER[1:]), "letters and digits"),
        (("Limit", "SSM", {}), "CloudFormation type"),
        (("Limit", 5, {}), "CloudFormation type"),
        (("Limit", "AWS::SSM::Parameter", []), "properties must be a dict"),
        (("Limit", "AWS::SSM::Parameter", {"Value": object()}), "what JSON can hold"),
        (("Limit", "AWS::SSM::Parameter", {"Value": float("nan")}), "what JSON can hold"),
    ],
)
def test_what_no_template_holds_is_refused_with_the_users_line(arguments: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        RawResource(*arguments)
    assert "test_raw.py" in caught.value.place


@pytest.mark.parametrize("options", [{"retain": 1}, {"local": "no"}, {"depends_on": "Other"}, {"depends_on": [5]}])
def test_options_of_the_wrong_kind_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError, match=next(iter(options))):
        RawResource(*PARAMETER, **options)


def test_it_is_in_the_template_as_it_was_written() -> None:
    app = App("shop")
    orders = app.queue("orders")
    first = app.resource(*PARAMETER)
    app.resource(
        "Second",
        "AWS::SSM::Parameter",
        {"Type": "String", "Value": first.ref, "Description": first.get_att("Value")},
        retain=True,
        depends_on=[first, orders, "Limit"],
    )
    assert resources(app)["Second"] == {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Ref": "Limit"}, "Description": {"Fn::GetAtt": ["Limit", "Value"]}},
        "DependsOn": ["Limit", "OrdersQueue", "Limit"],
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
    }


def test_a_logical_id_that_something_else_has_is_refused() -> None:
    app = App("shop")
    app.queue("orders")
    with pytest.raises(RegistrationError, match="OrdersQueue"):
        app.resource("OrdersQueue", "AWS::SQS::Queue", {})
    app.resource("HandleFunction", "AWS::SQS::Queue", {})

    @app.function()
    def handle(event: Any) -> None: ...

    with pytest.raises(BuildError, match="Two things would be called HandleFunction"):
        artifacts(app)


def test_a_function_is_granted_actions_and_told_what_ref_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App("shop")
    key = app.resource("Secret", "AWS::SecretsManager::Secret", {})
    limit = app.resource(*PARAMETER)
    arn = {"Fn::Sub": "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/shop/limit"}
    uses = [
        key.grant(["secretsmanager:GetSecretValue"], arn=key.ref),
        limit.grant(["ssm:GetParameter"], arn=arn),
        limit.grant(["ssm:GetParametersByPath"], "/*", arn=arn),
    ]

    @app.function(uses=uses)
    def handle(event: Any) -> None: ...

    made = artifacts(app).stacks[0].template["Resources"]
    variables = made["HandleFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["EVENTFW_RESOURCE_LIMIT"] == {"Ref": "Limit"}
    allowed = made["HandleRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][1:]
    assert [(one["Action"], one["Resource"]) for one in allowed] == [
        (["secretsmanager:GetSecretValue"], [{"Ref": "Secret"}]),
        (["ssm:GetParameter"], [arn]),
        (["ssm:GetParametersByPath"], [{"Fn::Sub": arn["Fn::Sub"] + "/*"}]),
    ]
    assert limit.name == "/shop/limit"
    monkeypatch.setenv("EVENTFW_RESOURCE_LIMIT", "/prod/limit")
    assert limit.name == "/prod/limit"


def test_a_grant_without_an_arn_is_for_the_attribute_arn() -> None:
    key = RawResource("Key", "AWS::KMS::Key", {})
    assert key.grant(["kms:Sign"]).statements(Template("shop", "dev")) == [
        (["kms:Sign"], [{"Fn::GetAtt": ["Key", "Arn"]}])
    ]


@pytest.mark.parametrize("actions", [[], "ssm:GetParameter", ["ssm:*"], ["GetParameter"], ["ssm:"], [5]])
def test_an_action_is_spelled_out(actions: Any) -> None:
    with pytest.raises(RegistrationError, match="action") as caught:
        RawResource(*PARAMETER).grant(actions)
    assert "test_raw.py" in caught.value.place


def test_what_the_embedded_aws_does_not_know_is_left_out_there() -> None:
    app = App("shop")
    rule = app.resource("Rule", "AWS::SES::ReceiptRule", {"RuleName": "mine"}, local=False)

    @app.function(uses=[rule.grant(["ses:DescribeReceiptRule"])])
    def handle(event: Any) -> None: ...

    assert "Rule" not in resources(app, local=True) and "Rule" in resources(app)
    made = artifacts(app).stacks[0].template
    assert (
        made["Resources"]["HandleFunction"]["Properties"]["Environment"]["Variables"]["EVENTFW_RESOURCE_RULE"] == "mine"
    )
    assert '"Ref": "Rule"' not in str(made)
