"""The binary messages that AWS streams events in, as InvokeWithResponseStream answers.

https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from zlib import crc32

CHUNK = 1024 * 1024  # bytes of a payload in one message, which SDKs read whole
STRING = 7  # the type of a header's value
CHECKSUM = struct.Struct(">I")


def message(event: str, content_type: str, payload: bytes) -> bytes:
    """One message: lengths and their checksum, headers, payload, and the checksum of it all."""
    headers = b"".join(
        _header(name, value)
        for name, value in ((":event-type", event), (":content-type", content_type), (":message-type", "event"))
    )
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    begun = prelude + CHECKSUM.pack(crc32(prelude)) + headers + payload
    return begun + CHECKSUM.pack(crc32(begun))


def response(payload: bytes, complete: Mapping[str, str]) -> bytes:
    """The messages of a whole response: the payload, and what is said at its end."""
    chunks = [payload[start : start + CHUNK] for start in range(0, len(payload), CHUNK)]
    messages = [message("PayloadChunk", "application/octet-stream", chunk) for chunk in chunks]
    return b"".join([*messages, message("InvokeComplete", "application/json", json.dumps(dict(complete)).encode())])


def _header(name: str, value: str) -> bytes:
    told, said = name.encode(), value.encode()
    return struct.pack(">B", len(told)) + told + struct.pack(">BH", STRING, len(said)) + said
