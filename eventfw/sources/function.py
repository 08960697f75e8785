"""``@app.function`` without a trigger: invoked directly, with the SDK or the command line."""

from __future__ import annotations

from ..events import Event
from ..http import plain
from ..trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..calling import Binding


class Direct(Trigger):
    """Direct invocation of a handler that has no trigger: it receives the payload itself and returns the answer.

    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """

    decorator = "function"
    example = "@app.function()"

    def title(self) -> str:
        return "direct invocation"

    def call(self, binding: Binding, event: Event) -> Any:
        return binding(event.raw, event.context)

    def payload(self, event: Any) -> Any:
        return event

    def encode(self, result: Any, event: Event) -> Any:
        return plain(result)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """The fields, as the payload."""
        return fields
