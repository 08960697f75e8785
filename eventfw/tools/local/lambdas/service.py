"""Lambda, the service: every invocation of this machine goes through it, whoever asks for it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-invocation.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.routing import identify
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.lambdas.asynchronous import Accepted, AsynchronousQueue, counted
from eventfw.tools.local.lambdas.chaos import Chaos
from eventfw.tools.local.lambdas.concurrency import ACCOUNT, Concurrency
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.destinations import Destinations
from eventfw.tools.local.lambdas.versions import Versions
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import LATEST, Result, Throttled, new_request_id

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws


class Environments(Protocol):
    """What runs functions: the pool of workers, for example."""

    async def invoke(self, request: InvocationRequest) -> Result:
        """Run a function on an event and wait for its outcome, which may be an error document."""

    def begin(self, function: str, event: bytes, answer: Callable[[Result | None], None], within: float) -> bool:
        """Run a function at once, if that takes no waiting and less than ``within`` seconds; whether it is run.
        ``answer`` is told ``None`` where the event could not be begun after all, and is to be invoked."""


class LambdaService:
    """Runs functions for gateways, SDKs, pollers, schedules and the embedded AWS.

    Synchronous invocations go straight to an environment; asynchronous ones are accepted at once, and are then the
    queue's. ``client`` gives what asks the embedded AWS, or ``None`` while there is none; ``concurrency`` is how many
    invocations the account may have at once. ``chaos`` says which events come late or twice; it may be replaced.
    """

    def __init__(
        self,
        environments: Environments,
        terminal: Terminal,
        clock: Clock,
        region: str,
        client: Callable[[], Aws | None] = lambda: None,
        concurrency: int = ACCOUNT,
    ) -> None:
        self.environments = environments
        self.terminal = terminal
        self.clock = clock
        self.region = region
        self.concurrency = Concurrency(concurrency)
        self.versions = Versions(client, self.configuration)
        self.destinations = Destinations(client, self.accept, lambda: self._functions, clock)
        self.queue = AsynchronousQueue(self, self.destinations.deliver, clock, terminal)
        self.chaos = Chaos()
        self._functions: Mapping[str, FunctionConfiguration] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        clock.settled_by(self.settle)

    @property
    def functions(self) -> Mapping[str, FunctionConfiguration]:
        """The app's, by short name. What is assigned takes effect with the next attempt of anything."""
        return self._functions

    @functions.setter
    def functions(self, functions: Mapping[str, FunctionConfiguration]) -> None:
        changes = self._changes
        self._functions = {name: replace(one, **changes.get(name, {})) for name, one in functions.items()}
        self.concurrency.replace(self._functions.values())
        self.versions.forget()

    def change(self, function: str, settings: Mapping[str, Any]) -> None:
        """Have a function of the app other settings than the app says, from now on."""
        self._changes.setdefault(function, {}).update(settings)
        self.functions = self._functions

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        qualifier: str = "",
        version: str = "",
        tenant: str = "",
        source: str = "",
    ) -> Result:
        """Run a function and wait for its outcome, which may be an error document.

        ``version`` is what the qualifier stands for, where that is known already. ``source`` says, in a word, who asks;
        it is told on the terminal. Gateways, which tell themselves, leave it out. Raises ``LocalError`` for what cannot
        be run, and ``Throttled`` at the limit of concurrency.
        """
        slot = self.concurrency.enter(function)
        try:
            if qualifier and not version:
                version = await self.versions.version(function, qualifier)
            request = InvocationRequest(
                function,
                event,
                request_id or new_request_id(),
                client_context,
                f"{self.arn(function)}:{qualifier}" if qualifier else "",
                version or LATEST,
                tenant,
            )
            result = await self.environments.invoke(request)
        finally:
            self.concurrency.leave(slot)
        if source:
            self.terminal.invocation(source, function, result.error, result.payload, result.duration_ms, spent=result)
        return result

    def begin(self, function: str, event: bytes, answer: Callable[[Result | None], None], within: float) -> bool:
        """Run a function at once, if nothing has to be waited for and its timeout is under ``within`` seconds; whether
        it is run. ``answer`` is then told the outcome, or ``None`` where the event could not be begun after all. For
        that, for all else, and for what is to be told, there is :meth:`invoke`."""
        concurrency = self.concurrency
        try:
            slot = concurrency.enter(function)
        except Throttled:
            return False

        def ended(result: Result | None) -> None:
            concurrency.leave(slot)
            answer(result)

        begun = False
        try:
            begun = self.environments.begin(function, event, ended, within)
        finally:
            if not begun:
                concurrency.leave(slot)
        return begun

    def accept(
        self,
        function: str,
        event: bytes,
        *,
        source: str,
        request_id: str | None = None,
        qualifier: str = "",
        tenant: str = "",
        depth: int = 0,
    ) -> str:
        """Take an event for a function, to be run soon; its request id, which stays the same over all attempts.

        What fails is tried again by Lambda's rules, and ends in the function's dead-letter queue or destination.
        ``depth`` is how many destinations in a row have led to it.
        """
        request_id = request_id or new_request_id()
        now = self.clock.time()
        for delay in self.chaos.deliveries(function):
            due = now + delay
            self.queue.accept(Accepted(function, event, request_id, source, now, due, qualifier, tenant, depth=depth))
        return request_id

    async def attempt(self, event: Accepted) -> tuple[Result, str]:
        """Run an accepted event: the result, and the version that gave it."""
        version = await self.versions.version(event.function, event.qualifier)
        result = await self.invoke(
            event.function,
            event.event,
            request_id=event.request_id,
            qualifier=event.qualifier,
            version=version,
            tenant=event.tenant,
            source=event.source,
        )
        return result, version

    async def settle(self) -> bool:
        """Wait until every accepted event has ended, or waits for the clock; whether one had not."""
        return await self.queue.settle()

    async def stop(self) -> None:
        """Give up what was accepted and has not ended, and say how much that is."""
        if given_up := await self.queue.stop():
            self.terminal.note(f"Gave up {counted(given_up, 'asynchronous event')} that had not ended.")

    def known(self, function: str) -> bool:
        """Whether the app that is being served has the function."""
        return function in self._functions

    def configuration(self, function: str) -> FunctionConfiguration:
        """The function's settings; those of a function that says nothing, where the app has none of the name."""
        return self._functions.get(function) or FunctionConfiguration(function)

    def is_off(self, function: str) -> bool:
        """Whether the function has reserved a concurrency of 0."""
        return self.concurrency.is_off(function)

    def arn(self, function: str) -> str:
        """The unqualified ARN of a function."""
        return f"arn:aws:lambda:{self.region}:{LOCAL_ACCOUNT}:function:{function}"

    def qualified_arn(self, function: str, qualifier: str) -> str:
        """The ARN that records have of a function."""
        return f"{self.arn(function)}:{qualifier or LATEST}"


def source_of(event: bytes) -> str:
    """What sent an event, in a word."""
    try:
        return identify(json.loads(event))
    except (ValueError, RecursionError):
        return "event"
