"""Batches: the records of one invocation, of which some may fail and come again."""

from __future__ import annotations

from .errors import users_traceback
from .events import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Generic, TypeVar

    from .calling import Binding

    R = TypeVar("R", bound="Record")

    class _Base(Event, Generic[R]): ...
else:

    class _Base(Event):
        def __class_getitem__(cls, item):
            return cls


class Record(Event):
    """One record of a batch. ``record_id`` is what Lambda knows it by, in ``batchItemFailures``."""

    @property
    def record_id(self) -> str:
        """What names the record when it is reported as failed."""
        raise NotImplementedError


class Batch(_Base[R]):
    """The records of one invocation. Those given to :meth:`fail` come again."""

    one = "record"
    """What a record is called."""
    ordered = False
    """Whether what follows a failed record comes again with it."""

    def __init__(self, raw: Any, context: Any, records: Sequence[R]) -> None:
        super().__init__(raw, context)
        self.records = list(records)
        self._failed: set[int] = set()

    def summary(self) -> str:
        return f"{len(self)} {self.one}{'s' * (len(self) != 1)}"

    def __iter__(self) -> Iterator[R]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def fail(self, record: R) -> None:
        """Have a record come again."""
        for position, known in enumerate(self.records):
            if known is record or (type(known) is type(record) and known.record_id == record.record_id):
                self._failed.add(position)
                return
        raise ValueError(f"{record!r} is not a {self.one} of this batch.")

    @property
    def failures(self) -> list[str]:
        """What names the records that come again: the failed ones, or where order counts, all from the first one on."""
        ids = [record.record_id for record in self.records]
        if self.ordered and self._failed:
            return ids[min(self._failed) :]
        return [id_ for position, id_ in enumerate(ids) if position in self._failed]


def each(binding: Binding, batch: Batch[Any], parse: Any = None) -> None:
    """Run a handler for every record. One whose call raises is logged and fails; where order counts it ends the batch.

    ``parse`` makes of a record what the handler receives, where that is not the record itself.
    """
    for record in batch:
        try:
            binding(record, batch.context)
        except Exception as error:
            import logging

            reason = (type(error), error, users_traceback(error))
            text = "%s %s failed and will come again."
            logging.getLogger("eventfw").error(text, batch.one.capitalize(), record.record_id, exc_info=reason)
            batch.fail(record)
            if batch.ordered:
                break


def reported(batch: Batch[Any]) -> dict[str, Any]:
    """The batch's failures as Lambda takes them, with ``ReportBatchItemFailures`` on."""
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in batch.failures]}
