"""Artifacts made by hand, an account of its own for every test, and clients that look at what was really made."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventfw.tools.build.artifacts import Artifacts, Asset, FunctionRef, Stack
from eventfw.tools.deploy.access import Access, Clients

_ACCOUNTS = itertools.count(100_000_000_000)
REGION = "eu-west-1"


class Lines:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str, style: str = "plain") -> None:
        self.lines.append(text)

    def step(self, key: str, text: str, state: str) -> None:
        self.lines.append(f"{state} {text}")

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture
def told() -> Lines:
    return Lines()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """An account nobody else uses: the embedded AWS takes it from a 12-digit access key."""
    number = str(next(_ACCOUNTS) + (hash(tmp_path) % 10_000_000) * 1000)
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", number)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return number


@pytest.fixture
def access(cloud_endpoint: str, account: str) -> Access:
    return Access(region=REGION, endpoint_url=cloud_endpoint)


@pytest.fixture
def clients(access: Access) -> Clients:
    return Clients(access)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Artifacts]:
    """``make(template, edge=..., code=...)``: artifacts of the app ``gallery``, stage ``dev``."""

    def made(
        template: dict[str, Any],
        *,
        edge: dict[str, Any] | None = None,
        code: bytes = b"PK code",
        app: str = "gallery",
        stage: str = "dev",
    ) -> Artifacts:
        digest = hashlib.sha256(code).hexdigest()
        (tmp_path / "assets").mkdir(exist_ok=True)
        (tmp_path / f"assets/{digest}.zip").write_bytes(code)
        text = json.dumps(template).replace("CODE_KEY", f"{app}/{digest}.zip")
        stacks = [Stack(f"{app}-{stage}", None, json.loads(text))]
        if edge is not None:
            stacks.insert(0, Stack(f"{app}-{stage}-edge", "us-east-1", edge))
        functions = [FunctionRef("order", "eventfw_entry.order", digest, f"{app}-{stage}")]
        return Artifacts(
            app=app,
            stage=stage,
            stacks=stacks,
            functions=functions,
            assets=[Asset(tmp_path / f"assets/{digest}.zip", digest, len(code))],
        )

    return made


@pytest.fixture
def template() -> dict[str, Any]:
    """A bucket that is data, a queue, and a role: the least that shows every behaviour."""
    bucket = {"Fn::Sub": "gallery-dev-uploads-${AWS::AccountId}-${AWS::Region}"}
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    return {
        "Resources": {
            "UploadsBucket": {
                "Type": "AWS::S3::Bucket",
                "DeletionPolicy": "RetainExceptOnCreate",
                "UpdateReplacePolicy": "Retain",
                "Properties": {"BucketName": bucket},
            },
            "OrdersQueue": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"QueueName": "gallery-dev-orders", "VisibilityTimeout": 60},
            },
            "OrderRole": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
        },
        "Outputs": {"AQueue": {"Value": {"Ref": "OrdersQueue"}}, "Url": {"Value": "https://gallery.example"}},
    }


@pytest.fixture
def s3(clients: Clients) -> Iterator[Any]:
    return clients.client("s3")
