"""``@app.s3_trigger``: S3 event notifications."""

from __future__ import annotations

from ..errors import RuleError
from ..events import Event, instant
from ..options import printable, refused
from ..resources.bucket import Bucket
from ..resources.names import filed_as, known_as, pascal
from ..rules.keys import KeyFilter, KeyFilterSet, check_event_type, covers, types_overlap
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Grant, Template


class S3Record(Event):
    """One object that was created, removed, tagged...

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """

    def summary(self) -> str:
        return f"{self.event_name} {self.bucket}/{self.key}"

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return str(self.raw["s3"]["bucket"]["name"])

    @property
    def key(self) -> str:
        """The object's key, decoded (S3 sends it URL-encoded, with ``+`` for a space)."""
        key = str(self._object["key"])
        if "%" not in key and "+" not in key:
            return key
        from urllib.parse import unquote_plus

        return unquote_plus(key)

    @property
    def _object(self) -> dict[str, Any]:
        # An IntelligentTiering record may name its object under `get_object`.
        detail = self.raw["s3"]
        return detail.get("object") or detail["get_object"]  # type: ignore[no-any-return]

    @property
    def size(self) -> int | None:
        """The object's size in bytes; ``None`` when it was removed."""
        return self._object.get("size")

    @property
    def etag(self) -> str | None:
        """The object's entity tag; ``None`` when it was removed."""
        return self._object.get("eTag")

    @property
    def version_id(self) -> str | None:
        """The object's version, in a versioned bucket."""
        return self._object.get("versionId")

    @property
    def sequencer(self) -> str | None:
        """Orders the events of one key: pad to equal length with zeros on the left and compare as text."""
        return self._object.get("sequencer")

    @property
    def event_name(self) -> str:
        """What happened, such as ``ObjectCreated:Put``."""
        return str(self.raw["eventName"])

    @property
    def time(self) -> datetime:
        """When S3 finished the request, with time zone."""
        return instant(self.raw["eventTime"])  # type: ignore[no-any-return]

    @property
    def region(self) -> str:
        """The bucket's region."""
        return str(self.raw["awsRegion"])


class S3Event(Event):
    """An invocation by S3: its records."""

    def summary(self) -> str:
        return f"{len(self.records)} record{'s' * (len(self.records) != 1)}"

    @property
    def records(self) -> list[S3Record]:
        """One a notification; S3 sends one at a time, but its format allows more."""
        return [S3Record(record, self.context) for record in self.raw["Records"]]


