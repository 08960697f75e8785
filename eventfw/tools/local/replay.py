"""Replaying sample events: where each goes, what it gave, and what changed since the last run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eventfw.app import Handler
from eventfw.errors import LocalError, ProjectError
from eventfw.explaining import Route
from eventfw.routing import Router
from eventfw.tools.local.client import Invoked
from eventfw.tools.local.state import FOLDER, folder_of

MEMORY = "replay.json"
EVENTS = "events"

Invoke = Callable[[str, Any, str], Invoked]
"""Runs a function on an event: function, event, source."""


@dataclass(frozen=True)
class Replayed:
    """One event that reached one handler, or none."""

    file: str
    kind: str
    handler: str = ""
    function: str = ""
    error: bool = False
    value: Any = None
    duration_ms: float = 0.0
    before: dict[str, Any] | None = None
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether there is something to mend."""
        return self.error or bool(self.problem)

    @property
    def change(self) -> str:
        """``new``, ``unchanged`` or ``changed`` against the last run."""
        if self.before is None:
            return "new"
        return "unchanged" if self.before == self.outcome() else "changed"

    def outcome(self) -> dict[str, Any]:
        """What is remembered for the next run. Times and ids are not part of it."""
        value = self.value
        if self.error and isinstance(value, dict):
            value = {key: value[key] for key in ("errorType", "errorMessage") if key in value}
        return {"error": self.error, "value": value}


class Replay:
    """Replays event files through the running server and remembers what they gave."""

    def __init__(self, project: Path, router: Router, invoke: Invoke) -> None:
        self.project = project
        self.router = router
        self.invoke = invoke
        self._memory = project / FOLDER / MEMORY
        self._before = self._remembered()
        self._after: dict[str, dict[str, Any]] = dict(self._before)

    def run(self, files: Iterable[Path]) -> Iterator[Replayed]:
        """Each event and handler in turn; a faulty file is told and the others still run."""
        for path in files:
            name = relative(path, self.project)
            try:
                event = read_event(path)
            except LocalError as error:
                yield Replayed(name, "", problem=error.message)
                continue
            route = self.router.route(event)
            if not route.reached:
                yield Replayed(name, route.kind, problem=unreached(route))
            for handler in route.reached:
                yield self._one(name, event, route, handler)
        folder_of(self.project)
        self._memory.write_text(json.dumps(self._after, indent=1, sort_keys=True))

    def _one(self, name: str, event: Any, route: Route, handler: Handler) -> Replayed:
        invoked = self.invoke(handler.function, event, f"replay {name}")
        key = f"{name} {handler.name}"
        done = Replayed(
            name,
            route.kind,
            handler.name,
            handler.function,
            invoked.error,
            invoked.value,
            invoked.duration_ms,
            self._before.get(key),
        )
        self._after[key] = done.outcome()
        return done

    def _remembered(self) -> dict[str, dict[str, Any]]:
        try:
            found = json.loads(self._memory.read_text())
        except (FileNotFoundError, ValueError):
            return {}
        outcomes = found.items() if isinstance(found, dict) else ()
        return {key: one for key, one in outcomes if isinstance(one, dict) and one.keys() == {"error", "value"}}


def event_files(project: Path, named: Iterable[str]) -> list[Path]:
    """The files to replay: those named, or every JSON file in ``events``."""
    given = [Path(name) for name in named]
    if given:
        return given
    found = sorted((project / EVENTS).glob("*.json"))
    if not found:
        raise ProjectError(f"There are no sample events in {project / EVENTS}. Add one, or name a file.")
    return found


def read_event(path: Path) -> Any:
    """The event in a file. Raises LocalError, at the line, where it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise LocalError(f"There is no file {path}.", place=str(path)) from None
    except json.JSONDecodeError as error:
        message = f"Line {error.lineno}, column {error.colno} is not JSON: {error.msg}."
        raise LocalError(message, place=f"{path}:{error.lineno}") from None
    except (OSError, ValueError, RecursionError) as error:  # ValueError: no UTF-8, or a number of thousands of digits
        raise LocalError(f"The file cannot be read as JSON: {error}.", place=str(path)) from None


def unreached(route: Route) -> str:
    """Why an event reached no handler: the reasons of the handlers of its kind, or that there are none."""
    near = {name: why for name, why in route.why.items() if not why.startswith(("kind ", "invoked directly"))}
    if not near:
        return f"no handler takes events of kind {route.kind}"
    return "no handler takes it: " + "; ".join(f"{name}: {why}" for name, why in near.items())


def relative(path: Path, project: Path) -> str:
    """A path as the user would name it."""
    whole = path.resolve()
    return str(whole.relative_to(project)) if whole.is_relative_to(project) else str(path)
