"""``eventfw clock``: durations, and what it says without a server and of a real clock."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from eventfw.errors import LocalError
from eventfw.tools.cli.clock import Duration, command


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("0", 0), ("2m", 120), ("1h30m", 5400), ("7d", 604_800), ("1.5m", 90)],
)
def test_a_duration_is_seconds_or_has_units(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "'soon' is no duration. Write seconds, or units: 90, 2m, 1h30m, 7d."),
        ("2 m", "no duration"),
        ("2m3", "no duration"),
        ("-1", "must be between 0 and 366d"),
        ("nan", "must be between 0 and 366d"),
        ("367d", "must be between 0 and 366d"),
    ],
)
def test_what_is_no_duration_is_refused(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        Duration().convert(text, None, None)


def test_without_a_server_it_says_how_to_start_one(tmp_path: Path) -> None:
    answer = CliRunner().invoke(command, ["-C", str(tmp_path), "advance", "2m"])
    assert isinstance(answer.exception, LocalError)
    assert "eventfw local" in str(answer.exception)
