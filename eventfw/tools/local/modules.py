"""The modules of a worker: which are the user's own, which can be imported beforehand, and reading sources afresh.

stdlib only: workers import this.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import sysconfig
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
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
        if not own(os.path.abspath(path) + os.sep, directory):
            raise ImportError(f"{path} is not in the project", path=path)
        return make(path)

    sys.path_hooks.insert(0, hook)
    for path in list(sys.path_importer_cache):
        if own(path + os.sep, directory):
            del sys.path_importer_cache[path]


def own(path: str, directory: str) -> bool:
    """Whether a path is the project's own, and not of an environment that lies in the project's folder."""
    inside = path.startswith(directory.rstrip(os.sep) + os.sep)
    return inside and not any(part in INSTALLED for part in path[len(directory) :].split(os.sep))


def own_files(directory: str) -> list[str]:
    """The source files of the project that this process has imported."""
    return sorted(path for _, path in _files() if own(path, directory))


def installed_modules(directory: str) -> list[str]:
    """Modules of installed distributions and of the standard library, in the order this process imported them."""
    standard = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
    return [
        name
        for name, path in _files()
        if name.partition(".")[0] not in ("eventfw", "__main__", "__mp_main__", "sitecustomize", "usercustomize")
        and not own(path, directory)
        and (path.startswith(standard) or any(part in INSTALLED for part in path.split(os.sep)))
    ]


def _files() -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            yield name, os.path.abspath(path)


def give_way(directory: str, preloaded: set[str]) -> None:
    """Forget preloaded modules that the project has one of its own of the same name: the project comes first."""
    names = {os.path.splitext(entry)[0] for entry in os.listdir(directory)}
    hidden = {name.partition(".")[0] for name in preloaded} & names
    for name in list(sys.modules):
        if name in preloaded and name.partition(".")[0] in hidden and _is_module(directory, name.partition(".")[0]):
            del sys.modules[name]


def _is_module(directory: str, name: str) -> bool:
    path = os.path.join(directory, name)
    return os.path.isfile(path + ".py") or os.path.isfile(os.path.join(path, "__init__.py"))
