"""The plan says what a change set does, and marks what deserves a second look."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw.tools.deploy.changeset import capabilities
from eventfw.tools.deploy.data import with_literal_names
from eventfw.tools.deploy.plan import Plan, StackPlan, from_change_set, from_templates
from eventfw.tools.deploy.show import ordered_outputs, show_plan


def change(action: str, logical_id: str, type_: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "Resource",
        "ResourceChange": {"Action": action, "LogicalResourceId": logical_id, "ResourceType": type_, **more},
    }


def target(name: str, recreation: str) -> dict[str, Any]:
    return {"Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}}


def shown(changes: list[dict[str, Any]], told: Any, *, data: tuple[str, ...] = ()) -> str:
    template = {"Resources": {name: {"Type": "T", "DeletionPolicy": "Retain"} for name in data}}
    plan = StackPlan("gallery-dev", "eu-west-1", from_change_set(changes, template, template))
    show_plan(Plan((plan,)), told)
    text: str = told.text
    return text


def test_a_replacement_names_what_forces_it(told: Any) -> None:
    details = [target("QueueName", "Always"), target("VisibilityTimeout", "Never")]
    text = shown([change("Modify", "Q", "AWS::SQS::Queue", Replacement="True", Details=details)], told)
    assert "  ! Q  AWS::SQS::Queue  REPLACED by QueueName\n" in text + "\n"


def test_a_possible_replacement_is_marked_less(told: Any) -> None:
    details = [target("FunctionName", "Conditionally")]
    text = shown(
        [change("Modify", "M", "AWS::Lambda::EventSourceMapping", Replacement="Conditional", Details=details)], told
    )
    assert "  ~ M  AWS::Lambda::EventSourceMapping  MAY BE REPLACED by FunctionName" in text


def test_data_that_is_removed_is_said_to_be_kept(told: Any) -> None:
    text = shown(
        [change("Remove", "B", "AWS::S3::Bucket", PhysicalResourceId="gallery-dev-uploads")], told, data=("B",)
    )
    assert "- B  AWS::S3::Bucket  DATA: leaves the stack and is kept as gallery-dev-uploads" in text


def test_data_that_would_be_deleted_is_said_to_be(told: Any) -> None:
    replaced = change("Modify", "B", "AWS::S3::Bucket", Replacement="True", PolicyAction="ReplaceAndDelete")
    text = shown([replaced], told, data=("B",))
    assert "the new one is empty; the old one is DELETED" in text


def test_permissions_are_marked(told: Any) -> None:
    text = shown(
        [
            change("Add", "P", "AWS::Lambda::Permission"),
            change("Add", "R", "AWS::IAM::Role"),
            change("Add", "S", "AWS::SQS::QueuePolicy"),
            change("Add", "Q", "AWS::SQS::Queue"),
        ],
        told,
    )
    marked = {line.split()[1] for line in text.splitlines() if line.endswith("[permissions]")}
    assert marked == {"P", "R", "S"}


def test_what_hurts_comes_first(told: Any) -> None:
    changes = [
        change("Add", "A", "T"),
        change("Modify", "C", "T", Replacement="False"),
        change("Remove", "B", "T"),
        change("Modify", "D", "T", Replacement="True"),
    ]
    assert [item.logical_id for item in from_change_set(changes, {}, {})] == ["D", "B", "C", "A"]


def test_templates_tell_the_plan_where_no_change_set_can_be_made() -> None:
    before = {
        "Resources": {
            "Gone": {"Type": "T"},
            "Same": {"Type": "T"},
            "Other": {"Type": "T", "Properties": {"a": 1, "b": 2}},
        }
    }
    after = {
        "Resources": {
            "New": {"Type": "T"},
            "Same": {"Type": "T"},
            "Other": {"Type": "T", "Properties": {"a": 1, "b": 3}},
        }
    }
    plan = from_templates(before, after)
    assert [(item.action, item.logical_id, item.properties, item.certain) for item in plan] == [
        ("remove", "Gone", (), True),
        ("change", "Other", ("b",), False),
        ("add", "New", (), True),
    ]


def test_only_names_of_data_are_written_out() -> None:
    name = {"Fn::Sub": "a-${AWS::AccountId}-${AWS::Region}"}
    kept = {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": name, "Tags": name}}
    other = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    reference = {"Type": "T", "DeletionPolicy": "Retain", "Properties": {"TableName": {"Fn::Sub": "${Other}"}}}
    template = {"Resources": {"Kept": kept, "Other": other, "Reference": reference}}
    found = with_literal_names(template, "123456789012", "eu-west-1", "aws")["Resources"]

    assert found["Kept"]["Properties"] == {"BucketName": "a-123456789012-eu-west-1", "Tags": name}
    assert found["Other"] == other and found["Reference"] == reference
    assert kept["Properties"] == {"BucketName": name, "Tags": name}


def test_capabilities_are_asked_for_only_where_they_are_needed() -> None:
    def of(properties: dict[str, Any]) -> list[str]:
        return capabilities({"Resources": {"R": {"Type": "AWS::IAM::Role", "Properties": properties}}})

    assert of({}) == ["CAPABILITY_IAM"]
    assert of({"RoleName": "r"}) == ["CAPABILITY_NAMED_IAM"]
    assert capabilities({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}) == []


def test_outputs_begin_with_what_a_browser_opens() -> None:
    outputs = {"OrdersQueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/o", "Bucket": "b", "Url": "https://x"}
    assert list(ordered_outputs(outputs)) == ["Url", "Bucket", "OrdersQueueUrl"]


@pytest.mark.parametrize(("cause", "action"), [("False", "change"), ("True", "replace")])
def test_what_refers_to_a_resource_is_replaced_only_with_it(cause: str, action: str) -> None:
    def item(logical: str, type_: str, **more: Any) -> dict[str, Any]:
        return {"ResourceChange": {"Action": "Modify", "LogicalResourceId": logical, "ResourceType": type_, **more}}

    following = {
        "Target": {"Attribute": "Properties", "Name": "FunctionName", "RequiresRecreation": "Always"},
        "Evaluation": "Dynamic",
        "ChangeSource": "ResourceAttribute",
        "CausingEntity": "ApiFunction.Arn",
    }
    changes = [
        item("ApiFunction", "AWS::Lambda::Function", Replacement=cause),
        item("ApiPermission", "AWS::Lambda::Permission", Replacement="Conditional", Details=[following]),
    ]
    found = {change.logical_id: change.action for change in from_change_set(changes, {}, {})}
    assert found["ApiPermission"] == action
