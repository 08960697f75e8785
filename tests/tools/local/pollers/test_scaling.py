"""How many batches are under way at once."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw.tools.local.pollers.scaling import Scale, scale_of


def test_it_begins_with_five_and_grows_while_messages_are_left_over() -> None:
    scale = Scale(10)
    assert (scale.allowed(0.0), scale.grows(0.0)) == (5, False)
    scale.busy(0.0)
    assert [scale.allowed(moment) for moment in (0.1, 0.5, 60.0)] == [5, 7, 10]
    assert scale.grows(0.5)
    assert not scale.grows(60.0)
    scale.idle()
    assert scale.allowed(60.0) == 5


def test_it_goes_down_when_the_function_is_throttled_and_up_again() -> None:
    scale = Scale(10)
    scale.throttled(0.0)
    assert scale.allowed(0.0) == 2
    scale.throttled(0.0)
    scale.throttled(0.0)
    assert scale.allowed(0.0) == 1
    assert scale.allowed(1.0) > 1


@pytest.mark.parametrize(
    ("properties", "limit"),
    [
        ({}, 10),
        ({"ScalingConfig": {"MaximumConcurrency": 2}}, 2),
        ({"ScalingConfig": {"MaximumConcurrency": 500}}, 10),
        ({"ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 3}}, 10),
    ],
)
def test_a_mapping_says_how_many_within_what_a_laptop_runs(properties: dict[str, Any], limit: int) -> None:
    scale = scale_of(properties)
    scale.busy(0.0)
    assert scale.allowed(100.0) == limit
