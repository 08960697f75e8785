"""``eventfw deploy`` and ``eventfw destroy`` as a person or a script meets them, on a real app."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spread

Run = Callable[..., "subprocess.CompletedProcess[str]"]

APP = """
from eventfw import App

app = App("gallery")
uploads = app.bucket("uploads")
orders = app.queue("orders")

@app.http("/photos/{name}")
def photo(name):
    return {"name": name}

@app.sqs_consumer(orders)
def order(message):
    print(message.body)
"""


@pytest.fixture
def run(cloud_endpoint: str, tmp_path: Path) -> Run:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "eventfw.toml").write_text('[stages.dev]\nregion = "eu-west-1"\n')
    account = str(200_000_000_000 + hash(str(tmp_path)) % 100_000_000_000)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": account,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }

    def ran(*arguments: str, answer: str | None = None, endpoint: str = cloud_endpoint) -> Any:
        command = [sys.executable, "-c", "from eventfw.tools.cli.main import main; main()", *arguments]
        if endpoint:
            command += ["--endpoint-url", endpoint]
        stdin, master = subprocess.DEVNULL, -1
        if answer is not None:
            master, stdin = pty.openpty()
            os.write(master, answer.encode() + b"\n")
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdin=stdin, capture_output=True, text=True, timeout=120
        )
        if answer is not None:
            os.close(master)
            os.close(stdin)
        return done

    return ran


def test_deploy_update_and_destroy(run: Run) -> None:
    done = run("deploy", "--yes")
    assert done.returncode == 0, done.stderr
    assert "to add" in done.stdout and "Deployed." in done.stdout and "\x1b" not in done.stdout
    assert "+ OrdersQueue" in done.stdout

    again = run("deploy", "--yes", "--json")
    answer = json.loads(again.stdout)
    assert (again.returncode, answer["changed"]) == (0, False)
    assert answer["outputs"]["gallery-dev"]

    assert "Nothing to change." in run("deploy").stdout

    gone = run("destroy", "--yes")
    assert gone.returncode == 0, gone.stderr
    assert "Data that was kept, and that --delete-data deletes:\n  gallery-dev-uploads-" in gone.stdout
    answer = json.loads(run("destroy", "--delete-data", "--yes", "--json").stdout)
    assert answer["stacks"] == [] and len(answer["deleted"]) == 1
    nothing = run("destroy")
    assert (nothing.returncode, nothing.stdout) == (0, "There is nothing of gallery-dev to destroy.\n")


def test_where_nobody_can_answer_the_plan_is_shown_and_nothing_happens(run: Run) -> None:
    done = run("deploy")
    assert done.returncode == 2
    assert "+ OrdersQueue" in done.stdout
    assert "standard input is not a terminal. Give --yes" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_answer_decides(run: Run) -> None:
    refused = run("deploy", answer="n")
    assert refused.returncode == 1 and "The plan was declined: no stack was changed." in refused.stderr
    agreed = run("deploy", answer="y")
    assert agreed.returncode == 0 and "Deployed." in agreed.stdout
    mistyped = run("destroy", "--delete-data", answer="y")
    assert mistyped.returncode == 1 and "Declined" in mistyped.stderr
    typed = run("destroy", "--delete-data", answer="gallery-dev")
    assert typed.returncode == 0 and "Destroyed gallery-dev." in typed.stdout


def test_an_endpoint_that_is_not_there_is_one_clear_sentence(run: Run) -> None:
    done = run("deploy", "--yes", endpoint="http://127.0.0.1:9")
    assert done.returncode == 1
    assert done.stderr.startswith("http://127.0.0.1:9: error: http://127.0.0.1:9 could not be reached")
    assert "Traceback" not in done.stderr
