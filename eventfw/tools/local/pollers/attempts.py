"""What becomes of a batch of a stream's records when the function has failed, or has named a record that did.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from eventfw.rules.batch import BatchResponse
from eventfw.tools.local.pollers.stream_settings import UNLIMITED, StreamSettings

EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
"""Seconds before a batch is tried again: AWS names no numbers, only that they grow."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a shard. ``key`` is what keeps its order, ``arrival`` in seconds since 1970, ``body`` the JSON that
    the function gets of it."""

    sequence: str
    key: str
    arrival: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """Records for one invocation, in order.

    ``retries``: how many of the retry quota are used. ``invocations``: how often the function has had any of them.
    ``waits``: how often it was tried in vain in a row. ``not_before``: when it may be tried again.
    """

    records: tuple[Record, ...]
    retries: int = 0
    invocations: int = 0
    waits: int = 0
    not_before: float = 0.0

    @property
    def sequences(self) -> list[str]:
        """The records' sequence numbers."""
        return [record.sequence for record in self.records]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What comes of an attempt: the batches that are tried again, in order; or the one that is given up.

    ``why``, in words, is empty where all went well, or the error itself says it. ``error``: whether the function
    failed as a whole.
    """

    again: tuple[Batch, ...] = ()
    given_up: Batch | None = None
    why: str = ""
    error: bool = False


def answered(batch: Batch, settings: StreamSettings, now: float, returned: Any) -> Verdict:
    """The function returned a value."""
    tried = replace(batch, invocations=batch.invocations + 1)
    response = BatchResponse.read(settings.kind, batch.sequences, returned, reports=settings.reports)
    if response.result == "success":
        return Verdict()
    why = f"failed at {response.checkpoint}" if response.checkpoint is not None else response.why
    if response.result == "failure":
        return _failed(tried, settings, now, why, error=False)
    rest = replace(tried, records=batch.records[len(batch.records) - len(response.retried) :])
    if settings.bisect:  # what remains of it is a part of the batch, and parting it uses up no retries
        return Verdict((replace(rest, waits=0, not_before=now),), why=why)
    return _failed(rest, settings, now, why, error=False)


def raised(batch: Batch, settings: StreamSettings, now: float, why: str = "") -> Verdict:
    """The function failed as a whole: ``why`` says how, where its own error does not."""
    return _failed(replace(batch, invocations=batch.invocations + 1), settings, now, why, error=True)


def refused(batch: Batch, now: float, why: str) -> Verdict:
    """The batch did not reach the function, as when it is throttled: it is tried again, and that does not count."""
    return Verdict((_later(batch, now),), why=why)


def expiry(record: Record, maximum_age: float) -> float:
    """When a record is as old as it may be, in seconds since 1970."""
    return math.inf if maximum_age == UNLIMITED else record.arrival + maximum_age


def expired(records: tuple[Record, ...], now: float, maximum_age: float) -> int:
    """How many of the first records are as old as they may be."""
    return next((at for at, record in enumerate(records) if expiry(record, maximum_age) > now), len(records))


def _failed(batch: Batch, settings: StreamSettings, now: float, why: str, *, error: bool) -> Verdict:
    if settings.bisect and len(batch.records) > 1:
        middle = (len(batch.records) + 1) // 2
        half = replace(batch, waits=0, not_before=now)
        halves = (replace(half, records=batch.records[:middle]), replace(half, records=batch.records[middle:]))
        return Verdict(halves, why=why, error=error)
    if settings.maximum_retry_attempts != UNLIMITED and batch.retries >= settings.maximum_retry_attempts:
        return Verdict(given_up=batch, why=why, error=error)
    return Verdict((_later(replace(batch, retries=batch.retries + 1), now),), why=why, error=error)


def _later(batch: Batch, now: float) -> Batch:
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(batch.waits, 10))
    return replace(batch, waits=batch.waits + 1, not_before=now + wait)
