"""Table: a DynamoDB table."""

from __future__ import annotations

from ..options import flag, one_of, refused, text, whole
from .keys import checked_key
from .named import Named, named_with
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NotRequired, Self, TypedDict

    from .resource import Template

    Key = str | tuple[str, str]

    class Index(TypedDict):
        """A global secondary index: its keys, and what it holds beside them."""

        partition_key: Key
        sort_key: NotRequired[Key]
        projection: NotRequired[str | Sequence[str]]


MANAGED_KEY = "alias/aws/dynamodb"
TYPES = ("S", "N", "B")
VIEWS = ("NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY")
CAPACITY_MAX = 40_000  # units a second: the quota of a table, which AWS raises on request
INDEXES_MAX = 20
READING = ("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:DescribeTable", "dynamodb:GetItem")
SEARCHING = ("dynamodb:Query", "dynamodb:Scan")
WRITING = ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")


class Table(Named):
    """A DynamoDB table that the app owns, or (``Table.existing``) one that is there already.

    Options
        ``partition_key``: the attribute that spreads the items, ``id`` unless said. A name for a string, or
        ``(name, type)`` with the type ``S`` (string), ``N`` (number) or ``B`` (bytes).
        ``sort_key``: the attribute that orders the items of one partition, written like ``partition_key``.
        ``ttl``: the attribute that says when an item expires, in seconds since 1970.
        ``stream``: what records of the table's stream show: ``NEW_AND_OLD_IMAGES``, ``NEW_IMAGE``, ``OLD_IMAGE`` or
        ``KEYS_ONLY``. Left out, a table that a trigger reads has a stream with ``NEW_AND_OLD_IMAGES``, another none.
        ``indexes``: global secondary indexes by name, at most 20, each a dict with ``partition_key``, perhaps
        ``sort_key``, and perhaps ``projection``: ``ALL`` (unless said), ``KEYS_ONLY``, or a list of attributes.
        ``read_capacity``, ``write_capacity``: units a second (1-40000) that are provisioned, for the table and for each
        index; both or none. Left out, the table is on-demand: paid for by request.
        ``point_in_time_recovery``: ``False`` for no continuous backups of the last 35 days.
        ``deletion_protection``: ``True`` to have DynamoDB refuse to delete the table until that is switched off.
        ``kms_key``: the ARN of a KMS key to encrypt the table with, or ``alias/aws/dynamodb`` for the one that AWS
        manages in the account; a key of AWS's own unless said.

    A table is data: it stays when the stack goes.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html
    """

    type = "table"
    service = "dynamodb"
    path = "table/"
    suffix = "Table"
    name_max = 255

    def __init__(
        self,
        name: str,
        *,
        partition_key: Key = "id",
        sort_key: Key | None = None,
        ttl: str = "",
        stream: str = "",
        indexes: Mapping[str, Index] | None = None,
        read_capacity: int | None = None,
        write_capacity: int | None = None,
        point_in_time_recovery: bool = True,
        deletion_protection: bool = False,
        kms_key: str | None = None,
    ) -> None:
        super().__init__(name)
        self.partition_key = partition_key
        self.sort_key = sort_key
        self.ttl = ttl
        self.stream = stream
        self.indexes = {} if indexes is None else indexes
        self.read_capacity = read_capacity
        self.write_capacity = write_capacity
        self.point_in_time_recovery = point_in_time_recovery
        self.deletion_protection = deletion_protection
        self.kms_key = kms_key
        self.stream_arn_text = ""
        self.validate()

    @classmethod
    def existing(
        cls, name: str, *, stream_arn: str = "", partition_key: Key = "id", sort_key: Key | None = None
    ) -> Self:
        """A table that is there already, by name, ARN or the ARN of its stream.

        It is never created, changed or deleted on AWS. A trigger that reads its stream needs the stream's ARN, as
        ``name`` or as ``stream_arn``, because no other name tells it. The keys are for the table that ``eventfw
        local`` makes in its place.
        """
        if isinstance(name, str) and "/stream/" in name:
            stream_arn, name = name, name.partition("/stream/")[0]
        table = cls.there(*cls.named(name), partition_key=partition_key, sort_key=sort_key)
        if stream_arn:
            short = table.named(stream_arn.partition("/stream/")[0])[0] if "/stream/" in stream_arn else ""
            if short != table.key:
                raise refused(
                    f"{stream_arn!r} is not the ARN of a stream of the table {table.key!r}. Write "
                    f"arn:aws:dynamodb:REGION:ACCOUNT:table/{table.key}/stream/LABEL."
                )
        table.stream_arn_text = stream_arn
        return table

    def validate(self) -> None:
        text("table", "name", self.key, 'Write app.table("catalog").')
        named_with("table", self.key, "_.-", 3, 255)
        keys = [*checked_keys("table", self.partition_key, self.sort_key)]
        if not isinstance(self.ttl, str) or len(self.ttl) > 255:
            raise refused(f"ttl must be the name of an attribute for table, not {self.ttl!r}.")
        if self.ttl in dict(keys):
            raise refused(f"ttl must be an attribute that is no key for table, not {self.ttl!r}.")
        if self.stream != "":
            one_of("table", "stream", self.stream, VIEWS)
        self._validate_indexes(keys)
        if (self.read_capacity is None) != (self.write_capacity is None):
            raise refused("read_capacity and write_capacity go together for table. Remove one, or say both.")
        for option in ("read_capacity", "write_capacity"):
            if getattr(self, option) is not None:
                remedy = "Remove both for an on-demand table."
                whole("table", option, getattr(self, option), 1, CAPACITY_MAX, remedy)
        flag("table", "point_in_time_recovery", self.point_in_time_recovery)
        flag("table", "deletion_protection", self.deletion_protection)
        checked_key("table", self.kms_key, MANAGED_KEY)

    def _validate_indexes(self, keys: list[tuple[str, str]]) -> None:
        if not hasattr(self.indexes, "items") or len(self.indexes) > INDEXES_MAX:
            raise refused(f"indexes must be a dict of at most {INDEXES_MAX} indexes for table, not {self.indexes!r}.")
        for name, index in self.indexes.items():
            named_with("index", text("table", "the name of an index", name, "Write by_price."), "_.-", 3, 255)
            options = ("partition_key", "sort_key", "projection")
            if not hasattr(index, "items") or "partition_key" not in index:
                raise refused(f"The index {name!r} must be a dict with 'partition_key' for table, not {index!r}.")
            for option in index:
                one_of(f"the index {name!r}", "An option", option, options)
            keys += checked_keys(f"the index {name!r}", index["partition_key"], index.get("sort_key"))
            checked_projection(name, index.get("projection", "ALL"))
        for attribute, type_ in keys:
            for other, another in keys:
                if attribute == other and type_ != another:
                    raise refused(
                        f"The attribute {attribute!r} has the type {type_!r} in one key and {another!r} in another."
                    )

    @property
    def read(self) -> Grant:
        """Leave to get items, and to query and scan the table and its indexes."""
        scopes = {"": (*READING, *SEARCHING), "/index/*": SEARCHING}
        return Grant(self, "read", scopes, ("kms:Decrypt",))

    @property
    def write(self) -> Grant:
        """Leave to put, update and delete items."""
        return Grant(self, "write", {"": WRITING}, ("kms:Decrypt",))

    @property
    def read_write(self) -> Grant:
        """Leave to do both."""
        scopes = {"": (*READING, *SEARCHING, *WRITING), "/index/*": SEARCHING}
        return Grant(self, "read_write", scopes, ("kms:Decrypt",))

    def stream_arn_in(self, template: Template) -> Any:
        """The ARN of the table's stream as a template writes it. A table of the app's has a stream from then on."""
        if self.made_by(template):
            specification = {"StreamViewType": self.stream or VIEWS[0]}
            template.properties(self.logical_id).setdefault("StreamSpecification", specification)
            return template.reference(self.logical_id, "StreamArn")
        if not self.stream_arn_text:
            raise self.refused(
                f"The stream of the existing table {self.key!r} is known by its own ARN only. "
                f"Write Table.existing('arn:aws:dynamodb:REGION:ACCOUNT:table/{self.key}/stream/LABEL')."
            )
        return self.stream_arn_text

    def resources(self, template: Template) -> None:
        """The table. In the local variant an existing table is made under its own name."""
        if not self.made_by(template):
            return
        every = [self.partition_key, self.sort_key]
        for index in self.indexes.values():
            every += [index["partition_key"], index.get("sort_key")]
        types = dict(pair(key) for key in every if key is not None)
        properties: dict[str, Any] = {
            "TableName": self.real_name(template),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": type_} for name, type_ in sorted(types.items())
            ],
            "KeySchema": schema(self.partition_key, self.sort_key),
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": self.point_in_time_recovery},
            "DeletionProtectionEnabled": self.deletion_protection,
            **self._throughput(),
        }
        properties["BillingMode"] = "PAY_PER_REQUEST" if self.read_capacity is None else "PROVISIONED"
        if self.indexes:
            properties["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": name,
                    "KeySchema": schema(index["partition_key"], index.get("sort_key")),
                    "Projection": projected(index.get("projection", "ALL")),
                    **self._throughput(),
                }
                for name, index in sorted(self.indexes.items())
            ]
        if self.ttl:
            properties["TimeToLiveSpecification"] = {"AttributeName": self.ttl, "Enabled": True}
        if self.stream:
            properties["StreamSpecification"] = {"StreamViewType": self.stream}
        if self.kms_key:
            own = {} if self.kms_key == MANAGED_KEY else {"KMSMasterKeyId": self.kms_key}
            properties["SSESpecification"] = {"SSEEnabled": True, "SSEType": "KMS", **own}
        template.add(self.logical_id, "AWS::DynamoDB::Table", properties, retain=True)

    def _throughput(self) -> dict[str, Any]:
        if self.read_capacity is None:
            return {}
        units = {"ReadCapacityUnits": self.read_capacity, "WriteCapacityUnits": self.write_capacity}
        return {"ProvisionedThroughput": units}


