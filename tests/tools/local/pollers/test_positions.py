"""Where mappings are in their shards, between runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.positions import Position, Positions


def mapping(name: str = "A", **properties: Any) -> EventSourceMapping:
    return EventSourceMapping(name, "function", "arn", properties)


def test_places_are_there_in_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "positions.json"
    places = {"shard-1": Position("7", behind=True), "shard-2": Position("9")}
    Positions(file).keep(mapping(BatchSize=1), places)
    assert Positions(file).of(mapping(BatchSize=2)) == places
    assert Positions(file).of(mapping("B")) == {}
    assert Positions(file).of(mapping(StartingPosition="LATEST")) == {}, "another beginning is another mapping"


def test_a_mapping_that_is_gone_is_forgotten_also_when_it_ends_later() -> None:
    positions = Positions()
    positions.keep(mapping("A"), {"s": Position("1")})
    positions.keep(mapping("B"), {"s": Position("2")})
    positions.only([mapping("B", Enabled=False)])
    positions.keep(mapping("A"), {"s": Position("3")})
    assert positions.of(mapping("A")) == {}
    assert positions.of(mapping("B")) == {"s": Position("2")}


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "positions.json"
    for text in ("{", "[1]", '{"a": 1}'):
        file.write_text(text)
        with pytest.raises(LocalError, match=r"positions\.json is broken"):
            Positions(file)


def test_a_file_that_cannot_be_written_is_told_once_until_it_can(tmp_path: Path) -> None:
    said: list[str] = []
    positions = Positions(tmp_path / "gone" / "positions.json", said.append)
    for number in ("1", "2"):
        positions.keep(mapping(), {"s": Position(number)})
    assert len(said) == 1
    assert "No such file or directory" in said[0]
    (tmp_path / "gone").mkdir()
    positions.keep(mapping(), {"s": Position("3")})
    assert Positions(tmp_path / "gone" / "positions.json").of(mapping()) == {"s": Position("3")}
