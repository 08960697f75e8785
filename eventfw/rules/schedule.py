"""When a schedule runs: ``rate()``, ``cron()`` and ``at()`` as EventBridge rules and EventBridge Scheduler take them.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ..errors import RuleError
from .cron import FIRST_YEAR, LAST_YEAR, Cron

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

LONGEST = 256
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_EARLIEST = datetime(FIRST_YEAR - 1, 12, 1, tzinfo=UTC)
_EPOCH = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_END = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_AT_SHAPE = "dddd-dd-ddTdd:dd:dd"


class Rate:
    """``rate(5 minutes)``: a fixed period, counted from when the schedule came into being. A day is always 24 hours."""

    __slots__ = ("count", "seconds", "unit")

    def __init__(self, inner: str, service: str) -> None:
        count, _, unit = inner.partition(" ")
        known = unit.removesuffix("s")
        if known not in _UNITS or unit not in (known, known + "s"):
            raise RuleError(
                f"its unit is minute(s), hour(s) or day(s) after one space, not {unit!r}. Write rate(5 minutes)."
            )
        if not (count.isascii() and count.isdigit()) or int(count) == 0:
            raise RuleError(f"its value is a whole number of 1 or more, not {count!r}. Write rate(5 minutes).")
        self.count = int(count)
        self.unit = known
        self.seconds = self.count * _UNITS[known]
        right = known if self.count == 1 else known + "s"
        if service == "rule" and unit != right:
            raise RuleError(f"its unit must agree with its value, and {inner!r} does not. Write rate({count} {right}).")

    def next(self, after: datetime, anchor: datetime) -> datetime | None:
        if after < anchor:
            return anchor
        elapsed = int((after - anchor) // timedelta(seconds=1))
        seconds = (elapsed // self.seconds + 1) * self.seconds
        if seconds >= int((_END - anchor).total_seconds()):
            return None
        return anchor + timedelta(seconds=seconds)

    def describe(self) -> str:
        return f"every {self.unit}" if self.count == 1 else f"every {self.count} {self.unit}s"


class At:
    """``at(2030-01-31T09:00:00)``: once, at a wall-clock time."""

    __slots__ = ("moment",)

    def __init__(self, inner: str) -> None:
        shape = "".join("d" if char in "0123456789" else char for char in inner)
        if shape != _AT_SHAPE:
            raise RuleError(
                f"it takes yyyy-mm-ddThh:mm:ss without a zone, not {inner!r}. Write at(2030-01-31T09:00:00)."
            )
        try:
            self.moment = datetime.fromisoformat(inner)
        except ValueError as error:
            raise RuleError(f"{inner!r} is not a date and time ({error}). Correct it.") from None
        if not FIRST_YEAR <= self.moment.year <= LAST_YEAR:
            raise RuleError(f"its year is {FIRST_YEAR} to {LAST_YEAR}, not {self.moment.year}.")

    def times(self, start: datetime) -> Iterator[datetime]:
        if self.moment >= start:
            yield self.moment

    def describe(self, zone: str) -> str:
        return f"once, at {self.moment:%Y-%m-%d %H:%M:%S} {zone}"


class ScheduleExpression:
    """A checked schedule.

    ``service`` is ``"rule"`` (EventBridge rules: ``rate`` and ``cron``, always UTC) or ``"scheduler"`` (EventBridge
    Scheduler: also ``at``, and ``timezone``, a name of the IANA database). Raises RuleError for what that service
    would refuse, naming the field at fault.
    """

    __slots__ = ("_plan", "service", "text", "timezone")

    def __init__(self, text: str, timezone: str | None = None, *, service: str = "rule") -> None:
        if service not in ("rule", "scheduler"):
            raise RuleError(f"service must be 'rule' or 'scheduler' for a schedule, not {service!r}.")
        if not isinstance(text, str) or len(text) > LONGEST:
            raise RuleError(f"A schedule is a string of at most {LONGEST} characters, not {_short(text)}.")
        if service == "rule" and timezone not in (None, "UTC"):
            raise RuleError(
                f"A scheduled rule runs in UTC and takes no time zone, not {timezone!r}. "
                f"Write the time in UTC, or use EventBridge Scheduler."
            )
        self.text = text
        self.timezone = "UTC" if timezone is None else timezone
        self.service = service
        try:
            self._plan = _parse(text, service)
        except RuleError as error:
            raise RuleError(f"The schedule {text!r} is not valid: {error.message}") from None
        if self.timezone != "UTC":
            _zone(self.timezone)

    def __repr__(self) -> str:
        return f"ScheduleExpression({self.text!r}, {self.timezone!r}, service={self.service!r})"

    def next(self, after: datetime, anchor: datetime | None = None) -> datetime | None:
        """The first run strictly after ``after``, in UTC; ``None`` when the schedule has ended (2199 at the latest).

        ``anchor`` is when a rate began (the rule's creation, Scheduler's StartDate); without one it is ``after``.
        Local times that a change of the clocks leaves out are skipped, and those it repeats run once, the first time.
        Raises RuleError for a time without a time zone.
        """
        after = _utc("after", after)
        if after >= _END:
            return None
        if isinstance(self._plan, Rate):
            return self._plan.next(after, after if anchor is None else _utc("anchor", anchor))
        after = max(after, _EARLIEST)
        zone = UTC if self.timezone == "UTC" else _zone(self.timezone)
        start = after.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0, fold=0)
        for local in self._plan.times(start):
            moment = local.replace(tzinfo=zone).astimezone(UTC)
            if moment > after and moment.astimezone(zone).replace(tzinfo=None) == local:
                return moment
        return None

    def describe(self) -> str:
        """The schedule for people: ``every 5 minutes``, ``at 06:00 UTC on weekdays``."""
        return self._plan.describe() if isinstance(self._plan, Rate) else self._plan.describe(self.timezone)


def _parse(text: str, service: str) -> Rate | Cron | At:
    kind, bracket, rest = text.partition("(")
    if kind not in ("rate", "cron", "at") or not bracket or not rest.endswith(")"):
        raise RuleError("it must be rate(...), cron(...) or at(...), in lower case, with nothing around it.")
    inner = rest[:-1]
    if kind == "rate":
        return Rate(inner, service)
    if kind == "cron":
        return Cron(inner)
    if service == "rule":
        raise RuleError("at() is known to EventBridge Scheduler only. Write a cron() with the year.")
    return At(inner)


def _utc(name: str, moment: datetime) -> datetime:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise RuleError(f"{name} must be a datetime with a time zone, not {moment!r}. Use datetime.now(timezone.utc).")
    if moment.year < FIRST_YEAR - 1 or moment.year > LAST_YEAR + 1:
        return _EARLIEST if moment.year < FIRST_YEAR else _END
    return moment.astimezone(UTC)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise RuleError(
            f"The time zone {_short(name)} is not in this machine's time zone database. "
            f"Write an IANA name such as 'Europe/Berlin'; where the database itself is missing, install tzdata."
        ) from None


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."
