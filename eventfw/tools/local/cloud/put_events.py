"""Entries of PutEvents that EventBridge refuses, each by itself, and the embedded AWS takes.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

ENTRIES_MAX = 10  # of a request; one with more is refused as a whole, which the embedded AWS does
REQUIRED = ("Source", "DetailType", "Detail")

Refusals = Mapping[int, dict[str, str]]
"""By an entry's place, what the answer has of it: ``ErrorCode`` and ``ErrorMessage``."""


def entries_of(body: bytes) -> list[Any]:
    """The entries of a request; none where it is broken."""
    try:
        said = json.loads(body)
    except ValueError:
        return []
    entries = said.get("Entries") if isinstance(said, dict) else None
    return entries if isinstance(entries, list) and len(entries) <= ENTRIES_MAX else []


def refusals(entries: list[Any]) -> Refusals:
    """The entries that EventBridge refuses."""
    found = ((at, _refusal(entry)) for at, entry in enumerate(entries) if isinstance(entry, dict))
    return {at: refusal for at, refusal in found if refusal}


def without(body: bytes, refused: Refusals) -> bytes:
    """The request without those entries."""
    said = json.loads(body)
    said["Entries"] = [entry for at, entry in enumerate(said["Entries"]) if at not in refused]
    return json.dumps(said).encode()


def with_refusals(answer: bytes, refused: Refusals) -> bytes:
    """The answer to the rest of a request, with those entries at their places."""
    said = json.loads(answer)
    entries = list(said["Entries"])
    for at, refusal in sorted(refused.items()):
        entries.insert(at, refusal)
    count = said.get("FailedEntryCount", 0) + len(refused)
    return json.dumps({**said, "FailedEntryCount": count, "Entries": entries}).encode()


def _refusal(entry: Mapping[str, Any]) -> dict[str, str]:
    for name in REQUIRED:
        if not entry.get(name):
            why = f"Parameter {name} is not valid. Reason: {name} is a required argument."
            return {"ErrorCode": "InvalidArgument", "ErrorMessage": why}
    try:
        detail = json.loads(entry["Detail"])
    except (ValueError, TypeError):
        detail = None
    return {} if isinstance(detail, dict) else {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
