"""The wheel, as pip makes and installs it: what is in it, and that ``eventfw new`` works from it."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import eventfw
from eventfw.tools.new import template_files

ROOT = Path(eventfw.__file__).parent.parent
CODE = ROOT / "eventfw"
TEMPLATE = ROOT / "app_template"
SOURCES = ("eventfw", "app_template", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")

pytestmark = [
    pytest.mark.xdist_group("wheel"),
    pytest.mark.skipif(not TEMPLATE.is_dir(), reason="eventfw is installed, so there is no source to make a wheel of"),
]


def pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def copied(copy: Path) -> Path:
    """The sources, so that neither leftovers of the checkout get into a build nor anything is left in it."""
    copy.mkdir(exist_ok=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = copied(tmp_path_factory.mktemp("source"))
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(out), str(copy))
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that pip installed the wheel into, with compiled Python beside the sources as pip leaves it."""
    target = tmp_path_factory.mktemp("site")
    pip("install", "--quiet", "--no-deps", "--target", str(target), str(wheel))
    return target


def run_new(site: Path, cwd: Path, name: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from eventfw.tools.cli.main import main; main()"
    command = [sys.executable, "-P", "-c", code, "new", name]
    return subprocess.run(command, cwd=cwd, env={"PATH": ""}, capture_output=True, text=True, timeout=60)


def project_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_package_is_listed() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split()) - {"eventfw.tools.app_template"}
    there = {".".join(path.parent.relative_to(ROOT).parts) for path in CODE.rglob("__init__.py")}
    assert listed == there


def test_the_wheel_holds_the_package_and_the_whole_starter_app(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    paths = [path for path in CODE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    package = {str(path.relative_to(ROOT)) for path in paths}
    starter = {f"eventfw/tools/app_template/{path.relative_to(TEMPLATE)}" for path in template_files(TEMPLATE)}
    assert {"eventfw/py.typed", "eventfw/tools/app_template/.gitignore"} <= inside
    assert inside == package | starter


def test_the_wheel_names_its_licence_and_its_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    folder = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA")).rpartition("/")[0]
    metadata = archive.read(f"{folder}/METADATA").decode()
    assert "License-Expression: Apache-2.0" in metadata or "License: Apache-2.0" in metadata
    assert f"Version: {eventfw.__version__}" in metadata
    assert "eventfw = eventfw.tools.cli.main:main" in archive.read(f"{folder}/entry_points.txt").decode()
    assert any(name.endswith("LICENSE") for name in archive.namelist())


def test_new_from_the_installed_wheel_makes_the_same_project_as_from_the_sources(
    installed: Path, tmp_path: Path
) -> None:
    assert list(installed.glob("eventfw/tools/app_template/__pycache__/*.pyc")), "pip was expected to compile it"
    for site, folder in ((installed, "wheel"), (ROOT, "sources")):
        (tmp_path / folder).mkdir()
        done = run_new(site, tmp_path / folder, "gallery")
        assert (done.returncode, done.stderr) == (0, "")
    made = project_files(tmp_path / "wheel" / "gallery")
    assert made == project_files(tmp_path / "sources" / "gallery")
    assert ".gitignore" in made
    assert not [name for name in made if "__pycache__" in name]


def test_new_works_from_an_editable_installation(tmp_path: Path) -> None:
    source = copied(tmp_path / "source")
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True, timeout=60)
    python = environment / "bin" / "python"
    pip(
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--ignore-installed",
        "--prefix",
        str(environment),
        "-e",
        str(source),
    )
    code = (
        "from eventfw.tools import new; print(*sorted(map(str, new.template_files(new.template_folder()))), sep='\\n')"
    )
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        str(source / "app_template" / path.relative_to(TEMPLATE)) for path in template_files(TEMPLATE)
    ]
