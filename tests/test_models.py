"""Models, as handlers return them."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from eventfw import App, Response
from eventfw.testing import Client

ID = uuid.UUID(int=1)


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Item:
    name: str
    id: uuid.UUID = ID
    at: datetime.date = datetime.date(2026, 1, 31)
    price: Decimal = Decimal("1.10")
    color: Color = Color.RED
    tags: frozenset[str] = frozenset(["a"])
    secret: dataclasses.InitVar[str] = ""


class Aliased(pydantic.BaseModel):
    unit_price: Decimal = pydantic.Field(alias="unitPrice")
    at: datetime.date = datetime.date(2026, 1, 31)


@pydantic.dataclasses.dataclass
class Validated:
    at: datetime.date


class Renamed(msgspec.Struct, rename="camel"):
    unit_price: Decimal
    at: datetime.date = datetime.date(2026, 1, 31)


ITEM = {
    "name": "cat",
    "id": "00000000-0000-0000-0000-000000000001",
    "at": "2026-01-31",
    "price": "1.10",
    "color": "red",
    "tags": ["a"],
}
PRICED = {"unitPrice": "1.10", "at": "2026-01-31"}
RESULTS = [
    (Item("cat"), ITEM),
    (Aliased(unitPrice=Decimal("1.10")), PRICED),
    (Validated(datetime.date(2026, 1, 31)), {"at": "2026-01-31"}),
    (Renamed(Decimal("1.10")), PRICED),
    ([Item("cat"), Renamed(Decimal("1.10"))], [ITEM, PRICED]),
    ({"page": {"items": [Item("cat")]}}, {"page": {"items": [ITEM]}}),
]


@pytest.mark.parametrize(("result", "wanted"), RESULTS)
def test_a_model_is_answered_and_returned_as_json(result: Any, wanted: Any) -> None:
    app = App("demo")

    @app.http("/")
    def page() -> Any:
        return result

    @app.http("/made")
    def made() -> Any:
        return result, 201, {"x-made": "1"}

    @app.http("/response")
    def response() -> Any:
        return Response(result, 202)

    @app.function()
    def direct() -> Any:
        return result

    client = Client(app)
    answers = [client.get(path) for path in ("/", "/made", "/response")]
    assert [answer.status for answer in answers] == [200, 201, 202]
    assert all(answer.json == wanted and answer.headers["content-type"] == "application/json" for answer in answers)
    returned = client.invoke("direct", {})
    assert returned == wanted and json.loads(json.dumps(returned)) == wanted


def test_a_field_resolves_to_a_model_alone_and_in_a_batch() -> None:
    app = App("demo")

    @app.appsync_resolver("abcdefghijklmnopqrstuvwxyz", "Query", "post", max_batch_size=2)
    def post() -> Any:
        return Renamed(Decimal("1.10"))

    [sample] = app.handlers[0].triggers[0].sample()
    client = Client(app)
    assert client.invoke("post", sample) == PRICED
    assert [one["data"] for one in client.invoke("post", [sample, sample])] == [PRICED, PRICED]


@pytest.mark.parametrize("result", [None, 1, "a", {"a": Decimal("1.1")}, [object], (1, 2)])
def test_a_direct_result_without_models_is_returned_untouched(result: Any) -> None:
    app = App("demo")
    app.function("f")(lambda_named(result))
    assert Client(app).invoke("f", {}) is result


def lambda_named(result: Any) -> Any:
    def handler() -> Any:
        return result

    return handler


def test_what_is_no_model_is_still_refused() -> None:
    app = App("demo")
    app.http("/list")(lambda_named([object()]))
    with pytest.raises(TypeError, match="An object of type object is not JSON"):
        Client(app).get("/list")
    app = App("demo")
    app.http("/")(lambda_named(object()))
    with pytest.raises(TypeError, match="a model"):
        Client(app).get("/")
