"""What the qualifiers of functions stand for: versions, and aliases with their weights, which the embedded AWS keeps.

https://docs.aws.amazon.com/lambda/latest/dg/configuration-aliases.html
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from eventfw.errors import LocalError
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.workers.results import LATEST

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws

FUNCTIONS = "/2015-03-31/functions"
LIVE = "live"  # the alias of functions that have published versions
FIRST = "1"  # its version


class UnknownFunction(LocalError):
    """No such function, version or alias: Lambda's ``ResourceNotFoundException``."""


@dataclass(frozen=True)
class Routing:
    """A version, and those that get a share of what is sent to it: by version, from 0 to 1."""

    version: str
    weights: Mapping[str, float] = field(default_factory=dict, hash=False)

    @classmethod
    def of_alias(cls, alias: Mapping[str, Any]) -> Routing:
        """Of what GetAlias answers."""
        config = alias.get("RoutingConfig") or {}
        return cls(str(alias["FunctionVersion"]), config.get("AdditionalVersionWeights") or {})

    def chosen(self, drawn: float) -> str:
        """The version for one invocation, by a number drawn from 0 up to 1."""
        for version, weight in sorted(self.weights.items()):
            if drawn < weight:
                return version
            drawn -= weight
        return self.version


class Versions:
    """Asks for each qualifier once, until :meth:`forget`: whatever may have changed it."""

    def __init__(
        self,
        client: Callable[[], Aws | None],
        configuration: Callable[[str], FunctionConfiguration],
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.client = client
        self.configuration = configuration
        self.draw = draw
        self._known: dict[tuple[str, str], Routing] = {}

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known = {}

    async def version(self, function: str, qualifier: str) -> str:
        """The version that an invocation with a qualifier, which may be ``""``, runs. Raises UnknownFunction."""
        if qualifier in ("", LATEST):
            return LATEST
        known = self._known
        routing = known.get((function, qualifier))
        if routing is None:
            routing = await self._asked(function, qualifier)
            if known is self._known:
                known[function, qualifier] = routing
        return routing.chosen(self.draw()) if routing.weights else routing.version

    async def _asked(self, function: str, qualifier: str) -> Routing:
        """What the embedded AWS has; failing that, what the app itself has published, which is not made there."""
        aws = self.client()
        found = None if aws is None else await _found(aws, function, qualifier)
        if found is None and qualifier in (LIVE, FIRST) and self.configuration(function).published:
            found = Routing(FIRST)
        if found is None:
            raise UnknownFunction(f"{function!r} has no version or alias {qualifier!r}.")
        return found


async def _found(aws: Aws, function: str, qualifier: str) -> Routing | None:
    from eventfw.tools.local.cloud.aws import AwsError

    path = f"{FUNCTIONS}/{quote(function)}"
    try:
        if qualifier.isdigit():
            await aws.rest("lambda", "GET", f"{path}/configuration?Qualifier={qualifier}")
            return Routing(qualifier)
        return Routing.of_alias(await aws.rest("lambda", "GET", f"{path}/aliases/{quote(qualifier)}"))
    except AwsError as error:
        if error.status == 404:
            return None
        raise
