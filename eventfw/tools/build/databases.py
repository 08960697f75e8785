"""Roles of databases that the app does not own: a custom resource of the stack associates them."""

from __future__ import annotations

from inspect import getsource
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventfw.tools.build import bucket_notification, database_role

if TYPE_CHECKING:
    from eventfw.tools.build.template import Template

BASE = "EventfwDatabaseRoles"
TIMEOUT = 600  # seconds: a database takes one change at a time, and each some minutes
LOG_DAYS = 30
RUNTIME = "python3.13"  # it needs boto3 and nothing of the app's
ACTIONS = {
    "cluster": ["rds:AddRoleToDBCluster", "rds:DescribeDBClusters", "rds:RemoveRoleFromDBCluster"],
    "db": ["rds:AddRoleToDBInstance", "rds:DescribeDBInstances", "rds:RemoveRoleFromDBInstance"],
}


def associate(template: Template, role: str, kind: str, database: str, arn: Any) -> None:
    """Have the stack associate a ``role`` of its own with a database, a ``cluster`` or an instance (``db``), for the
    feature ``Lambda``. One custom resource a database, and one function a stack."""
    if not template.holds(BASE + "Function"):
        _add_function(template)
    logical_id = role.removesuffix("Role") + "Association"
    passing = {"StringEquals": {"iam:PassedToService": "rds.amazonaws.com"}}
    role_arn = {"Fn::GetAtt": [role, "Arn"]}
    statements: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ACTIONS[kind], "Resource": [arn]},
        {"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": [role_arn], "Condition": passing},
    ]
    policy = {
        "PolicyName": logical_id,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
        "Roles": [{"Ref": BASE + "Role"}],
    }
    # A policy of its own, for the resource to wait for: when both go, the resource goes first, and needs it once more.
    template.add(logical_id + "Policy", "AWS::IAM::Policy", policy)
    properties = {
        "ServiceToken": {"Fn::GetAtt": [BASE + "Function", "Arn"]},
        "ServiceTimeout": TIMEOUT + 60,
        "Kind": kind,
        "Database": database,
        "Role": role_arn,
    }
    template.add(logical_id, "Custom::DatabaseRole", properties, depends_on=[logical_id + "Policy"])


def code() -> str:
    """The function's ``index.py``: its module, with what that imports of another written out."""
    text = Path(database_role.__file__).read_text("utf-8")
    names = ("ANSWERS_BEFORE", "NOTHING", "REASON_MAX")
    line = f"from {bucket_notification.__name__} import {', '.join(names)}, Answer\n"
    before, after = text.split(line)
    shared = [f"{name} = {getattr(bucket_notification, name)!r}" for name in names]
    return "\n".join([before, "import json", "import urllib.request", "", *shared, "", ""]) + (
        f"\n{getsource(bucket_notification.Answer)}\n{after}"
    )


def _add_function(template: Template) -> None:
    """The function that the custom resources run, its log group and its role."""
    group = template.add(BASE + "LogGroup", "AWS::Logs::LogGroup", {"RetentionInDays": LOG_DAYS})
    logs = (["logs:CreateLogStream", "logs:PutLogEvents"], [{"Fn::GetAtt": [group, "Arn"]}])
    role = template.role(BASE + "Role", "lambda.amazonaws.com", [logs])
    properties = {
        "Description": "eventfw: roles of databases that the stack does not own",
        "Handler": "index.handler",
        "Runtime": RUNTIME,
        "Architectures": ["x86_64"],
        "MemorySize": 256,
        "Timeout": TIMEOUT,
        "Role": {"Fn::GetAtt": [role, "Arn"]},
        "Code": {"ZipFile": code()},
        "LoggingConfig": {"LogGroup": {"Ref": group}},
    }
    template.add(BASE + "Function", "AWS::Lambda::Function", properties)
