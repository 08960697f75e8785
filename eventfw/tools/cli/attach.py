"""``eventfw attach``: a runtime of the user's own for a function that the local server's Runtime API serves."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-C", "--directory", default=".", metavar="DIR", help="The project's folder, if not the current one.")
@click.argument("function")
@click.argument("program", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND ...]")
def command(directory: str, function: str, program: tuple[str, ...]) -> int:
    """Run a runtime for FUNCTION of a server started with `eventfw local --runtime-api`.

    COMMAND runs in the project's folder with the function's variables. Without one the app's own handlers run in
    awslambdaric, AWS's runtime client for Python. A runtime that fails is started again, as Lambda does.
    `eventfw attach FUNCTION env` shows the variables.
    """
    from eventfw.tools.local.attaching import attached

    return attached(Path(directory), function, program, lambda text: click.echo(text, err=True))
