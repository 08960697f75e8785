"""``eventfw local``: the app on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .options import project_options

if TYPE_CHECKING:
    from eventfw.tools.local.lambdas.chaos import Spec


class ChaosSpec(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions of click only
    """What faults there are to be."""

    name = "SPEC"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Spec:
        from eventfw.tools.local.lambdas.chaos import parsed

        try:
            return parsed(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.command()
@project_options
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="HTTP; 0 for any free one."
)
@click.option(
    "--aws-port", type=click.IntRange(0, 65535), help="The embedded AWS. [default: 4566, or any with --port 0]"
)
@click.option("--edge-port", type=click.IntRange(0, 65535), help="The edge. [default: 8001, or any with --port 0]")
@click.option(
    "--edge-origin",
    multiple=True,
    metavar="[NAME=]URL",
    help="A server, here or elsewhere, for the default origin of a distribution or of all, or for a host; repeatable.",
)
@click.option("--cloud-endpoint", metavar="URL", help="Use this AWS emulator instead of the embedded one.")
@click.option("--no-cloud", is_flag=True, help="HTTP, edge and schedules only.")
@click.option(
    "--clock",
    type=click.Choice(["real", "virtual"]),
    default="real",
    help="The time of retries, schedules and windows; a virtual one stands until `eventfw clock advance`.",
)
@click.option(
    "--logs",
    type=click.Choice(["brief", "lambda", "json"]),
    default="brief",
    help="Of functions' logs: their own lines, all of Lambda's, or these as JSON. [default: brief]",
)
@click.option("--persist", is_flag=True, help="Keep the embedded AWS's data between runs, in .eventfw/aws.")
@click.option(
    "--concurrency",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    help="How many invocations the account has at once; more are throttled.",
)
@click.option(
    "--debug-port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Let an editor attach to handlers by debugpy, which is yours to install; timeouts do not run.",
)
@click.option("--region", metavar="REGION", help="The region handlers see. [default: the AWS CLI's, or us-east-1]")
@click.option(
    "--runtime-api",
    multiple=True,
    is_flag=False,
    flag_value="",
    metavar="[FUNCTION]",
    help="Serve Lambda's Runtime API to runtimes of your own: of all functions, or of FUNCTION; repeatable.",
)
@click.option(
    "--chaos",
    type=ChaosSpec(),
    help="Faults as AWS makes them, such as duplicate=0.1,throttle=0.05,reorder,timeout=0.01,seed=7.",
)
@click.option("--inspect", is_flag=True, help="Print every event and every answer.")
@click.option("--replay", is_flag=True, help="Replay events/*.json after the start and each reload.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="A further Host and Origin to accept; repeatable.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the addresses as JSON on the first line of standard output."
)
def command(
    directory: str,
    app: str | None,
    port: int,
    aws_port: int | None,
    edge_port: int | None,
    edge_origin: tuple[str, ...],
    cloud_endpoint: str | None,
    no_cloud: bool,
    clock: str,
    concurrency: int,
    logs: str,
    debug_port: int | None,
    persist: bool,
    region: str | None,
    runtime_api: tuple[str, ...],
    chaos: Spec | None,
    inspect: bool,
    replay: bool,
    allow_host: tuple[str, ...],
    as_json: bool,
) -> None:
    """Serve the app on this machine, with an embedded AWS beside it.

    HTTP routes are answered as API Gateway would; the app's queues and buckets are made in the embedded AWS, which real
    clients talk to and which triggers the handlers; schedules fire on time. Saving a file reloads the app.
    """
    from eventfw.tools.local.cdn.named import named_origin
    from eventfw.tools.local.options import Options
    from eventfw.tools.local.run import serve
    from eventfw.tools.local.terminal import Terminal
    from eventfw.tools.project import existing, load_config

    if no_cloud and cloud_endpoint:
        raise click.UsageError("--no-cloud and --cloud-endpoint exclude each other.")
    if persist and (no_cloud or cloud_endpoint):
        raise click.UsageError("--persist is for the embedded AWS, which this run has not.")
    folder = existing(directory)
    free = port == 0
    serve(
        Options(
            folder,
            app or load_config(folder).app,
            port,
            aws_port if aws_port is not None else 0 if free else 4566,
            edge_port if edge_port is not None else 0 if free else 8001,
            not no_cloud,
            cloud_endpoint,
            region or default_region(),
            replay,
            as_json,
            allow_host,
            virtual_clock=clock == "virtual",
            concurrency=concurrency,
            chaos=chaos,
            inspect=inspect,
            runtimes=chosen_runtimes(runtime_api),
            edge_origins=tuple(map(named_origin, edge_origin)),
            logs=logs,
            debug_port=debug_port,
            persist=persist,
        ),
        Terminal(sys.stderr if as_json else sys.stdout),
    )


def chosen_runtimes(named: tuple[str, ...]) -> tuple[str, ...] | None:
    """The functions that --runtime-api is about; empty for all, which it means without a name; None without it."""
    if not named:
        return None
    return () if "" in named else named


def default_region() -> str:
    """The region that the user's AWS clients talk to, so that they find what the app made; us-east-1 otherwise."""
    import configparser

    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if named:
        return named
    parser = configparser.RawConfigParser()
    try:
        parser.read(os.environ.get("AWS_CONFIG_FILE") or Path("~/.aws/config").expanduser())
    except (configparser.Error, UnicodeDecodeError, RuntimeError):
        return "us-east-1"
    profile = os.environ.get("AWS_PROFILE", "default")
    section = profile if profile == "default" else f"profile {profile}"
    return parser.get(section, "region", fallback="us-east-1")
