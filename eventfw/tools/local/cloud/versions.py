"""The version that an event of S3 by EventBridge is about, which the embedded AWS leaves out.

Of the versions of the key it is the last one that was there when it happened, of the same content.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Objects(Protocol):
    """Who knows what is in buckets."""

    async def versions(self, bucket: str, key: str, /) -> str:
        """The listing of the versions of what begins with a key."""


async def add_version(event: dict[str, Any], objects: Objects) -> None:
    """Add the version to an event about an object that has one; what was deleted for good is not listed any more."""
    detail = event["detail"]
    stored, marker = detail["object"], detail.get("deletion-type") == "Delete Marker Created"
    if event["detail-type"] != "Object Created" and not marker:
        return
    listing = await objects.versions(detail["bucket"]["name"], stored["key"])
    tag = "" if marker else stored.get("etag", "")
    if found := version_in(listing, stored["key"], datetime.fromisoformat(event["time"]), tag):
        stored["version-id"] = found


def version_in(listing: str, key: str, moment: datetime, tag: str) -> str:
    """The newest version of a key at a moment, with that ETag, or the newest delete marker where it is empty; ``""``
    where there is none, in a bucket without versions too.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    from xml.etree import ElementTree  # the embedded AWS's own answer; imported where it is needed only

    for one in ElementTree.fromstring(listing).iter(NAMESPACE + ("Version" if tag else "DeleteMarker")):
        said = {item.tag.removeprefix(NAMESPACE): item.text or "" for item in one}
        fits = said["Key"] == key and said.get("ETag", "").strip('"') == tag
        if fits and said["VersionId"] != "null" and datetime.fromisoformat(said["LastModified"]) <= moment:
            return said["VersionId"]
    return ""
