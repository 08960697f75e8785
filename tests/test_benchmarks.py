"""The benchmarks run, whatever they measure: seconds are no matter for a test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import eventfw

ROOT = Path(eventfw.__file__).parent.parent


def run(*arguments: str, code: str = "import routing; sys.exit(routing.main())") -> subprocess.CompletedProcess[str]:
    code = f"import sys; sys.path.insert(0, 'benchmarks'); {code}"
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_the_routing_benchmark_measures_all_it_is_about() -> None:
    done = run("--quick", "--no-peers", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["quick"] and found["rounds"] == 3
    subjects = [target["name"].partition(":")[0] for target in found["targets"]]
    sources = ["s3", "sqs", "schedule", "event_rule"]
    forms = ["exact", "prefix", "suffix", "numeric", "wildcard", "cidr", "$or", "ignore case"]
    routing = [f"{verb} {source}" for verb in ("route", "pick") for source in sources]
    assert subjects == [*routing, "HTTP static", "HTTP {name}", *forms]
    for target in found["targets"]:
        assert target["slower"]["us"] > 0 and target["faster"]["us"] > 0 and target["ratio"] > 0
        assert target["holds"] is None and target["asked"]


def test_a_peer_that_is_not_installed_is_named_with_the_remedy() -> None:
    done = run("--quick", code="sys.modules['chalice'] = None; import routing; sys.exit(routing.main())")
    assert done.returncode == 2
    assert "chalice" in done.stderr and "pip install -r benchmarks/requirements.txt" in done.stderr


def test_the_benchmark_of_the_local_server_starts_it_loads_it_and_finds_every_answer() -> None:
    code = "import local; sys.exit(local.main())"
    done = run("--quick", "--no-peers", "--json", "--parts", "reload,requests", code=code)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["quick"] and found["missing"] == [] and found["figures"]["reload, ms"]["eventfw"] > 0
    targets = {target["name"]: target["value"] for target in found["targets"]}
    assert targets == {"save to new answer: to chalice": None, "200 requests, 1 reloads: wrong": 0}
