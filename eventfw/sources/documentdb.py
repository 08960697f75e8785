"""``@app.documentdb_stream``: changes of an Amazon DocumentDB collection."""

from __future__ import annotations

from ..events import Event
from ..options import one_of, printable, refused, text
from ..polling.batches import Batch
from ..polling.mapping import VPC_ACTIONS, Polled
from ..resources.names import pascal
from ..trigger import filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..trigger import Finder

POSITIONS = ("LATEST", "TRIM_HORIZON")


class DocumentChange(Event):
    """One change of a document. https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb.html

    Values are in MongoDB's extended JSON: ``{"$oid": "..."}`` is an object id, ``{"$date": ...}`` a time.
    """

    def summary(self) -> str:
        return f"{self.operation} {self.database}.{self.collection}"

    @property
    def operation(self) -> str:
        """What happened: ``insert``, ``update``, ``replace``, ``delete``, ``drop``, ``invalidate``..."""
        return str(self.raw["operationType"])

    @property
    def database(self) -> str | None:
        """The database."""
        return (self.raw.get("ns") or {}).get("db")

    @property
    def collection(self) -> str | None:
        """The collection."""
        return (self.raw.get("ns") or {}).get("coll")

    @property
    def document_key(self) -> dict[str, Any] | None:
        """The document's key, ``{"_id": ...}``; ``None`` where the change is of a whole collection."""
        return self.raw.get("documentKey")  # type: ignore[no-any-return]

    @property
    def full_document(self) -> dict[str, Any] | None:
        """The document after the change: of inserts and replacements, and of updates with
        ``full_document="UpdateLookup"``; else ``None``."""
        return self.raw.get("fullDocument")  # type: ignore[no-any-return]

    @property
    def update_description(self) -> dict[str, Any] | None:
        """Of an update, what it changed: ``updatedFields`` and ``removedFields``."""
        return self.raw.get("updateDescription")  # type: ignore[no-any-return]

    @property
    def changed_at(self) -> datetime | None:
        """When it happened, with time zone, to the second."""
        from datetime import UTC, datetime

        seconds = ((self.raw.get("clusterTime") or {}).get("$timestamp") or {}).get("t")
        return datetime.fromtimestamp(seconds, UTC) if seconds else None

    @property
    def token(self) -> str | None:
        """The change's place in the stream."""
        return (self.raw.get("_id") or {}).get("_data")


class DocumentBatch(Batch):
    """The changes of one invocation, in order. It succeeds or comes again as a whole."""

    one = "change"
    ordered = True

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context, [DocumentChange(one["event"], context) for one in raw["events"]])

    def __iter__(self) -> Iterator[DocumentChange]:
        return iter(self.records)

    def identifier(self, record: DocumentChange) -> Any:
        """The change's place in the stream."""
        return record.token

    @property
    def cluster_arn(self) -> str:
        """The cluster's ARN."""
        return str(self.raw["eventSourceArn"])


