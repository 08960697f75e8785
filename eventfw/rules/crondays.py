"""The days a cron expression names: day-of-month and day-of-week, with EventBridge's ``L``, ``W`` and ``#``.

A rule answers ``of(year, month)``, its days in ascending order, and ``words()``, for people. Weekdays are numbered as
EventBridge numbers them, SUN=1 to SAT=7.
"""

from __future__ import annotations

from datetime import date

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def month_length(year: int, month: int) -> int:
    """How many days a month has; 28 to 31."""
    following = date(year + 1, 1, 1) if month == 12 else date(year, month + 1, 1)
    return (following - date(year, month, 1)).days


def weekday(year: int, month: int, day: int) -> int:
    """A date's weekday, SUN=1 to SAT=7."""
    return date(year, month, day).isoweekday() % 7 + 1


def listed(words: Iterable[object]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = map(str, words)
    return f"{', '.join(most)} and {last}" if most else last


class DayRule:
    """Which days of a month a schedule runs on."""

    __slots__ = ()

    def of(self, year: int, month: int) -> list[int]:
        """The days of that month, ascending; empty where the month has none."""
        raise NotImplementedError

    def words(self) -> str:
        """The days for people, as ``on weekdays``."""
        raise NotImplementedError


class DaysOfMonth(DayRule):
    """``*``, ``1,15``, ``1-7``, ``5/10``: days by number. A month without such a day is passed over."""

    __slots__ = ("days",)

    def __init__(self, days: tuple[int, ...]) -> None:
        self.days = days

    def of(self, year: int, month: int) -> list[int]:
        length = month_length(year, month)
        return [day for day in self.days if day <= length]

    def words(self) -> str:
        if len(self.days) == 31:
            return "every day"
        return f"on day{'s' if len(self.days) > 1 else ''} {listed(self.days)} of the month"


class LastDay(DayRule):
    """``L``: the last day of the month."""

    __slots__ = ()

    def of(self, year: int, month: int) -> list[int]:
        return [month_length(year, month)]

    def words(self) -> str:
        return "on the last day of the month"


class LastWorkday(DayRule):
    """``LW``: the last Monday-to-Friday day of the month."""

    __slots__ = ()

    def of(self, year: int, month: int) -> list[int]:
        return [_nearest_workday(year, month, month_length(year, month))]

    def words(self) -> str:
        return "on the last weekday of the month"


class NearestWorkday(DayRule):
    """``15W``: the Monday-to-Friday day nearest to a day, never leaving its month."""

    __slots__ = ("day",)

    def __init__(self, day: int) -> None:
        self.day = day

    def of(self, year: int, month: int) -> list[int]:
        return [_nearest_workday(year, month, self.day)] if self.day <= month_length(year, month) else []

    def words(self) -> str:
        return f"on the weekday nearest to day {self.day} of the month"


class DaysOfWeek(DayRule):
    """``*``, ``MON-FRI``, ``1,7``: days by weekday."""

    __slots__ = ("weekdays",)

    def __init__(self, weekdays: tuple[int, ...]) -> None:
        self.weekdays = weekdays

    def of(self, year: int, month: int) -> list[int]:
        first = weekday(year, month, 1)
        return [day for day in range(1, month_length(year, month) + 1) if (first + day - 2) % 7 + 1 in self.weekdays]

    def words(self) -> str:
        if len(self.weekdays) == 7:
            return "every day"
        if self.weekdays == (2, 3, 4, 5, 6):
            return "on weekdays"
        if self.weekdays == (1, 7):
            return "on weekends"
        return f"on {listed(WEEKDAYS[number - 1] for number in self.weekdays)}"


class LastOfWeekday(DayRule):
    """``6L``: the last Friday of the month."""

    __slots__ = ("weekday",)

    def __init__(self, weekday: int) -> None:
        self.weekday = weekday

    def of(self, year: int, month: int) -> list[int]:
        last = month_length(year, month)
        return [last - (weekday(year, month, last) - self.weekday) % 7]

    def words(self) -> str:
        return f"on the last {WEEKDAYS[self.weekday - 1]} of the month"


class NthOfWeekday(DayRule):
    """``3#2``: the second Tuesday of the month. A month without a fifth one is passed over."""

    __slots__ = ("nth", "weekday")

    def __init__(self, weekday: int, nth: int) -> None:
        self.weekday = weekday
        self.nth = nth

    def of(self, year: int, month: int) -> list[int]:
        day = 1 + (self.weekday - weekday(year, month, 1)) % 7 + 7 * (self.nth - 1)
        return [day] if day <= month_length(year, month) else []

    def words(self) -> str:
        return f"on the {_ORDINALS[self.nth - 1]} {WEEKDAYS[self.weekday - 1]} of the month"


def _nearest_workday(year: int, month: int, day: int) -> int:
    found = weekday(year, month, day)
    if found == 7:
        return day - 1 if day > 1 else day + 2
    if found == 1:
        return day + 1 if day < month_length(year, month) else day - 2
    return day
