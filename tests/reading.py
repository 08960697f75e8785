"""Reading all that an event has, and all that it has where a key of it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from eventfw.events import Event
from eventfw.http import HTTPError
from eventfw.trigger import Trigger


def read_all(event: Any) -> None:
    """Read every public property of an event and of all that is within it."""
    for one in within(event):
        for attribute in properties_of(type(one)):
            try:
                getattr(one, attribute)
            except (ValueError, HTTPError):  # a body that is not JSON, says so
                assert attribute == "json"


def never_none(trigger: Trigger) -> set[Any]:
    """The properties that say they may be ``None``, and are not, whatever key of the sample is missing.

    An error is allowed only where what every event or every record has, is missing.
    """
    told = {key for key, read in may_be_none(trigger.parse(trigger.sample(), None)) if read() is not None}
    for path in keys(trigger.sample()):
        raw, lost = without(trigger.sample(), path)
        try:
            event = trigger.parse(raw, None)
        except KeyError:
            continue
        for key, read in may_be_none(event):
            try:
                told -= {key} if read() is None else set()
            except KeyError:
                assert isinstance(lost, dict) or str(lost).startswith("{"), (key, path)
    return told


def properties_of(cls: type) -> list[str]:
    found = {name for base in cls.__mro__ for name, value in vars(base).items() if isinstance(value, property)}
    return sorted(name for name in found if not name.startswith("_"))


def may_be_none(event: Any) -> Iterator[tuple[Any, Callable[[], Any]]]:
    """The properties of an event and its records that say they may be ``None``, and how to read each."""
    for one in [event, *records_of(event)]:
        for name in properties_of(type(one)):
            if str(getattr(type(one), name).fget.__annotations__.get("return")).endswith("| None"):
                yield (type(one), name), partial(getattr, one, name)


def keys(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all keys. A text that is alone in its object says what it is: such objects stay whole."""
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from keys(inner, (*path, at))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if len(value) > 1 or isinstance(inner, (dict, list)):
                yield (*path, key)
            yield from keys(inner, (*path, key))


def without(raw: Any, path: tuple[Any, ...]) -> tuple[Any, Any]:
    """An event that lacks a key, and what was there."""
    inner = raw
    for step in path[:-1]:
        inner = inner[step]
    return raw, inner.pop(path[-1])


def within(value: Any) -> Iterator[Any]:
    """An event, and the objects of eventfw's that its properties and records give, and theirs."""
    if isinstance(value, (list, tuple)):
        for one in value:
            yield from within(one)
    elif type(value).__module__.startswith("eventfw."):
        yield value
        for attribute in properties_of(type(value)):
            with suppress(ValueError, HTTPError):  # a body that is not JSON
                yield from within(getattr(value, attribute))
        yield from within(records_of(value))


def records_of(event: Any) -> list[Any]:
    """What a batch consists of."""
    return [one for one in event if isinstance(one, Event)] if hasattr(event, "__iter__") else []
