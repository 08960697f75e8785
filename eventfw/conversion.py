"""From JSON to a dataclass: strictly, with every problem and where it is. Pydantic and msgspec convert their own."""

from __future__ import annotations

from .errors import RegistrationError
from .options import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    Path = tuple[Any, ...]  # (the path to what it lies in, its name or position), or ()
    Convert = Callable[[Any, Path, "Problems"], Any]

PROBLEMS_MAX = 50
_WORDS = {type(None): "null", bool: "a boolean", int: "a whole number", float: "a number with a point", str: "a string"}
_WORDS |= {list: "a list", dict: "an object"}


class Enough(Exception):
    """So many problems that the rest is of no use to anybody."""


class Problems:
    """What is wrong with a payload: ``{"path": "items[2].price", "message": "must be ..."}`` for each problem."""

    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, path: Path, message: str) -> None:
        """Add one. Raises :class:`Enough` with the last that is told."""
        self.found.append({"path": dotted(path), "message": message})
        if len(self.found) == PROBLEMS_MAX:
            raise Enough


def dotted(path: Path) -> str:
    """``(((), "items"), 2), "price"`` as ``items[2].price``."""
    steps: list[Any] = []
    while path:
        path, step = path
        steps.append(step)
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{printable(step)}" for step in reversed(steps))
    return text.removeprefix(".")


class Conversion:
    """How a value of one type is converted.

    ``needed`` says what the value must be. ``shape`` is ``list``, ``dict`` or, for what has no parts, ``str``: by it
    the members of a union are told apart. ``reads`` says that it is read from text. ``named`` objects have fields of
    their own, and ``fits`` tells whether a value has their literals, or without them the fields that must be there.
    """

    __slots__ = ("convert", "fits", "named", "needed", "reads", "shape")

    def __init__(
        self,
        needed: str,
        convert: Convert | None = None,
        *,
        shape: type = str,
        reads: bool = False,
        named: bool = False,
        fits: Callable[[Mapping[str, Any]], bool] = lambda value: True,
    ) -> None:
        self.needed, self.shape, self.reads, self.named, self.fits = needed, shape, reads, named, fits
        self.convert: Any = convert

    def refuse(self, value: Any, path: Path, problems: Problems) -> None:
        """Say that a value is not what is needed; never the value, which may be a secret."""
        found = _WORDS.get(type(value), type(value).__name__)
        if type(value) is float and value - value != 0:
            found = "NaN or an infinity"
        instead = "" if self.reads and type(value) is str else f", not {found}"
        problems.add(path, f"must be {self.needed}{instead}")


def scalar(needed: str, read: Callable[[Any], Any], *, reads: bool = False) -> Conversion:
    """A conversion of what has no parts: ``read`` gives the value or raises."""

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        try:
            return read(value)
        except (ValueError, ArithmeticError):
            return made.refuse(value, path, problems)

    made = Conversion(needed, convert, reads=reads)
    return made


