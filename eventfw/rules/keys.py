"""S3 event notifications: which event types there are, and which object keys a configuration takes.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

from __future__ import annotations

from ..errors import RuleError
from ..options import closest, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

EVENT_TYPES = (
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
    "s3:ObjectAnnotation:*",
    "s3:ObjectAnnotation:Put",
    "s3:ObjectAnnotation:Delete",
    "s3:ObjectRetention:Put",
)
KEY_BYTES_MAX = 1024


def check_event_type(event_type: str) -> None:
    """Raise RuleError for an event type that a bucket cannot be told to send."""
    if event_type == "s3:TestEvent":
        raise RuleError("S3 sends s3:TestEvent by itself when a notification is set up. Remove it from the events.")
    if event_type not in EVENT_TYPES:
        hint = closest(str(event_type), EVENT_TYPES)
        raise RuleError(f"S3 has no event type {event_type!r}.{hint} Most apps want s3:ObjectCreated:*.")


def covers(event_type: str, event_name: str) -> bool:
    """Is a record's ``eventName`` (``ObjectCreated:Put``) what ``event_type`` (``s3:ObjectCreated:*``) asks for?"""
    wanted, name = event_type.removeprefix("s3:"), event_name.removeprefix("s3:")
    return name.startswith(wanted[:-1]) if wanted.endswith(":*") else name == wanted


def types_overlap(one: str, other: str) -> bool:
    """Is there an event that both event types ask for?"""
    return covers(one, other) or covers(other, one)


class KeyFilter:
    """The keys that begin with ``prefix`` and end in ``suffix``; each at most 1024 bytes of UTF-8, without wildcard.

    Both are written as the object's key is, not URL-encoded. Raises RuleError.
    """

    __slots__ = ("prefix", "suffix")

    def __init__(self, prefix: str = "", suffix: str = "") -> None:
        _check("prefix", prefix)
        _check("suffix", suffix)
        self.prefix = prefix
        self.suffix = suffix

    def __repr__(self) -> str:
        return f"KeyFilter({self.prefix!r}, {self.suffix!r})"

    def mismatch(self, key: str) -> str:
        """The first condition that a decoded key fails, in words; empty when it matches."""
        if not key.startswith(self.prefix):
            return f"key `{printable(key)}` does not begin with `{self.prefix}`"
        if not key.endswith(self.suffix):
            return f"key `{printable(key)}` does not end in `{self.suffix}`"
        return ""

    def overlaps(self, other: KeyFilter) -> bool:
        """Would S3 refuse both for one event type? It does when the prefixes overlap and the suffixes overlap.

        Two prefixes overlap when a key can begin with both, that is, when one begins with the other; suffixes likewise.
        An empty one overlaps with any.
        """
        prefixes = self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix)
        suffixes = self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix)
        return prefixes and suffixes

    def wire(self, *, encoded: bool = True) -> list[dict[str, str]]:
        """The rules for ``Filter.S3Key.Rules`` in CloudFormation; empty without conditions.

        S3 takes their values URL-encoded, a space as ``+``: with a bare ``=`` it never matches. ``encoded=False`` is
        for an endpoint that compares them with the plain key.
        """
        from urllib.parse import quote_plus

        given = (("prefix", self.prefix), ("suffix", self.suffix))
        return [
            {"Name": name, "Value": quote_plus(value, safe="/") if encoded else value} for name, value in given if value
        ]


class KeyFilterSet:
    """Filters, by their position, in a form that leads from a key to those that take it without trying each."""

    __slots__ = ("_prefixes",)

    def __init__(self, filters: Iterable[KeyFilter]) -> None:
        self._prefixes: dict[int, dict[str, dict[int, dict[str, list[int]]]]] = {}
        for position, one in enumerate(filters):
            below = self._prefixes.setdefault(len(one.prefix), {}).setdefault(one.prefix, {})
            below.setdefault(len(one.suffix), {}).setdefault(one.suffix, []).append(position)

    def matching(self, key: str) -> list[int]:
        """The positions of the filters that take a decoded key, ascending."""
        found: list[int] = []
        for length, prefixes in self._prefixes.items():
            for size, suffixes in prefixes.get(key[:length], {}).items():
                found += suffixes.get(key[len(key) - size :] if size <= len(key) else "", ())
        return sorted(found)


def _check(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise RuleError(f"{name} must be a string, not {value!r}. Leave it out to take every key.")
    if "*" in value:
        raise RuleError(
            f"{name} is compared letter by letter and has no wildcard: {value!r}. "
            f"Remove the '*': prefix='images/' and suffix='.png' already take every key between them."
        )
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise RuleError(f"{name} has a character that no key can have: {value!r}. Remove it.") from None
    if size > KEY_BYTES_MAX:
        raise RuleError(f"{name} must be at most {KEY_BYTES_MAX} bytes long, not {size}: no key is longer. Shorten it.")
