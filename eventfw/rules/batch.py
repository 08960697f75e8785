"""What a handler's return value means for the batch that an event source mapping gave it: which records come again.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
https://docs.aws.amazon.com/lambda/latest/dg/kafka-retry-configurations.html#kafka-partial-batch-response
"""

from __future__ import annotations

from ..errors import RuleError
from .reading import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: Of each kind, what a record is called.
_RECORDS = {
    "sqs": "message",
    "kinesis": "record",
    "dynamodb": "record",
    "msk": "record",
    "kafka_self_managed": "record",
    "mq_activemq": "message",
    "mq_rabbitmq": "message",
    "documentdb": "event",
}
_STREAMS = ("kinesis", "dynamodb")
_KAFKA = ("msk", "kafka_self_managed")
_WITHOUT_REPORTS = ("mq_activemq", "mq_rabbitmq", "documentdb")


class BatchResponse:
    """What became of a batch.

    ``result``: ``success`` (nothing comes again), ``partial`` or ``failure`` (the whole batch comes again).
    ``retried``: the ids of the records that come again, in the batch's order. ``why``: the condition that made it so.
    ``fault``: what the function should have returned otherwise, in words, or empty. ``checkpoint``: the first record of
    a stream that the function named, ``None`` where it named none.
    A record that is not retried is done with: SQS deletes it, a stream's position moves past it.
    """

    __slots__ = ("checkpoint", "fault", "result", "retried", "why")

    def __init__(
        self, result: str, retried: Sequence[Any], why: str, *, fault: str = "", checkpoint: Any = None
    ) -> None:
        self.checkpoint = checkpoint
        self.fault = fault
        self.result = result
        self.retried = list(retried)
        self.why = why

    def __repr__(self) -> str:
        return f"BatchResponse({self.result!r}, {self.retried!r}, {self.why!r})"

    @classmethod
    def failed(cls, record_ids: Sequence[Any], error: str) -> BatchResponse:
        """The batch of a function that raised, timed out or crashed: ``error`` says which, as in ``ValueError: no``."""
        return cls("failure", record_ids, f"the function failed ({error}): the whole batch is retried")

    @classmethod
    def read(
        cls,
        kind: str,
        record_ids: Sequence[Any],
        returned: Any,
        *,
        reports: bool = True,
        groups: Sequence[str] | None = None,
    ) -> BatchResponse:
        """The batch of a function that returned.

        ``kind`` is the source, as :func:`eventfw.routing.identify` calls it. ``record_ids``: message ids of SQS,
        sequence numbers of a stream, of Kafka ``{"partition": "topic-0", "offset": 7}``; in the order of the batch.
        ``returned``: the value, read from JSON. ``reports``: whether the mapping has ``ReportBatchItemFailures``;
        without it any value means success. ``groups``: of a FIFO queue, each message's group, in the same order.

        Of a stream, the first record that is named and all after it come again. Of SQS and Kafka, those that are named.
        Raises RuleError for an unknown kind and for ``groups`` of another length.
        """
        _check(kind, record_ids, groups)
        if kind in _WITHOUT_REPORTS:
            return cls("success", (), f"{kind} takes no batchItemFailures: what a function returns means nothing")
        if not reports:
            why = "the mapping lacks ReportBatchItemFailures: what a function returns means nothing"
            lost = _lost(returned)
            return cls("success", (), why + lost, fault=why + lost if lost else "")
        named, fault = _named(returned, record_ids, kind)
        if fault:
            why = f"{fault}: the whole batch is retried"
            return cls("failure", record_ids, why, fault=why)
        if not named:
            return cls("success", (), "no record is named in batchItemFailures")
        if kind in _STREAMS:
            return cls._from_checkpoint(record_ids, named)
        retried = [record_ids[at] for at in named]
        result = "failure" if len(named) == len(record_ids) else "partial"
        lost = _unordered(record_ids, named, groups) if groups is not None else ""
        noun = _RECORDS[kind] + "s" * (len(record_ids) != 1)
        why = f"{len(named)} of {len(record_ids)} {noun} named in batchItemFailures{lost}"
        return cls(result, retried, why, fault=why if lost else "")

    @classmethod
    def _from_checkpoint(cls, record_ids: Sequence[Any], named: list[int]) -> BatchResponse:
        first = named[0]
        checkpoint = f"{shown(record_ids[first])} is the first record named in batchItemFailures"
        if not first:
            why = f"{checkpoint}, and the first of the batch: the whole batch is retried"
            return cls("failure", record_ids, why, checkpoint=record_ids[0])
        why = f"{checkpoint}: it and all after it are retried"
        return cls("partial", record_ids[first:], why, checkpoint=record_ids[first])


