"""``@app.dynamodb_stream``: changes of a DynamoDB table, through an event source mapping."""

from __future__ import annotations

from ..events import Event
from ..polling.streams import StreamBatch, StreamPolled
from ..resources.table import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..polling.mapping import Filters
    from ..resources.resource import Resource, Template


class DynamoDBRecord(Event):
    """One change of an item. https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html

    Items are plain values: numbers are :class:`decimal.Decimal`, binary values ``bytes``, sets ``set``, as boto3's
    tables have them.
    """

    def summary(self) -> str:
        return f"{self.event_name} {self.keys}"

    @property
    def _change(self) -> dict[str, Any]:
        return self.raw["dynamodb"]  # type: ignore[no-any-return]

    @property
    def event_name(self) -> str:
        """What happened: ``INSERT``, ``MODIFY`` or ``REMOVE``."""
        return str(self.raw["eventName"])

    @property
    def keys(self) -> dict[str, Any]:
        """The item's key."""
        return plain_item(self._change.get("Keys") or {})

    @property
    def new_image(self) -> dict[str, Any] | None:
        """The item after the change; ``None`` when it was removed, or the stream does not carry it."""
        image = self._change.get("NewImage")
        return None if image is None else plain_item(image)

    @property
    def old_image(self) -> dict[str, Any] | None:
        """The item before the change; ``None`` when it was inserted, or the stream does not carry it."""
        image = self._change.get("OldImage")
        return None if image is None else plain_item(image)

    @property
    def sequence_number(self) -> str:
        """The change's place in its shard."""
        return str(self._change["SequenceNumber"])

    @property
    def changed_at(self) -> datetime | None:
        """About when it happened, with time zone, to the second."""
        from datetime import UTC, datetime

        seconds = self._change.get("ApproximateCreationDateTime")
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)

    @property
    def size(self) -> int | None:
        """The change's size in bytes."""
        return self._change.get("SizeBytes")

    @property
    def stream_view_type(self) -> str | None:
        """What the stream carries: ``NEW_AND_OLD_IMAGES``, ``NEW_IMAGE``, ``OLD_IMAGE`` or ``KEYS_ONLY``."""
        return self._change.get("StreamViewType")

    @property
    def is_expiry(self) -> bool:
        """Whether DynamoDB itself removed the item, because its time to live was over."""
        identity = self.raw.get("userIdentity") or {}
        return self.event_name == "REMOVE" and identity.get("principalId") == "dynamodb.amazonaws.com"

    @property
    def event_id(self) -> str | None:
        """The event's id; the same whenever the change comes again."""
        return self.raw.get("eventID")  # type: ignore[no-any-return]

    @property
    def stream_arn(self) -> str:
        """The stream's ARN."""
        return str(self.raw["eventSourceARN"])

    @property
    def region(self) -> str | None:
        """The table's region."""
        return self.raw.get("awsRegion")  # type: ignore[no-any-return]


