"""The command line: messages, exit codes, tracebacks only when asked for."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from eventfw.tools.cli import main as cli


def ran(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["list", "--help"]])
def test_help_and_version_succeed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(arguments) == 0
    assert "eventfw" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["lst"], "Did you mean 'list'?"), (["list", "--jsn"], "--json"), (["list", "extra"], "unexpected")],
)
def test_misspelt_arguments_are_told(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ran(arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("debug", [0, 1, None])
def test_a_users_error_is_a_message_and_a_traceback_only_with_debug(
    debug: int | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["list", "-C", str(tmp_path)]
    if debug is not None:
        arguments.insert(debug, "--debug")
    assert ran(arguments) == 1
    shown = capsys.readouterr().err
    assert "error: There is no app.py" in shown
    assert ("Traceback" in shown) is (debug is not None)


def test_our_own_bug_is_called_one(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def broken() -> None:
        raise KeyError("inside")

    monkeypatch.setattr(cli.Commands, "get_command", lambda *_: broken)
    assert ran(["list"]) == 70
    shown = capsys.readouterr().err
    assert "KeyError: 'inside'. This is a bug in eventfw" in shown and "--debug" in shown and "Traceback" not in shown
    with pytest.raises(KeyError):
        cli.main(["list", "--debug"])


def test_every_command_is_there_and_says_what_it_does() -> None:
    context = click.Context(cli.cli)
    for name in cli.COMMANDS:
        command = cli.cli.get_command(context, name)
        assert command is not None and command.help
