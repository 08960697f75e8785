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
from eventfw.tools.cli.streams import open_standard_streams

COMMANDS = {  # name: one line for `eventfw --help`, so that help imports no command
    "new": "Begin a project from the starter app.",
    "local": "Serve the app on this machine, with an embedded AWS beside it.",
    "invoke": "Invoke a function of the running local server.",
    "send": "Send a handler a sample event, on the running local server.",
    "clock": "Show or advance the virtual clock of the running local server.",
    "attach": "Run a runtime for a function of the running local server.",
    "replay": "Replay sample events on the running local server.",
    "route": "Say which handlers an event reaches, and why not the others.",
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
@click.option(
    "--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors; after a command's name too."
)
def cli() -> None:
    """One file of decorators is a complete, deployable, event-driven AWS application."""


def main(args: list[str] | None = None) -> None:
    """Run the command line; errors of the user's become one clear message and an exit code."""
    open_standard_streams()
    arguments = sys.argv[1:] if args is None else args
    try:
        status = cli.main(args=undebugged(arguments), standalone_mode=False, prog_name="eventfw")
        sys.exit(status if isinstance(status, int) else 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except EventfwError as error:
        if wants_debug(arguments):
            traceback.print_exc()
        show_error(error)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        if wants_debug(arguments):
            traceback.print_exc()
        where = str(error.filename or "")
        show_error(EventfwError(f"The system refused: {error.strerror or error}.", place=where))
        sys.exit(74)  # EX_IOERR of sysexits.h
    except Exception as error:
        if wants_debug(arguments):
            raise
        last = traceback.extract_tb(error.__traceback__)[-1]
        show_error(
            EventfwError(
                f"{type(error).__name__}: {error}. This is a bug in eventfw, not in your app. "
                f"The same command with --debug shows the traceback, for the report.",
                place=f"{last.filename}:{last.lineno}",
            )
        )
        sys.exit(70)  # EX_SOFTWARE of sysexits.h


def wants_debug(arguments: list[str]) -> bool:
    """Whether ``--debug`` is among the options, before or after the command's name."""
    return "--debug" in arguments[: arguments.index("--")] if "--" in arguments else "--debug" in arguments


def undebugged(arguments: list[str]) -> list[str]:
    """The arguments without ``--debug``, which every command takes and none needs to know."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [word for word in arguments[:end] if word != "--debug"] + arguments[end:]


def show_error(error: EventfwError) -> None:
    """The message on standard error: the place first, as compilers write it."""
    place = click.style(f"{error.place}: ", bold=True) if error.place else ""
    click.echo(
        f"{place}{click.style('error: ', fg='red', bold=True)}{error.message}", err=True, color=colours(sys.stderr)
    )


def colours(stream: Any) -> bool:
    """Whether a stream gets colours: a terminal does, unless NO_COLOR is set. https://no-color.org"""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR")
