"""The zips: what is in them, that they run, and that the same source gives the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import eventfw

ROOT = Path(eventfw.__file__).parent.parent
SHIPPED_MAX = 150 * 1024
APP = """
from eventfw import App
app = App("gallery")
uploads = app.bucket("uploads")
orders = app.queue("orders")

@app.http("/photos/{name}")
def photo(request, name):
    return {"name": name}

@app.s3_trigger(uploads, suffix=".png")
def thumbnail(upload): ...

@app.sqs_consumer(orders)
def order(message): ...

@app.schedule("rate(1 day)")
def morning(tick): ...
"""
EDGE = """
@app.edge_viewer_request("site")
def redirect(request):
    return request
"""


def build(project: Path, out: Path, *, umask: int = 0o022, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "eventfw", "build", "--directory", str(project), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )


def project(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def asset_of(out: Path, function: str) -> Path:
    manifest = json.loads((out / "manifest.json").read_text())
    sha256 = next(one["asset"] for one in manifest["functions"] if one["name"] == function)
    return out / "assets" / f"{sha256}.zip"


def names(out: Path, function: str) -> set[str]:
    return set(zipfile.ZipFile(asset_of(out, function)).namelist())


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    files = {
        "app.py": APP + EDGE,
        "pages/a.html": "<p>",
        "b.py": "SEEN = {'x', 'y', 'z'}\nprint(1 in {3, 'a', None})\n",
    }
    first = project(tmp_path / "first", files)
    second = project(tmp_path / "elsewhere" / "second", dict(reversed(files.items())))
    (second / "b.py").chmod(0o600)
    one = build(first, tmp_path / "one", PYTHONHASHSEED="1", TZ="UTC")
    two = build(second, tmp_path / "two", umask=0o077, PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    made = [
        {str(p.relative_to(out)): p.read_bytes() for p in out.rglob("*") if p.is_file()}
        for out in (tmp_path / "one", tmp_path / "two")
    ]
    assert made[0] == made[1]
    assert len(made[0]) == 5


def test_the_shipped_half_stays_within_its_budget(tmp_path: Path) -> None:
    done = build(project(tmp_path / "p", {"app.py": APP + EDGE}), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(asset_of(tmp_path / "out", "api")) as archive:
        infos = [info for info in archive.infolist() if info.filename.startswith("eventfw")]
    assert any(info.filename.endswith(".pyc") for info in infos)
    assert sum(info.compress_size + 2 * len(info.filename) + 76 for info in infos) < SHIPPED_MAX


def test_only_what_the_app_uses_is_in_the_zip(tmp_path: Path) -> None:
    files = {
        "app.py": "from eventfw import App\napp = App('p')\n@app.schedule('rate(1 day)')\ndef tick(tick): ...\n",
        "pages/a.html": "", "tests/test_app.py": "", "events/a.json": "{}", ".env": "SECRET=1", "README.md": "",
        "eventfw.toml": '[build]\nexclude = ["notes"]\n', "notes/a.txt": "", "v/pyvenv.cfg": "", "v/x.py": "",
    }  # fmt: skip
    done = build(project(tmp_path / "p", files), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    inside = {name for name in names(tmp_path / "out", "tick") if not name.endswith(".pyc")}
    assert {name for name in inside if not name.startswith("eventfw/")} == {
        "app.py",
        "pages/a.html",
        "eventfw_entry.py",
    }
    sources = {name for name in inside if name.startswith("eventfw/sources/")}
    assert sources == {f"eventfw/sources/{name}.py" for name in ("__init__", "function", "schedule", "table")}
    assert not any("tools" in name or "testing" in name for name in inside)


def test_what_the_zip_does_not_run_may_be_imported_there(tmp_path: Path) -> None:
    """Another app of the project, a blueprint that nobody mounts, and every name at once."""
    files = {
        "app.py": "from eventfw import *\nimport other, parts.more\napp = App('p')\n"
        "@app.function()\ndef tick(): return sorted(__import__('eventfw').__all__)\n",
        "other.py": "from dataclasses import dataclass\nfrom eventfw import App\n"
        "@dataclass\nclass Order:\n    id: int\n"
        "other = App('q')\n@other.sqs_consumer(other.queue('orders'), filters=[{'body': {'id': [1]}}])\n"
        "def order(message, order: Order): ...\n",
        "parts/more.py": "from eventfw import Blueprint\nmore = Blueprint('more')\nnews = more.topic('news')\n"
        "@more.kinesis_consumer(more.stream('clicks'))\ndef click(record): ...\n",
        "parts/__init__.py": "",
        "eventfw.toml": 'app = "app:app"\n',
    }
    done = build(project(tmp_path / "p", files), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    zipped = asset_of(tmp_path / "out", "tick")
    call = "import eventfw_entry as e; assert 'SqsBatch' in e.tick({}, None) and 'Allow' not in e.tick({}, None)"
    command = [sys.executable, "-S", "-P", "-c", call]
    asked = subprocess.run(command, env={"PYTHONPATH": str(zipped)}, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr


def test_no_functions_name_hides_what_makes_the_others(tmp_path: Path) -> None:
    """At the edge too, where ``_App`` and ``_0`` make an app of the blueprints."""
    awkward = ["_app", "_entry", "globals", "zzz"]
    functions = "".join(f"@app.function()\ndef {name}(event): return {name!r}\n" for name in awkward)
    edges = "".join(
        EDGE.replace("redirect", f"{name}").replace("site", f"d{name}") for name in ["_App", "_0", "_entry2"]
    )
    files = {
        "app.py": f"from eventfw import App\nfrom edge import edge\napp = App('p')\napp.mount(edge)\n{functions}",
        "edge.py": f"from eventfw import Blueprint\nedge = Blueprint('edgy')\n{edges.replace('@app', '@edge')}",
    }
    done = build(project(tmp_path / "p", files), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    call = f"import eventfw_entry as e; assert [getattr(e, n)({{}}, None) for n in {awkward}] == {awkward}"
    asked = subprocess.run(
        [sys.executable, "-c", call], env={"PYTHONPATH": str(asset_of(tmp_path / "out", "_app"))}, check=False
    )
    assert asked.returncode == 0
    call = "import eventfw_entry as e; assert all(callable(getattr(e, n)) for n in ('_App', '_0', '_entry2'))"
    asked = subprocess.run(
        [sys.executable, "-c", call], env={"PYTHONPATH": str(asset_of(tmp_path / "out", "_0"))}, check=False
    )
    assert asked.returncode == 0


def test_a_link_out_of_the_project_is_refused(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", {"app.py": APP})
    (tmp_path / "secret").write_text("s")
    (folder / "data.txt").symlink_to(tmp_path / "secret")
    done = build(folder, tmp_path / "out")
    assert done.returncode == 1
    assert "data.txt leaves the project" in done.stderr


def test_the_edge_gets_the_modules_its_blueprint_loads_and_no_other(tmp_path: Path) -> None:
    edge = "from eventfw import Blueprint\nimport words\nedge = Blueprint('edgy')\n"
    files = {
        "app.py": "import os\nfrom edge import edge\n" + APP + "app.mount(edge)\nos.environ.get('X')\n",
        "edge.py": edge + EDGE.replace("@app", "@edge"),
        "words.py": "",
        "other.py": "",
    }
    done = build(project(tmp_path / "p", files), tmp_path / "out")
    assert done.returncode == 0, done.stderr
    inside = {name for name in names(tmp_path / "out", "redirect") if name.endswith(".py")}
    assert {name for name in inside if not name.startswith("eventfw/")} == {"edge.py", "words.py", "eventfw_entry.py"}
    assert "eventfw/sources/sqs.py" not in inside


def test_an_edge_module_that_needs_the_environment_is_named(tmp_path: Path) -> None:
    files = {"app.py": "import os\nos.environ['TABLE']\n" + APP + EDGE}
    done = build(project(tmp_path / "p", files), tmp_path / "out", TABLE="x")
    assert done.returncode == 1
    assert "The module of the edge handlers, app, cannot be imported" in done.stderr
    assert "Move the edge handlers" in done.stderr


def tiny(folder: Path, text: str) -> None:
    """A wheel with one module."""
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", text)
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\n")


def test_requirements_are_installed_for_lambda(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", {"app.py": APP, "requirements.txt": f"--no-index\n--find-links {tmp_path}\n"
                                      "eventfw>=0.1\ntiny==1.0  # a pure wheel\n"})  # fmt: skip
    tiny(tmp_path, "VALUE = 1\n")
    done = build(folder, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    inside = names(tmp_path / "out", "api")
    assert {"tiny.py", "tiny-1.0.dist-info/METADATA"} <= inside
    assert not any(name.endswith(("RECORD", "INSTALLER", "REQUESTED")) for name in inside)


def test_what_a_requirement_uses_of_eventfw_is_in_the_zips(tmp_path: Path) -> None:
    """A team's shared package, say: the app's own code names nothing of what it imports."""
    text = "from eventfw.options import whole\nfrom eventfw.sources.sqs import SqsBatch\n"
    tiny(tmp_path, text)
    app = "import tiny\n" + APP.replace("orders = app.queue", "queue = app.queue").partition("@app.sqs")[0] + EDGE
    files = {"app.py": app, "requirements.txt": f"--no-index\n--find-links {tmp_path}\ntiny==1.0\n"}
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    done = build(project(tmp_path / "p", files), tmp_path / "out", PYTHONPATH=f"{ROOT}{os.pathsep}{wheel}")
    assert done.returncode == 0, done.stderr
    for function in ("api", "redirect"):
        call = f"import eventfw_entry as e; assert callable(e.{function})"
        command = [sys.executable, "-S", "-P", "-c", call]
        path = {"PYTHONPATH": str(asset_of(tmp_path / "out", function))}
        asked = subprocess.run(command, env=path, capture_output=True, text=True, check=False)
        assert asked.returncode == 0, asked.stderr


def test_a_requirement_without_a_wheel_is_refused_in_plain_words(tmp_path: Path) -> None:
    files = {"app.py": APP, "requirements.txt": "--no-index\nno-such-thing==9\n"}
    done = build(project(tmp_path / "p", files), tmp_path / "out")
    assert done.returncode == 1
    assert "no-such-thing" in done.stderr and "requirements.txt" in done.stderr and "Traceback" not in done.stderr


PAYLOADS = {f"eventfw/{name}.py" for name in ("payloads", "hints", "conversion")}
TYPED = """
from __future__ import annotations
from dataclasses import dataclass
from eventfw import App

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from eventfw import Request

