"""What a zip holds besides the requirements: the project's files, and the half of eventfw that its app needs."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import os
import re
import sys
import tokenize
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import eventfw
from eventfw.app import Registrar
from eventfw.errors import BuildError
from eventfw.options import Checked
from eventfw.resources.resource import Grant
from eventfw.sources.table import public_names
from eventfw.tools.build.annotations import without_annotations
from eventfw.tools.build.artifacts import MANIFEST
from eventfw.tools.build.idle import WORD, absolute, blank, read, without_idle
from eventfw.tools.build.zips import Entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from eventfw.tools.project import Project

PACKAGE = Path(eventfw.__file__).parent
FROM_PACKAGE = re.compile(rb"\bfrom\s+eventfw((?:\.\w+)*)\s+import\s+(\([^)]*\)|(?:\\\n|[^\n#;])+)")
LEFT_OUT_ANYWHERE = {"__pycache__", "node_modules", "venv"}
LEFT_OUT_FOLDERS = {"build", "dist", "env", "events"}  # at the root, unless they are packages that the app imports
LEFT_OUT_FILES = ("conftest.py", "eventfw.toml", "eventfw_entry.py", "pytest.ini", "requirements*.txt", "*.md")
LEFT_OUT_ENDINGS = (".pyc", ".pyo", ".egg-info")
BELOW_THE_SHIP_LINE = {"tools", "testing.py", "explaining.py", "__main__.py"}
ON_DEMAND = {"answering", "polling", "resources", "rules", "sources"}  # packages of which an app gets what it uses
#: What triggers, resources, settings and grants do on the developer's machine only.
TOOL_VERBS = {
    "add_authorizer",
    "add_route",
    "add_websocket",
    "allow",
    "arn_in",
    "check_timeout",
    "clash",
    "conclude",
    "described",
    "faults",
    "fields_among",
    "guard",
    "key",
    "local",
    "local_value",
    "mapping",
    "mapping_name",
    "overlap",
    "reference",
    "remarks",
    "resources",
    "sample",
    "shadow",
    "source_in",
    "statements",
    "validate",
    "wanted",
}


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
    """eventfw's modules above the ship line, as far as the app uses them, or what is written in ``files``."""
    app = project.app
    needed = {PACKAGE / name for name in ("__init__.py", "app.py", "runtime.py")}
    # An app or a blueprint that is not deployed is made, too, when Lambda imports its module.
    made = [app, *_registrars(files)]
    handlers = [handler for each in made for handler in each.handlers]
    used: list[object] = [resource for each in made for resource in each.resources]
    used += [trigger for handler in handlers for trigger in handler.triggers]
    used += [grant.resource for function in app.functions.values() for grant in function.uses]
    # What an attribute holds counts too: the rules of filters, for one, are only there where a trigger has filters.
    used += [value for item in used for value in vars(item).values()]
    used += [binding for handler in handlers for binding in handler.bindings]
    modules = {type(item).__module__ for item in used} | set(_named(files))
    needed.update(filter(None, map(_module_path, modules)))
    needed.update(PACKAGE / folder / "__init__.py" for folder in ON_DEMAND)
    written = b"\n".join(entry.data for name, entry in files.items() if name.endswith(".py")).decode(errors="replace")
    sources = _reached(needed, written)
    for table in (PACKAGE / "sources" / "table.py", PACKAGE / "__init__.py"):
        sources[table] = without_rows(sources[table], {_module_name(path) for path in sources})
    return {f"eventfw/{path.relative_to(PACKAGE).as_posix()}": Entry(text.encode()) for path, text in sources.items()}


def _registrars(files: Collection[str]) -> Iterator[Registrar]:
    """The apps and blueprints of the modules in ``files``: a second app, a blueprint that nobody mounts here."""
    for name, module in list(sys.modules.items()):
        path = name.replace(".", "/")
        if f"{path}.py" in files or f"{path}/__init__.py" in files:
            yield from (value for value in vars(module).values() if issubclass(type(value), Registrar))


def _reached(needed: set[Path], written: str) -> dict[Path, str]:
    """The modules of eventfw's that are needed, and what those import, without what only tool verbs use.

    ``written`` is the project's own code. What no module of too small a set names is left out too soon, and comes back
    with the module that does.
    """
    bared: dict[Path, tuple[str, frozenset[str]]] = {}
    while True:
        for path in needed - set(bared):
            bared[path] = _bared(path)
        sources = {_module_name(path): text for path, (text, _) in bared.items()}
        without_idle(sources, {_module_name(path): set(words) for path, (_, words) in bared.items()}, written)
        reached = {path for name, text in sources.items() for path in _imports(name, text)}
        if reached <= needed:
            return {path: sources[_module_name(path)] for path in bared}
        needed = needed | reached


@cache
def _bared(path: Path) -> tuple[str, frozenset[str]]:
    """A module of eventfw's as :func:`bare` leaves it, and the words of its tool verbs: once for all zips."""
    source, classes = path.read_text("utf-8"), classes_with_verbs(path)
    return bare(source, classes), frozenset(WORD.findall(verbs_of(source, classes)))


