"""Asking a person before something changes, and what is done where nobody can be asked."""

from __future__ import annotations

import sys

import click

from eventfw.errors import DeployError


class Unasked(DeployError):
    """Something needs agreement, but standard input is not a terminal and ``--yes`` was not given."""

    exit_code = 2


def agreed(question: str, *, yes: bool, typed: str = "") -> bool:
    """Whether the user agrees: by ``--yes``, by ``y``, or by typing ``typed`` where more than a reflex is wanted.

    Asks on standard error, so that standard output stays the answer's. Raises ``Unasked`` where nobody can answer.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        raise Unasked("Nobody is there to agree: standard input is not a terminal. Give --yes to go on without asking.")
    if typed:
        answer: str = click.prompt(f"{question} Type {typed} to go on", default="", show_default=False, err=True)
        return answer.strip() == typed
    return click.confirm(question, err=True)
