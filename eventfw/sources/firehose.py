"""``@app.firehose_transform``: records on their way through a Firehose stream."""

from __future__ import annotations

from ..errors import users_traceback
from ..events import Event
from ..models import built_in
from ..options import one_of, printable, refused, text, texts, whole
from ..resources.bucket import Bucket
from ..resources.names import pascal, unstaged
from ..resources.resource import within
from ..trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template

RESPONSE_MAX = 6_000_000  # bytes: Lambda takes 6 MB, of which the frame around the records has the rest
RECORD_FRAME = 160  # bytes of an answer beside its data, at most: the id, the result and their names
PARTITIONED_BUFFER = 64  # MB: the least that Firehose takes with dynamic partitioning
TIMEOUT_MAX = 300  # seconds that Firehose waits for a function
NAME_MAX = 64  # characters of a stream's name
ERROR_TYPE = "!{firehose:error-output-type}"  # `processing-failed`, for records that the function gave up
DEFAULTS = {"prefix": "", "error_prefix": "failed/", "compression": "GZIP", "buffer_size": 1, "buffer_interval": 60}
DEFAULTS |= {"retries": 3, "partition_by": ()}
COMPRESSIONS = ("UNCOMPRESSED", "GZIP", "ZIP", "Snappy", "HADOOP_SNAPPY")


