"""A Lambda function's resources: the function, its role with exactly what it needs, its log group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventfw.errors import BuildError, EventfwError
from eventfw.resources.names import pascal
from eventfw.rules.function import outdated
from eventfw.rules.settings import ENVIRONMENT_LIMIT, X86_64, check_environment
from eventfw.tools.build.configuration import allowed, conditioned, everywhere, logging, on_aws
from eventfw.tools.build.published import add_asynchronous, add_published, digest_of
from eventfw.tools.build.template import role_properties

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.tools.build.template import Template
    from eventfw.tools.project import Stage

NAME_MAX = 64
EDGE_REGION = "us-east-1"
EMBEDDED_LOGS = "/eventfw/embedded-aws"  # what the embedded AWS itself writes of events that it posts: Lambda is ours


@dataclass(frozen=True)
class Code:
    """Where a function's code is, and what runs it."""

    runtime: str
    handler: str
    code: dict[str, Any]
    sha256: str = ""


def code_in_bucket(app: str, sha256: str) -> dict[str, Any]:
    """The code's place in the bucket that ``deploy`` makes for each account and region."""
    return {"S3Bucket": {"Fn::Sub": "eventfw-${AWS::AccountId}-${AWS::Region}"}, "S3Key": f"{app}/{sha256}.zip"}


def add_function(template: Template, function: Function, code: Code, stage: Stage) -> None:
    """Add a function of the main stack, or of a blueprint's, with its log group, its role and what it publishes."""
    name = checked_name(template, function)
    group = template.add(
        pascal(function.name) + "LogGroup",
        "AWS::Logs::LogGroup",
        {"LogGroupName": f"/aws/lambda/{name}", "RetentionInDays": function.said.get("log_retention", 30)},
    )
    role = function.said.get("role")
    if role is None or template.local:
        role = own_role(template, function, name, group)
    properties = {
        **function_properties(function, name, code, role),
        "LoggingConfig": {"LogGroup": EMBEDDED_LOGS if template.local else {"Ref": group}, **logging(function)},
    }
    variables = environment_of(template, function, stage)
    if variables:
        properties["Environment"] = {"Variables": variables}
    template.add(template.function_id(function), "AWS::Lambda::Function", properties)
    if not template.local:
        refuse_outdated(function, code)
        properties.update(on_aws(template, function))
    if function.name in template.published:
        add_published(template, function, properties)
    if not template.local:  # there, the local server does it
        add_asynchronous(template, function)


def own_role(template: Template, function: Function, name: str, group: str) -> Any:
    """The ARN of a role that may do what the function's grants, triggers and settings need, and nothing else."""
    statements = [(["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::GetAtt": [group, "Arn"]}])]
    for grant in function.uses:
        statements.extend(grant.statements(template))
    for handler in function.handlers:
        for trigger in handler.triggers:
            statements.extend(trigger.statements(template))
    more: list[dict[str, Any]] = []
    if not template.local:
        statements.extend(allowed(template, function, name))
        more = conditioned(function, name)
    properties = role_properties(statements, ["lambda.amazonaws.com"])
    properties["Policies"][0]["PolicyDocument"]["Statement"].extend(more)
    role = template.add(pascal(function.name) + "Role", "AWS::IAM::Role", properties)
    return {"Fn::GetAtt": [role, "Arn"]}


def refuse_outdated(function: Function, code: Code) -> None:
    """Refuse what the Python that the function will run on does not have."""
    for fault in outdated(function.said, code.runtime.removeprefix("python")):
        raise BuildError(f"Function {function.name!r}: {fault}", place=function.settings.place or function.place)


def add_edge_function(template: Template, function: Function, code: Code) -> None:
    """Add a Lambda@Edge function with the version that a distribution runs.

    It logs in the region it runs in, to a group that Lambda@Edge names after us-east-1. The version's logical id
    carries a hash of code and settings: a change of either is a new version, and old ones stay, because a distribution
    may still run them.
    """
    name = checked_name(template, function)
    base = pascal(function.name)
    role = function.said.get("role")
    if role is None:
        # CreateLogGroup too is authorized against an ARN with a part behind the group's name.
        group = f"arn:${{AWS::Partition}}:logs:*:${{AWS::AccountId}}:log-group:/aws/lambda/{EDGE_REGION}.{name}:*"
        statements = [(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::Sub": group}])]
        trusted = ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]
        template.add(base + "Role", "AWS::IAM::Role", role_properties(statements, trusted))
        role = {"Fn::GetAtt": [base + "Role", "Arn"]}
    properties = function_properties(function, name, code, role)
    if logging(function):
        properties["LoggingConfig"] = logging(function)
    template.add(template.function_id(function), "AWS::Lambda::Function", properties)
    digest = digest_of(properties)
    version = {"FunctionName": {"Ref": template.function_id(function)}}
    template.add(f"{base}Version{digest[:8]}", "AWS::Lambda::Version", version, keep_old=True)
    template.versions[function.name] = digest


def function_properties(function: Function, name: str, code: Code, role: Any) -> dict[str, Any]:
    """What every function has."""
    return {
        "FunctionName": name,
        "Handler": code.handler,
        "Runtime": code.runtime,
        "Architectures": [X86_64],
        "Role": role,
        "Code": code.code,
        **everywhere(function),
    }


def environment_of(template: Template, function: Function, stage: Stage) -> dict[str, Any]:
    """The function's variables, the stage's, and the real names of what it uses."""
    try:
        own = stage.functions.get(function.name, {}).get("environment", {})
        plain = {**function.environment, **stage.environment, **own}
        check_environment("environment", plain)
    except EventfwError as error:
        raise BuildError(error.message, place=function.settings.place or function.place) from None
    resources = {grant.resource.variable: grant.resource for grant in function.uses}
    variables = {**plain, **{name: resource.reference(template) for name, resource in sorted(resources.items())}}
    size = sum(len(name.encode()) + least_length(value) for name, value in variables.items())
    if size > ENVIRONMENT_LIMIT:
        raise BuildError(
            f"The environment of {function.name!r} has at least {size} bytes with the names of what it uses, over "
            f"Lambda's {ENVIRONMENT_LIMIT}. Use SSM or S3 for some of it.",
            place=function.settings.place or function.place,
        )
    return variables


def least_length(value: Any) -> int:
    """How many bytes a variable's value will have at the least: a queue's URL is known only once it is there."""
    if isinstance(value, str):
        return len(value.encode())
    return max(60, len(str(value.get("Fn::Sub", ""))) - len("${AWS::Region}"))


def checked_name(template: Template, function: Function) -> str:
    """The function's real name, within Lambda's limit."""
    name = template.physical(function.name)
    if len(name) > NAME_MAX:
        raise BuildError(
            f"The function name {name!r} is longer than Lambda's {NAME_MAX} characters. Shorten the app's, the stage's "
            f"or the function's name.",
            place=function.place,
        )
    return name
