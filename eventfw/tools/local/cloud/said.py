"""What clients say and the embedded AWS does not pass on: the time of an event, the bytes of a message's attributes.

It is taken down when it passes the door, and put into what arrives at a function, which is known by what it says.
Events that EventBridge refuses do not pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from eventfw.tools.local.cloud.put_events import entries_of, refusals, with_refusals, without
from eventfw.tools.local.web.asgi import HttpRequest

PUT_EVENTS = "AWSEvents.PutEvents"
QUERY_SERVICE = "/sns/aws4_request"  # in the signature of a request to SNS
MOST = 1000  # that are remembered of each: what was said reaches functions within milliseconds


class Said:
    """Looks at the requests that pass the door."""

    def __init__(self) -> None:
        self._times: dict[str, str] = {}
        self._values: dict[tuple[str, str], str] = {}

    def concerns(self, request: HttpRequest) -> bool:
        """Whether a request may say such a thing."""
        return request.header("x-amz-target") == PUT_EVENTS or QUERY_SERVICE in request.header("authorization")

    async def before(self, request: HttpRequest, body: bytes) -> bytes:
        """Take down what a request says; what is to pass of it."""
        if request.header("x-amz-target") == PUT_EVENTS:
            entries = entries_of(body)
            for event, time in times_in(entries):
                if time:
                    _remember(self._times, event, time)
                else:
                    self._times.pop(event, None)  # what an event like it said is not true of this one
            refused = refusals(entries)
            return without(body, refused) if refused else body
        if b"BinaryValue" in body:
            for place, value in binary_values_in(body.decode(errors="replace")):
                _remember(self._values, place, value)
        return body

    async def after(self, request: HttpRequest, body: bytes, status: int, answer: bytes) -> bytes | None:
        """The answer, where events were refused."""
        if request.header("x-amz-target") != PUT_EVENTS or status >= 300:
            return None
        refused = refusals(entries_of(body))
        return with_refusals(answer, refused) if refused else None

    def complete_event(self, event: dict[str, Any]) -> None:
        """Give an event that arrives from a bus the time that was said."""
        if self._times:
            named = _named(*(event.get(name) for name in ("source", "detail-type", "resources", "detail")))
            if named in self._times:
                event["time"] = self._times[named]

    def complete_message(self, message: dict[str, Any]) -> None:
        """Give a topic's message that arrives the values of its binary attributes, in base64."""
        for name, attribute in message.get("MessageAttributes", {}).items():
            if attribute.get("Type", "").partition(".")[0] == "Binary" and not attribute.get("Value"):
                attribute["Value"] = self._values.get((message["Message"], name), "")


def times_in(entries: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """The entries to put as events: what tells each from others, and its time, or nothing where it says none.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
    """
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        source, detail_type, resources = (entry.get(name) for name in ("Source", "DetailType", "Resources"))
        named, time = _named(source, detail_type, resources, _json(entry.get("Detail"))), entry.get("Time")
        told = f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}" if isinstance(time, (int, float)) else ""
        yield named, told


def binary_values_in(body: str) -> Iterator[tuple[tuple[str, str], str]]:
    """The binary attributes in a request to publish: a message with the attribute's name, and its value.

    https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
    """
    said = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
    for name, value in said.items():
        entry, found, number = name.removesuffix(".Value.BinaryValue").rpartition("MessageAttributes.entry.")
        if found and number.isdigit():
            yield (said.get(f"{entry}Message", ""), said.get(f"{entry}{found}{number}.Name", "")), value


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError):
        return text


def _named(source: Any, detail_type: Any, resources: Any, detail: Any) -> str:
    """What tells an event from others, as far as a client has said it."""
    return json.dumps([source, detail_type, resources or [], detail], sort_keys=True, default=str)


def _remember(known: dict[Any, str], name: Any, value: str) -> None:
    known.pop(name, None)
    known[name] = value
    if len(known) > MOST:
        del known[next(iter(known))]
