"""From a type, as annotations write it, to what converts JSON to it."""

from __future__ import annotations

from .conversion import Conversion, among, listed, mapped, record, row, scalars, union
from .errors import RegistrationError
from .models import MARKS, is_model
from .options import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from .conversion import Convert, Path, Problems

PYDANTIC, _, MSGSPEC = MARKS
#: How models are told for which eventfw converts nothing.
FOREIGN = {"__attrs_attrs__": "an attrs class", "__fields_set__": "a model of pydantic 1"}


def parts(hint: Any, seen: tuple[Any, ...] = ()) -> Iterator[Any]:
    """A type, and those that it is made of."""
    if any(one is hint for one in seen):
        return
    yield hint
    arguments = getattr(hint, "__args__", ())
    inner = [*arguments] if isinstance(arguments, tuple) else []
    inner += [getattr(hint, name, None) for name in ("__origin__", "__supertype__")]
    if type(hint).__name__ == "TypeAliasType":
        inner.append(hint.__value__)
    for one in inner:
        if one is not None:
            yield from parts(one, (*seen, hint))


def describes_model(hint: Any) -> bool:
    """Whether a type is a model, or made of one."""
    return any(hasattr(kind, mark) for kind in parts(hint) for mark in (*MARKS, *FOREIGN))


def label(hint: Any) -> str:
    """A type as people write it."""
    return hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__args__") else str(hint)


def conversion_of(hint: Any, names: Mapping[str, Any]) -> Conversion:
    """The conversion to a type, by the library whose models it has, and for dataclasses our own.

    Raises RegistrationError where there is none. ``names`` are those of the function around the type.
    """
    try:
        return library(hint, any(hasattr(kind, PYDANTIC) for kind in parts(hint))) or Compiler(names).of(hint)
    except RegistrationError:
        raise
    except Exception as error:
        raise RegistrationError(f"Nothing can be converted to {label(hint)}: {printable(error, 300)}") from error


def library(hint: Any, pydantic: bool) -> Conversion | None:
    """The conversion by the library whose models a type has; ``None`` where it has dataclasses only."""
    if pydantic:
        return Conversion("an object", by_pydantic(hint), shape=dict)
    if any(hasattr(kind, MSGSPEC) for kind in parts(hint)):
        return Conversion("an object", by_msgspec(hint), shape=dict)
    return None


def by_pydantic(hint: Any) -> Convert:
    """Pydantic's validation, as of JSON, so that a strict model takes a date from text."""
    from json import dumps

    from pydantic import TypeAdapter, ValidationError

    adapter = TypeAdapter(hint)

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        try:
            text = dumps(value)
        except TypeError:  # what a source has decoded to more than JSON has: a table's numbers and sets
            text = ""
        try:
            return adapter.validate_json(text) if text else adapter.validate_python(value)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False):
                message = one["msg"]
                if one["type"] == "union_tag_invalid":  # whose message has the tag that was sent
                    message = "{discriminator} must be one of {expected_tags}".format(**one["ctx"])
                problems.add(along(path, one["loc"]), message)

    return convert


def by_msgspec(hint: Any) -> Convert:
    """Msgspec's conversion, which tells the first problem only."""
    import msgspec

    msgspec.json.Decoder(hint)  # raises TypeError for a type that it does not support

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        try:
            return msgspec.convert(value, hint, str_keys=True)
        except msgspec.ValidationError as error:
            message, _, where = str(error).partition(" - at `")
            if message.startswith("Invalid "):  # a literal's, an Enum's or a tag's, with the value that was sent
                message = message.partition(" value ")[0] + " value"
            steps = where.rstrip("`").rpartition("$")[2].replace("[", ".[").split(".")
            numbered = [int(step[1:-1]) if step[1:-1].isdigit() else step for step in steps if step]
            problems.add(along(path, numbered), printable(message, 300))

    return convert


def along(path: Path, steps: Any) -> Path:
    """A path, continued."""
    for step in steps:
        path = (path, step)
    return path


