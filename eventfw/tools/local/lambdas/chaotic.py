"""Environments that faults meet: invocations that are refused, and environments that end as at their timeout."""

from __future__ import annotations

from collections.abc import Callable

from eventfw.tools.local.lambdas.chaos import Chaos
from eventfw.tools.local.lambdas.service import Environments
from eventfw.tools.local.workers import results
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result, Throttled


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

    async def invoke(self, request: InvocationRequest) -> Result:
        """Run a function on an event, unless a fault comes between. Raises ``Throttled`` for one that is refused.

        The caller does not have to wait for the timeout: it is told of it as soon as the fault is decided, or the
        handler has worked.
        """
        function, request_id = request.function, request.request_id
        if self.chaos.throttles(function):
            raise Throttled(f"{function} was throttled by --chaos.")
        when = self.chaos.times_out(function)
        result = Result(b"", request_id=request_id)
        if when != "before":
            result = await self.others.invoke(request)
        if not when:
            return result
        if when == "after":
            self.end(function, result)
        payload = results.timed_out(request_id, self.timeout_of(function))
        return Result(payload, True, "Sandbox.Timedout", result.logs, result.duration_ms, request_id, result.journal)
