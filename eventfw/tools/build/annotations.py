"""Taking annotations out of a module: type checkers read them, Lambda does not, and a zip is smaller by a sixteenth."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FUTURE = b"from __future__ import annotations\n"
Cut = tuple[int, int, int]  # a line, and from which byte of it to which


def without_annotations(source: str) -> str:
    """A module without the annotations of its functions and of variables that it gives a value, line for line.

    An annotation that goes over the end of a line stays, and so does that of a variable without a value. Where none is
    left, ``from __future__ import annotations`` goes, too.
    """
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    nodes = list(ast.walk(ast.parse(source)))
    cuts = [cut for node in nodes for cut in _cuts(node, lines)]
    for line, start, end in sorted(cuts, reverse=True):
        lines[line] = lines[line][:start] + lines[line][end:]
    if len(cuts) == sum(map(_annotates, nodes)):
        lines = [b"\n" if line == FUTURE else line for line in lines]
    return b"".join(lines).decode()


def _annotates(node: ast.AST) -> bool:
    if isinstance(node, ast.arg):
        return node.annotation is not None
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return node.returns is not None
    return isinstance(node, ast.AnnAssign)


def _cuts(node: ast.AST, lines: list[bytes]) -> Iterator[Cut]:
    if isinstance(node, ast.arg) and node.annotation is not None:
        start = node.col_offset + len(node.arg.encode())
        if node.lineno == node.annotation.end_lineno:
            yield node.lineno - 1, start, node.annotation.end_col_offset or start
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        start = node.target.end_col_offset or 0
        if node.target.end_lineno == node.annotation.end_lineno:
            yield node.lineno - 1, start, node.annotation.end_col_offset or start
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
        line = node.returns.lineno - 1
        arrow = lines[line].rfind(b" ->", 0, node.returns.col_offset)
        if arrow >= 0 and node.returns.end_lineno == node.returns.lineno:
            yield line, arrow, node.returns.end_col_offset or arrow
