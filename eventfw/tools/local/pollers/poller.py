"""What polls an event source for Lambda, and what all that do are given.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from eventfw.tools.local.clock import Clock
from eventfw.tools.local.cloud.aws import Aws
from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.pollers.positions import Positions
from eventfw.tools.local.pollers.visibility import Visibility
from eventfw.tools.local.terminal import Terminal


@dataclass(frozen=True)
class Surroundings:
    """What pollers use: the embedded AWS, Lambda, the time, somebody to tell, what knows when messages are seen, and
    where streams are read on."""

    aws: Aws
    lambdas: LambdaService
    clock: Clock
    terminal: Terminal
    visibility: Visibility
    positions: Positions = field(default_factory=Positions)


class Poller(Protocol):
    """One event source mapping at work."""

    async def run(self) -> None:
        """Poll and invoke, until :meth:`drain` or cancelled. What the embedded AWS refuses is told once, and tried
        again; nothing of it is raised. Cancelled, it gives back what it holds."""

    async def drain(self) -> None:
        """Take nothing more, finish what is held, and have :meth:`run` return. Returns when that is so."""

    async def left(self) -> None:
        """Wait, once :meth:`drain` has begun, until another may take this one's place."""

    async def settle(self) -> bool:
        """Wait until nothing is held that could go on without the clock going on; whether anything was."""

    def wake(self, source: str) -> None:
        """Something was just sent to the source of this name, a queue's or a stream's: look at once if it is yours."""


MakePoller = Callable[[EventSourceMapping, Surroundings, "Poller | None"], Poller]
"""Makes the poller of a mapping. The third is the one that it takes the place of, which it has left: a stream's goes on
where that one was."""
