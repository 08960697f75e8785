"""``eventfw clock``: the time that the running local server's waits go by."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import click

from .options import json_option

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST = 366 * 86_400  # seconds: a year


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """Seconds, or a number with a unit: 90, 90s, 2m, 1h30m, 7d."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
        if parts and "".join(map("".join, parts)) == text:
            seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
        else:
            try:
                seconds = float(text)
            except ValueError:
                self.fail(f"{text!r} is no duration. Write seconds, or units: 90, 2m, 1h30m, 7d.", param, ctx)
        if not (math.isfinite(seconds) and 0 <= seconds <= LONGEST):
            self.fail(f"{text!r} must be between 0 and 366d.", param, ctx)
        return seconds


@click.group(invoke_without_command=True)
@click.option("-C", "--directory", default=".", metavar="DIR", help="The project's folder, if not the current one.")
@json_option
@click.pass_context
def command(context: click.Context, directory: str, as_json: bool) -> None:
    """Show the time of the running local server, or advance its virtual clock.

    With `eventfw local --clock virtual`, retries, schedules, visibility timeouts and batching windows wait for this
    clock. It stands still until it is advanced.
    """
    context.obj = (directory, as_json)
    if context.invoked_subcommand is None:
        told(directory, as_json)


@command.command()
@click.argument("duration", type=Duration())
@click.pass_obj
def advance(options: tuple[str, bool], duration: float) -> None:
    """Move the virtual clock on by DURATION, such as 2m; what falls due meanwhile happens, in order.

    Returns when all of it has been done.
    """
    told(*options, duration)


def told(directory: str, as_json: bool, seconds: float | None = None) -> None:
    """Print the time after an advance."""
    from eventfw.tools.local.client import LocalClient

    now, virtual = LocalClient(Path(directory)).clock(seconds)
    if as_json:
        click.echo(json.dumps({"now": now, "virtual": virtual}))
    else:
        click.echo(f"{now} ({'virtual' if virtual else 'real'})")
