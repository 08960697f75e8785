"""How many batches of a queue are processed at once.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FIRST = 5  # batches at once, as soon as there are messages
GROWTH = 5.0  # more of them a second, while messages are left over: Lambda's 300 a minute
LAPTOP = 10  # a thousand on AWS: what one machine runs of a function
INVOKES_OF_A_POLLER = 10


class Scale:
    """The number of batches of one mapping that may be under way: more while messages are left over, fewer after the
    function was throttled. ``limit`` is never exceeded."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._base = float(min(FIRST, limit))
        self._since: float | None = None

    def allowed(self, now: float) -> int:
        """How many at this moment."""
        grown = 0.0 if self._since is None else (now - self._since) * GROWTH
        return max(1, min(self.limit, int(self._base + grown)))

    def grows(self, now: float) -> bool:
        """Whether it will soon be more."""
        return self._since is not None and self.allowed(now) < self.limit

    def busy(self, now: float) -> None:
        """Messages are left over."""
        if self._since is None:
            self._since = now

    def idle(self) -> None:
        """The queue is empty: begin anew."""
        self._base, self._since = float(min(FIRST, self.limit)), None

    def throttled(self, now: float) -> None:
        """Lambda refused an invocation: go down to half."""
        self._base, self._since = max(1.0, self.allowed(now) / 2), now


def scale_of(properties: Mapping[str, Any]) -> Scale:
    """The scale that a mapping asks for."""
    chosen = properties.get("ScalingConfig", {}).get("MaximumConcurrency")
    if chosen is None and (pollers := properties.get("ProvisionedPollerConfig")):
        chosen = int(pollers.get("MaximumPollers", 200)) * INVOKES_OF_A_POLLER
    return Scale(min(int(chosen or LAPTOP), LAPTOP))
