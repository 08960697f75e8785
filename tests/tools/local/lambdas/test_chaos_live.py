"""``eventfw local --chaos --inspect``: faults reach handlers and callers of a real server, and are seen there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from live import Live, eventfw, until, write

from eventfw.tools.local.lambdas.chaos import Chaos, parsed
from eventfw.tools.local.state import read_state

APP = """
    import json
    from eventfw import App

    app = App("demo")
    calls = []

    def note(what, value):
        with open("seen.jsonl", "a") as file:
            file.write(json.dumps([what, value]) + "\\n")

    @app.function()
    def work(event, context):
        calls.append(event)
        note("work", [event, len(calls)])

    @app.function()
    def told(event, context):
        note("told", context.aws_request_id)

    @app.http("/")
    def home():
        return {"at": "home"}
"""
SPEC = "duplicate=1,throttle=0.1,reorder,timeout=0.1,seed=16221"  # which spares the function told at first


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("chaos")
    write(folder / "app.py", APP)
    server = Live(folder, "--no-cloud", "--chaos", SPEC, "--inspect")
    yield server
    assert server.stop() == 0


def test_callers_are_throttled_and_see_environments_end_as_the_seed_says(live: Live) -> None:
    expected = Chaos(parsed(SPEC))
    lambda_ = client(live)
    calls = 0  # that the environment at hand has had, in its memory
    for number in range(8):
        throttled = expected.throttles("work")
        when = "" if throttled else expected.times_out("work")
        try:
            answer = json.loads(
                lambda_.invoke(FunctionName="work", Payload=json.dumps(number).encode())["Payload"].read()
            )
        except lambda_.exceptions.TooManyRequestsException:
            assert throttled
            continue
        assert not throttled
        if when:
            assert answer["errorType"] == "Sandbox.Timedout"
        calls = calls + 1 if when != "before" else calls
        noted = [note for note in live.noted("work") if note[0] == number]
        assert noted == ([] if when == "before" else [[number, calls]])
        calls = 0 if when == "after" else calls
    live.says("chaos: work is throttled at its invocation ")
    said = live.lines.index(live.says("--- event work  "))
    live.says("--- answer work  ", after=said)
    live.says("--- no answer work  ", after=said)
    assert live.says("  chaos duplicate=1,throttle=0.1,reorder=1,timeout=0.1,seed=")


def client(live: Live) -> Any:
    """Lambda's, without the SDK's own retries."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    once = Config(retries={"total_max_attempts": 1})
    door = read_state(live.folder).control
    return boto3.client("lambda", endpoint_url=door, region_name="us-east-1", config=once, **keys)  # type: ignore[call-overload]


def test_a_request_is_throttled_as_api_gateway_says_it(live: Live) -> None:
    statuses = [live.request("GET", "/")[0] for _ in range(2)]
    assert statuses == [503, 200]


def test_an_asynchronous_event_comes_twice_with_one_request_id(live: Live) -> None:
    client(live).invoke(FunctionName="told", InvocationType="Event", Payload=b"{}")
    until(lambda: len(live.noted("told")) == 2, "the asynchronous event, twice")
    assert len(set(live.noted("told"))) == 1


def test_a_wrong_specification_ends_the_start(live: Live) -> None:
    failed = eventfw(live.folder, "local", "--chaos", "duplicat=1")
    assert failed.returncode == 2
    assert "'duplicat=1' is no fault. Did you mean 'duplicate'?" in failed.stderr
