"""Explaining: where an event goes among all handlers of an app, and what keeps it from the others.

Tools and tests ask; a deployed function only picks its handler, so this is not in its zip.
"""

from __future__ import annotations

from .recognition import identify
from .routing import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .app import Handler
    from .http import HTTPError
    from .routing import Pair, Router
    from .trigger import Trigger


class Route:
    """Where an event goes.

    ``hits`` are the handlers it reaches, each with the trigger it runs under, in the order they were registered;
    ``reached`` the handlers alone. ``why`` says for each of the others, by name, the first condition that failed; it is
    found out when it is asked for.

    Behind a function URL, a load balancer or VPC Lattice an event belongs to one function, which routes it itself and
    which the event does not name. The route then says of each function what it would do: ``answers`` has, by function,
    the 404 or 405 of those that have routes, and none for the request.
    """

    def __init__(
        self, kind: str, hits: list[Pair], answers: dict[str, HTTPError], explain: Callable[[], dict[str, str]]
    ) -> None:
        self.kind = kind
        self.hits = hits
        self.answers = answers
        self._explain = explain
        self._why: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"<Route {self.kind} -> {', '.join(handler.name for handler in self.reached) or 'nothing'}>"

    @property
    def reached(self) -> list[Handler]:
        """The handlers, each once."""
        return list({id(handler): handler for handler, _ in self.hits}.values())

    @property
    def why(self) -> dict[str, str]:
        """By handler's name, what keeps the event from it."""
        if self._why is None:
            self._why = self._explain()
        return self._why


def route(router: Router, raw: Any) -> Route:
    """Where an event goes."""
    kind, whole = identify(raw), router.whole()
    apart = kind in whole.self_routed
    answers: dict[str, HTTPError] = {}
    fits = [] if apart else whole.fits(kind, raw)
    for function in router.functions if apart else ():
        mine = router.part(function).fits(kind, raw)
        missed = None if mine else router.part(function).miss(kind, raw)
        fits += mine
        answers.update({} if missed is None else {function: missed.answer})
    hits = [pair for pair in fits if pair[1].enabled]
    return Route(kind, hits, answers, lambda: _why(router, kind, raw, hits, apart=apart))


def _why(router: Router, kind: str, raw: Any, hits: list[Pair], *, apart: bool) -> dict[str, str]:
    reached = {handler.name for handler, _ in hits}
    found = {}
    for handler in router.app.handlers:
        if handler.name not in reached:
            near = [pair for pair in hits if not apart or pair[0].function == handler.function]
            found[handler.name] = _explained(handler, kind, raw, near)
    return found


def _explained(handler: Handler, kind: str, raw: Any, hits: list[Pair]) -> str:
    """Why a handler is not reached; the index passes over what fits only for something that fits better."""
    reasons = [reason(trigger, kind, raw) or _off(trigger) for trigger in handler.triggers]
    if "" not in reasons:
        return "; ".join(dict.fromkeys(reasons))
    families = [trigger.family or type(trigger) for trigger in handler.triggers]
    taken = next((other for other, trigger in hits if (trigger.family or type(trigger)) in families), None)
    return f"the more specific route of `{taken.name}` takes it" if taken else "another trigger of the source takes it"


def _off(trigger: Trigger) -> str:
    return "" if trigger.enabled else "it is switched off (enabled=False)"
