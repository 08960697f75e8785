"""The child that puts the app's stack into the embedded AWS: what it reports, and what it may see."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from live import write

from eventfw.errors import DeployError
from eventfw.tools.local.cloud.infrastructure import Order, applied
from eventfw.tools.local.workers.variables import Place, of_tool


def order(folder: Path, endpoint: str) -> Order:
    return Order(str(folder), None, endpoint, endpoint, "us-east-1", f"{endpoint}/_eventfw/push/token")


def apply(folder: Path, endpoint: str) -> dict[str, Any]:
    return asyncio.run(applied(order(folder, endpoint)))


APP = """
    import boto3
    from eventfw import App

    boto3.client("s3")  # at import, as many apps do: it takes a region
    print("hello from the import")
    app = App("infrastructure")
    app.queue("infrastructure-jobs")
"""


def test_a_stack_is_made_once_and_then_is_as_it_was(tmp_path: Path, cloud_endpoint: str) -> None:
    write(tmp_path / "app.py", APP)
    assert apply(tmp_path, cloud_endpoint)["changed"] is True
    assert apply(tmp_path, cloud_endpoint)["changed"] is False


def test_an_app_for_the_edge_alone_deploys_nothing(tmp_path: Path) -> None:
    edge = """
        from eventfw import App

        app = App("edge")


        @app.edge_viewer_request("site")
        def pass_on(request):
            return request
    """
    write(tmp_path / "app.py", edge)
    assert apply(tmp_path, "http://127.0.0.1:9") == {
        "changed": False,
        "resources": 0,
        "names": {},
        "lambda": {"mappings": [], "destinations": {}, "subscriptions": []},
    }


@pytest.mark.parametrize(
    ("source", "place", "says"),
    [
        ("raise RuntimeError('no database')\n", "app.py:1", "no database"),
        ("from eventfw import App\napp = App('a')\napp.queue('no spaces')\n", "app.py:3", "no spaces"),
    ],
)
def test_an_error_of_the_app_has_its_place(tmp_path: Path, source: str, place: str, says: str) -> None:
    write(tmp_path / "app.py", source)
    with pytest.raises(DeployError, match=says) as caught:
        apply(tmp_path, "http://127.0.0.1:9")
    assert caught.value.place.endswith(place)


def test_an_app_that_ends_the_child_is_told_with_what_it_said(tmp_path: Path) -> None:
    write(tmp_path / "app.py", "import os, sys\nsys.stderr.write('giving up')\nsys.stderr.flush()\nos._exit(3)\n")
    with pytest.raises(DeployError, match=r"exit code 3\.\ngiving up"):
        apply(tmp_path, "http://127.0.0.1:9")


def test_the_child_sees_the_developers_environment_but_no_account() -> None:
    environ = {"DATABASE": "x", "AWS_PROFILE": "work", "AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_ENDPOINT_URL_S3": "x"}
    seen = of_tool(Place("/app", "http://127.0.0.1:4566", "eu-west-1"), environ)
    assert seen["DATABASE"] == "x"
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert (seen["AWS_REGION"], seen["AWS_ACCESS_KEY_ID"]) == ("eu-west-1", "test")
    assert {"AWS_PROFILE", "AWS_ENDPOINT_URL_S3"}.isdisjoint(seen)