class Compiler:
    """Makes the conversions of dataclasses and of what is in them, each once, so that a type may contain itself."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.names = names
        self.made: dict[Any, Conversion] = scalars()

    def of(self, hint: Any, holder: str = "") -> Conversion:
        """The conversion to a type, which ``holder`` needs."""
        hint = unwrapped(hint)
        if hint not in self.made:
            kind = getattr(hint, "__origin__", hint)
            model = isinstance(kind, type) and is_model(kind)
            own = model and not hasattr(kind, PYDANTIC) and not hasattr(kind, MSGSPEC)
            self.made[hint] = made = Conversion("an object", shape=dict if model else str, named=own)
            found = self._made(hint, holder or "The parameter")
            for name in Conversion.__slots__:
                setattr(made, name, getattr(found, name))
        return self.made[hint]

    def _made(self, hint: Any, holder: str) -> Conversion:
        from enum import Enum
        from typing import Literal, get_args, get_origin

        arguments, origin = get_args(hint), get_origin(hint) or hint
        if origin is Literal:
            return among((one.value if isinstance(one, Enum) else one, one) for one in arguments)
        if is_union(hint):
            return union([self.of(one, holder) for one in members(hint)], f"{label(hint)} in {holder}")
        if isinstance(origin, type):
            if is_model(origin):
                return library(hint, hasattr(origin, PYDANTIC)) or self._record(origin, arguments)
            if issubclass(origin, Enum):
                return among((member.value, member) for member in origin)
            found = self._collection(origin, arguments, holder)
            if found is not None:
                return found
        owner, is_field, _ = holder.partition(".")
        raise RegistrationError(
            f"{holder} has the type {label(hint)}, to which eventfw converts nothing. Use a type that JSON has, a "
            f"dataclass, a date, an Enum; or {f'make {owner}' if is_field else 'write'} a pydantic model."
        )

    def _collection(self, origin: type, arguments: tuple[Any, ...], holder: str) -> Conversion | None:
        from collections import abc
        from typing import Any

        if origin in (dict, abc.Mapping, abc.MutableMapping):
            key, item = arguments or (Any, Any)
            if key in (int, float, bool):
                raise RegistrationError(f"{holder} has names of type {label(key)}; in JSON they are text. Use str.")
            return mapped(self.of(key, holder), self.of(item, holder))
        if origin is tuple and arguments and arguments[-1] is not ...:
            return row([self.of(one, holder) for one in arguments])
        builds: dict[type, Callable[[list[Any]], Any]] = {tuple: tuple, set: set, abc.Set: set, frozenset: frozenset}
        builds |= dict.fromkeys((list, abc.Sequence, abc.MutableSequence, abc.Collection, abc.Iterable), list)
        if origin not in builds:
            return None
        inner = arguments[0] if arguments else Any
        if builds[origin] in (set, frozenset) and getattr(unwrapped(inner), "__hash__", None) is None:
            raise RegistrationError(f"{holder} is a set of {label(inner)}, which has no hash. Use list, or freeze it.")
        return listed(self.of(inner, holder), builds[origin])

    def _record(self, cls: Any, arguments: tuple[Any, ...]) -> Conversion:
        from dataclasses import MISSING
        from typing import ClassVar, Literal, get_origin, get_type_hints

        if getattr(cls, "__abstractmethods__", None):
            raise RegistrationError(f"{cls.__name__} is abstract, so nothing can be one. Use the classes made of it.")
        given = dict(zip(getattr(cls, "__parameters__", ()), arguments, strict=False))
        hints = get_type_hints(cls, None, dict(self.names) or None, include_extras=True)
        fields, tags = [], {}
        for name, field in cls.__dataclass_fields__.items():
            hint = unwrapped(hints[name])
            if not field.init or hint is ClassVar or get_origin(hint) is ClassVar:
                continue
            if given:
                wanted = getattr(hint, "__parameters__", ())
                hint = given.get(hint, hint[tuple(given[one] for one in wanted)] if wanted else hint)
            conversion = self.of(hint, f"{cls.__name__}.{name}")
            if get_origin(hint) is Literal:
                tags[name] = conversion
            required = field.default is MISSING and field.default_factory is MISSING
            fields.append((name, conversion, required))
        return record(cls, fields, tags)


def is_union(hint: Any) -> bool:
    """Whether a type is a union, written in any way."""
    return type(hint).__name__ in ("UnionType", "_UnionGenericAlias", "Union")


def members(hint: Any) -> Iterator[Any]:
    """What a union consists of, and the unions in it."""
    for one in map(unwrapped, hint.__args__):
        yield from members(one) if is_union(one) else (one,)


def unwrapped(hint: Any) -> Any:
    """A type without what is written around it: ``Annotated``, ``Final``, ``InitVar``, a ``NewType``, an alias."""
    from dataclasses import InitVar
    from typing import Final, get_origin

    while True:
        if hasattr(hint, "__metadata__"):
            hint = hint.__origin__
        elif get_origin(hint) is Final:
            hint = hint.__args__[0]
        elif isinstance(hint, InitVar):
            hint = hint.type
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return hint
