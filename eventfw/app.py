"""App, Blueprint, Handler: ordered memory of what the user's decorators said, and no behaviour."""

from __future__ import annotations

from .calling import Binding, bound, code_of, innermost, names_around
from .errors import RegistrationError, shown, user_place
from .sources.table import Decorators

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    from .function import Function, Settings
    from .resources.resource import Resource
    from .trigger import Trigger

    M = TypeVar("M", bound=Callable[..., Any])

API_FUNCTION = "api"


class Handler:
    """A user's callable, its triggers, and the settings of its function."""

    def __init__(self, func: Callable[..., Any], name: str, place: str) -> None:
        self.func = func
        self.name = name
        self.place = place
        self.triggers: list[Trigger] = []
        self.bindings: list[Binding] = []
        self.settings: Settings | None = None
        self.names: Mapping[str, Any] = {}
        self.middleware: list[Callable[..., Any]] = []
        self.stack = ""

    def __repr__(self) -> str:
        return f"<Handler {self.name!r}>"

    @property
    def is_direct(self) -> bool:
        """Whether nothing but a direct invocation runs it."""
        return len(self.triggers) == 1 and self.triggers[0].decorator == "function"

    def invoked_directly(self) -> None:
        """Make direct invocation its trigger, since it was given no other."""
        from .sources.function import Direct

        trigger = Direct()
        trigger.place, trigger.handler = self.place, self.name
        try:
            self.bindings = [bound(self.func, trigger, self.names)]
        except RegistrationError as error:
            raise trigger.refused(error.message) from None
        self.triggers = [trigger]

    @property
    def is_async(self) -> bool:
        """Whether it is an ``async def``."""
        return any(binding.is_async for binding in self.bindings)

    @property
    def function(self) -> str:
        """The short name of the Lambda function that runs it."""
        if self.settings is not None:
            return self.settings.name or self.name
        return API_FUNCTION if self.shares else self.name

    @property
    def shares(self) -> bool:
        """Whether it joins the function ``api`` unless ``@app.function`` says otherwise."""
        said = {trigger.shares_api for trigger in self.triggers}
        return True in said and False not in said


