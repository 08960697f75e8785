"""Notifications of buckets that the app does not own: a custom resource of the stack merges them in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventfw.resources.names import pascal
from eventfw.tools.build import bucket_notification

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.resources.bucket import Bucket
    from eventfw.tools.build.template import Template

BASE = "EventfwNotifications"
TIMEOUT = 180  # seconds: a young role is tried for 40, a conflict as long as it takes
LOG_DAYS = 30
ACTIONS = ["s3:GetBucketNotification", "s3:PutBucketNotification"]


def notify(
    template: Template,
    bucket: Bucket,
    function: Function,
    notifications: list[dict[str, Any]],
    *,
    after: str = "",
    eventbridge: bool = False,
) -> None:
    """Have the stack add ``notifications`` to those of a bucket that it does not own.

    One custom resource a bucket and one function a stack. ``after`` is the permission that S3 looks for.
    """
    if not template.holds(BASE + "Function"):
        _add_function(template, template.properties(template.function_id(function)).get("Runtime", "python3.13"))
    logical_id = pascal(bucket.key) + "BucketNotifications"
    if not template.holds(logical_id):
        _add_resource(template, bucket, logical_id)
    properties = template.properties(logical_id)
    properties["Notifications"] += notifications
    if eventbridge:
        properties["EventBridge"] = "true"
    if after:
        template.depend(logical_id, after)


def _add_resource(template: Template, bucket: Bucket, logical_id: str) -> None:
    """The custom resource of a bucket, and leave for the function to change that bucket's notifications. It is a policy
    of its own, for the resource to wait for: when both go, the resource goes first, and needs it once more."""
    statement = {"Effect": "Allow", "Action": ACTIONS, "Resource": [bucket.arn_in(template)]}
    policy = {
        "PolicyName": logical_id,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "Roles": [{"Ref": BASE + "Role"}],
    }
    template.add(logical_id + "Policy", "AWS::IAM::Policy", policy)
    properties = {
        "ServiceToken": {"Fn::GetAtt": [BASE + "Function", "Arn"]},
        "ServiceTimeout": TIMEOUT + 60,
        "Bucket": bucket.reference(template),
        "Owner": {"Ref": "AWS::AccountId"},
        "EventBridge": "false",
        "Notifications": [],
    }
    template.add(logical_id, "Custom::BucketNotifications", properties, depends_on=[logical_id + "Policy"])


def _add_function(template: Template, runtime: str) -> None:
    """The function that the custom resources run, its log group and its role."""
    group = template.add(BASE + "LogGroup", "AWS::Logs::LogGroup", {"RetentionInDays": LOG_DAYS})
    logs = (["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::GetAtt": [group, "Arn"]}])
    role = template.role(BASE + "Role", "lambda.amazonaws.com", [logs])
    properties = {
        "Description": "eventfw: notifications of buckets that the stack does not own",
        "Handler": "index.handler",
        "Runtime": runtime,
        "Architectures": ["x86_64"],
        "MemorySize": 256,
        "Timeout": TIMEOUT,
        "Role": {"Fn::GetAtt": [role, "Arn"]},
        "Code": {"ZipFile": Path(bucket_notification.__file__).read_text("utf-8")},
        "LoggingConfig": {"LogGroup": {"Ref": group}},
    }
    template.add(BASE + "Function", "AWS::Lambda::Function", properties)
