"""Zips whose bytes depend on their content alone: not on time, umask, owner or the order of files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eventfw.errors import BuildError
from eventfw.tools.build.artifacts import Asset

UNZIPPED_MAX = 250 * 1024 * 1024  # bytes: "Deployment package size, unzipped" of Lambda
EDGE_ZIPPED_MAX = 50 * 1024 * 1024  # bytes: Lambda@Edge takes no larger zip
TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can say
UNIX = 3
LARGEST_SHOWN = 3


@dataclass(frozen=True)
class Entry:
    """One file of a zip."""

    data: bytes
    executable: bool = False


def zipped(entries: Mapping[str, Entry]) -> bytes:
    """The zip of the entries, by path. Python of one minor gives one result, unless it was built with another zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(entries):
            entry = entries[name]
            info = zipfile.ZipInfo(name, TIMESTAMP)
            info.create_system = UNIX  # whatever system builds
            info.external_attr = (0o100755 if entry.executable else 0o100644) << 16
            archive.writestr(info, entry.data, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def write_asset(entries: Mapping[str, Entry], folder: Path, *, edge: bool = False) -> Asset:
    """Write the zip to ``folder/assets/<sha256>.zip``. Raises BuildError for one that Lambda would refuse."""
    size = sum(len(entry.data) for entry in entries.values())
    if size > UNZIPPED_MAX:
        raise _too_large(entries, f"{_megabytes(size)} unzipped, over Lambda's 250 MB")
    data = zipped(entries)
    if edge and len(data) > EDGE_ZIPPED_MAX:
        raise _too_large(entries, f"{_megabytes(len(data))} zipped, over Lambda@Edge's 50 MB")
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / "assets" / f"{sha256}.zip"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise BuildError(
            f"{path} cannot be written: {error.strerror}. Build into another folder.", place=str(folder)
        ) from None
    return Asset(path, sha256, len(data))


def _too_large(entries: Mapping[str, Entry], fact: str) -> BuildError:
    sizes: dict[str, int] = {}
    for name, entry in entries.items():
        top = name.partition("/")[0]
        sizes[top] = sizes.get(top, 0) + len(entry.data)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:LARGEST_SHOWN]
    shown = ", ".join(f"{name} ({_megabytes(size)})" for name, size in largest)
    return BuildError(
        f"The zip is {fact}. The largest in it: {shown}. Remove requirements, or name files in build.exclude of "
        f"eventfw.toml."
    )


def _megabytes(size: int) -> str:
    return f"{size / 1_048_576:.1f} MB"
