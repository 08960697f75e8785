"""What qualifiers stand for: asked of the embedded AWS once, until something changes; weights by what is drawn."""

from __future__ import annotations

from typing import Any

import pytest
from in_loop import in_loop

from eventfw.tools.local.cloud.aws import AwsError
from eventfw.tools.local.lambdas.configuration import FunctionConfiguration
from eventfw.tools.local.lambdas.versions import Routing, UnknownFunction, Versions


class Aws:
    """Has version 1 and the alias ``live``, and counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def rest(self, service: str, method: str, path: str) -> dict[str, Any]:
        self.asked.append(path)
        if path.endswith("/aliases/live"):
            return {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}}}
        if path.endswith("/configuration?Qualifier=1"):
            return {"Version": "1"}
        raise AwsError("ResourceNotFoundException", "Function not found", 404)


def versions(aws: Aws | None, *drawn: float, published: bool = False) -> Versions:
    numbers = iter(drawn)
    how = FunctionConfiguration("order", published=published)
    return Versions(lambda: aws, lambda name: how, lambda: next(numbers))  # type: ignore[arg-type, return-value]


def test_weights_share_out_what_is_drawn() -> None:
    routing = Routing("1", {"2": 0.25, "3": 0.5})
    assert [routing.chosen(drawn) for drawn in (0.0, 0.24, 0.25, 0.74, 0.75, 0.99)] == ["2", "2", "3", "3", "1", "1"]


@in_loop
async def test_an_alias_is_asked_for_once_and_drawn_for_each_time() -> None:
    aws = Aws()
    one = versions(aws, 0.1, 0.3, 0.1)
    assert [await one.version("order", "live") for _ in range(2)] == ["2", "1"]
    assert len(aws.asked) == 1
    one.forget()
    assert await one.version("order", "live") == "2"
    assert len(aws.asked) == 2


@in_loop
async def test_a_version_is_itself_and_the_unpublished_one_needs_no_asking() -> None:
    aws = Aws()
    one = versions(aws)
    assert [await one.version("order", name) for name in ("", "$LATEST", "1")] == ["$LATEST", "$LATEST", "1"]
    assert aws.asked == ["/2015-03-31/functions/order/configuration?Qualifier=1"]


@in_loop
async def test_others_are_unknown() -> None:
    for qualifier in ("9", "beta"):
        with pytest.raises(UnknownFunction, match=qualifier):
            await versions(Aws()).version("order", qualifier)


@in_loop
async def test_a_published_function_has_its_alias_though_the_embedded_aws_has_none() -> None:
    for qualifier in ("live", "1"):
        assert await versions(None, published=True).version("order", qualifier) == "1"
        with pytest.raises(UnknownFunction):
            await versions(None).version("order", qualifier)
    assert await versions(Aws(), 0.1, published=True).version("order", "live") == "2"
