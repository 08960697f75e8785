"""``eventfw invoke``: any payload to a function of the running local server."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from .options import json_option


@click.command()
@click.argument("function")
@click.argument("event", required=False, metavar="[EVENT.json|-]")
@click.option("-C", "--directory", default=".", metavar="DIR", help="The project's folder, if not the current one.")
@json_option
def command(function: str, event: str | None, directory: str, as_json: bool) -> None:
    """Invoke FUNCTION of the running local server with the event in a file, or on standard input (-).

    Without an event, the payload is {}. Prints what the function returned; its log goes to standard error. Exits with
    1 if the function failed.
    """
    from eventfw.errors import LocalError
    from eventfw.tools.local.client import LocalClient
    from eventfw.tools.local.replay import read_event

    if event == "-":
        try:
            payload = json.loads(sys.stdin.read())
        except ValueError as error:
            raise LocalError(f"Standard input is not JSON: {error}.", place="-") from None
    else:
        payload = read_event(Path(event)) if event else {}
    done = LocalClient(Path(directory)).invoke(function, payload)
    report(done.payload, done.error, done.logs, as_json=as_json, duration_ms=done.duration_ms)


def report(payload: str, error: bool, logs: str, *, as_json: bool, duration_ms: float) -> None:
    """What an invocation gave: the payload on standard output, the function's output on standard error."""
    if as_json:
        try:
            value = json.loads(payload)
        except ValueError:
            value = payload
        click.echo(json.dumps({"error": error, "result": value, "logs": logs, "duration_ms": round(duration_ms, 3)}))
    else:
        if logs:
            click.echo(logs.rstrip("\n"), err=True)
        click.echo(payload)
    if error:
        sys.exit(1)
