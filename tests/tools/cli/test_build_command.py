"""``eventfw build``: what it prints, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from live import eventfw, write

APP = """
    from eventfw import App

    app = App("shop")


    @app.http("/")
    def home():
        return "home"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "app.py", APP)
    return tmp_path


def test_it_says_what_it_made(folder: Path) -> None:
    done = eventfw(folder, "build")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / "build" / "manifest.json").read_text())
    assert [one["name"] for one in manifest["stacks"]] == ["shop-dev"]
    assert "shop, stage dev, in build/" in done.stdout
    assert "shop-dev.template.json" in done.stdout


def test_json_is_the_manifest_and_nothing_else(folder: Path) -> None:
    done = eventfw(folder, "build", "--json", "--out", "elsewhere")
    assert json.loads(done.stdout) == json.loads((folder / "elsewhere" / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--stage", "nowhere"], 1, "nowhere"),
        (["--stge", "dev"], 2, "--stge"),
        (["--app", "absent"], 1, "absent"),
        (["--directory", "nowhere"], 1, "nowhere"),
    ],
)
def test_what_is_wrong_is_told(folder: Path, arguments: list[str], code: int, says: str) -> None:
    done = eventfw(folder, "build", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "build").exists()


def test_a_build_does_not_go_into_its_own_project(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    for out in (".", ".."):
        done = eventfw(tmp_path, "build", "--out", out)
        assert done.returncode == 1 and "--out: error: The project is in" in done.stderr


def test_a_manifest_of_somebody_else_is_not_overwritten(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "manifest.json").write_text('{"name": "my web app"}')
    done = eventfw(folder, "build", "--out", "site")
    assert done.returncode == 1 and "eventfw did not write" in done.stderr
    assert (folder / "site" / "manifest.json").read_text() == '{"name": "my web app"}'
