"""The embedded AWS and what joins the app's functions to it: the door, what it pushes, what is polled, the stack."""

from __future__ import annotations

import asyncio
import importlib
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eventfw.errors import EventfwError
from eventfw.tools.local.addresses import Addresses
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.cloud.control import Control
from eventfw.tools.local.cloud.embedded import Cloud, ExternalCloud
from eventfw.tools.local.cloud.infrastructure import Order, applied, told_of
from eventfw.tools.local.cloud.kept import Kept
from eventfw.tools.local.cloud.log_events import LogEvents
from eventfw.tools.local.cloud.pushes import Pushes
from eventfw.tools.local.cloud.said import Said
from eventfw.tools.local.cloud.steps import StepFunctions
from eventfw.tools.local.lambdas.amended import Amended
from eventfw.tools.local.lambdas.api import InvokeApi
from eventfw.tools.local.lambdas.configuration import mappings
from eventfw.tools.local.lambdas.controls import ControlsApi
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.lambdas.waiting_events import WaitingEvents
from eventfw.tools.local.options import Options
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.guard import Guard

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws
    from eventfw.tools.local.cloud.door import Door
    from eventfw.tools.local.pollers.manager import Pollers
    from eventfw.tools.local.pollers.passing import Passing

LATE = tuple(  # imported while the AWS starts
    f"eventfw.tools.local.{name}" for name in ("cloud.upstream", "pollers.manager", "pollers.passing")
)

Spawn = Callable[[Any], asyncio.Task[Any]]
"""Runs something beside the server."""


