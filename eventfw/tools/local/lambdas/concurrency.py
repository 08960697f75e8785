"""How many invocations may run at once: what a function has reserved, and what the account has left for the others.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from __future__ import annotations

from collections.abc import Iterable

from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.workers.results import Throttled

ACCOUNT = 1000  # what an account has, until it asks for more
SHARED = ""  # the slot of all functions that have reserved nothing


class Concurrency:
    """Counts the invocations that run. Every request goes through it, so it is two look-ups and an addition."""

    def __init__(self, account: int = ACCOUNT) -> None:
        self.account = account
        self._limits: dict[str, int] = {SHARED: account}
        self._running: dict[str, int] = {}

    def replace(self, functions: Iterable[FunctionConfiguration]) -> None:
        """Go by new settings. What runs is counted where it was when it began."""
        reserved = {one.name: one.reserved_concurrency for one in functions if one.reserved_concurrency is not None}
        self._limits = {SHARED: max(0, self.account - sum(reserved.values())), **reserved}

    def enter(self, function: str) -> str:
        """Count an invocation that begins: the slot to :meth:`leave`. Raises Throttled where there is no room."""
        limits = self._limits
        slot = function if function in limits else SHARED
        running = self._running.get(slot, 0)
        if running >= limits[slot]:
            raise self._refusal(slot, limits[slot])
        self._running[slot] = running + 1
        return slot

    def leave(self, slot: str) -> None:
        """An invocation has ended."""
        self._running[slot] -= 1

    def left(self, without: str = "") -> int:
        """What the account has for functions that reserve nothing, if the function ``without`` reserved nothing."""
        reserved = {name: limit for name, limit in self._limits.items() if name not in (SHARED, without)}
        return self.account - sum(reserved.values())

    def is_off(self, function: str) -> bool:
        """Whether the function reserves nothing at all for itself, which switches it off."""
        return function != SHARED and self._limits.get(function) == 0

    def _refusal(self, slot: str, limit: int) -> Throttled:
        if slot == SHARED:
            message = f"{limit} invocations run already, which is all that the account has left."
            return Throttled(message, "ConcurrentInvocationLimitExceeded")
        message = f"{slot} runs {limit} times already, which is its reserved_concurrency."
        return Throttled(message, "ReservedFunctionConcurrentInvocationLimitExceeded")
