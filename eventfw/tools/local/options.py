"""What the command line of ``eventfw local`` asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from eventfw.tools.local.cdn.named import Named
from eventfw.tools.local.lambdas.chaos import Spec
from eventfw.tools.local.logs import BRIEF


@dataclass(frozen=True)
class Options:
    """What the command line asked for. A port of 0 lets the system choose one."""

    directory: Path
    app: str | None = None
    port: int = 8000
    aws_port: int = 4566
    edge_port: int = 8001
    cloud: bool = True
    cloud_endpoint: str | None = None
    region: str = "us-east-1"
    replay: bool = False
    as_json: bool = False
    allowed_hosts: tuple[str, ...] = ()
    virtual_clock: bool = False
    concurrency: int = 1000
    chaos: Spec | None = None
    inspect: bool = False
    runtimes: tuple[str, ...] | None = None  # the functions that the Runtime API serves; empty for all
    edge_origins: tuple[Named, ...] = ()
    logs: str = BRIEF
    debug_port: int | None = None
    persist: bool = False
