"""What Lambda refuses of a function's settings is refused on the user's line, each alone and together."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from eventfw import App
from eventfw.errors import RegistrationError
from eventfw.function import Settings
from eventfw.rules.settings import CHECKS

ACCOUNT = "123456789012"
LAYER = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:tools:3"
KEY = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/12345678-90ab-cdef-1234-567890abcdef"
VPC = {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0123456789abcdef0"]}
MOUNT = {
    "arn": f"arn:aws:elasticfilesystem:eu-west-1:{ACCOUNT}:access-point/fsap-0123456789abcdef0",
    "local_mount_path": "/mnt/data",
}

RIGHT: list[tuple[str, list[Any]]] = [
    ("memory", [128, 10_240]),
    ("timeout", [1, 900]),
    ("environment", [{}, {"LEVEL": "1"}]),
    ("uses", [[], ()]),
    ("description", ["", "x" * 256]),
    ("tags", [{}, {"team": "photos", "cost centre": "a/b:c"}]),
    ("role", [f"arn:aws:iam::{ACCOUNT}:role/service-role/mine", f"arn:aws-cn:iam::{ACCOUNT}:role/mine"]),
    ("architecture", ["x86_64", "arm64"]),
    ("runtime", ["python3.11", "python3.14"]),
    ("layers", [[LAYER], [f"{LAYER}{number}" for number in range(5)]]),
    ("ephemeral_storage", [512, 10_240]),
    ("vpc", [VPC, {**VPC, "ipv6_allowed_for_dual_stack": True}]),
    ("reserved_concurrency", [0, 5]),
    ("provisioned_concurrency", [1]),
    ("snap_start", [True, False]),
    ("log_retention", [1, 3653]),
    ("log_format", ["Text", "JSON"]),
    ("tracing", ["Active", "PassThrough"]),
    ("dead_letter", [f"arn:aws:sqs:eu-west-1:{ACCOUNT}:dead", f"arn:aws:sns:eu-west-1:{ACCOUNT}:dead"]),
    ("on_success", [f"arn:aws:events:eu-west-1:{ACCOUNT}:event-bus/shop"]),
    ("on_failure", [f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:repair", "arn:aws:s3:::records"]),
    ("maximum_retry_attempts", [0, 2]),
    ("maximum_event_age", [60, 21_600]),
    ("kms_key", [KEY]),
    ("recursive_loop", ["Allow", "Terminate"]),
    ("durable", [{"execution_timeout": 31_622_400, "retention_period_in_days": 90, "kms_key_arn": KEY}]),
    ("tenant_isolation_mode", ["PER_TENANT"]),
]

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"memory": 127}, "memory must be 128 to 10240"),
    ({"memory": 10_241}, "memory must be 128 to 10240"),
    ({"timeout": 901}, "timeout must be 1 to 900"),
    ({"ephemeral_storage": 511}, "ephemeral_storage must be 512 to 10240"),
    ({"description": "x" * 257}, "at most 256 characters"),
    ({"tags": {"aws:x": "1"}}, "does not begin with 'aws:'"),
    ({"tags": {"a": "x" * 257}}, "a value has at most 256"),
    ({"tags": {"a": "<b>"}}, "use letters, digits, spaces"),
    ({"tags": {"a": 1}}, "must map strings to strings"),
    ({"tags": {str(number): "" for number in range(49)}}, "at most 48"),
    ({"role": "mine"}, "role must be the ARN of a role for function, not 'mine'"),
    ({"architecture": "arm"}, "Did you mean 'arm64'?"),
    ({"runtime": "python3.10"}, "runtime must be one of 'python3.11'"),
    ({"runtime": "python312"}, "Did you mean 'python3.12'?"),
    ({"layers": LAYER}, "a list of 1 to 5 different ARNs"),
    ({"layers": [LAYER, LAYER]}, "a list of 1 to 5 different ARNs"),
    ({"layers": [f"{LAYER}{number}" for number in range(6)]}, "a list of 1 to 5 different ARNs"),
    ({"layers": [LAYER.removesuffix(":3")]}, "layer:NAME:VERSION"),
    ({"layers": [["x"]]}, "must be the ARN of a layer"),
    ({"vpc": "vpc-1"}, "vpc must be a dict with subnet_ids, security_group_ids"),
    ({"vpc": {"subnet_ids": ["subnet-0a1b2c3d"]}}, "vpc needs security_group_ids"),
    ({"vpc": {**VPC, "subnets": []}}, "Did you mean 'subnet_ids'?"),
    ({"vpc": {**VPC, "subnet_ids": []}}, "a list of 1 to 16 subnet_ids"),
    ({"vpc": {**VPC, "security_group_ids": ["sg-0a1b2c3d"] * 6}}, "a list of 1 to 5 security_group_ids"),
    ({"vpc": {**VPC, "security_group_ids": ["web"]}}, "such as 'sg-0a1b2c3d' for function, not 'web'"),
    ({"vpc": {**VPC, "ipv6_allowed_for_dual_stack": 1}}, "ipv6_allowed_for_dual_stack must be True or False"),
    ({"file_system": {**MOUNT, "arn": "fsap-1"}, "vpc": VPC}, "must be the ARN of an EFS access point"),
    ({"file_system": {**MOUNT, "local_mount_path": "/data"}, "vpc": VPC}, "Write /mnt/data"),
    ({"file_system": {**MOUNT, "local_mount_path": "/mnt/a/b"}, "vpc": VPC}, "/mnt/ and one name"),
    ({"reserved_concurrency": -1}, "reserved_concurrency must be 0 to"),
    ({"provisioned_concurrency": 0}, "provisioned_concurrency must be 1 to"),
    ({"snap_start": "yes"}, "snap_start must be True or False"),
    ({"log_retention": 31}, "log_retention must be one of 1, 3, 5"),
    ({"log_format": "json"}, "log_format must be one of 'Text', 'JSON'"),
    ({"tracing": "active"}, "Did you mean 'Active'?"),
    ({"dead_letter": "orders"}, "dead_letter must be one of queue, topic"),
    ({"dead_letter": "arn:aws:s3:::records"}, "dead_letter must be one of queue, topic"),
    ({"dead_letter": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:a.fifo"}, "dead_letter must not be FIFO"),
    ({"on_success": "arn:aws:s3:::records"}, "on_success must be one of queue, topic, event bus, function for"),
    ({"on_failure": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:a.fifo"}, "Use a standard queue"),
    ({"on_failure": 5}, "queue, topic, event bus, function, bucket"),
    ({"maximum_retry_attempts": 3}, "maximum_retry_attempts must be 0 to 2"),
    ({"maximum_event_age": 59}, "maximum_event_age must be 60 to 21600"),
    ({"kms_key": "alias/mine"}, "kms_key must be the ARN of a KMS key"),
    ({"recursive_loop": "Stop"}, "recursive_loop must be one of 'Allow', 'Terminate'"),
    ({"durable": True}, "durable must be a dict with execution_timeout"),
    ({"durable": {"retention_period_in_days": 1}}, "durable needs execution_timeout"),
    ({"durable": {"execution_timeout": 31_622_401}}, "durable.execution_timeout must be 1 to 31622400"),
    ({"durable": {"execution_timeout": 1, "retention_period_in_days": 91}}, "must be 1 to 90"),
    ({"durable": {"execution_timeout": 1, "kms_key_arn": "x"}}, "durable.kms_key_arn must be the ARN"),
    ({"tenant_isolation_mode": "per_tenant"}, "must be one of 'PER_TENANT'"),
    # Together.
    ({"provisioned_concurrency": 6, "reserved_concurrency": 5}, "at most reserved_concurrency, 5, not 6"),
    ({"provisioned_concurrency": 1, "reserved_concurrency": 0}, "at most reserved_concurrency, 0, not 1"),
    ({"file_system": MOUNT}, "file_system needs vpc"),
    ({"application_log_level": "INFO"}, "application_log_level needs log_format='JSON'"),
    ({"system_log_level": "WARN", "log_format": "Text"}, "system_log_level needs log_format='JSON'"),
    ({"snap_start": True, "provisioned_concurrency": 1}, "no snap_start together with provisioned_concurrency"),
    ({"snap_start": True, "file_system": MOUNT, "vpc": VPC}, "no snap_start together with file_system"),
    ({"snap_start": True, "ephemeral_storage": 513}, "snap_start needs ephemeral_storage of 512 MB, not 513"),
    ({"snap_start": True, "runtime": "python3.11"}, "snap_start needs Python 3.12 or later, not 3.11"),
    ({"durable": {"execution_timeout": 1}, "runtime": "python3.12"}, "durable needs Python 3.13 or later"),
    ({"tenant_isolation_mode": "PER_TENANT", "snap_start": True}, "no tenant_isolation_mode together with snap_start"),
    ({"tenant_isolation_mode": "PER_TENANT", "provisioned_concurrency": 1}, "together with provisioned_concurrency"),
]


def test_every_option_has_its_check_and_right_values() -> None:
    options = set(inspect.signature(Settings).parameters) - {"name"}
    assert options == set(CHECKS)
    together = {"file_system", "application_log_level", "system_log_level"}
    assert {option for option, _ in RIGHT} == options - together


@pytest.mark.parametrize(("option", "values"), RIGHT)
def test_what_lambda_takes_is_taken(option: str, values: list[Any]) -> None:
    for value in values:
        assert Settings(**{option: value}).said == {option: value}


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_what_lambda_refuses_is_refused_on_the_users_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        App("shop").function(**options)
    assert said in caught.value.message
    assert "test_settings.py:" in caught.value.place


@pytest.mark.parametrize(
    "options",
    [
        {"file_system": MOUNT, "vpc": VPC},
        {"log_format": "JSON", "application_log_level": "TRACE", "system_log_level": "DEBUG"},
        {"provisioned_concurrency": 5, "reserved_concurrency": 5},
        {"snap_start": False, "provisioned_concurrency": 1, "ephemeral_storage": 600, "runtime": "python3.11"},
        {"snap_start": True, "ephemeral_storage": 512, "runtime": "python3.12"},
    ],
)
def test_what_lambda_takes_together_is_taken(options: dict[str, Any]) -> None:
    assert Settings(**options).said == options


def test_a_resource_of_the_wrong_kind_is_no_destination() -> None:
    app = App("shop")
    orders, ordered, uploads = app.queue("orders"), app.queue("ordered", fifo=True), app.bucket("uploads")
    app.function(dead_letter=orders, on_success=app.topic("news"), on_failure=uploads)
    for options, said in [
        ({"dead_letter": uploads}, "dead_letter must be one of queue, topic"),
        ({"on_success": uploads}, "on_success must be one of"),
        ({"on_failure": app.log_group("audit")}, "on_failure must be one of"),
        ({"dead_letter": ordered}, "dead_letter must not be FIFO"),
        ({"on_failure": app.topic("sorted", fifo=True)}, "Use a standard topic"),
        ({"dead_letter": orders.send}, "dead_letter must be one of queue, topic"),
    ]:
        with pytest.raises(RegistrationError) as caught:
            app.function(**options)  # type: ignore[arg-type]
        assert said in caught.value.message
