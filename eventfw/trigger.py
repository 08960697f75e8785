"""Trigger: why a handler runs, and the verbs every source answers."""

from __future__ import annotations

from .errors import RegistrationError, user_place
from .events import Event
from .options import Checked, closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from typing import Any

    from .app import App, Handler
    from .calling import Binding
    from .function import Function
    from .http import HTTPError
    from .resources.api import Api
    from .resources.resource import Grant, Resource, Template
    from .rules.witness import Effort


class Trigger(Checked):
    """One decorator on one handler. A source subclasses it once for each of its decorators.

    Options become attributes and are checked in the constructor, so that the error lands on the user's line.

    In Lambda: :meth:`parse`, :meth:`call`, :meth:`payload`, :meth:`encode`, :meth:`mismatch`, :meth:`index` and
    :meth:`title`. On the developer's machine only, and left out of a deployment's zip: :meth:`validate`,
    :meth:`resources`, :meth:`statements`, :meth:`sample`, :meth:`local`, :meth:`overlap`, :meth:`shadow` and
    :meth:`faults`; these receive what they need, so a source imports no tool.
    """

    decorator = ""
    """The decorator's name, as in ``@app.<decorator>``."""
    example = ""
    """A right use of the decorator, shown when its parentheses were forgotten."""
    kinds: Collection[str] = ()
    """What :func:`eventfw.routing.identify` says of the events this trigger takes."""
    kinds_in_words = ""
    """What its kinds have in common, where they are many: ``an HTTP request``."""
    parameters: Collection[str] = ()
    """Names that the handler receives beside the event (path parameters)."""
    answers: tuple[type[BaseException], ...] = ()
    """Exceptions that are an answer to the caller, not a failure of the function."""
    shares_api: bool | None = False
    """Whether a handler with only such triggers joins the function ``api``; ``None`` leaves it to its others."""
    self_routed: Collection[str] = ()
    """Kinds of events of which AWS sends all to one function, whose own task it is to route them or to refuse them."""
    enabled = True
    """Whether the source is switched on."""
    family: type[Trigger] | None = None
    """Which triggers one index holds together: those of sources that differ in the decorator only."""
    edge = False
    """Whether it makes its function a Lambda@Edge function."""
    resource: Resource | None = None
    """The queue, bucket... whose events it takes, if it takes them from one."""
    api: Api | None = None
    """The API that it has routes in; ``None`` is the app's default one."""
    route_keys: Collection[str] = ()
    """The routes of its API that it takes, such as ``GET /photos/{name}``."""

    def __init__(self) -> None:
        self.place = user_place()
        self.handler = ""
        self.ordinal = 1

    @property
    def own_name(self) -> str:
        """A name no other trigger of the app has: the handler's, with a number from the second one on."""
        return self.handler if self.ordinal == 1 else f"{self.handler}.{self.ordinal}"

    def refused(self, message: str) -> RegistrationError:
        """The error for what turns out impossible after registration, placed on the decorator's line."""
        return RegistrationError(message, place=self.place)

    def mount(self, prefix: str) -> None:
        """Take the path prefix of the blueprint that the handler was mounted with."""

    @property
    def api_key(self) -> str:
        """The name of the API that it has routes in; ``""`` is the default one's."""
        return self.api.key if self.api else ""

    def settle(self, app: App, handler: Handler) -> None:
        """Look up what the trigger names, now that the app is complete: an authorizer, for example."""

    def authorizer_named(self, wanted: object, app: App, handler: Handler, api: Api | None) -> Any:
        """The authorizer that is meant by a handler or its name, told which API will ask it: ``None``, the default."""
        found = app.handler_of(wanted)
        authorizers: list[Any] = [each for each in found.triggers if each.decorator == "authorizer"] if found else []
        if found is None or not authorizers:
            name = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", repr(wanted))
            raise self.refused(
                f"{name} is no authorizer of the app. Write @app.authorizer() above it, or name the handler of one."
            )
        if found.stack not in ("", handler.stack):
            raise self.refused(
                f"The authorizer {found.name} is in the stack {found.stack!r}, which is deployed after the one of "
                f"{handler.name}. Move it to the app, or mount its blueprint without stack=True."
            )
        authorizers[0].serve(api)
        return authorizers[0]

    def key(self) -> Collection[tuple[str, str]]:
        """``(what no other trigger of the app may have, how to say it)``: a route, for example."""
        return ()

    def clash(self, other: Trigger) -> str:
        """What AWS would not take from this trigger and another on the same resource, or ``""``."""
        return ""

    def title(self) -> str:
        """The trigger in a line, as ``eventfw list`` prints it."""
        raise NotImplementedError

    def parse(self, raw: Any, context: Any) -> Any:
        """The event a handler receives for this payload."""
        return Event(raw, context)

    def call(self, binding: Binding, event: Any) -> Any:
        """Run the handler: once, or once for each record of a batch."""
        return binding(event, event.context)

    def payload(self, event: Any) -> Any:
        """The decoded JSON within what a handler is called with: what a parameter of a model's type receives.

        Raises ``ValueError`` where it cannot be decoded.
        """
        return event.raw

    def encode(self, result: Any, event: Any) -> Any:
        """What Lambda returns to the source."""
        return result

    def mismatch(self, raw: Any) -> str:
        """Why an event of the right kind does not reach this trigger: the first condition that failed, or ``""``."""
        return ""

    @classmethod
    def index(cls, triggers: Sequence[Any]) -> Finder:
        """What leads from an event to those of ``triggers``, all of this class, that may take it.

        It should cost the same however many triggers there are. Unless a source says otherwise, it leads to all.
        """
        everything = range(len(triggers))
        return Finder(lambda raw: everything)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """An event for which the source would invoke the function once for this trigger and once for ``other``.

        ``effort`` is what is left to look for one.
        """
        return None

    def shadow(self, triggers: Sequence[Trigger]) -> str:
        """Why other ``triggers`` of the app take every event that this one might take, or ``""``."""
        return ""

    def grants(self) -> Collection[Grant]:
        """The permissions that the trigger alone implies for its function."""
        return ()

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """``(actions, ARNs)`` pairs for the function's role, for what is no resource that handlers use by name."""
        return []

    def resources(self, function: Function, template: Template) -> None:
        """Add what connects the source to the function."""

    def local(self) -> tuple[str, dict[str, Any]] | None:
        """Which driver of the local server stands in where the embedded AWS cannot drive the source, and its data."""
        return None

    def sample(self, **fields: Any) -> Any:
        """An event that reaches this trigger, with some of its fields overridden."""
        raise NotImplementedError

    def fields_among(self, fields: Collection[str], known: Collection[str]) -> None:
        """Refuse a field of a sample that the event does not have."""
        for name in fields:
            if name not in known:
                raise self.refused(
                    f"{self.title()} has no field {name!r}; it has {', '.join(sorted(known))}.{closest(name, known)}"
                )

    def faults(self) -> Collection[str]:
        """Why no event will ever reach the trigger as it is written, as far as that shows."""
        return ()


