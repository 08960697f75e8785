"""A lane of a shard: what is invoked next, by what the function has answered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from eventfw.tools.local.pollers.attempts import EXHAUSTED, TOO_OLD, Batch, Record, Verdict
from eventfw.tools.local.pollers.lane import GiveUp, Invoke, Lane, Look, Wait
from eventfw.tools.local.pollers.stream_settings import StreamSettings

PLAIN = StreamSettings("kinesis", reports=True)


def records(*names: str, at: float = 0.0, size: int = 2) -> list[Record]:
    return [Record(name, name, at, json.dumps("x" * size).encode()) for name in names]


def lane(*names: str, at: float = 0.0, **settings: Any) -> Lane:
    made = Lane(replace(PLAIN, **settings))
    made.add(records(*names), at)
    return made


def invoked(of: Lane, now: float = 0.0) -> list[str]:
    """The records of the batch that is due."""
    step = of.next(now)
    assert isinstance(step, Invoke), step
    return step.batch.sequences


def failed(name: str) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": name}]}


def test_a_batch_has_what_is_there_up_to_its_size() -> None:
    one = lane("1", "2", "3", batch_size=2)
    assert invoked(one) == ["1", "2"]
    assert one.returned(0, None) == Verdict()
    assert invoked(one) == ["3"]
    one.returned(0, None)
    assert one.next(0) is None


def test_a_batch_stays_under_six_megabytes() -> None:
    one = Lane(PLAIN)
    one.add(records("1", "2", "3", size=2_500_000), 0)
    assert invoked(one) == ["1", "2"]


def test_a_record_that_is_larger_goes_alone() -> None:
    one = Lane(PLAIN)
    one.add([*records("1", size=7_000_000), *records("2")], 0)
    assert invoked(one) == ["1"]


def test_a_window_is_waited_for_and_a_full_batch_is_not_held_up() -> None:
    one = lane("1", at=100.0, batching_window=5, batch_size=3)
    assert one.next(100.0) == Wait(105.0)
    one.add(records("2"), 103.0)
    assert one.next(104.0) == Wait(105.0)
    one.add(records("3"), 104.0)
    assert invoked(one, 104.0) == ["1", "2", "3"]
    one.add(records("4"), 104.5)
    one.returned(106.0, None)
    assert one.next(106.0) == Wait(111.0), "the next window begins when the invocation is over"
    assert invoked(one, 111.0) == ["4"]


def test_the_event_has_the_records_as_they_are() -> None:
    step = lane("1", "2").next(0)
    assert isinstance(step, Invoke)
    assert json.loads(step.event("shard", "arn")) == {"Records": ["xx", "xx"]}


def test_after_an_error_the_batch_comes_again_after_growing_waits_and_blocks_what_is_behind_it() -> None:
    one = lane("1", "2", batch_size=1)
    waits, now = [], 0.0
    for _ in range(9):
        assert invoked(one, now) == ["1"]
        one.raised(now)
        step = one.next(now)
        assert isinstance(step, Wait)
        waits.append(step.until - now)
        now = step.until
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert invoked(one, now) == ["1"]
    one.returned(now, None)
    assert invoked(one, now) == ["2"]


@pytest.mark.parametrize("attempts", [0, 2])
def test_after_the_last_retry_it_is_given_up_and_the_shard_goes_on(attempts: int) -> None:
    one = lane("1", "2", batch_size=1, maximum_retry_attempts=attempts)
    for now in range(attempts):
        invoked(one, now * 100)
        assert one.raised(now * 100).given_up is None
    invoked(one, 1000)
    verdict = one.raised(1000)
    assert verdict.given_up and verdict.given_up.sequences == ["1"] and verdict.error
    assert verdict.given_up.invocations == attempts + 1
    assert invoked(one, 1000) == ["2"]


def test_a_throttled_batch_uses_up_no_retry() -> None:
    one = lane("1", maximum_retry_attempts=0)
    for now in (0, 100, 200):
        assert invoked(one, now) == ["1"]
        verdict = one.refused(now, "throttled")
        assert verdict.why == "throttled" and verdict.given_up is None
    invoked(one, 300)
    given_up = one.raised(300).given_up
    assert given_up and given_up.invocations == 1


def test_the_lowest_record_that_is_named_is_where_it_goes_on() -> None:
    one = lane("1", "2", "3", "4", maximum_retry_attempts=1)
    invoked(one)
    names = {"batchItemFailures": [{"itemIdentifier": "4"}, {"itemIdentifier": "3"}]}
    assert one.returned(0, names).why == "failed at 3"
    assert one.next(0) == Wait(1.0)
    assert invoked(one, 1.0) == ["3", "4"]
    verdict = one.returned(1.0, failed("4"))
    assert verdict.given_up and verdict.given_up.sequences == ["4"] and not verdict.error
    assert verdict.given_up.invocations == 2


@pytest.mark.parametrize("value", [failed("9"), failed(""), {"batchItemFailures": [{"foo": "1"}]}, 7])
def test_a_report_that_cannot_be_read_fails_the_whole_batch(value: Any) -> None:
    one = lane("1", "2")
    invoked(one)
    one.returned(0, value)
    assert invoked(one, 1.0) == ["1", "2"]


@pytest.mark.parametrize("value", [None, "", [], {}, {"batchItemFailures": None}, {"batchItemFailures": []}])
def test_an_empty_report_is_success(value: Any) -> None:
    one = lane("1", "2")
    invoked(one)
    assert one.returned(0, value) == Verdict()
    assert one.next(9) is None


def test_without_reports_what_it_returns_means_nothing() -> None:
    one = lane("1", reports=False)
    invoked(one)
    assert one.returned(0, failed("1")) == Verdict()


def test_halving_finds_the_bad_record_and_the_others_are_done_once_in_order() -> None:
    one = lane("1", "2", "3", "bad", "5", "6", bisect=True, maximum_retry_attempts=2)
    done: list[str] = []
    lost: Batch | None = None
    batches = []
    now = 0.0
    while (step := one.next(now)) is not None:
        if isinstance(step, Wait):
            now = step.until
            continue
        assert isinstance(step, Invoke)
        batches.append(step.batch.sequences)
        if "bad" in batches[-1]:
            lost = one.raised(now).given_up or lost
        else:
            one.returned(now, None)
            done += batches[-1]
    assert batches[:3] == [["1", "2", "3", "bad", "5", "6"], ["1", "2", "3"], ["bad", "5", "6"]]
    assert done == ["1", "2", "3", "5", "6"]
    assert batches.count(["bad"]) == 3, "halving has used up none of the two retries"
    assert lost and lost.sequences == ["bad"]


def test_with_halving_on_a_report_parts_the_batch_at_the_record_and_uses_up_no_retry() -> None:
    one = lane("1", "2", "3", "4", bisect=True, maximum_retry_attempts=0)
    invoked(one)
    one.returned(0, failed("2"))
    assert invoked(one) == ["2", "3", "4"]
    one.returned(0, failed("2"))
    assert invoked(one) == ["2", "3"]
    one.returned(0, failed("2"))
    assert invoked(one) == ["2"]
    given_up = one.returned(0, failed("2")).given_up
    assert given_up and given_up.sequences == ["2"]
    assert invoked(one) == ["3"]
    one.returned(0, None)
    assert invoked(one) == ["4"]


def test_records_that_are_too_old_are_given_up_before_the_function_has_them() -> None:
    one = Lane(replace(PLAIN, maximum_record_age=60))
    one.add([*records("1", "2", at=100), *records("3", at=150)], 155)
    step = one.next(161)
    assert step == GiveUp(Batch(tuple(records("1", "2", at=100))), TOO_OLD)
    assert invoked(one, 161) == ["3"]
    one.raised(161)
    old = one.next(211)
    assert isinstance(old, GiveUp) and old.batch.sequences == ["3"] and old.batch.invocations == 1
    assert one.next(211) is None
    assert EXHAUSTED != TOO_OLD


def test_a_batch_that_waits_to_be_tried_again_is_given_up_when_it_is_too_old() -> None:
    one = Lane(replace(PLAIN, maximum_record_age=60))
    one.add(records("1", at=100), 100)
    for now in (158, 159):
        assert invoked(one, now) == ["1"]
        one.raised(now)
    assert one.next(159) == Wait(160)
    old = one.next(160)
    assert isinstance(old, GiveUp) and old.condition == TOO_OLD
    assert one.next(160) is None


def test_what_is_not_done_with_is_all_that_was_not_successful() -> None:
    one = lane("1", "2", "3", "4", batch_size=2, bisect=True)
    assert invoked(one) == ["1", "2"]
    assert [record.sequence for record in one.unfinished()] == ["1", "2", "3", "4"]
    one.raised(0)
    assert invoked(one) == ["1"]
    one.returned(0, None)
    assert [record.sequence for record in one.unfinished()] == ["2", "3", "4"]


def window(step: object) -> dict[str, Any]:
    assert isinstance(step, Invoke), step
    event = json.loads(step.event("shard-1", "arn"))
    return {"records": step.batch.sequences, "state": event["state"], **event}


def tumbling(**settings: Any) -> Lane:
    return Lane(replace(PLAIN, tumbling_window=60, **settings))


def test_state_is_handed_on_within_a_window_and_dropped_after_its_end() -> None:
    one = tumbling(batch_size=2)
    one.add([*records("1", "2", "3", at=70), *records("4", at=130)], 131)
    first = window(one.next(131))
    assert first["records"] == ["1", "2"] and first["state"] == {}
    assert first["window"] == {"start": "1970-01-01T00:01:00Z", "end": "1970-01-01T00:02:00Z"}
    assert first["shardId"] == "shard-1" and first["eventSourceARN"] == "arn"
    assert (first["isFinalInvokeForWindow"], first["isWindowTerminatedEarly"]) == (False, False)
    one.returned(131, {"state": {"n": 2}})
    last = window(one.next(131))
    assert last["records"] == ["3"] and last["state"] == {"n": 2} and last["isFinalInvokeForWindow"]
    one.returned(131, {"state": {"n": 3}})
    assert window(one.next(131))["state"] == {}


def test_a_window_ends_by_the_clock_once_all_that_arrived_in_it_has_been_read() -> None:
    one = tumbling()
    one.add(records("1", at=70), 70)
    window(one.next(70))
    one.returned(70, {"state": 1})
    assert one.next(71) == Wait(120)
    assert one.next(120) == Look()
    one.add(records("2", at=119.9), 120)
    one.complete = 120
    last = window(one.next(120))
    assert last["records"] == ["2"] and last["isFinalInvokeForWindow"]
    one.returned(120, {"state": 2})
    assert one.next(500) is None


def test_the_last_invocation_of_a_window_may_have_no_records_and_is_repeated_until_it_succeeds() -> None:
    one = tumbling()
    one.add(records("1", at=70), 70)
    one.next(70)
    one.returned(70, {"state": 1})
    one.complete = 125
    one.add(records("2", at=121), 121)
    for now in (125, 200):
        last = window(one.next(now))
        assert last["records"] == [] and last["state"] == 1 and last["isFinalInvokeForWindow"]
        one.raised(now)
    last = window(one.next(300))
    assert last["records"] == [] and last["isFinalInvokeForWindow"]
    one.returned(300, {"state": 1})
    one.complete = 300
    assert window(one.next(300))["records"] == ["2"]


def test_an_answer_without_state_is_a_failure_and_a_failed_batch_leaves_none() -> None:
    one = tumbling()
    one.add(records("1", "2", at=70), 70)
    window(one.next(70))
    assert "state" in one.returned(70, {}).why
    assert window(one.next(71))["state"] == {}
    one.returned(71, {"state": 1, **failed("1")})
    assert window(one.next(73))["state"] == {}
    one.returned(73, {"state": 1, **failed("2")})
    again = window(one.next(80))
    assert again["records"] == ["2"] and again["state"] == 1


def test_a_state_that_is_too_large_ends_the_window_early_and_it_goes_on_with_none() -> None:
    one = tumbling(batch_size=1)
    one.add(records("1", "2", at=70), 70)
    one.next(70)
    assert "over 1 MB" in one.returned(70, {"state": "x" * 1024 * 1024}).why
    early = window(one.next(70))
    assert early["records"] == [] and early["isWindowTerminatedEarly"] and not early["isFinalInvokeForWindow"]
    assert len(early["state"]) == 1024 * 1024
    one.returned(70, {"state": "y"})
    after = window(one.next(70))
    assert after["records"] == ["2"] and after["state"] == {} and after["window"] == early["window"]


def test_a_window_ends_with_its_shard() -> None:
    one = tumbling()
    one.add(records("1", at=70), 70)
    one.next(70)
    one.returned(70, {"state": 1})
    one.ended = True
    assert not one.over
    assert window(one.next(71))["isFinalInvokeForWindow"]
    one.returned(71, {"state": 1})
    assert one.over
