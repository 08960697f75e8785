"""The zips: one for a stage's functions, and a smaller one for those at the edge."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.app import Blueprint
from eventfw.errors import BuildError
from eventfw.tools.build.artifacts import Asset
from eventfw.tools.build.bytecode import MINOR, bytecode
from eventfw.tools.build.requirements import install
from eventfw.tools.build.sources import project_files, shipped_half, write_files
from eventfw.tools.build.zips import Entry, write_asset

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.tools.project import Project

Report = Callable[[str], None]
ENTRY = "eventfw_entry.py"

# Runs in a child with nothing in its environment, as at the edge, and no site-packages.
TRACE = """
import importlib, json, sys
root, entry = sys.argv[1:]
sys.path.insert(0, root)
importlib.import_module(entry)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print("\\n" + json.dumps([file[len(root) + 1:] for file in files if file and file.startswith(root + "/")]))
"""


def package(project: Project, functions: list[Function], folder: Path, *, report: Report) -> Asset:
    """The zip of a stage's functions: the project, its requirements, eventfw's shipped half and the entry module."""
    entries = _everything(project, folder, report)
    entries[ENTRY] = Entry(_entry(f"from {project.module} import {project.variable} as _app\n", functions))
    return write_asset(_compiled(project, entries, report), folder)


def package_edge(project: Project, functions: list[Function], folder: Path, *, report: Report) -> Asset:
    """The zip of the Lambda@Edge functions: only the modules that importing their handlers loads.

    A data file is not a module, so it stays out. Raises BuildError where the import fails, as it would at the edge.
    """
    entries = _everything(project, folder, lambda text: None)
    entries[ENTRY] = Entry(_entry(_edge_app(project, functions), functions))
    needed = {name: entries[name] for name in _loaded(project, functions, entries)}
    return write_asset(_compiled(project, needed, report), folder, edge=True)


def _everything(project: Project, folder: Path, report: Report) -> dict[str, Entry]:
    files = project_files(project, folder)
    requirements = install(project.directory, project.config.python)
    if requirements:
        report(f"Installed requirements.txt for Lambda: {len(requirements)} files.")
    return {**requirements, **files, **shipped_half(project, files)}


def _compiled(project: Project, entries: dict[str, Entry], report: Report) -> dict[str, Entry]:
    if project.config.python != MINOR:
        report(
            f"Warning: built with Python {MINOR} for {project.config.python}, so the zip has no bytecode and starts "
            f"more slowly. Build with Python {project.config.python}."
        )
        return entries
    return {**entries, **bytecode(entries)}


def _entry(app: str, functions: list[Function]) -> bytes:
    lines = ["from eventfw.runtime import entry", app]
    taken: dict[str, str] = {}
    for function in sorted(functions, key=lambda one: one.name):
        attribute = "".join(char if char.isalnum() else "_" for char in function.name)
        if attribute in taken:
            raise BuildError(
                f"The functions {taken[attribute]!r} and {function.name!r} would both be {attribute} in the zip. "
                f"Rename one.",
                place=function.place,
            )
        taken[attribute] = function.name
        lines.append(f"{attribute} = entry(_app, {function.name!r})")
    return ("\n".join(lines) + "\n").encode()


def _edge_app(project: Project, functions: list[Function]) -> str:
    """How the edge's entry module comes by an app: from the blueprints that hold all its handlers, else the whole app.

    The app's own middleware lives in the app's module, so an app that has any is imported whole.
    """
    whole = f"from {project.module} import {project.variable} as _app\n"
    handlers = [handler for function in functions for handler in function.handlers]
    mounts: dict[str, str] = {}
    for handler in handlers:
        module = handler.func.__module__
        found = [
            name
            for name, value in vars(sys.modules[module]).items()
            if isinstance(value, Blueprint) and handler.middleware is value._middleware and handler in value.handlers
        ]
        if not found or module == project.module or project.app._middleware:
            return whole
        prefix = handler.name.removesuffix(handler.func.__name__)
        mounts[f"from {module} import {found[0]} as "] = prefix
    lines = ["from eventfw import App", f"_app = App({project.app.name!r})"]
    for number, (statement, prefix) in enumerate(sorted(mounts.items())):
        lines += [f"{statement}_{number}", f"_app.mount(_{number}, name={prefix!r})"]
    return "\n".join(lines) + "\n"


def _loaded(project: Project, functions: list[Function], entries: dict[str, Entry]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="eventfw-edge-") as temporary:
        root = Path(temporary).resolve()
        write_files(entries, root)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", TRACE, str(root), ENTRY.removesuffix(".py")],
            env={},
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        modules = sorted({handler.func.__module__ for function in functions for handler in function.handlers})
        reason = done.stderr.strip().splitlines()[-1]
        raise BuildError(
            f"The module of the edge handlers, {', '.join(modules)}, cannot be imported as Lambda@Edge does, without "
            f"environment variables: {reason}. Move the edge handlers to a Blueprint in a module of their own.",
            place=functions[0].place,
        )
    return sorted(set(json.loads(done.stdout.splitlines()[-1])) & set(entries))