def guarded_request(other: Trigger) -> Any:
    """The event of a route with an authorizer, or ``None``: whoever writes the whole event of another trigger in the
    function could write that, and what the authorizer said of it."""
    return other.sample() if getattr(other, "authorizer", None) is not None else None


def taken_by_both(one: Trigger, other: Trigger, events: Iterable[Any]) -> Any:
    """The first of ``events`` that two triggers of two handlers take, or ``None``: for :meth:`Trigger.overlap`."""
    if type(one) is not type(other) or one.handler == other.handler:
        return None
    return next((event for event in events if not one.mismatch(event) and not other.mismatch(event)), None)


class Finder:
    """How an event leads to the triggers of one source, by their position.

    ``find`` gives the positions: all that take the event, and perhaps others, which :meth:`Trigger.mismatch` then sorts
    out; with ``exact`` no others. ``miss(kind, raw)`` is what the function itself answers to a request that no trigger
    takes, where routing requests is the function's task; ``None`` where it is not.
    """

    __slots__ = ("exact", "find", "miss")

    def __init__(
        self,
        find: Callable[[Any], Iterable[int]],
        *,
        exact: bool = False,
        miss: Callable[[str, Any], HTTPError | None] = lambda kind, raw: None,
    ) -> None:
        self.find = find
        self.exact = exact
        self.miss = miss


def filed(keys: Iterable[Iterable[object]], leads: Callable[[Any], Iterable[object]]) -> Finder:
    """Triggers filed under the ``keys`` of each, to which an event ``leads``."""
    table: dict[object, list[int]] = {}
    for position, own in enumerate(keys):
        for key in own:
            table.setdefault(key, []).append(position)
    return Finder(lambda raw: [position for key in leads(raw) for position in table.get(key, ())])
