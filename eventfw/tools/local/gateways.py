"""Everything that leads HTTP to the app's functions, and the schedules, which follow the app like these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from eventfw.paths import HttpTable
from eventfw.resources.names import LOCAL_STAGE
from eventfw.tools.local.addresses import Addresses
from eventfw.tools.local.cdn.front import EdgeFront
from eventfw.tools.local.cdn.sites import Association
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.functions import Functions
from eventfw.tools.local.lambdas.schedules import Schedules
from eventfw.tools.local.options import Options
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.apis import apis_of
from eventfw.tools.local.web.asgi import ASGIApp, PlainHttp
from eventfw.tools.local.web.direct import Direct
from eventfw.tools.local.web.fronts import Fronts
from eventfw.tools.local.web.gateway import Gateway
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.web.trouble import Trouble, Troubled
from eventfw.tools.local.web.websockets import WebSockets

MOST_ADDRESSES = 5  # that are printed of function URLs and the like


class Gateways:
    """HTTP and REST APIs, function URLs and load balancers, WebSockets, and the edge before them.

    ``cloud`` gives the address of the embedded AWS's door while there is one: the edge has buckets there.
    """

    def __init__(
        self,
        options: Options,
        addresses: Addresses,
        functions: Functions,
        terminal: Terminal,
        clock: Clock,
        guard: Guard,
        cloud: Callable[[], str | None],
    ) -> None:
        self.addresses = addresses
        self.service = functions.service
        invoke, observe = self.service.invoke, terminal.exchange
        self.trouble = Trouble(options.directory)
        self.schedules = Schedules(self.service.accept, clock, options.region)
        self.gateway = Gateway(HttpTable([]), invoke, guard=guard, observe=observe)
        self.fronts = Fronts(self.gateway, invoke, guard=guard, observe=observe)
        self.websockets = WebSockets(self.fronts, invoke, guard=guard, observe=observe)
        self.edge = EdgeFront(
            [],
            invoke,
            self.gateway,
            origin_host=addresses.http.removeprefix("http://"),
            cloud=cloud,
            region=options.region,
            named=options.edge_origins,
            now=clock.time,
            guard=guard,
            observe=observe,
            tell=terminal.note,
        )
        clock.settled_by(self.edge.cache.settle)
        for waiting in (self.gateway.invoke, self.websockets.invoke, self.edge.hooks.invoke):
            waiting.patient = lambda: functions.patient

    def replace(self, description: dict[str, Any]) -> None:
        """Route by a new description of the app, from the next request on."""
        self.trouble.end()
        self.gateway.apis = apis_of(description["apis"])
        self.fronts.replace(description["fronts"])
        self.websockets.replace(description["websockets"])
        self.edge.replace([Association(**one) for one in description["edge"]], description["distributions"])
        self.schedules.replace(description["schedules"], f"{description['app']}-{LOCAL_STAGE}")

    def serve(self, door: ASGIApp) -> Callable[[], Awaitable[None]]:
        """Begin to answer on all sockets, on that of the AWS by ``door``; returns what ends it."""
        from eventfw.tools.local.web.serving import serving  # late: see server.LATE

        http, edge, aws = self.addresses.sockets
        web = Troubled(self.websockets, self.trouble)
        front = Troubled(PlainHttp(self.edge), self.trouble)
        direct = Direct(self.websockets, self.fronts, self.gateway, self.service.begin, self.trouble)
        end_serving = serving([(http, web), (edge, front), (aws, PlainHttp(door))], {self.addresses.http_port: direct})

        async def end() -> None:
            await end_serving()
            await self.edge.close()

        return end

    def lines(self) -> list[str]:
        """Where people find what is served, for the terminal."""
        http = self.addresses.http
        return [
            f"  HTTP  {http}",
            *(f"  {'REST' if api.rest else 'HTTP'}  {http}/{api.name}" for api in self.gateway.apis.named.values()),
            *(f"  WS    {http.replace('http', 'ws', 1)}/{name}" for name in self.websockets.apis),
            *(f"  HTTP  {http}{path}" for path in self.fronts.paths[:MOST_ADDRESSES]),
            f"  edge  {self.addresses.edge}",
        ]
