"""Environments that faults meet: invocations that are refused, and environments that end as at their timeout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eventfw.tools.local.lambdas.chaos import Chaos
from eventfw.tools.local.lambdas.service import Environments
from eventfw.tools.local.workers import results
from eventfw.tools.local.workers.results import LATEST, Result, Throttled, new_request_id


class ChaoticEnvironments:
    """The environments that ``others`` are, with faults by ``chaos``.

    ``timeout_of`` gives a function's timeout in seconds. ``end`` ends the environment that gave a result: what the
    handler kept in memory is gone, as after a timeout on AWS.
    """

    def __init__(
        self,
        others: Environments,
        chaos: Chaos,
        timeout_of: Callable[[str], float],
        end: Callable[[str, Result], None],
    ) -> None:
        self.others = others
        self.chaos = chaos
        self.timeout_of = timeout_of
        self.end = end

    def begin(self, function: str, event: bytes, answer: Callable[[Result | None], None], within: float) -> bool:
        """Nothing is run at once, past the faults."""
        return False

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        arn: str | None = None,
        version: str = LATEST,
        tenant: str = "",
    ) -> Result:
        """Run a function on an event, unless a fault comes between. Raises ``Throttled`` for one that is refused.

        The caller does not have to wait for the timeout: it is told of it as soon as the fault is decided, or the
        handler has worked.
        """
        if self.chaos.throttles(function):
            raise Throttled(f"{function} was throttled by --chaos.")
        when, request_id = self.chaos.times_out(function), request_id or new_request_id()
        result = Result(b"", request_id=request_id)
        if when != "before":
            result = await self.others.invoke(
                function,
                event,
                request_id=request_id,
                client_context=client_context,
                arn=arn,
                version=version,
                tenant=tenant,
            )
        if not when:
            return result
        if when == "after":
            self.end(function, result)
        payload = results.timed_out(request_id, self.timeout_of(function))
        return Result(payload, True, "Sandbox.Timedout", result.logs, result.duration_ms, request_id, result.journal)
