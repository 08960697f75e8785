"""The zips: one for a stage's functions, and a smaller one for those at the edge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.errors import BuildError
from eventfw.tools.build.artifacts import Asset
from eventfw.tools.build.bytecode import MINOR, bytecode
from eventfw.tools.build.edge import edge_app, edge_files
from eventfw.tools.build.requirements import install
from eventfw.tools.build.sources import project_files, shipped_half
from eventfw.tools.build.zips import Entry, write_asset

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.tools.project import Project

Report = Callable[[str], None]
ENTRY = "eventfw_entry.py"


def package(project: Project, functions: list[Function], folder: Path, *, report: Report) -> Asset:
    """The zip of a stage's functions: the project, its requirements, eventfw's shipped half and the entry module."""
    requirements = install(project.directory, project.config.python)
    if requirements:
        report(f"Installed requirements.txt for Lambda: {len(requirements)} files.")
    entries = _with_requirements(project, folder, requirements)
    entries[ENTRY] = Entry(_entry(f"from {project.module} import {project.variable} as _app\n", functions))
    return write_asset(_compiled(project, entries, report), folder)


def package_edge(project: Project, functions: list[Function], folder: Path, *, report: Report) -> Asset:
    """The zip of the Lambda@Edge functions: only what importing their handlers loads. See :func:`edge_files`."""
    requirements = install(project.directory, project.config.python)
    entries = _with_requirements(project, folder, requirements)
    entries[ENTRY] = Entry(_entry(edge_app(project, functions), functions))
    needed = edge_files(project, functions, entries, requirements)
    return write_asset(_compiled(project, needed, report), folder, edge=True)


def _with_requirements(project: Project, folder: Path, requirements: dict[str, Entry]) -> dict[str, Entry]:
    files = project_files(project, folder)
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
    # All are made before any is named, so that no function's name can hide what makes the others.
    made = [f"    {attribute!r}: _entry(_app, {name!r}),\n" for attribute, name in taken.items()]
    return f"from eventfw.runtime import entry as _entry\n{app}globals().update({{\n{''.join(made)}}})\n".encode()
