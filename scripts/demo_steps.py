"""The demo itself, run inside the environment that ``scripts/demo`` makes."""

import contextlib
import json
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 90.0  # seconds for any one thing to happen
MOVING = ("_IN_PROGRESS ", "_COMPLETE ", "DELETE_SKIPPED ")
EVENTFW = [sys.executable, "-m", "eventfw"]


def run() -> None:
    """Every step, in order; says what happened, and stops at the first that fails."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="eventfw-demo-") as folder:
        project = Path(folder) / "gallery"
        say("eventfw new gallery")
        command("new", "gallery", cwd=Path(folder))
        command_of([sys.executable, "-m", "pytest", "-q"], cwd=project)
        told("The starter's own tests pass.")
        with Server(project) as server:
            http(server)
            s3(server)
            sqs(server, project)
            schedule(server, project)
            edge(server)
            reload(server, project)
            replay(project)
            route(project)
            build_and_deploy(server, project)
        told("eventfw local was stopped with Ctrl-C, and none of its ports answers.")
    print(f"\nAll of it worked, in {time.perf_counter() - begun:.0f} s.")


class Server:
    """``eventfw local`` as a child, with what it prints."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.lines: queue.Queue[str] = queue.Queue()
        self.seen: list[str] = []

    def __enter__(self) -> "Server":
        say("eventfw local --port 0 --clock virtual --json")
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            [*EVENTFW, "local", "--port", "0", "--clock", "virtual", "--json"],
            cwd=self.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        threading.Thread(target=self._read, daemon=True).start()
        serving = self.wait_for("Serving ")
        url = next(word for word in serving.split() if word.startswith("http://"))
        get(url + "/photos-that-are-not-there")
        told(f"The first answer came {time.perf_counter() - begun:.2f} s after the start, while the AWS was starting.")
        if self.process.stdout is None:
            raise SystemExit("The server has no output.")
        first = self.process.stdout.readline()
        if not first:
            raise SystemExit("eventfw local ended:\n" + "".join(self.seen))
        self.addresses = json.loads(first)
        told(f"Everything answers after {time.perf_counter() - begun:.1f} s: {first.strip()}")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit("eventfw local did not stop within 30 s.") from None
        if error[0] is None:
            check(code == 0, f"eventfw local ended with {code}")
            for name in ("http", "aws", "edge"):
                check(not listens(self.addresses[name]), f"{self.addresses[name]} still answers")

    def _read(self) -> None:
        if self.process.stderr is not None:
            for line in self.process.stderr:
                self.lines.put(line)

    def wait_for(self, text: str) -> str:
        """The next line with a text in it."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.process.poll() is not None and self.lines.empty():
                break
            with contextlib.suppress(queue.Empty):
                line = self.lines.get(timeout=0.2)
                self.seen.append(line)
                if text in line:
                    return line.strip()
        raise SystemExit(f"Nothing said {text!r}. The server said:\n" + "".join(self.seen[-40:]))

    def client(self, service: str) -> Any:
        """A real boto3 client for the embedded AWS."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.addresses["aws"],
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


def http(server: Server) -> None:
    say("HTTP: GET /photos, and a route that is not there")
    status, body = get(server.addresses["http"] + "/photos")
    check((status, json.loads(body)) == (200, {"photos": []}), f"{status} {body}")
    told(f"{status} {body}")
    status, body = get(server.addresses["http"] + "/nothing")
    check(status == 404, f"{status} {body}")
    told(f"{status} {body}")


def s3(server: Server) -> None:
    say("S3: boto3 stores cat.png in the bucket uploads")
    server.client("s3").put_object(Bucket="uploads", Key="cat.png", Body=png(64, 48))
    told(server.wait_for("cat.png is 64 x 48"))
    status, body = get(server.addresses["http"] + "/photos/cat.png")
    check(status == 200 and json.loads(body)["width"] == 64, f"{status} {body}")
    told(f"GET /photos/cat.png: {status} {body}")


def sqs(server: Server, project: Path) -> None:
    say("SQS: an order over HTTP, then one that cannot be printed, sent with boto3")
    status, body = get(server.addresses["http"] + "/photos/cat.png/orders", {"copies": 2})
    check(status == 202, f"{status} {body}")
    told(server.wait_for("Printing cat.png, copies: 2"))
    client = server.client("sqs")
    client.send_message(QueueUrl=client.get_queue_url(QueueName="orders")["QueueUrl"], MessageBody="not JSON")
    told(server.wait_for("will come again"))
    say("eventfw clock advance 20m: the message's visibility timeouts pass, and it is tried again")
    begun = time.perf_counter()
    told(command("clock", "advance", "20m", cwd=project).strip())
    dead = client.get_queue_url(QueueName="orders-dead-letters")["QueueUrl"]
    found = client.receive_message(QueueUrl=dead).get("Messages") or []
    check(len(found) == 1, "the message is not in the dead-letter queue")
    seconds = time.perf_counter() - begun
    told(f"After three tries it lies in orders-dead-letters, {seconds:.1f} s later: {found[0]['Body']!r}")


