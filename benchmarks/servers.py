"""The local servers that are compared, each with one handler that answers ``/hello/cat`` with JSON."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

HERE = Path(__file__).parent
PATIENCE = 60.0  # seconds: cargo-lambda builds the handler first
END = 10.0  # seconds until a server that was asked to end is killed

EVENTFW = """\
from eventfw import App

app = App("bench")


@app.http("/hello/{{name}}")
def hello(request, name):
    return {{"hello": {answer}}}
"""
CHALICE = """\
from chalice import Chalice

app = Chalice(app_name="bench")


@app.route("/hello/{{name}}")
def hello(name):
    return {{"hello": {answer}}}
"""
SERVERLESS = """\
import json


def hello(event, context):
    body = json.dumps({"hello": event["pathParameters"]["name"]})
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
"""
SERVERLESS_YML = f"""\
service: bench
provider:
  name: aws
  runtime: python{sys.version_info.major}.{sys.version_info.minor}
plugins:
  - serverless-offline
functions:
  hello:
    handler: app.hello
    events:
      - httpApi: GET /hello/{{name}}
"""
CARGO = '[package]\nname = "hello"\nversion = "0.1.0"\nedition = "2021"\n'


@dataclass
class Server:
    """A server that can be started and ended again and again. ``source`` is its app, with ``{answer}`` in it where a
    save is to change something."""

    name: str
    folder: Path
    command: Sequence[str]
    port: int
    path: str = "/hello/cat"
    source: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where the handler answers."""
        return f"http://127.0.0.1:{self.port}{self.path}"

    def start(self) -> float:
        """Start it and wait for its first 200: how many seconds that took."""
        begun = perf_counter()
        self.process = subprocess.Popen(
            list(self.command),
            cwd=self.folder,
            env={**inherited(), **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while self.body() is None:
            if perf_counter() - begun > PATIENCE or self.process.poll() is not None:
                self.stop()
                raise SystemExit(f"{self.name} did not start: {' '.join(self.command)} in {self.folder}")
            sleep(0.002)
        return perf_counter() - begun

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid if self.process is not None else 0

    def body(self) -> bytes | None:
        """What it answers, on a new connection; ``None`` for anything but a 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", self.path)
            response = connection.getresponse()
            body = response.read()
            return body if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def save(self, answer: str) -> None:
        """Save its app with another answer, at once as editors do."""
        draft = self.folder / "app.py.draft"
        draft.write_text(self.source.format(answer=answer))
        draft.replace(self.folder / "app.py")

    def stop(self) -> None:
        """End it and all that it started."""
        if self.process is None:
            return
        for sent in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, sent)
                self.process.wait(END)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None


def inherited() -> dict[str, str]:
    """The environment that servers start in: what was compiled once is not to be compiled at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def eventfw(folder: Path, *options: str, source: str = EVENTFW) -> Server:
    """Ours, by this interpreter. Without ``options`` there is no AWS beside it."""
    port = free_port()
    more = options or ("--no-cloud",)
    ports = ["--port", str(port), "--edge-port", str(free_port()), "--aws-port", str(free_port())]
    command = [sys.executable, "-m", "eventfw", "local", *ports, *more]
    server = Server("eventfw", folder, command, port, source=source, environment={"PYTHONPATH": str(HERE.parent)})
    server.save("name")
    return server


def chalice(folder: Path) -> Server:
    """``chalice local``, which loads a saved app again."""
    (folder / ".chalice").mkdir()
    (folder / ".chalice" / "config.json").write_text(json.dumps({"version": "2.0", "app_name": "bench"}))
    port = free_port()
    server = Server("chalice", folder, [found("chalice"), "local", "--port", str(port)], port, source=CHALICE)
    server.save("name")
    return server


def serverless(folder: Path) -> Server:
    """serverless-offline on osls, with a Python handler."""
    (folder / "app.py").write_text(SERVERLESS)
    (folder / "serverless.yml").write_text(SERVERLESS_YML)
    tool = Path(found("osls")).absolute()
    (folder / "node_modules").symlink_to(tool.parents[1])
    port = free_port()
    ports = ["--httpPort", str(port), "--lambdaPort", str(free_port()), "--albPort", str(free_port())]
    return Server("serverless-offline", folder, [str(tool), "offline", "--host", "127.0.0.1", *ports], port)


def cargo_lambda(folder: Path) -> Server:
    """``cargo lambda watch`` with a handler in Rust, optimised."""
    (folder / "src").mkdir()
    (folder / "src" / "main.rs").write_text((HERE / "handler.rs").read_text())
    (folder / "Cargo.toml").write_text(CARGO)
    port = free_port()
    command = [found("cargo-lambda"), "lambda", "watch", "--release", "--ignore-changes", "--invoke-port", str(port)]
    return Server("cargo-lambda", folder, command, port, "/lambda-url/hello/hello/cat")


PEERS = {"chalice": chalice, "serverless-offline": serverless, "cargo-lambda": cargo_lambda}
NEEDED = {"chalice": ["chalice"], "serverless-offline": ["osls"], "cargo-lambda": ["cargo-lambda", "cargo"]}
INSTALL = {
    "chalice": "pip install chalice",
    "serverless-offline": "npm install osls serverless-offline@14 in a folder, with its node_modules/.bin on PATH",
    "cargo-lambda": "pip install cargo-lambda, and Rust from https://rustup.rs",
}


def found(tool: str) -> str:
    """A tool beside this interpreter or on PATH; empty where there is none."""
    beside = Path(sys.executable).parent / tool
    return str(beside) if beside.exists() else shutil.which(tool) or ""


def absent() -> list[str]:
    """The peers that are not installed."""
    return [name for name, tools in NEEDED.items() if not all(map(found, tools))]
