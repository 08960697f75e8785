"""One request to an ASGI app, without a server between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return dict(self.headers)[name]


async def asked(app: Any, method: str, target: str, body: bytes, headers: dict[str, str], *, port: int) -> Answer:
    """The app's answer to a client that reached it at ``port``. A header is named as in Python; one without value is
    left out, also ``host``."""
    sent: list[Any] = []
    path, _, query = target.partition("?")
    given = {"host": f"localhost:{port}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items() if value],
        "client": ("127.0.0.1", 5000),
        "server": ("127.0.0.1", port),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, content = sent
    return Answer(start["status"], [(a.decode(), b.decode("latin-1")) for a, b in start["headers"]], content["body"])
