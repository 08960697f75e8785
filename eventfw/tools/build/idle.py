"""Leaving out of a zip what nothing in it names: functions, private methods, imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from functools import lru_cache

WORD = re.compile(r"\w+")


class Reading:
    """What a module's text has and names.

    ``names`` are its variables, ``attributes`` what it asks objects for, ``texts`` those that may be names, and
    ``asked`` what it imports from where: the level, the module, the name. ``functions`` are those of the top level,
    ``private`` the methods with one leading underscore, of classes that have more than these; ``imports`` those of
    eventfw's own at the top level.
    """

    def __init__(self, text: str) -> None:
        tree = ast.parse(text)
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: set[str] = set()
        self.asked: list[tuple[int, str, str]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                self.names.add(node.id)
            elif isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)
            elif isinstance(node, ast.Constant):
                if isinstance(node.value, str) and node.value.isidentifier():
                    self.texts.add(node.value)
            elif isinstance(node, ast.ImportFrom):
                self.asked += [(node.level, node.module or "", one.name) for one in node.names]
        self.functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name[:2] != "__"]
        self.imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
        self.private: list[ast.FunctionDef] = []
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
                private = [one for one in methods if one.name[0] == "_" and one.name[:2] != "__"]
                self.private += private if len(private) < len(node.body) else ()


read = lru_cache(maxsize=1024)(Reading)


def without_idle(sources: dict[str, str], called: dict[str, set[str]], written: str) -> None:
    """Blank what nothing names: functions, private methods that only tool verbs ``called``, and imports.

    ``sources`` and ``called`` are by module, ``written`` is the code that is not eventfw's.
    """
    own = {*WORD.findall(written), "entry"}  # what the zip's entry module imports
    idle = True
    while idle:
        readings = {module: read(text) for module, text in sources.items()}
        attributes = own.union(*(one.attributes | one.texts for one in readings.values()))
        texts = own.union(*(one.texts for one in readings.values()))
        asked: dict[str, set[str]] = {}
        for module, reading in readings.items():
            for level, home, name in reading.asked:
                asked.setdefault(absolute(module, level, home), set()).add(name)
        idle = False
        for module, reading in readings.items():
            named = texts | reading.names | asked.get(module, set())
            found = [one for one in reading.functions if one.name not in named]
            found += [one for one in reading.private if one.name not in attributes and one.name in called[module]]
            lines = sources[module].splitlines(keepends=True)
            for node in found:
                first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
                called[module].update(WORD.findall("".join(lines[first - 1 : node.end_lineno])))
                blank(lines, first, node.end_lineno)
            if _drop_imports(reading, lines, named) or found:
                sources[module], idle = "".join(lines), True


def absolute(module: str, level: int, home: str) -> str:
    """The full name of what a module imports from."""
    package = module.split(".")
    base = package[: len(package) - level] if level else []
    return ".".join([*base, *filter(None, [home])])


def _drop_imports(reading: Reading, lines: list[str], named: Collection[str]) -> bool:
    """Take from a module's imports of eventfw's own what it does not name; whether there was any."""
    dropped = False
    for node in reading.imports:
        kept = [one for one in node.names if one.asname or one.name in named]
        if len(kept) < len(node.names):
            blank(lines, node.lineno, node.end_lineno)
            if kept:
                words = ", ".join(f"{one.name} as {one.asname}" if one.asname else one.name for one in kept)
                lines[node.lineno - 1] = f"from {'.' * node.level}{node.module or ''} import {words}\n"
            dropped = True
    return dropped


def blank(lines: list[str], first: int, last: int | None) -> None:
    """Empty lines, so that no other moves."""
    lines[first - 1 : last] = ["\n"] * ((last or first) - first + 1)
