"""Code expires only when no stack of the app names it and none may need it to go back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from eventfw.tools.build.artifacts import Artifacts
from eventfw.tools.deploy import unused
from eventfw.tools.deploy.access import Access, Clients
from eventfw.tools.deploy.bucket import CodeBucket
from eventfw.tools.deploy.deploy import deploy
from eventfw.tools.deploy.destroy import destroy

Make = Callable[..., Artifacts]
NAMES_CODE: dict[str, Any] = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "CODE_KEY"}}}
}


@pytest.fixture
def states(clients: Clients, account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """``states()``: the tag of each of the app's zips; code counts as old at once."""
    monkeypatch.setattr(unused, "_SETTLING", timedelta(0))
    bucket, s3 = {"Bucket": f"eventfw-{account}-eu-west-1"}, clients.client("s3")

    def found() -> list[str]:
        keys = [item["Key"] for item in s3.list_objects_v2(**bucket)["Contents"]]
        return sorted(s3.get_object_tagging(**bucket, Key=key)["TagSet"][0]["Value"] for key in keys)

    return found


def test_code_expires_when_no_stage_uses_it(make: Make, access: Access, states: Callable[[], list[str]]) -> None:
    deploy(make(NAMES_CODE, code=b"PK 1"), access=access)
    deploy(make(NAMES_CODE, code=b"PK 1", stage="prod"), access=access)
    deploy(make(NAMES_CODE, code=b"PK 2"), access=access)
    assert states() == ["used", "used"]
    deploy(make(NAMES_CODE, code=b"PK 2", stage="prod"), access=access)
    assert states() == ["unused", "used"]
    destroy("gallery", "dev", access=access)
    destroy("gallery", "prod", access=access)
    assert states() == ["unused", "unused"]


def test_while_a_stack_may_go_back_no_code_expires(
    make: Make, access: Access, clients: Clients, states: Callable[[], list[str]], told: Any, monkeypatch: Any
) -> None:
    real = unused.stacks_of

    def busy(clients: Clients, app: str, region: str) -> list[Any]:
        return [replace(stack, status="UPDATE_IN_PROGRESS") for stack in real(clients, app, region)]

    monkeypatch.setattr(unused, "stacks_of", busy)
    deploy(make(NAMES_CODE, code=b"PK 1"), access=access)
    deploy(make(NAMES_CODE, code=b"PK 2"), access=access)
    assert states() == ["used", "used"]

    monkeypatch.setattr(unused, "stacks_of", real)
    assert unused.tag_unused(clients, CodeBucket(clients, "eu-west-1", told), "gallery") == 1
