"""Faults on demand, of those that AWS really produces: events that come twice or out of order, throttles, timeouts.

Lambda and the services that invoke it deliver at least once, and standard queues in no certain order. Whether a fault
meets an event is decided by the seed, the function and the event's number at that function, not by a stream of random
numbers that all share: with the same seed the same events are met, however long each takes.

https://docs.aws.amazon.com/lambda/latest/dg/concepts-application-design.html
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import TypeVar

from eventfw.options import closest

T = TypeVar("T")

HELD_BACK = 1.0  # seconds, at most, that an asynchronous event comes after those that were sent behind it
SEEDS = 1_000_000  # that are drawn from where none is said
MOST_DIGITS = 18
SCALE = 2.0**64


@dataclass(frozen=True)
class Spec:
    """How often each fault happens, from 0 (never) to 1 (each time), and the seed that says to which events."""

    duplicate: float = 0.0
    throttle: float = 0.0
    reorder: float = 0.0
    timeout: float = 0.0
    seed: int = 0

    def __str__(self) -> str:
        """The specification as --chaos takes it, to have the same again."""
        rates = [f"{name}={getattr(self, name):g}" for name in FAULTS if getattr(self, name)]
        return ",".join([*rates, f"seed={self.seed}"])


FAULTS = tuple(one.name for one in fields(Spec) if one.name != "seed")


def parsed(text: str) -> Spec:
    """A specification such as ``duplicate=0.1,reorder,seed=7``; without a seed it gets a random one.

    ``reorder`` may stand alone, for each time. Raises ValueError, with the part that is wrong.
    """
    said: dict[str, float | int] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        if name not in (*FAULTS, "seed"):
            raise ValueError(f"{part.strip()!r} is no fault.{closest(name, FAULTS)} There are: {', '.join(FAULTS)}.")
        if name in said:
            raise ValueError(f"{name} is there twice. Leave one out.")
        said[name] = _seed(value) if name == "seed" else 1.0 if not equals and name == "reorder" else _rate(name, value)
    if not said.keys() - {"seed"}:
        raise ValueError("There is no fault in it. Add one, such as duplicate=0.1.")
    said.setdefault("seed", secrets.randbelow(SEEDS))
    return Spec(**said)  # type: ignore[arg-type]  # the seed is an int


def _rate(name: str, value: str) -> float:
    try:
        rate = float(value)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise ValueError(f"{name} needs a rate from 0 to 1, such as {name}=0.1, not {value!r}.")
    return rate


def _seed(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= MOST_DIGITS):
        raise ValueError(f"seed needs a whole number of at most {MOST_DIGITS} digits, such as seed=7, not {value!r}.")
    return int(value)


class Chaos:
    """Decides which events faults happen to, and tells each on the terminal by ``say``."""

    def __init__(self, spec: Spec | None = None, say: Callable[[str], None] = lambda text: None) -> None:
        self.spec = spec or Spec()
        self.say = say
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._key = str(self.spec.seed).encode()

    def throttles(self, function: str) -> bool:
        """Whether an invocation is refused, as at the limit of concurrency."""
        number = self._meets("throttle", function)
        if number:
            self.say(f"chaos: {function} is throttled at its invocation {number}")
        return bool(number)

    def times_out(self, function: str) -> str:
        """Whether an environment is ended as at its timeout: ``before`` the handler has done anything, ``after`` it has
        done all, or, mostly, not at all (``""``)."""
        number = self._meets("timeout", function)
        if not number:
            return ""
        when = "after" if self._drawn("when", function, number) < 0.5 else "before"
        self.say(f"chaos: {function} times out at its invocation {number}, {when} its handler has worked")
        return when

    def deliveries(self, function: str) -> list[float]:
        """The delays, in seconds, after which an asynchronous event is delivered: one, or two of an event that comes
        twice."""
        if not (self.spec.duplicate or self.spec.reorder):
            return [0.0]
        late = self._meets("reorder", function, "event")
        delays = [self._drawn("delay", function, late) * HELD_BACK if late else 0.0]
        if late:
            self.say(f"chaos: {function} gets its asynchronous event {late} late, by {delays[0]:.2f} s")
        if again := self._meets("duplicate", function, "event"):
            self.say(f"chaos: {function} gets its asynchronous event {again} twice")
            delays.append(self._drawn("again", function, again) * HELD_BACK)
        return delays

    def doubled(self, function: str, messages: Sequence[T]) -> list[T]:
        """Those messages of a standard queue that are delivered once more, in a later batch."""
        if not self.spec.duplicate:
            return []
        met = [(one, self._meets("duplicate", function, "message")) for one in messages]
        for _, number in met:
            if number:
                self.say(f"chaos: {function} gets its message {number} twice")
        return [one for one, number in met if number]

    def shuffled(self, function: str, messages: Sequence[T]) -> list[T]:
        """Messages of a standard queue, in the order in which they are delivered."""
        number = self._meets("reorder", function, "batch") if len(messages) > 1 else 0
        if not number:
            return list(messages)
        order = sorted(range(len(messages)), key=lambda place: self._drawn(f"place {place}", function, number))
        if order != sorted(order):
            self.say(f"chaos: {function} gets {len(messages)} messages in another order")
        return [messages[place] for place in order]

    def repeats(self, function: str) -> bool:
        """Whether a batch of a stream is delivered again although it was processed."""
        number = self._meets("duplicate", function, "batch")
        if number:
            self.say(f"chaos: {function} gets its batch {number} of a stream twice")
        return bool(number)

    def _meets(self, fault: str, function: str, what: str = "") -> int:
        """The number of the event at hand, if the fault meets it; else 0. ``what`` is counted by itself."""
        rate: float = getattr(self.spec, fault)
        if not rate:
            return 0
        self._numbers[fault + what, function] += 1
        number = self._numbers[fault + what, function]
        return number if self._drawn(fault + what, function, number) < rate else 0

    def _drawn(self, fault: str, function: str, number: int) -> float:
        """A number from 0 up to 1, the same each time for the same seed."""
        text = f"{fault}\0{function}\0{number}".encode()
        return int.from_bytes(blake2b(text, key=self._key, digest_size=8).digest()) / SCALE
