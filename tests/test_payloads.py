"""Which parameter receives the payload, what becomes of one that does not fit, and how models are answered."""

from __future__ import annotations

import dataclasses
import functools
import json
import logging
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Optional, TypeVar

import msgspec
import pydantic
import pydantic.dataclasses
import pytest

import eventfw
from eventfw import App, Blueprint, Request, SqsMessage
from eventfw.errors import PayloadError, RegistrationError
from eventfw.testing import Client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Mapping as Elsewhere
    from decimal import Decimal as Unknown

    from eventfw import EventBridgeEvent

ROOT = Path(eventfw.__file__).parent.parent


@dataclasses.dataclass
class Item:
    name: str
    price: float = 0.0


@dataclasses.dataclass
class Order:
    items: list[Item]


class PydanticItem(pydantic.BaseModel):
    name: str
    price: float = 0.0


class PydanticOrder(pydantic.BaseModel):
    items: list[PydanticItem]


@pydantic.dataclasses.dataclass
class PydanticDataclass:
    items: list[Item]


class Orders(pydantic.RootModel[list[PydanticItem]]):
    pass


class StructItem(msgspec.Struct):
    name: str
    price: float = 0.0


class StructOrder(msgspec.Struct):
    items: list[StructItem]


T = TypeVar("T")


@dataclasses.dataclass
class Page(Generic[T]):
    items: list[T]


BODY = {"items": [{"name": "cat", "price": 2}], "unknown": 1}
WRONG = {"items": [{"name": "a"}, {"name": "b", "price": 1}, {"name": "c", "price": "secret"}]}
MODELS = [Order, PydanticOrder, PydanticDataclass, StructOrder, Page[Item]]


def client(register: Callable[[App], Any]) -> Client:
    app = App("demo")
    register(app)
    return Client(app)


def posted(handler: Callable[..., Any], sent: Any, path: str = "/", **options: Any) -> Any:
    """What the handler answers to a body, as the route for POST."""
    return client(lambda app: app.http(path, "POST")(handler)).post(path.replace("{n}", "7"), json=sent, **options)


def refusal(handler: Callable[..., Any], decorate: Callable[[App], Any] | None = None) -> str:
    """Why the handler is refused, at its decorator or when registration ends."""
    app = App("demo")
    with pytest.raises(RegistrationError) as caught:
        (decorate(app) if decorate else app.http("/", "POST"))(handler)
        assert app.functions
    assert caught.value.place.startswith(("tests/", __file__)), caught.value.place
    return caught.value.message


def typed(hint: Any) -> Callable[..., Any]:
    """A handler with a parameter of a type, which answers with its own argument and notes it."""

    def handler(order: Any) -> Any:
        handler.received = order  # type: ignore[attr-defined]
        return order

    handler.__annotations__["order"] = hint
    return handler


# Which parameter it is


def test_the_payload_arrives_beside_the_event_the_path_parameter_and_the_context() -> None:
    def handler(request: Request, n: str, order: Order, context: Any) -> Any:
        return {"seen": [request.method, n, order.items[0].name, context.function_name]}

    assert posted(handler, BODY, "/orders/{n}").json == {"seen": ["POST", "7", "cat", "api"]}


@pytest.mark.parametrize("model", MODELS)
def test_every_kind_of_model_arrives_as_its_type(model: Any) -> None:
    handler = typed(model)
    answer = posted(handler, BODY)
    assert type(handler.received) is getattr(model, "__origin__", model)  # type: ignore[attr-defined]
    assert (answer.status, answer.json) == (200, {"items": [{"name": "cat", "price": 2.0}]})


@pytest.mark.parametrize(
    "hint", [list[Item], list[PydanticItem], list[StructItem], Orders, "list[Item]", "list['Item']"]
)
def test_a_list_of_models_arrives(hint: Any) -> None:
    assert posted(typed(hint), BODY["items"]).json == [{"name": "cat", "price": 2.0}]


@pytest.mark.parametrize("hint", [Order | None, Optional[Order], PydanticOrder | None, StructOrder | None])  # noqa: UP045
def test_null_arrives_where_the_type_has_it(hint: Any) -> None:
    assert posted(typed(hint), None, body="null").status == 204
    assert posted(typed(hint), BODY).status == 200


