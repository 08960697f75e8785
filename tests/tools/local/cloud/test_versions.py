"""An event of S3 by EventBridge tells the version that it is about."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

import pytest

from eventfw.errors import LocalError
from eventfw.rules.object_samples import event as object_event
from eventfw.tools.local.cloud.pushes import NO_CONTENT, Pushes
from eventfw.tools.local.cloud.versions import version_in

from .test_pushes import followed

LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Prefix>a&amp;b</Prefix>
<DeleteMarker><Key>a&amp;b</Key><VersionId>v4</VersionId><LastModified>2026-01-01T00:00:04.000Z</LastModified></DeleteMarker>
<Version><Key>a&amp;b</Key><VersionId>v3</VersionId><LastModified>2026-01-01T00:00:03.000Z</LastModified>
<ETag>"one"</ETag><Owner><ID>x</ID></Owner></Version>
<Version><Key>a&amp;b</Key><VersionId>v2</VersionId><LastModified>2026-01-01T00:00:02.000Z</LastModified>
<ETag>"two"</ETag></Version>
<Version><Key>a&amp;b</Key><VersionId>v1</VersionId><LastModified>2026-01-01T00:00:01.000Z</LastModified>
<ETag>"one"</ETag></Version>
<Version><Key>a&amp;b</Key><VersionId>null</VersionId><LastModified>2026-01-01T00:00:00.000Z</LastModified>
<ETag>"none"</ETag></Version>
<Version><Key>a&amp;bc</Key><VersionId>v9</VersionId><LastModified>2026-01-01T00:00:00.000Z</LastModified>
<ETag>"nine"</ETag></Version>
</ListVersionsResult>"""


@pytest.mark.parametrize(
    ("second", "tag", "version"),
    [
        (5, "one", "v3"),
        (2, "one", "v1"),
        (2, "two", "v2"),
        (5, "", "v4"),
        (3, "", ""),
        (5, "none", ""),
        (5, "nine", ""),
    ],
)
def test_it_is_the_last_one_there_was_of_the_same_content(second: int, tag: str, version: str) -> None:
    moment = datetime.fromisoformat(f"2026-01-01T00:00:0{second}.500Z")
    assert version_in(LISTING, "a&b", moment, tag) == version


class Bucket:
    """Gives the listing, or refuses it."""

    def __init__(self, listing: str | Exception) -> None:
        self.listing = listing
        self.asked: list[tuple[str, str]] = []

    async def versions(self, bucket: str, key: str) -> str:
        self.asked.append((bucket, key))
        if isinstance(self.listing, Exception):
            raise self.listing
        return self.listing


def pushed(happened: str, bucket: Bucket, said: list[str]) -> dict[str, Any]:
    event = object_event("uploads", "a&b", happened, 3 if happened.startswith("ObjectCreated") else 0)
    event["time"], event["detail"]["object"]["etag"] = "2026-01-01T00:00:05.123Z", "one"
    body = asyncio.run(
        Pushes(followed, said.append, None, lambda: bucket).handed_over("told", json.dumps(event).encode())
    )
    found: dict[str, Any] = json.loads(body or b"")["detail"]["object"]
    return found


def test_an_event_has_the_version_of_what_was_made_and_of_the_marker_of_what_was_removed() -> None:
    bucket, said = Bucket(LISTING), list[str]()
    assert pushed("ObjectCreated:Put", bucket, said)["version-id"] == "v3"
    removed = pushed("ObjectRemoved:DeleteMarkerCreated", bucket, said)
    assert (removed["version-id"], removed["etag"]) == ("v4", NO_CONTENT)
    assert bucket.asked == [("uploads", "a&b")] * 2
    assert "version-id" not in pushed("ObjectRemoved:Delete", bucket, said)
    assert len(bucket.asked) == 2
    assert said == []


def test_an_event_whose_bucket_is_gone_arrives_without_a_version() -> None:
    said: list[str] = []
    assert pushed("ObjectCreated:Put", Bucket(LocalError("NoSuchBucket")), said)["key"] == "a&b"
    assert "NoSuchBucket" in said[0]
