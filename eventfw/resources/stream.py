"""Stream: a Kinesis data stream."""

from __future__ import annotations

from ..options import text, whole
from .keys import checked_key
from .named import Named, named_with
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .resource import Template

MANAGED_KEY = "alias/aws/kinesis"
RETENTION_DEFAULT = 24  # hours
RETENTION_MAX = 8760  # hours: 365 days
SHARDS_MAX = 10_000  # the most that an account's quota can be raised to by asking in the console


class Stream(Named):
    """A Kinesis data stream that the app owns, or (``Stream.existing``) one that is there already.

    Options
        ``shards``: how many shards (1-10000), each of which takes 1 MB or 1,000 records a second and gives 2 MB a
        second. Left out, the stream is on-demand: Kinesis adds and removes shards by itself.
        ``retention``: hours (24-8760, 365 days) that records are kept, 24 unless said. Over 24 hours cost more.
        ``kms_key``: the ARN of a KMS key to encrypt records with; ``alias/aws/kinesis``, which AWS manages, unless
        said.

    Streams go with the stack. https://docs.aws.amazon.com/streams/latest/dev/key-concepts.html
    """

    type = "stream"
    service = "kinesis"
    path = "stream/"
    suffix = "Stream"
    name_max = 128

    def __init__(
        self,
        name: str,
        *,
        shards: int | None = None,
        retention: int = RETENTION_DEFAULT,
        kms_key: str = MANAGED_KEY,
    ) -> None:
        super().__init__(name)
        self.shards = shards
        self.retention = retention
        self.kms_key = kms_key
        self.validate()

    def validate(self) -> None:
        text("stream", "name", self.key, 'Write app.stream("clicks").')
        named_with("stream", self.key, "_.-", 1, 128)
        if self.shards is not None:
            whole("stream", "shards", self.shards, 1, SHARDS_MAX, "Remove it for an on-demand stream.")
        whole("stream", "retention", self.retention, RETENTION_DEFAULT, RETENTION_MAX, "Remove it to keep 24 hours.")
        checked_key("stream", self.kms_key or "", MANAGED_KEY)

    @property
    def put(self) -> Grant:
        """Leave to put records, singly and in batches."""
        return Grant(self, "put", {"": ("kinesis:PutRecord", "kinesis:PutRecords")}, ("kms:GenerateDataKey",))

    @property
    def read(self) -> Grant:
        """Leave to read the shards. A consumer has it by itself."""
        actions = (
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        )
        return Grant(self, "read", {"": actions}, ("kms:Decrypt",))

    def resources(self, template: Template) -> None:
        """The stream. In the local variant an existing stream is made under its own name."""
        if not self.made_by(template):
            return
        properties: dict[str, Any] = {
            "Name": self.real_name(template),
            "RetentionPeriodHours": self.retention,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": self.kms_key},
        }
        if self.shards is None:
            properties["StreamModeDetails"] = {"StreamMode": "ON_DEMAND"}
        else:
            properties["StreamModeDetails"] = {"StreamMode": "PROVISIONED"}
            properties["ShardCount"] = self.shards
        template.add(self.logical_id, "AWS::Kinesis::Stream", properties)
