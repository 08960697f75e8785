"""Tasks of state machines, as the local variant of a definition sends them: with a token, by which to tell how it went.

The embedded AWS would call every error by one name; told by SendTaskFailure, it takes the error's own.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eventfw.resources.state_tasks import MARK
from eventfw.tools.local.web.asgi import Outcome

PATIENCE = 30.0  # seconds
ERROR_MAX, CAUSE_MAX = 256, 32_768  # characters, as SendTaskFailure takes them


@dataclass(frozen=True)
class Step:
    """A task: the token, the event for the function, and whether its result is the task's, or within that of Invoke."""

    token: str
    event: bytes
    whole: bool

    @classmethod
    def within(cls, event: bytes) -> Step | None:
        """The task that an event tells of, if it does."""
        if MARK.encode() not in event[:100]:
            return None
        try:
            said = json.loads(event)
        except ValueError:
            return None
        found = said.get(MARK) if isinstance(said, dict) and len(said) == 1 else None
        if not isinstance(found, dict) or not isinstance(found.get("token"), str):
            return None
        return cls(found["token"], json.dumps(found.get("input")).encode(), bool(found.get("whole")))

    def report(self, result: Outcome) -> tuple[str, dict[str, str]]:
        """The action of Step Functions that tells how it went, and its input."""
        text = result.payload.decode(errors="replace")
        if result.error:
            error = str(json.loads(text).get("errorType", "Error"))
            more = {"error": error[:ERROR_MAX], "cause": text[:CAUSE_MAX]}
            return "SendTaskFailure", {"taskToken": self.token, **more}
        output = text if self.whole else f'{{"ExecutedVersion":"$LATEST","Payload":{text or "null"},"StatusCode":200}}'
        return "SendTaskSuccess", {"taskToken": self.token, "output": output or "null"}


class StepFunctions:
    """The Step Functions of the embedded AWS, at ``endpoint()``, which is ``None`` while there is none."""

    def __init__(self, endpoint: Callable[[], str | None], region: str) -> None:
        self.endpoint = endpoint
        self.region = region

    async def tell(self, action: str, sent: dict[str, str]) -> None:
        """Call an action. A task that is over, because its state had a timeout, is no matter."""
        if base := self.endpoint():
            await asyncio.to_thread(self._post, base, action, sent)

    def _post(self, base: str, action: str, sent: dict[str, Any]) -> None:
        from urllib.error import HTTPError  # takes as long to import as much of the server
        from urllib.request import Request, urlopen

        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"AWSStepFunctions.{action}",
            "authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/{self.region}/states/aws4_request, "
            f"SignedHeaders=host, Signature=0",
        }
        try:
            urlopen(Request(base, json.dumps(sent).encode(), headers), timeout=PATIENCE).close()
        except HTTPError as error:
            if error.code != 400:
                raise
