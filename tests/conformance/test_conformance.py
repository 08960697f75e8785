"""Answers that were recorded on AWS or read from its guides, where the folder of cases is at hand."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

CASES = Path(__file__).parents[3] / "shared" / "conformance"
ADAPTER = Path(__file__).with_name("adapter.py")


def load(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"conformance_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def decided(case: dict[str, Any]) -> bool:
    return not (case.get("uncertain") or case.get("quirk")) and case.get("confidence", "high") == "high"


def answered() -> list[Any]:
    """One parameter per decided case of each file the adapter answers."""
    adapter = load(ADAPTER)
    found = []
    for path in sorted(CASES.glob("*.json")):
        ask = getattr(adapter, path.stem, None)
        for case in json.loads(path.read_text()) if ask else ():
            if decided(case):
                found.append(pytest.param(path.stem, ask, case, id=case["id"]))
    return found


@pytest.mark.skipif(not (CASES / "run.py").exists(), reason="no conformance cases beside this checkout")
@pytest.mark.parametrize(("stem", "ask", "case"), answered())
def test_eventfw_answers_as_aws_does(stem: str, ask: Any, case: dict[str, Any]) -> None:
    run = load(CASES / "run.py")
    answer = ask(run.question(stem, case))
    assert run.agrees(stem, case, answer), f"{answer!r} for {json.dumps(case)[:1000]}"
