"""Projects that do not load: what is said, and where."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from eventfw.app import App
from eventfw.errors import ProjectError
from eventfw.resources.names import Names
from eventfw.tools.project import describe, find_stage, load_config, load_project

GOOD = "from eventfw import App\napp = App('demo')\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refusal(folder: Path, app: str | None = None) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        load_project(folder, app)
    return caught.value


def test_an_app_is_loaded(project: Path) -> None:
    (project / "app.py").write_text(GOOD)
    loaded = load_project(project)
    assert (loaded.app.name, loaded.module, loaded.variable) == ("demo", "app", "app")


@pytest.mark.parametrize(
    ("code", "line", "said"),
    [
        ("x = 1\ndef f(:\n", 2, "SyntaxError"),
        ("import nowhere\n", 1, "Install it"),
        ("from os import nothing\n", 1, "ImportError while importing the app in `from os import nothing`"),
        ("import sys\nsys.exit(3)\n", 2, "must be importable"),
        ("def f():\n    raise LookupError('gone')\nf()\n", 2, "LookupError while importing the app"),
    ],
)
def test_an_app_that_fails_to_import_is_told_at_its_line(project: Path, code: str, line: int, said: str) -> None:
    (project / "app.py").write_text(code)
    error = refusal(project)
    assert error.place.endswith(f"app.py:{line}") and said in error.message


def test_the_place_is_not_in_an_environment_inside_the_project(project: Path) -> None:
    library = project / ".venv" / "lib" / "site-packages"
    library.mkdir(parents=True)
    (library / "library.py").write_text("def f():\n    raise ValueError\n")
    (project / "app.py").write_text(f"import sys\nsys.path.append({str(library)!r})\nimport library\nlibrary.f()\n")
    assert refusal(project).place.endswith("app.py:4")


def test_two_apps_are_told_with_their_places(project: Path) -> None:
    (project / "app.py").write_text(GOOD + "other = App('other')\n")
    error = refusal(project)
    assert "There are 2 apps" in error.message and "--app app:app" in error.message
    assert load_project(project, "app:other").app.name == "other"


@pytest.mark.parametrize("app", ["../app", "", "app.py:x:y", "a b", "/app"])
def test_a_name_that_is_no_module_is_refused(project: Path, app: str) -> None:
    (project / "eventfw.toml").write_text(f'app = "{app}"\n')
    (project / "app.py").write_text(GOOD)
    refusal(project)


def test_a_module_that_python_has_already_is_not_taken_for_the_app(project: Path) -> None:
    (project / "json.py").write_text(GOOD)
    assert "belongs to another module" in refusal(project, "json").message


def test_a_folder_without_an_app_says_how_to_begin(project: Path) -> None:
    assert "eventfw new NAME" in refusal(project).message
    assert "There is no folder" in refusal(project / "nowhere").message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "is not TOML"),
        ("pyton = '3.12'", "Did you mean 'python'?"),
        ("python = '2.7'", "python must be one of"),
        ("[stages.local]", "not 'local'"),
        ("[stages.Prod]", "lower-case"),
        ("[stages.prod]\nregion = 5", "stages.prod.region must be a string"),
        ("[stages.prod.environment]\nAWS_REGION = 'x'", "reserved by Lambda"),
        ("[stages.prod.environment]\nLEVEL = 1", "must be a string"),
        ("[stages.prod]\naccount = '12'", "12 digits"),
        ("[build]\nexclude = [1]", "list of patterns"),
        ("[stages.prod.tags]\nteam = 1", "must map strings to strings"),
        ("[stages.prod.tags]\n'aws:x' = '1'", "does not begin with 'aws:'"),
        ("[stages.prod.tags]\n'eventfw:stage' = 'x'", "tags.eventfw:stage is eventfw's own"),
        ("[stages.prod]\nfunctions = 5", "stages.prod.functions must be a table"),
        ("[stages.prod.functions]\nthumbnail = 5", "stages.prod.functions.thumbnail must be a table"),
        ("[stages.prod.functions.thumbnail]\nmemry = 5", "thumbnail: memry is not a setting. Did you mean 'memory'?"),
        ("[stages.prod.functions.thumbnail]\nmemory = 5", "functions.thumbnail: memory must be 128 to 10240"),
        ("[stages.prod.functions.thumbnail]\nuses = []", "functions.thumbnail: uses is said in the app"),
        ("[stages.prod.functions.thumbnail]\ndead_letter = 'x'", "functions.thumbnail: dead_letter is said in the app"),
        ("[stages.prod.functions.thumbnail.vpc]\nsubnet_ids = []", "vpc needs security_group_ids"),
        ("[stages.prod.functions.thumbnail.environment]\nLEVEL = 1", "environment must map strings to strings"),
    ],
)
def test_a_faulty_configuration_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "eventfw.toml").write_text(text)
    with pytest.raises(ProjectError, match=r"eventfw\.toml") as caught:
        load_config(tmp_path)
    assert said in caught.value.message


def test_what_a_stage_says_of_functions_is_read(tmp_path: Path) -> None:
    (tmp_path / "eventfw.toml").write_text(
        "[stages.prod.tags]\nteam = 'photos'\n"
        "[stages.prod.functions.thumbnail]\nmemory = 2048\n"
        "layers = ['arn:aws:lambda:eu-west-1:123456789012:layer:a:1']\n"
        "snap_start = true\n[stages.prod.functions.thumbnail.vpc]\n"
        "subnet_ids = ['subnet-0a1b2c3d']\nsecurity_group_ids = ['sg-0a1b2c3d']\n"
    )
    stage = find_stage(load_config(tmp_path), "prod")
    assert stage.tags == {"team": "photos"}
    assert stage.functions == {
        "thumbnail": {
            "memory": 2048,
            "layers": ["arn:aws:lambda:eu-west-1:123456789012:layer:a:1"],
            "snap_start": True,
            "vpc": {"subnet_ids": ["subnet-0a1b2c3d"], "security_group_ids": ["sg-0a1b2c3d"]},
        }
    }


def test_an_unknown_stage_suggests_a_known_one(tmp_path: Path) -> None:
    (tmp_path / "eventfw.toml").write_text("[stages.prod]\nregion = 'eu-west-1'\n")
    config = load_config(tmp_path)
    assert find_stage(config, "prod").region == "eu-west-1"
    assert find_stage(config, None).name == "dev"
    with pytest.raises(ProjectError, match="Did you mean 'prod'"):
        find_stage(config, "prot")


def test_a_blueprint_that_is_mounted_nowhere_is_told(project: Path) -> None:
    (project / "admin.py").write_text(
        "from eventfw import Blueprint\nadmin = Blueprint('admin')\n@admin.http('/stats')\ndef stats(): ...\n"
    )
    (project / "app.py").write_text(GOOD + "import admin\n")
    with pytest.warns(UserWarning, match="'admin'> is not mounted, so nothing runs stats") as caught:
        load_project(project)
    assert caught[0].filename.endswith("admin.py") and caught[0].lineno == 2


def test_functions_say_what_the_local_server_has_to_know_of_them() -> None:
    app = App("shop")

    @app.iot_rule("SELECT * FROM 'sensors/#'")
    def measured(reading: object) -> None: ...

    @app.event_rule({"source": ["my.shop"]}, input={"a": 1})
    def told(order: object) -> None: ...

    @app.event_rule({"source": ["my.shop"]})
    @app.function(maximum_retry_attempts=1)
    def ordered(event: object) -> None: ...

    @app.function(provisioned_concurrency=1)
    def ready(event: object) -> None: ...

    described = describe(app, Names(app.name, "local", "000000000000", "us-east-1"))["functions"]
    assert {name: one["settings"] for name, one in described.items()} == {
        "measured": {"unmarked": True},
        "told": {"unmarked": True},
        "ordered": {"maximum_retry_attempts": 1},
        "ready": {"published": True},
    }
