"""Zips: their bytes depend on their entries alone, and Lambda's limits are told before Lambda does."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from eventfw.errors import BuildError
from eventfw.tools.build import zips
from eventfw.tools.build.zips import Entry, write_asset, zipped

ENTRIES = {"b/x.py": Entry(b"x = 1\n" * 100), "a.sh": Entry(b"#!/bin/sh\n", executable=True)}


def test_order_leaves_no_trace() -> None:
    assert zipped(ENTRIES) == zipped(dict(reversed(ENTRIES.items())))


def test_every_entry_is_sorted_dated_alike_and_readable_by_lambda() -> None:
    infos = zipfile.ZipFile(io.BytesIO(zipped(ENTRIES))).infolist()
    assert [info.filename for info in infos] == ["a.sh", "b/x.py"]
    assert [oct(info.external_attr >> 16) for info in infos] == ["0o100755", "0o100644"]
    assert {(info.date_time, info.create_system, info.compress_type) for info in infos} == {
        ((1980, 1, 1, 0, 0, 0), 3, zipfile.ZIP_DEFLATED)
    }


def test_an_asset_is_named_by_what_it_holds(tmp_path: Path) -> None:
    asset = write_asset(ENTRIES, tmp_path)
    data = asset.path.read_bytes()
    assert asset.path == tmp_path / "assets" / f"{asset.sha256}.zip"
    assert (asset.sha256, asset.bytes) == (hashlib.sha256(data).hexdigest(), len(data))


def test_too_much_is_refused_with_the_largest_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "UNZIPPED_MAX", 500)
    with pytest.raises(BuildError, match=r"unzipped, over Lambda's 250 MB\. The largest in it: b \(.*a\.sh"):
        write_asset(ENTRIES, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_edge_takes_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "EDGE_ZIPPED_MAX", 100)
    write_asset(ENTRIES, tmp_path)
    with pytest.raises(BuildError, match="Lambda@Edge's 50 MB"):
        write_asset(ENTRIES, tmp_path, edge=True)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    with pytest.raises(BuildError, match=r"app\.py: .*cannot be written: Not a directory.*another folder"):
        write_asset(ENTRIES, tmp_path / "app.py")
