"""``eventfw list``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

APP = """
from eventfw import App
app = App("demo")

@app.http("/photos", methods=["GET", "POST"])
@app.http("/")
def photos(request): ...

@app.function(memory=512)
@app.schedule("rate(5 minutes)")
def tick(): ...
"""


def listed(folder: Path, *options: str) -> str:
    (folder / "app.py").write_text(APP)
    command = [sys.executable, "-m", "eventfw", "list", "-C", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def test_functions_handlers_and_triggers_are_listed(tmp_path: Path) -> None:
    lines = [line.split("  ") for line in listed(tmp_path).splitlines()]
    words = [[word.strip() for word in line if word.strip()] for line in lines]
    assert words[0:2] == [["demo"], ["api", "(256 MB, 29 s)"]]
    assert words[2][:2] == ["photos", "GET /"] and words[2][2].endswith("app.py:5")
    assert words[3:5] == [["GET,POST /photos"], ["tick", "(512 MB, 30 s)"]]


def test_json_is_for_scripts(tmp_path: Path) -> None:
    data = json.loads(listed(tmp_path, "--json"))
    assert [function["name"] for function in data["functions"]] == ["api", "tick"]
    assert data["handlers"][0]["triggers"] == ["GET /", "GET,POST /photos"]
