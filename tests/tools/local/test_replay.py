"""Replaying sample events: where each goes, what it gave, and what changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventfw import App
from eventfw.errors import LocalError, ProjectError
from eventfw.routing import Router
from eventfw.tools.local.client import Invoked
from eventfw.tools.local.replay import Replay, Replayed, event_files, read_event


def the_app() -> App:
    app = App("shop")
    orders = app.queue("orders")

    @app.sqs_consumer(orders)
    def order(message: Any) -> None: ...

    @app.schedule("rate(1 day)")
    def morning(tick: Any) -> None: ...

    return app


def sample(app: App, name: str, **fields: Any) -> Any:
    return next(one for one in app.handlers if one.name == name).triggers[0].sample(**fields)


def replay(folder: Path, app: App, payload: Any, *, error: bool = False) -> list[Replayed]:
    def invoke(function: str, event: Any, source: str) -> Invoked:
        return Invoked(json.dumps(payload), error, "", "", 1.0, "id")

    return list(Replay(folder, Router(app), invoke).run(event_files(folder, ())))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "events").mkdir()
    return tmp_path


def test_an_event_is_new_then_unchanged_then_changed(folder: Path) -> None:
    app = the_app()
    (folder / "events" / "order.json").write_text(json.dumps(sample(app, "order")))
    assert [one.change for one in replay(folder, app, {"n": 1})] == ["new"]
    assert [one.change for one in replay(folder, app, {"n": 1})] == ["unchanged"]
    (changed,) = replay(folder, app, {"n": 2})
    assert (changed.change, changed.before, changed.handler) == (
        "changed",
        {"error": False, "value": {"n": 1}},
        "order",
    )


def test_an_error_is_the_same_whatever_its_trace_and_id_are(folder: Path) -> None:
    app = the_app()
    (folder / "events" / "order.json").write_text(json.dumps(sample(app, "order")))
    error = {"errorType": "KeyError", "errorMessage": "x", "requestId": "1", "stackTrace": ["line 1"]}
    assert [one.failed for one in replay(folder, app, error, error=True)] == [True]
    (again,) = replay(folder, app, {**error, "requestId": "2", "stackTrace": ["line 2"]}, error=True)
    assert again.change == "unchanged"


def test_an_event_nobody_takes_says_why_and_the_others_still_run(folder: Path) -> None:
    app = the_app()
    event = sample(app, "order")
    event["Records"][0]["eventSourceARN"] = "arn:aws:sqs:us-east-1:000000000000:others"
    (folder / "events" / "1.json").write_text(json.dumps(event))
    (folder / "events" / "2.json").write_text("{")
    (folder / "events" / "3.json").write_text(json.dumps({"nobody": "knows"}))
    (folder / "events" / "4.json").write_text(json.dumps(sample(app, "morning")))
    done = replay(folder, app, None)
    assert [one.failed for one in done] == [True, True, True, False]
    assert "order:" in done[0].problem
    assert "Line 1, column 2 is not JSON" in done[1].problem
    assert "no handler takes events" in done[2].problem


def test_a_faulty_memory_is_begun_anew(folder: Path) -> None:
    app = the_app()
    (folder / "events" / "order.json").write_text(json.dumps(sample(app, "order")))
    (folder / ".eventfw").mkdir()
    for text in ("{", "[]", '{"events/order.json order": null}', '{"events/order.json order": 3}'):
        (folder / ".eventfw" / "replay.json").write_text(text)
        assert [one.change for one in replay(folder, app, 1)] == ["new"]


def test_no_events_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no sample events in .*events\. Add one, or name a file"):
        event_files(tmp_path, ())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a":\n 1,}', "Line 2"),
        (b"", "Line 1, column 1"),
        (b"\xff\xfe", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
    ],
)
def test_a_file_that_is_no_json_is_told_with_its_place(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "event.json"
    path.write_bytes(data)
    with pytest.raises(LocalError, match=says) as caught:
        read_event(path)
    assert caught.value.place.startswith(str(path))


def test_a_folder_or_nothing_at_all_is_told(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be read"):
        read_event(tmp_path)
    with pytest.raises(LocalError, match="There is no file"):
        read_event(tmp_path / "absent.json")