class Registrar(Decorators):
    """What App and Blueprint have in common."""

    def __init__(self, name: str) -> None:
        self.place = user_place()
        if not isinstance(name, str) or not name or not all(c.isascii() and (c.isalnum() or c == "-") for c in name):
            raise RegistrationError(
                f"{type(self).__name__} takes a name of letters, digits and hyphens, not {name!r}.", place=self.place
            )
        if not name[0].isalpha() or name.endswith("-") or len(name) > 40:
            raise RegistrationError(
                f"The name {name!r} must begin with a letter, not end with a hyphen, and have at most 40 characters.",
                place=self.place,
            )
        self.name = name
        self.handlers: list[Handler] = []
        self.resources: list[Resource] = []
        self.closed = ""
        self._named: dict[str, Handler] = {}
        self._functions_of: dict[int, Handler] = {}
        self._claimed: dict[str, Resource] = {}
        self._keys: dict[str, Trigger] = {}
        self._on: dict[str, list[Trigger]] = {}
        self.unused: list[tuple[str, str]] = []
        self._middleware: list[Callable[..., Any]] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"

    def middleware(self, func: M = None) -> M:  # type: ignore[assignment]
        """Wrap every invocation: ``def timed(event, call): return call(event)``, once for all records of a batch.

        The first one registered is the outermost.
        """
        self._open("middleware")
        if not callable(func):
            raise RegistrationError(
                f"@app.middleware decorates a function, not {func!r}. Write it without parentheses.", place=user_place()
            )
        if code_of(func, "co_flags") & 0x80:  # inspect.CO_COROUTINE
            raise RegistrationError(
                f"The middleware {func.__name__} must be a `def`, not an `async def`. Handlers may be async.",
                place=user_place(),
            )
        self._middleware.append(func)
        return func

    def register(self, func: Callable[..., Any], trigger: Trigger) -> None:
        """Remember that a trigger runs a function."""
        self._open(f"@{type(self).__name__.lower()}.{trigger.decorator}")
        binding = bound(func, trigger, names_around(func))
        handler = self._handler(func)
        self._refuse_double(trigger)
        if trigger.resource is not None:
            self.own(trigger.resource)
        self._refuse_from_now(trigger)
        same = [other for other in handler.triggers if other.decorator == trigger.decorator]
        trigger.handler, trigger.ordinal = handler.name, len(same) + 1
        handler.triggers.append(trigger)
        handler.bindings.append(binding)

    def configure(self, func: Callable[..., Any], settings: Settings) -> None:
        """Remember the settings of a function's Lambda function."""
        self._open(f"@{type(self).__name__.lower()}.function")
        handler = self._handler(func)
        if handler.settings is not None:
            raise RegistrationError(f"{handler.name} has @app.function twice. Keep one.", place=settings.place)
        handler.settings, handler.names = settings, names_around(func)

    def own(self, resource: Resource) -> None:
        """Remember a resource that the app owns or names."""
        for claim in sorted(resource.claims):
            other = self._claimed.get(claim)
            if other is resource:
                return
            if other is not None:
                same = other.key == resource.key and len({other.arn_text, resource.arn_text} - {""}) < 2
                if not other.owned and not resource.owned and same:
                    return
                kinds = {True: "owned", False: "existing"}
                raise RegistrationError(
                    f"The app has two resources {claim}: {kinds[resource.owned]} "
                    f"{resource.type} {resource.key!r} here, {kinds[other.owned]} {other.type} {other.key!r} at "
                    f"{other.place}. Keep one and pass the object to both triggers, or rename one.",
                    place=resource.place,
                )
        self._open(f"{type(self).__name__.lower()}.{resource.type}")
        self.resources.append(resource)
        self._claimed.update(dict.fromkeys(resource.claims, resource))

    def _handler(self, func: Callable[..., Any]) -> Handler:
        known = self._functions_of.get(id(func))
        if known is not None:
            return known
        name = getattr(func, "__name__", "")
        if not name.isidentifier() or not name.isascii():
            raise RegistrationError(
                f"{func!r} has no name of letters, digits and _ to call the handler by. Use a def.", place=user_place()
            )
        code = getattr(innermost(func), "__code__", None)
        place = shown(code.co_filename, code.co_firstlineno) if code is not None else user_place()
        handler = Handler(func, name, place)
        self._add(handler)
        self._functions_of[id(func)] = handler
        return handler

    def handler_of(self, wanted: object) -> Handler | None:
        """The handler that is meant by a function or a name."""
        return self._named.get(wanted) if isinstance(wanted, str) else self._functions_of.get(id(wanted))

    def _add(self, handler: Handler) -> None:
        other = self._named.setdefault(handler.name, handler)
        if other is not handler:
            raise RegistrationError(
                f"The handler name {handler.name!r} is taken, at {other.place}. Rename one of the functions.",
                place=handler.place,
            )
        self.handlers.append(handler)

    def _refuse_double(self, trigger: Trigger) -> None:
        """Refuse what AWS would not take from two triggers of one app."""
        taken = [(self._keys.get(key), said) for key, said in trigger.key()]
        on = self._on.get(trigger.resource.variable, ()) if trigger.resource is not None else ()
        taken += [(other, trigger.clash(other)) for other in on]
        for other, said in taken:
            if other is not None and said:
                raise RegistrationError(
                    f"{said} is there already: {other.handler} at {other.place}. Remove one of them.",
                    place=trigger.place or user_place(),
                )

    def _refuse_from_now(self, trigger: Trigger) -> None:
        """Have what AWS would not take from another trigger beside this one refused."""
        self._keys.update({key: trigger for key, _ in trigger.key()})
        if trigger.resource is not None:
            self._on.setdefault(trigger.resource.variable, []).append(trigger)

    def refuse_unused(self) -> None:
        """Refuse a decorator that was called and then put above nothing."""
        for name, place in self.unused:
            raise RegistrationError(f"@app.{name}(...) decorates nothing. Put it right above a def.", place=place)

    def _open(self, what: str) -> None:
        if self.closed:
            raise RegistrationError(f"{what} came after {self} {self.closed}. Move it up.", place=user_place())

    def _close(self, how: str) -> None:
        place = user_place()
        self.closed = f"{how} at {place}" if place else how


class Blueprint(Registrar):
    """Handlers, resources and middleware to be mounted in an app, in a module of their own.

    Its middleware wraps its own handlers only.
    """


