"""While a broken save lasts, every response says so in a header: the answer is the last good app's."""

from __future__ import annotations

from collections.abc import Awaitable
from pathlib import Path

from eventfw.errors import EventfwError
from eventfw.tools.local.web.asgi import ASGIApp, Headers, Message, Receive, Scope, Send

HEADER = "x-eventfw-error"
LIMIT = 500  # characters: clients refuse long heads


class Trouble:
    """What is wrong with the app as it was last saved. ``headers`` is empty or has the one that tells it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.headers: Headers = []

    def begin(self, error: EventfwError) -> None:
        """The app cannot be loaded."""
        self.headers = [(HEADER, line_of(error, self.directory))]

    def end(self) -> None:
        """It could be loaded again."""
        self.headers = []


class Troubled:
    """An ASGI app whose HTTP responses carry the trouble's header, in so far as there is any."""

    def __init__(self, app: ASGIApp, trouble: Trouble) -> None:
        self.app = app
        self.trouble = trouble

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not self.trouble.headers or scope["type"] != "http":
            return self.app(scope, receive, send)
        added = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.trouble.headers]

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *added]}
            await send(message)

        return self.app(scope, receive, marked)


def line_of(error: EventfwError, directory: Path) -> str:
    """``<place>: <message>`` in one line that a header can hold: without control characters, what is not in latin-1
    escaped, and cut where it is long."""
    place = error.place.removeprefix(f"{directory.resolve()}/")
    text = " ".join(f"{place}: {error.message}".split() if place else error.message.split())
    line = text.encode("latin-1", "backslashreplace").decode("latin-1")
    shown = "".join(char if char.isprintable() else "?" for char in line)
    return shown if len(shown) <= LIMIT else shown[: LIMIT - 3] + "..."
