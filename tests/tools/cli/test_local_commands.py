"""``eventfw invoke``, ``send`` and ``replay`` on a running local server, and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from live import Live, eventfw, write

APP = """
    from eventfw import App

    app = App("shop")
    uploads = app.bucket("uploads")
    orders = app.queue("orders")


    @app.http("/photos/{name}")
    def photo(name):
        return {"name": name}


    @app.s3_trigger(uploads, suffix=".png")
    def thumbnail(upload):
        print("thumbnail of", upload.key)


    @app.sqs_consumer(orders)
    def order(message):
        if message.body == "bad":
            raise ValueError("cannot ship this")
        print("order", message.body)


    @app.schedule("rate(1 day)")
    def morning(tick):
        print("good morning")


    @app.function()
    def direct(event):
        if event == "fail":
            raise RuntimeError("no")
        print("working")
        return {"got": event}
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("shop")
    write(folder / "app.py", APP)
    live = Live(folder, "--no-cloud")
    try:
        yield live
    finally:
        live.stop()


def test_invoke_prints_the_result_and_the_functions_output_apart(live: Live) -> None:
    (live.folder / "event.json").write_text('{"ä": 1}')
    done = eventfw(live.folder, "invoke", "direct", "event.json")
    assert (done.returncode, json.loads(done.stdout)) == (0, {"got": {"ä": 1}})
    assert "working" in done.stderr


def test_invoke_takes_the_event_from_standard_input_or_none(live: Live) -> None:
    assert json.loads(eventfw(live.folder, "invoke", "direct", "-", stdin="[1]").stdout) == {"got": [1]}
    assert json.loads(eventfw(live.folder, "invoke", "direct").stdout) == {"got": {}}


def test_invoke_of_a_failing_function_exits_with_1(live: Live) -> None:
    done = eventfw(live.folder, "invoke", "direct", "-", "--json", stdin='"fail"')
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["error"], answer["result"]["errorMessage"]) == (1, True, "no")


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        (["nobody"], "", "nobody"),
        (["direct", "absent.json"], "", "There is no file absent.json"),
        (["direct", "-"], "{", "Standard input is not JSON"),
        (["direct", "bad.json"], "", "bad.json:2"),
    ],
)
def test_invoke_says_what_is_wrong(live: Live, arguments: list[str], stdin: str, says: str) -> None:
    (live.folder / "bad.json").write_text('{"a":\n 1,}')
    done = eventfw(live.folder, "invoke", *arguments, stdin=stdin)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_send_makes_an_event_that_reaches_the_handler(live: Live) -> None:
    assert "thumbnail of cat one.png" in eventfw(live.folder, "send", "thumbnail", "key=cat one.png").stderr
    assert "order 3 prints" in eventfw(live.folder, "send", "order", "body=3 prints").stderr
    assert "good morning" in eventfw(live.folder, "send", "morning").stderr
    answer = json.loads(eventfw(live.folder, "send", "photo", "name=cat").stdout)
    assert json.loads(answer["body"]) == {"name": "cat"}
    live.says("send -> order ok")


def test_send_can_print_the_event_instead(live: Live) -> None:
    event = json.loads(eventfw(live.folder, "send", "order", "body=x", "--print").stdout)
    assert event["Records"][0]["body"] == "x"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ordr"], 1, "ordr"),
        (["order", "bdy=x"], 1, "bdy"),
        (["order", "x"], 2, "'x' is not KEY=VALUE"),
        (["photo", "headers=5"], 1, "cannot have headers=5"),
        (["order", "--trigger", "2"], 1, "--trigger 2"),
    ],
)
def test_send_says_what_is_wrong(live: Live, arguments: list[str], code: int, says: str) -> None:
    done = eventfw(live.folder, "send", *arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_replay_says_where_each_event_went_and_what_changed(live: Live) -> None:
    events = live.folder / "events"
    events.mkdir()
    (events / "1-order.json").write_text(eventfw(live.folder, "send", "order", "body=ok", "--print").stdout)
    (events / "2-nobody.json").write_text('{"detail-type": "x", "source": "y", "detail": {}}')
    (events / "3-broken.json").write_text("{")
    done = eventfw(live.folder, "replay")
    assert done.returncode == 1  # something reached nothing
    assert "events/1-order.json sqs -> order ok" in done.stdout
    assert "events/2-nobody.json" in done.stdout
    assert "events/3-broken.json" in done.stdout
    assert done.stdout.count("not run") == 2
    again = eventfw(live.folder, "replay", "events/1-order.json")
    assert again.returncode == 0
    assert "unchanged" in again.stdout
    (events / "1-order.json").write_text(eventfw(live.folder, "send", "order", "body=bad", "--print").stdout)
    changed = eventfw(live.folder, "replay", "events/1-order.json", "--json")
    row = json.loads(changed.stdout)
    assert (row["handler"], row["change"]) == ("order", "changed")
    assert len(row["result"]["batchItemFailures"]) == 1


@pytest.mark.parametrize("arguments", [["invoke", "direct"], ["send", "order"], ["replay", "app.json"]])
def test_without_a_server_the_remedy_is_to_start_one(tmp_path: Path, arguments: list[str]) -> None:
    write(tmp_path / "app.py", APP)
    (tmp_path / "app.json").write_text('{"Records": []}')
    done = eventfw(tmp_path, *arguments)
    assert done.returncode == 1
    assert "Start one: eventfw local" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_killed_servers_file_is_no_server(tmp_path: Path) -> None:
    write(tmp_path / "app.py", APP)
    (tmp_path / ".eventfw").mkdir()
    state = {"http": "", "aws": "", "edge": "", "control": "http://127.0.0.1:9", "token": "x", "region": "us-east-1"}
    (tmp_path / ".eventfw" / "local.json").write_text(json.dumps({**state, "pid": 2**22 + 1}))
    assert "Start one: eventfw local" in eventfw(tmp_path, "invoke", "direct").stderr


def test_a_folder_that_is_not_there_is_named_before_anything_starts(tmp_path: Path) -> None:
    refused = eventfw(tmp_path, "local", "--directory", "nowhere", "--port", "0")
    assert refused.returncode == 1
    assert "There is no folder 'nowhere'. Check the path given with --directory." in refused.stderr