class App(Registrar):
    """An application: the object everything is derived from.

    ``name`` (letters, digits and hyphens) begins the names of what is deployed; changing it later makes another app.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._functions: dict[str, Function] | None = None
        self.stacks: dict[str, Blueprint] = {}

    def mount(self, blueprint: Blueprint, *, path: str = "", name: str = "", stack: bool = False) -> None:
        """Take over a blueprint's handlers, resources and middleware.

        ``path`` goes before the paths of its routes, ``name`` before the names of its handlers (and so of their
        functions). ``stack`` gives its functions a CloudFormation stack of their own: say so from the first day, since
        nothing moves between stacks by itself. Data always stays in the app's main stack.
        """
        self._open("app.mount")
        if not isinstance(blueprint, Blueprint):
            raise RegistrationError(f"app.mount takes a Blueprint, not {blueprint!r}.", place=user_place())
        if path and (not isinstance(path, str) or not path.startswith("/") or path.endswith("/") or "{" in path):
            raise RegistrationError(
                f"path must begin with '/', not end with it and have no parameters, not {path!r}.", place=user_place()
            )
        if name and not (isinstance(name, str) and name.isidentifier()):
            raise RegistrationError(f"name must be made of letters, digits and _, not {name!r}.", place=user_place())
        if blueprint.closed:
            raise RegistrationError(f"{blueprint} {blueprint.closed}. Mount it once.", place=user_place())
        if stack and blueprint.name in ("edge", *self.stacks):
            raise RegistrationError(
                f"The stack name {blueprint.name!r} is taken. Rename the blueprint.", place=user_place()
            )
        blueprint.refuse_unused()
        for resource in blueprint.resources:
            self.own(resource)
        for handler in blueprint.handlers:
            self._take(handler, path, name, blueprint.name if stack else "")
            handler.middleware = blueprint._middleware
        if stack:
            self.stacks[blueprint.name] = blueprint
        blueprint._close("was mounted")

    def _take(self, handler: Handler, path: str, name: str, stack: str) -> None:
        handler.name, handler.stack = name + handler.name, stack
        triggers, handler.triggers = handler.triggers, []
        self._add(handler)
        self._functions_of[id(handler.func)] = handler
        for trigger in triggers:
            trigger.handler = handler.name
            trigger.mount(path)
            self._refuse_double(trigger)
            self._refuse_from_now(trigger)
            handler.triggers.append(trigger)

    @property
    def functions(self) -> dict[str, Function]:
        """The Lambda functions by short name. Asking for them ends registration."""
        if self._functions is None:
            self.refuse_unused()
            self._functions = self._grouped()
            self._close("was first routed or built")
        return self._functions

    def middleware_of(self, handler: Handler | None) -> list[Callable[..., Any]]:
        """The middleware around a handler, or around none of them, the outermost first."""
        return [*self._middleware, *(handler.middleware if handler is not None else ())]

    def _grouped(self) -> dict[str, Function]:
        from .function import Function

        for resource in self.resources:
            resource.app = self.name
        groups: dict[str, list[Handler]] = {}
        for handler in self.handlers:
            groups.setdefault(handler.function, []).append(handler)
            if not handler.triggers:
                handler.invoked_directly()
        for handler in self.handlers:
            for trigger in handler.triggers:
                trigger.settle(self, handler)
            handler.bindings = [binding.settled() for binding in handler.bindings]
        for name, handlers in groups.items():
            _refuse_unintended(name, handlers)
        functions = {name: Function(name, handlers, _settings(name, handlers)) for name, handlers in groups.items()}
        for function in functions.values():
            self._own_named(function)
            self._refuse_strangers(function)
        for resource in self.resources:
            resource.check(functions)
        return functions

    def _own_named(self, function: Function) -> None:
        """Remember what a function uses that is there already."""
        for resource in [*(grant.resource for grant in function.uses), *function.targets]:
            if not resource.owned:
                resource.app = self.name
                self.own(resource)

    def _refuse_strangers(self, function: Function) -> None:
        """Refuse to use a resource that would never be made."""
        for resource in [*(grant.resource for grant in function.uses), *function.targets]:
            if resource.owned and resource not in self.resources:
                raise RegistrationError(
                    f"Function {function.name!r} uses {resource.type} {resource.key!r}, which no app owns. "
                    f"Make it with app.{resource.type}({resource.key!r}), or mount its blueprint.",
                    place=function.settings.place or function.place,
                )


def _refuse_unintended(name: str, handlers: list[Handler]) -> None:
    """Refuse a handler that is in another's function only because it is called like it."""
    for handler in handlers:
        named = handler.settings is not None and handler.settings.name == name
        if (
            len(handlers) > 1
            and handler.name == name
            and not named
            and not (handler.settings is None and handler.shares)
        ):
            other = next(each for each in handlers if each is not handler)
            raise RegistrationError(
                f"The handler {name} would share the function {name!r} with {other.name}, at {other.place}. "
                f"Rename it, or write @app.function({name!r}) above it if they belong together.",
                place=handler.place,
            )


def _settings(name: str, handlers: list[Handler]) -> Settings:
    """The settings of a function: those of the one ``@app.function`` that says any."""
    given = [handler.settings for handler in handlers if handler.settings is not None]
    saying = [settings for settings in given if settings.said]
    _refuse_doubt(name, handlers, saying)
    if saying or given:
        return (saying or given)[0]
    from .function import Settings

    return Settings()


def _refuse_doubt(name: str, handlers: list[Handler], saying: list[Settings]) -> None:
    """Refuse settings that are given twice, and two handlers that no event tells apart."""
    if len(saying) > 1:
        raise RegistrationError(
            f"Function {name!r} is given settings twice, here and at {saying[0].place}. "
            f"Keep them in one place and write @app.function({name!r}) elsewhere.",
            place=saying[1].place,
        )
    direct = [handler for handler in handlers if handler.is_direct]
    if len(direct) > 1:
        raise RegistrationError(
            f"Function {name!r} has two handlers for direct invocation, {direct[0].name} and {direct[1].name}, and no "
            f"event could tell them apart. Give one a function of its own.",
            place=direct[1].place,
        )
