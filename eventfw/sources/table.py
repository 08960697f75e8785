"""The one table of sources. Adding a source is one file beside this one, and its lines here: the import and the
attribute, which type checkers read; the index, which Python reads; and how its events are recognised."""

from __future__ import annotations

from ..errors import RegistrationError, user_place
from ..options import closest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

    from ..function import Settings
    from ..resources.bucket import Bucket
    from ..resources.queue import Queue
    from ..trigger import Trigger
    from .edge import EdgeViewerRequest
    from .http import Http
    from .s3 import S3Trigger
    from .schedule import Schedule
    from .sqs import SqsConsumer

    P = ParamSpec("P")
    F = TypeVar("F", bound=Callable[..., Any])
    R = TypeVar("R")

    class Decorator(Protocol):
        """Takes a function and returns it unchanged, with its type."""

        def __call__(self, func: F, /) -> F: ...

    def lazy(cls: Callable[P, Trigger | Settings]) -> Callable[Concatenate[Any, P], Decorator]:
        """The constructor's signature as a decorator's; ``Any`` stands for the app."""
        ...

    def made(cls: Callable[P, R]) -> Callable[Concatenate[Any, P], R]:
        """The constructor's signature as a method's that returns what it made."""
        ...


SOURCES = {  # decorator: (module, class)
    "edge_viewer_request": ("eventfw.sources.edge", "EdgeViewerRequest"),
    "http": ("eventfw.sources.http", "Http"),
    "s3_trigger": ("eventfw.sources.s3", "S3Trigger"),
    "schedule": ("eventfw.sources.schedule", "Schedule"),
    "sqs_consumer": ("eventfw.sources.sqs", "SqsConsumer"),
}
RESOURCES = {  # method: (module, class)
    "bucket": ("eventfw.resources.bucket", "Bucket"),
    "queue": ("eventfw.resources.queue", "Queue"),
}
RECORD_SOURCES = {  # `eventSource` of the first of `Records`: kind
    "aws:s3": "s3",
    "aws:sqs": "sqs",
}


class Decorators:
    """What App and Blueprint share: a decorator for each source, a method for each resource.

    A module is imported when its name is first used, so an app loads the sources it has and no other.
    """

    if TYPE_CHECKING:
        edge_viewer_request = lazy(EdgeViewerRequest)
        http = lazy(Http)
        s3_trigger = lazy(S3Trigger)
        schedule = lazy(Schedule)
        sqs_consumer = lazy(SqsConsumer)
        function = lazy(Settings)

        bucket = made(Bucket)
        queue = made(Queue)
    else:

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):
                raise AttributeError(name)
            if name in SOURCES:
                return decorator(self, self.register, name, load(SOURCES[name]))
            if name in RESOURCES:
                return maker(self.own, name, load(RESOURCES[name]))
            if name == "function":
                return decorator(self, self.configure, name, load(("eventfw.function", "Settings")))
            known = [
                *SOURCES,
                *RESOURCES,
                "function",
                "middleware",
                *(["mount"] if hasattr(type(self), "mount") else []),
            ]
            raise UnknownDecorator(
                f"{type(self).__name__} has no {name!r}.{closest(name, known)} It has: {', '.join(sorted(known))}.",
                place=user_place(),
            )


class UnknownDecorator(RegistrationError, AttributeError):
    """A decorator or resource that does not exist."""


def load(home: tuple[str, str]) -> Any:
    """The class a line of the table names."""
    return getattr(__import__(home[0], fromlist=[home[1]]), home[1])


def decorator(registrar: Any, register: Any, name: str, cls: Any) -> Any:
    """What ``app.<name>`` is: called with the options, it gives the decorator."""

    def options(*args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]):
            label = getattr(args[0], "__name__", "the handler")
            example = getattr(cls, "example", "@app.function()")
            raise RegistrationError(
                f"@app.{name} needs parentheses above {label}. Write {example}.", place=user_place()
            )
        item = construct(cls, name, args, kwargs)
        unused = (name, item.place)
        registrar.unused.append(unused)

        def decorate(func: Any) -> Any:
            if not callable(func):
                raise RegistrationError(f"@app.{name}(...) decorates a function, not {func!r}.", place=user_place())
            if unused in registrar.unused:
                registrar.unused.remove(unused)
            register(func, item)
            return func

        return decorate

    return options


def maker(own: Any, name: str, cls: Any) -> Any:
    """What ``app.queue`` is: makes the resource and gives it to the app."""

    def make(*args: Any, **kwargs: Any) -> Any:
        if args and callable(args[0]):
            raise RegistrationError(
                f"app.{name} makes a resource and decorates nothing. Write {name}s = app.{name}({name + 's'!r}).",
                place=user_place(),
            )
        item = construct(cls, name, args, kwargs)
        own(item)
        return item

    return make


def construct(cls: Any, name: str, args: Any, kwargs: Any) -> Any:
    """``cls(*args, **kwargs)``, with a call that does not fit told in the user's words."""
    try:
        return cls(*args, **kwargs)
    except TypeError as error:
        if error.__traceback__ is not None and error.__traceback__.tb_next is not None:
            raise  # not the call itself, but something the constructor did
        import inspect

        parameters = inspect.signature(cls).parameters
        known = list(parameters)
        named = [option for option, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY]
        unknown = [option for option in kwargs if option not in known]
        options = f"Its options are {', '.join(known)}."
        if len(args) > len(known) - len(named) and named:
            message = (
                f"{name} takes {named[0]} and what follows it by name: {named[0]}={args[len(known) - len(named)]!r}."
            )
        elif unknown:
            message = f"{name} has no option {unknown[0]!r}.{closest(unknown[0], known)} {options}"
        else:
            message = f"{name}: {str(error).partition('() ')[2] or error}. {options}"
        raise RegistrationError(message, place=user_place()) from None
