"""How a handler is called: which parameter receives what, decided once, when the decorator runs."""

from __future__ import annotations

import sys

from .options import refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from types import FrameType
    from typing import Any

    from .trigger import Trigger

_VARARGS, _VARKEYWORDS, _COROUTINE = 0x04, 0x08, 0x80  # inspect.CO_VARARGS, CO_VARKEYWORDS, CO_COROUTINE
_GENERATORS = 0x20 | 0x200  # inspect.CO_GENERATOR, CO_ASYNC_GENERATOR
_NOTHING: dict[str, Any] = {}
_MARKS = (  # of pydantic's models (and those of its first version), dataclasses, Structs and attrs classes
    "__pydantic_validator__",
    "__fields_set__",
    "__dataclass_fields__",
    "__struct_fields__",
    "__attrs_attrs__",
)


class Binding:
    """One handler under one trigger: call it with an event and the values of the path parameters.

    A parameter named like a path parameter receives it, ``context`` receives Lambda's context, ``payload`` (see
    :mod:`eventfw.payloads`) the payload, and the one parameter left, under any name, the event, which may be left out.
    """

    __slots__ = ("context", "event", "func", "is_async", "positional")

    def __init__(
        self, func: Callable[..., Any], parameters: Collection[str], decorator: str, payload: str = ""
    ) -> None:
        self.func = func
        checked(func)
        names, positional, optional, takes_any, self.is_async = signature(func)
        left = [name for name in names if name not in (*parameters, "context", payload)]
        wanted = [name for name in left if name not in optional]
        label = getattr(func, "__name__", repr(func))
        if len(wanted) > 1:
            known = ", ".join([*parameters, "context"])
            raise refused(
                f"{label} takes {', '.join(wanted)}, but @app.{decorator} passes one event. Keep one of them; "
                f"the others must be named like what else it passes ({known}) or have a default."
            )
        missing = [name for name in parameters if name not in names and not takes_any]
        if missing:
            raise refused(
                f"{label} does not take the path parameter {missing[0]!r}. "
                f"Add it: def {label}({', '.join([*names, missing[0]])}), or remove it from the path."
            )
        self.event = (wanted or (left if not payload else []) or [""])[0]
        self.context = "context" if "context" in names else ""
        self.positional = bool(self.event) and positional[:1] == [self.event]

    def __call__(self, event: Any, context: Any = None, values: Mapping[str, Any] = _NOTHING) -> Any:
        """Run the handler. ``values`` has every path parameter, which it takes: it was refused otherwise."""
        if self.context:
            values = {**values, "context": context}
        if self.positional:
            result = self.func(event, **values)
        elif self.event:
            result = self.func(**{**values, self.event: event})
        else:
            result = self.func(**values)
        # What wraps a coroutine function may have awaited it already.
        return run(result) if self.is_async and hasattr(result, "__await__") else result

    def settled(self) -> Binding:
        """How it is called in the end: asked for once, when registration has ended."""
        return self


def bound(func: Callable[..., Any], trigger: Trigger, names: Mapping[str, Any] = _NOTHING) -> Binding:
    """How a trigger calls a function, of whose parameters one may receive the payload.

    ``names`` are those that its annotations may use besides the module's.
    """
    if suspect(func, {"context", "return", *trigger.parameters}, names):
        try:
            payloads = __import__("eventfw.payloads", fromlist=["bound"])
        except ModuleNotFoundError as error:
            if error.name != "eventfw.payloads":
                raise
            # In a zip, where no handler receives a payload: the build has looked.
        else:
            made: Binding = payloads.bound(func, trigger, names)
            return made
    return Binding(func, trigger.parameters, trigger.decorator)


def suspect(func: Callable[..., Any], but: Collection[str], names: Mapping[str, Any]) -> bool:
    """Whether a parameter may have a model's type: what its annotation names is one, or unknown."""
    inner = written(func)
    try:
        hints = getattr(inner, "__annotations__", _NOTHING)
    except Exception:  # Python 3.14 evaluates them now
        return True
    known = (names, getattr(inner, "__globals__", _NOTHING), vars(__import__("builtins")))
    return any(_doubtful(hint, known) for name, hint in hints.items() if name not in but)


def _doubtful(hint: Any, known: tuple[Mapping[str, Any], ...]) -> bool:
    if isinstance(hint, str):
        try:
            words = compile(hint, "", "eval").co_names
        except SyntaxError:
            return False  # a remark, and no type
        if "'" in hint or '"' in hint:
            return True  # a text within the text
        return any(_doubtful(next((space[word] for space in known if word in space), ...), known) for word in words)
    if any(hasattr(hint, mark) for mark in _MARKS):
        return True
    arguments = getattr(hint, "__args__", None)
    if not arguments:
        return not isinstance(hint, type)
    return any(_doubtful(one, known) for one in (*arguments, getattr(hint, "__origin__", int)))


