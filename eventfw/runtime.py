"""The one way an event reaches a handler: in Lambda, in the local server, in replay and in tests."""

from __future__ import annotations

from .errors import RoutingError
from .routing import Router, Unrouted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .app import App, Handler
    from .trigger import Trigger


def entry(app: App, name: str) -> Callable[[Any, Any], Any]:
    """What Lambda calls for one function of the app: ``handler(event, context)``."""
    router = Router(app)
    if name not in router.functions:
        raise RoutingError(f"App {app.name!r} has no function {name!r}. It has: {', '.join(router.functions)}.")
    pipelines: dict[Trigger, Callable[[Any], Any]] = {}

    def invoked(raw: Any, context: Any = None) -> Any:
        try:
            handler, trigger = router.pick(name, raw, context)
        except Unrouted as miss:
            return invoke(miss.trigger, _refusing(app, miss.answer), raw, context)
        pipeline = pipelines.get(trigger)
        if pipeline is None:
            pipeline = pipelines[trigger] = compiled(app, handler, trigger)
        return invoke(trigger, pipeline, raw, context)

    return invoked


def invoke(trigger: Trigger, pipeline: Callable[[Any], Any], raw: Any, context: Any) -> Any:
    """One invocation: parse, run the middleware and the handler, encode."""
    event = trigger.parse(raw, context)
    try:
        result = pipeline(event)
    except trigger.answers as answer:
        result = answer
    return trigger.encode(result, event)


def _refusing(app: App, answer: Exception) -> Callable[[Any], Any]:
    """What answers a request without a route: the app's middleware sees it as it sees any other."""

    def call(event: Any) -> Any:
        raise answer

    return _within(app.middleware_of(None), call)


def compiled(app: App, handler: Handler, trigger: Trigger) -> Callable[[Any], Any]:
    """The handler under one of its triggers, within its middleware."""
    binding = handler.bindings[handler.triggers.index(trigger)]
    return _within(app.middleware_of(handler), _innermost(trigger, binding))


def _within(middleware: list[Callable[..., Any]], call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    for outer in reversed(middleware):
        call = _wrapped(outer, call)
    return call


def _innermost(trigger: Trigger, binding: Any) -> Callable[[Any], Any]:
    return lambda event: trigger.call(binding, event)


def _wrapped(middleware: Callable[..., Any], call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda event: middleware(event, call)
