"""``@app.s3_trigger``: what happens to objects, by S3's own notifications or through EventBridge."""

from __future__ import annotations

from ..calling import all_or_error
from ..errors import RuleError
from ..options import borrowed, one_of, printable, refused
from ..resources.bucket import Bucket
from ..resources.names import filed_as, known_as, pascal
from ..rules.keys import KeyFilter, KeyFilterSet, check_event_type, covers, types_overlap
from ..trigger import Finder, Trigger
from .s3_events import S3Event
from .s3_events import S3Record as S3Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.queue import Queue
    from ..resources.resource import Grant, Template
    from ..rules.matchers import Wildcard
    from ..rules.object_events import ObjectKeys
    from ..rules.witness import Effort

NOTIFICATION, EVENTBRIDGE = "notification", "eventbridge"


class S3Trigger(Trigger):
    """Run for objects in a bucket; once for each record.

    ``bucket``: a bucket that the app owns, or the name or ARN of an existing one. ``prefix`` and ``suffix``: only keys
    that begin and end so. ``events``: the event types, such as ``s3:ObjectCreated:*`` (the default) or
    ``s3:ObjectRemoved:Delete``. ``via``: ``notification``, S3's own, or ``eventbridge``, whose rules may overlap.
    For EventBridge only: ``wildcard``, without prefix and suffix, keys in which each ``*`` is any text;
    ``maximum_retry_attempts`` (0-185) and ``maximum_event_age`` (seconds, 60-86400), when it gives up an event that it
    cannot hand over to Lambda; ``dead_letter``, a queue of the app for such events.

    Invoked asynchronously: when a call raises, the other records still run, the first error fails the invocation, and
    Lambda tries the event again after one and after two more minutes. Events may come twice, and in any order.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
    """

    decorator = "s3_trigger"
    example = '@app.s3_trigger(uploads, suffix=".png")'
    kinds: Collection[str] = ("s3", "eventbridge")

    def __init__(
        self,
        bucket: Bucket | str,
        *,
        prefix: str = "",
        suffix: str = "",
        events: str | Sequence[str] = ("s3:ObjectCreated:*",),
        via: str = NOTIFICATION,
        wildcard: str = "",
        maximum_retry_attempts: int | None = None,
        maximum_event_age: int | None = None,
        dead_letter: Queue | None = None,
    ) -> None:
        super().__init__()
        self.bucket = self.resource = Bucket.of("s3_trigger", bucket)
        self.via = via
        self.kinds = ("eventbridge",) if via == EVENTBRIDGE else ("s3",)
        given = [events] if isinstance(events, str) else events
        if not isinstance(given, (list, tuple)) or not given:
            raise refused(f"events must be a list such as ['s3:ObjectCreated:*'] for s3_trigger, not {events!r}.")
        self.events = tuple(given)
        self.maximum_retry_attempts = maximum_retry_attempts
        self.maximum_event_age = maximum_event_age
        self.dead_letter = dead_letter
        try:
            self.filter = KeyFilter(prefix, suffix)
            ruled = via == EVENTBRIDGE or wildcard != ""
            self.keys: ObjectKeys | None = borrowed("rules.object_events", "ObjectKeys")(wildcard) if ruled else None
        except RuleError as error:
            raise refused(f"{error.message.rstrip('.')}.") from None
        self.validate()

    @property
    def wildcard(self) -> Wildcard | None:
        """The keys it runs for, where a wildcard says so."""
        return self.keys.wildcard if self.keys is not None else None

    def validate(self) -> None:
        one_of("s3_trigger", "via", self.via, (NOTIFICATION, EVENTBRIDGE))
        try:
            for event in self.events:
                check_event_type(event)
        except RuleError as error:
            raise refused(error.message) from None
        for position, event in enumerate(self.events):
            for other in self.events[:position]:
                if types_overlap(event, other):
                    raise refused(f"S3 refuses events that overlap in one notification: {other} and {event}. Keep one.")
        if self.wildcard is not None and (self.via != EVENTBRIDGE or self.filter.prefix or self.filter.suffix):
            raise refused(
                "wildcard is for via='eventbridge' and stands for the whole key: S3's notifications know prefix and "
                "suffix only. Use either wildcard or these."
            )
        check_via(self)

    def title(self) -> str:
        parts = [f"s3 {self.bucket.key}", *self.events]
        parts += [f"prefix={self.filter.prefix}"] * bool(self.filter.prefix)
        parts += [f"suffix={self.filter.suffix}"] * bool(self.filter.suffix)
        parts += [f"wildcard={self.wildcard.text}"] if self.wildcard else []
        return " ".join([*parts, *["via eventbridge"] * (self.via == EVENTBRIDGE)])

    def clash(self, other: Trigger) -> str:
        """S3 refuses two notifications of a bucket whose event types, prefixes and suffixes all overlap."""
        if not isinstance(other, S3Trigger) or EVENTBRIDGE in (self.via, other.via):
            return ""
        if not self.filter.overlaps(other.filter):
            return ""
        pairs = ((one, two) for one in self.events for two in other.events)
        both = next(((one, two) for one, two in pairs if types_overlap(one, two)), None)
        return f"A notification of bucket {self.bucket.key!r} for {both[0]} and overlapping keys" if both else ""

    def parse(self, raw: Any, context: Any) -> S3Event:
        return S3Event(raw, context)

    def call(self, binding: Binding, event: S3Event) -> None:
        all_or_error(binding, event.records, event.context)

    def payload(self, event: S3Record) -> Any:
        return event.raw.get("detail") or event.raw

    def encode(self, result: Any, event: S3Event) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        if self.via == EVENTBRIDGE and raw["source"] != "aws.s3":
            return f"source `{printable(raw['source'])}` is not `aws.s3`"
        record = S3Event(raw).records[0]
        if self._called() not in names_of(record.bucket, self.bucket.app):
            return f"bucket `{printable(record.bucket)}` is not `{self.bucket.key}`"
        if not any(covers(event, record.event_name) for event in self.events):
            return f"event `{printable(record.event_name)}` is not {' or '.join(self.events)}"
        if self.wildcard is not None:
            fits = self.wildcard.test(record.key)
            return "" if fits else f"key `{printable(record.key)}` is not like `{self.wildcard.text}`"
        fault = self.filter.mismatch(record.key)
        if not fault and self.via == EVENTBRIDGE and len(record.key) < len(self.filter.prefix + self.filter.suffix):
            return f"key `{printable(record.key)}` is too short for `{self.filter.prefix}*{self.filter.suffix}`"
        return fault

    def _called(self) -> str:
        """What the bucket is filed under, as :func:`names_of` says it: an existing one has one name everywhere."""
        import os

        if not self.bucket.owned:
            return self.bucket.key
        return filed_as(os.environ.get(self.bucket.variable, ""), self.bucket.key)

    @classmethod
    def index(cls, triggers: Sequence[S3Trigger]) -> Finder:
        """By the bucket's name, then for notifications by the key's beginning and end."""
        notified: dict[str, list[int]] = {}
        ruled: dict[str, list[int]] = {}
        for position, trigger in enumerate(triggers):
            table = ruled if trigger.via == EVENTBRIDGE else notified
            table.setdefault(trigger._called(), []).append(position)
        sets = {called: KeyFilterSet(triggers[at].filter for at in places) for called, places in notified.items()}
        app = next((trigger.bucket.app for trigger in triggers if trigger.bucket.app), "")

        def find(raw: Any) -> Iterable[int]:
            if raw.get("source", "aws.s3") != "aws.s3":
                return ()
            record = S3Event(raw).records[0]
            names, key = names_of(record.bucket, app), record.key
            if "detail" in raw:
                return [at for called in names for at in ruled.get(called, ())]
            return [notified[called][at] for called in names if called in sets for at in sets[called].matching(key)]

        return Finder(find)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """EventBridge has no rule against overlapping rules, and invokes the function for each of them."""
        from ..rules.pattern import EventPattern
        from ..rules.witness import witness

        if self.via != EVENTBRIDGE or not other.enabled:
            return None
        theirs = getattr(other, "pattern", None)  # an event rule's; a source imports no other
        if isinstance(other, S3Trigger) and other.via == EVENTBRIDGE:
            theirs = EventPattern(pattern_of(other, other.bucket.key))
        if not isinstance(theirs, EventPattern):
            return None
        both, event = [EventPattern(pattern_of(self, self.bucket.key)), theirs], self.sample()
        texts = [name for name, value in event.items() if isinstance(value, str)]
        return witness(both, event, texts, effort) or witness(both, {**event, "detail": {}}, texts, effort)

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
        """The rule or the notification, and the function's permission."""
        theirs = not self.bucket.owned and not template.local
        if self.via == EVENTBRIDGE:
            add_own_rule(self, function, template)
            if theirs:
                template.notify(self.bucket, function, [], eventbridge=True)
            else:
                bucket = template.properties(self.bucket.logical_id)
                switch = bucket.setdefault("NotificationConfiguration", {})
                switch["EventBridgeConfiguration"] = {"EventBridgeEnabled": True}
            return
        arn, prefix = self.bucket.arn_in(template), pascal(function.name) + pascal(self.bucket.key)
        permission = template.permit(function, prefix, "s3.amazonaws.com", arn, source_account=True)
        # S3 compares URL-encoded values; the embedded AWS takes them as they are.
        rules = self.filter.wire(encoded=not template.local)
        if theirs:
            entry: dict[str, Any] = {
                "LambdaFunctionArn": template.function_arn(function),
                "Events": list(self.events),
                **({"Filter": {"Key": {"FilterRules": rules}}} if rules else {}),
            }
            template.notify(self.bucket, function, [entry], after=permission)
            return
        notification = template.properties(self.bucket.logical_id).setdefault("NotificationConfiguration", {})
        for event in self.events:
            entry = {"Event": event, "Function": template.function_arn(function)}
            if rules:
                entry["Filter"] = {"S3Key": {"Rules": rules}}
            notification.setdefault("LambdaConfigurations", []).append(entry)
        template.depend(self.bucket.logical_id, permission)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """An event for one object. Fields: ``key``, ``size``, ``event_name``, ``bucket``."""
        from ..rules.object_samples import event as sample_event
        from ..rules.object_samples import notification

        self.fields_among(fields, ("key", "size", "event_name", "bucket"))
        default = f"{self.filter.prefix}example{self.filter.suffix}"
        if self.wildcard is not None:
            default = "example".join(self.wildcard.segments)
        name, key = str(fields.get("bucket", self.bucket.key)), str(fields.get("key", default))
        happened = str(fields.get("event_name", first_of(self.events[0])))
        size = None if happened.startswith("ObjectRemoved") else int(fields.get("size", 1024))
        return (sample_event if self.via == EVENTBRIDGE else notification)(name, key, happened, size)


