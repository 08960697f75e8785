"""EventBridge's ``cron(minutes hours day-of-month month day-of-week year)``: checked, enumerated and put in words.

Follows https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html. Where the guide is silent
the stricter reading is taken, so that an expression accepted here is not refused at deployment: a range runs upwards,
``L``, ``W`` and ``#`` stand alone in their field, an increment is smaller than its field.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime

from ..errors import RuleError
from .crondays import (
    DaysOfMonth,
    DaysOfWeek,
    LastDay,
    LastOfWeekday,
    LastWorkday,
    NearestWorkday,
    NthOfWeekday,
    listed,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .crondays import DayRule

FIRST_YEAR, LAST_YEAR = 1970, 2199
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


class Field:
    """One of the six fields: its name in AWS's words, its lowest and highest value, its largest increment and names."""

    __slots__ = ("high", "increment", "low", "name", "names")

    def __init__(self, name: str, low: int, high: int, increment: int, names: tuple[str, ...] = ()) -> None:
        self.name = name
        self.low = low
        self.high = high
        self.increment = increment
        self.names = names

    def values(self, text: str) -> tuple[int, ...]:
        """What the field selects, ascending: ``*``, values, ranges and increments, in a comma-separated list."""
        if text == "*":
            return tuple(range(self.low, self.high + 1))
        found: set[int] = set()
        for item in text.split(","):
            found.update(self._item(item, text))
        return tuple(sorted(found))

    def value(self, text: str) -> int:
        """One number, or one name, in range."""
        if text.isascii() and text.upper() in self.names:
            return self.names.index(text.upper()) + self.low
        if not _digits(text) or len(text) > len(str(self.high)) or not self.low <= int(text) <= self.high:
            raise self.wrong(text)
        return int(text)

    def wrong(self, text: str) -> RuleError:
        """The error for a value outside the field."""
        names = f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
        return RuleError(f"{self.name} takes {self.low} to {self.high}{names}, not {text!r}.")

    def _item(self, item: str, text: str) -> range:
        if not item:
            raise RuleError(f"{self.name} has an empty item in its list {text!r}. Remove the extra comma.")
        if item == "*":
            raise RuleError(f"{self.name} is {text!r}: '*' already means every value. Write it alone.")
        base, slash, step = item.partition("/")
        first, dash, last = base.partition("-")
        if base == "*":
            low, high = self.low, self.high
        else:
            low = self.value(first)
            high = self.value(last) if dash else self.high if slash else low
        if low > high:
            raise RuleError(
                f"{self.name} has a range that runs backwards, {base!r}. "
                f"Write {first}-{self.high},{self.low}-{last} to pass the end."
            )
        return range(low, high + 1, self._step(step, item) if slash else 1)

    def _step(self, step: str, item: str) -> int:
        if not self.increment:
            raise RuleError(f"{self.name} takes no '/' increment, and has {item!r}. List the values: MON,WED,FRI.")
        if not _digits(step) or len(step) > 3 or not 1 <= int(step) <= self.increment:
            raise RuleError(
                f"{self.name} takes an increment of 1 to {self.increment} after '/', not {step!r} in {item!r}."
            )
        return int(step)


_MINUTES = Field("minutes", 0, 59, 59)
_HOURS = Field("hours", 0, 23, 23)
_DAY_OF_MONTH = Field("day-of-month", 1, 31, 31)
_MONTH = Field("month", 1, 12, 12, tuple(name[:3].upper() for name in _MONTHS))
_DAY_OF_WEEK = Field("day-of-week", 1, 7, 0, ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))
_YEAR = Field("year", FIRST_YEAR, LAST_YEAR, LAST_YEAR - FIRST_YEAR)