class Backend:
    """The AWS of this run, which may not be there yet, or no longer: ``running`` is ``None`` then.

    :meth:`join` gives it the service whose functions it triggers. ``told`` is what the app's stack says of Lambda.
    """

    def __init__(self, options: Options, addresses: Addresses, terminal: Terminal, clock: Clock, guard: Guard) -> None:
        self.options = options
        self.addresses = addresses
        self.terminal = terminal
        self.clock = clock
        self.guard = guard
        self.running: Cloud | ExternalCloud | None = None
        self.client: Aws | None = None  # what the server itself asks of it by, once it was started
        self.pollers: Pollers | None = None
        self.passing: Passing | None = None
        self.told: dict[str, Any] = {"functions": [], "mappings": [], "destinations": {}}
        self.said = Said()
        self.kept = Kept(options.directory) if options.persist else None
        self.token = self.kept.token if self.kept is not None else secrets.token_urlsafe(24)
        self.log_events = LogEvents(lambda: self.client if self.running else None, terminal.note, self._has)
        self.changing = asyncio.Lock()  # held while the app's stack follows the app

    def join(self, service: LambdaService, spawn: Spawn) -> None:
        """Have it trigger the functions of a service."""
        self.service = service
        self.spawn = spawn
        self.pushes = Pushes(self._unchanging, self.terminal.problem, self.said, lambda: self.client)
        steps = StepFunctions(lambda: self.client)
        self.control = Control(service, self.token, self.clock, steps, self.pushes)
        events = self.kept.events if self.kept is not None else None
        self.waiting = WaitingEvents(service.queue, events, self.terminal) if events is not None else None

    def chosen(self) -> Cloud | ExternalCloud | None:
        """The AWS that the options ask for, not yet started."""
        if not self.options.cloud:
            return None
        if self.options.cloud_endpoint:
            return ExternalCloud(self.options.cloud_endpoint)
        return Cloud(self.addresses.aws_port, report=self.terminal.note, kept=self.kept, token=self.token)

    @property
    def address(self) -> str:
        """The URL that everybody knows it by; empty while there is none."""
        return self.addresses.aws if self.running is not None else ""

    async def start(self, cloud: Cloud | ExternalCloud) -> None:
        """Start the AWS and, when it is the embedded one, watch over it."""
        await asyncio.gather(cloud.start(), asyncio.to_thread(list, map(importlib.import_module, LATE)))
        self.running = cloud
        self._begin_polling()
        if isinstance(cloud, Cloud):
            self.spawn(self._mind(cloud))

    def _begin_polling(self) -> None:
        """Make what polls event sources, which imports the client library. Mappings come when the app's stack is up."""
        from eventfw.tools.local.cloud.aws import Aws
        from eventfw.tools.local.pollers.manager import Pollers
        from eventfw.tools.local.pollers.passing import Passing
        from eventfw.tools.local.pollers.poller import Surroundings
        from eventfw.tools.local.pollers.positions import Positions
        from eventfw.tools.local.pollers.visibility import Visibility

        self.client = Aws(lambda: self.running.endpoint_url if self.running else None, self.options.region)
        visibility = Visibility(self.client, self.clock, self.terminal)
        positions = Positions(self.kept.positions if self.kept is not None else None, self.terminal.problem)
        surroundings = Surroundings(self.client, self.service, self.clock, self.terminal, visibility, positions)
        self.pollers = Pollers(surroundings, self.spawn)
        self.passing = Passing(self.pollers.wake, self.pollers.passed_on, self.pollers.refresh, visibility)

    async def stop_polling(self) -> None:
        """Poll no more, and send what is left of the logs."""
        if self.pollers is not None:
            await self.pollers.stop()
        await self.log_events.stop()

    async def close(self) -> None:
        """Close the connections to the AWS, once nobody is left who sends anything there."""
        if self.client is not None:
            await self.client.close()

    async def _mind(self, cloud: Cloud) -> None:
        """Say so when the embedded AWS ends by itself. The rest goes on."""
        failure = await cloud.ended()
        self.running = None
        self.terminal.problem(str(failure))
        left = "a new, empty AWS" if self.kept is None else "an AWS as it was at the start, with the objects of buckets"
        self.terminal.note(f"HTTP, the edge and schedules go on. Start eventfw local again for {left}.")

    def door(self) -> Door:
        """What answers in front of it."""
        from eventfw.tools.local.cloud.door import Door  # late: see server.LATE

        amended = Amended(self.service)
        return Door(
            lambda: self.running.endpoint_url if self.running else None,
            control=self.control,
            invoke=InvokeApi(self.service),
            controls=ControlsApi(self.service),
            guard=self.guard,
            note=self.terminal.note,
            onlookers=lambda: (self.passing, self.said, amended) if self.passing is not None else (self.said, amended),
            passed=lambda request: self.passing.passed(request) if self.passing is not None else None,
        )

    async def _unchanging(self) -> None:
        """Wait until no change of the app's stack is under way."""
        async with self.changing:
            pass

    async def _has(self, function: str) -> bool:
        """Wait until no change of the app's stack is under way; whether it has a function."""
        async with self.changing:
            return function in self.told["functions"]

    async def apply(self) -> dict[str, str] | None:
        """Bring the app's stack up to date. Gives, by variable, what the AWS has named itself; ``None`` where there is
        no AWS, or the stack could not be as the app wants it, which is told."""
        if self.running is None:
            return None
        options = self.options
        order = Order(
            str(options.directory),
            options.app,
            self.running.endpoint_url,
            self.addresses.aws,
            options.region,
            self.control.push_url(self.addresses.aws),
        )
        try:
            answer = await applied(order)
        except EventfwError as error:
            self.terminal.problem(str(error))
            self.terminal.note("The embedded AWS is not as the app wants it. Mend the app and save.")
            return None
        if answer["changed"]:
            self.terminal.good(f"The app's stack is up to date in the embedded AWS ({answer['resources']} resources)")
        for told in told_of(answer["changes"]):
            self.terminal.note(told)
        self._follow(answer["lambda"])
        names: dict[str, str] = answer["names"]
        return names

    def _follow(self, told: dict[str, Any]) -> None:
        """Push and poll by what the app's stack says of Lambda."""
        self.told = told
        self.pushes.replace(told["subscriptions"])
        self.log_events.open()
        if self.pollers is not None:
            self.pollers.replace(mappings(told["mappings"]))
