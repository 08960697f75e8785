"""What became of a batch of messages, and the words for it.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from eventfw.rules.batch import BatchResponse
from eventfw.tools.local.pollers.batching import Message
from eventfw.tools.local.workers.results import Result


@dataclass(frozen=True)
class Redrive:
    """Where a queue's messages go when they were received ``receives`` times: the name of the dead-letter queue."""

    receives: int
    queue: str


@dataclass(frozen=True)
class Outcome:
    """Of a batch, the messages that are done with and those that come again. ``fault`` says what the function should
    have returned otherwise, or is empty."""

    done: Sequence[Message]
    again: Sequence[Message]
    fault: str = ""


def outcome(messages: Sequence[Message], result: Result, *, reports: bool, fifo: bool) -> Outcome:
    """What a function's result means. ``reports``: the mapping has ReportBatchItemFailures."""
    if result.error:
        return Outcome([], list(messages))
    returned = json.loads(result.payload or b"null")
    groups = [one.group for one in messages] if fifo else None
    response = BatchResponse.read("sqs", [one.id for one in messages], returned, reports=reports, groups=groups)
    again = set(response.retried)
    done = [one for one in messages if one.id not in again]
    return Outcome(done, [one for one in messages if one.id in again], response.fault)


def told(outcome: Outcome, count: int, redrive: Redrive | None, again_at: Sequence[float]) -> Iterator[str]:
    """What became of a batch of ``count`` messages, in sentences. ``again_at``: when each of those that come again
    does, in seconds since 1970."""
    if outcome.fault:
        yield outcome.fault
    dead = [redrive is not None and one.receives >= redrive.receives for one in outcome.again]
    back_at = [at for at, is_dead in zip(again_at, dead, strict=True) if not is_dead]
    dead_at = [at for at, is_dead in zip(again_at, dead, strict=True) if is_dead]
    if back_at:
        yield f"{_of(len(back_at), count)} will come again at {_clock(back_at)}"
    if dead_at and redrive is not None:
        times = f"{redrive.receives} time" + "s" * (redrive.receives != 1)
        yield f"{_of(len(dead_at), count)}, received {times}, will be in {redrive.queue} at {_clock(dead_at)}"


def _of(some: int, count: int) -> str:
    return f"{some} of {count} messages" if count > 1 else "The message"


def _clock(moments: Sequence[float]) -> str:
    first, last = (datetime.fromtimestamp(one).strftime("%H:%M:%S") for one in (min(moments), max(moments)))
    return first if first == last else f"{first} to {last}"