class S3Trigger(Trigger):
    """Run for objects in a bucket; once for each record.

    ``bucket``: a bucket that the app owns. ``prefix`` and ``suffix``: only keys that begin and end so. ``events``: the
    event types, such as ``s3:ObjectCreated:*`` (the default) or ``s3:ObjectRemoved:Delete``.

    Invoked asynchronously: when a call raises, the other records still run, the first error fails the invocation, and
    Lambda tries the event again after one and after two more minutes. Events may come twice, and in any order.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
    """

    decorator = "s3_trigger"
    example = '@app.s3_trigger(uploads, suffix=".png")'
    kinds = ("s3",)

    def __init__(
        self,
        bucket: Bucket,
        *,
        prefix: str = "",
        suffix: str = "",
        events: str | Sequence[str] = ("s3:ObjectCreated:*",),
    ) -> None:
        super().__init__()
        if isinstance(bucket, str):
            raise refused(
                f"s3_trigger takes a bucket that the app owns, not the name {bucket!r}. "
                f"Write uploads = app.bucket({bucket!r}) and @app.s3_trigger(uploads)."
            )
        if not isinstance(bucket, Bucket):
            raise refused(f"s3_trigger takes a bucket such as app.bucket('uploads'), not {bucket!r}.")
        self.bucket = self.resource = bucket
        given = [events] if isinstance(events, str) else events
        if not isinstance(given, (list, tuple)) or not given:
            raise refused(f"events must be a list such as ['s3:ObjectCreated:*'] for s3_trigger, not {events!r}.")
        try:
            self.filter = KeyFilter(prefix, suffix)
            for event in given:
                check_event_type(event)
        except RuleError as error:
            raise refused(error.message) from None
        self.events = tuple(given)
        for position, event in enumerate(given):
            for other in given[:position]:
                if types_overlap(event, other):
                    raise refused(f"S3 refuses events that overlap in one notification: {other} and {event}. Keep one.")

    def title(self) -> str:
        parts = [f"s3 {self.bucket.key}", *self.events]
        parts += [f"prefix={self.filter.prefix}"] * bool(self.filter.prefix)
        parts += [f"suffix={self.filter.suffix}"] * bool(self.filter.suffix)
        return " ".join(parts)

    def clash(self, other: Trigger) -> str:
        """S3 refuses two notifications of a bucket whose event types, prefixes and suffixes all overlap."""
        if not isinstance(other, S3Trigger) or not self.filter.overlaps(other.filter):
            return ""
        pairs = ((one, two) for one in self.events for two in other.events)
        both = next(((one, two) for one, two in pairs if types_overlap(one, two)), None)
        return f"A notification of bucket {self.bucket.key!r} for {both[0]} and overlapping keys" if both else ""

    def parse(self, raw: Any, context: Any) -> S3Event:
        return S3Event(raw, context)

    def call(self, binding: Binding, event: S3Event) -> None:
        first: Exception | None = None
        for record in event.records:
            try:
                binding(record, event.context)
            except Exception as error:
                if first is None:
                    first = error
                else:
                    error.add_note(f"(a further failure of the same invocation, in {record!r})")
                    first.add_note(f"{type(error).__name__} in {record!r}: {error}")
        if first is not None:
            raise first

    def encode(self, result: Any, event: S3Event) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        record = S3Record(raw["Records"][0])
        if not self._owns(record.bucket):
            return f"bucket `{printable(record.bucket)}` is not `{self.bucket.key}`"
        if not any(covers(event, record.event_name) for event in self.events):
            return f"event `{printable(record.event_name)}` is not {' or '.join(self.events)}"
        return self.filter.mismatch(record.key)

    def _owns(self, name: str) -> bool:
        return self._called() in names_of(name, self.bucket.app)

    def _called(self) -> str:
        import os

        return filed_as(os.environ.get(self.bucket.variable, ""), self.bucket.key)

    @classmethod
    def index(cls, triggers: Sequence[S3Trigger]) -> Finder:
        """By the bucket's name, then by the key's beginning and end."""
        positions: dict[str, list[int]] = {}
        for position, trigger in enumerate(triggers):
            positions.setdefault(trigger._called(), []).append(position)
        sets = {called: KeyFilterSet(triggers[at].filter for at in places) for called, places in positions.items()}
        app = triggers[0].bucket.app

        def find(raw: Any) -> Iterable[int]:
            record = S3Record(raw["Records"][0])
            key, found = record.key, list[int]()
            for called in names_of(record.bucket, app):
                if called in sets:
                    found += [positions[called][at] for at in sets[called].matching(key)]
            return found

        return Finder(find)

    def faults(self) -> Collection[str]:
        never = [event for event in self.events if event.endswith("DeleteMarkerCreated")]
        if never and not self.bucket.versioned and len(never) == len(self.events):
            return [
                f"Only a versioned bucket has delete markers, and {self.bucket.key!r} is none. "
                f"Write app.bucket({self.bucket.key!r}, versioned=True)."
            ]
        return ()

    def grants(self) -> Collection[Grant]:
        return [self.bucket.read]

    def resources(self, function: Function, template: Template) -> None:
        """The permission first, then the bucket's notification, which S3 checks against it."""
        name = template.bucket_name(self.bucket.key)
        text = name if isinstance(name, str) else name["Fn::Sub"]
        arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{text}"}
        prefix = pascal(function.name) + pascal(self.bucket.key)
        permission = template.permit(function, prefix, "s3.amazonaws.com", arn, source_account=True)
        bucket = template.properties(self.bucket.logical_id)
        notification = bucket.setdefault("NotificationConfiguration", {"LambdaConfigurations": []})
        for event in self.events:
            entry: dict[str, Any] = {"Event": event, "Function": template.function_arn(function)}
            # S3 compares URL-encoded values; the embedded AWS takes them as they are.
            if rules := self.filter.wire(encoded=not template.local):
                entry["Filter"] = {"S3Key": {"Rules": rules}}
            notification["LambdaConfigurations"].append(entry)
        template.depend(self.bucket.logical_id, permission)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A notification for one object. Fields: ``key``, ``size``, ``event_name``, ``bucket``."""
        from urllib.parse import quote_plus

        self.fields_among(fields, ("key", "size", "event_name", "bucket"))
        default = f"{self.filter.prefix}example{self.filter.suffix}"
        name = str(fields.get("bucket", self.bucket.key))
        event = self.events[0].removeprefix("s3:")
        happened = str(fields.get("event_name", event.replace("*", "Put" if "Created" in event else "Delete")))
        stored: dict[str, Any] = {
            "key": quote_plus(str(fields.get("key", default)), safe="/"),
            "sequencer": "0055AED6DCD90281E5",
        }
        if not happened.startswith("ObjectRemoved"):
            stored |= {"size": int(fields.get("size", 1024)), "eTag": "d41d8cd98f00b204e9800998ecf8427e"}
        record = {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-east-1",
            "eventTime": "2026-01-01T00:00:00.000Z",
            "eventName": happened,
            "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "203.0.113.10"},
            "responseElements": {
                "x-amz-request-id": "C3D13FE58DE4C810",
                "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG",
            },
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "example",
                "bucket": {
                    "name": name,
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": f"arn:aws:s3:::{name}",
                },
                "object": stored,
            },
        }
        return {"Records": [record]}


def names_of(real: str, app: str) -> tuple[str, ...]:
    """What a bucket may be filed under; ``<app>-<stage>-<bucket>-<account>-<region>`` has the form of the app's own."""
    parts = real.split("-")
    account = next(
        (at for at in range(len(parts) - 1, 0, -1) if len(parts[at]) == 12 and parts[at].isdigit()), len(parts)
    )
    return known_as(real, "-".join(parts[:account]), app)
