"""From JSON to dataclasses: what each type takes, and what is said of the rest."""

from __future__ import annotations

import abc
import contextlib
import dataclasses
import datetime
import enum
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, NewType, Optional, TypeVar, Union

import msgspec
import pydantic
import pytest

from eventfw.conversion import Enough, Problems
from eventfw.errors import RegistrationError
from eventfw.hints import conversion_of


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Size(enum.IntEnum):
    SMALL = 1
    BIG = 2


@dataclasses.dataclass(frozen=True)
class Item:
    name: str
    price: float = 0.0


@dataclasses.dataclass
class Cat:
    lives: int
    kind: Literal["cat"] = "cat"


@dataclasses.dataclass
class Dog:
    bark: str
    kind: Literal["dog"] = "dog"


@dataclasses.dataclass
class Node:
    name: str
    children: list[Node] = dataclasses.field(default_factory=list)
    next: Node | None = None


@dataclasses.dataclass
class Even:
    number: int
    half: int = dataclasses.field(init=False, default=0)
    loud: dataclasses.InitVar[bool] = False
    limit: ClassVar[int] = 10

    def __post_init__(self, loud: bool) -> None:
        if self.number % 2:
            raise ValueError("number must be even")
        self.half = self.number // 2


class Model(pydantic.BaseModel):
    x: int


class Struct(msgspec.Struct):
    x: int


@dataclasses.dataclass
class Mixed:
    model: Model
    structs: list[Struct]


T = TypeVar("T")
Name = NewType("Name", str)


@dataclasses.dataclass
class Page(Generic[T]):
    items: list[T]
    first: T | None = None


def converted(hint: Any, value: Any) -> tuple[Any, list[tuple[str, str]]]:
    """The value as the type of a dataclass's field, and the problems there were."""
    problems = Problems()
    result: Any = None
    holder = conversion_of(dataclasses.make_dataclass("Holder", [("x", hint)]), {})
    with contextlib.suppress(Enough):
        result = holder.convert({"x": value}, (), problems)
    found = [(one["path"], one["message"]) for one in problems.found]
    return (result.x if result is not None else None), found


NOON = datetime.datetime(2026, 1, 31, 12, tzinfo=datetime.UTC)
UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")
FITTING = [
    (str, "a", "a"),
    (int, 10**30, 10**30),
    (float, 1, 1.0),
    (float, 1.5, 1.5),
    (bool, True, True),
    (None, None, None),
    (Any, [1], [1]),
    (object, {"a": 1}, {"a": 1}),
    (list[int], [1, 2], [1, 2]),
    (list, [1, "a"], [1, "a"]),
    (Sequence[int], [1], [1]),
    (Iterable[int], [1], [1]),
    (tuple[int, ...], [1, 2], (1, 2)),
    (tuple[int, str], [1, "a"], (1, "a")),
    (tuple, [1, "a"], (1, "a")),
    (set[str], ["a", "a"], {"a"}),
    (frozenset[Item], [{"name": "a"}], frozenset({Item("a")})),
    (dict[str, int], {"a": 1}, {"a": 1}),
    (dict[Color, int], {"red": 1}, {Color.RED: 1}),
    (Mapping[str, Item], {"a": {"name": "b"}}, {"a": Item("b")}),
    (dict, {"a": [1]}, {"a": [1]}),
    (int | None, None, None),
    (Optional[int], 1, 1),  # noqa: UP045
    (Union[int, str], "a", "a"),  # noqa: UP007
    (float | int, 1, 1),
    (str | list[str], ["a"], ["a"]),
    (datetime.date | datetime.datetime, "2026-01-31T12:00:00Z", NOON),
    (Literal["a", 1], 1, 1),
    (Literal[Color.RED], "red", Color.RED),
    (Color, "blue", Color.BLUE),
    (Size, 2, Size.BIG),
    (datetime.datetime, "2026-01-31T12:00:00Z", NOON),
    (datetime.datetime, NOON, NOON),
    (datetime.date, "2026-01-31", datetime.date(2026, 1, 31)),
    (datetime.time, "12:00:00", datetime.time(12)),
    (uuid.UUID, str(UUID), UUID),
    (Decimal, "1.10", Decimal("1.10")),
    (Decimal, 9.99, Decimal("9.99")),
    (Decimal, 3, Decimal(3)),
    (Annotated[int, ["unhashable"]], 1, 1),
    (Final[int], 1, 1),
    (Name, "a", "a"),
    (Item, {"name": "a", "price": 2, "unknown": []}, Item("a", 2.0)),
    (Cat | Dog, {"kind": "dog", "bark": "loud"}, Dog("loud")),
    (Cat | Dog | None, {"lives": 9}, Cat(9)),
    (Cat | Dog | None, None, None),
    (Node, {"name": "a", "children": [{"name": "b"}], "next": {"name": "c"}}, Node("a", [Node("b")], Node("c"))),
    (Page[Item], {"items": [{"name": "a"}], "first": {"name": "b"}}, Page([Item("a")], Item("b"))),
    (Mixed, {"model": {"x": 1}, "structs": [{"x": 2}]}, Mixed(Model(x=1), [Struct(2)])),
    (Even, {"number": 4, "half": 9, "limit": 1, "loud": True}, Even(4)),
]
NOT_FITTING = [
    (str, 1, "x", "must be a string, not a whole number"),
    (str, None, "x", "must be a string, not null"),
    (int, "1", "x", "must be a whole number, not a string"),
    (int, True, "x", "must be a whole number, not a boolean"),
    (int, 1.0, "x", "must be a whole number, not a number with a point"),
    (float, "1", "x", "must be a number, not a string"),
    (float, float("nan"), "x", "must be a number, not NaN or an infinity"),
    (float, 10**400, "x", "must be a number, not a whole number"),
    (bool, 1, "x", "must be true or false, not a whole number"),
    (list[int], {"a": 1}, "x", "must be a list, not an object"),
    (list[int], [1, "a"], "x[1]", "must be a whole number, not a string"),
    (tuple[int, str], [1], "x", "must be a list of 2, not of 1"),
    (tuple[int, str], "ab", "x", "must be a list of 2, not a string"),
    (dict[str, int], {"a\n": "b"}, "x.a\\n", "must be a whole number, not a string"),
    (dict[Color, int], {"green": 1}, "x.green", "must be one of 'red', 'blue'"),
    (set[Any], [1, [2]], "x", "must be a list without lists and objects in it"),
    (frozenset[tuple[Any, ...]], [[{}]], "x", "must be a list without lists and objects in it"),
    (int | None, "a", "x", "must be a whole number or null, not a string"),
    (Literal[1, "a"], True, "x", "must be one of 1, 'a', not a boolean"),
    (Size, True, "x", "must be one of 1, 2, not a boolean"),
    (datetime.datetime, "noon", "x", "must be a date and time such as 2026-01-31T12:00:00Z"),
    (datetime.date, 5, "x", "must be a date such as 2026-01-31, not a whole number"),
    (uuid.UUID, "a", "x", "must be a UUID"),
    (Decimal, "NaN", "x", "must be a decimal number"),
    (Decimal, "1_0", "x", "must be a decimal number"),
    (Decimal, float("nan"), "x", "must be a decimal number, not NaN or an infinity"),
    (Decimal, Decimal("Infinity"), "x", "must be a decimal number, not Decimal"),
    (Decimal, True, "x", "must be a decimal number, not a boolean"),
    (Item, [], "x", "must be an object, not a list"),
    (Item, {"price": 1}, "x.name", "is missing"),
    (Cat | Dog, {"kind": "cat"}, "x.lives", "is missing"),
    (Cat | Dog, {"kind": "cow"}, "x", "has the fields of none of the objects that it may be"),
    (Cat | None, {"lives": "x"}, "x.lives", "must be a whole number, not a string"),
    (Cat | Dog, 5, "x", "must be an object, not a whole number"),
    (Node, {"name": "a", "children": [{"name": "b", "next": {}}]}, "x.children[0].next.name", "is missing"),
    (Even, {"number": 3}, "x", "number must be even"),
    (Mixed, {"model": {"x": 1}, "structs": [{"x": 1}, {"x": "a"}]}, "x.structs[1].x", "Expected `int`, got `str`"),
]


