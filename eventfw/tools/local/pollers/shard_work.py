"""A shard at work: where it is read, and its lanes."""

from __future__ import annotations

import asyncio
from hashlib import md5

from eventfw.tools.local.pollers.attempts import Record
from eventfw.tools.local.pollers.lane import Lane
from eventfw.tools.local.pollers.lane_work import Job, LaneWork
from eventfw.tools.local.pollers.positions import Position
from eventfw.tools.local.pollers.shards import Page, Shard, Stream

HELD = 20_000  # records that are read ahead, at most, and one page
HELD_BYTES = 64 * 1024 * 1024  # of them, likewise


class ShardWork:
    """Reads one shard into lanes.

    ``iterator`` is empty once the shard has ended; ``read_to`` is the place behind the last record that was read, or
    where the mapping began, as far as that is known.
    """

    def __init__(self, shard: Shard, job: Job, stream: Stream, iterator: str, read_to: Position | None = None) -> None:
        self.shard = shard  # as it was listed last
        self.job = job
        self.stream = stream
        self.iterator = iterator
        self.read_to = read_to
        lanes = range(job.settings.parallelization_factor)
        self.lanes = [LaneWork(job, shard.id, Lane(job.settings)) for _ in lanes]

    def go_on(self, before: ShardWork) -> None:
        """Take over what another, which has ended, has not done. Windows go on where nothing moves between lanes."""
        self.read_to = before.read_to or self.read_to
        same = before.job.settings.tumbling_window == self.job.settings.tumbling_window
        if same and len(before.lanes) == len(self.lanes):
            for mine, theirs in zip(self.lanes, before.lanes, strict=True):
                mine.lane.window = theirs.lane.window
        left = [record for one in before.lanes for record in one.lane.unfinished()]
        self._add(sorted(left, key=lambda record: int(record.sequence)))

    @property
    def position(self) -> Position | None:
        """Where to go on: at the first record that is not done with, or behind the last that was read."""
        left = [record.sequence for one in self.lanes if (record := one.lane.first) is not None]
        if left:
            return Position(min(left, key=int))
        return self.read_to

    @property
    def full(self) -> bool:
        """Whether enough is read ahead."""
        lanes = [one.lane for one in self.lanes]
        return sum(lane.held for lane in lanes) >= HELD or sum(lane.held_bytes for lane in lanes) >= HELD_BYTES

    @property
    def finished(self) -> bool:
        """Whether the shard has ended and all that was in it is done with."""
        return not self.iterator and all(one.lane.over for one in self.lanes)

    async def run(self) -> None:
        """Run the lanes until the shard is finished, or :meth:`stop`."""
        async with asyncio.TaskGroup() as group:
            for one in self.lanes:
                group.create_task(one.run())

    def stop(self) -> None:
        """Have the lanes finish what is under way."""
        for one in self.lanes:
            one.stop()

    async def read(self) -> bool:
        """Read until nothing is left or enough is held. Whether anything was there. Raises AwsError and Unanswered."""
        got = False
        while self.iterator and not self.full:
            begun = self.job.surroundings.clock.time()
            page = await self.stream.read(self.iterator)
            self._take(page)
            got = got or bool(page.records)
            if not self.iterator:
                self.end()
            elif not page.more:
                for one in self.lanes:
                    one.lane.complete = begun
                return got
        return got

    def end(self) -> None:
        """There will be no more records."""
        self.iterator = ""
        for one in self.lanes:
            one.lane.ended = True
            one.wake()

    def _take(self, page: Page) -> None:
        clock, filters = self.job.surroundings.clock, self.job.settings.filters
        records, passed_over = [], []
        for found in page.records:
            # The embedded AWS keeps real time; what a virtual clock is to measure has to have arrived by it.
            arrival = clock.time() if clock.virtual else self.stream.arrived(found)
            event = self.stream.event(found, arrival, self.shard.id, self.job.mapping.function)
            if filters is not None and (why := filters.mismatch(event)):
                passed_over.append(why)
            else:
                records.append(self.stream.record(event, arrival))
        if passed_over:
            some = "1 record" if len(passed_over) == 1 else f"{len(passed_over)} records"
            why = f"{self.job.mapping.function}'s filters take none such: {passed_over[0]}"
            self.job.surroundings.terminal.note(f"{some} of {self.stream.name} passed over: {why}")
        if page.records:
            self.read_to = Position(self.stream.sequence(page.records[-1]), behind=True)
        self.iterator = page.iterator
        self._add(records)

    def _add(self, records: list[Record]) -> None:
        shared: dict[int, list[Record]] = {}
        for record in records:
            shared.setdefault(self._lane_of(record.key), []).append(record)
        now = self.job.surroundings.clock.time()
        for at, theirs in shared.items():
            self.lanes[at].lane.add(theirs, now)
            self.lanes[at].wake()

    def _lane_of(self, key: str) -> int:
        count = len(self.lanes)
        return int.from_bytes(md5(key.encode(), usedforsecurity=False).digest()[:8]) % count if count > 1 else 0
