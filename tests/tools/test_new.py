"""``eventfw new``: what it makes, and what it refuses before anything is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import eventfw
from eventfw.errors import EventfwError, ProjectError
from eventfw.sources.table import SOURCES
from eventfw.tools.cli.main import cli
from eventfw.tools.new import check_name, new, render, suggestion
from eventfw.tools.project import PYTHONS, load_config

ROOT = Path(eventfw.__file__).parent.parent
NOBODY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("projects") / "gallery"
    new("gallery", folder)
    return folder


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, **NOBODY, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, timeout=120
    )


def described(project: Path) -> dict[str, Any]:
    done = run(project, "-c", "from eventfw.tools.cli.main import main; main(['list', '--json'])")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_starters_own_tests_pass(project: Path) -> None:
    done = run(project, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_starter_has_the_name_and_a_decorator_of_each_sort(project: Path) -> None:
    assert described(project)["app"] == "gallery"
    code = (project / "app.py").read_text() + (project / "edge.py").read_text()
    shown = {name for name in SOURCES if re.search(rf"^@\w+\.{name}\(", code, re.MULTILINE)}
    assert shown == {"edge_viewer_request", "http", "s3_trigger", "schedule", "sqs_consumer"}


def test_every_sample_event_reaches_one_handler_and_every_kind_of_source_has_one(project: Path) -> None:
    code = (
        "import json, pathlib; from eventfw.routing import Router; from app import app; router = Router(app)\n"
        "routes = [router.route(json.loads(path.read_text())) for path in pathlib.Path('events').glob('*.json')]\n"
        "print(json.dumps([[route.kind, [handler.name for handler in route.reached]] for route in routes]))"
    )
    done = run(project, "-c", code)
    assert done.stderr == ""
    routes = json.loads(done.stdout)
    assert [handlers for _, handlers in routes if len(handlers) != 1] == []
    assert {kind for kind, _ in routes} == {"apigw_http_v2", "cloudfront", "eventbridge", "s3", "sqs"}


def test_the_edge_module_stands_alone(project: Path) -> None:
    done = run(project, "-S", "-c", "import edge, sys; print('app' in sys.modules, 'boto3' in sys.modules)")
    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_the_starter_passes_the_linter(project: Path) -> None:
    done = run(project, "-m", "ruff", "check", "--no-cache", "--isolated", "--line-length", "120", ".")
    assert done.returncode == 0, done.stdout


def test_the_settings_name_this_python(project: Path) -> None:
    assert load_config(project).python in PYTHONS
    assert set(tomllib.loads((project / "eventfw.toml").read_text())["stages"]) == {"dev", "prod"}


def test_what_eventfw_makes_is_ignored_by_git(project: Path) -> None:
    ignored = (project / ".gitignore").read_text().split()
    assert {".eventfw/", "/build/", "__pycache__/"} <= set(ignored)


def test_no_placeholder_is_left(project: Path) -> None:
    for path in project.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text()
            assert "{{" not in text, path
            assert text.endswith("\n"), path


def test_the_command_says_what_it_made_and_what_comes_next(tmp_path: Path) -> None:
    folder = tmp_path / "my gallery"
    done = CliRunner().invoke(cli, ["new", "gallery", "--directory", str(folder)])
    assert done.exit_code == 0
    lines = done.output.splitlines()
    made = [line.strip() for line in lines[1 : lines.index("")]]
    assert sorted(made) == sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert [line.partition("#")[0].rstrip() for line in lines[-3:]] == [
        f"  cd '{folder}'",
        "  python -m pytest",
        "  eventfw local",
    ]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("My Gallery", "my-gallery"),
        ("2cats", "cats"),
        ("gallery-", "gallery"),
        ("photo_gallery", "photo-gallery"),
        ("../gallery", "gallery"),
        ("a-name-that-is-longer-than-fits", "a-name-that-is-longer-t"),
        ("galerie-à-photos", "galerie-photos"),
        ("42", ""),
        ("", ""),
    ],
)
def test_a_name_aws_would_refuse_is_refused_with_one_near_it(name: str, near: str) -> None:
    assert suggestion(name) == near
    with pytest.raises(ProjectError) as caught:
        check_name(name)
    assert repr(name) in caught.value.message
    assert (f"Try {near!r}." in caught.value.message) is bool(near)
    if near:
        check_name(near)


def test_a_refused_name_makes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["new", "../gallery"])
    assert isinstance(done.exception, ProjectError)
    assert done.output == ""
    assert list(tmp_path.iterdir()) == []
    assert not (tmp_path.parent / "gallery").exists()


def test_a_directory_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("mine")
    with pytest.raises(ProjectError, match="is not empty"):
        new("gallery", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["app.py"]
    assert (tmp_path / "app.py").read_text() == "mine"


def test_an_empty_directory_is_taken(tmp_path: Path) -> None:
    assert Path("app.py") in new("gallery", tmp_path)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gallery").write_text("mine")
    with pytest.raises(ProjectError, match="is a file"):
        new("gallery", tmp_path / "gallery")


def test_a_place_that_cannot_be_written_is_told_without_a_traceback() -> None:
    with pytest.raises(ProjectError, match="cannot be written"):
        new("gallery", Path("/proc/gallery"))


def test_a_value_that_is_missing_is_an_error_and_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("{{ surname }}")
    with pytest.raises(EventfwError, match="surname") as caught:
        render(tmp_path, {"name": "gallery"})
    assert caught.value.place == str(tmp_path / "app.py")


def test_rendering_escapes_nothing_and_keeps_the_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<b>{{ name }}</b>\n")
    assert render(tmp_path, {"name": "a & b"}) == {Path("page.html"): "<b>a & b</b>\n"}