def written(func: Callable[..., Any]) -> Any:
    """The function whose annotations count: under its wrappers, of a partial, or of an object that can be called."""
    inner = innermost(func)
    while not hasattr(inner, "__code__") and hasattr(inner, "func"):
        inner = innermost(inner.func)
    return inner if hasattr(inner, "__code__") else getattr(inner, "__call__", inner)  # noqa: B004


def names_around(func: Callable[..., Any]) -> Mapping[str, Any]:
    """The names of the function that ``func`` is being defined in, which texts as annotations may use."""
    code = getattr(written(func), "__code__", None)
    if code is None or "<locals>" not in getattr(func, "__qualname__", ""):
        return _NOTHING
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and code not in frame.f_code.co_consts:
        frame = frame.f_back
    return _NOTHING if frame is None else dict(frame.f_locals)


def checked(func: Callable[..., Any]) -> None:
    """Refuse what can be called, but whose body a call would not run."""
    if isinstance(func, type):
        raise refused(f"The class {func.__name__} cannot be a handler: decorate a function.")
    if code_of(func, "co_flags") & _GENERATORS:
        raise refused(
            f"{func.__name__} has a yield, so calling it runs nothing and it cannot be a handler. "
            f"Move the yield to a function of its own."
        )
    if code_of(func, "co_posonlyargcount") > 1:
        raise refused(f"{func.__name__} takes several arguments by position only. Remove the '/' from its parameters.")


def code_of(func: Callable[..., Any], what: str) -> int:
    """A number of the function's code object; 0 where it has none."""
    number: int = getattr(getattr(func, "__code__", None), what, 0)
    return number


def innermost(func: Callable[..., Any]) -> Any:
    """The function that was written, under what ``functools.wraps`` put around it."""
    inner: Any = func
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    return inner


def signature(func: Callable[..., Any]) -> tuple[list[str], list[str], set[str], bool, bool]:
    """(parameter names, the positional ones among them, those with a default, takes ``**anything``, is a coroutine).

    Read off the code object, because :mod:`inspect` costs more than the rest of the import; only what has no code
    object of its own (a partial, an object with ``__call__``) is left to it.
    """
    inner = innermost(func)
    code = getattr(inner, "__code__", None)
    if code is None:
        return _inspected(inner)
    count = code.co_argcount
    positional = list(code.co_varnames[:count])
    if hasattr(inner, "__self__"):
        positional = positional[1:]
    keyword = list(code.co_varnames[count : count + code.co_kwonlyargcount])
    defaults = inner.__defaults__ or ()
    optional = set(positional[len(positional) - len(defaults) :]) if defaults else set()
    optional |= set(inner.__kwdefaults__ or ())
    outer = getattr(getattr(func, "__code__", code), "co_flags", 0)
    if outer & _VARARGS and not positional and not keyword:
        positional = ["event"]  # def handler(*args): the event is the only thing to pass
    coroutine = bool((outer | code.co_flags) & _COROUTINE)
    return [*positional, *keyword], positional, optional, bool(code.co_flags & _VARKEYWORDS), coroutine


def _inspected(func: Any) -> tuple[list[str], list[str], set[str], bool, bool]:
    import inspect

    try:
        parameters = list(inspect.signature(func).parameters.values())
    except (TypeError, ValueError):
        raise refused(f"{func!r} cannot be a handler: Python cannot tell its parameters. Wrap it in a def.") from None
    plain = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    coroutine = inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(getattr(func, "__call__", None))  # noqa: B004
    return (
        [p.name for p in plain],
        [p.name for p in plain if p.kind is not p.KEYWORD_ONLY],
        {p.name for p in plain if p.default is not p.empty},
        any(p.kind is p.VAR_KEYWORD for p in parameters),
        coroutine,
    )


def all_or_error(binding: Binding, records: Iterable[Any], context: Any) -> None:
    """Run a handler for every record of an event that comes again as a whole. Raises the first failure at the end, with
    notes of the others."""
    first: Exception | None = None
    for record in records:
        try:
            binding(record, context)
        except Exception as error:
            if first is None:
                first = error
            else:
                first.add_note(f"{type(error).__name__} in {record!r}: {error}")
    if first is not None:
        raise first


class _Loop:
    """The one event loop of an execution environment, made when the first coroutine is run."""

    runner: Any = None


def run(coroutine: Any) -> Any:
    """Run a coroutine to its end on the loop that this environment keeps between invocations.

    That a task of its own was cancelled is an error as any other here: the rest of a batch goes on, and who waits for
    an answer gets one. ``CancelledError`` is no ``Exception``, and would end the environment.
    """
    import asyncio

    if _Loop.runner is None:
        _Loop.runner = asyncio.Runner()
    try:
        return _Loop.runner.run(coroutine)
    except asyncio.CancelledError as error:
        raise RuntimeError("The handler awaited what was cancelled.") from error