def _check(kind: object, record_ids: Sequence[Any], groups: Sequence[str] | None) -> None:
    if not isinstance(kind, str) or kind not in _RECORDS:
        raise RuleError(f"kind must be one of {', '.join(_RECORDS)} for a batch response, not {kind!r}.")
    if groups is not None and len(groups) != len(record_ids):
        raise RuleError(f"groups has {len(groups)} entries for {len(record_ids)} records. Give one for each record.")


def _lost(returned: Any) -> str:
    """A warning for a function that names failures to nobody."""
    listed = isinstance(returned, dict) and returned.get("batchItemFailures")
    return ", and the records it names are not retried" if listed else ""


def _named(returned: Any, record_ids: Sequence[Any], kind: str) -> tuple[list[int], str]:
    """``(the places of the records that a response names, what is wrong with it)``."""
    # An object that is empty or null means success; AWS reads "" and [] as such too, but no other value.
    if returned is None or returned == "" or (isinstance(returned, (dict, list)) and not returned):
        return [], ""
    if not isinstance(returned, dict):
        return [], f"the function returned {_kind_of(returned)}, not an object with batchItemFailures"
    failures = returned.get("batchItemFailures")
    if failures is None or failures == "":
        return [], ""
    if not isinstance(failures, list):
        return [], f"batchItemFailures is {_kind_of(failures)}, not a list"
    places: dict[Any, int] = {}
    for at, record_id in enumerate(record_ids):
        places.setdefault(_key(record_id, kind), at)
    named: set[int] = set()
    for failure in failures:
        place, fault = _place(failure, places, kind)
        if fault:
            return [], fault
        named.add(place)
    return sorted(named), ""


def _place(failure: Any, places: dict[Any, int], kind: str) -> tuple[int, str]:
    """``(the place of the record that one entry names, what is wrong with the entry)``."""
    if not isinstance(failure, dict):
        return -1, f"an entry of batchItemFailures is {_kind_of(failure)}, not an object with itemIdentifier"
    if "itemIdentifier" not in failure:
        keys = ", ".join(shown(str(key)) for key in list(failure)[:3]) or "no keys"
        return -1, f"an entry of batchItemFailures has {keys} and no itemIdentifier"
    identifier = failure["itemIdentifier"]
    if identifier is None or identifier == "":
        return -1, f"an itemIdentifier is {'null' if identifier is None else 'empty'}"
    key = _key(identifier, kind)
    if key is None:
        form = '{"partition": "topic-0", "offset": 7}' if kind in _KAFKA else "a string"
        return -1, f"an itemIdentifier is {_kind_of(identifier)}, not {form}"
    if key not in places:
        words = f"{shown(key[0])} at offset {key[1]}" if kind in _KAFKA else shown(key)
        return -1, f"itemIdentifier {words} is not a {_RECORDS[kind]} of this batch"
    return places[key], ""


def _key(identifier: Any, kind: str) -> Any:
    """What makes two ids the same; ``None`` for what cannot be an id of that kind."""
    if kind not in _KAFKA:
        return identifier if isinstance(identifier, str) else None
    if not isinstance(identifier, dict):
        return None
    partition, offset = identifier.get("partition"), identifier.get("offset")
    whole = isinstance(offset, (int, float)) and not isinstance(offset, bool)
    return (partition, offset) if isinstance(partition, str) and whole else None


def _unordered(record_ids: Sequence[Any], named: list[int], groups: Sequence[str]) -> str:
    """A warning for messages of a group that are deleted although an earlier one of the group comes again."""
    failed: dict[str, int] = {}
    for at in named:
        failed.setdefault(groups[at], at)
    chosen = set(named)
    late = [at for at, group in enumerate(groups) if at not in chosen and at > failed.get(group, at)]
    if not late:
        return ""
    first = shown(record_ids[failed[groups[late[0]]]])
    ids = ", ".join(shown(record_ids[at]) for at in late[:3]) + (", ..." if len(late) > 3 else "")
    verb = "is" if len(late) == 1 else "are"
    return (
        f"; {ids} {verb} not named and so deleted, though {first}, earlier in message group {shown(groups[late[0]])}, "
        "comes again: the order is lost. Name all messages of a group after the first failed one"
    )


def _kind_of(value: Any) -> str:
    """A JSON value in few words, whatever its size."""
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else shown(value)
