"""Checks that constructors share: each says the fact, the value and the remedy."""

from __future__ import annotations

from .errors import RegistrationError, user_place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

LOG_RETENTION_DAYS = frozenset(  # what CloudWatch Logs takes, in PutRetentionPolicy
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)


class Checked:
    """What has options that can be wrong. The constructor stores them and calls :meth:`validate` last."""

    def validate(self) -> None:
        """Refuse what cannot work, on the user's line. It sets nothing, so that a deployment can do without it: the
        zip has only this, since all options were checked when it was built."""


def refused(message: str) -> RegistrationError:
    """The error for an option that cannot work, placed on the user's line."""
    return RegistrationError(message, place=user_place(2))


def whole(owner: str, option: str, value: object, low: int, high: int, remedy: str) -> int:
    """``value`` if it is a whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refused(f"{option} must be {low} to {high} for {owner}, not {value!r}. {remedy}")
    return value


def flag(owner: str, option: str, value: object) -> bool:
    """``value`` if it is True or False."""
    if not isinstance(value, bool):
        raise refused(f"{option} must be True or False for {owner}, not {value!r}.")
    return value


def one_of(owner: str, option: str, value: object, allowed: Iterable[object]) -> None:
    """Refuse a ``value`` that is not among ``allowed``."""
    choices = list(allowed)
    if value not in choices:
        hint = closest(str(value), [str(choice) for choice in choices])
        listed = ", ".join(repr(choice) for choice in choices)
        raise refused(f"{option} must be one of {listed} for {owner}, not {value!r}.{hint}")


def strings(owner: str, option: str, value: object, example: str) -> None:
    """Refuse a ``value`` that is not a list of non-empty strings."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) and one for one in value):
        raise refused(f"{option} must be a list such as [{example!r}] for {owner}, not {value!r}.")


def text(owner: str, option: str, value: object, remedy: str) -> str:
    """``value`` if it is a non-empty string."""
    if not isinstance(value, str) or not value:
        raise refused(f"{option} must be a non-empty string for {owner}, not {value!r}. {remedy}")
    return value


def texts(owner: str, option: str, value: object, example: str, *, least: int = 0) -> None:
    """Refuse what is no list or tuple of at least so many non-empty strings, such as ``example``."""
    well = isinstance(value, (list, tuple)) and len(value) >= least
    if not well or not all(isinstance(one, str) and one.strip() for one in value):  # type: ignore[attr-defined]
        raise refused(f"{option} must be a list such as {example} for {owner}, not {value!r}.")


def by_name(owner: str, option: str, value: Any, example: str) -> dict[str, Any]:
    """A copy of a mapping such as ``example``; ``None`` is an empty one."""
    if value is not None and not hasattr(value, "items"):
        raise refused(f"{option} must be a dict such as {example} for {owner}, not {value!r}.")
    return dict(value or {})


def borrowed(module: str, name: str) -> Any:
    """``name`` of eventfw's ``module``, which the caller's own imports do not mention.

    So the module is in a zip only where an object of the app, a trigger's filter for one, is of a class of its.
    """
    return getattr(__import__(f"eventfw.{module}", fromlist=[name]), name)


def fits(name: object, signs: str, most: int, least: int = 2) -> bool:
    """Whether a name has so many letters, digits and ``signs``."""
    return (
        isinstance(name, str)
        and least <= len(name) <= most
        and all(char.isascii() and (char.isalnum() or char in signs) for char in name)
    )


def printable(text: object, limit: int = 120) -> str:
    """What came from outside, for a message: control characters escaped, and cut."""
    whole = str(text)
    cut = whole[:limit] + "..." * (len(whole) > limit)
    return cut if cut.isprintable() else "".join(char if char.isprintable() else repr(char)[1:-1] for char in cut)


def closest(name: str, names: Iterable[str]) -> str:
    """`` Did you mean 'x'?`` when a name is near, else nothing. Runs on the way to an error only."""
    from difflib import get_close_matches

    near = get_close_matches(name, list(names), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


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
        options = f"Its options are {', '.join(known)}." if known else "It has none."
        if len(args) > len(known) - len(named) and named:
            message = (
                f"{name} takes {named[0]} and what follows it by name: {named[0]}={args[len(known) - len(named)]!r}."
            )
        elif unknown:
            message = f"{name} has no option {unknown[0]!r}.{closest(unknown[0], known)} {options}"
        else:
            message = f"{name}: {str(error).partition('() ')[2] or error}. {options}"
        raise RegistrationError(message, place=user_place()) from None
