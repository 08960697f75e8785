"""The edge's zip: what its handlers' module imports, at once or later, and nothing else of the app."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from eventfw.errors import BuildError
from eventfw.tools.build.package import package_edge, packages
from eventfw.tools.project import Project, load_project

APP = """
import os
from eventfw import App
import {edge}

app = App("gallery")
app.mount({edge}.site, name="pre_")
os.environ["PATH"]


@app.http("/")
def entry(request):
    return "hello"
"""
EDGE = """
from eventfw import Blueprint, HTTPError

site = Blueprint("site")


@site.edge_viewer_request("site")
def home(request):
    import {late}
    if request.uri == "/no":
        raise HTTPError(403, "no")
    request.uri = {late}.PAGE
    return request
"""
EVENT = {"Records": [{"cf": {"config": {"eventType": "viewer-request", "distributionId": "E1", "requestId": "r"},
         "request": {"clientIp": "::1", "method": "GET", "uri": "/", "querystring": "", "headers": {}}}}]}  # fmt: skip


@pytest.fixture
def unique(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A part of module names that no other test of this process has imported."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    return "".join(char for char in tmp_path.name if char.isalnum())


def write(folder: Path, unique: str, edge: str, **others: str) -> Project:
    (folder / f"edge_{unique}.py").write_text(edge)
    (folder / f"app_{unique}.py").write_text(APP.format(edge=f"edge_{unique}"))
    for name, text in others.items():
        (folder / f"{name}_{unique}.py").write_text(text)
    return load_project(folder, f"app_{unique}")


def edge_zip(project: Project, out: Path) -> zipfile.ZipFile:
    functions = [function for function in project.app.functions.values() if function.edge]
    return zipfile.ZipFile(package_edge(project, functions, out, report=lambda text: None).path)


def answer(unpacked: Path, function: str, event: object) -> dict[str, object]:
    """What a function of an unpacked zip answers in an interpreter with nothing around it."""
    script = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import eventfw_entry; "
        "print(json.dumps(getattr(eventfw_entry, sys.argv[2])(json.loads(sys.argv[3]), None)))"
    )
    command = [sys.executable, "-I", "-S", "-B", "-c", script, str(unpacked), function, json.dumps(event)]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_what_is_imported_within_a_function_is_there_and_the_app_is_not(tmp_path: Path, unique: str) -> None:
    late = f"late_{unique}"
    project = write(tmp_path, unique, EDGE.format(late=late), late="PAGE = '/photos'\n", other="")
    archive = edge_zip(project, tmp_path / "out")
    own = {name for name in archive.namelist() if name.endswith(".py") and not name.startswith("eventfw/")}
    assert own == {f"edge_{unique}.py", f"{late}.py", "eventfw_entry.py"}
    archive.extractall(tmp_path / "task")
    assert answer(tmp_path / "task", "pre_home", EVENT)["uri"] == "/photos"
    refused = json.loads(json.dumps(EVENT).replace('"uri": "/"', '"uri": "/no"'))
    assert answer(tmp_path / "task", "pre_home", refused)["status"] == "403"


def test_the_apps_middleware_runs_at_the_edge_so_that_the_app_comes_whole(tmp_path: Path, unique: str) -> None:
    (tmp_path / f"edge_{unique}.py").write_text(EDGE.format(late="json").replace("json.PAGE", "request.uri + 'x'"))
    lines = APP.format(edge=f"edge_{unique}").replace('os.environ["PATH"]', "")
    added = "\n@app.middleware\ndef seen(event, call):\n    event.uri = '/seen'\n    return call(event)\n"
    (tmp_path / f"app_{unique}.py").write_text(lines + added)
    project = load_project(tmp_path, f"app_{unique}")
    archive = edge_zip(project, tmp_path / "out")
    assert f"app_{unique}.py" in archive.namelist()
    archive.extractall(tmp_path / "task")
    assert answer(tmp_path / "task", "pre_home", EVENT)["uri"] == "/seenx"


def test_what_lambdas_python_has_needs_no_requirement_and_is_not_shipped(tmp_path: Path, unique: str) -> None:
    edge = "import boto3\n" + EDGE.format(late="json").replace("json.PAGE", "'/x'")
    archive = edge_zip(write(tmp_path, unique, edge), tmp_path / "out")
    assert not any(name.startswith(("boto", "urllib3")) for name in archive.namelist())


def test_a_requirement_comes_whole(tmp_path: Path, unique: str) -> None:
    (tmp_path / "wheels").mkdir()
    with zipfile.ZipFile(tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        for name in ("__init__", "_late"):
            wheel.writestr(f"tiny/{name}.py", "")
        wheel.writestr("tiny/data.pem", "x")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    edge = "import importlib.util\nif importlib.util.find_spec('tiny'):\n    import tiny\n" + EDGE.format(late="json")
    project = write(tmp_path, unique, edge)
    (tmp_path / "requirements.txt").write_text("--no-index\n--find-links wheels\ntiny\n")
    inside = set(edge_zip(project, tmp_path / "out").namelist())
    assert {"tiny/__init__.py", "tiny/_late.py", "tiny/data.pem", "tiny-1.0.dist-info/METADATA"} <= inside


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("os.environ['REGION']", "KeyError: 'REGION'"),
        ("os.environ.get('REGION') or __import__('sys').exit()", "SystemExit"),
        ("os.environ.get('REGION') or __import__('no_such_module')", "No module named 'no_such_module'.*requirements"),
    ],
)
def test_a_module_that_cannot_be_imported_at_the_edge_is_named(
    line: str, said: str, tmp_path: Path, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGION", "eu-west-1")
    project = write(tmp_path, unique, f"import os\n{line}\n" + EDGE.format(late="json"))
    with pytest.raises(BuildError, match=rf"edge_{unique}, cannot be imported.*{said}") as caught:
        edge_zip(project, tmp_path / "out")
    assert "a Blueprint in a module of their own" in caught.value.message


def test_functions_may_be_called_what_the_entry_module_says_itself(tmp_path: Path) -> None:
    names = ["entry", "import", "App", "two-words"]
    lines = [f"@app.function({name!r})\ndef f{number}(event): return {name!r}" for number, name in enumerate(names)]
    app = tmp_path / f"app_{tmp_path.name}.py"
    app.write_text("from eventfw import App\napp = App('demo')\n" + "\n".join(lines) + "\n")
    project = load_project(tmp_path, app.stem)
    sys.path.remove(str(tmp_path))
    functions, kind = list(project.app.functions.values()), (project.config.python, "x86_64")
    asset = packages(project, functions, tmp_path / "out", [kind], report=lambda text: None)[kind]
    zipfile.ZipFile(asset.path).extractall(tmp_path / "task")
    answers = [answer(tmp_path / "task", name, {}) for name in ("entry", "import", "App", "two_words")]
    assert answers == names
