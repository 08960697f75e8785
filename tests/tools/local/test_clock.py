"""The virtual clock stands still, and passes every moment in its order."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from eventfw.tools.local.clock import VirtualClock


def test_it_stands_still_until_it_is_advanced() -> None:
    async def main() -> None:
        clock = VirtualClock(1000.0)
        sleeper = asyncio.create_task(clock.sleep(60))
        await asyncio.sleep(0.01)
        assert not sleeper.done()
        await clock.advance(59)
        assert not sleeper.done()
        await clock.advance(1)
        assert sleeper.done()
        assert clock.time() == 1060.0

    asyncio.run(main())


def test_what_wakes_comes_to_rest_before_the_next_wakes_and_may_wait_again() -> None:
    async def main() -> None:
        clock = VirtualClock(0.0)
        seen: list[tuple[str, float]] = []
        working: set[asyncio.Task[None]] = set()

        async def work(name: str) -> None:
            await asyncio.sleep(0.005)  # real time, as a handler takes it
            seen.append((name, clock.time()))

        async def every(name: str, seconds: float) -> None:
            while True:
                await clock.sleep(seconds)
                working.add(asyncio.create_task(work(name)))

        async def settle() -> bool:
            tasks = [task for task in working if not task.done()]
            await asyncio.gather(*tasks)
            return bool(tasks)

        clock.settled_by(settle)
        tasks = [asyncio.create_task(every("two", 2)), asyncio.create_task(every("three", 3))]
        await clock.advance(6)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert seen[:3] == [("two", 2.0), ("three", 3.0), ("two", 4.0)]
        assert sorted(seen[3:]) == [("three", 6.0), ("two", 6.0)]

    asyncio.run(main())


def test_who_stops_waiting_is_forgotten_though_the_clock_stands_still() -> None:
    async def main() -> None:
        clock = VirtualClock(0.0)
        stays = asyncio.create_task(clock.sleep(5))
        for _ in range(100):
            leaves = asyncio.create_task(clock.sleep(9))
            await asyncio.sleep(0)
            leaves.cancel()
            await asyncio.gather(leaves, return_exceptions=True)
        assert len(clock._sleepers) < 5
        await clock.advance(5)
        assert stays.done() and clock.time() == 5.0

    asyncio.run(main())


def test_a_moment_that_is_past_is_not_waited_for_and_it_never_goes_back() -> None:
    async def main() -> None:
        clock = VirtualClock(100.0)
        await clock.sleep_until(99.0)
        with pytest.raises(ValueError, match="forward"):
            await clock.advance(-1)
        assert clock.time() == 100.0

    asyncio.run(main())


def test_who_gave_up_waiting_holds_nobody_up() -> None:
    async def main() -> None:
        clock = VirtualClock(0.0)
        sleeper = asyncio.create_task(clock.sleep(5))
        await asyncio.sleep(0)
        sleeper.cancel()
        await clock.advance(10)
        assert sleeper.cancelled()

    asyncio.run(main())


def test_an_advance_reaches_what_is_due_at_its_very_end() -> None:
    clock = VirtualClock()
    assert clock.time() == clock.now().timestamp()
    assert (clock.now() + timedelta(minutes=4)).timestamp() <= clock.time() + 240
    assert clock.time().is_integer()
