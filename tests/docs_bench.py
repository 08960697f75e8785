"""Reading the documentation's code blocks, and running them as a reader would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import eventfw

ROOT = Path(eventfw.__file__).parent.parent
FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w/]+\.py)\n")
NOBODY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
ADDRESSES = {"http": "http://127.0.0.1:8000", "edge": "http://127.0.0.1:8001", "aws": "http://127.0.0.1:4566"}
PATIENCE = 20.0  # seconds for an event to have its effect, where a page looks for it with curl

# The AWS CLI is no dependency: its two commands that the pages use are done here with boto3, on the same arguments.
AWS = """
import argparse, json, boto3
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--endpoint-url", required=True)
services = parser.add_subparsers(dest="service", required=True)
cp = services.add_parser("s3").add_subparsers(required=True).add_parser("cp")
cp.add_argument("file"), cp.add_argument("target")
send = services.add_parser("sqs").add_subparsers(required=True).add_parser("send-message")
send.add_argument("--queue-url", required=True), send.add_argument("--message-body", required=True)
given = parser.parse_args()
client = boto3.client(given.service, endpoint_url=given.endpoint_url)
if given.service == "s3":
    bucket, _, key = given.target.removeprefix("s3://").partition("/")
    client.upload_file(given.file, bucket, key)
    print(f"upload: ./{given.file} to {given.target}")
else:
    answer = client.send_message(QueueUrl=given.queue_url, MessageBody=given.message_body)
    print(json.dumps({name: answer[name] for name in ("MD5OfMessageBody", "MessageId")}, indent=4))
"""
PYTHON = """
import json, os, sys, traceback
import boto3  # what takes a page the longest

def run(folder, sources):
    os.chdir(folder)
    namespace = {"__name__": "page"}
    try:
        for page, line, code in sources:
            exec(compile("\\n" * line + code, page, "exec"), namespace)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

for task in sys.stdin:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writer, 1), os.dup2(writer, 2), os.close(reader), os.close(writer)
        code = run(*json.loads(task))
        sys.stdout.flush()
        os._exit(code)
    os.close(writer)
    with os.fdopen(reader) as said:
        answer = said.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), answer]), flush=True)
"""


def environment(path: str) -> dict[str, str]:
    """What a page's commands run with: no account, no colours, these sources, and ``path`` before the user's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "EVENTFW_"))}
    return {
        **kept,
        **NOBODY,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_COLOR": "1",
        "PATH": f"{path}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


class Interpreter:
    """A Python with boto3 and without eventfw, which forks for each page: to start one anew takes ten times as long."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PYTHON],
            env=environment(""),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, folder: Path, sources: list[tuple[str, int, str]]) -> tuple[int, str]:
        """Run sources, each with its file and the line before it, in one namespace. Gives the exit code and output."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([str(folder), sources]) + "\n")
        self._process.stdin.flush()
        code, said = json.loads(self._process.stdout.readline())
        return code, said

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=30)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of its fence."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass
class Server:
    """A local server that the pages' addresses stand for, and what it said as it started."""

    addresses: dict[str, str]
    said: str


@dataclass
class Bench:
    """A folder to run a page's commands in, with ``eventfw``, ``python`` and ``aws`` on the path."""

    folder: Path
    bin: Path
    server: Server | None = None
    interpreter: Interpreter | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.bin.mkdir(exist_ok=True)
        self._script("python", f'exec "{sys.executable}" "$@"')
        self._script("eventfw", f'exec "{sys.executable}" -c \'from eventfw.tools.cli.main import main; main()\' "$@"')
        (self.bin / "aws.py").write_text(AWS)
        self._script("aws", f'exec "{sys.executable}" "{self.bin / "aws.py"}" "$@"')
        self.environment = environment(str(self.bin))

    def _script(self, name: str, line: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def python(self, blocks: list[Block]) -> None:
        """Run the blocks in order, in one namespace; save those that say which file they are."""
        if not blocks:
            return
        for block in blocks:
            if named := NAMED.match(block.text):
                (self.folder / named[1]).write_text(block.text)
        sources = [(str(block.page), block.line, block.text) for block in blocks]
        assert self.interpreter, "a page with Python needs one"
        code, said = self.interpreter.run(self.folder, sources)
        assert code == 0, said

    def console(self, block: Block) -> None:
        """Run each command of a block and compare its output."""
        for command, expected in commands(block):
            begun = time.monotonic()
            while True:
                output, code = self._shell(command)
                right = matches(expected, output) and (code == 0 or "error" in expected)
                if right or not command.startswith("curl") or time.monotonic() - begun > PATIENCE:
                    break
                time.sleep(0.1)
            assert right, (
                f"{block.place}: $ {command}\nexit code {code}\n--- said:\n{output}\n--- expected:\n{expected}"
            )

    def _shell(self, command: str) -> tuple[str, int]:
        if command == "eventfw local":
            assert self.server, "a page that shows `eventfw local` needs it to run"
            return self._as_documented(self.server.said), 0
        real = command
        for name, address in ADDRESSES.items() if self.server else ():
            real = real.replace(address, self.server.addresses[name]) if self.server else real
        done = self._run(["sh", "-c", real])
        # People see both streams; here errors and logs come first, as they do on a terminal.
        return self._as_documented(done.stderr + done.stdout), done.returncode

    def _as_documented(self, text: str) -> str:
        for name, address in ADDRESSES.items() if self.server else ():
            text = text.replace(self.server.addresses[name], address) if self.server else text
        return text

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )


def pages() -> list[Path]:
    """Every page, the README and the starter's among them."""
    return [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "app_template" / "README.md"]


def blocks(page: Path) -> list[Block]:
    """A page's fenced blocks, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, match.start()) + 1, match[2].strip(), textwrap.dedent(match[3]))
        for match in FENCE.finditer(text)
    ]


def commands(block: Block) -> list[tuple[str, str]]:
    """``(command, what it prints)`` for each line that begins with ``$``."""
    assert block.text.startswith("$ "), f"{block.place}: a console block begins with '$ ' and a command"
    found = []
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        found.append((command, output))
    return found


def matches(expected: str, said: str) -> bool:
    """Whether a program said what the page has. ``...`` is anything within a line; a line of its own, any lines."""
    pattern = ""
    for line in tidy(expected).split("\n"):
        pattern += r"(?:[^\n]*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", r"[^\n]*?") + "\n"
    return re.fullmatch(pattern, tidy(said) + "\n") is not None


def tidy(text: str) -> str:
    """Without what differs from run to run: milliseconds, and blanks at the ends."""
    lines = [re.sub(r"\b\d+(\.\d+)? ms\b", "N ms", line.rstrip()) for line in text.splitlines()]
    return "\n".join(lines).strip("\n")
