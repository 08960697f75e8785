"""Faults on demand: which are asked for, which events they meet, and what the caller of such an event gets."""

from __future__ import annotations

import asyncio
import re

import pytest

from eventfw.tools.local.lambdas.chaos import Chaos, Spec, parsed
from eventfw.tools.local.lambdas.chaotic import ChaoticEnvironments
from eventfw.tools.local.workers.request import InvocationRequest
from eventfw.tools.local.workers.results import Result, Throttled

MANY = 2000


def test_a_specification_names_faults_with_their_rates_and_a_seed() -> None:
    assert parsed("duplicate=0.1,throttle=0.05,reorder,timeout=0.01,seed=7") == Spec(0.1, 0.05, 1.0, 0.01, 7)
    assert parsed(" reorder = 0.5 , seed=0 ") == Spec(reorder=0.5)
    assert str(parsed("seed=7,reorder,duplicate=0.1")) == "duplicate=0.1,reorder=1,seed=7"


def test_without_a_seed_each_specification_gets_its_own_which_is_told() -> None:
    drawn = {parsed("reorder").seed for _ in range(20)}
    assert len(drawn) > 1
    spec = parsed("throttle=1")
    assert parsed(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("duplicat=0.1", "'duplicat=0.1' is no fault. Did you mean 'duplicate'? There are: duplicate, throttle,"),
        ("duplicate", "duplicate needs a rate from 0 to 1, such as duplicate=0.1, not ''"),
        ("throttle=2", "throttle needs a rate from 0 to 1, such as throttle=0.1, not '2'"),
        ("throttle=nan", "not 'nan'"),
        ("timeout=often", "not 'often'"),
        ("reorder=", "reorder needs a rate"),
        ("reorder,seed=x", "seed needs a whole number of at most 18 digits, such as seed=7, not 'x'"),
        ("reorder,seed=" + "1" * 19, "seed needs a whole number"),
        ("reorder,,seed=1", "'' is no fault"),
        ("", "'' is no fault"),
        ("seed=1", "no fault in it. Add one, such as duplicate=0.1"),
        ("reorder,reorder=0.1", "reorder is there twice"),
    ],
)
def test_what_is_wrong_in_a_specification_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parsed(text)


def test_a_fault_meets_events_at_its_rate() -> None:
    chaos = Chaos(Spec(throttle=0.2, seed=1))
    assert 0.17 < sum(chaos.throttles("work") for _ in range(MANY)) / MANY < 0.23
    assert not any(Chaos(Spec(timeout=1.0)).throttles("work") for _ in range(10))
    assert all(Chaos(Spec(throttle=1.0)).throttles("work") for _ in range(10))


def test_the_same_seed_meets_the_same_events_whatever_happens_between_them() -> None:
    def met(seed: int, *, others: bool = False) -> list[bool]:
        chaos = Chaos(Spec(0.3, 0.3, 0.3, 0.3, seed))
        found = []
        for _ in range(50):
            if others:
                chaos.throttles("another")
                chaos.deliveries("work")
            found.append(chaos.throttles("work"))
        return found

    assert met(7) == met(7, others=True)
    assert met(7) != met(8)


def test_functions_are_not_met_alike() -> None:
    chaos = Chaos(Spec(throttle=0.5))
    assert [chaos.throttles("a") for _ in range(50)] != [chaos.throttles("b") for _ in range(50)]


def test_asynchronous_events_come_twice_or_late() -> None:
    said: list[str] = []
    chaos = Chaos(Spec(duplicate=0.5, seed=3), said.append)
    delays = [chaos.deliveries("work") for _ in range(100)]
    assert {len(one) for one in delays} == {1, 2} and all(one[0] == 0.0 for one in delays)
    assert len(said) == sum(len(one) == 2 for one in delays)
    assert said[0].startswith("chaos: work gets its asynchronous event ") and said[0].endswith(" twice")
    late = [Chaos(Spec(reorder=1.0, seed=seed)).deliveries("work") for seed in range(20)]
    assert all(len(one) == 1 and 0 <= one[0] < 1 for one in late) and len({one[0] for one in late}) > 10


def test_messages_of_a_standard_queue_come_twice_or_in_another_order() -> None:
    said: list[str] = []
    chaos = Chaos(Spec(duplicate=0.3, reorder=1.0, seed=3), said.append)
    messages = list(range(10))
    shuffled = chaos.shuffled("work", messages)
    assert shuffled != messages and sorted(shuffled) == messages
    assert said == ["chaos: work gets 10 messages in another order"]
    doubled = [one for _ in range(20) for one in chaos.doubled("work", messages)]
    assert 30 < len(doubled) < 90 and len(said) == 1 + len(doubled)
    assert chaos.shuffled("work", [1]) == [1]


def test_a_streams_batch_is_repeated_as_it_is() -> None:
    chaos = Chaos(Spec(duplicate=0.5, seed=1))
    assert {chaos.repeats("work") for _ in range(20)} == {True, False}


def test_nothing_happens_without_a_specification() -> None:
    said: list[str] = []
    chaos = Chaos(say=said.append)
    assert not chaos.throttles("work") and not chaos.times_out("work") and not chaos.repeats("work")
    assert chaos.deliveries("work") == [0.0]
    assert (chaos.doubled("work", [1]), chaos.shuffled("work", [2, 1])) == ([], [2, 1])
    assert said == []


class Handler:
    """The environments behind, which count what they are asked."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.ended: list[str] = []

    async def invoke(self, request: InvocationRequest) -> Result:
        self.events.append(request.event)
        return Result(b"1", request_id=request.request_id)

    def end(self, function: str, result: Result) -> None:
        self.ended.append(function)


def invoked(spec: Spec, times: int = 1) -> tuple[list[Result], Handler, list[str]]:
    handler, said = Handler(), list[str]()
    environments = ChaoticEnvironments(handler, Chaos(spec, said.append), lambda function: 3.0, handler.end)

    async def main() -> list[Result]:
        requests = [InvocationRequest("work", b"%d" % number, "r-1") for number in range(times)]
        return [await environments.invoke(request) for request in requests]

    return asyncio.run(main()), handler, said


def test_a_throttled_invocation_reaches_no_handler() -> None:
    with pytest.raises(Throttled, match="work was throttled by --chaos"):
        invoked(Spec(throttle=1.0))


def test_a_timeout_comes_before_or_after_the_handler_has_worked() -> None:
    results, handler, said = invoked(Spec(timeout=1.0, seed=2), 20)
    assert {one.error_type for one in results} == {"Sandbox.Timedout"}
    assert results[0].payload == (
        b'{"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: r-1 Error: Task timed out after 3.00 seconds"}'
    )
    after = sum("after its handler has worked" in line for line in said)
    assert 0 < after < 20 and len(said) == 20
    assert len(handler.events) == len(handler.ended) == after


def test_what_no_fault_meets_is_invoked_as_ever() -> None:
    results, handler, said = invoked(Spec(timeout=0.0), 3)
    assert [one.payload for one in results] == [b"1"] * 3 and handler.events == [b"0", b"1", b"2"] and said == []
