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
    """What one invocation gave."""

    payload: str
    error: bool
    logs: str
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
        address = urlsplit(self.state.control)
        connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=LONGEST)
        headers = {"x-eventfw-token": self.state.token, "x-eventfw-source": source, "content-type": "application/json"}
        try:
            body = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
            connection.request("POST", f"{PREFIX}/invoke/{quote(function, safe='')}", body, headers)
            response = connection.getresponse()
            data = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LocalError(
                f"The local server at {self.state.control} does not answer ({error}). Is it still up?"
            ) from None
        finally:
            connection.close()
        if response.status != 200:
            raise LocalError(data.get("errorMessage", f"The local server answered {response.status}."))
        return Invoked(**data)
