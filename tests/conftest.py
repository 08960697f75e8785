"""Fixtures for every test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach a real AWS account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def cloud_endpoint() -> Iterator[str]:
    """An embedded AWS for the whole run: its own address, without the door."""
    from eventfw.tools.local.cloud.embedded import Cloud, free_port

    cloud = Cloud(free_port())
    asyncio.run(cloud.start())
    yield cloud.endpoint_url
    asyncio.run(cloud.stop())
