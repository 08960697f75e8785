"""Functions' logs on their way to CloudWatch Logs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import pytest

from eventfw.tools.local.cloud import log_events
from eventfw.tools.local.cloud.aws import Aws, AwsError, Unanswered
from eventfw.tools.local.cloud.log_events import EVENT_LIMIT, SILENT, LogEvents, batches, by_stream, cut
from eventfw.tools.local.workers.journal import Journal, Stream


class FakeAws:
    """Remembers what was asked; has the groups it is given."""

    def __init__(self, *groups: str) -> None:
        self.groups = set(groups)
        self.asked: list[str] = []
        self.messages: list[str] = []
        self.gone = False

    async def call(self, service: str, action: str, sent: Mapping[str, Any]) -> dict[str, Any]:
        if self.gone:
            raise Unanswered("The embedded AWS does not answer.")
        self.asked.append(action)
        if action == "CreateLogGroup":
            self.groups.add(sent["logGroupName"])
        elif sent["logGroupName"] not in self.groups:
            raise AwsError("ResourceNotFoundException", "no group", 400)
        self.messages += [event["message"] for event in sent.get("logEvents", ())]
        return {}


def journal(*lines: str, stream: Stream | None = None) -> Journal:
    made = Journal(stream or Stream("order", warm=True), "r")
    for line in lines:
        made.add(line)
    made.close(1.0, "", "")
    return made


async def anything(function: str) -> bool:
    return True


def sent(aws: FakeAws, *rounds: list[Journal], has: Callable[[str], Awaitable[bool]] = anything) -> list[str]:
    """Send invocations, round by round; what was told meanwhile."""
    told: list[str] = []

    async def main() -> None:
        events = LogEvents(lambda: cast(Aws, aws), told.append, has)
        events.open()
        for journals in rounds:
            for one in journals:
                events.ended(one)
            async with asyncio.timeout(10):
                while events._waiting or events._sending or events._timer:  # noqa: ASYNC110 - it works in its own time
                    await asyncio.sleep(0.001)
        await events.stop()

    asyncio.run(main())
    return told


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_events, "EVERY", 0.001)


def test_lines_go_to_the_environments_stream_which_is_made_once() -> None:
    aws, stream = FakeAws("/aws/lambda/order"), Stream("order", warm=True)
    sent(aws, [journal("one", stream=stream)], [journal("two", "three\nfour", stream=stream)])
    assert aws.asked == ["CreateLogStream", "PutLogEvents", "PutLogEvents"]
    own = [message for message in aws.messages if not message.startswith(("START", "END", "REPORT"))]
    assert own == ["one", "two", "three\nfour"]
    assert len(aws.messages) == 9


def test_only_so_many_streams_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_events, "KEPT_STREAMS", 1)
    aws, streams = FakeAws("/aws/lambda/order"), [Stream("order", warm=True) for _ in range(3)]
    sent(aws, *([journal("one", stream=stream)] for stream in [*streams, streams[0]]))
    assert aws.asked == ["CreateLogStream", "PutLogEvents"] * 4


def test_a_missing_group_is_made() -> None:
    aws = FakeAws()
    sent(aws, [journal("one")])
    assert aws.asked == ["CreateLogStream"] * 2 + ["CreateLogGroup", "CreateLogStream", "PutLogEvents"]


def test_a_group_that_the_stack_is_about_to_make_is_waited_for() -> None:
    aws = FakeAws()

    async def made_meanwhile(function: str) -> bool:
        aws.groups.add(f"/aws/lambda/{function}")
        return True

    sent(aws, [journal("one")], has=made_meanwhile)
    assert "CreateLogGroup" not in aws.asked
    assert any("one" in message for message in aws.messages)


def test_a_function_that_the_stack_has_no_longer_gets_no_group() -> None:
    aws = FakeAws()

    async def nothing(function: str) -> bool:
        return False

    assert sent(aws, [journal("one")], has=nothing) == []
    assert not aws.groups


def test_a_group_that_is_gone_does_not_keep_the_logs_of_others_away() -> None:
    class Removing(FakeAws):
        async def call(self, service: str, action: str, sent: Mapping[str, Any]) -> dict[str, Any]:
            answer = await super().call(service, action, sent)
            if action == "PutLogEvents":
                self.groups.discard("/aws/lambda/order")
            return answer

    aws = Removing("/aws/lambda/order", "/aws/lambda/ship")
    order, ship = Stream("order", warm=True), Stream("ship", warm=True)
    told = sent(aws, [journal("one", stream=order)], [journal("two", stream=order), journal("three", stream=ship)])
    assert told == [] and aws.groups == {"/aws/lambda/ship"}
    assert [message for message in aws.messages if message in ("one", "two", "three")] == ["one", "three"]


def test_an_aws_that_is_gone_is_told_once_and_nothing_piles_up() -> None:
    aws = FakeAws()
    aws.gone = True
    told = sent(aws, [journal("one")], [journal("two")])
    assert told == ["Functions' logs are not in CloudWatch Logs: The embedded AWS does not answer."]
    assert not aws.messages


def test_before_the_stack_is_there_invocations_wait() -> None:
    async def main() -> None:
        events = LogEvents(lambda: None, lambda text: None, anything)
        events.ended(journal("one"))
        assert events._timer is None
        events.open()
        assert events._timer is not None
        await events.stop()

    asyncio.run(main())


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_events, "KEPT_CHARACTERS", 2500)
    events = LogEvents(lambda: None, lambda text: None, anything)
    for number in range(5):
        events.ended(journal(str(number) * 999))
    assert [one.lines[0][1][0] for one in events._waiting if one.lines] == ["3", "4"]


def test_of_many_invocations_without_a_line_of_their_own_some_are_enough() -> None:
    stream = Stream("order", warm=True)
    quiet = [journal(stream=stream) for _ in range(SILENT + 50)]
    failed = journal(stream=stream)
    failed.close(1.0, "KeyError", "KeyError")
    [(_, lines)] = by_stream([*quiet, failed, journal("said", stream=stream)])
    assert len(lines) == SILENT * 3 + 3 + 4


def test_batches_are_in_order_and_within_what_put_log_events_takes() -> None:
    many = list(batches([(5.0, "b" * 200_000)] * 9 + [(1.0, "a"), (2.0, "")]))
    assert [len(events) for events in many] == [6, 4]
    assert many[0][0] == {"timestamp": 1000, "message": "a"}
    assert [len(events) for events in batches([(1.0, "x")] * 1001)] == [1000, 1]
    assert len(cut("ü" * EVENT_LIMIT).encode()) <= EVENT_LIMIT
