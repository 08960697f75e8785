"""What a module imports, read from its source: also what it imports later, within a function."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator


def imported(source: bytes, package: str) -> Iterator[str]:
    """The names a module in ``package`` imports when it runs; for ``from a import b`` both ``a`` and ``a.b``.

    Nothing for a source that does not compile: whoever imports it is told the place.
    """
    try:
        pending: list[ast.AST] = [ast.parse(source)]
    except (SyntaxError, ValueError):
        return
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            pending.extend(node.orelse)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            home = ".".join([*base, *filter(None, [node.module])])
            yield home
            yield from (f"{home}.{alias.name}" for alias in node.names)
        else:
            pending.extend(ast.iter_child_nodes(node))


def closure(files: Collection[str], sources: dict[str, bytes]) -> set[str]:
    """``files``, and those of ``sources``, by path from the folder on ``sys.path``, that they import."""
    found: set[str] = set()
    pending = list(files)
    while pending:
        name = pending.pop()
        if name in found or name not in sources:
            continue
        found.add(name)
        if name.endswith(".py"):
            package = ".".join(name.split("/")[:-1])
            for module in imported(sources[name], package):
                pending += _files_of(module)
    return found


def _files_of(module: str) -> Iterator[str]:
    """Where a module and the packages around it may be."""
    parts = module.split(".")
    for count in range(1, len(parts) + 1):
        path = "/".join(parts[:count])
        yield from (f"{path}.py", f"{path}/__init__.py")