def pair(key: Key) -> tuple[str, str]:
    """A key attribute's name and type."""
    return (key, "S") if isinstance(key, str) else (key[0], key[1])


def schema(partition_key: Key, sort_key: Key | None) -> list[dict[str, str]]:
    """Keys as CloudFormation writes them."""
    keys = [{"AttributeName": pair(partition_key)[0], "KeyType": "HASH"}]
    return keys if sort_key is None else [*keys, {"AttributeName": pair(sort_key)[0], "KeyType": "RANGE"}]


def projected(projection: str | Sequence[str]) -> dict[str, Any]:
    """What an index holds, as CloudFormation writes it."""
    if isinstance(projection, str):
        return {"ProjectionType": projection}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(projection)}


def checked_keys(owner: str, partition_key: object, sort_key: object) -> list[tuple[str, str]]:
    """The key attributes, with their types, that DynamoDB takes."""
    keys = [checked_attribute(owner, "partition_key", partition_key)]
    if sort_key is not None:
        keys.append(checked_attribute(owner, "sort_key", sort_key))
        if keys[0][0] == keys[1][0]:
            raise refused(f"partition_key and sort_key must be two attributes for {owner}, not {keys[0][0]!r} twice.")
    return keys


def checked_attribute(owner: str, option: str, key: object) -> tuple[str, str]:
    """A key attribute: a name, or a name and a type."""
    if isinstance(key, str):
        key = (key, "S")
    if not isinstance(key, tuple) or len(key) != 2 or not all(isinstance(part, str) and part for part in key):
        raise refused(
            f"{option} must be the name of an attribute, or (name, type) with the type 'S', 'N' or 'B', for {owner}, "
            f"not {key!r}."
        )
    one_of(owner, f"The type of {option}", key[1], TYPES)
    if len(key[0].encode()) > 255:
        raise refused(f"{option} must have at most 255 bytes for {owner}, not {len(key[0].encode())}.")
    return key


def checked_projection(name: str, projection: object) -> None:
    """Refuse what an index cannot hold."""
    if isinstance(projection, str):
        return one_of(f"the index {name!r}", "projection", projection, ("ALL", "KEYS_ONLY"))
    if not isinstance(projection, (list, tuple)) or not 1 <= len(projection) <= 100:
        raise refused(
            f"projection must be 'ALL', 'KEYS_ONLY' or a list of 1 to 100 attributes for the index {name!r}, not "
            f"{projection!r}."
        )
    for attribute in projection:
        text(f"the index {name!r}", "An attribute of projection", attribute, "Name an attribute.")
    return None
