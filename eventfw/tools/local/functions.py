"""The app's functions as they run here: workers or the developer's runtimes, what watches them, and the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from eventfw.errors import LocalError
from eventfw.tools.local.addresses import Addresses
from eventfw.tools.local.clock import Clock
from eventfw.tools.local.cloud.log_events import LogEvents
from eventfw.tools.local.console import Console
from eventfw.tools.local.debugging import DebugPort
from eventfw.tools.local.lambdas.chaos import Chaos
from eventfw.tools.local.lambdas.configuration import configurations
from eventfw.tools.local.lambdas.service import Environments, LambdaService
from eventfw.tools.local.logs import BRIEF, TerminalLog
from eventfw.tools.local.options import Options
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.web.guard import Guard
from eventfw.tools.local.workers.limits import Limits
from eventfw.tools.local.workers.oversight import Oversight
from eventfw.tools.local.workers.pool import Pool

if TYPE_CHECKING:
    from eventfw.tools.local.cloud.aws import Aws
    from eventfw.tools.local.lambdas.runtime_api import RuntimeApi


class Functions:
    """What runs functions, and ``service``, which everybody asks to.

    ``reloaded`` is awaited when workers have to be made anew, because an editor has come or gone; ``client`` gives what
    the service sends records to destinations by.
    """

    def __init__(
        self,
        options: Options,
        addresses: Addresses,
        terminal: Terminal,
        clock: Clock,
        guard: Guard,
        client: Callable[[], Aws | None],
        log_events: LogEvents,
        reloaded: Callable[[], Awaitable[None]],
    ) -> None:
        self.options = options
        self.terminal = terminal
        self.guard = guard
        self.reloaded = reloaded
        self.console = Console(terminal)
        self.debugging = DebugPort(options.debug_port, self._editor) if options.debug_port is not None else None
        self.pool = Pool(
            options.directory,
            endpoint=addresses.aws,
            app=options.app,
            region=options.region,
            edge_port=addresses.edge_port,
            http_port=addresses.http_port,
            oversight=self._oversight(log_events),
        )
        self.chaos = Chaos(options.chaos, terminal.note)
        self.runtimes = self._runtime_api() if options.runtimes is not None else None
        self.service = LambdaService(self._environments(), terminal, clock, options.region, client, options.concurrency)
        self.service.chaos = self.chaos

    @property
    def patient(self) -> bool:
        """Whether a handler may be halted by a person, for whom nobody's patience ends."""
        return self.console.busy or self.debugging is not None

    def replace(self, described: dict[str, Any], destinations: dict[str, Any]) -> None:
        """Run the functions that the app has by now."""
        self.service.functions = configurations(described, destinations)
        if self.runtimes is not None:
            self.runtimes.replace(described)

    def refuse_unknown(self) -> None:
        """Refuse a function that ``--runtime-api`` names and the app has not. Raises LocalError."""
        if self.runtimes is not None and (missing := self.runtimes.missing()):
            names = ", ".join(self.service.functions)
            raise LocalError(f"The app has no function {missing[0]!r}, named by --runtime-api. It has: {names}.")

    def _oversight(self, log_events: LogEvents) -> Oversight:
        """Who is told of what functions print and of how invocations end."""
        oversight = Oversight(self._printed, Limits(self.terminal.problem))
        oversight.ask, oversight.leave = self.console.ask, self.console.leave
        if self.debugging is not None:
            oversight.limits.off = oversight.limits.awake = oversight.timeless = True
            oversight.debugger = self._debugged
        if self.options.logs != BRIEF:
            TerminalLog(self.terminal, self.options.logs).watch(oversight)
        if self.options.cloud:
            log_events.watch(oversight)
        return oversight

    def _printed(self, function: str, request_id: str, line: str) -> None:
        self.terminal.output(function, line)

    def _debugged(self) -> dict[str, Any] | None:
        """Where a new worker finds the editor that debugs it."""
        return self.debugging.place if self.debugging is not None else None

    async def _editor(self, attached: bool) -> None:
        """An editor has come or gone: workers are made anew, with it or without."""
        await self.reloaded()
        words = "An editor is attached: its breakpoints hold" if attached else "The editor has gone: handlers run on"
        self.terminal.note(f"{words}. Timeouts, memory and temporary files are not bounded.")

    def _environments(self) -> Environments:
        """What runs functions: workers, or runtimes of the developer's own; and faults between, if they are wanted."""
        environments: Environments = self.runtimes or self.pool
        if self.options.chaos is not None:
            from eventfw.tools.local.lambdas.chaotic import ChaoticEnvironments

            environments = ChaoticEnvironments(
                environments, self.chaos, lambda name: self.service.configuration(name).timeout, self.pool.end
            )
        if self.options.inspect:
            from eventfw.tools.local.lambdas.inspector import Inspector

            environments = Inspector(environments, self.terminal.line)
        return environments

    def _runtime_api(self) -> RuntimeApi:
        from eventfw.tools.local.lambdas.runtime_api import RuntimeApi

        options, say = self.options, self.terminal.note
        chosen = options.runtimes or ()
        return RuntimeApi(
            chosen,
            self.pool,
            self.pool.place,
            options.app or "",
            guard=self.guard,
            say=say,
            oversight=self.pool.oversight,
        )
