"""The project's files for a zip: what the app may import or read, and nothing of the workshop."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

from eventfw import App
from eventfw.errors import BuildError
from eventfw.options import Checked
from eventfw.resources.resource import Grant
from eventfw.tools.build.sources import (
    PACKAGE,
    TOOL_VERBS,
    bare,
    classes_with_verbs,
    project_files,
    shipped_half,
)
from eventfw.tools.build.zips import Entry
from eventfw.tools.project import Config, Project


def files(folder: Path, *exclude: str) -> set[str]:
    project = Project(folder, Config(exclude=exclude), App("demo"), "app", "app")
    return set(project_files(project, folder / "out"))


def write(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_the_workshop_stays_out(tmp_path: Path) -> None:
    write(
        tmp_path,
        *("app.py", "eventfw.toml", "requirements.txt", "requirements-dev.txt", "README.md", "NOTES.md"),
        *("tests/test_app.py", "events/a.json", "dist/x.whl", "build/x.zip", "out/manifest.json", ".env", ".git/HEAD"),
        *("a/.venv/x.py", "v/pyvenv.cfg", "v/lib/x.py", "web/node_modules/x.js", "a/__pycache__/x.pyc", "x.pyc"),
        *("demo.egg-info/PKG-INFO",),
    )
    assert files(tmp_path) == {"app.py"}


def test_data_and_packages_stay_in_whatever_they_are_called(tmp_path: Path) -> None:
    names = {"app.py", "pages/about.md", "shop/events/__init__.py", "shop/build/a.txt", "shop/tests/data.json"}
    names |= {"events/__init__.py", "pages/requirements.txt"}
    write(tmp_path, *names)
    assert files(tmp_path) == names


def test_patterns_take_away_what_they_match(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "art/a.psd", "art/a.png", "notes/a.txt")
    assert files(tmp_path, "art/*.psd", "notes") == {"app.py", "art/a.png"}


def test_a_link_within_the_project_becomes_a_file(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "data/a.txt")
    (tmp_path / "b.txt").symlink_to("data/a.txt")
    assert files(tmp_path) == {"app.py", "data/a.txt", "b.txt"}


def outward(folder: Path) -> None:
    (folder / "odd").symlink_to("/etc/hostname")


def outward_folder(folder: Path) -> None:
    (folder / "odd").symlink_to("/etc")


def broken(folder: Path) -> None:
    (folder / "odd").symlink_to("nowhere")


def circular(folder: Path) -> None:
    (folder / "odd").symlink_to(".")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "odd")


@pytest.mark.parametrize("odd", [outward, outward_folder, broken, circular, pipe])
def test_what_is_no_file_of_the_project_is_refused_by_name_and_can_be_excluded(odd: object, tmp_path: Path) -> None:
    write(tmp_path, "app.py")
    odd(tmp_path)  # type: ignore[operator]
    with pytest.raises(BuildError, match=r"^odd: .*build\.exclude"):
        files(tmp_path)
    assert files(tmp_path, "odd") == {"app.py"}


@pytest.mark.parametrize("name", ["a\\b.txt", "eventfw/x.py"])
def test_a_name_that_would_mislead_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, "app.py", name)
    with pytest.raises(BuildError, match="Rename"):
        files(tmp_path)


def test_a_name_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "app.py", os.fsdecode(b"caf\xe9.txt"))
    with pytest.raises(BuildError, match=r"caf\\udce9.*Rename"):
        files(tmp_path)


def test_what_an_earlier_build_made_stays_out_under_any_name(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "made/manifest.json", "made/assets/a.zip", "made/x.template.json")
    assert files(tmp_path) == {"app.py"}


MODULE = '''"""What it is."""

import os  # for the name


class Trigger:
    """One."""

    @property
    def name(self):
        """Kept."""
        return os.name  # a comment

    @classmethod
    def sample(
        cls,
    ):
        """Left out."""
        import json

        return json.dumps(1)

    def faults(self): return "left out"

    def after(self): return 1


class Event:
    """Two."""

    @property
    def sample(self): return "kept"


class Verbs:
    def faults(self):
        return "left out"
'''


def test_what_only_the_developers_machine_runs_is_blank_in_the_zip_and_no_line_moves() -> None:
    lines = bare(MODULE, {"Trigger", "Verbs"}).splitlines()
    written = MODULE.splitlines()
    assert len(lines) == len(written)
    kept = [number for number, line in enumerate(lines) if line.strip()]
    assert [lines[number].strip() for number in kept] == [
        '""',
        "import os",
        "class Trigger:",
        '""',
        "@property",
        "def name(self):",
        '""',
        "return os.name",
        "def after(self): return 1",
        "class Event:",
        '""',
        "@property",
        'def sample(self): return "kept"',
        "class Verbs:",
        '""',
    ]
    assert all(written[number].startswith(lines[number].rstrip().removesuffix('""')) for number in kept)
    space: dict[str, object] = {}
    exec(compile(bare(MODULE, {"Trigger", "Verbs"}), "module", "exec"), space)
    assert space["Trigger"]().after() == 1  # type: ignore[operator]


def test_what_is_for_type_checkers_or_only_refuses_is_empty_in_the_zip() -> None:
    written = (
        "TYPE_CHECKING = False\nif TYPE_CHECKING:\n    import a\n    import b\nelse:\n    c = 1\n"
        "def refuse_twice(x):\n    raise ValueError(x)\nclass A:\n    def _refuse_it(self):\n        raise ValueError\n"
    )
    space: dict[str, object] = {}
    text = bare(written)
    exec(compile(text, "module", "exec"), space)
    assert len(text.splitlines()) == len(written.splitlines())
    assert "import" not in text and "raise" not in text
    assert space["c"] == 1
    space["refuse_twice"](1), space["A"]()._refuse_it()  # type: ignore[operator]


def test_the_checks_of_options_are_left_out_and_the_ones_they_override_stay() -> None:
    path = PACKAGE / "options.py"
    assert "def validate" in bare(path.read_text(), classes_with_verbs(path))
    path = PACKAGE / "polling" / "queues.py"
    assert "def validate" not in bare(path.read_text(), classes_with_verbs(path))


def test_a_subscriber_without_a_filter_goes_without_rules(tmp_path: Path) -> None:
    app = App("demo")
    app.sns_subscriber(app.topic("news"))(write)
    app.event_rule({"source": ["x"]})(app.function("other")(named_write))
    shipped = shipped_half(Project(tmp_path, Config(), app, "app", "app"), {})
    assert not {"eventfw/rules/policy.py", "eventfw/rules/witness.py"} & set(shipped)


def named_write(event: object) -> None: ...


def test_what_a_trigger_holds_is_in_the_zip(tmp_path: Path) -> None:
    for filters, shipped in (((), False), (({"body": ["x"]},), True)):
        app = App("demo")
        app.sqs_consumer(app.queue("orders"), filters=filters)(write)
        project = Project(tmp_path, Config(), app, "app", "app")
        assert ("eventfw/rules/criteria.py" in shipped_half(project, {})) is shipped


def test_what_only_the_developers_machine_imports_stays_out_of_the_zip(tmp_path: Path) -> None:
    app = App("demo")
    app.event_rule({"source": ["x"]})(write)
    app.sqs_consumer(app.queue("orders"), filters=[{"body": {"x": [1]}}])(files)
    shipped = shipped_half(Project(tmp_path, Config(), app, "app", "app"), {})
    assert "eventfw/rules/patternset.py" in shipped
    assert not {"eventfw/rules/witness.py", "eventfw/rules/policy.py", "eventfw/sources/http.py"} & set(shipped)


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ("from eventfw.polling import batches", "polling/batches"),
        ("from eventfw.sources import (\n    kafka,  # a comment\n    sqs as queues,\n)", "sources/sqs"),
        ("from eventfw.rules import \\\n    patternset", "rules/patternset"),
        ("from eventfw import http_forms", "http_forms"),
        ("import eventfw.sources.sqs as s", "sources/sqs"),
        ("def handle(batch: 'SqsBatch'): ...", "sources/sqs"),
    ],
)
def test_what_the_project_imports_or_names_is_in_the_zip(text: str, module: str, tmp_path: Path) -> None:
    project = Project(tmp_path, Config(), App("demo"), "app", "app")
    assert f"eventfw/{module}.py" not in shipped_half(project, {})
    assert f"eventfw/{module}.py" in shipped_half(project, {"app.py": Entry(text.encode())})


def attributes(cls: type) -> set[str]:
    return {name for name in vars(cls) if not name.startswith("__") or name == "__init__"}


@pytest.mark.parametrize(
    "path",
    [path for folder in ("sources", "resources", "polling") for path in sorted(PACKAGE.glob(f"{folder}/*.py"))],
    ids=str,
)
def test_nothing_but_the_verbs_of_triggers_and_resources_is_missing_in_the_zip(path: Path) -> None:
    name = ".".join(["eventfw", *path.relative_to(PACKAGE).with_suffix("").parts])
    module = importlib.import_module(name.removesuffix(".__init__"))
    copy: dict[str, object] = {"__name__": module.__name__, "__package__": module.__package__}
    exec(compile(bare(path.read_text(), classes_with_verbs(path)), str(path), "exec"), copy)
    for key, value in vars(module).items():
        if isinstance(value, type) and value.__module__ == module.__name__:
            shipped = copy[key]
            assert isinstance(shipped, type)
            missing = attributes(value) - attributes(shipped)
            assert missing <= (TOOL_VERBS if issubclass(value, (Checked, Grant)) else set()), key