def check_via(trigger: S3Trigger) -> None:
    """Refuse what EventBridge, or S3's own notification, does not know."""
    from ..resources.delivery import check_delivery
    from ..rules.object_events import sent

    names = ("maximum_retry_attempts", "maximum_event_age", "dead_letter")
    if trigger.via != EVENTBRIDGE:
        said = next((name for name in names if getattr(trigger, name) is not None), "")
        if said:
            raise refused(f"{said} is for via='eventbridge'; of notifications, Lambda itself keeps what fails.")
        return
    for event in trigger.events:
        if not sent(event):
            raise refused(f"S3 does not send {event} to EventBridge. Remove via, or that event.")
    check_delivery("s3_trigger", *(getattr(trigger, name) for name in names))


def pattern_of(trigger: S3Trigger, bucket: Any) -> dict[str, Any]:
    """The pattern of the rule, for a bucket of that real name."""
    from ..rules.object_events import pattern

    prefix, suffix = trigger.filter.prefix, trigger.filter.suffix
    keys: list[Any] = []
    if trigger.wildcard is not None:
        keys = [{"wildcard": trigger.wildcard.text}]
    elif prefix and suffix:  # two conditions of one field are alternatives
        keys = [{"wildcard": "*".join(part.replace("\\", "\\\\") for part in (prefix, suffix))}]
    elif prefix or suffix:
        keys = [{"prefix": prefix} if prefix else {"suffix": suffix}]
    return pattern(bucket, trigger.events, keys)


