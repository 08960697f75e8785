"""``eventfw send``: a sample event, made by the handler's own trigger, to the running local server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from .invoke import report
from .options import json_option, project_options


@click.command()
@click.argument("handler")
@click.argument("fields", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--trigger", default=1, show_default=True, metavar="N", help="Which of the handler's triggers.")
@click.option("--print", "only_print", is_flag=True, help="Print the event instead of sending it.")
@project_options
@json_option
def command(
    handler: str,
    fields: tuple[str, ...],
    trigger: int,
    only_print: bool,
    directory: str,
    app: str | None,
    as_json: bool,
) -> None:
    """Send HANDLER a sample event, on the running local server.

    The event is made from the handler's decorator, so that it reaches the handler; KEY=VALUE overrides a field of it
    (a VALUE that is JSON is taken as such): eventfw send thumbnail key=cat.png
    """
    from eventfw.errors import ProjectError, RegistrationError
    from eventfw.testing import find_handler, sample_of
    from eventfw.tools.local.client import LocalClient
    from eventfw.tools.project import load_project

    project = load_project(directory, app)
    functions = project.app.functions
    found = find_handler(project.app, handler)
    if not 1 <= trigger <= len(found.triggers):
        raise ProjectError(f"{handler} has {len(found.triggers)} triggers, so --trigger {trigger} is not one of them.")
    try:
        event = sample_of(found.triggers[trigger - 1], parsed(fields))
    except RegistrationError as error:  # its place is a line of code, but the field came from the command line
        raise ProjectError(error.message) from None
    if only_print:
        click.echo(json.dumps(event, indent=2))
        return
    function = functions[found.function].name
    done = LocalClient(Path(project.directory)).invoke(function, event, "send")
    report(
        done.payload, done.error, done.logs if as_json else done.printed, as_json=as_json, duration_ms=done.duration_ms
    )


def parsed(fields: tuple[str, ...]) -> dict[str, Any]:
    """``key=value`` pairs; a value that reads as JSON is what it says, any other is text."""
    found: dict[str, Any] = {}
    for field in fields:
        key, equals, value = field.partition("=")
        if not equals or not key:
            raise click.UsageError(f"{field!r} is not KEY=VALUE.")
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found