class Cron:
    """Six compiled fields."""

    __slots__ = ("days", "hours", "minutes", "months", "years")

    def __init__(self, fields: str) -> None:
        parts = fields.split(" ")
        if len(parts) != 6 or not all(parts):
            raise RuleError(
                f"it takes six fields with one space between them (minutes hours day-of-month month day-of-week year), "
                f"and has {len(fields.split())} in {fields!r}. Write cron(0 6 * * ? *) for every day at 06:00."
            )
        minutes, hours, day_of_month, month, day_of_week, year = parts
        self.minutes = _MINUTES.values(minutes)
        self.hours = _HOURS.values(hours)
        self.days = _days(day_of_month, day_of_week)
        self.months = _MONTH.values(month)
        self.years = _YEAR.values(year)

    def times(self, start: datetime) -> Iterator[datetime]:
        """The wall-clock times from ``start`` (naive, inclusive) on, ascending, until the last year ends."""
        clock = [(hour, minute) for hour in self.hours for minute in self.minutes]
        begin = (start.year, start.month, start.day)
        for year in self.years[bisect_left(self.years, start.year) :]:
            for month in self.months:
                if (year, month) < begin[:2]:
                    continue
                for day in self.days.of(year, month):
                    if (year, month, day) < begin:
                        continue
                    today = (year, month, day) == begin
                    for hour, minute in clock[bisect_left(clock, (start.hour, start.minute)) if today else 0 :]:
                        yield datetime(year, month, day, hour, minute)

    def describe(self, zone: str) -> str:
        """The schedule for people: ``at 06:00 UTC every day``."""
        words = [self._clock(zone), self.days.words()]
        if words[1] == "every day" and (words[0].startswith("every ") or words[0].endswith("every hour")):
            words.pop()
        if len(self.months) < 12:
            words.append(f"in {listed(_MONTHS[month - 1] for month in self.months)}")
        if len(self.years) <= LAST_YEAR - FIRST_YEAR:
            words.append(_years(self.years))
        return " ".join(words)

    def _clock(self, zone: str) -> str:
        minutes, hours = self.minutes, self.hours
        if len(hours) * len(minutes) <= 4:
            return f"at {listed(f'{hour:02}:{minute:02}' for hour in hours for minute in minutes)} {zone}"
        step = minutes[1] - minutes[0] if len(minutes) > 1 else 60
        if minutes == tuple(range(0, 60, step)) and 60 % step == 0:
            often = "every hour" if step == 60 else "every minute" if step == 1 else f"every {step} minutes"
        else:
            often = f"at minute{'s' if len(minutes) > 1 else ''} {listed(minutes)} of every hour"
        if len(hours) == 24:
            return often
        if len(hours) == hours[-1] - hours[0] + 1:
            return f"{often} from {hours[0]:02}:{minutes[0]:02} to {hours[-1]:02}:{minutes[-1]:02} {zone}"
        return f"{often} in the hours {listed(hours)} {zone}"


def _days(day_of_month: str, day_of_week: str) -> DayRule:
    if (day_of_month == "?") == (day_of_week == "?"):
        raise RuleError(
            f"exactly one of day-of-month and day-of-week is '?', not {day_of_month!r} and {day_of_week!r}. "
            f"Write '?' in the one that does not matter."
        )
    return _of_month(day_of_month) if day_of_week == "?" else _of_week(day_of_week)


def _of_month(text: str) -> DayRule:
    upper = text.upper()
    if upper == "L":
        return LastDay()
    if upper == "LW":
        return LastWorkday()
    if upper.endswith("W") and _digits(upper[:-1]):
        return NearestWorkday(_DAY_OF_MONTH.value(upper[:-1]))
    if "W" in upper or "L" in upper:
        raise RuleError(f"day-of-month takes L, LW or a day and W (15W), alone in the field, not {text!r}.")
    return DaysOfMonth(_DAY_OF_MONTH.values(text))


def _of_week(text: str) -> DayRule:
    upper = text.upper()
    if upper == "L":
        return DaysOfWeek((7,))
    if "#" in upper:
        name, _, nth = upper.partition("#")
        if nth not in ("1", "2", "3", "4", "5"):
            raise RuleError(
                f"day-of-week takes one weekday and # and 1 to 5, alone in the field, not {text!r}. "
                f"TUE#2 is the second Tuesday of the month."
            )
        return NthOfWeekday(_DAY_OF_WEEK.value(name), int(nth))
    if upper.endswith("L"):
        return LastOfWeekday(_DAY_OF_WEEK.value(upper[:-1]))
    return DaysOfWeek(_DAY_OF_WEEK.values(text))


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _years(years: tuple[int, ...]) -> str:
    if len(years) > 2 and len(years) == years[-1] - years[0] + 1:
        return f"from {years[0]} to {years[-1]}"
    return f"in {listed(years)}"
