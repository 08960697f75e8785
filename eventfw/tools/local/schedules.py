"""Schedules fire on time: one task for each, which sleeps until the expression's next moment."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.rules.schedule import ScheduleExpression
from eventfw.sources.schedule import scheduled_event

LONGEST_SLEEP = 60.0  # seconds: a laptop that slept, or a clock that was set, is noticed within it

Fire = Callable[[str, dict[str, Any]], Awaitable[object]]
"""Runs a function, by its short name, on a tick."""


class Schedules:
    """Keeps a task for every enabled schedule of the app."""

    def __init__(self, fire: Fire, region: str) -> None:
        self.fire = fire
        self.region = region
        self._tasks: dict[tuple[str, str, str], asyncio.Task[None]] = {}
        self._firing: set[asyncio.Task[object]] = set()

    def replace(self, schedules: Iterable[dict[str, Any]]) -> None:
        """Take over a new list. A schedule that stays keeps its rhythm: ``rate(5 minutes)`` does not begin anew."""
        wanted = {(one["rule"], one["expression"], one["function"]) for one in schedules if one["enabled"]}
        for key in self._tasks.keys() - wanted:
            self._tasks.pop(key).cancel()
        for key in sorted(wanted - self._tasks.keys()):
            self._tasks[key] = asyncio.create_task(self._run(*key))

    async def stop(self) -> None:
        """End every task, and what they have fired."""
        tasks = [*self._tasks.values(), *self._firing]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, rule: str, expression: str, function: str) -> None:
        schedule, begun = ScheduleExpression(expression), datetime.now(UTC)
        last = begun
        while (due := schedule.next(last, begun)) is not None:
            while (left := (due - datetime.now(UTC)).total_seconds()) > 0:  # noqa: ASYNC110 - a clock
                await asyncio.sleep(min(left, LONGEST_SLEEP))
            firing = asyncio.create_task(self._fired(rule, function, due))
            self._firing.add(firing)
            firing.add_done_callback(self._firing.discard)
            last = max(due, datetime.now(UTC))

    async def _fired(self, rule: str, function: str, due: datetime) -> object:
        tick = scheduled_event(
            rule,
            due.strftime("%Y-%m-%dT%H:%M:%SZ"),
            id_=str(uuid.uuid4()),
            account=LOCAL_ACCOUNT,
            region=self.region,
        )
        return await self.fire(function, tick)
