"""Objects' events: S3's own notifications, and EventBridge's of the same, read alike."""

from __future__ import annotations

from ..events import Event, instant
from ..options import borrowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any


class S3Record(Event):
    """One object that was created, removed, tagged... The same names whichever way it came.

    ``raw`` is the record of S3's notification, or EventBridge's event.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """

    def summary(self) -> str:
        return f"{self.event_name} {self.bucket}/{self.key}"

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return str((self._detail or self.raw["s3"])["bucket"]["name"])

    @property
    def key(self) -> str:
        """The object's key, decoded. A notification has it URL-encoded, ``+`` being a space; EventBridge has not."""
        key = str(self._object["key"])
        if self._detail or ("%" not in key and "+" not in key):
            return key
        from urllib.parse import unquote_plus

        return unquote_plus(key)

    @property
    def _detail(self) -> dict[str, Any]:
        return self.raw.get("detail") or {}

    @property
    def _object(self) -> dict[str, Any]:
        # An IntelligentTiering record may name its object under `get_object`.
        detail = self._detail or self.raw["s3"]
        return detail.get("object") or detail["get_object"]  # type: ignore[no-any-return]

    @property
    def size(self) -> int | None:
        """The object's size in bytes; ``None`` when it was removed."""
        return self._object.get("size")

    @property
    def etag(self) -> str | None:
        """The object's entity tag; ``None`` when it was removed."""
        return self._object.get("eTag") or self._object.get("etag")

    @property
    def version_id(self) -> str | None:
        """The object's version, in a versioned bucket."""
        return self._object.get("versionId") or self._object.get("version-id")

    @property
    def sequencer(self) -> str | None:
        """Orders the events of one key: pad to equal length with zeros on the left and compare as text."""
        return self._object.get("sequencer")

    @property
    def event_name(self) -> str:
        """What happened, as S3's notifications say it: ``ObjectCreated:Put``."""
        if not self._detail:
            return str(self.raw["eventName"])
        return str(borrowed("rules.object_events", "event_name")(self.raw["detail-type"], self._detail))

    @property
    def time(self) -> datetime:
        """When S3 finished the request, with time zone."""
        return instant(self.raw["time"] if self._detail else self.raw["eventTime"])  # type: ignore[no-any-return]

    @property
    def region(self) -> str:
        """The bucket's region."""
        return str(self.raw["region"] if self._detail else self.raw["awsRegion"])


class S3Event(Event):
    """An invocation by S3: its records."""

    def summary(self) -> str:
        return f"{len(self.records)} record{'s' * (len(self.records) != 1)}"

    @property
    def records(self) -> list[S3Record]:
        """One an event; S3 sends one at a time, but the format of its notifications allows more."""
        return [S3Record(record, self.context) for record in self.raw.get("Records") or [self.raw]]
