"""Reading JSON as the rule engines of AWS do: numbers keep their value, and no text is too strange for an answer."""

from __future__ import annotations

from ..errors import RuleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DEEPEST = 1000  # levels of nesting; the JSON reader in Lambda gives up there too
_DIGITS_MAX = 1000  # of a number
_EXACT_INT = 2**53  # every whole number up to here is a double
_BITS_MAX = 2000  # of a whole number that is written in digits: Python may be told to write no more than 640
_INFINITY = float("inf")


class Members(list):  # type: ignore[type-arg]
    """The members of a JSON object as ``(name, value)`` pairs: a name may come twice."""


class Inexact:
    """A number that no double equals, such as ``1e400``: the engines compare it as text."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Inexact) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return self.text


class Literal:
    """``true``, ``false`` or ``null``: in Python ``True`` equals 1, in JSON it does not."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


TRUE, FALSE, NULL = Literal("true"), Literal("false"), Literal("null")


def loads(text: str, *, members: bool = False) -> Any:
    """A JSON text's value. ``members`` reads objects as :class:`Members` instead of dicts, where the last name wins.

    Raises RuleError for what is not JSON (``NaN`` is not) or nested over 1000 levels deep.
    """
    from json import loads as read

    try:
        return read(
            text,
            object_pairs_hook=Members if members else None,
            parse_int=number,
            parse_float=number,
            parse_constant=_refuse,
        )
    except RecursionError:
        raise RuleError(f"The JSON is nested too deeply, over {DEEPEST} levels. Flatten it.") from None
    except ValueError as error:
        raise RuleError(f"This is not JSON: {error}: {shown(text)}.") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"JSON has no {name}")


def number(text: str) -> float | Inexact:
    """A JSON number's value: 300, 300.0 and 3e2 are one."""
    if len(text) > _DIGITS_MAX:
        return Inexact(text)
    value = float(text)
    if len(text) <= 15 and "e" not in text and "E" not in text:
        return value + 0.0  # -0 is 0
    if abs(value) == _INFINITY:
        return Inexact(text)
    if value == 0.0:
        mantissa = text.lower().partition("e")[0]
        return Inexact(text) if mantissa.strip("-0.") else 0.0
    from decimal import Decimal

    return value if Decimal(repr(value)) == Decimal(text) else Inexact(text)


def token(value: Any) -> Any:
    """A JSON scalar in a form where equal means what it means to the engines."""
    kind = type(value)
    if kind is str or kind is Inexact or kind is Literal:
        return value
    if value is None:
        return NULL
    if kind is bool:
        return TRUE if value else FALSE
    if isinstance(value, float):
        return float(value) + 0.0 if abs(value) < _INFINITY else Inexact(float.__repr__(value))
    if isinstance(value, int):
        if -_EXACT_INT <= value <= _EXACT_INT:
            return float(value)
        return number(int.__repr__(value)) if value.bit_length() <= _BITS_MAX else Inexact(hex(value))
    if isinstance(value, str):
        return str.__str__(value)
    return Inexact(f"a Python {kind.__name__}")  # no JSON: equal to nothing a pattern can say


def as_text(value: Any, what: str) -> str:
    """A value as the JSON text that it is, or would be. Raises RuleError for what is no JSON; ``what`` names it."""
    if isinstance(value, str):
        return value
    from json import dumps

    try:
        return dumps(value, separators=(",", ":"), ensure_ascii=False)
    except Exception as error:  # the encoder's own, or what another's class raises
        raise RuleError(f"{what} is JSON, and {shown(value)} is not: {error}.") from None


def shown(value: Any, limit: int = 60) -> str:
    """A value as JSON writes it, cut to part of a line. Takes anything, and never raises."""
    try:
        return _shown(value, limit)
    except Exception:  # what another's __repr__ raises, or a stack that is almost used up
        return f"a Python {type(value).__name__}"


def named(name: str, limit: int = 200) -> str:
    """A name or path for a message: without characters that cannot be printed, and cut."""
    return _shown(name, limit)[1:-1]


def _shown(value: Any, limit: int) -> str:
    if isinstance(value, str):
        return _quoted(value) if len(value) <= limit else _quoted(value[:limit] + "...")
    inner = limit // 3
    if isinstance(value, (list, tuple, dict)) and inner < 2:
        return "..."
    if isinstance(value, (dict, Members)):
        pairs = list(value.items() if isinstance(value, dict) else value)
        written = [f"{_shown(str(name), inner)}: {_shown(each, inner)}" for name, each in pairs[:3]]
        return "{" + ", ".join([*written, *["..."] * (len(pairs) > 3)]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join([*(_shown(each, inner) for each in value[:4]), *["..."] * (len(value) > 4)]) + "]"
    if value is None or value is True or value is False:
        return repr(token(value))
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INT:
        return str(int(value))
    text = hex(value) if isinstance(value, int) and value.bit_length() > _BITS_MAX else repr(value)
    return text if len(text) <= limit else text[:limit] + "..."


def _quoted(text: str) -> str:
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    from json import dumps

    return dumps(text, ensure_ascii=not text.isprintable())
