"""``eventfw local`` from its start to its end: saves, signals, ports, and what goes wrong on the way."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from live import Live, alive, command, environment, eventfw, family, until, write

pytestmark = pytest.mark.spread

SMALL = """
    from eventfw import App

    app = App("small")


    @app.http("/version")
    def version():
        return {"version": 1}
"""
QUEUE = """

    jobs = app.queue("jobs")


    @app.sqs_consumer(jobs)
    def job(message):
        print("did", message.body)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "app.py", SMALL)
    return tmp_path


@contextmanager
def running(folder: Path, *arguments: str, **more: str) -> Iterator[Live]:
    live = Live(folder, *arguments, **more)
    try:
        yield live
    finally:
        live.stop()


# Saves


def test_a_save_is_served_without_a_refused_connection(folder: Path) -> None:
    with running(folder, "--no-cloud") as live:
        seen: list[int] = []
        over = threading.Event()

        def hammer() -> None:
            while not over.is_set():
                seen.append(live.get("/version")["version"])

        clients = [threading.Thread(target=hammer) for _ in range(3)]
        for client in clients:
            client.start()
        for version in (2, 3, 4):
            write(folder / "app.py", SMALL.replace("1", str(version)))
            until(lambda version=version: seen[-1:] == [version], f"version {version}")  # type: ignore[misc]
        over.set()
        for client in clients:
            client.join()
        assert set(seen) == {1, 2, 3, 4}
        live.says("Reloaded after app.py")


def test_a_broken_save_is_told_and_the_last_good_app_goes_on(folder: Path) -> None:
    with running(folder, "--no-cloud") as live:
        write(folder / "app.py", SMALL + "\n    raise RuntimeError('half done')\n")
        live.says("half done")
        line = len(SMALL.splitlines()) + 2
        assert f"app.py:{line}" in live.says("app.py:")
        live.says("goes on serving")
        status, headers, body = live.request("GET", "/version")
        assert (status, json.loads(body)) == (200, {"version": 1})
        assert headers["x-eventfw-error"].startswith(f"app.py:{line}: RuntimeError while importing the app")
        write(folder / "app.py", SMALL.replace("1", "2"))
        until(lambda: live.get("/version") == {"version": 2})
        assert "x-eventfw-error" not in live.request("GET", "/version")[1]


def test_a_save_while_the_embedded_aws_still_starts_is_seen(folder: Path) -> None:
    live = Live(folder, wait=False)
    try:
        live.says("Serving small")
        write(folder / "app.py", SMALL.replace("1", "2"))
        live.ready()
        until(lambda: live.get("/version") == {"version": 2})
    finally:
        live.stop()