def schedule(server: Server, project: Path) -> None:
    say("Schedule: eventfw clock advance 24h, within which report is due at 06:00")
    command("clock", "advance", "24h", cwd=project)
    told(server.wait_for(": 1 photos"))


def edge(server: Server) -> None:
    say("Edge: a viewer opens / through CloudFront, and the function rewrites it")
    status, body = get(server.addresses["edge"] + "/")
    check((status, json.loads(body)) == (200, {"photos": ["cat.png"]}), f"{status} {body}")
    told(f"{status} {body}")


def reload(server: Server, project: Path) -> None:
    say("Reload: app.py is edited")
    path = project / "app.py"
    source = path.read_text()
    begun = time.perf_counter()
    path.write_text(source.replace('return {"photos": names()}', 'return {"photos": names(), "edited": True}'))
    while b"edited" not in (get(server.addresses["http"] + "/photos")[1]).encode():
        check(time.perf_counter() - begun < PATIENCE, "the new code was never served")
        time.sleep(0.005)
    told(f"The new code answered {(time.perf_counter() - begun) * 1000:.0f} ms after the save; no request was refused.")
    path.write_text(source)


def replay(project: Path) -> None:
    say("eventfw replay: the sample events in events/")
    done = command("replay", "--json", cwd=project)
    rows = [json.loads(line) for line in done.splitlines()]
    for row in rows:
        told(f"{row['file']}: {row['kind']} -> {row['handler']}, {'failed' if row['error'] else 'ok'}")
    check(bool(rows) and not any(row["error"] or row["problem"] for row in rows), done)


def route(project: Path) -> None:
    say("eventfw route events/photo-uploaded.json: which handler, and why not the others")
    told(command("route", "events/photo-uploaded.json", cwd=project).rstrip().replace("\n", "\n  "))
    event = json.loads((project / "events" / "photo-uploaded.json").read_text())
    event["Records"][0]["s3"]["object"]["key"] = "cat.txt"
    (project / "renamed.json").write_text(json.dumps(event))
    found = json.loads(command("route", "renamed.json", "--json", cwd=project))
    (project / "renamed.json").unlink()
    why = {row["handler"]: row["why"] for row in found["not_reached"]}
    check(not found["reached"] and "does not end in" in why["describe"], str(found))
    told(f"Called cat.txt it reaches nothing: {why['describe']}.")


def build_and_deploy(server: Server, project: Path) -> None:
    say("eventfw build")
    print(indented(command("build", cwd=project)))
    endpoint = ["--endpoint-url", server.addresses["aws"]]
    say("eventfw deploy --endpoint-url " + server.addresses["aws"] + " --yes")
    print(indented(command("deploy", *endpoint, "--yes", cwd=project)))
    names = [one["FunctionName"] for one in server.client("lambda").list_functions()["Functions"]]
    check("gallery-dev-describe" in names, f"the functions are {names}")
    told(f"Lambda lists {', '.join(sorted(name for name in names if '-dev-' in name))}")
    say("eventfw deploy, again")
    again = command("deploy", *endpoint, "--yes", cwd=project)
    check("Nothing to change" in again, again)
    told("Nothing to change.")
    say("eventfw destroy --delete-data")
    print(indented(command("destroy", *endpoint, "--yes", "--delete-data", cwd=project)))


def command(*arguments: str, cwd: Path) -> str:
    """Run an eventfw command; what it printed."""
    return command_of([*EVENTFW, *arguments], cwd=cwd)


def command_of(words: list[str], *, cwd: Path) -> str:
    """Run a command; what it printed. One that fails ends the demo."""
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, env=clean_environment(), check=False)
    check(done.returncode == 0, f"{' '.join(words[1:])} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def clean_environment() -> dict[str, str]:
    """Nothing that leads to a real account, and the region that the demo's clients use."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_REGION": "us-east-1"}
    return kept


def get(url: str, body: Any = None) -> tuple[int, str]:
    """Status and body of a GET, or of a POST where there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"} if data else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def listens(url: str) -> bool:
    """Whether anything accepts connections at an address."""
    parts = urlsplit(url)
    with socket.socket() as one:
        return one.connect_ex((parts.hostname, parts.port)) == 0


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x80" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def say(text: str) -> None:
    print(f"\n== {text}", flush=True)


def told(text: str) -> None:
    print(f"   {text}", flush=True)


def indented(text: str) -> str:
    """What a command printed, without the resources as they moved."""
    lines = [line for line in text.rstrip().splitlines() if not any(state in line for state in MOVING)]
    return "\n".join("   " + line for line in lines)


def check(fine: bool, otherwise: str) -> None:
    """Stop the demo where something is not as it should be."""
    if not fine:
        raise SystemExit(f"The demo failed: {otherwise}")