def without_rows(table: str, modules: Collection[str]) -> str:
    """A table of names and their modules without the rows of modules that are not in the zip."""
    lines = table.splitlines(keepends=True)
    for node in ast.walk(ast.parse(table)):
        if isinstance(node, ast.Dict):
            for key, row in zip(node.keys, node.values, strict=True):
                home = row.elts[0] if isinstance(row, ast.Tuple) and row.elts else row
                if key is None or not isinstance(home, ast.Constant) or not str(home.value).startswith("eventfw."):
                    continue
                if home.value not in modules:
                    blank(lines, key.lineno, row.end_lineno)
    return "".join(lines)


def _module_name(path: Path) -> str:
    """As Python imports it, but for a package, which is called ``eventfw.sources.__init__``."""
    return ".".join(["eventfw", *path.relative_to(PACKAGE).with_suffix("").parts])


def _imports(module: str, source: str) -> Iterator[Path]:
    for level, home, name in read(source).asked:
        base = absolute(module, level, home)
        yield from filter(None, (_module_path(base), _module_path(f"{base}.{name}")))


def verbs_of(source: str, classes: Collection[str]) -> str:
    """The source text of the tool verbs of classes."""
    lines = source.splitlines()
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name in classes]
    verbs = [verb for node in nodes for verb in _verbs(node)]
    return "\n".join("\n".join(lines[verb.lineno - 1 : verb.end_lineno]) for verb in verbs)


def classes_with_verbs(path: Path) -> set[str]:
    """The names of the triggers, resources, settings and grants that a module of eventfw's defines."""
    name = ".".join(["eventfw", *path.relative_to(PACKAGE).with_suffix("").parts]).removesuffix(".__init__")
    found = {key: value for key, value in vars(importlib.import_module(name)).items() if isinstance(value, type)}
    bases = (Checked, Grant)
    ours = {key for key, value in found.items() if value.__module__ == name and issubclass(value, bases)}
    return ours - {Checked.__name__}  # its own `validate` is what a zip has


def bare(source: str, classes: Collection[str] = ()) -> str:
    """A module of eventfw's without docstrings, comments, what type checkers read, and the tool verbs of ``classes``.

    Of a function called ``refuse_...`` only the name is left: what it refuses, it has refused when the zip was built.
    Every line of code stays where it was, because tracebacks show it.
    """
    lines = source.splitlines(keepends=True)
    tree = ast.parse(source)
    _without_types(tree, lines)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.lstrip("_").startswith("refuse_"):
            _empty(lines, node.body)
            continue
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        verbs = _verbs(node) if isinstance(node, ast.ClassDef) and node.name in classes else []
        for verb in verbs:
            blank(lines, min([verb.lineno, *(one.lineno for one in verb.decorator_list)]), verb.end_lineno)
        first, last = node.body[0].lineno if node.body else 0, node.body[0].end_lineno if node.body else 0
        documented = ast.get_docstring(node, clean=False) is not None
        if (documented and lines[first - 1].strip()) or (verbs and len(verbs) == len(node.body)):
            blank(lines, first, last)
            lines[first - 1] = f'{" " * node.body[0].col_offset}""\n'
    for token in tokenize.generate_tokens(iter(list(lines)).__next__):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    return without_annotations("".join(lines))


def _without_types(tree: ast.Module, lines: list[str]) -> None:
    """Blank what is for type checkers alone."""
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    ]
    halves = [node for node in found if node.orelse or node not in tree.body]
    for node in halves:
        _empty(lines, node.body)
    for each in tree.body:
        assigned = isinstance(each, ast.Assign) and ast.unparse(each) == "TYPE_CHECKING = False"
        if (each in found and each not in halves) or (assigned and not halves):
            blank(lines, each.lineno, each.end_lineno)


def _empty(lines: list[str], body: list[ast.stmt]) -> None:
    """Leave nothing of a block but a ``pass``."""
    blank(lines, body[0].lineno, body[-1].end_lineno)
    lines[body[0].lineno - 1] = f"{' ' * body[0].col_offset}pass\n"


def _verbs(node: ast.ClassDef) -> list[ast.FunctionDef]:
    return [each for each in node.body if isinstance(each, ast.FunctionDef) and each.name in TOOL_VERBS]


def _named(files: dict[str, Entry]) -> Iterator[str]:
    """Modules behind public names that the project's code mentions, for an annotation perhaps."""
    text = b"\n".join(entry.data for name, entry in files.items() if name.endswith(".py"))
    words = set(re.findall(rb"\w+", text))
    for name, home in {**eventfw._HOME, **public_names()}.items():
        if name.encode() in words:
            yield home
    for module in re.findall(rb"eventfw\.((?:\w+\.)*\w+)", text):
        yield f"eventfw.{module.decode()}"
    for package, imported in FROM_PACKAGE.findall(text):
        for name in re.findall(rb"\b[a-z]\w*", imported):
            yield f"eventfw{package.decode()}.{name.decode()}"


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
