"""Schedules fire on time: one task for each, which sleeps until the expression's next moment."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol

from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.rules.schedule import ScheduleExpression
from eventfw.sources.schedule import scheduled_event, scheduler_event
from eventfw.tools.local.clock import Clock


class Accept(Protocol):
    """Takes an asynchronous event for a function, by its short name."""

    def __call__(self, function: str, event: bytes, *, source: str) -> object: ...


class Schedules:
    """Keeps a task for every enabled schedule of the app."""

    def __init__(self, accept: Accept, clock: Clock, region: str) -> None:
        self.accept = accept
        self.clock = clock
        self.region = region
        self._group = "default"
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def replace(self, schedules: Iterable[dict[str, Any]], group: str = "default") -> None:
        """Take over a new list. A schedule that stays keeps its rhythm: ``rate(5 minutes)`` does not begin anew.

        ``group`` is the schedule group that those of Scheduler are in.
        """
        self._group = group
        wanted = {json.dumps(one, sort_keys=True): one for one in schedules if one["enabled"]}
        for key in self._tasks.keys() - wanted.keys():
            self._tasks.pop(key).cancel()
        for key in sorted(wanted.keys() - self._tasks.keys()):
            self._tasks[key] = asyncio.create_task(self._run(wanted[key]))

    async def stop(self) -> None:
        """End every task."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, how: dict[str, Any]) -> None:
        """Fire one schedule until it ends. Of a flexible window the start is taken."""
        service = "scheduler" if how.get("scheduler") else "rule"
        schedule = ScheduleExpression(how["expression"], how.get("timezone"), service=service)
        begun, end = self.clock.now(), _moment(how.get("end"))
        anchor, last = _moment(how.get("start")) or begun, begun
        if service == "scheduler" and anchor >= begun:
            last = anchor - timedelta(seconds=1)  # Scheduler's rates run at once, or at their start
        while (due := schedule.next(last, anchor)) is not None and (end is None or due <= end):
            await self.clock.sleep_until(due.timestamp())
            self.accept(how["function"], self._tick(how, f"{due:%Y-%m-%dT%H:%M:%SZ}"), source="schedule")
            last = max(due, self.clock.now())

    def _tick(self, how: dict[str, Any], time: str) -> bytes:
        if not how.get("scheduler"):
            told = scheduled_event(how["rule"], time, id_=str(uuid.uuid4()), account=LOCAL_ACCOUNT, region=self.region)
            return json.dumps(told).encode()
        arn = f"arn:aws:scheduler:{self.region}:{LOCAL_ACCOUNT}:schedule/{self._group}/{how['rule']}"
        return _written_over(json.dumps(scheduler_event(arn, time, how.get("input"))), arn, time).encode()


def _written_over(text: str, arn: str, time: str) -> str:
    """An input with the words that Scheduler writes over, wherever they stand.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    if "<aws.scheduler." in text:
        told = {"schedule-arn": arn, "scheduled-time": time, "execution-id": str(uuid.uuid4()), "attempt-number": "1"}
        for name, value in told.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
