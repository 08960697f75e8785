"""What a function's settings become in a template: properties of the function, and what its role may do for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventfw.rules.settings import TARGETS, X86_64

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.tools.build.template import Template

Statement = dict[str, Any]
TARGET_GRANTS = {  # the grant that lets Lambda send to a resource, by the resource's type
    "queue": "send",
    "topic": "publish",
    "event_bus": "put_events",
    "lambda_function": "invoke",
    "bucket": "write",
}
TARGET_ACTIONS = {  # and the actions, for an ARN
    "queue": ["sqs:SendMessage"],
    "topic": ["sns:Publish"],
    "event_bus": ["events:PutEvents"],
    "lambda_function": ["lambda:InvokeFunction"],
    "bucket": ["s3:PutObject"],
}
INTERFACES = [  # what Lambda itself does in EC2 with the function's role
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
]


def everywhere(function: Function) -> dict[str, Any]:
    """Properties of any function, local ones too."""
    said = function.said
    properties: dict[str, Any] = {"MemorySize": function.memory, "Timeout": function.timeout}
    if "description" in said:
        properties["Description"] = said["description"]
    if "reserved_concurrency" in said:
        properties["ReservedConcurrentExecutions"] = said["reserved_concurrency"]
    if "ephemeral_storage" in said:
        properties["EphemeralStorage"] = {"Size": said["ephemeral_storage"]}
    if "tags" in said:
        properties["Tags"] = [{"Key": key, "Value": value} for key, value in sorted(said["tags"].items())]
    return properties


def on_aws(template: Template, function: Function) -> dict[str, Any]:
    """Properties that name what is only there in an account, or that the embedded AWS does not have."""
    said = function.said
    properties: dict[str, Any] = {"Architectures": [said.get("architecture", X86_64)]}
    if "layers" in said:
        properties["Layers"] = list(said["layers"])
    if "vpc" in said:
        properties["VpcConfig"] = network(said["vpc"])
    if "file_system" in said:
        mount = said["file_system"]
        properties["FileSystemConfigs"] = [{"Arn": mount["arn"], "LocalMountPath": mount["local_mount_path"]}]
    if said.get("snap_start"):
        properties["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    if "tracing" in said:
        properties["TracingConfig"] = {"Mode": said["tracing"]}
    if "dead_letter" in said:
        properties["DeadLetterConfig"] = {"TargetArn": target_arn(template, said["dead_letter"])}
    if "kms_key" in said:
        properties["KmsKeyArn"] = said["kms_key"]
    if "recursive_loop" in said:
        properties["RecursiveLoop"] = said["recursive_loop"]
    if "durable" in said:
        properties["DurableConfig"] = durable(said["durable"])
    if "tenant_isolation_mode" in said:
        properties["TenancyConfig"] = {"TenantIsolationMode": said["tenant_isolation_mode"]}
    return properties


def network(vpc: dict[str, Any]) -> dict[str, Any]:
    """``VpcConfig``."""
    config: dict[str, Any] = {
        "SubnetIds": list(vpc["subnet_ids"]),
        "SecurityGroupIds": list(vpc["security_group_ids"]),
    }
    if "ipv6_allowed_for_dual_stack" in vpc:
        config["Ipv6AllowedForDualStack"] = vpc["ipv6_allowed_for_dual_stack"]
    return config


def durable(said: dict[str, Any]) -> dict[str, Any]:
    """``DurableConfig``."""
    names = {
        "execution_timeout": "ExecutionTimeout",
        "retention_period_in_days": "RetentionPeriodInDays",
        "kms_key_arn": "KMSKeyArn",
    }
    return {names[key]: value for key, value in said.items()}


def logging(function: Function) -> dict[str, Any]:
    """What ``LoggingConfig`` says beside the log group."""
    names = {
        "log_format": "LogFormat",
        "application_log_level": "ApplicationLogLevel",
        "system_log_level": "SystemLogLevel",
    }
    return {names[option]: function.said[option] for option in names if option in function.said}


def target_arn(template: Template, target: Any) -> Any:
    """The ARN of a queue, topic... that Lambda sends to."""
    return target if isinstance(target, str) else target.arn_in(template)


def allowed(template: Template, function: Function, name: str) -> list[tuple[list[str], list[Any]]]:
    """What the role may do so that the settings work: ``(actions, ARNs)``."""
    said = function.said
    statements: list[tuple[list[str], list[Any]]] = []
    for option in ("dead_letter", "on_success", "on_failure"):
        if option in said:
            statements += sending(template, said[option])
    if said.get("tracing") == "Active":
        statements.append((["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"]))  # X-Ray has no resources
    if "durable" in said:
        own = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{name}:*"
        actions = ["lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"]
        statements.append((actions, [{"Fn::Sub": own}]))
    return statements


def sending(template: Template, target: Any) -> list[tuple[list[str], list[Any]]]:
    """What Lambda does at a dead-letter queue or a destination, with the function's role."""
    type_ = TARGETS[target.split(":")[2]] if isinstance(target, str) else target.type
    arn = target_arn(template, target)
    listing = [(["s3:ListBucket"], [arn])] if type_ == "bucket" else []
    if not isinstance(target, str):
        return [*getattr(target, TARGET_GRANTS[type_]).statements(template), *listing]
    return [(TARGET_ACTIONS[type_], [arn + "/*" if type_ == "bucket" else arn]), *listing]


def conditioned(function: Function, name: str) -> list[Statement]:
    """Statements of the role that have conditions, or forbid."""
    statements: list[Statement] = []
    if "vpc" in function.said:
        statements += interfaces(name)
    if "file_system" in function.said:
        point = function.said["file_system"]["arn"]
        actions = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        statements.append(
            {
                "Effect": "Allow",
                "Action": actions,
                "Resource": [point.partition(":access-point/")[0] + ":file-system/*"],
                "Condition": {"StringEquals": {"elasticfilesystem:AccessPointArn": point}},
            }
        )
    return statements


def interfaces(name: str) -> list[Statement]:
    """Leave for Lambda, and not for the function's own code, to make network interfaces.

    EC2 describes everything or nothing; Lambda asks for the rest before it knows the interface. Shared subnets are
    another account's. https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    describing = [action for action in INTERFACES if ":Describe" in action]
    making = [action for action in INTERFACES if ":Describe" not in action]
    own = f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{name}"
    return [
        {"Effect": "Allow", "Action": describing, "Resource": ["*"]},
        {
            "Effect": "Allow",
            "Action": making,
            "Resource": [{"Fn::Sub": "arn:${AWS::Partition}:ec2:${AWS::Region}:*:*/*"}],
        },
        {
            "Effect": "Deny",
            "Action": INTERFACES,
            "Resource": ["*"],
            "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::Sub": own}}},
        },
    ]
