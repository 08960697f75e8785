"""The modules of a worker: which are the user's own, which can be imported beforehand, and reading sources afresh.

stdlib only: workers import this.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import sysconfig
import time
from pathlib import Path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from typing import Any

RACY = 2.0  # seconds: two saves within one tick of a bytecode file's clock, which counts whole seconds
INSTALLED = ("site-packages", "dist-packages")


class FreshSourceLoader(importlib.machinery.SourceFileLoader):
    """Neither reads nor writes bytecode for a file saved a moment ago.

    Bytecode names its source by size and by whole second. Two saves within a second, of equal size, look the same to
    it, and the second would be answered by the code of the first.
    """

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """The source's size and time; ``OSError`` has the import system go without bytecode."""
        stats = super().path_stats(path)
        if time.time() - stats["mtime"] < RACY:
            raise OSError(f"{path} was saved a moment ago")
        return stats


def read_afresh(directory: str) -> None:
    """Have modules of the project folder loaded by :class:`FreshSourceLoader`."""
    machinery = importlib.machinery
    make: Callable[[str], Any] = machinery.FileFinder.path_hook(
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (FreshSourceLoader, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> Any:
        if not own(path + os.sep, directory):
            raise ImportError(f"{path} is not in the project", path=path)
        return make(path)

    sys.path_hooks.insert(0, hook)
    for path in list(sys.path_importer_cache):
        if own(path + os.sep, directory):
            del sys.path_importer_cache[path]


class SnapshotFinder(importlib.abc.MetaPathFinder):
    """Finds the project's modules as they were when the app was last loaded well, whatever the files say since."""

    def __init__(self, sources: Mapping[str, Sequence[str]]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module, if the snapshot has it."""
        if name not in self.sources:
            return None
        file, text = self.sources[name]
        return importlib.util.spec_from_file_location(name, file, loader=SnapshotLoader(name, file, text.encode()))


class SnapshotLoader(importlib.abc.SourceLoader):
    """A module's source from memory, without bytecode."""

    def __init__(self, name: str, file: str, source: bytes) -> None:
        self.name = name
        self.file = file
        self.source = source

    def get_filename(self, name: str) -> str:
        """Where the source was, for tracebacks."""
        return self.file

    def get_data(self, path: str) -> bytes:
        """The source; nothing else is asked for, as there is no time to compare bytecode with."""
        if path != self.file:
            raise FileNotFoundError(path)
        return self.source

    def is_package(self, fullname: str) -> bool:
        """Whether it has modules below it."""
        return self.file.endswith(f"{os.sep}__init__.py")


def own(path: str, directory: str) -> bool:
    """Whether a path is the project's own, and not of an environment that lies in the project's folder."""
    inside = path.startswith(directory.rstrip(os.sep) + os.sep)
    return inside and not any(f"{os.sep}{part}{os.sep}" in path for part in INSTALLED)


def own_modules(directory: str) -> dict[str, str]:
    """The project's modules that this process has imported, with their source files."""
    return {name: path for name, path in sorted(_files()) if own(path, directory) and path.endswith(".py")}


def installed_modules(directory: str) -> list[str]:
    """Modules of installed distributions and of the standard library, in the order this process imported them."""
    standard = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
    return [
        name
        for name, path in _files()
        if name.partition(".")[0] not in ("eventfw", "__main__", "__mp_main__", "sitecustomize", "usercustomize")
        and not own(path, directory)
        and (path.startswith(standard) or any(f"{os.sep}{part}{os.sep}" in path for part in INSTALLED))
    ]


def _files() -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            yield name, path


def give_way(directory: str, preloaded: set[str]) -> None:
    """Forget preloaded modules that the project has one of its own of the same name: the project comes first."""
    names = {entry.stem for entry in Path(directory).iterdir()}
    hidden = {name.partition(".")[0] for name in preloaded} & names
    for name in list(sys.modules):
        if name in preloaded and name.partition(".")[0] in hidden and _is_module(directory, name.partition(".")[0]):
            del sys.modules[name]


def _is_module(directory: str, name: str) -> bool:
    folder = Path(directory)
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()
