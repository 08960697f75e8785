"""Which saves reload the app."""

from __future__ import annotations

from pathlib import Path

import pytest
from watchfiles import Change

from eventfw.tools.local.watch import Saves


@pytest.mark.parametrize(
    "path",
    [
        "app.py",
        "shop/orders.py",
        "eventfw.toml",
        "requirements.txt",
        "templates/mail.html",
        "query.sql",
        "photos.asl.json",
    ],
)
def test_sources_settings_and_templates_do(tmp_path: Path, path: str) -> None:
    assert Saves(tmp_path)(Change.modified, str(tmp_path / path))


@pytest.mark.parametrize(
    "path",
    [
        ".eventfw/local.json",
        "seen.jsonl",
        "log.txt",
        "cat.png",
        "events/order.json",
        "tests/test_app.py",
        "build/app.py",
        ".venv/lib/x.py",
        "__pycache__/app.cpython-311.pyc",
        "app.py~",
        ".app.py.swp",
        ".#app.py",
        "shop.egg-info/x.py",
    ],
)
def test_what_tools_and_handlers_write_does_not(tmp_path: Path, path: str) -> None:
    assert not Saves(tmp_path)(Change.modified, str(tmp_path / path))
