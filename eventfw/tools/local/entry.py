"""``eventfw.tools.local.entry.NAME``: the handler of the function NAME, for a runtime that is started for a project.

In a deployment zip the same stands in the generated ``eventfw_entry``. The project is that of ``LAMBDA_TASK_ROOT``, or
the current folder's.
"""

from __future__ import annotations

import os
from typing import Any

from eventfw.runtime import entry
from eventfw.tools.project import load_project

APP = "EVENTFW_APP"  # names the app, MODULE[:VARIABLE], where it is not the project's usual one


def attribute_of(function: str) -> str:
    """How a function is called in Python."""
    return "".join(char if char.isalnum() else "_" for char in function)


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    app = load_project(os.environ.get("LAMBDA_TASK_ROOT", "."), os.environ.get(APP)).app
    for function in app.functions:
        if attribute_of(function) == name:
            return entry(app, function)
    raise AttributeError(f"The app has no function {name!r}. It has: {', '.join(app.functions)}.")
