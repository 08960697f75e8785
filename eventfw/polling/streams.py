"""Streams of shards, Kinesis's and DynamoDB's: read in order, tried again from the first failure on."""

from __future__ import annotations

from ..options import flag, one_of, refused, whole
from ..resources.names import pascal
from ..resources.resource import Grant
from .batches import Batch
from .mapping import Polled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.resource import Resource, Template
    from .mapping import Filters

RECORD_AGE_MAX = 604_800  # seconds: 7 days
RETRIES_MAX = 10_000
TUMBLING_WINDOW_MAX = 900  # seconds


class StreamBatch(Batch):
    """The records of one shard that one invocation gets, in order.

    After :meth:`fail` that record and all behind it come again. With a tumbling window, ``state`` goes from one
    invocation of the window to the next; it is what the handler makes of it, at most 1 MB as JSON.
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
    """

    ordered = True

    def __init__(self, raw: Any, context: Any, records: Sequence[Any]) -> None:
        super().__init__(raw, context, records)
        self.state: dict[str, Any] = raw.get("state") or {}

    def identifier(self, record: Any) -> str:
        """The record's sequence number."""
        return str(record.sequence_number)

    @property
    def failures(self) -> list[str]:
        """The sequence number from which on records come again, if any does. It is all that Lambda looks at."""
        return super().failures[:1]

    @property
    def window_start(self) -> datetime | None:
        """When the tumbling window began, with time zone; ``None`` without one."""
        return self._bound("start")

    @property
    def window_end(self) -> datetime | None:
        """When the tumbling window ends, with time zone; ``None`` without one."""
        return self._bound("end")

    def _bound(self, name: str) -> datetime | None:
        from ..events import instant

        window = self.raw.get("window")
        return instant(window[name]) if window else None

    @property
    def shard_id(self) -> str | None:
        """The shard, in an invocation with a tumbling window."""
        return self.raw.get("shardId")  # type: ignore[no-any-return]

    @property
    def is_final(self) -> bool:
        """Whether it is the window's last invocation, after which its state is dropped. It may have no records."""
        return bool(self.raw.get("isFinalInvokeForWindow"))

    @property
    def is_terminated_early(self) -> bool:
        """Whether the window ends before its time, because its state grew beyond 1 MB."""
        return bool(self.raw.get("isWindowTerminatedEarly"))


class StreamPolled(Polled):
    """A stream of shards, polled by Lambda."""

    positions: tuple[str, ...] = ("LATEST", "TRIM_HORIZON")
    """Where a mapping may begin to read."""

    def __init__(
        self,
        *,
        starting_position: str | datetime,
        batch_size: int,
        batching_window: int,
        parallelization_factor: int,
        maximum_retry_attempts: int | None,
        maximum_record_age: int | None,
        bisect_batch: bool,
        on_failure: Resource | None,
        tumbling_window: int,
        filters: Filters,
        kms_key: str | None,
        batch: bool,
        enabled: bool,
        metrics: Sequence[str],
    ) -> None:
        super().__init__(
            batch_size=batch_size,
            batching_window=batching_window,
            filters=filters,
            kms_key=kms_key,
            batch=batch,
            enabled=enabled,
            metrics=metrics,
        )
        self.starting_position = starting_position
        self.parallelization_factor = parallelization_factor
        self.maximum_retry_attempts = maximum_retry_attempts
        self.maximum_record_age = maximum_record_age
        self.bisect_batch = bisect_batch
        self.on_failure = on_failure
        self.tumbling_window = tumbling_window

    def validate(self) -> None:
        super().validate()
        name, window = self.decorator, self.tumbling_window
        if isinstance(self.starting_position, str) or "AT_TIMESTAMP" not in self.positions:
            one_of(name, "starting_position", self.starting_position, [p for p in self.positions if p[0] != "A"])
        elif not hasattr(self.starting_position, "tzinfo") or self.starting_position.tzinfo is None:
            raise refused(
                f"starting_position must be 'LATEST', 'TRIM_HORIZON' or a datetime with time zone for {name}, not "
                f"{self.starting_position!r}."
            )
        whole(name, "parallelization_factor", self.parallelization_factor, 1, 10, "Remove it for one batch at a time.")
        if self.maximum_retry_attempts is not None:
            remedy = "Remove it to try until a record expires."
            whole(name, "maximum_retry_attempts", self.maximum_retry_attempts, 0, RETRIES_MAX, remedy)
        if self.maximum_record_age is not None:
            remedy = "Remove it to try however old a record is."
            whole(name, "maximum_record_age", self.maximum_record_age, 60, RECORD_AGE_MAX, remedy)
        flag(name, "bisect_batch", self.bisect_batch)
        whole(name, "tumbling_window", window, 0, TUMBLING_WINDOW_MAX, "Remove it for no window.")
        if window and not self.batch:
            raise refused(
                f"tumbling_window needs batch=True for {name}: what is aggregated over {window} s is the batch's state."
            )
        if self.on_failure is not None:
            checked_destination(name, self.on_failure)

    @classmethod
    def source_arn(cls, raw: Any) -> str:
        """The stream's ARN; the last invocation of a window may have no records, and names it itself."""
        records = raw.get("Records")
        return str(records[0]["eventSourceARN"] if records else raw["eventSourceARN"])

    def encode(self, result: Any, event: Any) -> dict[str, Any]:
        from .batches import reported

        answer = reported(result, event)
        return {**answer, "state": event.state} if "window" in event.raw else answer

    def grants(self) -> list[Grant]:
        return [destination_grant(self.on_failure)] if self.on_failure is not None else []

    def mapping_name(self, function: Function) -> str:
        return pascal(function.name) + str(self.resource.logical_id) + "Mapping"

    def mapping(self, function: Function, template: Template) -> dict[str, Any]:
        properties = super().mapping(function, template)
        position = self.starting_position
        if isinstance(position, str):
            properties["StartingPosition"] = position
        else:
            properties |= {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": position.timestamp()}
        chosen = {
            "ParallelizationFactor": self.parallelization_factor if self.parallelization_factor > 1 else None,
            "MaximumRetryAttempts": self.maximum_retry_attempts,
            "MaximumRecordAgeInSeconds": self.maximum_record_age,
            "BisectBatchOnFunctionError": self.bisect_batch or None,
            "TumblingWindowInSeconds": self.tumbling_window or None,
        }
        properties |= {name: value for name, value in chosen.items() if value is not None}
        if self.on_failure is not None:
            properties["DestinationConfig"] = {"OnFailure": {"Destination": self.on_failure.arn_in(template)}}
        return properties


def checked_destination(owner: str, destination: Any) -> None:
    """Refuse what Lambda cannot tell of failed records.

    https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """
    if getattr(destination, "type", "") not in ("queue", "topic", "bucket"):
        raise refused(f"on_failure must be a queue, topic or bucket of the app for {owner}, not {destination!r}.")
    if getattr(destination, "fifo", False):
        raise refused(f"on_failure must be a standard {destination.type} for {owner}: {destination.key!r} is FIFO.")


def destination_grant(destination: Any) -> Any:
    """Leave for the function's role, with which Lambda sends it, to write to a destination."""
    if destination.type == "bucket":
        # Lambda also lists the bucket, and refuses the mapping of a role that may not.
        scopes = {**destination.write.actions_by_scope, "": ("s3:ListBucket",)}
        return Grant(destination, "keep failures in", scopes)
    return getattr(destination, {"queue": "send", "topic": "publish"}[destination.type])
