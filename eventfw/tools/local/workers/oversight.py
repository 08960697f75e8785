"""What the server keeps an eye on workers with: who is told of their lines and invocations, and their bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eventfw.tools.local.workers.journal import Journal, Stream
from eventfw.tools.local.workers.limits import Limits
from eventfw.tools.local.workers.output import OnLine

if TYPE_CHECKING:
    from eventfw.tools.local.console import Answer
    from eventfw.tools.local.workers.handle import Worker


@dataclass
class Oversight:
    """Shared by all workers of a pool.

    ``on_line`` is told of each line of output. The rest is for whom reads the log as Lambda writes it, and ``None``
    costs nothing: a new environment, a record of the function's (several lines may be one), an invocation that begins,
    and one that has ended. ``ask`` has a line typed for a worker's debugger, ``leave`` is told when its event is over.
    ``timeless`` workers have no timeout, and ``debugger`` is where they find the editor that debugs them, if one does.
    """

    on_line: OnLine = lambda function, request_id, line: None
    limits: Limits = field(default_factory=Limits)
    launched: Callable[[Stream], None] | None = None
    recorded: Callable[[Stream, str], None] | None = None
    begun: Callable[[Journal], None] | None = None
    ended: Callable[[Journal], None] | None = None
    ask: Callable[[Worker, str, Answer], None] = lambda worker, prompt, answer: answer(b"", "nobody is asked here.")
    leave: Callable[[Worker], None] = lambda worker: None
    timeless: bool = False
    debugger: Callable[[], dict[str, Any] | None] = lambda: None
