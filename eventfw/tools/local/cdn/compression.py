"""What CloudFront compresses for viewers, in gzip.

On AWS it is Brotli where the viewer accepts both; the standard library has none.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
"""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace

from eventfw.tools.local.web.asgi import HttpResponse

SMALLEST, LARGEST = 1_000, 10_000_000  # bytes
STATUSES = (200, 403, 404)
TYPES = frozenset((
    "application/dash+xml", "application/eot", "application/font", "application/font-sfnt", "application/javascript",
    "application/json", "application/opentype", "application/otf", "application/pkcs7-mime", "application/protobuf",
    "application/rss+xml", "application/truetype", "application/ttf", "application/vnd.apple.mpegurl",
    "application/vnd.ms-fontobject", "application/xhtml+xml", "application/xml", "application/x-font-opentype",
    "application/x-font-truetype", "application/x-font-ttf", "application/x-httpd-cgi", "application/x-javascript",
    "application/x-mpegurl", "application/x-opentype", "application/x-otf", "application/x-perl", "application/x-ttf",
    "font/eot", "font/opentype", "font/otf", "font/ttf", "image/svg+xml", "text/css", "text/csv", "text/html",
    "text/javascript", "text/js", "text/plain", "text/richtext", "text/tab-separated-values", "text/xml",
    "text/x-component", "text/x-java-source", "text/x-script", "vnd.apple.mpegurl",
))  # fmt: skip

_INLINE = 100_000  # bytes: what is larger would hold up the loop for milliseconds


def compressible(response: HttpResponse) -> bool:
    """Whether CloudFront compresses the answer: by its status, type and size, which its Content-Length has to say."""
    headers = dict(response.headers)
    return (
        response.status in STATUSES
        and SMALLEST <= len(response.body) <= LARGEST
        and "content-length" in headers
        and "content-encoding" not in headers
        and headers.get("content-type", "").partition(";")[0].strip().lower() in TYPES
    )


async def compressed(response: HttpResponse) -> HttpResponse:
    """The answer in gzip, with a weak tag: what it stands for is the same, its bytes are not."""
    if len(response.body) <= _INLINE:
        body = gzip.compress(response.body, 6, mtime=0)
    else:
        body = await asyncio.to_thread(gzip.compress, response.body, 6, mtime=0)
    headers = [
        (name, weak(value) if name == "etag" else value)
        for name, value in response.headers
        if name not in ("content-length", "vary") and not (name == "etag" and weak(value) == "")
    ]
    vary = [value for name, value in response.headers if name == "vary"]
    if not any("accept-encoding" in value.lower() for value in vary):
        vary.append("Accept-Encoding")
    headers += [("vary", ", ".join(vary)), ("content-encoding", "gzip"), ("content-length", str(len(body)))]
    return replace(response, headers=headers, body=body)


def weak(tag: str) -> str:
    """A tag for the same in other bytes; nothing for what is no tag."""
    if tag.startswith("W/"):
        return tag
    return f"W/{tag}" if tag.startswith('"') else ""
