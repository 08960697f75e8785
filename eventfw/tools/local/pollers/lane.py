"""One lane of a shard: its records in order, one batch of them at a time.

A shard has as many lanes as the mapping's ParallelizationFactor. A partition key's records are all in one of them, so
they stay in order, and no two batches have records of one key at once.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html#kinesis-polling-and-batching
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from eventfw.tools.local.pollers.attempts import (
    TOO_OLD,
    Batch,
    Record,
    Verdict,
    answered,
    expired,
    expiry,
    raised,
    refused,
)
from eventfw.tools.local.pollers.stream_settings import StreamSettings
from eventfw.tools.local.pollers.tumbling import NO_STATE, TOO_LARGE, Window, oversized

PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes of an event
ENVELOPE = 1024  # bytes of it that are not records


@dataclass(frozen=True, slots=True)
class Invoke:
    """The function is due. ``final`` and ``early`` are of a tumbling window's last invocation."""

    batch: Batch
    window: Window | None = None
    final: bool = False
    early: bool = False

    def event(self, shard: str, source: str) -> bytes:
        """What the function gets."""
        records = b'{"Records": [' + b", ".join(record.body for record in self.batch.records) + b"]"
        if self.window is None:
            return records + b"}"
        fields = self.window.fields(shard, source, final=self.final, early=self.early)
        return records + b", " + json.dumps(fields).encode()[1:]


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Records are to be dropped, and the destination told why."""

    batch: Batch
    condition: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before a moment, in seconds since 1970."""

    until: float


@dataclass(frozen=True, slots=True)
class Look:
    """The shard has to be read before anything can be said: a window is over, and a record of it may be there."""


