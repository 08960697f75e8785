"""``eventfw route``: where an event goes and why, without running anything."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .main import colours
from .options import json_option, project_options

if TYPE_CHECKING:
    from eventfw.app import App
    from eventfw.explaining import Route
    from eventfw.tools.checks import Finding


@click.command()
@click.argument("event", required=False, metavar="[EVENT.json|-]")
@click.option("--check", is_flag=True, help="Look for ambiguous, shadowed and unreachable handlers instead.")
@project_options
@json_option
def command(event: str | None, check: bool, directory: str, app: str | None, as_json: bool) -> None:
    """Say which handlers an event reaches, and why not the others.

    The event is in a file, or on standard input (-). No handler is run and no server is needed.

    With --check and no event, report handlers that are ambiguous (two triggers of one function take the same event),
    shadowed (others take every event before it) or unreachable (no event is taken by it), and exit with 1 if there are
    any. `eventfw build` refuses the ambiguous.
    """
    from eventfw.tools.project import load_project

    if check == (event is not None):
        raise click.UsageError("Name one event (a file, or - for standard input), or write --check without one.")
    if check:
        report(load_project(directory, app).app, as_json=as_json)
        return
    from eventfw.routing import Router

    payload = read(str(event))
    loaded = load_project(directory, app).app
    route = Router(loaded).route(payload)
    if as_json:
        click.echo(json.dumps(row(route), indent=2))
    else:
        click.echo(table(route, len(loaded.handlers)), color=colours(sys.stdout))


def read(event: str) -> Any:
    """The event of a file, or of standard input."""
    from eventfw.errors import ProjectError
    from eventfw.tools.local.replay import read_event

    if event != "-":
        return read_event(Path(event))
    try:
        return json.loads(sys.stdin.read())
    except (ValueError, RecursionError) as error:
        raise ProjectError(f"Standard input is not JSON: {error}.", place="-") from None


def row(route: Route) -> dict[str, Any]:
    """The route for scripts."""
    return {
        "kind": route.kind,
        "reached": [
            {"handler": handler.name, "function": handler.function, "trigger": trigger.title(), "place": handler.place}
            for handler, trigger in route.hits
        ],
        "not_reached": [{"handler": name, "why": why} for name, why in route.why.items()],
        "answers": [
            {"function": function, "status": answer.status, "headers": dict(answer.headers)}
            for function, answer in route.answers.items()
        ],
    }


def table(route: Route, count: int) -> str:
    """The route for people: the handlers reached, then what keeps the event from each of the others."""
    width = max((len(name) for name in [*route.why, *(handler.name for handler in route.reached)]), default=0)
    reached = f"reaches {len(route.reached)} of {count} handler{'s' * (count != 1)}{':' * bool(route.hits)}"
    lines = [f"An event of kind {click.style(route.kind, bold=True)} {reached}"]
    for handler, trigger in route.hits:
        name = click.style(f"{handler.name:{width}}", fg="green", bold=True)
        lines.append(f"  {name}  {trigger.title()}  (function {handler.function}, {handler.place})")
    for function, answer in route.answers.items():
        allow = "".join(f", {name}: {value}" for name, value in dict(answer.headers).items())
        lines.append(f"Function {function} itself answers {answer}{allow}.")
    if route.why:
        lines.append("and not:" if route.hits else "because:")
        lines += [f"  {name:{width}}  {why}" for name, why in route.why.items()]
    return "\n".join(lines)


def report(app: App, *, as_json: bool) -> None:
    """Print what a check of the app finds, and exit with 1 if that is anything."""
    from eventfw.tools.checks import check

    found = check(app)
    if as_json:
        click.echo(json.dumps([finding.row() for finding in found], indent=2))
    elif not found:
        count = len(app.handlers)
        click.echo(f"{count} handler{'s' * (count != 1)}: none is ambiguous, shadowed or unreachable.")
    for finding in [] if as_json else found:
        click.echo(told(finding), color=colours(sys.stdout))
    if found:
        sys.exit(1)


def told(finding: Finding) -> str:
    """A finding for people: the place first, as compilers write it."""
    colour = "red" if finding.refused else "yellow"
    return f"{click.style(finding.place + ':', bold=True)} {click.style(finding.kind, fg=colour)}: {finding.message}"
