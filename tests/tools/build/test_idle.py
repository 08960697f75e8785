"""What nothing names is left out of a zip, and no line moves."""

from __future__ import annotations

from eventfw.tools.build.idle import without_idle
from eventfw.tools.build.sources import bare


def test_a_function_that_nothing_names_is_left_out_unless_the_project_does() -> None:
    verbs = "class Trigger:\n    def sample(self): return made(1)\n"
    module = "def made(x): return deeper(x)\ndef deeper(x): return x\ndef other(x): return x\nother(1)\n"
    for written, kept in (("", {"other"}), ("from eventfw import made", {"made", "deeper", "other"})):
        path = "eventfw.a"
        sources = {path: bare(verbs, {"Trigger"}) + module}
        without_idle(sources, {path: {"made", "other"}}, written)
        assert {line.split("(")[0][4:] for line in sources[path].splitlines() if line.startswith("def")} == kept


def test_an_import_that_nothing_names_any_longer_is_left_out_and_what_it_imported_too() -> None:
    first, second = "eventfw.app", "eventfw.calling"
    sources = {
        first: "from .calling import (\n    used,\n    unused,\n)\nfrom .c import gone\nused()\n",
        second: "def used(): return 1\ndef unused(): return 2\ndef __getattr__(name): return 3\n",
    }
    without_idle(sources, {first: set(), second: set()}, "")
    assert sources[first].split("\n") == ["from .calling import used", "", "", "", "", "used()", ""]
    assert sources[second].split("\n")[:3] == ["def used(): return 1", "", "def __getattr__(name): return 3"]


def test_a_private_method_that_only_verbs_call_is_left_out_unless_somebody_asks_for_it() -> None:
    module = (
        "class Trigger:\n    kinds = ()\n    def sample(self): return self._made()\n"
        "    @property\n    def _made(self): return self._deeper\n    def _deeper(self): return 1\n"
        "    def _kept(self): return 2\n    def call(self): return self._kept()\n"
    )
    path = "eventfw.a"
    for other, left in (("", {"_kept", "call"}), ("x._deeper", {"_kept", "call", "_deeper"})):
        sources = {path: bare(module, {"Trigger"}), "eventfw.b": other}
        without_idle(sources, {path: {"_made", "_kept"}, "eventfw.b": set()}, "")
        compile(sources[path], "a", "exec")
        assert {line.split("(")[0].split()[-1] for line in sources[path].splitlines() if " def " in line} == left


def test_a_variable_of_another_module_keeps_no_function_in_the_zip() -> None:
    sources = {"eventfw.a": "def told(): return 1\n", "eventfw.b": "told = 1\nprint(told, self.told())\n"}
    without_idle(sources, {"eventfw.a": {"told"}, "eventfw.b": set()}, "")
    assert not sources["eventfw.a"].strip()
