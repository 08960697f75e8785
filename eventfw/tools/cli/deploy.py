"""``eventfw deploy``: build, show the plan, ask, deploy, print the outputs."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eventfw.tools.cli.asking import agreed
from eventfw.tools.cli.options import endpoint_option, json_option, project_options, stage_option, yes_option

if TYPE_CHECKING:
    from eventfw.tools.deploy.plan import Plan


@click.command()
@project_options
@stage_option
@endpoint_option
@yes_option
@json_option
def command(
    directory: str, app: str | None, stage: str | None, endpoint_url: str | None, yes: bool, as_json: bool
) -> None:
    """Build the app, show what changes, ask, and deploy it.

    The stage's region and profile come from eventfw.toml, else from the environment and ~/.aws, as for the AWS CLI.
    """
    from eventfw.tools.build.assemble import build
    from eventfw.tools.deploy.access import Access
    from eventfw.tools.deploy.deploy import deploy
    from eventfw.tools.deploy.report import Console
    from eventfw.tools.deploy.show import show_outputs, show_plan
    from eventfw.tools.project import load_project

    project = load_project(directory, app)
    chosen = project.stage(stage)
    console = Console(sys.stderr if as_json else sys.stdout)

    def confirm(plan: Plan) -> bool:
        show_plan(plan, console)
        return agreed("Deploy this?", yes=yes)

    access = Access(chosen.region, chosen.profile, endpoint_url, chosen.account)
    try:
        with tempfile.TemporaryDirectory(prefix="eventfw-deploy-") as folder:
            artifacts = build(project, chosen, out=Path(folder), report=console.note)
            outcome = deploy(artifacts, access=access, confirm=confirm, report=console)
    finally:
        console.close()
    if as_json:
        click.echo(
            json.dumps(
                {
                    "app": artifacts.app,
                    "stage": artifacts.stage,
                    "changed": outcome.changed,
                    "plan": [stack.as_json() for stack in outcome.plan.stacks],
                    "outputs": outcome.outputs,
                },
                indent=2,
            )
        )
        return
    console.note("Deployed." if outcome.changed else "Nothing to change.", "good")
    show_outputs(outcome.outputs, console)
