"""What mypy and pyright see of the decorators: the right use passes, and each mistake is reported on its line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import eventfw
from eventfw.sources.table import RESOURCES, SOURCES, public_names

pytestmark = pytest.mark.spread

HERE = Path(__file__).parent
ROOT = Path(eventfw.__file__).parent.parent


FILES = ("right.py", "wrong.py")
Reported = dict[str, dict[int, str]]
"""What a checker says: by file, the line and the message."""


def mypy(folder: Path) -> Reported:
    """What mypy reports in the two files."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        "--output",
        "json",
        "--cache-dir",
        str(folder),
        "--config-file=",
        "--disable-error-code=import-untyped",  # boto3's, in eventfw itself: what is installed reports nothing
    ]
    done = run([*command, *(str(HERE / file) for file in FILES)])
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == (1 if found else 0), done.stdout + done.stderr
    errors = [(each["file"], each["line"], each["message"]) for each in found if each["severity"] == "error"]
    return by_file(errors)


def pyright(folder: Path) -> Reported:
    """What pyright reports in the two files."""
    for file in FILES:
        shutil.copy(HERE / file, folder)  # it looks at nothing outside the folder of its settings
    config = folder / "pyrightconfig.json"
    config.write_text(json.dumps({"include": [*FILES], "extraPaths": [str(ROOT)], "typeCheckingMode": "strict"}))
    done = run(
        [sys.executable, "-m", "pyright", "--outputjson", "--project", str(config), "--pythonpath", sys.executable]
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    data = json.loads(done.stdout)
    assert data["summary"]["filesAnalyzed"] == len(FILES)
    found = data["generalDiagnostics"]
    return by_file((each["file"], each["range"]["start"]["line"] + 1, each["message"]) for each in found)


def by_file(found: Iterable[tuple[str, int, str]]) -> Reported:
    """Sort what was found; of anything but the two files nothing is to be said."""
    reported: Reported = {file: {} for file in FILES}
    for path, line, message in found:
        reported[Path(path).name][line] = message
    return reported


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MYPYPATH": str(ROOT), "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, env=environment, cwd=ROOT)


def test_everything_that_users_write_is_used_right_and_every_decorator_wrong() -> None:
    right, wrong = ((HERE / name).read_text() for name in ("right.py", "wrong.py"))
    assert not [name for name in [*SOURCES, *RESOURCES] if f"app.{name}(" not in right.replace("admin.", "app.")]
    assert not [name for name in SOURCES if f"app.{name}(" not in wrong]
    imported = right.partition("from eventfw import (")[2].partition(")")[0]
    assert set(public_names()) <= {name.strip() for name in imported.split(",")}


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_right_use_passes_and_every_mistake_is_reported_on_its_line_and_nothing_else(
    checker: Callable[[Path], Reported], tmp_path: Path
) -> None:
    lines = (HERE / "wrong.py").read_text().splitlines()
    mistakes = {number for number, line in enumerate(lines, 1) if line.endswith("# error")}
    reported = checker(tmp_path)
    assert reported["right.py"] == {}
    wrong = reported["wrong.py"]
    assert set(wrong) == mistakes, {number: wrong.get(number) for number in set(wrong) ^ mistakes}


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(eventfw.__file__).parent / "py.typed").exists()
