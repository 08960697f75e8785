"""Fixtures for every test."""

from __future__ import annotations

import asyncio
import compileall
import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import eventfw


def pytest_configure(config: pytest.Config) -> None:
    """Compile eventfw once: the hundreds of processes that the tests start would each do it, where none may write."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(eventfw.__file__).parent, quiet=1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Thousands of tests are collected and stay: the garbage collector would look through them again and again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a module's tests in one worker, so that what they share is made once, unless it is marked ``spread``.

    To hand out thousands of tests one by one also costs the distributor more than most of them take.
    """
    for item in items:
        if item.get_closest_marker("spread") is None and item.get_closest_marker("xdist_group") is None:
            module = item.nodeid.partition("::")[0].removeprefix("tests/").removesuffix(".py")
            item.add_marker(pytest.mark.xdist_group(module))


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test can reach a real AWS account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def descriptions() -> Iterator[None]:
    """AWS's descriptions of its services are read once, and not by each of the hundreds of sessions that tests make."""
    from botocore import loaders, session

    with pytest.MonkeyPatch.context() as patch:
        shared = loaders.create_loader()
        patch.setattr(session, "create_loader", lambda path=None: loaders.create_loader(path) if path else shared)
        yield


@pytest.fixture(scope="session")
def cloud_endpoint(descriptions: None) -> Iterator[str]:
    """An embedded AWS for the whole run: its own address, without the door."""
    from eventfw.tools.local.cloud.embedded import Cloud, free_port

    cloud = Cloud(free_port())
    asyncio.run(cloud.start())
    yield cloud.endpoint_url
    asyncio.run(cloud.stop())
