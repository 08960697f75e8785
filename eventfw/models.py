"""Models: pydantic's, dataclasses and msgspec's Structs. How a type is told to be one, and how an object is written.

No library is imported to find out: a type that is one of theirs says so by its attributes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PLAIN = frozenset((str, int, float, bool, type(None)))
MARKS = ("__pydantic_validator__", "__dataclass_fields__", "__struct_fields__")


def is_model(kind: Any) -> bool:
    """Whether a type is a model."""
    return any(hasattr(kind, mark) for mark in MARKS)


def built_in(value: Any) -> Any:
    """What JSON has for an object that a JSON encoder does not know: its fields, by the names that clients use.

    Of a dataclass the fields' values are given as they are, for the encoder to go on with.
    """
    kind = type(value)
    if hasattr(kind, "model_dump"):
        return value.model_dump(mode="json", by_alias=True)
    if hasattr(kind, "__pydantic_validator__"):
        from pydantic import TypeAdapter

        return TypeAdapter(kind).dump_python(value, mode="json", by_alias=True)
    if hasattr(kind, "__struct_fields__"):
        from msgspec import to_builtins

        return to_builtins(value)
    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import fields

        return {field.name: getattr(value, field.name) for field in fields(value)}
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(kind, "__members__"):
        return value.value
    if kind.__name__ in ("UUID", "Decimal"):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"An object of type {kind.__name__} is not JSON. Return what it consists of.")


def has_model(value: Any) -> bool:
    """Whether there is a model anywhere within dicts and lists."""
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return is_model(type(value))
    return any(type(one) not in _PLAIN and has_model(one) for one in value)
