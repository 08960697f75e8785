"""Bytecode: the same source gives the same bytes, and they run."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

import eventfw
from eventfw.tools.build.bytecode import bytecode
from eventfw.tools.build.zips import Entry

ROOT = Path(eventfw.__file__).parent.parent
DIGEST = """
import hashlib, json, pathlib, sys
from eventfw.tools.build.bytecode import bytecode
from eventfw.tools.build.zips import Entry
import {other}
names = json.loads(sys.argv[1])
if {shuffled}:
    names = dict(reversed(names.items()))
made = bytecode({{name: Entry(pathlib.Path(path).read_bytes()) for name, path in names.items()}})
print(json.dumps({{name: hashlib.sha256(entry.data).hexdigest() for name, entry in made.items()}}, sort_keys=True))
"""
SOURCES = {  # ours, and of the standard library modules of every kind, one of them of another Python's syntax
    "eventfw/app.py": ROOT / "eventfw" / "app.py",
    "eventfw/http.py": ROOT / "eventfw" / "http.py",
    **{f"lib/{name}.py": Path(os.__file__).parent / f"{name}.py" for name in ("enum", "typing", "ast", "tarfile")},
}
TRICKY = b"A = {'x', 'y', 'z', None, 1, ...}\ndef f(q):\n    return q in {'b', 'a', None, (1, 'a')} or 'b' 'a'\n"


def digests(folder: Path, seed: str, other: str, shuffled: bool) -> str:
    script = DIGEST.format(other=other, shuffled=shuffled)
    names = {**{name: str(path) for name, path in SOURCES.items()}, "tricky.py": str(folder / "tricky.py")}
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(names)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "PYTHONOPTIMIZE": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nothing_but_the_source_leaves_a_trace(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "much" / "deeper"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "tricky.py").write_bytes(TRICKY)
    seen = {
        digests(folders[0], "1", "asyncio", False),
        digests(folders[1], "77", "enum", True),
        digests(folders[0], "random", "xml.dom.minidom", False),
    }
    assert len(seen) == 1


def test_a_module_compiles_to_the_same_alone_and_among_others() -> None:
    entries = {name: Entry(path.read_bytes()) for name, path in SOURCES.items()}
    together = bytecode(entries)
    tag = sys.implementation.cache_tag
    for name in ("eventfw/http.py", "lib/tarfile.py"):
        folder, _, file = name.rpartition("/")
        path = f"{folder}/__pycache__/{file.removesuffix('.py')}.{tag}.pyc"
        assert hashlib.sha256(bytecode({name: entries[name]})[path].data).digest() == (
            hashlib.sha256(together[path].data).digest()
        )


def test_the_folder_a_build_runs_in_is_no_place_to_import_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError")
    monkeypatch.chdir(tmp_path)
    assert bytecode({"a.py": Entry(b"")})


def test_python_takes_it_unchecked_and_names_the_place_in_lambda() -> None:
    source = b"def f():\n    return __file__\n"
    (name, entry), *more = bytecode({"shop/a.py": Entry(source)}).items()
    assert (name, more) == (f"shop/__pycache__/a.{sys.implementation.cache_tag}.pyc", [])
    assert entry.data[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(entry.data[4:8], "little") == 0b01  # by hash, and not to be compared with the source
    assert entry.data[8:16] == importlib.util.source_hash(source)
    code = marshal.loads(entry.data[16:])
    assert code.co_filename == code.co_consts[0].co_filename == "/var/task/shop/a.py"


def test_what_does_not_compile_is_left_as_source() -> None:
    assert bytecode({"a.py": Entry(b"print 'for Python 2'"), "b.py": Entry(b"\0"), "c.txt": Entry(b"")}) == {}


def test_ours_goes_without_annotations_and_the_users_with_them() -> None:
    source = b"\ndef f(a: int = 1) -> str:\n    return a\n"
    ours, theirs = bytecode({"eventfw/a.py": Entry(source), "b.py": Entry(source)}).values()
    functions = []
    for entry in (ours, theirs):
        namespace: dict[str, object] = {}
        exec(marshal.loads(entry.data[16:]), namespace)
        functions.append(namespace["f"])
    assert [list(function.__annotations__) for function in functions] == [[], ["a", "return"]]
    assert {function.__code__.co_firstlineno for function in functions} == {2}  # type: ignore[attr-defined]
