"""``eventfw route``: where an event goes, and what a check finds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from live import eventfw, write

pytestmark = pytest.mark.spread

APP = """
    from eventfw import App

    app = App("shop")
    uploads = app.bucket("uploads")


    @app.http("/photos/{name}")
    def photo(request, name): ...


    @app.s3_trigger(uploads, suffix=".png")
    def thumbnail(upload): ...


    @app.event_rule({"source": ["my.shop"]})
    def order(event): ...
"""
AMBIGUOUS = """
    from eventfw import App

    app = App("shop")


    @app.event_rule({"source": ["my.shop"]})
    @app.function("both")
    def one(event): ...


    @app.event_rule({"detail": {"a": [1]}})
    @app.function("both")
    def two(event): ...


    @app.schedule("cron(0 0 1 1 ? 2001)")
    def past(tick): ...
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "app.py", APP)
    return tmp_path


def uploaded(key: str) -> dict[str, Any]:
    record = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}
    return {"Records": [{**record, "s3": {"bucket": {"name": "uploads"}, "object": {"key": key}}}]}


def test_the_handler_reached_and_what_kept_the_event_from_the_others(folder: Path) -> None:
    (folder / "event.json").write_text(json.dumps(uploaded("a.png")))
    done = eventfw(folder, "route", "event.json")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.stdout.startswith("An event of kind s3 reaches 1 of 3 handlers:\n  thumbnail  s3 uploads")
    assert "app.py:12" in done.stdout
    assert ["photo", *["kind", "s3", "is", "not", "an", "HTTP", "request"]] in lines
    assert ["order", *["kind", "s3", "is", "not", "eventbridge"]] in lines


def test_the_first_condition_that_failed_is_named(folder: Path) -> None:
    (folder / "event.json").write_text(json.dumps(uploaded("a.txt")))
    done = eventfw(folder, "route", "event.json")
    assert "reaches 0 of 3 handlers\nbecause:" in done.stdout
    assert "key `a.txt` does not end in `.png`" in done.stdout


def test_json_is_for_scripts_and_standard_input_is_a_file(folder: Path) -> None:
    done = eventfw(folder, "route", "-", "--json", stdin=json.dumps(uploaded("a.png")))
    data = json.loads(done.stdout)
    assert data["kind"] == "s3"
    assert [row["handler"] for row in data["reached"]] == ["thumbnail"]
    assert {row["handler"]: row["why"] for row in data["not_reached"]}["order"] == "kind s3 is not eventbridge"


def test_behind_a_function_url_the_functions_own_answer_is_told(folder: Path) -> None:
    context = {"http": {"method": "PUT", "path": "/photos/x"}, "domainName": "a.lambda-url.us-east-1.on.aws"}
    raw = {"version": "2.0", "routeKey": "$default", "rawPath": "/photos/x", "requestContext": context}
    done = eventfw(folder, "route", "-", stdin=json.dumps(raw))
    assert "Function api itself answers 405 Method Not Allowed, allow: GET." in done.stdout
    data = json.loads(eventfw(folder, "route", "-", "--json", stdin=json.dumps(raw)).stdout)
    assert data["answers"] == [{"function": "api", "status": 405, "headers": {"allow": "GET"}}]


@pytest.mark.parametrize("raw", ["null", "5", '"x"', "[]", "{}", '{"Records": [{"eventSource": "aws:s3"}]}'])
def test_any_json_is_answered(folder: Path, raw: str) -> None:
    done = eventfw(folder, "route", "-", stdin=raw)
    assert done.returncode == 0 and "reaches 0 of 3 handlers" in done.stdout


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["nope.json"], 1, "There is no file nope.json"),
        (["-"], 1, "Standard input is not JSON"),
        ([], 2, "Name one event"),
        (["--check", "x.json"], 2, "Name one event"),
    ],
)
def test_bad_input_is_refused_with_the_remedy(folder: Path, options: list[str], code: int, said: str) -> None:
    done = eventfw(folder, "route", *options, stdin="{")
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr


def test_what_an_event_brings_along_does_not_reach_the_terminal_raw(folder: Path) -> None:
    done = eventfw(folder, "route", "-", stdin=json.dumps(uploaded("a\x1b]0;pwned\x07.txt")))
    assert r"key `a\x1b]0;pwned\x07.txt` does not end in `.png`" in done.stdout
    half = eventfw(folder, "route", "-", stdin='{"source": "\\ud800", "detail-type": "x", "detail": {}}')
    assert half.returncode == 0 and r'`source` is "\ud800"' in half.stdout
    long = eventfw(folder, "route", "-", stdin=json.dumps(uploaded("k" * 100_000)))
    assert len(long.stdout) < 1000


def test_a_number_that_python_does_not_read_is_refused(folder: Path) -> None:
    (folder / "event.json").write_text("9" * 5000)
    done = eventfw(folder, "route", "event.json")
    assert done.returncode == 1 and "event.json: error: The file cannot be read as JSON" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is full")
def test_a_full_disk_is_no_bug_of_eventfw(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "eventfw", "route", "--check"]
        done = subprocess.run(command, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 74 and "No space left on device" in done.stderr and "bug" not in done.stderr


def test_a_check_that_finds_nothing_says_so(folder: Path) -> None:
    done = eventfw(folder, "route", "--check")
    assert done.returncode == 0
    assert done.stdout == "3 handlers: none is ambiguous, shadowed or unreachable.\n"
    assert eventfw(folder, "route", "--check", "--json").stdout == "[]\n"


def test_a_check_names_place_fault_and_remedy_and_exits_with_1(tmp_path: Path) -> None:
    write(tmp_path / "app.py", AMBIGUOUS)
    done = eventfw(tmp_path, "route", "--check")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("app.py:12: ambiguous: two and one (at app.py:7) are in one function, 'both'")
    assert second.startswith("app.py:17: unreachable:")
    rows = json.loads(eventfw(tmp_path, "route", "--check", "--json").stdout)
    assert [(row["kind"], row["refused"]) for row in rows] == [("ambiguous", True), ("unreachable", False)]


def test_a_build_refuses_the_ambiguous_and_warns_of_the_rest(tmp_path: Path) -> None:
    write(tmp_path / "app.py", AMBIGUOUS)
    done = eventfw(tmp_path, "build")
    assert done.returncode == 1 and done.stderr.startswith("app.py:12: error: two and one")
    assert not (tmp_path / "build").exists()
    write(tmp_path / "app.py", AMBIGUOUS.replace('{"detail": {"a": [1]}}', '{"source": ["other"]}'))
    done = eventfw(tmp_path, "build")
    assert done.returncode == 0, done.stderr
    assert "Warning: app.py:17: The schedule" in done.stderr
