"""What a save sets off, and what becomes of it when the next save comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from eventfw.tools.local.reloading import reload_at


async def saves(*files: str) -> AsyncIterator[list[str]]:
    for file in files:
        yield [file]
        await asyncio.sleep(0)


async def reloads(patience: float, *files: str) -> list[str]:
    """What becomes of reloads after saves of these files: of ``never.py`` it never ends."""
    told, tasks = [], []

    async def reload(files: list[str]) -> None:
        told.append(f"begun {files[0]}")
        await asyncio.sleep(60 if files == ["never.py"] else 0.01)
        told.append(f"done {files[0]}")

    def spawn(work: object) -> asyncio.Task[None]:
        tasks.append(asyncio.ensure_future(work))  # type: ignore[arg-type]
        return tasks[-1]

    await reload_at(saves(*files), reload, spawn, lambda news: told.append("told"), patience)
    await tasks[-1]
    return told


def test_a_reload_ends_before_the_next_begins() -> None:
    told = asyncio.run(reloads(20, "a.py", "b.py"))
    assert told == ["begun a.py", "done a.py", "begun b.py", "done b.py"]


def test_one_that_never_ends_gives_way_to_the_next() -> None:
    told = asyncio.run(reloads(0.05, "never.py", "b.py"))
    assert told == ["begun never.py", "told", "begun b.py", "done b.py"]
