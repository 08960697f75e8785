"""Saying where everything is: to other commands, to scripts, and to the person at the terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from eventfw.tools.local.backend import Backend
from eventfw.tools.local.functions import Functions
from eventfw.tools.local.gateways import MOST_ADDRESSES, Gateways
from eventfw.tools.local.options import Options
from eventfw.tools.local.state import State, forget_state, write_state
from eventfw.tools.local.terminal import Terminal


class Announcing:
    """Tells of a server's parts. ``done`` once it has, and whoever comes later goes by what it wrote."""

    def __init__(self, options: Options, functions: Functions, gateways: Gateways, backend: Backend) -> None:
        self.options = options
        self.functions = functions
        self.gateways = gateways
        self.backend = backend
        self.addresses = gateways.addresses
        self.done = False
        self.before: State | None = None  # another server of the project's, which the other commands went to

    def announce(self, terminal: Terminal) -> None:
        """Say where everything is, once all of it answers."""
        self.write_state()
        self.done = True
        if self.before is not None:
            terminal.note(
                f"Another local server runs here, on {self.before.http}. "
                "While this one runs, eventfw's other commands go to this one."
            )
        if self.options.as_json and sys.stdout is not None:
            sys.stdout.write(json.dumps(self._first_line()) + "\n")
            sys.stdout.flush()
        for line in self._lines():
            terminal.line(line)

    def write_state(self) -> None:
        """Tell the other commands where everything is."""
        addresses, runtimes = self.addresses, self.functions.runtimes
        state = State(
            addresses.http,
            self.backend.address,
            addresses.edge,
            addresses.aws,
            os.getpid(),
            self.backend.token,
            self.options.region,
            runtimes.environments if runtimes is not None else {},
        )
        self.before = write_state(self.options.directory, state) or self.before

    def forget_state(self) -> None:
        """Tell the other commands that this server is gone."""
        forget_state(self.options.directory, os.getpid(), self.before)

    def _first_line(self) -> dict[str, Any]:
        addresses, runtimes = self.addresses, self.functions.runtimes
        first: dict[str, Any] = {
            "http": addresses.http,
            "aws": self.backend.address or None,
            "edge": addresses.edge,
            "pid": os.getpid(),
        }
        return first if runtimes is None else {**first, "runtimes": runtimes.environments}

    def _lines(self) -> list[str]:
        options, lines = self.options, self.gateways.lines()
        if aws := self.backend.address:
            lines.append(f"  AWS   {aws}  (aws --endpoint-url {aws} --region {options.region} ...)")
        if self.functions.runtimes is not None:
            lines += self.functions.runtimes.addresses(MOST_ADDRESSES)
        if options.virtual_clock:
            lines.append("  clock virtual: it stands at the moment of the start until `eventfw clock advance`")
        if options.chaos is not None:
            lines.append(f"  chaos {options.chaos}")
        if options.debug_port is not None:
            lines.append(f"  debug 127.0.0.1:{options.debug_port}  (attach an editor)")
        return [*lines, "Ctrl-C stops it. Saving a file reloads the app."]
