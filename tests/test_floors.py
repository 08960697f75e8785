"""The house has floors: a module imports only lower ones. Read from the source text, so that nothing runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import eventfw
from eventfw.sources.table import SOURCES

PACKAGE = Path(eventfw.__file__).parent

# (floor, step): a unit, which is a module or a folder, imports only units before it; a folder's modules one another.
FLOORS = {
    "errors": (0, 0),
    "options": (0, 1),
    "models": (0, 1),
    "events": (0, 1),
    "rules": (0, 2),
    "paths": (0, 2),
    "http": (0, 2),
    "conversion": (0, 2),
    "hints": (0, 3),
    "http_forms": (0, 3),
    "calling": (1, 0),
    "payloads": (1, 1),
    "trigger": (1, 0),
    "reporting": (1, 1),
    "resources": (1, 1),
    "function": (1, 2),
    "polling": (1, 3),
    "answering": (1, 3),
    "sources": (2, 0),
    "recognition": (2, 1),
    "app": (3, 0),
    "routing": (4, 0),
    "explaining": (4, 1),
    "runtime": (5, 0),
    "testing": (6, 0),
    "tools.project": (7, 0),
    "tools.checks": (7, 1),
    "tools.build": (8, 0),
    "tools.local": (8, 0),
    "tools.deploy": (8, 0),
    "tools.new": (8, 0),
    "tools.cli": (9, 0),
    "__main__": (9, 1),
}
ARTIFACTS = "tools.build.artifacts"  # what the build hands to the other two


def module_name(path: Path) -> str:
    """``rules.schedule`` for eventfw/rules/schedule.py; empty for eventfw/__init__.py."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def unit(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[:2] if parts[0] == "tools" else parts[:1])


def for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def statements(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """Every import below a node that runs, in functions too."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and for_types_only(child):
            for statement in child.orelse:
                yield from statements(statement)
        else:
            yield from statements(child)


def targets(module: str, path: Path, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """The modules of eventfw that a module imports, with the line."""
    package = ("eventfw." + module).rstrip(".").split(".")
    if path.name != "__init__.py":
        package.pop()
    for node in statements(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            names = [f"{base}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("eventfw."):
                inner = name.removeprefix("eventfw.")
                yield (inner if inner in MODULES else inner.rpartition(".")[0]), node.lineno


def complaint(module: str, target: str) -> str:
    """Why a module may not import another; empty if it may."""
    mine, theirs = unit(module), unit(target)
    if mine == theirs or not theirs or (target == ARTIFACTS and FLOORS[mine][0] >= 8):
        return ""
    if FLOORS[theirs] >= FLOORS[mine]:
        return f"{mine} is on floor {FLOORS[mine]}, {theirs} on {FLOORS[theirs]}"
    return ""


def test_every_module_has_a_floor() -> None:
    without = {unit(module) for module in MODULES} - set(FLOORS) - {"", "tools"}
    assert not without, f"say in FLOORS where {', '.join(sorted(without))} belongs"


@pytest.mark.parametrize("module", [module for module in MODULES if module not in ("", "tools")])
def test_a_module_imports_only_lower_floors(module: str) -> None:
    path = MODULES[module]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    faults = [
        f"{path}:{line}: {why}" for target, line in targets(module, path, tree) if (why := complaint(module, target))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("one", sorted({row[0].removeprefix("eventfw.") for row in SOURCES.values()}))
def test_a_source_does_not_import_another_source(one: str) -> None:
    path = MODULES[one]
    imported = {target for target, _ in targets(one, path, ast.parse(path.read_text(encoding="utf-8")))}
    own = {"sources.table", one, f"{one}_events"}  # what handlers receive may have a file beside the source's
    assert not {target for target in imported if unit(target) == "sources"} - own


@pytest.mark.parametrize("package", [path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE])
def test_a_package_defines_nothing(package: Path) -> None:
    body = ast.parse(package.read_text(encoding="utf-8")).body
    assert all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


@pytest.mark.parametrize(
    ("module", "line", "refused"),
    [
        ("rules.keys", "from ..app import App", True),
        ("rules.keys", "def late():\n    from .. import runtime", True),
        ("rules.keys", "if TYPE_CHECKING:\n    from ..app import App", False),
        ("rules.keys", "from .schedule import ScheduleExpression", False),
        ("app", "import eventfw.tools.project", True),
        ("tools.deploy.deploy", "from ..build.template import Template", True),
        ("tools.deploy.deploy", "from ..build.artifacts import Artifacts", False),
        ("tools.local.web.gateway", "from eventfw.tools.deploy import deploy", True),
        ("tools.cli.main", "from ..deploy import deploy", False),
    ],
)
def test_the_reader_of_imports_sees_what_it_must(module: str, line: str, refused: bool) -> None:
    found = targets(module, Path("x.py"), ast.parse(line))
    assert any(complaint(module, target) for target, _ in found) is refused
