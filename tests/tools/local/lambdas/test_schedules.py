"""Schedules fire at their moments, keep their rhythm over reloads, and end."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eventfw.tools.local.clock import Clock, RealClock, VirtualClock
from eventfw.tools.local.lambdas import schedules
from eventfw.tools.local.lambdas.schedules import Schedules


class Quick:
    """An expression whose moments are 50 ms apart."""

    def __init__(self, text: str, timezone: str | None = None, *, service: str = "rule") -> None:
        self.text = text

    def next(self, after: datetime, start: datetime) -> datetime | None:
        return None if self.text == "never" else after + timedelta(milliseconds=50)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedules, "ScheduleExpression", Quick)


def one(rule: str, *, expression: str = "often", enabled: bool = True) -> dict[str, Any]:
    return {"rule": rule, "expression": expression, "function": f"{rule}-function", "enabled": enabled, "handler": rule}


class Bench:
    """Schedules whose ticks are kept."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.ticks: list[tuple[str, dict[str, Any]]] = []
        self.schedules = Schedules(self.accept, clock or RealClock(), "eu-west-1")

    def accept(self, function: str, event: bytes, *, source: str) -> None:
        assert source == "schedule"
        self.ticks.append((function, json.loads(event)))

    async def until(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.ticks) < count:  # noqa: ASYNC110 - time brings it about
                await asyncio.sleep(0.01)


def test_a_schedule_fires_again_and_again_with_eventbridges_event() -> None:
    async def main() -> None:
        bench = Bench()
        bench.schedules.replace([one("often")])
        await bench.until(3)
        await bench.schedules.stop()
        function, event = bench.ticks[0]
        assert function == "often-function"
        assert (event["source"], event["region"]) == ("aws.events", "eu-west-1")
        assert event["resources"] == ["arn:aws:events:eu-west-1:000000000000:rule/often"]
        assert datetime.fromisoformat(event["time"]) <= datetime.now(UTC)
        assert len({event["id"] for _, event in bench.ticks}) == len(bench.ticks)

    asyncio.run(main())


def test_a_disabled_or_removed_schedule_does_not_fire() -> None:
    async def main() -> None:
        bench = Bench()
        bench.schedules.replace([one("off", enabled=False), one("gone"), one("kept"), one("past", expression="never")])
        await bench.until(2)
        bench.schedules.replace([one("kept")])
        bench.ticks.clear()
        await bench.until(2)
        await bench.schedules.stop()
        assert {function for function, _ in bench.ticks} == {"kept-function"}

    asyncio.run(main())


def test_a_schedule_that_stays_is_not_begun_anew() -> None:
    async def main() -> None:
        bench = Bench()
        bench.schedules.replace([one("often")])
        for _ in range(20):  # a save every 10 ms would postpone it for ever
            await asyncio.sleep(0.01)
            bench.schedules.replace([one("often")])
        assert bench.ticks
        await bench.schedules.stop()

    asyncio.run(main())


def test_a_virtual_clock_fires_each_moment_that_it_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventfw.rules.schedule import ScheduleExpression

    monkeypatch.setattr(schedules, "ScheduleExpression", ScheduleExpression)

    async def main() -> None:
        clock = VirtualClock(datetime(2026, 3, 1, 5, 59, 30, tzinfo=UTC).timestamp())
        bench = Bench(clock)
        bench.schedules.replace([one("daily", expression="cron(0 6 * * ? *)"), one("often", expression="rate(1 day)")])
        await clock.advance(2 * 86_400)
        await bench.schedules.stop()
        assert [(function, event["time"]) for function, event in bench.ticks] == [
            ("daily-function", "2026-03-01T06:00:00Z"),
            ("often-function", "2026-03-02T05:59:30Z"),
            ("daily-function", "2026-03-02T06:00:00Z"),
            ("often-function", "2026-03-03T05:59:30Z"),
        ]

    asyncio.run(main())


def scheduler(rule: str, **options: Any) -> dict[str, Any]:
    none: dict[str, Any] = {"timezone": "UTC", "start": None, "end": None, "input": None, "scheduler": True}
    return {**one(rule), **none, **options}


def test_a_schedule_of_scheduler_fires_with_schedulers_event_and_its_input() -> None:
    async def main() -> None:
        bench = Bench()
        bench.schedules.replace([scheduler("often", input={"a": 1})], "demo-local")
        await bench.until(2)
        await bench.schedules.stop()
        _, event = bench.ticks[0]
        assert (event["source"], event["input"]) == ("aws.scheduler", {"a": 1})
        assert event["resources"] == ["arn:aws:scheduler:eu-west-1:000000000000:schedule/demo-local/often"]

    asyncio.run(main())


