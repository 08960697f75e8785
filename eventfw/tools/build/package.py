"""The zips: one for a stage's functions, and a smaller one for those at the edge."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from eventfw.errors import BuildError
from eventfw.rules.settings import X86_64
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
Kind = tuple[str, str]  # a Python, such as 3.13, and an architecture
ENTRY = "eventfw_entry.py"


def packages(
    project: Project, functions: list[Function], folder: Path, kinds: Collection[Kind], *, report: Report
) -> dict[Kind, Asset]:
    """The zips of a stage's functions: the project, its requirements, eventfw's shipped half and the entry module.

    There is one for each of ``kinds``, with the requirements for that Python on that architecture. Every zip has the
    entries of all functions, so that two are the same bytes unless what is installed differs.
    """
    files = project_files(project, folder)
    for python in dict.fromkeys(python for python, _ in kinds):
        _warn(python, report)
    installed: dict[Kind, dict[str, Entry]] = {}
    for python, architecture in kinds:
        installed[python, architecture] = requirements = install(project.directory, python, architecture)
        if requirements:
            machine = "" if architecture == X86_64 else f" on {architecture}"
            report(f"Installed requirements.txt for Lambda{machine}: {len(requirements)} files.")
    asking = {name: entry for requirements in installed.values() for name, entry in mentioning(requirements)}
    files = {**files, **shipped_half(project, {**asking, **files})}
    files[ENTRY] = Entry(_entry(f"from {project.module} import {project.variable} as _app\n", functions))
    return {
        kind: write_asset(_compiled(kind[0], {**requirements, **files}), folder)
        for kind, requirements in installed.items()
    }


def package_edge(project: Project, functions: list[Function], folder: Path, *, report: Report) -> Asset:
    """The zip of the Lambda@Edge functions: only what importing their handlers loads. See :func:`edge_files`."""
    requirements = install(project.directory, project.config.python)
    files = project_files(project, folder)
    entries = {**requirements, **files, **shipped_half(project, {**dict(mentioning(requirements)), **files})}
    entries[ENTRY] = Entry(_entry(edge_app(project, functions), functions))
    needed = edge_files(project, functions, entries, requirements)
    _warn(project.config.python, report)
    return write_asset(_compiled(project.config.python, needed), folder, edge=True)


def mentioning(requirements: dict[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """The modules that use eventfw themselves, and may need what the app does not."""
    for name, entry in requirements.items():
        if name.endswith(".py") and b"eventfw" in entry.data:
            yield name, entry


def _warn(python: str, report: Report) -> None:
    if python != MINOR:
        report(
            f"Warning: built with Python {MINOR} for {python}, so the zip has no bytecode and starts more slowly. "
            f"Build with Python {python}."
        )


def _compiled(python: str, entries: dict[str, Entry]) -> dict[str, Entry]:
    """The entries with bytecode, where that of the Python that builds is what Lambda reads."""
    return {**entries, **bytecode(entries)} if python == MINOR else entries


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
