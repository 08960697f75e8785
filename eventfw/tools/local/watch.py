"""Watching the project for saves that matter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

IGNORED_FOLDERS = frozenset({".eventfw", "dist", "build", "out", "events", "tests"})
SUFFIXES = frozenset({".py", ".toml", ".html", ".jinja", ".jinja2", ".graphql", ".sql", ".yaml", ".yml"})


class Saves(DefaultFilter):
    """Python files, settings and templates; not what tools and handlers write, such as logs and JSON. The definition
    of a state machine is JSON, and called `.asl.json`."""

    def __init__(self, project: Path) -> None:
        super().__init__()
        self.project = project

    def __call__(self, change: Change, path: str) -> bool:
        if not super().__call__(change, path):
            return False
        relative = Path(path).relative_to(self.project)
        if any(part in IGNORED_FOLDERS or part.endswith(".egg-info") for part in relative.parts[:-1]):
            return False
        named = relative.name == "requirements.txt" or relative.name.endswith(".asl.json")
        wanted = relative.suffix in SUFFIXES or named
        return wanted and not relative.name.startswith(".")


async def saves(project: Path) -> AsyncIterator[list[str]]:
    """The files of each save, relative to the project; saves within 50 ms are one."""
    async for changes in awatch(project, watch_filter=Saves(project), debounce=50, step=10, rust_timeout=1000):
        yield sorted({str(Path(path).relative_to(project)) for _, path in changes})