class Lane:
    """What is due next of the records that :meth:`add` was given, by the answers that the function has given.

    At most one :class:`Invoke` is out at a time: its outcome goes to :meth:`returned`, :meth:`raised` or
    :meth:`refused` before :meth:`next` is asked again. ``complete``: the moment before which all records that arrived
    are here. ``ended``: no more will come.
    """

    def __init__(self, settings: StreamSettings, window: Window | None = None) -> None:
        self.settings = settings
        self.window = window
        self.complete = -math.inf
        self.ended = False
        self._waiting: deque[Record] = deque()
        self._size = 0  # bytes of what waits
        self._since = 0.0  # when what waits began to be gathered
        self._again: deque[Invoke] = deque()
        self._out: Invoke | None = None

    def add(self, records: Iterable[Record], now: float) -> None:
        """Take the shard's next records."""
        if not self._waiting:
            self._since = now
        for record in records:
            self._waiting.append(record)
            self._size += len(record.body)

    def unfinished(self) -> list[Record]:
        """The records that are not done with, in order."""
        out = [self._out] if self._out is not None else []
        return [record for one in (*out, *self._again) for record in one.batch.records] + list(self._waiting)

    @property
    def first(self) -> Record | None:
        """The first record that is not done with."""
        ahead = [self._out] if self._out is not None else self._again
        return next((one.batch.records[0] for one in ahead if one.batch.records), None) or next(
            iter(self._waiting), None
        )

    @property
    def held(self) -> int:
        """How many records wait that no batch was made of."""
        return len(self._waiting)

    @property
    def held_bytes(self) -> int:
        """How large those are, together."""
        return self._size

    @property
    def over(self) -> bool:
        """Whether nothing will ever be due again."""
        return self.ended and self._out is None and not self._again and not self._waiting and self.window is None

    def next(self, now: float) -> Invoke | GiveUp | Wait | Look | None:
        """What is due, or when something will be; ``None`` until there are more records."""
        if self._again:
            if (until := self._due_at(self._again[0].batch)) > now:
                return Wait(until)
            due = self._again.popleft()
        else:
            gathered = self._gathered(now)
            if not isinstance(gathered, Invoke):
                return gathered
            due = gathered
        if old := expired(due.batch.records, now, self.settings.maximum_record_age):
            return self._aged(due, old)
        self._out = due
        return due

    def _due_at(self, batch: Batch) -> float:
        """When a batch is tried again, or given up because its first record is too old by then."""
        age = self.settings.maximum_record_age
        return min([batch.not_before, *(expiry(record, age) for record in batch.records[:1])])

    def returned(self, now: float, value: Any) -> Verdict:
        """The function that was invoked returned a value."""
        done = self._taken()
        window = done.window
        if window is None:
            return self._put_back(done, answered(done.batch, self.settings, now, value), now)
        if not isinstance(value, dict) or "state" not in value:
            return self._put_back(done, raised(done.batch, self.settings, now, NO_STATE), now)
        verdict = answered(done.batch, self.settings, now, value) if done.batch.records else Verdict()
        self._put_back(done, verdict, now)
        left = sum(len(batch.records) for batch in verdict.again)
        if self.window is window and left < len(done.batch.records):
            window.state = value["state"]
            if oversized(window.state):
                self._again.appendleft(Invoke(Batch(()), window, early=True))
                return replace(verdict, why=TOO_LARGE)
        return verdict

    def raised(self, now: float) -> Verdict:
        """The function that was invoked failed."""
        done = self._taken()
        return self._put_back(done, raised(done.batch, self.settings, now), now)

    def refused(self, now: float, why: str) -> Verdict:
        """The function could not be invoked."""
        done = self._taken()
        return self._put_back(done, refused(done.batch, now, why), now)

    def _taken(self) -> Invoke:
        if self._out is None:
            raise RuntimeError("No invocation is out.")
        done, self._out = self._out, None
        return done

    def _put_back(self, done: Invoke, verdict: Verdict, now: float) -> Verdict:
        last = len(verdict.again) - 1
        for at, batch in reversed(list(enumerate(verdict.again))):
            self._again.appendleft(replace(done, batch=batch, final=done.final and at == last))
        if done.window is not None and not verdict.again:
            if done.final:
                self.window = None
            elif done.early:
                done.window.state = {}
        self._since = now
        return verdict

    def _aged(self, due: Invoke, old: int) -> GiveUp:
        """Part what is too old from a batch, of which the rest comes next."""
        batch = due.batch
        if rest := batch.records[old:]:
            self._again.appendleft(replace(due, batch=replace(batch, records=rest)))
        elif due.final and due.window is not None:
            self._again.appendleft(replace(due, batch=Batch(())))
        return GiveUp(replace(batch, records=batch.records[:old]), TOO_OLD)

    def _gathered(self, now: float) -> Invoke | Wait | Look | None:
        """The next batch of what waits, once it is full or its time has come."""
        if self.window is None and self.settings.tumbling_window and self._waiting:
            self.window = Window.around(self._waiting[0].arrival, self.settings.tumbling_window)
        records, full, later = self._first(self.window)
        until = self._since + self.settings.batching_window
        if self.window is not None:
            return self._within(self.window, records, full, later, until, now)
        if not records:
            return None
        return self._taking(records) if full or self.ended or now >= until else Wait(until)

    def _within(
        self, window: Window, records: tuple[Record, ...], full: bool, later: bool, until: float, now: float
    ) -> Invoke | Wait | Look:
        """As :meth:`_gathered`, for what belongs to a tumbling window."""
        if later or (self.ended and len(records) == len(self._waiting)):
            return self._taking(records, window, final=True)
        if full:
            return self._taking(records, window)
        if now >= window.end:
            return self._taking(records, window, final=True) if self.complete >= window.end else Look()
        if not records:
            return Wait(window.end)
        return self._taking(records, window) if now >= until else Wait(min(until, window.end))

    def _taking(self, records: tuple[Record, ...], window: Window | None = None, *, final: bool = False) -> Invoke:
        for record in records:
            self._waiting.popleft()
            self._size -= len(record.body)
        return Invoke(Batch(records), window, final)

    def _first(self, window: Window | None) -> tuple[tuple[Record, ...], bool, bool]:
        """``(the records that one event can have, whether it is full, whether the next one is of a later window)``."""
        records: list[Record] = []
        size = ENVELOPE
        for record in self._waiting:
            if window is not None and not window.holds(record.arrival):
                return tuple(records), True, True
            size += len(record.body) + 2
            if records and (size > PAYLOAD_LIMIT or len(records) == self.settings.batch_size):
                return tuple(records), True, False
            records.append(record)
        return tuple(records), len(records) == self.settings.batch_size, False
