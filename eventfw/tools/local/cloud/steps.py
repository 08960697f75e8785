"""Tasks of state machines, as the local variant of a definition sends them: with a token, by which to tell how it went.

The embedded AWS would call every error by one name; told by SendTaskFailure, it takes the error's own.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventfw.resources.state_tasks import MARK
from eventfw.tools.local.web.asgi import Outcome

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws

UNKNOWN = "Lambda.Unknown"
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
            error = error_name(result.payload)
            more = {"error": error[:ERROR_MAX], "cause": text[:CAUSE_MAX]}
            return "SendTaskFailure", {"taskToken": self.token, **more}
        text = text if is_json(text) else json.dumps(text)
        output = text if self.whole else f'{{"ExecutedVersion":"$LATEST","Payload":{text or "null"},"StatusCode":200}}'
        return "SendTaskSuccess", {"taskToken": self.token, "output": output or "null"}


def error_name(payload: bytes) -> str:
    """The error's own name; of a document without one, which a runtime of the developer's own may give, AWS's.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        document = None
    return str(document.get("errorType") or UNKNOWN) if isinstance(document, dict) else UNKNOWN


def is_json(text: str) -> bool:
    """Whether a result can be a task's as it is; nothing can."""
    try:
        json.loads(text or "null")
    except (ValueError, RecursionError):
        return False
    return True


class StepFunctions:
    """The Step Functions of the embedded AWS, asked by ``client()``, which is ``None`` while there is none."""

    def __init__(self, client: Callable[[], Aws | None]) -> None:
        self.client = client

    async def tell(self, action: str, sent: dict[str, str]) -> None:
        """Call an action. A task that is over, because its state had a timeout, is no matter."""
        aws = self.client()
        if aws is None:
            return
        from eventfw.tools.local.cloud.aws import AwsError

        try:
            await aws.call("states", action, sent)
        except AwsError as error:
            if error.status != 400:
                raise
