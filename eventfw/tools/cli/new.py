"""``eventfw new``: begin a project from the starter app."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option("-C", "--directory", metavar="DIR", help="Where to write it, if not in a new folder called NAME.")
def command(name: str, directory: str | None) -> None:
    """Begin a project called NAME from the starter app.

    NAME begins the names of everything that is deployed, so choose it to stay.
    """
    from eventfw.tools.new import new

    folder = Path(directory) if directory is not None else Path(name)
    made = new(name, folder)
    click.echo(f"Made {folder}:")
    for path in made:
        click.echo(f"  {path}")
    click.echo(f"\nNext:\n  cd {shown(folder)}")
    click.echo("  python -m pytest    # the tests; pip install pytest")
    click.echo("  eventfw local       # everything on this machine")


def shown(folder: Path) -> str:
    """A folder as a shell takes it."""
    from shlex import quote

    return quote(str(folder))
