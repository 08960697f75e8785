"""Annotations are taken out of what is shipped, and nothing else is."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import eventfw
from eventfw.tools.build.annotations import without_annotations

SOURCE = """
A: int = 1
B: str

class C:
    D: dict[str, "C"] = {"ä": 1}; E: int = 2
    F: int

    def g(self, a: int, /, b: "str" = ":", *c: float, d: int = 1, **e: bytes) -> dict[str, int]:
        self.h: list[int] = [a]
        return {"ä->": a} if (lambda x: x)(b) else {}

    async def i(
        self,
        a: int | None = None,
    ) -> tuple[int, ...]: ...
"""
BARE = """
A = 1
B: str

class C:
    D = {"ä": 1}; E = 2
    F: int

    def g(self, a, /, b = ":", *c, d = 1, **e):
        self.h = [a]
        return {"ä->": a} if (lambda x: x)(b) else {}

    async def i(
        self,
        a = None,
    ): ...
"""


def test_annotations_go_and_every_line_stays_where_it_was() -> None:
    assert without_annotations(SOURCE) == BARE


def test_the_import_for_annotations_goes_with_the_last_of_them() -> None:
    begin = "from __future__ import annotations\n"
    assert without_annotations(begin + "a: int = 1\n") == "\na = 1\n"
    assert without_annotations(begin + "a: int\n") == begin + "a: int\n"
    assert without_annotations(begin + "def f(a: dict[\n    str, int]): ...\n").startswith(begin)


class Dropped(ast.NodeTransformer):
    """The same in the tree: what a module means without its annotations."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: Any) -> Any:
        self.generic_visit(node)
        node.returns = None
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom | None:
        return None if node.module == "__future__" else node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return ast.Assign([node.target], node.value) if node.value is not None else node


@pytest.mark.parametrize("path", sorted(Path(eventfw.__file__).parent.rglob("*.py")), ids=str)
def test_a_module_means_the_same_without_them(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    wanted = Dropped().visit(ast.parse(source))
    found = Dropped().visit(ast.parse(without_annotations(source)))
    assert ast.dump(found) == ast.dump(wanted)