class FirehoseRecord(Event):
    """One record. https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html"""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self._keys: dict[str, str] = {}

    def summary(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        """The record's id, within this invocation."""
        return str(self.raw["recordId"])

    @property
    def data(self) -> bytes:
        """The data, as it was put."""
        from base64 import b64decode

        return b64decode(self.raw["data"])

    @property
    def text(self) -> str:
        """The data as UTF-8 text."""
        return self.data.decode()

    @property
    def json(self) -> Any:
        """The data read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.data)

    @property
    def arrived_at(self) -> datetime:
        """When Firehose received it, with time zone."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(int(self.raw["approximateArrivalTimestamp"]) / 1000, UTC)

    @property
    def kinesis(self) -> dict[str, Any]:
        """Where it was in the Kinesis stream that it came from: ``sequenceNumber``, ``partitionKey``...; else empty."""
        return self.raw.get("kinesisRecordMetadata") or {}

    @property
    def partition_keys(self) -> dict[str, str]:
        """What the record is filed by, in a stream with ``partition_by``: the handler fills it in."""
        return self._keys


class FirehoseBatch(Event):
    """The records of one invocation."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.records = [FirehoseRecord(record, context) for record in raw["records"]]

    def summary(self) -> str:
        return f"{len(self.records)} record{'s' * (len(self.records) != 1)}"

    def __iter__(self) -> Iterator[FirehoseRecord]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    @property
    def stream_arn(self) -> str:
        """The ARN of the Firehose stream; ``""`` in some of AWS's own test events."""
        return str(self.raw.get("deliveryStreamArn", ""))

    @property
    def invocation_id(self) -> str:
        """Firehose's id of this invocation."""
        return str(self.raw["invocationId"])


class FirehoseTransform(Trigger):
    """Run for each record of a Firehose stream; what the handler returns is delivered in its stead.

    ``stream``: its name. With ``bucket``, one that the app owns or the name of an existing one, the app makes the
    stream, which delivers there; else the stream exists, and its own configuration names the function. ``prefix`` and
    ``error_prefix`` begin the keys of what is delivered, and of what is not; ``compression`` is GZIP unless said.
    ``buffer_size``: MB (0.2-3) and ``buffer_interval``: seconds (0-900) until the records that came are transformed.
    ``partition_by``: names of partition keys, by which the handler files each record. ``retries``: how often (0-300) an
    invocation is tried again.

    Bytes and text are delivered as they are, anything else as a line of JSON; nothing (``None``) drops the record. A
    record whose call raises goes to the error prefix. Every record is answered once.
    https://docs.aws.amazon.com/firehose/latest/dev/data-transformation-status-model.html
    """

    decorator = "firehose_transform"
    example = '@app.firehose_transform("views", bucket=uploads)'
    kinds = ("firehose",)

    def __init__(
        self,
        stream: str,
        *,
        bucket: Bucket | str | None = None,
        prefix: str = "",
        error_prefix: str = "failed/",
        compression: str = "GZIP",
        buffer_size: float = 1,
        buffer_interval: int = 60,
        partition_by: Sequence[str] = (),
        retries: int = 3,
    ) -> None:
        super().__init__()
        self.stream = stream
        self.bucket = self.resource = None if bucket is None else Bucket.of("firehose_transform", bucket)
        self.prefix = prefix
        self.error_prefix = error_prefix
        self.compression = compression
        self.buffer_size = buffer_size
        self.buffer_interval = buffer_interval
        self.partition_by = partition_by
        self.retries = retries
        self.validate()

    def validate(self) -> None:
        text("firehose_transform", "stream", self.stream, 'Write @app.firehose_transform("views", bucket=uploads).')
        if len(self.stream) > NAME_MAX or not all(c.isascii() and (c.isalnum() or c in "._-") for c in self.stream):
            raise refused(
                f"Firehose refuses the stream name {self.stream!r}: it has 1 to {NAME_MAX} letters, digits, '.', '_' "
                f"and '-'."
            )
        size = self.buffer_size
        if isinstance(size, bool) or not isinstance(size, (int, float)) or not 0.2 <= size <= 3:
            raise refused(f"buffer_size must be 0.2 to 3 MB for firehose_transform, not {size!r}. Remove it for 1 MB.")
        whole("firehose_transform", "buffer_interval", self.buffer_interval, 0, 900, "Remove it for 60 s.")
        whole("firehose_transform", "retries", self.retries, 0, 300, "Remove it to try 3 times more.")
        one_of("firehose_transform", "compression", self.compression, COMPRESSIONS)
        for option in ("prefix", "error_prefix"):
            if not isinstance(getattr(self, option), str) or len(getattr(self, option)) > 1024:
                raise refused(f"{option} must be text of at most 1024 characters for firehose_transform.")
        keys = self.partition_by
        texts("firehose_transform", "partition_by", keys, "['customer']")
        if not all(key.isidentifier() for key in keys):
            raise refused(
                f"partition_by must be a list of names such as ['customer'] for firehose_transform, not {keys!r}."
            )
        if (keys or "!{" in self.prefix) and not self.error_prefix:
            raise refused("Firehose refuses partition_by, or a prefix with expressions, without an error_prefix.")
        if "!{" in self.error_prefix and ERROR_TYPE not in self.error_prefix:
            raise refused(f"Firehose refuses an error_prefix with expressions, but without {ERROR_TYPE}. Add it.")
        if self.bucket is None:
            for option, default in DEFAULTS.items():
                if getattr(self, option) not in (default, []):
                    raise refused(
                        f"{option} needs bucket=..., with which the app makes the stream: {self.stream!r} exists, and "
                        f"is not changed."
                    )

    def title(self) -> str:
        return f"firehose {self.stream}"

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"firehose {self.stream}", f"The transformation of stream {self.stream!r}")]

    def parse(self, raw: Any, context: Any) -> FirehoseBatch:
        return FirehoseBatch(raw, context)

    def payload(self, event: Any) -> Any:
        """A record's data read as JSON, for a parameter that is a data class."""
        return event.json

    def call(self, binding: Binding, event: FirehoseBatch) -> list[dict[str, Any]]:
        answers = []
        for record in event:
            try:
                result = binding(record, event.context)
                missing = [key for key in self.partition_by if key not in record.partition_keys]
                if missing and result is not None:
                    raise ValueError(f"record.partition_keys has no {missing[0]!r}, by which the stream files records.")
                answers.append(answered(record, result))
            except Exception as error:
                import logging

                reason = (type(error), error, users_traceback(error))
                logging.getLogger("eventfw").error("Record %s could not be transformed.", record.id, exc_info=reason)
                answers.append(failed(record))
        return answers

    def encode(self, result: Any, event: FirehoseBatch) -> dict[str, Any]:
        return {"records": within_limit(complete(result, event), event)}

    def mismatch(self, raw: Any) -> str:
        real = raw["deliveryStreamArn"].rpartition("/")[2]
        owner = self.bucket.app if self.bucket is not None else ""
        found = (real, unstaged(real, owner)) if owner else (real,)
        return "" if self.stream in found else f"stream `{printable(real)}` is not `{self.stream}`"

    def resources(self, function: Function, template: Template) -> None:
        """The stream and its role, which may invoke the function and write to the bucket; no permission is needed."""
        if function.timeout > TIMEOUT_MAX:
            raise self.refused(
                f"Firehose waits {TIMEOUT_MAX} s for a function, and {function.name!r} may take {function.timeout}. "
                f"Write @app.function(timeout={TIMEOUT_MAX}) or less."
            )
        if self.bucket is None:
            return
        name = template.physical(self.stream)
        if len(name) > NAME_MAX:
            raise self.refused(
                f"The stream name {name!r} is longer than the {NAME_MAX} characters Firehose takes. "
                f"Shorten the stream's, the app's or the stage's name."
            )
        base = pascal(self.stream) + "Firehose"
        arn = template.function_arn(function)
        bucket = self.bucket.arn_in(template)
        inside = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
        statements = [
            (["lambda:GetFunctionConfiguration", "lambda:InvokeFunction"], [arn]),
            (["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"], [bucket]),
            (inside, [within(bucket, "/*")]),
        ]
        same_account = {"StringEquals": {"sts:ExternalId": {"Ref": "AWS::AccountId"}}}
        role = template.role(base + "Role", "firehose.amazonaws.com", statements, conditions=same_account)
        properties = {
            "DeliveryStreamName": name,
            "DeliveryStreamType": "DirectPut",
            "DeliveryStreamEncryptionConfigurationInput": {"KeyType": "AWS_OWNED_CMK"},
            "ExtendedS3DestinationConfiguration": self._destination(bucket, template.reference(role, "Arn"), arn),
        }
        stream = template.add(base, "AWS::KinesisFirehose::DeliveryStream", properties)
        template.output(stream, {"Ref": stream}, f"The Firehose stream {self.stream}")

    def _destination(self, bucket: Any, role: Any, function: Any) -> dict[str, Any]:
        parameters = {
            "LambdaArn": function,
            "RoleArn": role,
            "NumberOfRetries": str(self.retries),
            "BufferSizeInMBs": str(self.buffer_size),
            "BufferIntervalInSeconds": str(self.buffer_interval),
        }
        listed = [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()]
        destination: dict[str, Any] = {
            "BucketARN": bucket,
            "RoleARN": role,
            "CompressionFormat": self.compression,
            "ProcessingConfiguration": {
                "Enabled": True,
                "Processors": [{"Type": "Lambda", "Parameters": listed}],
            },
        }
        filed = "".join(f"{key}=!{{partitionKeyFromLambda:{key}}}/" for key in self.partition_by)
        if self.prefix or filed:
            destination["Prefix"] = self.prefix + filed
        if self.error_prefix:
            evaluated = "!{" in self.error_prefix
            destination["ErrorOutputPrefix"] = self.error_prefix + ("" if evaluated else f"{ERROR_TYPE}/")
        if filed:
            destination["DynamicPartitioningConfiguration"] = {"Enabled": True}
            destination["BufferingHints"] = {"SizeInMBs": PARTITIONED_BUFFER, "IntervalInSeconds": 300}
        return destination

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One record. Fields: ``data`` (text, bytes, or anything that is written as JSON), ``id``, ``stream``."""
        from base64 import b64encode

        self.fields_among(fields, ("data", "id", "stream"))
        stream = str(fields.get("stream", self.stream))
        record = {
            "recordId": str(fields.get("id", "49578734086442259037497492980620233840400173390482112514000000")),
            "approximateArrivalTimestamp": 1767225600000,
            "data": b64encode(as_bytes(fields.get("data", "{}"))).decode(),
        }
        return {
            "invocationId": "2b4d1ad9-2f48-94bd-a088-767c317e994a",
            "deliveryStreamArn": f"arn:aws:firehose:us-east-1:123456789012:deliverystream/{stream}",
            "region": "us-east-1",
            "records": [record],
        }


def as_bytes(result: Any) -> bytes:
    """What a handler returned, as it is delivered: JSON ends with a line break, so that records are lines of a file."""
    if isinstance(result, bytes):
        return result
    if isinstance(result, str):
        return result.encode()
    from json import dumps

    return dumps(result, allow_nan=False, default=built_in).encode() + b"\n"


def answered(record: FirehoseRecord, result: Any) -> dict[str, Any]:
    """The answer for a record whose handler returned ``result``."""
    if result is None:
        return {"recordId": record.id, "result": "Dropped", "data": record.raw["data"]}
    from base64 import b64encode

    data = b64encode(as_bytes(result)).decode()
    answer: dict[str, Any] = {"recordId": record.id, "result": "Ok", "data": data}
    if record.partition_keys:
        answer["metadata"] = {"partitionKeys": {name: str(value) for name, value in record.partition_keys.items()}}
    return answer


def failed(record: FirehoseRecord) -> dict[str, Any]:
    """The answer for a record that goes to the error prefix, as it came."""
    return {"recordId": record.id, "result": "ProcessingFailed", "data": record.raw["data"]}


def complete(result: Any, batch: FirehoseBatch) -> list[dict[str, Any]]:
    """An answer for each record, once, in order. What middleware took out has failed."""
    given = {one.get("recordId"): one for one in result if isinstance(one, dict)} if isinstance(result, list) else {}
    return [given.get(record.id) or failed(record) for record in batch]


def within_limit(answers: list[dict[str, Any]], batch: FirehoseBatch) -> list[dict[str, Any]]:
    """The answers, as many as fit into a response: the largest of the others have failed, not the whole batch."""
    sizes = [len(each["data"]) + len(str(each.get("metadata", ""))) + RECORD_FRAME for each in answers]
    total = sum(sizes)
    for position in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        if total <= RESPONSE_MAX:
            break
        small = failed(batch.records[position])
        gained = sizes[position] - len(small["data"]) - RECORD_FRAME
        if gained > 0:
            import logging

            text = "Record %s is too large with the others of its batch: Lambda returns %s bytes at most."
            logging.getLogger("eventfw").error(text, small["recordId"], RESPONSE_MAX)
            answers[position] = small
            total -= gained
    return answers
