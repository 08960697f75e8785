"""How ``invoke``, ``send`` and ``replay`` reach the running server."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from eventfw.errors import LocalError
from eventfw.tools.local.cloud.control import PREFIX
from eventfw.tools.local.state import State, read_state

LONGEST = 930  # seconds: Lambda's longest timeout, and some


@dataclass(frozen=True)
class Invoked:
    """What one invocation gave: ``logs`` are Lambda's, ``printed`` the function's own lines in them."""

    payload: str
    error: bool
    logs: str
    printed: str
    duration_ms: float
    request_id: str

    @property
    def value(self) -> Any:
        """The payload read as JSON; the text itself where it is not."""
        try:
            return json.loads(self.payload)
        except ValueError:
            return self.payload


class LocalClient:
    """Talks to the local server of a project."""

    def __init__(self, project: Path) -> None:
        self.state: State = read_state(project.resolve())

    def invoke(self, function: str, event: Any, source: str = "invoke") -> Invoked:
        """Run a function, by its short name, on an event. Raises LocalError where the server refuses or is gone."""
        body = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return Invoked(**self._asked(f"invoke/{quote(function, safe='')}", body, {"x-eventfw-source": source}))

    def clock(self, advance: float | None = None) -> tuple[str, bool]:
        """The server's time, as text, once advanced by so many seconds, if any; and whether its clock is virtual.

        Raises LocalError for a real clock, which cannot be advanced.
        """
        told = self._asked("clock", json.dumps({} if advance is None else {"advance": advance}).encode(), {})
        return told["now"], told["virtual"]

    def _asked(self, path: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
        address = urlsplit(self.state.control)
        connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=LONGEST)
        sent = {"x-eventfw-token": self.state.token, "content-type": "application/json", **headers}
        try:
            connection.request("POST", f"{PREFIX}/{path}", body, sent)
            response = connection.getresponse()
            data: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LocalError(
                f"The local server at {self.state.control} does not answer ({error}). Is it still up?"
            ) from None
        finally:
            connection.close()
        if response.status != 200:
            raise LocalError(data.get("errorMessage", f"The local server answered {response.status}."))
        return data
