"""Schedule expressions: what is refused, when a schedule runs, and what it is called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from eventfw.errors import RuleError
from eventfw.rules import cron
from eventfw.rules.schedule import ScheduleExpression


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def runs(expression: str, after: str, count: int = 3, zone: str | None = None) -> list[str]:
    """The next runs in UTC, to the minute."""
    schedule = ScheduleExpression(expression, zone, service="scheduler" if zone else "rule")
    found: list[str] = []
    at = schedule.next(moment(after))
    while at is not None and len(found) < count:
        found.append(f"{at:%Y-%m-%dT%H:%M}")
        at = schedule.next(at)
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(30 2 * * ? *)", "2026-02-28T02:30", ["2026-03-01T02:30", "2026-03-02T02:30", "2026-03-03T02:30"]),
        ("cron(0 0 31 * ? *)", "2026-01-31T00:00", ["2026-03-31T00:00", "2026-05-31T00:00", "2026-07-31T00:00"]),
        ("cron(0 0 29 FEB ? *)", "2096-02-29T00:00", ["2104-02-29T00:00", "2108-02-29T00:00", "2112-02-29T00:00"]),
        ("cron(0 0 L 2 ? *)", "2027-01-01T00:00", ["2027-02-28T00:00", "2028-02-29T00:00", "2029-02-28T00:00"]),
        ("cron(*/20 4-5 1 1 ? *)", "2026-01-01T04:30", ["2026-01-01T04:40", "2026-01-01T05:00", "2026-01-01T05:20"]),
        ("cron(0 7/8 * * ? *)", "2026-01-01T00:00", ["2026-01-01T07:00", "2026-01-01T15:00", "2026-01-01T23:00"]),
        ("cron(0 0 1 3/4 ? *)", "2026-01-01T00:00", ["2026-03-01T00:00", "2026-07-01T00:00", "2026-11-01T00:00"]),
        ("cron(0 0 1 1 ? 2030,2028)", "2026-01-01T00:00", ["2028-01-01T00:00", "2030-01-01T00:00"]),
        ("cron(0 0 1 1 ? 2020/20)", "2026-01-01T00:00", ["2040-01-01T00:00", "2060-01-01T00:00", "2080-01-01T00:00"]),
        ("cron(0 0 ? * SUN *)", "2026-11-21T12:00", ["2026-11-22T00:00", "2026-11-29T00:00", "2026-12-06T00:00"]),
        ("cron(0 0 ? * mOn-Wed *)", "2026-11-21T00:00", ["2026-11-23T00:00", "2026-11-24T00:00", "2026-11-25T00:00"]),
    ],
)
def test_cron_runs_at_the_times_its_fields_name(expression: str, after: str, expected: list[str]) -> None:
    assert runs(expression, after) == expected


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        # 1 August 2026 is a Saturday, 1 November a Sunday: the nearest weekday would lie in the month before.
        ("cron(0 0 1W 8,11 ? 2026)", "2026-01-01T00:00", ["2026-08-03T00:00", "2026-11-02T00:00"]),
        # 31 January 2026 is a Saturday, 31 May a Sunday: the nearest weekday would lie in the month after.
        ("cron(0 0 31W 1-5 ? 2026)", "2026-01-01T00:00", ["2026-01-30T00:00", "2026-03-31T00:00", "2026-05-29T00:00"]),
        ("cron(0 0 15W 2,3 ? 2026)", "2026-01-01T00:00", ["2026-02-16T00:00", "2026-03-16T00:00"]),
        ("cron(0 0 LW 1-3 ? 2026)", "2026-01-01T00:00", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-31T00:00"]),
        ("cron(0 0 ? * L 2026)", "2026-01-01T00:00", ["2026-01-03T00:00", "2026-01-10T00:00", "2026-01-17T00:00"]),
        ("cron(0 0 ? * FRIL *)", "2026-01-01T00:00", ["2026-01-30T00:00", "2026-02-27T00:00", "2026-03-27T00:00"]),
        ("cron(0 0 ? * 1#1 *)", "2026-01-05T00:00", ["2026-02-01T00:00", "2026-03-01T00:00", "2026-04-05T00:00"]),
    ],
)
def test_l_w_and_hash_pick_days_inside_the_month(expression: str, after: str, expected: list[str]) -> None:
    assert runs(expression, after) == expected


def test_months_without_a_fifth_thursday_are_passed_over() -> None:
    assert runs("cron(0 0 ? * 5#5 2026)", "2026-01-01T00:00", 9) == [
        "2026-01-29T00:00",
        "2026-04-30T00:00",
        "2026-07-30T00:00",
        "2026-10-29T00:00",
        "2026-12-31T00:00",
    ]


def test_a_cron_agrees_with_trying_every_minute() -> None:
    schedule = ScheduleExpression("cron(5/25,59 3,22-23 ? 2-3 TUE,FRI *)")
    at, end, tried = moment("2026-02-01T00:00"), moment("2026-04-01T00:00"), []
    while at < end:
        if at.month in (2, 3) and at.isoweekday() in (2, 5) and at.hour in (3, 22, 23) and at.minute in (5, 30, 55, 59):
            tried.append(at)
        at += timedelta(minutes=1)
    found = [schedule.next(moment("2026-01-31T00:00"))]
    while len(found) < len(tried) and (following := schedule.next(found[-1])) is not None:
        found.append(following)
    assert found == tried


def test_the_next_run_is_strictly_later_even_by_a_second() -> None:
    schedule = ScheduleExpression("cron(0 6 * * ? *)")
    assert schedule.next(moment("2026-01-01T05:59:59.999999")) == moment("2026-01-01T06:00")
    assert schedule.next(moment("2026-01-01T06:00")) == moment("2026-01-02T06:00")
    assert schedule.next(moment("2026-01-01T06:00:01")) == moment("2026-01-02T06:00")


def test_times_of_other_zones_are_understood_and_the_answer_is_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    found = ScheduleExpression("cron(0 6 * * ? *)").next(datetime(2026, 1, 1, 14, 59, tzinfo=tokyo))
    assert found == moment("2026-01-01T06:00")
    assert found.tzinfo is UTC


@pytest.mark.parametrize("expression", ["cron(0 0 30 2 ? *)", "cron(0 0 29 2 ? 2100)", "cron(0 0 1 1 ? 1999)"])
def test_a_schedule_that_never_comes_ends(expression: str) -> None:
    assert ScheduleExpression(expression).next(moment("2026-01-01T00:00")) is None


def test_a_search_visits_days_and_not_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(cron, "datetime", lambda *fields: seen.append(fields) or datetime(*fields))
    assert runs("cron(0 0 ? JAN SUN#1 2199)", "1970-01-01T00:00", 1) == ["2199-01-06T00:00"]
    assert len(seen) <= 2


@pytest.mark.parametrize("expression", ["rate(1 day)", "cron(* * * * ? *)"])
def test_a_schedule_ends_with_the_year_2199(expression: str) -> None:
    schedule = ScheduleExpression(expression)
    assert schedule.next(moment("2199-12-31T23:59")) is None
    assert schedule.next(moment("9999-12-31T23:59:59")) is None


def test_a_search_may_start_before_1970() -> None:
    assert runs("cron(0 0 1 1 ? *)", "0001-01-01T00:00", 1) == ["1970-01-01T00:00"]


@pytest.mark.parametrize("expression", ["rate(1 day)", "cron(* * * * ? *)"])
def test_a_time_without_zone_is_refused(expression: str) -> None:
    with pytest.raises(RuleError, match="after must be a datetime with a time zone"):
        ScheduleExpression(expression).next(datetime(2026, 1, 1))


def test_a_rate_counts_from_its_anchor() -> None:
    schedule = ScheduleExpression("rate(7 minutes)")
    anchor = moment("2026-01-01T00:00:30")
    assert schedule.next(moment("2026-01-01T00:00"), anchor) == anchor
    assert schedule.next(anchor, anchor) == moment("2026-01-01T00:07:30")
    assert schedule.next(moment("2026-01-01T00:08"), anchor) == moment("2026-01-01T00:14:30")
    assert schedule.next(moment("2036-01-01T00:00"), anchor) == moment("2036-01-01T00:03:30")


def test_a_rate_without_anchor_counts_from_now() -> None:
    assert ScheduleExpression("rate(2 hours)").next(moment("2026-01-01T00:10")) == moment("2026-01-01T02:10")


def test_a_rate_in_days_means_24_hours_across_a_change_of_clocks() -> None:
    schedule = ScheduleExpression("rate(1 day)", "America/New_York", service="scheduler")
    assert schedule.next(moment("2026-03-07T17:00")) == moment("2026-03-08T17:00")


def test_local_times_that_the_clocks_leave_out_are_skipped() -> None:
    # New York, 8 March 2026: 02:00 to 03:00 does not exist.
    assert runs("cron(30 2 * * ? *)", "2026-03-07T00:00", 3, "America/New_York") == [
        "2026-03-07T07:30",
        "2026-03-09T06:30",
        "2026-03-10T06:30",
    ]


def test_local_times_that_the_clocks_repeat_run_once_the_first_time() -> None:
    # New York, 1 November 2026: 01:00 to 02:00 comes twice, at 05:00 and at 06:00 UTC.
    assert runs("cron(30 1 * * ? *)", "2026-10-31T12:00", 2, "America/New_York") == [
        "2026-11-01T05:30",
        "2026-11-02T06:30",
    ]
    assert runs("cron(30 * * * ? *)", "2026-11-01T05:00", 2, "America/New_York") == [
        "2026-11-01T05:30",
        "2026-11-01T07:30",
    ]
    assert runs("cron(30 1 * * ? *)", "2026-11-01T06:10", 1, "America/New_York") == ["2026-11-02T06:30"]


def test_a_day_that_a_zone_leaves_out_is_skipped() -> None:
    # Samoa went from 29 to 31 December 2011.
    assert runs("cron(0 12 * * ? *)", "2011-12-29T00:00", 2, "Pacific/Apia") == ["2011-12-29T22:00", "2011-12-30T22:00"]
    found = runs("cron(0/5 * * * ? 2011)", "2011-12-30T09:50", 3, "Pacific/Apia")
    assert found == ["2011-12-30T09:55", "2011-12-30T10:00", "2011-12-30T10:05"]


def test_runs_in_a_zone_only_go_forward() -> None:
    schedule = ScheduleExpression("cron(0/17 * * * ? *)", "Europe/Dublin", service="scheduler")
    found = [moment("2026-10-24T22:00")]
    for _ in range(40):
        found.append(schedule.next(found[-1]))
    assert all(one < other for one, other in pairwise(found))


def test_at_runs_once_in_its_zone_and_never_again() -> None:
    assert runs("at(2026-07-01T09:00:00)", "2026-01-01T00:00", 3, "Europe/Berlin") == ["2026-07-01T07:00"]
    assert runs("at(2026-07-01T09:00:00)", "2026-07-01T07:00", 3, "Europe/Berlin") == []
    at = ScheduleExpression("at(2026-01-01T00:00:59)", service="scheduler")
    assert at.next(moment("2026-01-01T00:00:30")) == moment("2026-01-01T00:00:59")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("rate(1 minutes)", r"must agree with its value, and '1 minutes' does not\. Write rate\(1 minute\)"),
        ("rate(5 minute)", r"Write rate\(5 minutes\)"),
        ("rate(0 minutes)", "whole number of 1 or more, not '0'"),
        ("rate(1.5 hours)", "whole number of 1 or more, not '1.5'"),
        ("rate(²  hours)", "unit"),
        ("rate(5  minutes)", "unit"),
        ("rate(5 weeks)", "not 'weeks'"),
        ("rate(5 minutess)", "not 'minutess'"),
        ("Rate(5 minutes)", "rate.*in lower case"),
        ("rate(5 minutes) ", "nothing around it"),
        ("cron(0 6 * * ?)", "six fields.*has 5"),
        ("cron(0  6 * * ? *)", "one space"),
        ("cron(60 6 * * ? *)", "minutes takes 0 to 59, not '60'"),
        ("cron(0 24 * * ? *)", "hours takes 0 to 23, not '24'"),
        ("cron(0 6 0 * ? *)", "day-of-month takes 1 to 31, not '0'"),
        ("cron(0 6 32W * ? *)", "day-of-month takes 1 to 31, not '32'"),
        ("cron(0 6 1,15W * ? *)", "alone in the field, not '1,15W'"),
        ("cron(0 6 L-3 * ? *)", "alone in the field, not 'L-3'"),
        ("cron(0 6 * 13 ? *)", "month takes 1 to 12 or JAN to DEC, not '13'"),
        ("cron(0 6 ? * FRI-MON *)", "day-of-week has a range that runs backwards.*FRI-7,1-MON"),
        ("cron(0 6 ? * MON/2 *)", "day-of-week takes no '/'"),
        ("cron(0 6 ? * 3#1,6#3 *)", "day-of-week takes one weekday and #"),
        ("cron(0 6 ? * FR\u0131 *)", "day-of-week takes 1 to 7"),
        ("cron(0 6 * * ? 2200)", "year takes 1970 to 2199, not '2200'"),
        ("cron(0 6 ? * ? *)", r"exactly one of day-of-month and day-of-week is '\?'"),
        ("cron(? 6 * * ? *)", r"minutes takes 0 to 59, not '\?'"),
        ("cron(*/60 * * * ? *)", "minutes takes an increment of 1 to 59"),
        ("cron(0/0 * * * ? *)", "minutes takes an increment of 1 to 59"),
        ("cron(*,5 * * * ? *)", r"'\*' already means every value"),
        ("cron(1, * * * ? *)", "minutes has an empty item"),
        ("cron(20-10 * * * ? *)", "runs backwards, '20-10'. Write 20-59,0-10"),
        ("at(2026-01-01T00:00:00)", "at.. is known to EventBridge Scheduler only"),
    ],
)
def test_a_refusal_names_the_field_the_value_and_the_remedy(text: str, fault: str) -> None:
    with pytest.raises(RuleError, match=fault) as caught:
        ScheduleExpression(text)
    assert repr(text) in caught.value.message


AT_FAULTS = ["at(2026-02-30T00:00:00)", "at(2026-01-01)", "at(1969-01-01T00:00:00)", "at(2026-01-01T24:00:00)"]


@pytest.mark.parametrize("text", AT_FAULTS)
def test_at_takes_a_real_moment(text: str) -> None:
    with pytest.raises(RuleError):
        ScheduleExpression(text, service="scheduler")


def test_scheduler_takes_singular_and_plural_alike() -> None:
    assert ScheduleExpression("rate(1 minutes)", service="scheduler").describe() == "every minute"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "/etc/localtime", "Europe"])
def test_an_unknown_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(RuleError, match="time zone"):
        ScheduleExpression("rate(1 day)", zone, service="scheduler")


def test_a_rule_takes_no_time_zone() -> None:
    with pytest.raises(RuleError, match=r"A scheduled rule runs in UTC.*'Europe/Berlin'"):
        ScheduleExpression("rate(1 day)", "Europe/Berlin")


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("rate(1 minute)", "every minute"),
        ("rate(5 minutes)", "every 5 minutes"),
        ("cron(0 6 * * ? *)", "at 06:00 UTC every day"),
        ("cron(15 10 ? * MON-FRI *)", "at 10:15 UTC on weekdays"),
        ("cron(0 9,17 ? * 7,1 *)", "at 09:00 and 17:00 UTC on weekends"),
        ("cron(* * * * ? *)", "every minute"),
        ("cron(0/15 * * * ? *)", "every 15 minutes"),
        ("cron(0 * ? * SAT *)", "every hour on Saturday"),
        ("cron(7,22 * ? * * *)", "at minutes 7 and 22 of every hour"),
        ("cron(0/5 8-17 ? * MON-FRI *)", "every 5 minutes from 08:00 to 17:55 UTC on weekdays"),
        ("cron(0/5 1,8 LW * ? *)", "every 5 minutes in the hours 1 and 8 UTC on the last weekday of the month"),
        ("cron(0 0 L 2,3 ? 2030)", "at 00:00 UTC on the last day of the month in February and March in 2030"),
        ("cron(0 0 1 * ? 2026-2030)", "at 00:00 UTC on day 1 of the month from 2026 to 2030"),
        ("cron(0 9 15W * ? *)", "at 09:00 UTC on the weekday nearest to day 15 of the month"),
        ("cron(0 0 ? * 3#2 *)", "at 00:00 UTC on the second Tuesday of the month"),
        ("cron(15 10 ? * 6L *)", "at 10:15 UTC on the last Friday of the month"),
    ],
)
def test_a_schedule_says_what_it_does(expression: str, words: str) -> None:
    assert ScheduleExpression(expression).describe() == words


def test_words_name_the_time_zone() -> None:
    at = ScheduleExpression("at(2030-01-31T09:00:00)", "Europe/Berlin", service="scheduler")
    assert at.describe() == "once, at 2030-01-31 09:00:00 Europe/Berlin"


@pytest.mark.parametrize(
    "text",
    [
        "rate(" + "9" * 240 + " days)",
        "cron(" + "0," * 110 + "0 * * * ? *)",
        "cron(" + "(" * 200,
        "cron(0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1,0/1 * 30 2 ? *)",
        "rate(5 minutes)" * 100_000,
        "\0",
        "",
    ],
)
def test_hostile_text_is_answered_and_not_repeated_at_length(text: str) -> None:
    try:
        ScheduleExpression(text).next(moment("1970-01-01T00:00"))
    except RuleError as error:
        assert len(error.message) < 1000
