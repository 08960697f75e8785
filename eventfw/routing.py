"""Routing: what kind of event is this, which handlers does it reach, and why not the others."""

from __future__ import annotations

from .errors import RoutingError, RuleError
from .options import borrowed
from .recognition import identify as identify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .app import App, Handler
    from .explaining import Route
    from .http import HTTPError
    from .trigger import Finder, Trigger

    Pair = tuple[Handler, Trigger]

#: What looking at an event that is not whole may raise.
_BROKEN = (KeyError, TypeError, IndexError, AttributeError, ValueError, RuleError)


class Unrouted(Exception):
    """A request that none of its function's routes takes. ``answer`` is to be sent in the form of ``trigger``."""

    def __init__(self, answer: HTTPError, trigger: Trigger) -> None:
        super().__init__(str(answer))
        self.answer = answer
        self.trigger = trigger


class Index:
    """Leads from an event to the triggers it fits, whose number does not matter.

    Every source narrows its own triggers down (:meth:`~eventfw.trigger.Trigger.index`); unless that is exact, what it
    gives is asked with :meth:`~eventfw.trigger.Trigger.mismatch`.
    """

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self.pairs = list(pairs)
        self._kinds: dict[str, list[tuple[list[int], Finder]]] = {}
        sources: dict[type[Trigger], list[int]] = {}
        for position, (_, trigger) in enumerate(self.pairs):
            sources.setdefault(trigger.family or type(trigger), []).append(position)
        for source, positions in sources.items():
            finder = source.index([self.pairs[position][1] for position in positions])
            for kind in source.kinds:
                self._kinds.setdefault(kind, []).append((positions, finder))
        self.self_routed = {kind for source in sources for kind in source.self_routed}

    def fits(self, kind: str, raw: Any) -> list[Pair]:
        """The handlers and triggers that an event fits, in the order they were registered."""
        found = []
        for positions, finder in self._kinds.get(kind, ()):
            exact = finder.exact
            try:
                near = [positions[at] for at in finder.find(raw)]
            except RuleError:  # one of them would take too long to answer: each is asked by itself
                near, exact = positions, False
            except _BROKEN:
                continue  # not a whole event; its mismatch says what it misses
            found += near if exact else [at for at in near if not reason(self.pairs[at][1], kind, raw)]
        return [self.pairs[at] for at in sorted(found)]

    def miss(self, kind: str, raw: Any) -> Unrouted | None:
        """The answer of a function that routes requests itself to one it has no route for."""
        for positions, finder in self._kinds.get(kind, ()):
            try:
                answer = finder.miss(kind, raw)
            except _BROKEN:
                continue
            if answer is not None:
                return Unrouted(answer, self.pairs[positions[0]][1])
        return None


class Router:
    """Which handlers of an app an event reaches. Making one ends the app's registration.

    It is compiled once for each function and once for the whole app, when that is first asked about.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self.functions = app.functions
        self._whole: Index | None = None
        self._parts: dict[str, Index] = {}
        self._routes: dict[str, dict[str, Pair]] = {}
        for function in self.functions.values():
            keys = self._routes[function.name] = {}
            for handler, trigger in pairs(function.handlers):
                for key in trigger.route_keys:
                    keys[key] = (handler, trigger)

    def http_routes(self, api: str = "") -> list[tuple[str, str, str, str]]:
        """The routes of an API as data, for :class:`~eventfw.paths.HttpTable`. ``""`` names the app's default one."""
        rows = []
        for function in self.functions.values():
            for handler, trigger in pairs(function.handlers):
                for key in trigger.route_keys if trigger.api_key == api else ():
                    method, _, path = key.partition(" ")
                    rows.append((method, path, function.name, handler.name))
        return rows

    def route(self, raw: Any) -> Route:
        """The handlers that an event reaches among all triggers of the app, and why it does not reach the others."""
        return borrowed("explaining", "route")(self, raw)  # type: ignore[no-any-return]

    def whole(self) -> Index:
        """The triggers of the whole app."""
        if self._whole is None:
            self._whole = Index(pairs(self.app.handlers))
        return self._whole

    def part(self, function: str) -> Index:
        """The triggers of one function."""
        index = self._parts.get(function)
        if index is None:
            index = self._parts[function] = Index(pairs(self.functions[function].handlers))
        return index

    def pick(self, function: str, raw: Any, context: Any = None) -> Pair:
        """The one handler that an invocation of a function runs, and the trigger it runs under.

        Raises RoutingError where there is none, or no telling which, and :class:`Unrouted` for a request that the
        function itself has to refuse.
        """
        if type(raw) is dict and raw.get("version") == "2.0" and type(raw.get("routeKey")) is str:
            found = self._routes[function].get(raw["routeKey"])
            if found is not None:
                return found
        index = self.part(function)
        kind = identify(raw)
        fits = index.fits(kind, raw)
        if len(fits) > 1:
            fits = [pair for pair in fits if pair[1].enabled] or fits
        if len(fits) > 1 and fits[0][0] is not fits[-1][0]:
            both = " and ".join(f"{handler.name} ({trigger.title()})" for handler, trigger in (fits[0], fits[-1]))
            raise RoutingError(
                f"Function {function!r} got one event of kind {kind} for both {both}, and an invocation runs one "
                f"handler. Give one of them a function of its own."
            )
        if fits:
            return fits[0]
        missed = index.miss(kind, raw)
        if missed is not None:  # before a handler for direct invocations, which is not for whoever knows the address
            raise missed
        direct = next((pair for pair in index.pairs if not pair[1].kinds), None)
        if direct is not None:
            return direct
        if len(index.pairs) == 1 and undecided(index.pairs[0][1], kind, raw):
            return index.pairs[0]
        reasons = [
            f"{handler.name} ({trigger.title()}): {reason(trigger, kind, raw)}" for handler, trigger in index.pairs
        ]
        raise RoutingError(
            f"Function {function!r} got an event of kind {kind} that none of its handlers takes. " + ". ".join(reasons)
        )


def pairs(handlers: Sequence[Handler]) -> Iterable[Pair]:
    """Each trigger with its handler."""
    return ((handler, trigger) for handler in handlers for trigger in handler.triggers)


def reason(trigger: Trigger, kind: str, raw: Any) -> str:
    """Why a trigger does not take an event, or ``""``."""
    if kind not in trigger.kinds:
        wanted = trigger.kinds_in_words or " or ".join(trigger.kinds)
        return f"kind {kind} is not {wanted}" if wanted else "invoked directly only"
    try:
        return trigger.mismatch(raw)
    except RuleError as error:
        return error.message
    except _BROKEN as error:
        return f"the event is not a whole {kind} event ({type(error).__name__}: {error})"


def undecided(trigger: Trigger, kind: str, raw: Any) -> bool:
    """Whether an event of the right kind asks too much of a trigger's rule. AWS has decided then that it matches."""
    try:
        if kind in trigger.kinds:
            trigger.mismatch(raw)
    except RuleError:
        return True
    except _BROKEN:
        pass
    return False