class DocumentDBStream(Polled):
    """Run for the changes of a collection or a database; once for each, in order.

    ``cluster``: its ARN, which begins ``arn:aws:rds:``; its change streams must be switched on. ``database``: the
    database; ``collection``: the collection, every one unless said. ``secret``: the ARN of the secret with the
    cluster's ``username`` and ``password``. ``full_document``: ``UpdateLookup`` to get the whole document of an update.
    ``starting_position``: ``LATEST`` (unless said), ``TRIM_HORIZON`` or a ``datetime``. ``batch_size``: changes an
    invocation takes at most, 1-10000, 100 unless said; ``batching_window``: seconds (1-300) to wait for them; half a
    second unless said, which cannot be had back once the mapping said something else. ``batch``: hand over the whole
    batch in one call. ``enabled``: ``False`` deploys the mapping switched off.

    There is no reporting of single changes: the first call that raises fails the invocation, and the whole batch comes
    again. Changes over 6 MB are dropped. The function's timeout is at most 14 minutes.
    https://docs.aws.amazon.com/lambda/latest/dg/with-documentdb-params.html
    """

    decorator = "documentdb_stream"
    example = (
        '@app.documentdb_stream("arn:aws:rds:us-east-1:123456789012:cluster:shop", "shop", '
        'secret="arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf")'
    )
    kinds = ("documentdb",)
    partial = False

    def __init__(
        self,
        cluster: str,
        database: str,
        *,
        secret: str,
        collection: str | None = None,
        full_document: str = "Default",
        starting_position: str | datetime = "LATEST",
        batch_size: int = 100,
        batching_window: int = 0,
        batch: bool = False,
        enabled: bool = True,
    ) -> None:
        super().__init__(batch_size=batch_size, batching_window=batching_window, batch=batch, enabled=enabled)
        self.cluster = cluster
        self.database = database
        self.secret = secret
        self.collection = collection
        self.full_document = full_document
        self.starting_position = starting_position
        self.resource = None
        self.validate()

    def validate(self) -> None:
        super().validate()
        name = self.decorator
        if not isinstance(self.cluster, str) or ":rds:" not in self.cluster or ":cluster:" not in self.cluster:
            raise refused(
                f"cluster must be an ARN such as arn:aws:rds:REGION:ACCOUNT:cluster:NAME for {name}, not "
                f"{self.cluster!r}."
            )
        text(name, "database", self.database, "Name the database.")
        if any(sign in self.database for sign in ' /.$"') or len(self.database) > 63:
            raise refused(f"database must have at most 63 characters, and none of ' / . $ \"', not {self.database!r}.")
        if self.collection is not None:
            text(name, "collection", self.collection, "Remove it for every collection.")
            if self.collection.startswith("system.") or "$" in self.collection or len(self.collection) > 57:
                raise refused(
                    f"collection must have at most 57 characters, no $, and not begin with system., not "
                    f"{self.collection!r}."
                )
        if not isinstance(self.secret, str) or ":secretsmanager:" not in self.secret:
            raise refused(f"secret must be the ARN of a secret in Secrets Manager for {name}, not {self.secret!r}.")
        one_of(name, "full_document", self.full_document, ("Default", "UpdateLookup"))
        if self.starting_position not in POSITIONS and not getattr(self.starting_position, "tzinfo", None):
            raise refused(
                f"starting_position must be 'LATEST', 'TRIM_HORIZON' or a datetime with time zone for {name}, not "
                f"{self.starting_position!r}."
            )

    def title(self) -> str:
        where = f"{self.database}.{self.collection}" if self.collection else self.database
        return " ".join([f"documentdb {where}", *self.describe()])

    def parse(self, raw: Any, context: Any) -> DocumentBatch:
        return DocumentBatch(raw, context)

    def call(self, binding: Binding, event: DocumentBatch) -> Any:
        if self.batch:
            return binding(event, event.context)
        for change in event:
            binding(change, event.context)
        return None

    def payload(self, event: DocumentChange) -> Any:
        return event.full_document

    def encode(self, result: Any, event: DocumentBatch) -> None:
        if event.failures:
            raise RuntimeError(f"{len(event.failures)} changes failed, and Lambda takes no word of single ones.")

    def mismatch(self, raw: Any) -> str:
        if raw["eventSourceArn"] != self.cluster:
            return f"cluster `{printable(raw['eventSourceArn'])}` is not `{self.cluster}`"
        namespace = raw["events"][0]["event"].get("ns") or {}
        if namespace.get("db") not in (self.database, None):
            return f"database `{printable(namespace['db'])}` is not `{self.database}`"
        if self.collection is not None and namespace.get("coll") not in (self.collection, None):
            return f"collection `{printable(namespace['coll'])}` is not `{self.collection}`"
        return ""

    @classmethod
    def index(cls, triggers: Sequence[DocumentDBStream]) -> Finder:  # type: ignore[override]
        """By the cluster."""
        return filed(([trigger.cluster] for trigger in triggers), lambda raw: (raw["eventSourceArn"],))

    def source_in(self, template: Template) -> Any:
        return self.cluster

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """To find the cluster, to log in to it, and to reach its VPC."""
        return [
            (["rds:DescribeDBClusterParameters", "rds:DescribeDBClusters", "rds:DescribeDBSubnetGroups"], ["*"]),
            (["secretsmanager:GetSecretValue"], [self.secret]),
            (list(VPC_ACTIONS), ["*"]),
        ]

    def mapping_name(self, function: Function) -> str:
        return pascal(function.name) + pascal(self.database) + pascal(self.collection or "") + "DocumentsMapping"

    def mapping(self, function: Function, template: Template) -> dict[str, Any]:
        properties = super().mapping(function, template)
        position = self.starting_position
        properties["StartingPosition"] = position if isinstance(position, str) else "AT_TIMESTAMP"
        if not isinstance(position, str):
            properties["StartingPositionTimestamp"] = position.timestamp()
        config = {"DatabaseName": self.database, "FullDocument": self.full_document}
        if self.collection:
            config["CollectionName"] = self.collection
        access = [{"Type": "BASIC_AUTH", "URI": self.secret}]
        return {**properties, "DocumentDBEventSourceConfig": config, "SourceAccessConfigurations": access}

    def resources(self, function: Function, template: Template) -> None:
        """The mapping. The embedded AWS has no DocumentDB, so in the local variant there is none."""
        self.check_timeout(function)
        if not template.local:
            super().resources(function, template)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One change. Fields: ``operation``, ``document`` (the full document), ``document_key``."""
        self.fields_among(fields, ("operation", "document", "document_key"))
        operation = str(fields.get("operation", "insert"))
        change: dict[str, Any] = {
            "_id": {"_data": "0163eeb6e7000000090100000009000041e1"},
            "clusterTime": {"$timestamp": {"t": 1767225600, "i": 9}},
            "documentKey": fields.get("document_key") or {"_id": {"$oid": "63eeb6e7d418cd98afb1c1d7"}},
            "ns": {"db": self.database, "coll": self.collection or "example"},
            "operationType": operation,
        }
        if operation != "delete":
            change["fullDocument"] = {**change["documentKey"], **(fields.get("document") or {})}
        return {"eventSourceArn": self.cluster, "eventSource": "aws:docdb", "events": [{"event": change}]}
