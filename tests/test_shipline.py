"""The ship line: what runs in Lambda is the standard library's cheap part and as little of eventfw as the app uses."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from examples import module

import eventfw
from eventfw.sources.table import SOURCES

ROOT = Path(eventfw.__file__).parent.parent
BELOW = {"tools", "__main__.py"}
SHIPPED = [path for path in sorted((ROOT / "eventfw").rglob("*.py")) if BELOW.isdisjoint(path.relative_to(ROOT).parts)]

# What a shipped module may import as it is loaded: already there in every interpreter, or measured to be cheap.
CHEAP = {"__future__", "bisect", "datetime", "os", "sys"}
# What one http handler may load besides: `os` and its parts, and the future statement.
LOADED = {"__future__", "_collections_abc", "genericpath", "os", "os.path", "posixpath", "ntpath", "stat", "_stat"}
MODULES_MAX = 12
# What Lambda's Python has besides, and what cannot be done without: WriteGetObjectResponse is a signed request. The
# models that a handler may take and return are the user's: imported for an object or a type of theirs, so there.
MODELS = {"msgspec", "pydantic"}
THERE = {
    "eventfw/sources/s3_object_lambda.py": {"boto3", "botocore"},
    "eventfw/hints.py": MODELS,
    "eventfw/models.py": MODELS,
    "eventfw/payloads.py": {"annotationlib"},  # in the standard library since Python 3.14, and used there only
}


def loaded_by(code: str, *, isolated: bool = True) -> set[str]:
    """The modules that running ``code`` in a fresh interpreter adds; without site-packages when ``isolated``."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); before = set(sys.modules)\n"
        f"try:\n    exec({code!r})\nexcept SystemExit:\n    pass\n"
        "added = sorted(set(sys.modules) - before)\n"
        "import json; print('\\n' + json.dumps(added))"
    )
    command = [sys.executable, "-I", *(["-S"] if isolated else []), "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def imports(tree: ast.Module, *, on_load: bool) -> set[str]:
    """The absolute imports of a module: all of them, or those that run as it is loaded."""
    found: set[str] = set()
    pending: list[ast.AST] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            pending.extend(node.orelse)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
        elif not (on_load and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_shipped_module_loads_only_cheap_modules(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert imports(tree, on_load=True) <= CHEAP


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_shipped_module_needs_nothing_but_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {name.partition(".")[0] for name in imports(tree, on_load=False)}
    assert names - THERE.get(path.relative_to(ROOT).as_posix(), set()) <= sys.stdlib_module_names


def test_an_app_with_one_http_handler_loads_only_what_is_listed() -> None:
    others = {name for name in loaded_by(module("http")) if name.partition(".")[0] != "eventfw"}
    assert others <= LOADED


def test_an_app_with_one_http_handler_loads_few_of_our_modules() -> None:
    ours = sorted(name for name in loaded_by(module("http")) if name.partition(".")[0] == "eventfw")
    assert len(ours) <= MODULES_MAX, f"{len(ours)} modules: {', '.join(ours)}"


def test_importing_eventfw_alone_loads_nothing_else() -> None:
    assert loaded_by("import eventfw") == {"eventfw"}


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_an_app_loads_the_source_it_uses_and_no_other(source: str) -> None:
    sources = {row[0] for row in SOURCES.values()}
    assert loaded_by(module(source)) & sources == {SOURCES[source][0]}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_the_command_line_answers_without_boto3(arguments: list[str]) -> None:
    code = f"import sys; sys.argv = ['eventfw', *{arguments!r}]; from eventfw.tools.cli.main import main; main()"
    heavy = {"boto3", "botocore", "jinja2", "uvicorn", "werkzeug", "watchfiles"}
    added = loaded_by(code, isolated=False)
    assert "click" in added
    assert not heavy & added


@pytest.mark.parametrize("line", ["import dataclasses", "import typing", "class A:\n    import inspect"])
def test_the_reader_of_imports_sees_a_costly_one(line: str) -> None:
    assert imports(ast.parse(line), on_load=True) - CHEAP


def test_the_reader_of_imports_passes_over_types_and_functions() -> None:
    code = "if TYPE_CHECKING:\n    import typing\ndef late():\n    import inspect\n"
    assert imports(ast.parse(code), on_load=True) == set()
    assert imports(ast.parse(code), on_load=False) == {"inspect"}


def test_the_local_server_imports_neither_aws_nor_the_build() -> None:
    """Its first answer, and the first after a save, wait for no boto3, build or deployment."""
    late = "import importlib, eventfw.tools.local.server as it; [*map(importlib.import_module, it.LATE)]"
    loaded = loaded_by(f"import eventfw.tools.local.run; {late}", isolated=False)
    assert "uvicorn" in loaded
    heavy = ("boto3", "botocore", "eventfw.tools.build", "eventfw.tools.deploy")
    assert not [name for name in loaded if name.startswith(heavy)]