def test_without_a_body_a_parameter_that_is_none_by_default_stays_so() -> None:
    def handler(order: Order | None = None) -> Any:
        return {"order": order}

    assert posted(handler, None).json == {"order": None}
    assert posted(handler, BODY).json["order"]["items"]


def test_a_default_of_the_users_own_is_left_alone() -> None:
    def handler(request: Request, item: Item = Item("mine")) -> Any:  # noqa: B008
        return {"name": item.name, "method": request.method}

    assert posted(handler, {"name": "theirs"}).json == {"name": "mine", "method": "POST"}


def test_the_event_is_not_forced_upon_a_parameter_with_a_default() -> None:
    def handler(order: Order, loud: bool = False) -> Any:
        return {"loud": loud}

    assert posted(handler, BODY).json == {"loud": False}


def local(app: App) -> None:
    @dataclasses.dataclass
    class Local:
        inner: Inner | None

    @dataclasses.dataclass
    class Inner:
        x: int

    @app.http("/", "POST")
    def handler(given: Local) -> Any:
        return given

    @app.function()
    def direct(given: Local) -> Any:
        return given


def test_classes_of_the_function_around_are_found() -> None:
    found = client(local)
    assert found.post("/", json={"inner": {"x": 1}}).json == {"inner": {"x": 1}}
    assert found.invoke("direct", {"inner": None}) == {"inner": None}


def test_a_local_class_goes_before_a_global_one_of_the_same_name() -> None:
    class Order:
        """No model."""

    def register(app: App) -> None:
        Order = globals()["Order"]  # noqa: F841

        @app.http("/", "POST")
        def handler(order: Order) -> Any:
            return order

    assert Order
    assert client(register).post("/", json=BODY).json["items"]


def test_the_names_of_who_registers_a_handler_do_not_count() -> None:
    @dataclasses.dataclass
    class Local:
        x: int

    def global_(item: Item) -> Any:
        return item

    def local_(given: Local) -> Any:
        return given

    def register(app: App) -> None:
        Item, Local = object, object  # noqa: F841
        app.http("/global", "POST")(global_)
        app.http("/local", "POST")(local_)

    found = client(register)
    assert found.post("/global", json={"name": "cat"}).json == {"name": "cat", "price": 0.0}
    assert found.post("/local", json={"x": 1}).json == {"x": 1}
    assert Local


MODULE = """{future}
from eventfw import App
from dataclasses import dataclass
app = App("demo")

@app.http("/", "POST")
def handler(request, order: {hint}):
    return order

@app.function()
def direct(order: {hint}):
    return order

@dataclass
class Order:
    item: "Item"

@dataclass
class Item:
    name: str
"""


def module(text: str, **fields: str) -> App:
    made = types.ModuleType("made")
    sys.modules["made"] = made
    try:
        exec(compile(text.format(**fields), "made.py", "exec", dont_inherit=True), vars(made))
        assert made.app.functions
    finally:
        del sys.modules["made"]
    return made.app  # type: ignore[no-any-return]


FUTURE = "from __future__ import annotations"
LATE = [(FUTURE, "Order"), ("", "'Order'"), (FUTURE, "Order | None")]
if sys.version_info >= (3, 14):
    LATE += [("", "Order"), ("", "Order | None")]


@pytest.mark.parametrize(("future", "hint"), LATE)
def test_a_class_defined_further_down_is_found(future: str, hint: str) -> None:
    found = Client(module(MODULE, future=future, hint=hint))
    assert found.post("/", json={"item": {"name": "cat"}}).json == {"item": {"name": "cat"}}
    assert found.post("/", json={"item": {}}).status == 422
    assert found.invoke("direct", {"item": {"name": "cat"}}) == {"item": {"name": "cat"}}


