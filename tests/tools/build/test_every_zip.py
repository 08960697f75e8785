"""Every source in a zip: that of an app with it alone, and of one with all, runs its sample as Lambda starts it.

The zips are built and unpacked once, and a single clean interpreter forks for each function.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from endpoint import endpoint
from examples import module

from eventfw.rules.settings import PYTHONS
from eventfw.sources import table
from eventfw.tools.build.assemble import build
from eventfw.tools.build.bytecode import MINOR
from eventfw.tools.project import Stage, load_project

pytestmark = pytest.mark.xdist_group("every_zip")
SOURCES = sorted(table.SOURCES)
ALONE = {table.SOURCES[source][0]: source for source in reversed(SOURCES)}  # by module: the first of its decorators
APP = """
ran = []
def answer(name, event):
    ran.append(name)
    if name in ("appsync_authorizer", "authorizer", "config_rule"):
        return True
    return event if name.startswith("edge_") else event.key if name == "s3_object_lambda" else None
"""
# What a function does with the answer is a call of AWS's: the SDK is Lambda's, and not in this interpreter.
REPORTS = {
    "codedeploy_hook": "No module named 'boto3'",
    "codepipeline_action": "No module named 'boto3'",
    "config_rule": "No module named 'boto3'",
    "s3_object_lambda": "No module named 'boto3'",
}
CHILD = """
import importlib, json, os, sys

class Context:
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
    log_stream_name = "stream"
    def get_remaining_time_in_millis(self): return 3000

def run(folder, module, function, event):
    sys.path.insert(0, folder)
    handler = getattr(importlib.import_module("eventfw_entry"), function)
    error = ""
    try:
        handler(event, Context())
    except Exception as raised:
        error = str(raised) or repr(raised)
    loaded = [name for name in sys.modules if name.startswith("eventfw.")]
    return {"ran": len(sys.modules[module].ran), "error": error, "loaded": loaded}

answers = {}
for name, task in json.load(sys.stdin).items():
    reader, writer = os.pipe()
    if not os.fork():
        os.close(reader)
        with os.fdopen(writer, "w") as file:
            json.dump(run(*task), file)
            file.flush()
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        answers[name] = json.load(file)
    os.wait()
json.dump(answers, sys.stdout)
"""


PLAIN = """
@app.function()
def plain(event): return answer("plain", event)
"""


def unpacked(folder: Path, name: str, *sources: str, more: str = "") -> dict[str, list[Any]]:
    """Build an app with these sources and unpack its zips. Gives what to run for each of them."""
    (folder / f"{name}.py").write_text(APP + module(*sources, body="return answer({name!r}, event)") + more)
    if len(sources) < len(SOURCES):  # for another Python, and so without bytecode: to compile it is half the work
        other = next(one for one in PYTHONS if one != MINOR)
        (folder / "eventfw.toml").write_text(f'python = "{other}"')
    path = list(sys.path)
    app = load_project(folder, name)
    sys.path[:] = path
    artifacts = build(app, Stage("dev"), out=folder / "out")
    tasks = {}
    for ref in artifacts.functions:
        home = folder / ref.asset
        if not home.exists():
            [asset] = [one for one in artifacts.assets if one.sha256 == ref.asset]
            zipfile.ZipFile(asset.path).extractall(home)
        for handler in app.app.functions[ref.name].handlers:
            event = handler.triggers[0].sample() if handler.triggers else {}
            tasks[handler.name] = [str(home), name, ref.handler.partition(".")[2], event]
    return tasks


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What became of each: ``alone <source>`` and ``together <source>``."""
    tasks = {}
    tasks["plain"] = unpacked(tmp_path_factory.mktemp("plain"), "plain_alone", more=PLAIN)["plain"]
    for source in ALONE.values():
        folder = tmp_path_factory.mktemp(source)
        tasks[f"alone {source}"] = unpacked(folder, f"alone_{source}", source)[source]
    for source, task in unpacked(tmp_path_factory.mktemp("together"), "together", *SOURCES).items():
        tasks[f"together {source}"] = task
    with endpoint() as stack:
        for *_, event in tasks.values():
            if "ResponseURL" in event:
                event["ResponseURL"] = stack.url
        done = subprocess.run(
            [sys.executable, "-B", "-I", "-S", "-c", CHILD],
            input=json.dumps(tasks), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    yield json.loads(done.stdout)


@pytest.mark.parametrize("source", sorted(ALONE.values()))
def test_the_zip_of_an_app_with_one_source_runs_its_sample(answers: dict[str, Any], source: str) -> None:
    answer = answers[f"alone {source}"]
    assert (answer["ran"], answer["error"]) == (1, REPORTS.get(source, ""))
    assert ALONE.keys() & set(answer["loaded"]) == {table.SOURCES[source][0]}


@pytest.mark.parametrize("source", SOURCES)
def test_so_does_the_zip_of_an_app_with_all(answers: dict[str, Any], source: str) -> None:
    answer = answers[f"together {source}"]
    assert (answer["ran"], answer["error"]) == (1, REPORTS.get(source, ""))


def test_a_handler_without_a_source_loads_nothing_that_sources_share(answers: dict[str, Any]) -> None:
    answer = answers["plain"]
    shared = ("eventfw.answering", "eventfw.polling", "eventfw.reporting", "eventfw.resources", "eventfw.rules")
    assert (answer["ran"], answer["error"]) == (1, "")
    assert not [name for name in answer["loaded"] if name.startswith(shared) or name in ALONE]
