"""Lambda, the service: every invocation of this machine goes through it, whoever asks for it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-invocation.html
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any, Protocol

from eventfw.errors import EventfwError
from eventfw.resources.names import LOCAL_ACCOUNT
from eventfw.routing import identify
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import Result


class Environments(Protocol):
    """What runs functions: the pool of workers, for example."""

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        arn: str | None = None,
    ) -> Result:
        """Run a function on an event and wait for its outcome."""


class LambdaService:
    """Runs functions for gateways, SDKs, pollers, schedules and the embedded AWS.

    Synchronous invocations go straight to an environment; asynchronous ones are accepted at once. ``functions`` are the
    app's, by short name; what is assigned takes effect with the next invocation.
    """

    def __init__(self, environments: Environments, terminal: Terminal, clock: Clock, region: str) -> None:
        self.environments = environments
        self.terminal = terminal
        self.clock = clock
        self.region = region
        self.functions: dict[str, FunctionConfiguration] = {}
        self._accepted: set[asyncio.Task[None]] = set()
        clock.settled_by(self.settle)

    async def invoke(
        self,
        function: str,
        event: bytes,
        *,
        request_id: str | None = None,
        client_context: dict[str, Any] | None = None,
        qualifier: str = "",
        source: str = "",
    ) -> Result:
        """Run a function and wait for its outcome, which may be an error document.

        ``source`` says, in a word, who asks; it is told on the terminal. Gateways, which tell themselves, leave it out.
        Raises ``LocalError`` for what cannot be run, and ``Throttled`` at the limit of concurrency.
        """
        arn = f"{self.arn(function)}:{qualifier}" if qualifier else None
        result = await self.environments.invoke(
            function, event, request_id=request_id, client_context=client_context, arn=arn
        )
        if source:
            self.terminal.invocation(source, function, result.error, result.payload, result.duration_ms)
        return result

    async def run(self, function: str, event: bytes, source: str, request_id: str) -> Result:
        """For the embedded AWS, and for the other commands, which say what their ``source`` is."""
        return await self.invoke(function, event, request_id=request_id or None, source=source or source_of(event))

    async def direct(self, function: str, event: bytes, client_context: dict[str, Any] | None) -> Result:
        """For an SDK's Invoke. What keeps it from running is told here too: nobody may be waiting for the answer."""
        try:
            return await self.invoke(function, event, client_context=client_context, source="invoke")
        except EventfwError as error:
            self.terminal.problem(str(error))
            raise

    def accept(
        self, function: str, event: bytes, *, source: str, request_id: str | None = None, qualifier: str = ""
    ) -> str:
        """Take an event for a function, to be run soon; its request id."""
        request_id = request_id or str(uuid.uuid4())
        task = asyncio.create_task(self._run_accepted(function, event, source, request_id, qualifier))
        self._accepted.add(task)
        task.add_done_callback(self._accepted.discard)
        return request_id

    async def settle(self) -> bool:
        """Wait until no accepted event is under way; whether one was."""
        running = list(self._accepted)
        await asyncio.gather(*running, return_exceptions=True)
        return bool(running)

    async def stop(self) -> None:
        """Give up what was accepted and has not ended."""
        for task in list(self._accepted):
            task.cancel()
        await asyncio.gather(*self._accepted, return_exceptions=True)

    def known(self, function: str) -> bool:
        """Whether the app that is being served has the function."""
        return function in self.functions

    def arn(self, function: str) -> str:
        """The unqualified ARN of a function."""
        return f"arn:aws:lambda:{self.region}:{LOCAL_ACCOUNT}:function:{function}"

    async def _run_accepted(self, function: str, event: bytes, source: str, request_id: str, qualifier: str) -> None:
        try:
            await self.invoke(function, event, request_id=request_id, qualifier=qualifier, source=source)
        except EventfwError as error:
            self.terminal.problem(str(error))


def source_of(event: bytes) -> str:
    """What sent an event, in a word."""
    try:
        return identify(json.loads(event))
    except (ValueError, RecursionError):
        return "event"
