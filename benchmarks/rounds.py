"""Measuring on a noisy machine: contestants take short turns, round by round, and only medians and ratios count.

What is counted is the process's own time, so that nobody else's counts; what others do to the caches and to the other
half of a core remains, and hits all contestants of a round.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median
from time import process_time
from typing import Any

TURN = 0.001  # seconds that a contestant's turn takes at least


@dataclass
class Contestant:
    """Something that takes events, one call each, and the events it is given again and again."""

    name: str
    call: Callable[[Any], Any]
    events: Sequence[Any]
    passes: int = 1
    turns: list[float] = field(default_factory=list)

    def turn(self) -> float:
        """Seconds an event, in one turn."""
        call, events = self.call, self.events
        begun = process_time()
        for _ in repeat(None, self.passes):
            for event in events:
                call(event)
        return (process_time() - begun) / (self.passes * len(events))

    def warm(self, turn: float) -> None:
        """Run every event once, and find how many passes fill a turn."""
        self.turn()
        self.passes = 1 + int(turn / (self.turn() * len(self.events)))

    @property
    def microseconds(self) -> float:
        """An event, in the median of the rounds."""
        return median(self.turns) * 1e6


@dataclass
class Target:
    """What is asked of the ratio of two contestants: ``slower`` takes ``at_least`` or ``at_most`` so many times
    as long as ``faster``."""

    name: str
    slower: Contestant
    faster: Contestant
    at_least: float = 0.0
    at_most: float = float("inf")

    @property
    def ratio(self) -> float:
        """In the median of the rounds, in each of which both ran one after the other."""
        return median(one / other for one, other in zip(self.slower.turns, self.faster.turns, strict=True))

    @property
    def holds(self) -> bool:
        return self.at_least <= self.ratio <= self.at_most

    @property
    def asked(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least else f"at most {self.at_most:g}"


def run(targets: Iterable[Target], rounds: int, turn: float = TURN) -> None:
    """Let the contestants of some targets take their turns: A B C, A B C..."""
    running = list({id(one): one for target in targets for one in (target.slower, target.faster)}.values())
    for contestant in running:
        contestant.warm(turn)
    gc.collect()
    gc.freeze()  # what some contestants have built is not to be looked through in the time of another
    for _ in range(rounds):
        for contestant in running:
            contestant.turns.append(contestant.turn())