def test_annotations_that_python_evaluates_late_are_read_as_references(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Python 3.14 does it."""

    class Late:
        __code__, __globals__, __defaults__, __kwdefaults__ = posted.__code__, globals(), None, None
        __name__ = __qualname__ = "late"

        @property
        def __annotations__(self) -> Any:
            raise NameError("name 'Order' is not defined")

    asked = types.ModuleType("annotationlib")
    vars(asked).update(
        Format=types.SimpleNamespace(FORWARDREF=4), get_annotations=lambda func, format: {"body": "Order"}
    )
    monkeypatch.setitem(sys.modules, "annotationlib", asked)
    from eventfw.payloads import annotated

    assert annotated(Late()) == {"body": "Order"}


def wrapper(func: Any) -> Any:
    @functools.wraps(func)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return func(*args, **kwargs)

    return inner


class Shop:
    def handle(self, request: Request, order: Order) -> Any:
        return {"names": [item.name for item in order.items], "method": request.method}


async def later(order: Order, request: Request) -> Any:
    return {"names": [item.name for item in order.items], "method": request.method}


def first_by_position(order: Order, /, request: Request) -> Any:
    return {"names": [item.name for item in order.items], "method": request.method}


def second_by_name(request: Request, /, *, order: Order) -> Any:
    return {"names": [item.name for item in order.items], "method": request.method}


partly = functools.partial(first_by_position)
functools.update_wrapper(partly, first_by_position)


@pytest.mark.parametrize(
    "handler", [Shop().handle, wrapper(Shop().handle), later, wrapper(later), first_by_position, second_by_name, partly]
)
def test_methods_wrappers_coroutines_and_positions(handler: Any) -> None:
    assert posted(handler, BODY).json == {"names": ["cat"], "method": "POST"}


# What is no payload


def test_other_types_leave_the_event_where_it_was() -> None:
    def mapping(request: Mapping[str, Any]) -> Any:
        return {"kind": type(request).__name__}

    def unknown_event(request: EventBridgeEvent | None) -> Any:
        return {"kind": type(request).__name__}

    def remark(request: "what the client sent") -> Any:  # type: ignore # noqa
        return {"kind": type(request).__name__}

    for handler in (mapping, unknown_event, remark):
        assert posted(handler, BODY).json == {"kind": "Request"}


UNTYPED = """{future}
import sys
from collections.abc import Mapping
from eventfw import App, Request

app = App("demo")

@app.http("/{{n:int}}")
def one(request: Request, n: int, context) -> dict[str, str]: ...

@app.function()
def two(payload: dict[str, int | None] | list[str]): ...

@app.function()
def three(payload: Mapping[str, str]): ...

app.functions
ours = {{f"eventfw.{{name}}" for name in ("payloads", "hints", "conversion", "models")}}
print(sorted(({{"dataclasses", "inspect", "typing"}} | ours) & set(sys.modules)))
"""


@pytest.mark.parametrize("future", ["", FUTURE])
def test_handlers_without_models_import_nothing(future: str) -> None:
    command = [sys.executable, "-S", "-c", UNTYPED.format(future=future)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


# What is refused


def test_two_payloads_are_refused() -> None:
    def handler(order: Order, item: Item) -> None: ...

    assert "takes order and item, each of a model's type" in refusal(handler)


def test_two_parameters_for_the_event_are_refused() -> None:
    def handler(order: Order, request: Any, other: Any) -> None: ...

    assert "takes request, other, but @app.http passes one event" in refusal(handler)


def test_a_payload_of_a_whole_batch_is_refused() -> None:
    def handler(orders: list[Order]) -> None: ...

    said = refusal(handler, lambda app: app.sqs_consumer(app.queue("orders"), batch=True))
    assert "orders of handler has the type list[" in said and "Remove batch=True" in said


def test_a_type_that_is_known_to_type_checkers_only_is_refused() -> None:
    def handler(order: Unknown) -> None: ...

    assert "The annotation of order, Unknown, cannot be evaluated" in refusal(handler)
    assert "annotate it with the event's class or Any" in refusal(handler, lambda app: app.function())

    def half(order: Elsewhere[str, Order]) -> None: ...

    assert "cannot be evaluated" in refusal(half)


def test_classes_of_attrs_and_of_pydantic_1_are_refused() -> None:
    class Attrs:
        __attrs_attrs__ = ()

    class Old:
        __fields_set__ = ()

    assert "Attrs is an attrs class" in refusal(typed(Attrs))
    assert "Old is a model of pydantic 1" in refusal(typed(list[Old]))


@pytest.mark.parametrize(
    ("hint", "said"),
    [
        (bytes, "Broken.field has the type bytes, to which eventfw converts nothing"),
        (dict[int, str], "Broken.field has names of type int; in JSON they are text. Use str."),
        (set[Item], "Broken.field is a set of Item, which has no hash. Use list, or freeze it."),
        (list[int] | list[str], "nothing tells which it is"),
        (Item | dict[str, int], "nothing tells which it is"),
        (T, "to which eventfw converts nothing"),
    ],
)
def test_a_dataclass_that_cannot_be_converted_to_is_refused_when_registration_ends(hint: Any, said: str) -> None:
    assert said in refusal(typed(dataclasses.make_dataclass("Broken", [("field", hint)])))


def test_what_a_library_refuses_is_refused() -> None:
    class Open:
        """No model."""

    class Holder(msgspec.Struct):
        x: set[int] | list[int]

    assert "Nothing can be converted to Holder: " in refusal(typed(Holder))
    assert "Nothing can be converted to " in refusal(typed(PydanticOrder | Open))


# What does not fit


@pytest.mark.parametrize("model", MODELS)
def test_a_body_that_does_not_fit_is_answered_with_422_and_the_path(model: Any) -> None:
    answer = posted(typed(model), WRONG)
    assert answer.status == 422
    assert answer.json["message"] == "The request body does not fit."
    assert [error["path"] for error in answer.json["errors"]] == ["items[2].price"]
    assert all(error["message"] for error in answer.json["errors"])
    assert "secret" not in answer.text


def test_a_body_that_is_not_json_is_a_400() -> None:
    answer = posted(typed(Order), None, body="{")
    assert answer.status == 400 and answer.json["message"].startswith("The request body is not JSON")
    assert posted(typed(Order), None).status == 400


def test_every_service_that_sends_requests_is_answered_so() -> None:
    found = client(lambda app: app.http("/", "POST")(typed(Order)))
    balancer = {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/a/1"}}
    event = {"requestContext": balancer, "httpMethod": "POST", "path": "/", "headers": {}, "body": json.dumps(WRONG)}
    answer = found.invoke("api", event)
    assert (answer["statusCode"], answer["headers"]["content-type"]) == (422, "application/json")
    assert json.loads(answer["body"])["errors"][0]["path"] == "items[2].price"


def test_middleware_sees_the_error_and_may_answer_for_itself() -> None:
    app = App("demo")

    @app.middleware
    def own(event: Any, call: Any) -> Any:
        try:
            return call(event)
        except PayloadError as error:
            return {"detail": error.errors}, 400

    app.http("/", "POST")(typed(Order))
    answer = Client(app).post("/", json={})
    assert (answer.status, answer.json) == (400, {"detail": [{"path": "items", "message": "is missing"}]})


def test_only_the_message_that_does_not_fit_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    app, seen = App("demo"), []
    orders = app.queue("orders")

    @app.sqs_consumer(orders)
    def ship(order: Order, message: SqsMessage) -> None:
        seen.append((message.id, order.items[0].name))

    found = Client(app)
    records = [
        app.handlers[0].triggers[0].sample(body=b, message_id=i) for b, i in ((BODY, "a"), (WRONG, "b"), ("no", "c"))
    ]
    with caplog.at_level(logging.ERROR):
        result = found.invoke("ship", {"Records": [record["Records"][0] for record in records]})
    assert result == {"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "c"}]}
    assert seen == [("a", "cat")]
    assert (
        "PayloadError: The payload does not fit Order: items[2].price: must be a number, not a string." in caplog.text
    )
    assert "PayloadError: The payload cannot be decoded: " in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("model", MODELS)
def test_the_error_tells_no_value_of_the_payload(model: Any) -> None:
    found = client(lambda app: app.function("f")(typed(model)))
    with pytest.raises(PayloadError) as caught:
        found.invoke("f", WRONG)
    assert caught.value.errors[0]["path"] == "items[2].price"
    assert "items[2].price: " in str(caught.value) and "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


class PydanticCat(pydantic.BaseModel):
    kind: Literal["cat"]


class PydanticDog(pydantic.BaseModel):
    kind: Literal["dog"]


class StructCat(msgspec.Struct, tag="cat"):
    kind: Literal["a", 1] = "a"


class StructDog(msgspec.Struct, tag="dog"):
    kind: str


@pytest.mark.parametrize(
    ("hint", "payload"),
    [
        (Annotated[PydanticCat | PydanticDog, pydantic.Field(discriminator="kind")], {"kind": "secret"}),
        (StructCat | StructDog, {"type": "secret"}),
        (StructCat | StructDog, {"type": "cat", "kind": "secret"}),
        (StructCat | StructDog, {"type": "cat", "kind": 5}),
    ],
)
def test_a_tag_of_none_of_the_models_is_not_repeated(hint: Any, payload: Any) -> None:
    found = client(lambda app: app.function("f")(typed(hint)))
    with pytest.raises(PayloadError, match=r"kind' must be one of 'cat', 'dog'|Invalid( enum)? value") as caught:
        found.invoke("f", payload)
    assert "secret" not in f"{caught.value}{caught.value.errors}" and "5" not in str(caught.value)


@pytest.mark.parametrize(("wrong", "more"), [(3, "[2]: must be a string, not null."), (5, "not null; and 2 more.")])
def test_an_error_tells_three_problems_and_counts_the_rest(wrong: int, more: str) -> None:
    found = client(lambda app: app.function("f")(typed(list[Item])))
    with pytest.raises(PayloadError) as caught:
        found.invoke("f", [{"name": None}] * wrong)
    assert str(caught.value).count("must be a string") == 3 and len(caught.value.errors) == wrong
    assert str(caught.value).endswith(more.replace("[2]", "[2].name"))


def test_an_events_detail_is_its_payload() -> None:
    app, seen = App("demo"), []

    @app.event_rule({"source": ["my.shop"]})
    def ordered(item: Item) -> None:
        seen.append(item)

    Client(app).send(ordered, detail={"name": "cat"})
    assert seen == [Item("cat")]


def test_a_strict_model_takes_from_json_what_json_has_as_text() -> None:
    import datetime

    class Strict(pydantic.BaseModel, strict=True):
        at: datetime.datetime
        n: int

    assert posted(typed(Strict), {"at": "2026-01-01T00:00:00Z", "n": 1}).status == 200
    assert posted(typed(Strict), {"at": "2026-01-01T00:00:00Z", "n": "1"}).json["errors"][0]["path"] == "n"


def test_endless_and_hopeless_payloads_are_refused_in_few_words() -> None:
    @dataclasses.dataclass
    class Node:
        child: Node | None = None

    def handler(node: Any) -> None: ...

    def register(app: App) -> None:
        handler.__annotations__["node"] = Node
        app.http("/", "POST")(handler)

    found, deep = client(register), '{"child":' * 600 + "null" + "}" * 600
    assert found.post("/", body=deep).json["errors"] == [{"path": "", "message": "is nested too deeply"}]
    assert len(posted(typed(Order), {"items": [0] * 1000}).json["errors"]) == 50


def test_a_blueprints_handlers_take_payloads_too() -> None:
    app, admin = App("demo"), Blueprint("admin")
    admin.http("/orders", "POST")(typed(Order))
    app.mount(admin, path="/admin")
    assert Client(app).post("/admin/orders", json=BODY).status == 200


@pytest.mark.parametrize(("hint", "failed"), [(Item, 1), (Item | None, 0)])
def test_a_removed_item_is_none(hint: Any, failed: int) -> None:
    app, handler = App("demo"), typed(hint)
    app.dynamodb_stream(app.table("catalog", partition_key="name"))(handler)
    found = Client(app)
    assert found.send(handler, new_image={"name": "cat", "price": 2}) == {"batchItemFailures": []}
    assert handler.received == Item("cat", 2.0)  # type: ignore[attr-defined]
    assert len(found.send(handler, event_name="REMOVE")["batchItemFailures"]) == failed
