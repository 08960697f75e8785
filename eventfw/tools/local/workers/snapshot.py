"""The project's sources as one load of the app has read them: what workers that are made later run, too.

A worker may be made after a broken save, or while a save is being written or loaded. It is one of the last good app all
the same.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path


class Snapshot:
    """The sources of modules, by their files. ``saved`` says when those were saved that were loaded, in nanoseconds.

    ``exact``: whether all files are still those; one that is not is left out, and read anew by whoever imports it.
    """

    def __init__(self, files: Mapping[str, str], saved: Mapping[str, int]) -> None:
        read = {name: _read(path, saved.get(name)) for name, path in files.items()}
        self.sources = {name: source for name, source in read.items() if source is not None}
        self.exact = len(self.sources) == len(read)
        self.packed = json.dumps(self.sources).encode()  # once for all workers: of a large project it takes a while


def _read(path: str, saved: int | None) -> tuple[str, str, int] | None:
    """The file with its bytes, in latin-1, and its time, unless it is not the one that was loaded."""
    try:
        before = Path(path).stat().st_mtime_ns
        source = Path(path).read_bytes()
        after = Path(path).stat().st_mtime_ns
    except OSError:
        return None
    if before != after or saved not in (None, before):
        return None
    return path, source.decode("latin-1"), before