def add_own_rule(trigger: S3Trigger, function: Function, template: Template) -> None:
    """The rule that has EventBridge invoke the function, and its permission."""
    from ..resources.delivery import add_rule, delivery, let_rule_send

    rule = pascal(trigger.own_name) + "ObjectRule"
    target: dict[str, Any] = {"Id": "function", "Arn": template.function_arn(function)}
    target |= delivery(trigger.maximum_retry_attempts, trigger.maximum_event_age, trigger.dead_letter, template)
    if trigger.dead_letter is not None:
        let_rule_send(trigger, trigger.dead_letter, rule, template)
    properties = {
        "EventPattern": pattern_of(trigger, trigger.bucket.reference(template)),
        "State": "ENABLED",
        "Targets": [target],
    }
    add_rule(trigger, rule, properties, template)
    template.permit(function, rule, "events.amazonaws.com", {"Fn::GetAtt": [rule, "Arn"]})


def first_of(event_type: str) -> str:
    """An event that an event type takes: its own, or the family's commonest."""
    event = event_type.removeprefix("s3:")
    likely = {"ObjectCreated": "Put", "ObjectTagging": "Put", "ObjectAnnotation": "Put", "ObjectRestore": "Post"}
    return event.replace("*", likely.get(event.partition(":")[0], "Delete"))


def names_of(real: str, app: str) -> tuple[str, ...]:
    """What a bucket may be filed under; ``<app>-<stage>-<bucket>-<account>-<region>`` has the form of the app's own."""
    parts = real.split("-")
    account = next(
        (at for at in range(len(parts) - 1, 0, -1) if len(parts[at]) == 12 and parts[at].isdigit()), len(parts)
    )
    return known_as(real, "-".join(parts[:account]), app)
