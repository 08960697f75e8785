"""Every event and every answer, for people to read: ``eventfw local --inspect``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click

from eventfw.errors import EventfwError
from eventfw.tools.local.lambdas.service import Environments, source_of
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result

LONGEST_TEXT = 1000  # characters of one string
MOST_LINES = 200  # of one event or answer
HIDDEN = "*****"
SECRET = frozenset((
    "authorization", "proxy-authorization", "cookie", "set-cookie", "cookies", "x-api-key", "apikey",
    "x-amz-security-token", "x-amz-signature", "authorizationtoken", "identitysource", "password", "newpassword",
))  # fmt: skip
"""Names, in lower case, of headers and fields whose values are nobody's to read over a shoulder."""


class Inspector:
    """The environments that ``others`` are. What goes in and what comes out is told to ``show``, a text of several
    lines for each: the event when it is handed over, the answer when it is there."""

    def __init__(self, others: Environments, show: Callable[[str], None]) -> None:
        self.others = others
        self.show = show

    def begin(self, function: str, event: bytes, answer: Callable[[Result | None], None], within: float) -> bool:
        """Nothing is run at once, without being shown."""
        return False

    async def invoke(self, request: InvocationRequest) -> Result:
        """Run a function on an event, and show both the event and what became of it."""
        function, request_id = request.function, request.request_id
        self.show(f"{_head('event', function, request_id)}  {source_of(request.event)}\n{shown(request.event)}")
        try:
            result = await self.others.invoke(request)
        except EventfwError as error:
            self.show(f"{_head('no answer', function, request_id, 'red')}  {error}")
            raise
        what, colour = ("error", "red") if result.error else ("answer", "green")
        head = _head(what, function, request_id, colour)
        self.show(f"{head}  {result.duration_ms:.1f} ms\n{shown(result.payload)}")
        return result


def _head(what: str, function: str, request_id: str, colour: str = "blue") -> str:
    return f"{click.style(f'--- {what}', fg=colour, bold=True)} {function}  {request_id}"


def shown(payload: bytes) -> str:
    """A payload as JSON over several lines: secrets hidden, what is long cut. What is no JSON is shown as text."""
    try:
        data = json.loads(payload)
    except (ValueError, RecursionError):
        return _cut(payload.decode(errors="replace"))
    try:
        lines = json.dumps(without_secrets(data), indent=2, ensure_ascii=False).splitlines()
    except RecursionError:
        return _cut(payload.decode(errors="replace"))
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES} more lines"]
    return "\n".join(lines)


def without_secrets(data: Any) -> Any:
    """The same data without the values that nobody is to read, and with long texts cut."""
    if isinstance(data, dict):
        return {
            name: _hidden(value) if name.lower() in SECRET else without_secrets(value) for name, value in data.items()
        }
    if isinstance(data, list):
        return [without_secrets(one) for one in data]
    return _cut(data) if isinstance(data, str) else data


def _hidden(value: Any) -> Any:
    """A secret's shape: how many there are, and, as CloudFront writes headers, how each is called."""
    if isinstance(value, list):
        return [_hidden(one) for one in value]
    if isinstance(value, dict):
        return {name: one if name == "key" else _hidden(one) for name, one in value.items()}
    return value if value is None or value == "" else HIDDEN


def _cut(text: str) -> str:
    left = len(text) - LONGEST_TEXT
    return f"{text[:LONGEST_TEXT]} ... and {left} more characters" if left > 0 else text
