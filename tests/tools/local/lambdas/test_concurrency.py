"""Reserved concurrency and the account's: who may begin, and how others are refused."""

from __future__ import annotations

import pytest

from eventfw.tools.local.lambdas.concurrency import Concurrency
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.workers.results import Throttled


def concurrency(account: int = 10, **reserved: int) -> Concurrency:
    made = Concurrency(account)
    made.replace(FunctionConfiguration(name, reserved_concurrency=number) for name, number in reserved.items())
    return made


def test_a_function_runs_as_often_as_it_has_reserved_and_no_more() -> None:
    one = concurrency(order=2)
    slots = [one.enter("order"), one.enter("order")]
    with pytest.raises(Throttled) as refused:
        one.enter("order")
    assert refused.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    one.leave(slots[0])
    one.enter("order")


def test_the_others_share_what_the_account_has_left() -> None:
    one = concurrency(account=5, order=3)
    one.enter("a")
    one.enter("b")
    with pytest.raises(Throttled) as refused:
        one.enter("c")
    assert refused.value.reason == "ConcurrentInvocationLimitExceeded"
    assert one.enter("order")


def test_what_runs_is_counted_where_it_began() -> None:
    one = concurrency(account=1)
    slot = one.enter("order")
    one.replace([FunctionConfiguration("order", reserved_concurrency=1)])
    one.leave(slot)
    one.enter("order")
    with pytest.raises(Throttled):
        one.enter("order")


def test_a_function_that_reserves_nothing_is_off() -> None:
    one = concurrency(order=0, other=1)
    assert (one.is_off("order"), one.is_off("other"), one.is_off("free")) == (True, False, False)
