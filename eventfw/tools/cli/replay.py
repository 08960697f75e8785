"""``eventfw replay``: sample events through the running local server."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from .options import json_option, project_options

if TYPE_CHECKING:
    from eventfw.tools.local.replay import Replayed


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...")
@project_options
@json_option
def command(files: tuple[str, ...], directory: str, app: str | None, as_json: bool) -> None:
    """Replay sample events on the running local server.

    Without a FILE, every events/*.json. For each it prints which handler the event reached, what that gave, and what
    changed since the last run. Exits with 1 if an event failed or reached nothing.
    """
    from eventfw.routing import Router
    from eventfw.tools.local.client import LocalClient
    from eventfw.tools.local.replay import Replay, event_files
    from eventfw.tools.local.terminal import Terminal
    from eventfw.tools.project import load_project

    project = load_project(directory, app)
    client = LocalClient(project.directory)
    replay = Replay(project.directory, Router(project.app), client.invoke)
    terminal, failed = Terminal(sys.stdout), False
    for done in replay.run(event_files(project.directory, files)):
        failed = failed or done.failed
        if as_json:
            click.echo(json.dumps(row(done)))
        else:
            show(terminal, done)
    if failed:
        sys.exit(1)


def row(done: Replayed) -> dict[str, Any]:
    """One outcome, for scripts."""
    return {
        "file": done.file,
        "kind": done.kind,
        "handler": done.handler or None,
        "function": done.function or None,
        "error": done.error,
        "result": done.value,
        "change": done.change if done.handler else None,
        "problem": done.problem or None,
    }


def show(terminal: Any, done: Replayed) -> None:
    """One outcome, for people."""
    from eventfw.tools.local.terminal import milliseconds

    if done.problem:
        kind = f" {done.kind}" if done.kind else ""
        terminal.line(f"{done.file}{kind} {click.style('not run', fg='yellow')}")
        terminal.line(f"    {done.problem}")
        return
    outcome = click.style("failed", fg="red") if done.error else click.style("ok", fg="green")
    terminal.line(f"{done.file} {done.kind} -> {done.handler} {outcome} {milliseconds(done.duration_ms)}")
    terminal.line(f"    {short(done.outcome()['value'])}")
    if done.before is not None and done.change == "changed":
        was = "failed" if done.before["error"] else "ok"
        terminal.line(f"    {click.style('changed', fg='yellow')}, was {was}: {short(done.before['value'])}")
    elif done.change == "unchanged":
        terminal.line(f"    {click.style('unchanged', dim=True)}")


def short(value: Any) -> str:
    """A value in a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:297] + "..."
