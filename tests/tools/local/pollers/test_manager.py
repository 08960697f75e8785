"""The manager: what begins, goes on and ends as the app's mappings change."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from in_loop import in_loop

from eventfw.tools.local.clock import RealClock
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.manager import Pollers
from eventfw.tools.local.pollers.poller import Poller, Surroundings
from eventfw.tools.local.pollers.visibility import Visibility


class Watched:
    """A poller that notes what is done with it, and drains when it is told to."""

    def __init__(self, mapping: EventSourceMapping, _: Surroundings, previous: Poller | None) -> None:
        self.mapping = mapping
        self.previous = previous
        self.done: list[str] = []
        self.may_end = asyncio.Event()
        self.held = False
        self.settled = 0
        MADE.append(self)

    async def run(self) -> None:
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.done.append("cancelled")
            raise
        self.done.append("returned")

    async def drain(self) -> None:
        self.done.append("draining")
        await self.may_end.wait()

    async def left(self) -> None:
        await self.may_end.wait()

    async def settle(self) -> bool:
        self.settled += 1
        return self.held

    def wake(self, source: str) -> None:
        self.done.append(source)


MADE: list[Watched] = []


def mapping(name: str, service: str = "sqs", **properties: Any) -> EventSourceMapping:
    return EventSourceMapping(name, "function", f"arn:aws:{service}:us-east-1:000000000000:{name}", properties)


def pollers() -> Pollers:
    MADE.clear()
    nothing: Any = None
    clock = RealClock()

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work)

    return Pollers(
        Surroundings(nothing, nothing, clock, nothing, Visibility(nothing, clock, nothing)),
        spawn,
        {"sqs": Watched, "kinesis": Watched},
    )


async def rest() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@in_loop
async def test_an_unchanged_mapping_goes_on_and_another_is_added() -> None:
    manager = pollers()
    manager.replace([mapping("a", BatchSize=1)])
    await rest()
    manager.replace([mapping("a", BatchSize=1), mapping("b", "kinesis")])
    await rest()
    assert [one.mapping.name for one in MADE] == ["a", "b"]
    assert [one.done for one in MADE] == [[], []]
    await manager.stop()
    assert [one.done for one in MADE] == [["cancelled"], ["cancelled"]]


@in_loop
async def test_what_is_switched_off_or_has_nothing_to_poll_is_left_alone() -> None:
    manager = pollers()
    manager.replace([mapping("a", Enabled=False), mapping("b", "kafka"), EventSourceMapping("c", "function", "", {})])
    await rest()
    assert not MADE
    await manager.stop()


@in_loop
async def test_a_changed_mapping_begins_when_the_old_one_has_finished() -> None:
    manager = pollers()
    manager.replace([mapping("a", BatchSize=1)])
    await rest()
    manager.replace([mapping("a", BatchSize=2)])
    await rest()
    assert [one.done for one in MADE] == [["draining"]]
    manager.replace([mapping("a", BatchSize=3)])
    await rest()
    assert len(MADE) == 1
    MADE[0].may_end.set()
    await rest()
    assert [one.mapping.properties["BatchSize"] for one in MADE] == [1, 3]
    assert MADE[1].previous is MADE[0]
    await manager.stop()


@in_loop
async def test_a_removed_mapping_finishes_and_one_that_has_not_is_cancelled_at_the_end() -> None:
    manager = pollers()
    manager.replace([mapping("a"), mapping("b")])
    await rest()
    manager.replace([])
    MADE[0].may_end.set()
    await rest()
    await manager.stop()
    assert sorted(MADE[0].done) == ["draining", "returned"]
    assert sorted(MADE[1].done) == ["cancelled", "draining"]


@in_loop
async def test_all_that_work_are_woken_and_asked_whether_they_rest() -> None:
    manager = pollers()
    manager.replace([mapping("a"), mapping("b")])
    await rest()
    manager.wake("a")
    assert [one.done for one in MADE] == [["a"], ["a"]]
    assert await manager.settle() is False
    assert [one.settled for one in MADE] == [2, 2]  # the first look may have moved a message to the other's queue
    MADE[1].held = True
    assert await manager.settle() is True
    await manager.stop()
