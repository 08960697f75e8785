"""What the zygote imports beforehand: learned from the workers, kept in ``.eventfw/preload.json`` between runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from eventfw.tools.local.state import folder_of

FILE = "preload.json"
LIMIT = 5000  # modules: beyond this, importing them all is no longer a saving


class Preload:
    """The installed modules that an app is known to load, in the order it loads them.

    ``packages`` are those that it names itself. When it names one no longer, everything is forgotten: what was imported
    for the sake of that one cannot be told from the rest.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.modules: list[str] = []
        self.threaded: list[str] = []
        self.packages: list[str] = []
        data = self._read()
        if data.get("python") == sys.executable:
            self.modules = _names(data.get("modules"))
            self.threaded = _names(data.get("threaded"))
            self.packages = _names(data.get("packages"))

    def wanted(self) -> list[str]:
        """What to import: all but packages that start threads, which would keep the zygote from forking."""
        return [name for name in self.modules if name.partition(".")[0] not in self.threaded]

    def learn(self, modules: Iterable[str], packages: Sequence[str]) -> bool:
        """Remember what a worker has loaded, and which packages the app names. True when the zygote should be another:
        there is something new, or nothing is known any longer, and a worker of a new one has to tell."""
        gone, changed, self.packages = set(self.packages) - set(packages), self.packages != packages, list(packages)
        if gone:
            self.modules = []
            self._write()
            return True
        new = [name for name in modules if name not in set(self.modules)][: LIMIT - len(self.modules)]
        self.modules += new
        if new or changed:
            self._write()
        return any(name.partition(".")[0] not in self.threaded for name in new)

    def avoid(self, module: str) -> None:
        """Leave the package of a module that started a thread to the workers."""
        self.threaded.append(module.partition(".")[0])
        self._write()

    def _read(self) -> dict[str, object]:
        try:
            data = json.loads((self.directory / ".eventfw" / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # it is a memory of what was, and is made anew
        return data if isinstance(data, dict) else {}

    def _write(self) -> None:
        path = folder_of(self.directory) / FILE
        draft = path.with_suffix(".draft")
        known = {"modules": self.modules, "packages": self.packages, "threaded": self.threaded}
        draft.write_text(json.dumps({"python": sys.executable, **known}))
        draft.replace(path)


def _names(value: object) -> list[str]:
    names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return names[:LIMIT]
