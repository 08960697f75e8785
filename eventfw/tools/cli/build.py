"""``eventfw build``: the deployment artifacts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import json_option, project_options, stage_option

if TYPE_CHECKING:
    from eventfw.tools.build.artifacts import Artifacts


@click.command()
@project_options
@stage_option
@click.option("--out", default="build", show_default=True, metavar="DIR", help="Where to, below the current folder.")
@click.option("--lint", is_flag=True, help="Check the templates with cfn-lint; its warnings fail the build too.")
@json_option
def command(directory: str, app: str | None, stage: str | None, out: str, lint: bool, as_json: bool) -> None:
    """Make the deployment artifacts: CloudFormation templates, zips, and a manifest of them.

    The same source, Python and pinned requirements give the same bytes.
    """
    from eventfw.errors import BuildError
    from eventfw.tools.build.assemble import build
    from eventfw.tools.build.lint import lint_templates
    from eventfw.tools.project import load_project

    begun = time.perf_counter()
    project = load_project(directory, app)
    folder = Path(out).resolve()
    if project.directory.is_relative_to(folder):
        raise BuildError(
            f"The project is in {out}, so it cannot be built there. Name a folder of its own.", place="--out"
        )
    artifacts = build(project, project.stage(stage), out=folder, report=lambda text: click.echo(f"  {text}", err=True))
    artifacts.write(folder)
    if lint:
        lint_templates(folder, artifacts)
    if as_json:
        click.echo((folder / "manifest.json").read_text(), nl=False)
        return
    click.echo(summary(artifacts, Path(out)))
    click.echo(f"Built in {time.perf_counter() - begun:.1f} s{', and cfn-lint has nothing to say' * lint}.")


def summary(artifacts: Artifacts, out: Path) -> str:
    """What was made, a line each."""
    lines = [f"{artifacts.app}, stage {artifacts.stage}, in {out}/"]
    for stack in artifacts.stacks:
        size = len(json.dumps(stack.template, indent=2))
        where = f" ({stack.region})" if stack.region else ""
        count = len(stack.template["Resources"])
        lines.append(f"  {stack.name}.template.json{where}  {count} resources, {kilobytes(size)}")
    for asset in artifacts.assets:
        names = ", ".join(one.name for one in artifacts.functions if one.asset == asset.sha256)
        lines.append(f"  assets/{asset.sha256[:12]}....zip  {kilobytes(asset.bytes)}  {names}")
    return "\n".join(lines)


def kilobytes(size: int) -> str:
    """A size people can read."""
    return f"{size / 1_048_576:.1f} MB" if size >= 1_048_576 else f"{size / 1024:.0f} KB"
