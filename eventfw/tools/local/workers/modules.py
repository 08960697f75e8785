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
from types import FunctionType, ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from importlib.machinery import ModuleSpec
    from typing import Any

RACY = 2.0  # seconds: two saves within one tick of a bytecode file's clock, which counts whole seconds
INSTALLED = ("site-packages", "dist-packages")


class FreshSourceLoader(importlib.machinery.SourceFileLoader):
    """Neither reads nor writes bytecode for a file saved a moment ago.

    Bytecode names its source by size and by whole second. Two saves within a second, of equal size, look the same to
    it, and the second would be answered by the code of the first.
    """

    changed = 0  # when the source was saved that was loaded, in nanoseconds

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """The source's size and time; ``OSError`` has the import system go without bytecode."""
        status = Path(path).stat()
        self.changed = status.st_mtime_ns
        if time.time() - status.st_mtime < RACY:
            raise OSError(f"{path} was saved a moment ago")
        return {"mtime": status.st_mtime, "size": status.st_size}


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
    """Finds the project's modules as they were when the app was last loaded well, whatever the files say since.

    ``sources`` has by name the file, its bytes in latin-1, and when it was saved."""

    def __init__(self, sources: Mapping[str, tuple[str, str, int]]) -> None:
        self.sources = sources

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The module, if the snapshot has it."""
        if name not in self.sources:
            return None
        file, text, saved = self.sources[name]
        loader = SnapshotLoader(name, file, text.encode("latin-1"), saved)
        return importlib.util.spec_from_file_location(name, file, loader=loader)


class SnapshotLoader(FreshSourceLoader):
    """A module's source from memory; bytecode only of a file that was not saved since."""

    def __init__(self, name: str, file: str, source: bytes, saved: int) -> None:
        super().__init__(name, file)
        self.source = source
        self.saved = saved

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """The same, where the file is still the snapshot's."""
        stats = super().path_stats(path)
        if self.changed != self.saved:
            raise OSError(f"{path} was saved since")
        return stats

    def get_data(self, path: str) -> bytes:
        """The source, or bytecode."""
        return self.source if path == self.path else super().get_data(path)


def own(path: str, directory: str) -> bool:
    """Whether a path is the project's own, and not of an environment that lies in the project's folder."""
    inside = path.startswith(directory.rstrip(os.sep) + os.sep)
    return inside and not any(f"{os.sep}{part}{os.sep}" in path for part in INSTALLED)


def own_modules(directory: str) -> dict[str, str]:
    """The project's modules that this process has imported, with their source files."""
    return {name: path for name, path in sorted(_files()) if own(path, directory) and path.endswith(".py")}


def loaded_at(directory: str) -> dict[str, int]:
    """When the sources of the project's modules were saved that this process has loaded, in nanoseconds."""
    loaders = {name: getattr(sys.modules[name], "__loader__", None) for name in own_modules(directory)}
    return {name: loader.changed for name, loader in loaders.items() if isinstance(loader, FreshSourceLoader)}


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


def packages_used(directory: str) -> list[str]:
    """The installed packages that the project's modules hold, or hold something of, by their top-level names.

    What a module only takes a number or a text from is not found: of those nothing leads back to it.
    """
    held = {
        name.partition(".")[0]
        for own_module in own_modules(directory)
        for name in map(_home, list(vars(sys.modules[own_module]).values()))
    }
    installed = {
        name.partition(".")[0] for name, path in _files() if any(f"{os.sep}{one}{os.sep}" in path for one in INSTALLED)
    }
    return sorted(held & installed - {"eventfw"})


def _home(value: object) -> str:
    """The module that a value is, or that it, or its type, was defined in. Asks nothing of the value's own code."""
    kind = type(value)
    if issubclass(kind, ModuleType):
        found: object = vars(value).get("__name__")
    else:
        found = getattr(value if issubclass(kind, (type, FunctionType)) else kind, "__module__", None)
    return found if isinstance(found, str) else ""


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
