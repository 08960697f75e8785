"""What is asked of an execution environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eventfw.tools.local.workers.results import LATEST, new_request_id


@dataclass(frozen=True, slots=True)
class InvocationRequest:
    """One invocation: a function, by its short name, and an event (JSON).

    ``arn`` is what was invoked where that was qualified, ``version`` what it stands for, ``tenant`` whose environment
    has to take it.
    """

    function: str
    event: bytes
    request_id: str = field(default_factory=new_request_id)
    client_context: dict[str, Any] | None = None
    arn: str = ""
    version: str = LATEST
    tenant: str = ""