def test_expressions_are_read_in_their_time_zone_between_their_dates(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str | None, str]] = []
    asked: list[tuple[datetime, datetime]] = []

    class Told(Quick):
        def __init__(self, text: str, timezone: str | None = None, *, service: str = "rule") -> None:
            super().__init__(text)
            made.append((text, timezone, service))

        def next(self, after: datetime, start: datetime) -> datetime | None:
            asked.append((after, start))
            return after + timedelta(milliseconds=50)

    monkeypatch.setattr(schedules, "ScheduleExpression", Told)
    far, gone = "2190-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"

    async def main() -> None:
        bench = Bench()
        zoned = scheduler("zoned", timezone="Europe/Berlin")
        bench.schedules.replace([zoned, scheduler("far", start=far), scheduler("gone", end=gone), one("plain")])
        await bench.until(3)
        await bench.schedules.stop()
        assert {function for function, _ in bench.ticks} == {"zoned-function", "plain-function"}

    asyncio.run(main())
    assert ("often", "Europe/Berlin", "scheduler") in made
    assert ("often", None, "rule") in made
    start = datetime.fromisoformat(far)
    assert (start - timedelta(seconds=1), start) in asked  # so that a rate fires at its start


def test_a_rate_of_scheduler_fires_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventfw.rules.schedule import ScheduleExpression

    monkeypatch.setattr(schedules, "ScheduleExpression", ScheduleExpression)

    async def main() -> None:
        bench = Bench()
        bench.schedules.replace(
            [scheduler("hourly", expression="rate(1 hour)"), one("rule", expression="rate(1 hour)")]
        )
        await bench.until(1)
        await bench.schedules.stop()
        assert [function for function, _ in bench.ticks] == ["hourly-function"]

    asyncio.run(main())


def ticks_within(monkeypatch: pytest.MonkeyPatch, start: datetime, seconds: float, *given: dict[str, Any]) -> list[Any]:
    """The events of schedules while a virtual clock moves on from ``start``."""
    from eventfw.rules.schedule import ScheduleExpression

    monkeypatch.setattr(schedules, "ScheduleExpression", ScheduleExpression)

    async def main() -> list[Any]:
        clock = VirtualClock(start.timestamp())
        bench = Bench(clock)
        bench.schedules.replace(given)
        await clock.advance(seconds)
        await bench.schedules.stop()
        return [event for _, event in bench.ticks]

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("day", "fired"),
    [
        # Berlin's clocks jump from 2:00 to 3:00: there is no 2:30 on the 29th, and the hours are 23.
        (28, ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]),
        # They go back from 3:00 to 2:00: 2:30 comes twice, and counts once.
        (24, ["2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
    ],
)
def test_a_change_of_the_clocks_skips_or_repeats_no_run(
    monkeypatch: pytest.MonkeyPatch, day: int, fired: list[str]
) -> None:
    start = datetime(2026, 3 if day == 28 else 10, day, tzinfo=UTC)
    berlin = scheduler("night", expression="cron(30 2 * * ? *)", timezone="Europe/Berlin")
    assert [event["time"] for event in ticks_within(monkeypatch, start, 3 * 86_400, berlin)] == fired


def test_a_day_of_a_rate_has_24_hours_over_a_change_of_the_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    daily = scheduler("daily", expression="rate(1 day)", timezone="Europe/Berlin")
    ticks = ticks_within(monkeypatch, datetime(2026, 3, 28, 12, tzinfo=UTC), 2 * 86_400, daily)
    assert [event["time"][5:13] for event in ticks] == ["03-28T12", "03-29T12", "03-30T12"]


def test_at_fires_once_in_its_zone_and_dates_bound_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    once = scheduler("once", expression="at(2026-07-01T09:00:00)", timezone="America/New_York")
    start, end = "2026-07-02T00:00:00.000Z", "2026-07-02T02:00:00.000Z"
    hourly = scheduler("hourly", expression="rate(1 hour)", start=start, end=end)
    ticks = ticks_within(monkeypatch, datetime(2026, 7, 1, tzinfo=UTC), 10 * 86_400, once, hourly)
    assert [event["time"] for event in ticks] == [
        "2026-07-01T13:00:00Z",
        "2026-07-02T00:00:00Z",
        "2026-07-02T01:00:00Z",
        "2026-07-02T02:00:00Z",
    ]


def test_scheduler_writes_over_its_words_in_an_input(monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["<aws.scheduler.execution-id>", "try <aws.scheduler.attempt-number>", "<aws.scheduler.scheduled-time>"]
    arn = {"<aws.scheduler.schedule-arn>": said}
    often = scheduler("often", expression="rate(1 minute)", input=arn)
    one, other = ticks_within(monkeypatch, datetime(2026, 7, 1, tzinfo=UTC), 60, often)
    [(name, (execution, attempt, time))] = one["input"].items()
    assert (name, attempt, time) == (one["resources"][0], "try 1", one["time"])
    assert len(execution) == 36
    assert execution != other["input"][name][0]
