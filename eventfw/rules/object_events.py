"""S3's events as EventBridge has them: a detail type, and what else tells one event type from another.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-mapping-troubleshooting.html
"""

from __future__ import annotations

from ..errors import RuleError
from .keys import covers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .matchers import Wildcard

    Told = dict[str, tuple[str, ...]]

_CREATED, _DELETED = "Object Created", "Object Deleted"
_FOR_GOOD, _MARKED = ("Permanently Deleted",), ("Delete Marker Created",)
_EXPIRED = ("Lifecycle Expiration",)
#: By event type: the detail type, and the values of fields of `detail` that tell it from others of that detail type.
TOLD: dict[str, tuple[str, Told]] = {
    "s3:ObjectCreated:Put": (_CREATED, {"reason": ("PutObject",)}),
    "s3:ObjectCreated:Post": (_CREATED, {"reason": ("POST Object", "PostObject")}),
    "s3:ObjectCreated:Copy": (_CREATED, {"reason": ("CopyObject",)}),
    "s3:ObjectCreated:CompleteMultipartUpload": (_CREATED, {"reason": ("CompleteMultipartUpload",)}),
    "s3:ObjectRemoved:Delete": (_DELETED, {"reason": ("DeleteObject",), "deletion-type": _FOR_GOOD}),
    "s3:ObjectRemoved:DeleteMarkerCreated": (_DELETED, {"reason": ("DeleteObject",), "deletion-type": _MARKED}),
    "s3:LifecycleExpiration:Delete": (_DELETED, {"reason": _EXPIRED, "deletion-type": _FOR_GOOD}),
    "s3:LifecycleExpiration:DeleteMarkerCreated": (_DELETED, {"reason": _EXPIRED, "deletion-type": _MARKED}),
    "s3:ObjectRestore:Post": ("Object Restore Initiated", {}),
    "s3:ObjectRestore:Completed": ("Object Restore Completed", {}),
    "s3:ObjectRestore:Delete": ("Object Restore Expired", {}),
    "s3:LifecycleTransition": ("Object Storage Class Changed", {}),
    "s3:IntelligentTiering": ("Object Access Tier Changed", {}),
    "s3:ObjectTagging:Put": ("Object Tags Added", {}),
    "s3:ObjectTagging:Delete": ("Object Tags Deleted", {}),
    "s3:ObjectAcl:Put": ("Object ACL Updated", {}),
}
#: What all events of a family have in common, where that is less than what its event types have.
_FAMILIES: dict[str, tuple[str, Told]] = {
    "s3:ObjectCreated:*": (_CREATED, {}),
    "s3:ObjectRemoved:*": (_DELETED, {"reason": ("DeleteObject",)}),
    "s3:LifecycleExpiration:*": (_DELETED, {"reason": _EXPIRED}),
}


class ObjectKeys:
    """The keys that a wildcard stands for, all of them where it is ``""``. Raises RuleError for what is none."""

    __slots__ = ("wildcard",)

    def __init__(self, wildcard: str) -> None:
        self.wildcard: Wildcard | None = None
        if wildcard != "":
            if not isinstance(wildcard, str):
                raise RuleError(f"wildcard must be a string, not {wildcard!r}")
            from .matchers import Wildcard
            from .wildcards import segments

            self.wildcard = Wildcard(wildcard, segments(wildcard))


def event_name(detail_type: str, detail: Mapping[str, Any]) -> str:
    """What S3's own notification calls an event, such as ``ObjectCreated:Put``; the detail type where none fits."""
    for event_type, (kind, told) in TOLD.items():
        if kind == detail_type and all(detail.get(name) in values for name, values in told.items()):
            return event_type.removeprefix("s3:")
    return f"ObjectCreated:{detail.get('reason', '')}" if detail_type == _CREATED else detail_type


def sent(event_type: str) -> bool:
    """Whether S3 sends events of this type to EventBridge."""
    return bool(_told_by(event_type))


def pattern(bucket: Any, event_types: Iterable[str], keys: list[Any]) -> dict[str, Any]:
    """The pattern of a rule for a bucket's events; ``keys`` are conditions of the key, of which one must hold."""
    detail: dict[str, Any] = {"bucket": {"name": [bucket]}}
    if keys:
        detail["object"] = {"key": keys}
    base = {"source": ["aws.s3"]}
    branches = _branches(event_types)
    if len(branches) == 1:
        return {**base, "detail-type": branches[0][0], "detail": {**detail, **branches[0][1]}}
    alternatives = [{"detail-type": kinds, **({"detail": told} if told else {})} for kinds, told in branches]
    return {**base, "detail": detail, "$or": alternatives}


def _told_by(event_type: str) -> list[tuple[str, Told]]:
    if event_type in _FAMILIES:
        return [_FAMILIES[event_type]]
    return [told for one, told in TOLD.items() if covers(event_type, one)]


def _branches(event_types: Iterable[str]) -> list[tuple[list[str], dict[str, list[str]]]]:
    """``(detail types, what their detail says)``, as few as it takes."""
    reasons: dict[tuple[str, Any], list[str]] = {}
    for event_type in event_types:
        for kind, told in _told_by(event_type):
            rest = tuple((name, values) for name, values in told.items() if name != "reason")
            reasons.setdefault((kind, rest), []).extend(told.get("reason", ()))
    found: dict[str, tuple[list[str], dict[str, list[str]]]] = {}
    for (kind, rest), named in reasons.items():
        conditions = {name: list(values) for name, values in rest}
        if named:
            conditions["reason"] = named
        found.setdefault(repr(conditions), ([], conditions))[0].append(kind)
    return list(found.values())
