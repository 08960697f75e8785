"""Bytecode for Lambda, whose read-only file system never caches any: the same source gives the same bytes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping

from eventfw.errors import BuildError
from eventfw.tools.build.zips import Entry

TASK_ROOT = "/var/task/"  # where Lambda unpacks the zip, and so what tracebacks show
MINOR = f"{sys.version_info.major}.{sys.version_info.minor}"

# Runs in a child, for the hash seed's sake. `marshal` marks what has more than one reference, which depends on all
# that the process did before; `held` gives everything another one, so that the mark is always there.
COMPILE = """
import ast, base64, importlib.util, json, marshal, sys

def hold(item, held):
    held.append(item)
    if isinstance(item, (tuple, frozenset)):
        for part in item:
            hold(part, held)
    elif hasattr(item, "co_code"):
        for name in ("co_code", "co_consts", "co_names", "co_varnames", "co_cellvars", "co_freevars", "co_filename",
                     "co_name", "co_qualname", "co_linetable", "co_exceptiontable"):
            hold(getattr(item, name), held)

def unannotated(tree):
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
    return tree

compiled = {}
for name, text in json.load(sys.stdin).items():
    source = base64.b64decode(text)
    try:
        tree = ast.parse(source)
        if name.startswith("eventfw/"):
            tree = unannotated(tree)
        code = compile(tree, sys.argv[1] + name, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        continue  # a template, or for another Python: Lambda says so should anything import it
    held = []
    hold(code, held)
    unchecked = (1).to_bytes(4, "little")
    header = importlib.util.MAGIC_NUMBER + unchecked + importlib.util.source_hash(source)
    compiled[name] = base64.b64encode(header + marshal.dumps(code)).decode()
json.dump([sys.implementation.cache_tag, compiled], sys.stdout)
"""


def bytecode(entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Unchecked-hash ``.pyc`` files, in ``__pycache__``, of every module among the entries that compiles.

    eventfw's own go without annotations, and without the columns of each instruction, which are a quarter of the
    bytecode: a traceback still says the line, and underlines in the user's code only.
    """
    sources = {name: entry for name, entry in entries.items() if name.endswith(".py")}
    own = {name: entry for name, entry in sources.items() if name.startswith("eventfw/")}
    others = {name: entry for name, entry in sources.items() if name not in own}
    return {**_compiled(own, ["-X", "no_debug_ranges"]), **_compiled(others, [])}


def _compiled(sources: Mapping[str, Entry], options: list[str]) -> dict[str, Entry]:
    texts = {name: base64.b64encode(sources[name].data).decode() for name in sorted(sources)}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, *options, "-S", "-P", "-W", "ignore", "-c", COMPILE, TASK_ROOT],
        input=json.dumps(texts),
        env={**environment, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"Compiling the code failed: {done.stderr.strip()[-500:]}")
    tag, compiled = json.loads(done.stdout)
    result = {}
    for name, text in compiled.items():
        folder, _, file = name.rpartition("/")
        cached = f"__pycache__/{file.removesuffix('.py')}.{tag}.pyc"
        result[f"{folder}/{cached}" if folder else cached] = Entry(base64.b64decode(text))
    return result
