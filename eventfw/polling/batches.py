"""Batches: the records of one invocation, of which some may fail and come again."""

from __future__ import annotations

from ..errors import users_traceback
from ..events import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from ..calling import Binding


class Batch(Event):
    """The records of one invocation. Those given to :meth:`fail` come again.

    A source's subclass says what its records are.
    """

    one = "record"
    """What a record is called."""
    ordered = False
    """Whether all that follows a failed record comes again with it."""

    def __init__(self, raw: Any, context: Any, records: Sequence[Any]) -> None:
        super().__init__(raw, context)
        self.records = list(records)
        self._failed: list[int] = []

    def summary(self) -> str:
        return f"{len(self)} {self.one}{'s' * (len(self) != 1)}"

    def __iter__(self) -> Iterator[Any]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def identifier(self, record: Any) -> Any:
        """What Lambda knows a record by."""
        return record.id

    def fail(self, record: Any) -> None:
        """Have a record come again. Raises ``ValueError`` for what is no record of this batch."""
        kind = type(self.records[0]) if self.records else Event
        if isinstance(record, kind):
            name = self.identifier(record)
            for position, known in enumerate(self.records):
                if known is record or self.identifier(known) == name:
                    self._failed.append(position)
                    return
        raise ValueError(f"{record!r} is not a {self.one} of this batch.")

    @property
    def failures(self) -> list[Any]:
        """What names the records that come again: the failed ones, or where order counts, all from the first of them
        on."""
        names = [self.identifier(record) for record in self.records]
        if self.ordered and self._failed:
            return names[min(self._failed) :]
        return [names[position] for position in sorted(set(self._failed))]


def each(binding: Binding, batch: Batch) -> None:
    """Run a handler for every record; where order counts, up to the first that fails."""
    for record in batch:
        if not ran(binding, batch, record) and batch.ordered:
            return


def ran(binding: Binding, batch: Batch, record: Any) -> bool:
    """Run a handler for a record. One whose call raises is logged, and fails."""
    try:
        binding(record, batch.context)
    except Exception as error:
        # The invocation succeeds and reports the record, so nobody else would log why.
        import logging

        reason = (type(error), error, users_traceback(error))
        text = f"{batch.one.capitalize()} %s failed and will come again."
        logging.getLogger("eventfw").error(text, batch.identifier(record), exc_info=reason)
        batch.fail(record)
        return False
    return True


def reported(result: Any, batch: Batch) -> dict[str, Any]:
    """The batch's failures in Lambda's form, which needs ``ReportBatchItemFailures`` on the mapping.

    Raises ``TypeError`` where the handler returned such a report itself: it would go unheard.
    """
    if isinstance(result, dict) and "batchItemFailures" in result:
        raise TypeError(f"Report {batch.one}s with batch.fail({batch.one}) instead of returning batchItemFailures.")
    return {"batchItemFailures": [{"itemIdentifier": name} for name in batch.failures]}


def each_in_lanes(binding: Binding, batch: Batch, lane: Callable[[Any], object]) -> None:
    """Run a handler for every record; after a failure, for none of its lane, in which order counts."""
    stopped: set[object] = set()
    for record in batch:
        if lane(record) in stopped:
            batch.fail(record)
        elif not ran(binding, batch, record):
            stopped.add(lane(record))
