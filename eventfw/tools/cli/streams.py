"""Standard streams that a command was started without."""

from __future__ import annotations

import io
import os
import sys


def open_standard_streams() -> None:
    """Put the null device where a standard stream is closed (``2>&-``).

    Else the next socket or file took its number, and children wrote their errors there. What an encoding does not have,
    such as half a character out of an event, is written with a backslash.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            setattr(sys, name, open(number, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - for the whole process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
