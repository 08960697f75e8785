"""What a Lambda@Edge function's zip holds: the modules that importing its handlers loads, with nothing around them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.app import Blueprint
from eventfw.errors import BuildError
from eventfw.tools.build.imports import closure
from eventfw.tools.build.sources import write_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eventfw.function import Function
    from eventfw.tools.build.zips import Entry
    from eventfw.tools.project import Project

# Lambda's Python has these, so that they need no line in requirements.txt and no place in the zip.
RUNTIME_HAS = ["boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"]

# Runs in a child with nothing in its environment and no site-packages, but for what Lambda's Python has of them.
TRACE = """
import importlib, importlib.machinery, json, sys
root, entry, there = sys.argv[1:]
there = json.loads(there)

class Runtime:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in there["names"]:
            return importlib.machinery.PathFinder.find_spec(name, there["paths"])

sys.path.insert(0, root)
sys.meta_path.append(Runtime)
try:
    importlib.import_module(entry)
except BaseException as error:
    sys.exit(f"{type(error).__name__}: {error}")
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print("\\n" + json.dumps([file[len(root) + 1:] for file in files if file and file.startswith(root + "/")]))
"""


def edge_app(project: Project, functions: list[Function]) -> str:
    """How the edge's entry module comes by an app: from the blueprints that hold all its handlers, else the whole app.

    The app's own middleware lives in the app's module, so an app that has any is imported whole.
    """
    whole = f"from {project.module} import {project.variable} as _app\n"
    mounts: dict[str, str] = {}
    for handler in (handler for function in functions for handler in function.handlers):
        module = handler.func.__module__
        found = [
            name
            for name, value in vars(sys.modules[module]).items()
            if isinstance(value, Blueprint) and handler.middleware is value._middleware and handler in value.handlers
        ]
        if not found or module == project.module or project.app._middleware:
            return whole
        mounts[f"from {module} import {found[0]} as "] = handler.name.removesuffix(handler.func.__name__)
    lines = ["from eventfw import App as _App", f"_app = _App({project.app.name!r})"]
    for number, (statement, prefix) in enumerate(sorted(mounts.items())):
        lines += [f"{statement}_{number}", f"_app.mount(_{number}, name={prefix!r})"]
    return "\n".join(lines) + "\n"


def edge_files(
    project: Project, functions: list[Function], entries: Mapping[str, Entry], requirements: Mapping[str, Entry]
) -> dict[str, Entry]:
    """Those of the entries that the edge needs.

    Of the project and eventfw: the modules loaded by importing the entry module, and what these import later, within
    functions. A requirement comes whole, with its data. A data file of the project is no module and stays out.

    Raises BuildError where the import fails, as it would at the edge.
    """
    sources = {name: entry.data for name, entry in entries.items()}
    needed = closure(_loaded(project, functions, entries), sources)
    tops = {name.partition("/")[0] for name in needed if name in requirements}
    for name in requirements:
        top = name.partition("/")[0]
        if top in tops or (tops and top.endswith((".dist-info", ".libs"))):
            needed.add(name)
    return {name: entries[name] for name in sorted(needed)}


def _loaded(project: Project, functions: list[Function], entries: Mapping[str, Entry]) -> list[str]:
    there = json.dumps({"names": RUNTIME_HAS, "paths": sys.path})
    with tempfile.TemporaryDirectory(prefix="eventfw-edge-") as temporary:
        root = Path(temporary).resolve()
        write_files(dict(entries), root)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", TRACE, str(root), "eventfw_entry", there],
            env={},
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise _failure(project, functions, done.stderr)
    loaded: list[str] = json.loads(done.stdout.splitlines()[-1])
    return loaded


def _failure(project: Project, functions: list[Function], said: str) -> BuildError:
    modules = sorted({handler.func.__module__ for function in functions for handler in function.handlers})
    reason = (said.strip().splitlines() or ["it ended the program"])[-1]
    remedy = "Move the edge handlers to a Blueprint in a module of their own, which imports only what they need."
    if reason.startswith("ModuleNotFoundError"):
        remedy += " If they need that module, name what brings it in requirements.txt."
    if project.app._middleware and project.module not in modules:
        remedy += f" {project.module} is imported for app.middleware; use the blueprint's own instead."
    return BuildError(
        f"The module of the edge handlers, {', '.join(modules)}, cannot be imported as Lambda@Edge does, without "
        f"environment variables: {reason}. {remedy}",
        place=functions[0].place,
    )
