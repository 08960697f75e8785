"""A distribution runs the versions that the edge's stack, in another region, has made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from eventfw.tools.build.assemble import build
from eventfw.tools.deploy.access import Access, Clients
from eventfw.tools.deploy.deploy import Outcome, deploy
from eventfw.tools.deploy.destroy import destroy
from eventfw.tools.project import Stage, load_project

SOURCE = """
from eventfw import App

app = App("gallery")
site = app.distribution("site", origin="www.example.com")


@app.edge_viewer_request(site)
def door(request):
    request.uri = "/{version}"
    return request
"""


def deployed(folder: Path, version: str, access: Access) -> Outcome:
    """Deploy a version of the app. Each has a module of its own, because a process imports a module once."""
    folder.mkdir()
    module = f"door_{folder.name}_{folder.parent.name}".replace("-", "_")
    (folder / f"{module}.py").write_text(SOURCE.format(version=version))
    artifacts = build(load_project(folder, module), Stage("dev"), out=folder / "out")
    return deploy(artifacts, access=access)


def run_by(clients: Clients, outcome: Outcome) -> str:
    """The version that the distribution runs for its viewers' requests."""
    id_ = outcome.outputs["gallery-dev"]["SiteDistribution"]
    config = clients.client("cloudfront").get_distribution_config(Id=id_)["DistributionConfig"]
    [association] = config["DefaultCacheBehavior"]["LambdaFunctionAssociations"]["Items"]
    assert association["EventType"] == "viewer-request"
    return str(association["LambdaFunctionARN"])


def test_it_moves_to_a_new_version_and_the_old_one_stays(
    tmp_path: Path, access: Access, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    first = deployed(tmp_path / "one", "one", access)
    before = run_by(clients, first)
    assert before == first.outputs["gallery-dev-edge"]["SiteViewerRequestFunctionArn"]
    assert before.startswith("arn:aws:lambda:us-east-1:") and before.rpartition(":")[2].isdigit()

    second = deployed(tmp_path / "two", "two", access)
    after = run_by(clients, second)
    assert after != before
    assert after == second.outputs["gallery-dev-edge"]["SiteViewerRequestFunctionArn"]
    edge: Any = clients.client("lambda", "us-east-1")
    kept = edge.list_versions_by_function(FunctionName="gallery-dev-door")["Versions"]
    assert {before, after} <= {version["FunctionArn"] for version in kept}


def test_destroying_a_stage_takes_the_distribution_before_the_functions_it_runs(
    tmp_path: Path, access: Access, clients: Clients, monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    deployed(tmp_path / "one", "one", access)
    destroy("gallery", "dev", access=access, report=told)
    assert not clients.client("cloudfront").list_distributions()["DistributionList"].get("Items")
    first = [index for index, line in enumerate(told.lines) if "SiteDistribution" in line]
    last = [index for index, line in enumerate(told.lines) if "DoorFunction" in line]
    assert max(first) < min(last)
