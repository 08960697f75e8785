"""Messages to and from workers, however they are cut on their way."""

from __future__ import annotations

import os
import socket
import time
import uuid
from typing import Any

import pytest

from eventfw.tools.local.workers.results import new_request_id
from eventfw.tools.local.workers.wire import (
    Connection,
    Decoder,
    pack,
    pack_event,
    pack_next,
    pack_result,
    request_id_of,
)

IDENTITY = "3f1c2d3e-4a5b-4c6d-8e7f-0a1b2c3d4e5f"
SENT = pack({"op": "ready", "pid": 7}) + pack_event(IDENTITY, 1_764_000_000_123, b'{"a":1}')
SENT += pack_result("x", 9, 70, True, b"null")
SENT += pack_event("", 0, b"") + pack({"id": IDENTITY, "deadline": 5, "client": {"custom": "ä"}}, b"[]")
MEANT: list[tuple[dict[str, Any], bytes]] = [
    ({"op": "ready", "pid": 7}, b""),
    ({"id": IDENTITY, "deadline": 1_764_000_000_123}, b'{"a":1}'),
    ({"op": "result", "id": "x", "type": "", "peak": 9, "took": 70, "quiet": True}, b"null"),
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
        {"op": "result", "id": "a", "type": "", "peak": 5_000_000_000, "took": 3, "quiet": False}, b"2"
    )
    short = pack_event("a", 12, b"1") + pack_result("a", 5_000_000_000, 3, False, b"2")
    assert decoder.feed(short) == decoder.feed(long)


def test_what_is_sent_ahead_waits_for_what_is_not_and_may_be_taken_back() -> None:
    (ours, theirs), (late, ahead) = socket.socketpair(), socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs, late, ahead:
        ahead.setblocking(False)
        link = Connection(theirs.fileno(), ahead.fileno())
        before = time.time() * 1000
        for name in ("second", "third", "fourth"):
            late.send(pack_next(name, 5_000, b"{}"))
        ours.send(pack_event("first", 7, b"1"))
        assert link.receive(ahead=True) == ({"id": "first", "deadline": 7}, b"1")
        second = link.receive(ahead=True)
        assert second is not None and second[0]["id"] == "second" and second[1] == b"{}"
        assert 4_999 < second[0]["deadline"] - before < 60_000  # from when it was read
        assert request_id_of(ahead.recv(1000)) == "third"
        ours.send(pack({"op": "go"}))
        assert link.receive() == ({"op": "go"}, b"")
        assert request_id_of(ahead.recv(1000)) == "fourth"  # nobody is to begin with it without being told to
        ours.send(pack_event("fifth", 7, b""))
        assert link.receive(ahead=True) == ({"id": "fifth", "deadline": 7}, b"")


def test_a_connection_sends_and_receives_whole_messages() -> None:
    read, write = os.pipe()
    Connection(write).send({"op": "ready"}, b"body")
    Connection(write).send_result("a", 5_000_000_000, 1, True, b"x" * 30_000)
    os.close(write)
    receiving = Connection(read)
    assert receiving.receive() == ({"op": "ready"}, b"body")
    head = {"op": "result", "id": "a", "type": "", "peak": 5_000_000_000, "took": 1, "quiet": True}
    assert receiving.receive() == (head, b"x" * 30_000)
    assert receiving.receive() is None
    os.close(read)


def test_request_ids_are_uuids_of_version_4() -> None:
    made = {new_request_id() for _ in range(200)}
    assert len(made) == 200
    assert all(str(uuid.UUID(one)) == one and uuid.UUID(one).version == 4 for one in made)
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}


class Poll:
    """Stands for select.poll: something can be read at once, or only when it is waited for."""

    def __init__(self, at_once: bool) -> None:
        self.at_once = at_once
        self.looks = 0
        self.slept = False

    def poll(self, timeout: int | None = None) -> list[tuple[int, int]]:
        if timeout is None:
            self.slept = True
            return [(1, 1)]
        self.looks += 1
        return [(1, 1)] if self.at_once else []


def test_a_worker_stays_awake_for_a_moment_only_where_messages_come_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link = Connection(theirs.fileno())
        first, quick, awake = Poll(False), Poll(True), Poll(False)
        link._wait(first)  # type: ignore[arg-type]
        assert (first.looks, first.slept) == (1, True)
        link._wait(quick)  # type: ignore[arg-type]
        assert (quick.looks, quick.slept) == (1, False)
        link._wait(awake)  # type: ignore[arg-type]
        assert awake.looks > 1 and awake.slept
        after = Poll(False)
        link._wait(after)  # type: ignore[arg-type]
        assert after.looks == 1
