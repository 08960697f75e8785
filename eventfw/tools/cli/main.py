"""The command line: one file per command, imported when the command is used."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click

import eventfw
from eventfw.errors import EventfwError

COMMANDS = {  # name: one line for `eventfw --help`, so that help imports no command
    "new": "Begin a project from the starter app.",
    "local": "Serve the app on this machine, with an embedded AWS beside it.",
    "invoke": "Invoke a function of the running local server.",
    "send": "Send a handler a sample event, on the running local server.",
    "replay": "Replay sample events on the running local server.",
    "list": "List functions, handlers and triggers.",
    "build": "Make the deployment artifacts.",
    "deploy": "Build, show the plan, and deploy.",
    "destroy": "Remove a deployed stage.",
}


class Commands(click.Group):
    """Loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"eventfw.tools.cli.{cmd_name}")
        return module.command  # type: ignore[no-any-return]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from eventfw.options import closest

            ctx.fail(f"No such command {args[0]!r}.{closest(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(eventfw.__version__, prog_name="eventfw")
@click.option("--debug", is_flag=True, help="Show tracebacks of errors.")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """One file of decorators is a complete, deployable, event-driven AWS application."""
    ctx.obj = {"debug": debug}


def main(args: list[str] | None = None) -> None:
    """Run the command line; errors of the user's become one clear message and an exit code."""
    arguments = sys.argv[1:] if args is None else args
    try:
        cli.main(args=arguments, standalone_mode=False, prog_name="eventfw")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except EventfwError as error:
        if "--debug" in arguments[:1]:
            traceback.print_exc()
        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)


def show_error(error: EventfwError) -> None:
    """The message on standard error: the place first, as compilers write it."""
    place = click.style(f"{error.place}: ", bold=True) if error.place else ""
    click.echo(
        f"{place}{click.style('error: ', fg='red', bold=True)}{error.message}", err=True, color=colours(sys.stderr)
    )


def colours(stream: Any) -> bool:
    """Whether a stream gets colours: a terminal does, unless NO_COLOR is set. https://no-color.org"""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")
