"""Each execution environment's own temporary folder, as ``/tmp`` is on Lambda: kept while it is warm, gone with it.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


class Scratch:
    """The temporary folders of one zygote's workers, in a folder that goes with the zygote."""

    def __init__(self) -> None:
        self.folder = tempfile.mkdtemp(prefix="eventfw-")

    def make(self, number: int) -> str:
        """A new worker's folder, empty and nobody else's."""
        path = Path(self.folder, str(number))
        path.mkdir(0o700)
        return str(path)

    def remove(self) -> None:
        """Remove all of it. What another user's process has left in it, started by a handler, stays."""
        shutil.rmtree(self.folder, ignore_errors=True)


def removed(path: str) -> bool:
    """Remove an ended worker's folder if it is empty, which most are."""
    try:
        Path(path).rmdir()
    except OSError:
        return not Path(path).exists()
    return True


def remove(path: str) -> None:
    """Remove an ended worker's folder."""
    shutil.rmtree(path, ignore_errors=True)


def size_of(path: str, enough: int) -> int:
    """Bytes that a folder holds, on the disk: a sparse file counts as what it takes. Stops counting at ``enough``."""
    total, folders = 0, [path]
    while folders and total <= enough:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:  # removed while it was looked at
            continue
    return total