def plain_item(item: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An item in DynamoDB's notation, ``{"n": {"N": "1"}}``, as plain values."""
    return {name: plain(value) for name, value in item.items()}


def plain(value: dict[str, Any]) -> Any:
    """A value in DynamoDB's notation as a plain one. Raises ``TypeError`` for a type that is none of DynamoDB's."""
    [(kind, inner)] = value.items()
    if kind in ("S", "BOOL"):
        return inner
    if kind == "NULL":
        return None
    if kind == "M":
        return plain_item(inner)
    if kind == "L":
        return [plain(one) for one in inner]
    if kind in ("SS", "NS", "BS"):
        return {plain({kind[0]: one}) for one in inner}
    if kind == "N":
        from decimal import Decimal

        return Decimal(inner)
    if kind == "B":
        from base64 import b64decode

        return b64decode(inner)
    raise TypeError(f"{kind!r} is no type of DynamoDB's.")


def json_values(value: Any) -> Any:
    """A plain value with numbers and sets as JSON has them, for a parameter of a model's type."""
    if isinstance(value, dict):
        return {name: json_values(one) for name, one in value.items()}
    if isinstance(value, (list, set)):
        return [json_values(one) for one in (sorted(value) if isinstance(value, set) else value)]
    if hasattr(value, "as_tuple"):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


class DynamoDBBatch(StreamBatch):
    """The changes of one shard that one invocation gets, in order. After :meth:`fail` that one and all behind it come
    again."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context, [DynamoDBRecord(record, context) for record in raw.get("Records") or []])

    def __iter__(self) -> Iterator[DynamoDBRecord]:
        return iter(self.records)


class DynamoDBStream(StreamPolled):
    """Run for the changes of a table's items; once for each, in the order of their item.

    ``table``: a table that the app owns, whose stream is then switched on, with both images unless the table says
    otherwise; or the ARN of an existing table's stream.
    ``starting_position``: where the first deployment begins to read: ``TRIM_HORIZON`` (the oldest change, at most 24
    hours ago; unless said) or ``LATEST`` (what comes later; what happens while the mapping is made may be missed).
    ``batch_size``: records an invocation takes at most, 1-10000, 100 unless said; ``batching_window``: seconds (0-300)
    to wait for them. ``parallelization_factor``: batches of one shard at once, 1-10.
    ``maximum_retry_attempts`` (0-10000) and ``maximum_record_age`` (seconds, 60-604800): when Lambda gives up a failed
    record; unless said it goes on for 24 hours, and what is behind it waits. ``bisect_batch``: halve a failed batch
    before it is tried again. ``on_failure``: the queue, topic or bucket that is told which records were given up.
    ``tumbling_window``: seconds (1-900) over which ``batch.state`` is handed on; needs ``batch``. ``filters``: up to
    five patterns, of which one must match; others are passed over. ``batch``: hand over the whole batch in one call.
    ``enabled``: ``False`` deploys the mapping switched off. ``metrics``: ``["EventCount"]``.

    The first failed record ends its batch: it and all behind it come again, and are given up together, unless
    ``bisect_batch`` parts them.
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
    """

    decorator = "dynamodb_stream"
    example = "@app.dynamodb_stream(catalog)"
    kinds = ("dynamodb",)
    filter_kind = "dynamodb"

    def __init__(
        self,
        table: Table | str,
        *,
        starting_position: str = "TRIM_HORIZON",
        batch_size: int = 100,
        batching_window: int = 0,
        parallelization_factor: int = 1,
        maximum_retry_attempts: int | None = None,
        maximum_record_age: int | None = None,
        bisect_batch: bool = False,
        on_failure: Resource | None = None,
        tumbling_window: int = 0,
        filters: Filters = (),
        kms_key: str | None = None,
        batch: bool = False,
        enabled: bool = True,
        metrics: Sequence[str] = (),
    ) -> None:
        super().__init__(
            starting_position=starting_position,
            batch_size=batch_size,
            batching_window=batching_window,
            parallelization_factor=parallelization_factor,
            maximum_retry_attempts=maximum_retry_attempts,
            maximum_record_age=maximum_record_age,
            bisect_batch=bisect_batch,
            on_failure=on_failure,
            tumbling_window=tumbling_window,
            filters=filters,
            kms_key=kms_key,
            batch=batch,
            enabled=enabled,
            metrics=metrics,
        )
        self.table = self.resource = Table.of("dynamodb_stream", table)
        self.validate()

    def parse(self, raw: Any, context: Any) -> DynamoDBBatch:
        return DynamoDBBatch(raw, context)

    @classmethod
    def source_arn(cls, raw: Any) -> str:
        return super().source_arn(raw).partition("/stream/")[0]

    def payload(self, event: DynamoDBRecord) -> Any:
        return None if event.new_image is None else json_values(event.new_image)

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """To read the stream. Lambda also lists streams, which IAM cannot limit to one."""
        actions = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        key = self.table.kms_key or ""
        decrypted = [(["kms:Decrypt"], [key])] if key.startswith("arn:") else []
        return [(actions, [self.source_in(template)]), (["dynamodb:ListStreams"], ["*"]), *decrypted]

    def source_in(self, template: Template) -> Any:
        return self.table.stream_arn_in(template)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One change. Fields: ``event_name``, ``keys``, ``new_image``, ``old_image`` (dicts of plain values),
        ``sequence_number``."""
        self.fields_among(fields, ("event_name", "keys", "new_image", "old_image", "sequence_number"))
        name = str(fields.get("event_name", "INSERT"))
        key = self.table.partition_key if isinstance(self.table.partition_key, str) else self.table.partition_key[0]
        new = fields.get("new_image", None if name == "REMOVE" else {key: "1"})
        old = fields.get("old_image", None if name == "INSERT" else {key: "1"})
        image = new or old or {key: "1"}
        change = {
            "ApproximateCreationDateTime": 1767225600,
            "Keys": typed_item(fields.get("keys") or {key: image.get(key, "1")}),
            "SequenceNumber": str(fields.get("sequence_number", "4421584500000000017450439091")),
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        change |= {"NewImage": typed_item(new)} if new is not None else {}
        change |= {"OldImage": typed_item(old)} if old is not None else {}
        stream = self.table.stream_arn_text or f"{self.table.sample_arn()}/stream/2026-01-01T00:00:00.000"
        record = {
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": change,
            "eventSourceARN": stream,
        }
        return {"Records": [record if fields else self.wanted(record)]}


def typed_item(item: dict[str, Any]) -> dict[str, Any]:
    """Plain values in DynamoDB's notation."""
    return {name: typed(value) for name, value in item.items()}


def typed(value: Any) -> dict[str, Any]:
    """A plain value in DynamoDB's notation."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, bytes):
        from base64 import b64encode

        return {"B": b64encode(value).decode()}
    if isinstance(value, dict):
        return {"M": typed_item(value)}
    if isinstance(value, set):
        parts = [next(iter(typed(one).items())) for one in sorted(value)]
        return {f"{parts[0][0]}S": [inner for _, inner in parts]}
    if isinstance(value, (list, tuple)):
        return {"L": [typed(one) for one in value]}
    return {"N": str(value)}
