"""What Lambda and CloudFront refuse of a function, by what runs it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from eventfw import App
from eventfw.errors import RegistrationError
from eventfw.function import Settings
from eventfw.rules.function import NOT_AT_THE_EDGE

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/1"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"
VPC = {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]}
MOUNT = {
    "arn": f"arn:aws:elasticfilesystem:us-east-1:{ACCOUNT}:access-point/fsap-0123456789abcdef0",
    "local_mount_path": "/mnt/data",
}
AT_THE_EDGE: list[dict[str, Any]] = [
    {"environment": {"AB": "c"}},
    {"uses": "grant"},
    {"layers": [f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:tools:3"]},
    {"vpc": VPC},
    {"vpc": VPC, "file_system": MOUNT},
    {"provisioned_concurrency": 1},
    {"snap_start": True},
    {"tracing": "Active"},
    {"kms_key": KEY},
    {"runtime": "python3.12"},
    {"durable": {"execution_timeout": 60}},
    {"tenant_isolation_mode": "PER_TENANT"},
    {"dead_letter": QUEUE},
    {"on_success": QUEUE},
    {"on_failure": QUEUE},
    {"maximum_retry_attempts": 1},
    {"maximum_event_age": 60},
    {"recursive_loop": "Allow"},
    {"timeout": 31},
    {"ephemeral_storage": 513},
    {"log_retention": 7},
    {"architecture": "arm64"},
]


def home(event: Any) -> Any: ...


@pytest.mark.parametrize("options", AT_THE_EDGE, ids=lambda options: "+".join(options))
def test_what_the_edge_does_not_have_is_refused_with_the_remedy(options: dict[str, Any]) -> None:
    app = App("shop")
    if "uses" in options:
        options = {"uses": [app.queue("orders").send]}
    app.edge_viewer_request("site")(app.function(**options)(home))
    with pytest.raises(RegistrationError, match="'home' runs at the edge: ") as caught:
        _ = app.functions
    assert any(word in caught.value.message for word in ("Remove ", "Lower it"))
    assert "test_function.py:" in caught.value.place


def test_every_option_is_either_refused_at_the_edge_or_known_to_be_there() -> None:
    refused = {option for options in AT_THE_EDGE for option in options}
    there = {"name", "memory", "description", "tags", "role", "reserved_concurrency"}
    there |= {"log_format", "application_log_level", "system_log_level"}
    assert refused | there == set(inspect.signature(Settings).parameters)
    assert set(NOT_AT_THE_EDGE) < refused


def test_the_edge_has_the_rest() -> None:
    app = App("shop")
    role = f"arn:aws:iam::{ACCOUNT}:role/edge"
    options: dict[str, Any] = {"role": role, "tags": {"a": "b"}, "description": "x", "reserved_concurrency": 5}
    options |= {"ephemeral_storage": 512, "log_retention": 30, "architecture": "x86_64", "snap_start": False}
    options |= {"log_format": "JSON", "application_log_level": "WARN", "system_log_level": "WARN"}
    app.edge_viewer_request("site")(app.function(**options)(home))
    assert app.functions["home"].edge


@pytest.mark.parametrize(
    "options", [{"durable": {"execution_timeout": 60}}, {"tenant_isolation_mode": "PER_TENANT"}], ids=str
)
def test_only_direct_invocation_knows_tenants_and_durable_executions(options: dict[str, Any]) -> None:
    app = App("shop")
    app.function(**options)(home)
    assert app.functions["home"].said == options
    app = App("shop")
    app.http("/")(app.function(**options)(home))
    with pytest.raises(RegistrationError, match=r"cannot also have @app.http: .*Remove one of them") as caught:
        _ = app.functions
    assert "test_function.py:" in caught.value.place
