"""What a zip holds besides the requirements: the project's files, and the half of eventfw that its app needs."""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import tokenize
from pathlib import Path
from typing import TYPE_CHECKING

import eventfw
from eventfw.errors import BuildError
from eventfw.tools.build.artifacts import MANIFEST
from eventfw.tools.build.imports import imported
from eventfw.tools.build.zips import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from eventfw.tools.project import Project

PACKAGE = Path(eventfw.__file__).parent
LEFT_OUT_ANYWHERE = {"__pycache__", "node_modules", "venv"}
LEFT_OUT_FOLDERS = {"build", "dist", "env", "events"}  # at the root, unless they are packages that the app imports
LEFT_OUT_FILES = ("conftest.py", "eventfw.toml", "eventfw_entry.py", "pytest.ini", "requirements*.txt", "*.md")
LEFT_OUT_ENDINGS = (".pyc", ".pyo", ".egg-info")
BELOW_THE_SHIP_LINE = {"tools", "testing.py", "__main__.py"}
ON_DEMAND = {"resources", "rules", "sources"}  # packages of which an app gets what it uses
#: Methods of triggers, resources and grants that run on the developer's machine only.
TOOL_VERBS = {"faults", "local", "local_value", "overlap", "resources", "sample", "shadow", "statements"}


def project_files(project: Project, out: Path) -> dict[str, Entry]:
    """The project's own files, without what only developing needs and what ``build.exclude`` names."""
    root = project.directory.resolve()
    entries = {}
    for path in _walk(root, root, out.resolve(), project.config.exclude):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] == "eventfw":
            raise BuildError("A file or folder called eventfw would hide the framework. Rename it.", place=name)
        if name.encode(errors="replace").decode() != name:  # what is not UTF-8 comes as surrogates
            raise BuildError(f"A zip cannot hold the file name {name!r}. Rename the file.", place=repr(name))
        if "\\" in name:
            raise BuildError(f"A zip cannot hold the file name {name!r}. Rename the file.", place=name)
        real = path.resolve()
        if not real.is_relative_to(root):
            raise BuildError(
                f"The symbolic link {name} leaves the project: it points to {real}. Copy the file, or add the link to "
                f"build.exclude in eventfw.toml.",
                place=name,
            )
        if not real.is_file():
            fact = "is no file that can be read" if real.exists() else f"is a symbolic link to nothing, {real}"
            raise BuildError(f"{name} {fact}. Remove it, or add it to build.exclude in eventfw.toml.", place=name)
        entries[name] = Entry(real.read_bytes(), bool(real.stat().st_mode & 0o100))
    return entries


def _walk(folder: Path, root: Path, out: Path, exclude: Iterable[str]) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        name = path.relative_to(root).as_posix()
        if path.name.startswith(".") or path.name.endswith(LEFT_OUT_ENDINGS) or path.resolve() == out:
            continue
        if any(fnmatch.fnmatch(name, pattern) or fnmatch.fnmatch(path.name, pattern) for pattern in exclude):
            continue
        if path.is_dir() and not path.is_symlink():
            if not _is_workshop(path, name):
                yield from _walk(path, root, out, exclude)
        elif path.is_dir() or folder != root or not any(fnmatch.fnmatch(name, one) for one in LEFT_OUT_FILES):
            if path.is_dir() and path.resolve().is_relative_to(root):
                raise BuildError(
                    f"{name} is a symbolic link to a folder, which a zip cannot hold. Copy the folder, or add the link "
                    f"to build.exclude in eventfw.toml.",
                    place=name,
                )
            yield path


def _is_workshop(folder: Path, name: str) -> bool:
    """Whether a folder belongs to the making of the app and not to the app."""
    if name == "tests" or folder.name in LEFT_OUT_ANYWHERE or (folder / "pyvenv.cfg").exists():
        return True
    if (folder / MANIFEST).exists() and (folder / "assets").is_dir():
        return True  # what an earlier build made
    return name in LEFT_OUT_FOLDERS and not (folder / "__init__.py").exists()


def shipped_half(project: Project, files: dict[str, Entry]) -> dict[str, Entry]:
    """eventfw's modules above the ship line: all the top level, and of sources, resources and rules what is used."""
    app = project.app
    needed = {path for path in PACKAGE.glob("*.py") if path.name not in BELOW_THE_SHIP_LINE}
    used: list[object] = [*app.resources, *(trigger for handler in app.handlers for trigger in handler.triggers)]
    used += [grant.resource for function in app.functions.values() for grant in function.uses]
    modules = {type(item).__module__ for item in used} | set(_named(files))
    needed.update(filter(None, map(_module_path, modules)))
    needed.update(PACKAGE / folder / "__init__.py" for folder in ON_DEMAND)
    pending = [*needed]
    entries = {}
    while pending:
        current = pending.pop()
        source = bare(current.read_text("utf-8"))
        entries[f"eventfw/{current.relative_to(PACKAGE).as_posix()}"] = Entry(source)
        package = ".".join(["eventfw", *current.relative_to(PACKAGE).parent.parts])
        for path in filter(None, map(_module_path, imported(source, package))):
            if path not in needed:
                needed.add(path)
                pending.append(path)
    return entries


def bare(source: str) -> bytes:
    """A module of eventfw's without docstrings, comments and tool verbs, every line of code where it was.

    Tracebacks show the lines' numbers. What only the tool verbs imported or called is not looked for and stays.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            for verb in node.body:
                if isinstance(verb, ast.FunctionDef) and verb.name in TOOL_VERBS:
                    _blank(lines, min([verb.lineno, *(one.lineno for one in verb.decorator_list)]), verb.end_lineno)
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            first = node.body[0].lineno
            if lines[first - 1].strip():  # not within a verb that is gone
                indent = lines[first - 1][: node.body[0].col_offset]
                _blank(lines, first, node.body[0].end_lineno)
                lines[first - 1] = f'{indent}""\n'
    for token in tokenize.generate_tokens(iter(list(lines)).__next__):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    return "".join(lines).encode()


def _blank(lines: list[str], first: int, last: int | None) -> None:
    lines[first - 1 : last] = ["\n"] * ((last or first) - first + 1)


def _named(files: dict[str, Entry]) -> Iterator[str]:
    """Modules behind public names that the project's code mentions, for an annotation perhaps."""
    text = b"\n".join(entry.data for name, entry in files.items() if name.endswith(".py"))
    words = set(re.findall(rb"\w+", text))
    for name, home in eventfw._HOME.items():
        if name.encode() in words:
            yield f"eventfw.{home}"
    for module in re.findall(rb"eventfw\.((?:\w+\.)*\w+)", text):
        yield f"eventfw.{module.decode()}"


def _module_path(module: str) -> Path | None:
    parts = module.split(".")
    if parts[0] != "eventfw" or len(parts) < 2 or parts[1] in BELOW_THE_SHIP_LINE or parts[1] == "testing":
        return None
    path = PACKAGE.joinpath(*parts[1:]).with_suffix(".py")
    return path if path.exists() else None


def write_files(entries: dict[str, Entry], folder: Path) -> None:
    """Unpack entries, for a child interpreter to import."""
    for name, entry in entries.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(entry.data)
        if entry.executable:
            os.chmod(path, 0o755)  # noqa: PTH101