def test_a_queue_that_is_added_is_made_and_one_that_is_faulty_is_told(folder: Path) -> None:
    with running(folder) as live:
        write(folder / "app.py", SMALL + QUEUE)
        client = live.client("sqs")
        live.says("(16 resources)")
        url = client.get_queue_url(QueueName="jobs")["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody="one")
        live.says("did one")
        write(folder / "app.py", SMALL + QUEUE.replace('app.queue("jobs")', 'app.queue("no spaces")'))
        live.says("'no spaces'")
        assert live.get("/version") == {"version": 1}
        write(folder / "app.py", SMALL + QUEUE + '\n    app.queue("more")\n')
        live.says("(20 resources)")
        client.send_message(QueueUrl=url, MessageBody="two")
        live.says("did two")


def test_the_embedded_aws_ending_is_told_and_the_rest_goes_on(folder: Path) -> None:
    with running(folder) as live:
        aws = [pid for pid in live.family if "ministack" in Path(f"/proc/{pid}/cmdline").read_text()]
        for pid in aws:
            os.kill(pid, signal.SIGKILL)
        live.says("The embedded AWS ended by itself")
        live.says("Start eventfw local again")
        assert live.get("/version") == {"version": 1}
        assert live.request("GET", "/", to="aws")[0] == 503


# Replaying


def test_sample_events_are_replayed_at_the_start_and_after_each_save(folder: Path) -> None:
    (folder / "events").mkdir()
    event = {"version": "2.0", "rawPath": "/version", "requestContext": {"http": {"method": "GET", "path": "/version"}}}
    (folder / "events" / "ask.json").write_text(json.dumps({**event, "routeKey": "GET /version"}))
    with running(folder, "--no-cloud", "--replay") as live:
        live.says("ask.json apigw_http_v2 -> version ok")
        write(folder / "app.py", SMALL.replace("1", "2"))
        was = live.says("changed, was ok")
        assert "1" in was
        write(folder / "app.py", SMALL.replace("1", "2") + "    # a remark\n")
        live.says("unchanged")


# The end


@pytest.mark.parametrize(
    ("how", "arguments", "processes"),
    [
        (signal.SIGINT, (), 5),  # the server, the zygote, a worker, the embedded AWS and its guardian
        (signal.SIGTERM, ("--no-cloud",), 3),
        (signal.SIGHUP, ("--no-cloud",), 3),
    ],
)
def test_a_signal_ends_every_process(
    folder: Path, how: signal.Signals, arguments: tuple[str, ...], processes: int
) -> None:
    live = Live(folder, *arguments)
    live.get("/version")
    assert len(family(live.process.pid)) >= processes
    assert live.stop(how) == 0
    assert "Stopping ..." in live.lines
    assert not [line for line in live.lines if "Traceback" in line or "never" in line]
    assert not (folder / ".eventfw" / "local.json").exists()


def test_a_killed_server_leaves_no_process(folder: Path) -> None:
    live = Live(folder)
    live.get("/version")
    assert live.stop(signal.SIGKILL) == -signal.SIGKILL


def test_a_server_is_stopped_while_the_embedded_aws_starts(folder: Path) -> None:
    live = Live(folder, wait=False)
    live.says("Serving small")
    assert live.stop() == 0
    assert not [line for line in live.lines if "Traceback" in line or "error" in line]


def test_a_server_is_stopped_while_the_app_is_imported(folder: Path) -> None:
    write(folder / "app.py", "import pathlib, time\npathlib.Path('began').touch()\ntime.sleep(600)\n")
    live = Live(folder, "--no-cloud", wait=False)
    until((folder / "began").exists)
    assert live.stop() == 0


def test_a_server_is_stopped_while_the_embedded_aws_is_installed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cache = tmp_path_factory.mktemp("cache")
    with socket.create_server(("127.0.0.1", 0)) as index:  # it takes connections and never answers
        url = f"http://127.0.0.1:{index.getsockname()[1]}/simple"
        more = {"EVENTFW_CACHE": str(cache), "UV_CACHE_DIR": str(cache / "uv"), "UV_DEFAULT_INDEX": url}
        live = Live(folder, wait=False, **more)
        live.says("Installing the embedded AWS")
        index.settimeout(30)
        index.accept()[0].close()
        assert live.stop() == 0
    assert not list(cache.glob("making-*"))


def test_requests_in_flight_are_ended_with_the_server(folder: Path) -> None:
    slow = SMALL + '\n\n    @app.http("/slow")\n    def slow():\n        import time\n\n        time.sleep(600)\n'
    write(folder / "app.py", slow)
    live = Live(folder, "--no-cloud")
    connection = http.client.HTTPConnection(live.address(), timeout=30)
    connection.request("GET", "/slow")
    until(lambda: len(family(live.process.pid)) >= 3)
    time.sleep(0.2)
    assert live.stop() == 0
    connection.close()


# Ports, hosts, and AWSs


def test_a_port_in_use_is_told(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for option in ("--port", "--edge-port", "--aws-port"):
            done = eventfw(folder, "local", "--no-cloud", "--port", "0", option, port)
            assert done.returncode == 1
            assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr
            assert f"Choose another with {option}" in done.stderr
            assert "Traceback" not in done.stderr


def test_two_servers_run_beside_each_other(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other / "app.py", SMALL.replace("1", "2") + QUEUE)
    with running(folder) as one, running(other) as two:
        assert (one.get("/version"), two.get("/version")) == ({"version": 1}, {"version": 2})
        assert two.client("sqs").list_queues().get("QueueUrls")
        assert not one.client("sqs").list_queues().get("QueueUrls")


def test_no_cloud_has_no_aws(folder: Path) -> None:
    with running(folder, "--no-cloud") as live:
        assert live.addresses["aws"] is None
        assert live.get("/version") == {"version": 1}


def test_another_aws_is_used_and_left_running(folder: Path, cloud_endpoint: str) -> None:
    write(folder / "app.py", SMALL.replace("small", "elsewhere") + QUEUE.replace('"jobs"', '"elsewhere-jobs"'))
    with running(folder, "--cloud-endpoint", cloud_endpoint) as live:
        client = live.client("sqs")
        url = client.get_queue_url(QueueName="elsewhere-jobs")["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody="two")
        live.says("did two")
    import boto3

    there = boto3.client(
        "cloudformation",
        endpoint_url=cloud_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert there.describe_stacks(StackName="elsewhere-local")["Stacks"]
    there.delete_stack(StackName="elsewhere-local")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9", "Nothing answers at http://127.0.0.1:9"),
        ("localhost:4566", "looks like http://127.0.0.1:4566"),
        ("https://sqs.us-east-1.amazonaws.com", "is AWS itself"),
    ],
)
def test_an_aws_that_cannot_be_used_is_told(folder: Path, url: str, says: str) -> None:
    done = eventfw(folder, "local", "--port", "0", "--cloud-endpoint", url)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_an_allowed_host_passes(folder: Path) -> None:
    with running(folder, "--no-cloud", "--allow-host", "app.test") as live:
        assert live.request("GET", "/version", Host="app.test")[0] == 200
        assert live.request("GET", "/version", Host="other.test")[0] == 403


# An app that cannot be served


@pytest.mark.parametrize(
    ("source", "place", "says"),
    [
        ("\nraise RuntimeError('no database')\n", "app.py:2", "no database"),
        ("def broken(:\n", "app.py:1", "invalid syntax"),
        ("from eventfw import App\napp = App('a')\napp.queue('no spaces')\n", "app.py:3", "no spaces"),
        ("import nowhere\n", "app.py:1", "nowhere"),
        ("x = 1\n", "", "App"),
    ],
)
def test_an_app_that_cannot_be_imported_is_an_error_with_its_place(
    tmp_path: Path, source: str, place: str, says: str
) -> None:
    (tmp_path / "app.py").write_text(source)
    done = eventfw(tmp_path, "local", "--port", "0", "--no-cloud")
    assert done.returncode == 1
    assert place in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_a_folder_without_an_app_is_told_also_while_the_embedded_aws_starts(tmp_path: Path) -> None:
    done = eventfw(tmp_path, "local", "--port", "0")
    assert done.returncode == 1
    assert "app.py" in done.stderr


# Output


def test_nobody_reading_the_output_stops_nothing(folder: Path) -> None:
    reader, writer = os.pipe()
    server = subprocess.Popen(
        command("local", "--port", "0", "--no-cloud"), cwd=folder, env=environment(), stdout=writer, stderr=writer
    )
    os.close(writer)
    with os.fdopen(reader) as output:
        url = output.readline().split()[3]
    state = folder / ".eventfw" / "local.json"
    until(state.exists)
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    for _ in range(3):
        connection.request("GET", "/version")
        assert connection.getresponse().read() == b'{"version":1}'
    connection.close()
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0


def test_closed_standard_streams_stop_nothing(folder: Path) -> None:
    shell = "exec " + " ".join(command("local", "--port", "0", "--no-cloud")) + " <&- >&- 2>&-"
    server = subprocess.Popen(["sh", "-c", shell], cwd=folder, env=environment())
    state = folder / ".eventfw" / "local.json"
    until(state.exists)
    assert alive(server.pid)
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
