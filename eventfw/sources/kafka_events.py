"""Records of a Kafka topic, and the batches they come in."""

from __future__ import annotations

from ..events import Event
from ..polling.batches import Batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import Any


class KafkaRecord(Event):
    """One record of a topic. https://docs.aws.amazon.com/lambda/latest/dg/with-kafka.html"""

    def summary(self) -> str:
        return f"{self.topic}-{self.partition} {self.offset}"

    @property
    def topic(self) -> str:
        """The topic."""
        return str(self.raw["topic"])

    @property
    def partition(self) -> int:
        """The partition: records of one are in order."""
        return int(self.raw["partition"])

    @property
    def offset(self) -> int:
        """The record's place in its partition."""
        return int(self.raw["offset"])

    @property
    def timestamp(self) -> datetime | None:
        """When it was made or appended, with time zone; ``timestamp_type`` says which."""
        from datetime import UTC, datetime

        milliseconds = self.raw.get("timestamp")
        return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)

    @property
    def timestamp_type(self) -> str | None:
        """``CREATE_TIME`` or ``LOG_APPEND_TIME``."""
        return self.raw.get("timestampType")  # type: ignore[no-any-return]

    @property
    def key(self) -> bytes | None:
        """The key; ``None`` where the record has none."""
        return self._decoded("key")

    @property
    def value(self) -> bytes | None:
        """The value; ``None`` for a tombstone, which says that the key's value was deleted."""
        return self._decoded("value")

    def _decoded(self, name: str) -> bytes | None:
        value = self.raw.get(name)
        if value is None:
            return None
        from base64 import b64decode

        return b64decode(value)

    @property
    def text(self) -> str:
        """The value as UTF-8 text, ``""`` for a tombstone. Raises ``ValueError`` where it is none."""
        return (self.value or b"").decode()

    @property
    def json(self) -> Any:
        """The value read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.value or b"")

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers by name; of a name that comes several times, the last."""
        pairs = ((name, value) for header in self.raw.get("headers") or () for name, value in header.items())
        return {name: bytes(number % 256 for number in value) for name, value in pairs}  # Java's bytes have a sign


class KafkaBatch(Batch):
    """The records of one invocation, partition by partition.

    After :meth:`fail` that record and what is behind it in its partition come again; without provisioned pollers, the
    whole batch.
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        records = [KafkaRecord(record, context) for records in raw["records"].values() for record in records]
        super().__init__(raw, context, records)

    def __iter__(self) -> Iterator[KafkaRecord]:
        return iter(self.records)

    def identifier(self, record: KafkaRecord) -> dict[str, Any]:
        """The record's partition, with the topic, and its offset."""
        return {"partition": f"{record.topic}-{record.partition}", "offset": record.offset}

    @property
    def failures(self) -> list[dict[str, Any]]:
        """What names the records that come again: of each partition the first failed one and all behind it."""
        begun: set[str] = set()
        found = []
        for position, record in enumerate(self.records):
            name = self.identifier(record)
            if position in self._failed:
                begun.add(name["partition"])
            if name["partition"] in begun:
                found.append(name)
        return found

    @property
    def bootstrap_servers(self) -> list[str]:
        """The cluster's brokers."""
        return [server for server in str(self.raw.get("bootstrapServers") or "").split(",") if server]


def encoded(value: Any) -> str | None:
    """Text, or anything as JSON, in base64; ``None`` stays."""
    if value is None:
        return None
    from base64 import b64encode

    if not isinstance(value, str):
        from json import dumps

        value = dumps(value)
    return b64encode(value.encode()).decode()


def topic_of(raw: Any) -> str:
    """The topic of an event: a mapping reads one."""
    name, records = next(iter(raw["records"].items()))
    return str(records[0]["topic"]) if records else str(name).rpartition("-")[0]
