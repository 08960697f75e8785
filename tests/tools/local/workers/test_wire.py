"""Messages to and from workers, however they are cut on their way."""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest

from eventfw.tools.local.workers.results import new_request_id
from eventfw.tools.local.workers.wire import Connection, Decoder, pack, pack_event, pack_result

IDENTITY = "3f1c2d3e-4a5b-4c6d-8e7f-0a1b2c3d4e5f"
SENT = (
    pack({"op": "ready", "pid": 7}) + pack_event(IDENTITY, 1_764_000_000_123, b'{"a":1}') + pack_result("x", 9, b"null")
)
SENT += pack_event("", 0, b"") + pack({"id": IDENTITY, "deadline": 5, "client": {"custom": "ä"}}, b"[]")
MEANT: list[tuple[dict[str, Any], bytes]] = [
    ({"op": "ready", "pid": 7}, b""),
    ({"id": IDENTITY, "deadline": 1_764_000_000_123}, b'{"a":1}'),
    ({"op": "result", "id": "x", "type": "", "peak": 9}, b"null"),
    ({"id": "", "deadline": 0}, b""),
    ({"id": IDENTITY, "deadline": 5, "client": {"custom": "ä"}}, b"[]"),
]


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 40, 100, len(SENT)])
def test_messages_are_found_however_they_are_cut(size: int) -> None:
    decoder = Decoder()
    found = [message for at in range(0, len(SENT), size) for message in decoder.feed(SENT[at : at + size])]
    assert found == MEANT


def test_the_short_forms_say_what_json_says() -> None:
    decoder = Decoder()
    long = pack({"id": "a", "deadline": 12}, b"1") + pack(
        {"op": "result", "id": "a", "type": "", "peak": 5_000_000_000}, b"2"
    )
    assert decoder.feed(pack_event("a", 12, b"1") + pack_result("a", 5_000_000_000, b"2")) == decoder.feed(long)


def test_a_connection_sends_and_receives_whole_messages() -> None:
    read, write = os.pipe()
    Connection(write).send({"op": "ready"}, b"body")
    Connection(write).send_result("a", 5_000_000_000, b"x" * 30_000)
    os.close(write)
    receiving = Connection(read)
    assert receiving.receive() == ({"op": "ready"}, b"body")
    assert receiving.receive() == ({"op": "result", "id": "a", "type": "", "peak": 5_000_000_000}, b"x" * 30_000)
    assert receiving.receive() is None
    os.close(read)


def test_request_ids_are_uuids_of_version_4() -> None:
    made = {new_request_id() for _ in range(200)}
    assert len(made) == 200
    assert all(str(uuid.UUID(one)) == one and uuid.UUID(one).version == 4 for one in made)
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}
