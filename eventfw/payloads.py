"""A parameter of a model's type receives the payload, converted. Imported where there may be one, and shipped so."""

from __future__ import annotations

from .calling import Binding, code_of, signature, written
from .conversion import Enough, Problems
from .errors import PayloadError, RegistrationError
from .hints import FOREIGN, conversion_of, describes_model, label, parts
from .models import is_model
from .options import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from .conversion import Path
    from .trigger import Trigger


class PayloadBinding(Binding):
    """One handler under one trigger, with a parameter that receives the payload as an object of its type."""

    __slots__ = ("convert", "hint", "names", "optional", "other", "payload", "trigger")

    def __init__(self, func: Callable[..., Any], trigger: Trigger, payload: str, hint: Any, names: Mapping[str, Any]):
        super().__init__(func, trigger.parameters, trigger.decorator, payload)
        self.trigger, self.payload, self.hint, self.names = trigger, payload, hint, names
        self.convert: Callable[[Any, Path, Problems], Any] | None = None
        self.other = ""
        self.optional = payload in signature(func)[2]
        inner = written(func)
        first = signature(func)[1][:1] == [payload]
        if not self.event or (first and code_of(inner, "co_posonlyargcount")):
            self.other, self.event = self.event, payload
            self.positional = first

    def settled(self) -> Binding:
        """Itself, ready to convert."""
        try:
            self.convert = conversion_of(self.hint, self.names).convert
        except RegistrationError as error:
            raise self.trigger.refused(error.message) from None
        return self

    def __call__(self, event: Any, context: Any = None, values: Mapping[str, Any] = {}) -> Any:
        """Run the handler. Raises PayloadError where the payload does not fit; the handler is not called then."""
        value = self.received(event)
        if self.event == self.payload:
            return super().__call__(value, context, {**values, self.other: event} if self.other else values)
        return super().__call__(event, context, {**values, self.payload: value})

    def received(self, event: Any) -> Any:
        """The payload of what the handler is called with, converted; ``None`` for no body where that is the default."""
        if self.optional and not getattr(event, "body", True):
            return None
        try:
            decoded = self.trigger.payload(event)
        except (ValueError, RecursionError) as error:
            raise PayloadError(f"The payload cannot be decoded: {printable(error)}.") from None
        if self.convert is None:
            self.settled()
        problems = Problems()
        try:
            value = self.convert(decoded, (), problems)  # type: ignore[misc]
        except Enough:
            pass
        except RecursionError:
            problems.found = [{"path": "", "message": "is nested too deeply"}]
        if not problems.found:
            return value
        told = "; ".join(": ".join(filter(None, one.values())) for one in problems.found[:3])
        more = f"; and {len(problems.found) - 3} more" if len(problems.found) > 3 else ""
        raise PayloadError(f"The payload does not fit {label(self.hint)}: {told}{more}.", problems.found) from None


class Later(Binding):
    """A handler with an annotation that names what is not defined yet, until registration has ended."""

    __slots__ = ("names", "trigger")

    def __init__(self, func: Callable[..., Any], trigger: Trigger, names: Mapping[str, Any]) -> None:
        self.func, self.trigger, self.names = func, trigger, names
        self.is_async = signature(func)[4]

    def settled(self) -> Binding:
        try:
            return bound(self.func, self.trigger, self.names, last=True).settled()
        except RegistrationError as error:
            raise self.trigger.refused(error.message) from None


