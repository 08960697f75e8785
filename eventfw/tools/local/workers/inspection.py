"""The first worker's other task: telling the server, as data, what the app is, or why it cannot be imported."""

from __future__ import annotations

import traceback

from eventfw.errors import EventfwError
from eventfw.resources.names import LOCAL_STAGE, Names
from eventfw.tools.local.workers.modules import installed_modules, loaded_at, own_modules, packages_used
from eventfw.tools.project import Project, describe, load_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def inspected(spec: dict[str, Any]) -> tuple[Project | None, dict[str, Any]]:
    """Import the app. Returns it, and what the server is told.

    That is ``{"description", "module", "variable", "modules", "packages", "files", "saved"}``, where ``files`` are
    source files by module and ``saved`` their times, or, where the import failed,
    ``{"problem": {"type", "message", "place", "traceback"}, "files"}``.
    """
    directory = spec["directory"]
    try:
        project = load_project(directory, spec["app"] or None)
        ports = (spec["edge_port"], spec["http_port"])
        names = Names(project.app.name, LOCAL_STAGE, spec["account"], spec["region"], *ports)
        description = describe(project.app, names, spec["endpoint"])
    except Exception as error:
        return None, {"problem": problem(error, directory), "files": own_modules(directory)}
    return project, {
        "description": description,
        "module": project.module,
        "variable": project.variable,
        "modules": installed_modules(directory),
        "packages": packages_used(directory),
        "files": own_modules(directory),
        "saved": loaded_at(directory),
    }


def problem(error: Exception, directory: str) -> dict[str, Any]:
    """An error as data: its type, sentence, place, and the part of the traceback that is in the project's folder."""
    cause = error.__cause__ if isinstance(error, EventfwError) and error.__cause__ is not None else error
    users = [frame for frame in traceback.extract_tb(cause.__traceback__) if frame.filename.startswith(directory)]
    lines = traceback.format_list(users) + traceback.format_exception_only(cause)
    if isinstance(error, EventfwError):
        return {
            "type": type(error).__name__,
            "message": error.message,
            "place": error.place,
            "traceback": "".join(lines),
        }
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    message = f"{type(error).__name__}: {error}"
    return {"type": type(error).__name__, "message": message, "place": place, "traceback": "".join(lines)}