app = App("p")

@app.http("/", methods="POST")
def create(request: Request, order: {hint}):
    return {answer}

@dataclass
class Order:
    id: int
"""
REQUEST = {
    "version": "2.0",
    "rawPath": "/",
    "routeKey": "POST /",
    "requestContext": {"http": {"method": "POST"}},
    "body": '{"id": 1}',
}


def answered(folder: Path, app: str) -> tuple[set[str], object]:
    """What the zip of an app has, and its answer to a request, with nothing but the standard library around it."""
    done = build(project(folder / "p", {"app.py": app}), folder / "out")
    assert done.returncode == 0, done.stderr
    call = f"import sys; sys.path.insert(0, sys.argv[1]); import eventfw_entry as e; print(e.api({REQUEST!r}, None))"
    command = [sys.executable, "-I", "-S", "-c", call, str(asset_of(folder / "out", "api"))]
    asked = subprocess.run(command, capture_output=True, text=True, check=True)
    return names(folder / "out", "api"), eval(asked.stdout)


def test_what_converts_payloads_is_in_the_zip_of_an_app_that_receives_some(tmp_path: Path) -> None:
    inside, answer = answered(tmp_path, TYPED.format(hint="Order", answer="order, 201"))
    assert inside >= PAYLOADS
    assert answer == {"statusCode": 201, "headers": {"content-type": "application/json"}, "body": '{"id":1}'}


def test_without_it_annotations_are_passed_over_and_models_answered(tmp_path: Path) -> None:
    """``Any`` is unknown where Python runs, so on the developer's machine it takes that module to tell that it is no
    model."""
    text = TYPED.format(hint="Any = None", answer="Order(2)").replace("request: Request, ", "")
    inside, answer = answered(tmp_path, text)
    assert not inside & PAYLOADS
    assert answer == {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"id":2}'}