def bound(func: Any, trigger: Trigger, names: Mapping[str, Any], *, last: bool = False) -> Binding:
    """How a trigger calls a function of which a parameter may have a model's type.

    ``names`` are those of the function around it. Unless it is the ``last`` chance, what an annotation names may still
    be defined.
    """
    inner = written(func)
    taken = {*trigger.parameters, "context"}
    found: dict[str, Any] = {}
    for name, hint in annotated(inner).items():
        if name in taken or name not in signature(func)[0]:
            continue
        resolved, unknown = evaluated(inner, name, hint, names)
        if unknown and not last:
            return Later(func, trigger, names)
        if unknown:
            raise trigger.refused(
                f"The annotation of {name}, {unknown}, cannot be evaluated, so there is no telling whether {name} "
                f"receives the payload. Define or import it where Python runs, not under TYPE_CHECKING, and above the "
                f"handler; or, if {name} is to receive the event, annotate it with the event's class or Any."
            )
        if describes_model(resolved) and default_of(func, inner, name) is None:
            found[name] = resolved
    if not found:
        return Binding(func, trigger.parameters, trigger.decorator)
    refuse_useless(func, trigger, found)
    [(name, hint)] = found.items()
    return PayloadBinding(func, trigger, name, hint, names)


def refuse_useless(func: Any, trigger: Trigger, found: Mapping[str, Any]) -> None:
    """Refuse several payloads, what is no model of ours, and batches."""
    named = getattr(func, "__name__", repr(func))
    if len(found) > 1:
        raise trigger.refused(
            f"{named} takes {' and '.join(found)}, each of a model's type, but there is one payload. "
            f"Make one model of them, with a field for each."
        )
    for name, hint in found.items():
        if getattr(trigger, "batch", False):
            raise trigger.refused(
                f"{name} of {named} has the type {label(hint)}, but with batch=True the handler receives the "
                f"whole batch. Remove batch=True, so that it runs once for each record and {name} receives its "
                f"payload; or annotate {name} with the batch's class."
            )
        for kind in parts(hint):
            for mark, what in FOREIGN.items():
                if hasattr(kind, mark) and not is_model(kind):
                    raise trigger.refused(
                        f"{label(kind)} is {what}, to which eventfw converts nothing. Use a dataclass, a model of "
                        f"pydantic 2 or a msgspec Struct; or take the event, and convert its JSON yourself."
                    )


def default_of(func: Any, inner: Any, name: str) -> Any:
    """A parameter's default. Without one it is ``None``, too: such a parameter receives what there is."""
    if name not in signature(func)[2]:
        return None
    import inspect

    return inspect.signature(inner).parameters[name].default


def annotated(inner: Any) -> dict[str, Any]:
    """The annotations of a function, those that Python cannot evaluate yet as references."""
    try:
        return dict(getattr(inner, "__annotations__", None) or {})
    except Exception:  # Python 3.14 evaluates them only now, and raises what that raises
        import annotationlib  # type: ignore[import-not-found, unused-ignore]

        found: dict[str, Any] = annotationlib.get_annotations(inner, format=annotationlib.Format.FORWARDREF)
        return found


def evaluated(inner: Any, name: str, hint: Any, names: Mapping[str, Any]) -> tuple[Any, str]:
    """(The annotation's type, its text if that cannot be told).

    What a text names may be unknown at run time if it is one of eventfw's or Python's own types: these are no models.
    """
    from typing import get_type_hints

    def stand_in() -> None: ...

    stand_in.__annotations__ = {name: hint}
    try:
        return get_type_hints(stand_in, inner.__globals__, dict(names), include_extras=True)[name], ""
    except SyntaxError:
        return None, ""  # a remark, and no type
    except Exception:
        known = {**vars(__import__("builtins")), **inner.__globals__, **names}
        texts = [getattr(part, "__forward_arg__", part) for part in parts(hint)]
        return None, ", ".join(text for text in texts if isinstance(text, str) and not harmless(text, known))


def harmless(text: str, known: Mapping[str, Any]) -> bool:
    """Whether a text that cannot be evaluated names types of eventfw's and Python's only."""
    import collections.abc
    import typing

    ours = {*__import__("eventfw").__all__, *typing.__all__, *collections.abc.__all__}
    words = compile(text, "", "eval").co_names
    return all(not describes_model(known[word]) if word in known else word in ours for word in words)
