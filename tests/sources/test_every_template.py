"""What every source adds to a stack: cfn-lint has nothing to say of it, and nobody may do more than they need."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from examples import Names, add, example, together
from templates import complaints, deployed, every, local, types

from eventfw import App, Blueprint
from eventfw.errors import EventfwError
from eventfw.sources import table

DOCS = Path(__file__).parents[2] / "docs" / "sources"
# What IAM, or the service that asks for it, knows no narrower resource for than `*`.
UNLIMITED = {
    "codepipeline:PutJobFailureResult": "a job has no ARN",
    "codepipeline:PutJobSuccessResult": "a job has no ARN",
    "config:GetResourceConfigHistory": "takes no resource",
    "config:PutEvaluations": "takes no resource",
    "dynamodb:ListStreams": "Lambda lists all streams to find a table's",
    "ec2:CreateNetworkInterface": "Lambda asks for them without a resource",
    "ec2:DeleteNetworkInterface": "Lambda asks for them without a resource",
    "ec2:DescribeNetworkInterfaces": "takes no resource",
    "ec2:DescribeSecurityGroups": "takes no resource",
    "ec2:DescribeSubnets": "takes no resource",
    "ec2:DescribeVpcs": "takes no resource",
    "kinesis:ListStreams": "takes no resource",
    "rds:DescribeDBClusterParameters": "the cluster's parameter group is not known",
    "rds:DescribeDBClusters": "Lambda asks for them without a resource",
    "rds:DescribeDBSubnetGroups": "the cluster's subnets are not known",
    "secretsmanager:GetRandomPassword": "takes no resource",
}
# What says whose call a permission is for, of which each has one.
LIMITS = {"SourceArn", "SourceAccount", "EventSourceToken", "FunctionUrlAuthType"}
# Services that assume a role on behalf of nobody else, or do not say for whom.
TRUSTED = {"lambda.amazonaws.com", "edgelambda.amazonaws.com", "batchoperations.s3.amazonaws.com"}
SOURCES = pytest.mark.parametrize("name", sorted(table.SOURCES))


@cache
def built(name: str) -> list[dict[str, Any]]:
    """The templates of an app with one source."""
    return every(example(name)[0])


def resources(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """All that is in the stacks of an app with one source: logical id, type, properties."""
    for template in built(name):
        for logical_id, resource in template["Resources"].items():
            yield logical_id, resource["Type"], resource.get("Properties", {})


def policies(name: str) -> Iterator[dict[str, Any]]:
    """The statements of what is allowed: of roles what they may do, and of resources who may do it."""
    for _, _, properties in resources(name):
        documents = [one["PolicyDocument"] for one in properties.get("Policies", []) if "PolicyDocument" in one]
        documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        documents += [properties["AssumeRolePolicyDocument"]] if "AssumeRolePolicyDocument" in properties else []
        for document in documents:
            yield from (one for one in document["Statement"] if one["Effect"] == "Allow")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@SOURCES
def test_cfn_lint_has_nothing_to_say_of_a_source(name: str) -> None:
    for template in built(name):
        assert complaints(template) == []


@SOURCES
def test_a_second_handler_of_the_same_can_be_deployed_or_is_refused(name: str) -> None:
    app = App("demo")
    names = Names(app)
    add(app, name, "one", names)
    try:
        add(app, name, "two", names)
    except EventfwError as error:
        assert "is there already" in error.message
    else:
        assert every(app)


@SOURCES
def test_names_that_are_as_long_as_a_functions_can_be_are_taken_or_refused(name: str) -> None:
    app = App("a" * 20)
    add(app, name, "h" * 39)  # with the stage 64 characters
    try:
        templates = every(app)
    except EventfwError as error:
        assert "characters" in error.message
    else:
        assert [one for template in templates for one in complaints(template)] == []


@SOURCES
def test_a_blueprint_with_a_stack_of_its_own_can_be_deployed_or_is_refused(name: str) -> None:
    app, part = App("demo"), Blueprint("part")
    names = Names(app)
    names["app"] = part
    exec(f"{table.load(table.SOURCES[name]).example}\ndef handler(event): ...", names)
    app.mount(part, stack=True)
    try:
        templates = every(app)
    except EventfwError as error:
        assert "Mount the blueprint without stack=True" in error.message
    else:
        assert [one for template in templates for one in complaints(template)] == []


def test_cfn_lint_has_nothing_to_say_of_all_sources_in_one_app() -> None:
    app = together()
    main = deployed(app)
    assert complaints(main) == []
    made = [one["Properties"] for one in main["Resources"].values() if one["Type"] == "AWS::Lambda::Function"]
    names = {f"demo-dev-{function.name}" for function in app.functions.values() if not function.edge}
    assert names <= {one.get("FunctionName") for one in made}


@SOURCES
def test_the_page_says_so_where_the_embedded_aws_is_not_given_all(name: str) -> None:
    app, trigger = example(name)
    if trigger.edge or set(types(deployed(app))) <= set(types(local(app))):
        return
    page = DOCS / f"{table.SOURCES[name][0].rpartition('.')[2]}.md"
    section = page.read_text().partition("## Locally\n")[2].partition("\n## ")[0]
    assert "embedded AWS" in " ".join(section.split())


@SOURCES
def test_a_role_may_do_what_it_names_with_what_it_names(name: str) -> None:
    for statement in policies(name):
        actions = listed(statement["Action"])
        assert not [action for action in actions if "*" in action]
        if "*" in listed(statement.get("Resource")):
            assert set(actions) <= UNLIMITED.keys()


@SOURCES
def test_who_may_use_a_resource_or_assume_a_role_is_limited(name: str) -> None:
    for statement in policies(name):
        services = statement.get("Principal", {})
        if services and not (isinstance(services, dict) and set(listed(services.get("Service"))) <= TRUSTED):
            assert statement.get("Condition"), statement


@SOURCES
def test_a_permission_says_for_whom(name: str) -> None:
    for logical_id, kind, properties in resources(name):
        if kind == "AWS::Lambda::Permission":
            assert properties.keys() & LIMITS, logical_id
