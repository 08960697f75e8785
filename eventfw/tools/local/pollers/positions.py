"""Where mappings are in their shards, kept in a file between runs where the embedded AWS's data is.

Lambda repeats a record rather than lose one: a position is that of the first record that is not done with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from eventfw.errors import LocalError
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.state import write_whole


@dataclass(frozen=True)
class Position:
    """A place in a shard: at a record's sequence number, or behind it; with none, at the oldest record."""

    sequence: str = ""
    behind: bool = False


class Positions:
    """The places of all mappings, also of those that are switched off; without a ``file`` for this run only. ``tell``
    is told where it cannot be written.

    Raises LocalError for a broken file.
    """

    def __init__(self, file: Path | None = None, tell: Callable[[str], None] = lambda problem: None) -> None:
        self.file = file
        self.tell = tell
        self._failed = False
        self._wanted: set[str] | None = None
        self._known: dict[str, dict[str, list[object]]] = {}
        if file is not None and file.exists():
            try:
                self._known = {key: dict(shards) for key, shards in json.loads(file.read_text()).items()}
            except (ValueError, AttributeError, TypeError) as error:
                raise LocalError(f"{file} is broken ({error}). Remove it to read streams anew.") from None

    def of(self, mapping: EventSourceMapping) -> dict[str, Position]:
        """Where a mapping goes on, by shard."""
        shards = self._known.get(_key(mapping), {})
        return {shard: Position(str(sequence), bool(behind)) for shard, (sequence, behind) in shards.items()}

    def only(self, mappings: Iterable[EventSourceMapping]) -> None:
        """Forget all other mappings: one that is made again begins anew."""
        self._wanted = {_key(mapping) for mapping in mappings}
        self._known = {key: shards for key, shards in self._known.items() if key in self._wanted}

    def keep(self, mapping: EventSourceMapping, shards: Mapping[str, Position]) -> None:
        """Take down where a mapping is."""
        told: dict[str, list[object]] = {shard: [one.sequence, one.behind] for shard, one in sorted(shards.items())}
        key = _key(mapping)
        if self._known.get(key, {}) == told or (self._wanted is not None and key not in self._wanted):
            return
        self._known[key] = told
        if self.file is None:
            return
        try:
            write_whole(self.file, json.dumps(self._known))
        except OSError as error:  # a full disk, for example: this run knows where it is
            if not self._failed:
                self.tell(
                    f"{self.file} cannot be written: {error.strerror}. Until it can, the next run repeats records."
                )
            self._failed = True
        else:
            self._failed = False


def _key(mapping: EventSourceMapping) -> str:
    said = mapping.properties
    return f"{mapping.name} {mapping.source} {said.get('StartingPosition')} {said.get('StartingPositionTimestamp')}"
