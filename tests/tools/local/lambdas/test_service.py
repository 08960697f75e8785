"""The way to environments that costs nothing to wait: who may begin, and when their places are free again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eventfw.tools.local.clock import RealClock
from eventfw.tools.local.lambdas.service import LambdaService
from eventfw.tools.local.terminal import Terminal
from eventfw.tools.local.workers.results import Result


class Held:
    """Environments that answer when they are told to."""

    def __init__(self) -> None:
        self.answers: list[Callable[[Result | None], None]] = []

    def begin(self, function: str, event: bytes, answer: Callable[[Result | None], None], within: float) -> bool:
        self.answers.append(answer)
        return event != b"refused"


@pytest.mark.parametrize("outcome", [None, Result(b"1")], ids=["given back", "answered"])
def test_an_event_has_a_place_until_it_is_answered_or_given_back(outcome: Result | None) -> None:
    environments, told = Held(), list[Any]()
    service = LambdaService(environments, Terminal(None), RealClock(), "us-east-1", concurrency=1)  # type: ignore[arg-type]
    assert not service.begin("work", b"refused", told.append, 30.0)
    assert service.begin("work", b"1", told.append, 30.0)
    assert not service.begin("work", b"2", told.append, 30.0)  # the account has no more
    environments.answers[-1](outcome)
    assert told == [outcome]
    assert service.begin("work", b"3", told.append, 30.0)
