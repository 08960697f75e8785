"""Polls a Kinesis stream or the stream of a DynamoDB table, as Lambda does for an event source mapping.

Reading and running are apart: one task reads all shards, and each lane of a shard has a task of its own, so a slow
function, or one at a breakpoint, holds up nothing but its lane.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from eventfw.errors import EventfwError, LocalError
from eventfw.tools.local.cloud.aws import AwsError
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.lane_work import Activity, Job
from eventfw.tools.local.pollers.poller import Poller, Surroundings, Trouble
from eventfw.tools.local.pollers.positions import Position
from eventfw.tools.local.pollers.shard_work import ShardWork
from eventfw.tools.local.pollers.shards import LOST, KinesisStream, Shard, Stream, TableStream
from eventfw.tools.local.pollers.stream_settings import UNLIMITED, StreamSettings

ROUND = 1.0  # seconds of real time after which shards are read although nobody was seen to write
RELIST = 10  # rounds after which shards are listed although none has ended
GONE = "ResourceNotFoundException"
BEGINNING = ("StartingPosition", "StartingPositionTimestamp")  # another one makes it another mapping


class StreamPoller:
    """A mapping of a stream at work. It goes on where ``previous``, whose place it takes, has ended."""

    def __init__(
        self, mapping: EventSourceMapping, surroundings: Surroundings, previous: Poller | None, stream: Stream
    ) -> None:
        self.mapping = mapping
        self.surroundings = surroundings
        self.stream = stream
        self.activity = Activity()
        self.works: dict[str, ShardWork] = {}
        self.finished: dict[
            str, str
        ] = {}  # shards that are done with, for as long as they are listed, and their starts
        self.first: set[str] | None = None  # shards that were there when the mapping began: it has a position in them
        self._before: dict[str, ShardWork] = {}
        if isinstance(previous, StreamPoller) and previous.is_before(mapping):
            self._before, self.finished, self.first = previous.works, previous.finished, previous.first
        self._known = surroundings.positions.of(mapping)
        self._group = asyncio.TaskGroup()
        self._look = asyncio.Event()
        self._asked: list[asyncio.Future[bool]] = []
        self._ended = asyncio.Event()
        self._running = self._draining = False
        self._rounds = 0  # until shards are listed
        self._trouble = Trouble(surroundings, f"The stream {stream.name}")

    def is_before(self, mapping: EventSourceMapping) -> bool:
        """Whether another version of the mapping goes on where this one ends."""
        mine, theirs = self.mapping, mapping
        unmoved = all(mine.properties.get(name) == theirs.properties.get(name) for name in BEGINNING)
        return mine.source == theirs.source and unmoved

    async def run(self) -> None:
        try:
            settings = StreamSettings.of(self.mapping)
        except (EventfwError, TypeError, ValueError) as error:  # the embedded AWS takes whatever a template says
            self.surroundings.terminal.problem(f"{self.mapping.name} cannot poll: {error}")
            self._ended.set()
            return
        self._running = True
        try:
            async with self._group:
                await self._poll(settings)
        finally:
            self._running = False
            self._keep()
            self._answer(False)
            self._ended.set()

    async def drain(self) -> None:
        self._draining = True
        self._look.set()
        for work in self.works.values():
            work.stop()
        await self._ended.wait()

    async def left(self) -> None:
        await self._ended.wait()

    async def settle(self) -> bool:
        if not self._running:
            return False
        got = await self.look()
        busy = self.activity.busy
        await self.activity.over()
        return got or busy

    def wake(self, source: str) -> None:
        if source == self.stream.name:
            self._look.set()

    async def refresh(self, source: str) -> None:
        """List the shards of the stream of this name, if it is this one, and read them."""
        if source == self.stream.name:
            self._rounds = 0
            await self.look()

    async def look(self) -> bool:
        """Read all shards, from now on; whether anything was there."""
        if not self._running or self._draining:
            return False
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._look.set()
        return await answer

    async def _poll(self, settings: StreamSettings) -> None:
        """Read again and again, when somebody was seen to write, when asked to, and every second."""
        while not self._draining:
            self._look.clear()
            asked, self._asked = self._asked, []
            self._answer(await self._round(settings), asked)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND):
                    await self._look.wait()
        for work in self.works.values():  # also those that were begun meanwhile
            work.stop()

    def _answer(self, got: bool, asked: list[asyncio.Future[bool]] | None = None) -> None:
        for answer in self._asked if asked is None else asked:
            if not answer.done():
                answer.set_result(got)

    async def _round(self, settings: StreamSettings) -> bool:
        """List shards where that is due, and read them. What the embedded AWS refuses is told once."""
        if self._trouble.lasts(self._look.set):
            return False
        try:
            if self._rounds <= 0:
                await self._list(settings)
                self._rounds = RELIST
            self._rounds -= 1
            reading = (self._read(work) for work in list(self.works.values()))
            read = await asyncio.gather(*reading, return_exceptions=True)  # no shard is still read in the next round
            for one in read:
                if isinstance(one, BaseException):
                    raise one
            got = any(read)
        except LocalError as error:
            self._rounds = 0
            self._trouble.met(error)
            self._trouble.lasts(self._look.set)
            return False
        self._trouble.over()
        self._keep()
        return got

    def _keep(self) -> None:
        """Take down where the mapping is, for the next run."""
        places = {shard: work.position for shard, work in self.works.items()}
        self._known |= {shard: place for shard, place in places.items() if place is not None}
        self.surroundings.positions.keep(self.mapping, self._known)

    async def _read(self, work: ShardWork) -> bool:
        try:
            try:
                return await work.read()
            except AwsError as error:
                if error.code not in LOST:
                    raise
            work.iterator = await self._iterator(work.shard, work.job.settings, work.read_to)
            return await work.read()
        except AwsError as error:
            if error.code != GONE:
                raise
            work.end()  # a shard that was split, or whose stream was made again, is gone with all that was in it
            return False

    async def _end_of(self, shard: Shard) -> Position:
        """The place behind all that is in a shard, where LATEST begins: an iterator would be lost with this run."""
        place, iterator, more = Position(), await self.stream.begin(shard.id, None), True
        while iterator and more:
            page = await self.stream.read(iterator)
            if page.records:
                place = Position(self.stream.sequence(page.records[-1]), behind=True)
            iterator, more = page.iterator, page.more
        return place

    async def _iterator(self, shard: Shard, settings: StreamSettings, position: Position | None) -> str:
        if position is not None and position.sequence:
            return await self.stream.resume(shard.id, position)
        begins = position is None and shard.id in (self.first or ())
        return await self.stream.begin(shard.id, settings if begins else None)

    async def _list(self, settings: StreamSettings) -> None:
        """Begin with the shards that are new, children after their parents."""
        listed = {shard.id: shard for shard in await self.stream.shards()}
        kept, age = await self.stream.retention(), settings.maximum_record_age
        settings = replace(settings, maximum_record_age=kept if age == UNLIMITED else min(age, kept))
        self.first = set(listed) if self.first is None else self.first
        starts = {shard.id: shard.start for shard in listed.values()}
        self.finished = {shard: start for shard, start in self.finished.items() if starts.get(shard) == start}
        self._known = {shard: place for shard, place in self._known.items() if shard in listed or shard in self.works}
        job = Job(self.mapping, settings, self.surroundings, self.activity, self.look)
        for ended in self._before.values():
            if not ended.iterator and ended.shard.id not in self.finished:
                self._begin(ended.shard, job, "", ended, None)
        for work in list(self.works.values()):
            await self._look_up(work, listed.get(work.shard.id, work.shard))
        for shard in listed.values():
            if shard.id in self.works or shard.id in self.finished or self._unready(shard, listed):
                continue
            before = self._before.get(shard.id)
            place = (before.read_to if before else None) or self._known.get(shard.id)
            if place is None and settings.starting_position == "LATEST" and shard.id in self.first:
                place = await self._end_of(shard)
            iterator = await self._iterator(shard, settings, place)
            self._begin(shard, job, iterator, before, place)
        self._before = {}

    async def _look_up(self, work: ShardWork, shard: Shard) -> None:
        """See whether a shard is still the same: the embedded AWS gives those of another count the old names."""
        if work.iterator and shard.start != work.shard.start:
            work.iterator = await self._iterator(shard, work.job.settings, work.read_to)
        work.shard = shard

    def _unready(self, shard: Shard, listed: dict[str, Shard]) -> bool:
        """Whether records come first that are in a parent."""
        return any(
            parent in self.works or (parent in listed and parent not in self.finished) for parent in shard.parents
        )

    def _begin(self, shard: Shard, job: Job, iterator: str, before: ShardWork | None, place: Position | None) -> None:
        work = self.works[shard.id] = ShardWork(shard, job, self.stream, iterator, place)
        if before is not None:
            work.go_on(before)
        if not iterator:
            work.end()
        self._group.create_task(self._work(work))

    async def _work(self, work: ShardWork) -> None:
        await work.run()
        if work.finished:
            del self.works[work.shard.id]
            self.finished[work.shard.id] = work.shard.start
            self._rounds = 0
            self._look.set()


def kinesis_poller(mapping: EventSourceMapping, surroundings: Surroundings, previous: Poller | None) -> StreamPoller:
    """Polls a Kinesis stream, or a consumer of it."""
    stream = KinesisStream(surroundings.aws, mapping.source)
    return StreamPoller(mapping, surroundings, previous, stream)


def table_poller(mapping: EventSourceMapping, surroundings: Surroundings, previous: Poller | None) -> StreamPoller:
    """Polls the stream of a DynamoDB table."""
    return StreamPoller(mapping, surroundings, previous, TableStream(surroundings.aws, mapping.source))
