"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    C = TypeVar("C", bound=Callable[..., Any])


def project_options(command: C) -> C:
    """``--directory`` and ``--app``: which project, and which app of it."""
    command = click.option("--app", metavar="MODULE[:VARIABLE]", help="The app, if not the one in app.py.")(command)
    return click.option(
        "-C", "--directory", default=".", metavar="DIR", help="The project's folder, if not the current one."
    )(command)


def stage_option(command: C) -> C:
    """``--stage``: which stage of ``eventfw.toml``."""
    return click.option("--stage", metavar="STAGE", help="The stage; dev unless said.")(command)


def json_option(command: C) -> C:
    """``--json``: for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def endpoint_option(command: C) -> C:
    """``--endpoint-url``: an emulator instead of AWS."""
    return click.option(
        "--endpoint-url",
        metavar="URL",
        help="Another endpoint than AWS's, such as an emulator's; else that of AWS_ENDPOINT_URL.",
    )(command)


def yes_option(command: C) -> C:
    """``--yes``: agree to what would be asked."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")(command)
