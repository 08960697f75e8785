"""How much memory a worker and its children have: resident, not address space, which libraries reserve at will.

Linux tells of every process; elsewhere only the worker's own peak is known, which comes with its answer.
"""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


def used_by(pid: int, limit: int) -> int:
    """Bytes that a process and its descendants have in memory; 0 where the system does not tell.

    Children of a fork share pages with their parent. Only when everything added up is over ``limit`` are they counted
    by their share (``Pss``), which takes the system longer to say.
    """
    own = resident(pid)
    below = descendants(pid) if own else []
    if not below:
        return own
    total = own + sum(map(resident, below))
    return total if total <= limit else own + sum(map(share, below))


def resident(pid: int) -> int:
    """A process's resident size in bytes; 0 for one that is gone, or where there is no /proc."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def share(pid: int) -> int:
    """A process's proportional size: pages shared by several count a part each."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return 0
    return 0


def descendants(pid: int) -> list[int]:
    """A process's children and theirs."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        found += children
        waiting += children
    return found


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:  # ended meanwhile, or a kernel that does not list children
        return []