@pytest.mark.parametrize(("hint", "value", "wanted"), FITTING)
def test_what_a_type_takes(hint: Any, value: Any, wanted: Any) -> None:
    result, problems = converted(hint, value)
    assert problems == []
    assert (type(result), result) == (type(wanted), wanted)


@pytest.mark.parametrize(("hint", "value", "path", "message"), NOT_FITTING)
def test_what_a_type_does_not_take(hint: Any, value: Any, path: str, message: str) -> None:
    assert converted(hint, value)[1] == [(path, message)]


def test_every_problem_is_told() -> None:
    _, problems = converted(list[Item], [{"name": 1}, {"price": "a"}, 5])
    assert [path for path, _ in problems] == ["x[0].name", "x[1].name", "x[1].price", "x[2]"]


def test_a_union_within_unions_is_decided_in_one_go() -> None:
    """To try every member at every level would take 2**60 steps."""

    @dataclasses.dataclass
    class Left:
        child: Any
        kind: Literal["left"] = "left"

    @dataclasses.dataclass
    class Right:
        child: Any
        kind: Literal["right"] = "right"

    for cls in (Left, Right):
        cls.__annotations__["child"] = Left | Right | None
    value: Any = {"child": 5}
    for _ in range(60):
        value = {"child": value}
    path, message = converted(Left, value)[1][0]
    assert path == "x" + ".child" * 61 and message == "must be an object or null, not a whole number"


def test_what_nothing_can_be_converted_to_is_refused_with_a_remedy() -> None:
    with pytest.raises(RegistrationError, match=r"Holder.x has the type bytes.*make Holder a pydantic model"):
        converted(bytes, "a")


@dataclasses.dataclass
class Shape(abc.ABC):
    name: str

    @abc.abstractmethod
    def area(self) -> float: ...


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (type[Item], r"The parameter has the type type\[.*Item\].* or write a pydantic model"),
        (Item | bytes, r"The parameter has the type bytes.* or write a pydantic model"),
        (list[Shape], "Shape is abstract, so nothing can be one"),
    ],
)
def test_a_parameter_that_nothing_can_be_converted_to_is_refused_in_its_own_words(hint: Any, said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        conversion_of(hint, {})


@pytest.mark.skipif(sys.version_info < (3, 12), reason="type aliases came with Python 3.12")
def test_an_alias_may_contain_itself() -> None:
    names: dict[str, Any] = {}
    exec("type Json = dict[str, Json] | list[Json] | str | None", names)
    assert converted(names["Json"], {"a": ["b", None]}) == ({"a": ["b", None]}, [])
    assert converted(names["Json"], {"a": [1]})[1][0][0] == "x.a[0]"
