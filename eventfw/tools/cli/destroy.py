"""``eventfw destroy``: remove a stage's stacks; its data stays unless that is asked for."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from eventfw.tools.cli.asking import agreed
from eventfw.tools.cli.options import endpoint_option, json_option, project_options, stage_option, yes_option

if TYPE_CHECKING:
    from eventfw.tools.deploy.destroy import Destruction
    from eventfw.tools.deploy.report import Reporter


@click.command()
@project_options
@stage_option
@endpoint_option
@click.option("--delete-data", is_flag=True, help="Empty and delete buckets, tables and other data, too.")
@yes_option
@json_option
def command(
    directory: str,
    app: str | None,
    stage: str | None,
    endpoint_url: str | None,
    delete_data: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove a deployed stage.

    Buckets, tables and other data stay and are listed; the next deploy takes them back. --delete-data deletes them.
    """
    from eventfw.tools.deploy.access import Access
    from eventfw.tools.deploy.destroy import destroy
    from eventfw.tools.deploy.report import Console
    from eventfw.tools.project import load_project

    project = load_project(directory, app)
    chosen = project.stage(stage)
    console = Console(sys.stderr if as_json else sys.stdout)

    def confirm(plan: Destruction) -> bool:
        show(plan, console)
        return agreed("Destroy this?", yes=yes, typed=plan.name if delete_data else "")

    try:
        done = destroy(
            project.app.name,
            chosen.name,
            access=Access(chosen.region, chosen.profile, endpoint_url, chosen.account),
            delete_data=delete_data,
            confirm=confirm,
            report=console,
        )
    finally:
        console.close()
    if as_json:
        click.echo(json.dumps({"app": done.app, "stage": done.stage, **done.as_json()}, indent=2))
        return
    show_done(done, console)


def show(plan: Destruction, report: Reporter) -> None:
    """What is about to go, and what stays."""
    for stack in plan.stacks:
        report.note(f"- the stack {stack.name} ({stack.region})", "bad")
    for resource in plan.data:
        if plan.delete_data:
            report.note(f"- DATA {resource}", "bad")
        else:
            report.note(f"= kept: {resource}", "good")
    for queue, count in sorted(plan.messages.items()):
        report.note(f"- {count} messages in {queue}", "bad")


def show_done(done: Destruction, report: Reporter) -> None:
    """What went, and what is left."""
    if done.empty:
        report.note(f"There is nothing of {done.name} to destroy.")
    elif done.stacks:
        report.note(f"Destroyed {', '.join(stack.name for stack in done.stacks)}.", "good")
    if done.data and not done.delete_data:
        report.note("Data that was kept, and that --delete-data deletes:")
        for resource in done.data:
            report.note(f"  {resource}")
    elif done.data:
        report.note(f"Deleted {len(done.data)} data resources.", "good")