def exactly(kind: type) -> Callable[[Any], Any]:
    """Reads what is of a type already, and not of one made of it: ``True`` is no number."""

    def read(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError
        return value

    return read


def finite(value: Any) -> float:
    """Reads a number. NaN and the infinities are not JSON, and every comparison with NaN is false."""
    if type(value) not in (int, float) or value - value != 0:
        raise ValueError
    return float(value)


def text_of(kind: type, parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    """Reads a type from text, or takes what is of the type already."""

    def read(value: Any) -> Any:
        if type(value) is kind:
            return value
        if type(value) is not str:
            raise ValueError
        return parse(value)

    return read


def among(values: Iterable[tuple[Any, Any]]) -> Conversion:
    """Reads one of a few ``(written, read)`` values; ``1``, ``1.0`` and ``True`` are three."""
    choices = list(values)

    def read(value: Any) -> Any:
        for written, meant in choices:
            if type(written) is type(value) and written == value:
                return meant
        raise ValueError

    listed = ", ".join(repr(written) for written, _ in choices[:10]) + ", ..." * (len(choices) > 10)
    return scalar(f"one of {listed}", read, reads=any(type(written) is str for written, _ in choices))


def scalars() -> dict[Any, Conversion]:
    """The conversions of the types that have no parts."""
    from datetime import date, datetime, time
    from decimal import Decimal
    from typing import Any
    from uuid import UUID

    def number(value: Any) -> Decimal:
        if type(value) not in (int, float, str, Decimal) or (type(value) is str and value.strip("+-.0123456789eE")):
            raise ValueError
        read = Decimal(str(value))
        if not read.is_finite():
            raise ValueError
        return read

    anything = Conversion("anything", lambda value, path, problems: value)
    moment, day, clock = "2026-01-31T12:00:00Z", "2026-01-31", "12:00:00"
    return {
        Any: anything,
        object: anything,
        str: scalar("a string", exactly(str)),
        int: scalar("a whole number", exactly(int)),
        float: scalar("a number", finite),
        bool: scalar("true or false", exactly(bool)),
        type(None): scalar("null", exactly(type(None))),
        datetime: scalar(f"a date and time such as {moment}", text_of(datetime, datetime.fromisoformat), reads=True),
        date: scalar(f"a date such as {day}", text_of(date, date.fromisoformat), reads=True),
        time: scalar(f"a time such as {clock}", text_of(time, time.fromisoformat), reads=True),
        UUID: scalar("a UUID", text_of(UUID, UUID), reads=True),
        Decimal: scalar("a decimal number", number, reads=True),
    }


def listed(item: Conversion, build: Callable[[list[Any]], Any]) -> Conversion:
    """The conversion of a list of items."""

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if type(value) is not list:
            return made.refuse(value, path, problems)
        before = len(problems.found)
        items = [item.convert(one, (path, position), problems) for position, one in enumerate(value)]
        if len(problems.found) > before:
            return None
        try:
            return build(items)
        except TypeError:  # a set of anything, of which some has no hash
            return problems.add(path, "must be a list without lists and objects in it")

    made = Conversion("a list", convert, shape=list)
    return made


def row(items: Sequence[Conversion]) -> Conversion:
    """The conversion of a tuple that has a type for each position."""

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if type(value) is not list:
            return made.refuse(value, path, problems)
        if len(value) != len(items):
            return problems.add(path, f"must be a list of {len(items)}, not of {len(value)}")
        return tuple(
            item.convert(one, (path, position), problems)
            for position, (item, one) in enumerate(zip(items, value, strict=True))
        )

    made = Conversion(f"a list of {len(items)}", convert, shape=list)
    return made


def mapped(key: Conversion, item: Conversion) -> Conversion:
    """The conversion of an object with names of any kind."""

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if type(value) is not dict:
            return made.refuse(value, path, problems)
        before = len(problems.found)
        pairs = [
            (key.convert(name, (path, name), problems), item.convert(one, (path, name), problems))
            for name, one in value.items()
        ]
        return None if len(problems.found) > before else dict(pairs)

    made = Conversion("an object", convert, shape=dict)
    return made


def record(cls: Any, fields: Sequence[tuple[str, Conversion, bool]], tags: Mapping[str, Conversion]) -> Conversion:
    """The conversion of a dataclass: ``(name, conversion, whether it must be there)`` of each field.

    Unknown fields are ignored. ``tags`` are the fields that are literals.
    """

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if type(value) is not dict:
            return made.refuse(value, path, problems)
        before, found = len(problems.found), {}
        for name, conversion, required in fields:
            if name in value:
                found[name] = conversion.convert(value[name], (path, name), problems)
            elif required:
                problems.add((path, name), "is missing")
        if len(problems.found) > before:
            return None
        try:
            return cls(**found)
        except ValueError as error:  # what `__post_init__` says of the values
            return problems.add(path, printable(error, 300) or "is not valid")

    def fits(value: Mapping[str, Any]) -> bool:
        attempt = Problems()
        for name, tag in tags.items():
            if name in value:
                tag.convert(value[name], (), attempt)
        told = any(name in value for name in tags) or all(name in value for name, _, required in fields if required)
        return told and not attempt.found

    made = Conversion("an object", convert, shape=dict, named=True, fits=fits)
    return made


def union(members: Sequence[Conversion], label: str) -> Conversion:
    """The conversion of a union. What it is converted to is decided without trying: that could take for ever.

    Lists go to the one list of the union, objects to the first whose literals, or required fields, are there, and the
    rest in order, whole numbers before others.
    """
    by_shape = {shape: [one for one in members if one.shape is shape] for shape in (str, list, dict)}
    simple = sorted(by_shape[str], key=lambda one: one.needed == "a number")
    lists, objects = by_shape[list], by_shape[dict]
    if len(lists) > 1 or (len(objects) > 1 and not all(one.named for one in objects)):
        raise RegistrationError(
            f"Of {label} nothing tells which it is: JSON has one kind of list and one of object. Keep one of them, or "
            f"write a pydantic model."
        )

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        near = by_shape.get(type(value), ())
        fitting = near[0] if len(near) == 1 else next((one for one in near if one.fits(value)), None)
        if fitting is not None and fitting.shape is not str:
            return fitting.convert(value, path, problems)
        for one in simple:
            attempt = Problems()
            result = one.convert(value, path, attempt)
            if not attempt.found:
                return result
        if len(objects) > 1 and type(value) is dict:
            return problems.add(path, "has the fields of none of the objects that it may be")
        return made.refuse(value, path, problems)

    needed = " or ".join(dict.fromkeys(one.needed for one in members))
    made = Conversion(needed, convert, reads=any(one.reads for one in members))
    return made
