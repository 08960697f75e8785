"""Which parameter of a handler receives what."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from typing import Any

import pytest

from eventfw.calling import Binding
from eventfw.errors import RegistrationError


def wrapped(func: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return wrapper


class Shop:
    def order(self, event: Any, x: str) -> Any:
        return event, x

    def __call__(self, event: Any, x: str) -> Any:
        return event, x


async def later(event: Any, x: str) -> Any:
    return event, x


@functools.wraps(later)
def awaited(event: Any, x: str) -> Any:
    return asyncio.new_event_loop().run_until_complete(later(event, x))


def keyword_only(*, x: str, event: Any) -> Any:
    return event, x


def anything(event: Any, **more: Any) -> Any:
    return event, more["x"]


def swapped(x: str, request: Any, more: int = 1) -> Any:
    return request, x


HANDLERS = [Shop().order, Shop(), later, wrapped(later), wrapped(swapped), keyword_only, anything, swapped]


@pytest.mark.parametrize("func", HANDLERS)
def test_the_event_and_the_path_parameter_arrive(func: Callable[..., Any]) -> None:
    assert Binding(func, ("x",), "http")("event", None, {"x": "1"}) == ("event", "1")


def test_a_wrapper_that_has_awaited_the_coroutine_is_left_alone() -> None:
    def sync(event: Any, x: str) -> Any:
        return event, x

    sync.__wrapped__ = later  # type: ignore[attr-defined]
    assert Binding(sync, ("x",), "http")("event", None, {"x": "1"}) == ("event", "1")


def test_the_context_arrives_and_the_event_may_be_left_out() -> None:
    assert Binding(lambda context: context, (), "http")("event", "context") == "context"
    assert Binding(lambda: "nothing", (), "http")("event") == "nothing"


@pytest.mark.parametrize(
    ("func", "said"),
    [
        (lambda a, b, x: None, "takes a, b, but @app.http passes one event"),
        (lambda event: None, "does not take the path parameter 'x'"),
        (Shop.order, "takes self, event"),
        (lambda event, x, /: None, "Remove the '/'"),
        (Shop, "The class Shop cannot be a handler"),
    ],
)
def test_what_cannot_be_called_is_refused(func: Callable[..., Any], said: str) -> None:
    with pytest.raises(RegistrationError) as caught:
        Binding(func, ("x",), "http")
    assert said in caught.value.message
