"""Registration: what the decorators remember, and what they refuse on the line that wrote it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventfw import App, Blueprint, Queue
from eventfw.errors import RegistrationError


def refusal(act: Callable[[], Any]) -> RegistrationError:
    with pytest.raises(RegistrationError) as caught:
        act()
    return caught.value


@pytest.fixture
def app() -> App:
    return App("shop")


def nothing() -> None: ...


EXAMPLES = {
    "http": ("/x",),
    "schedule": ("rate(5 minutes)",),
    "sqs_consumer": ("orders",),
    "edge_viewer_request": ("site",),
    "function": (),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_decorator_returns_the_function_itself(app: App, name: str) -> None:
    assert getattr(app, name)(*EXAMPLES[name])(nothing) is nothing


@pytest.mark.parametrize("name", [*EXAMPLES, "s3_trigger"])
def test_forgotten_parentheses_are_told_with_an_example(app: App, name: str) -> None:
    error = refusal(lambda: getattr(app, name)(nothing))
    assert f"@app.{name} needs parentheses above nothing" in error.message
    assert f"@app.{name}(" in error.message


def test_middleware_with_parentheses_is_told(app: App) -> None:
    assert "without parentheses" in refusal(lambda: app.middleware()).message


def test_async_middleware_is_refused(app: App) -> None:
    async def slow(event: Any, call: Any) -> Any: ...

    assert "an `async def`" in refusal(lambda: app.middleware(slow)).message


def test_the_place_of_an_error_is_the_line_of_the_decorator(app: App) -> None:
    with pytest.raises(RegistrationError) as caught:

        @app.function()
        @app.sqs_consumer("orders", batch_size=0)
        def order(message: Any) -> None: ...

    text = Path(__file__).read_text().splitlines()
    line = text.index('        @app.sqs_consumer("orders", batch_size=0)') + 1
    assert caught.value.place.endswith(f"test_app.py:{line}")
    assert caught.value.message == "batch_size must be 1 to 10000 for sqs_consumer, not 0. Remove it to use 10."


def test_an_unknown_option_suggests_the_right_one(app: App) -> None:
    error = refusal(lambda: app.http("/x", metods="GET"))  # type: ignore[call-arg]
    assert "http has no option 'metods'. Did you mean 'methods'?" in error.message


def test_an_option_that_goes_by_name_says_so(app: App) -> None:
    error = refusal(lambda: app.sqs_consumer("orders", 5))  # type: ignore[misc]
    assert "batch_size=5" in error.message


def test_an_unknown_decorator_suggests_the_right_one(app: App) -> None:
    assert "Did you mean 'schedule'?" in refusal(lambda: app.schedul).message  # type: ignore[attr-defined]
    assert not hasattr(app, "nonsense")


def test_a_blueprint_does_not_offer_what_only_an_app_has() -> None:
    blueprint = Blueprint("part")
    assert "'mount'?" not in refusal(lambda: blueprint.mount).message  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["", "a b", "1a", "-a", "a-", "ä", "a" * 41, None, 5])
def test_names_that_would_not_make_aws_names_are_refused(name: Any) -> None:
    refusal(lambda: App(name))


def test_the_same_route_twice_names_the_first(app: App) -> None:
    app.http("/a/{x}")(one)
    error = refusal(lambda: app.http("/a/{y}")(two))
    assert "The route GET /a/{y} is there already: one at " in error.message


def one(request: Any, x: str) -> None: ...
def two(request: Any, y: str) -> None: ...  # fmt: skip


def test_a_second_route_with_one_of_several_methods_is_refused(app: App) -> None:
    app.http("/a/{x}", methods=["GET", "POST"])(one)
    refusal(lambda: app.http("/a/{x}", methods=["PUT", "POST"])(one))
    app.http("/a/{x}", methods=["PUT"])(one)


def test_a_route_that_clashes_only_after_mounting_is_refused(app: App) -> None:
    blueprint = Blueprint("part")
    app.http("/a/{x}")(one)
    blueprint.http("/{y}")(two)
    assert "is there already" in refusal(lambda: app.mount(blueprint, path="/a")).message


def test_two_functions_of_one_name_are_refused(app: App) -> None:
    def again() -> None: ...

    first = again
    app.http("/1")(first)

    def again() -> None: ...  # type: ignore[no-redef]

    assert "The handler name 'again' is taken" in refusal(lambda: app.http("/2")(again)).message


@pytest.mark.parametrize("name", ["api", "heavy"])
def test_a_handler_does_not_slip_into_a_function_that_is_called_like_it(app: App, name: str) -> None:
    def handler(event: Any) -> None: ...

    handler.__name__ = name
    app.http("/")(nothing) if name == "api" else app.function("heavy")(nothing)
    app.schedule("rate(5 minutes)")(handler)
    assert f"would share the function {name!r}" in refusal(lambda: app.functions).message


def test_handlers_are_grouped_into_functions(app: App) -> None:
    app.http("/a")(nothing)
    app.http("/a/{x}")(one)
    app.function("shared")(app.http("/b/{y}")(two))
    assert {name: [h.name for h in f.handlers] for name, f in app.functions.items()} == {
        "api": ["nothing", "one"],
        "shared": ["two"],
    }


def test_both_stacking_orders_say_the_same(app: App) -> None:
    app.http("/a/{x}")(app.function("f", memory=512)(one))
    app.function("g", memory=512)(app.http("/b/{y}")(two))
    assert [(f.name, f.memory) for f in app.functions.values()] == [("f", 512), ("g", 512)]


def test_a_decorator_after_the_app_was_built_is_refused(app: App) -> None:
    assert app.functions == {}
    error = refusal(lambda: app.http("/late")(nothing))
    assert "was first routed or built at" in error.message
    refusal(lambda: app.queue("late"))
    refusal(lambda: app.middleware(lambda event, call: call(event)))
    refusal(lambda: app.mount(Blueprint("late")))


def test_a_blueprint_is_mounted_once_and_closed(app: App) -> None:
    blueprint = Blueprint("part")
    blueprint.http("/")(nothing)
    app.mount(blueprint, path="/part", name="part_")
    assert [handler.name for handler in app.handlers] == ["part_nothing"]
    assert app.handlers[0].triggers[0].title() == "GET /part"
    refusal(lambda: app.mount(blueprint))
    refusal(lambda: blueprint.http("/late")(nothing))


@pytest.mark.parametrize("options", [{"path": "x"}, {"path": "/x/"}, {"path": 1}, {"path": "/{x}"}, {"name": "a-"}])
def test_a_prefix_that_cannot_work_is_refused(app: App, options: Any) -> None:
    refusal(lambda: app.mount(Blueprint("part"), **options))


def test_an_owned_and_an_existing_queue_of_one_name_are_refused(app: App) -> None:
    app.queue("orders")
    assert "existing queue 'orders' here, owned" in refusal(lambda: app.sqs_consumer("orders")(nothing)).message


@pytest.mark.parametrize("name", ["orders-dead-letters", "orders-dead-letter", "ORDERS"])
def test_a_queue_that_would_take_anothers_names_is_refused(app: App, name: str) -> None:
    app.queue("orders")
    refusal(lambda: app.queue(name))


def generator(event: Any) -> Any:
    yield event


@pytest.mark.parametrize(
    "bad", [generator, dict, functools.partial(one, x="1"), lambda event: None, classmethod(one), 5, None]
)
def test_what_cannot_be_a_handler_is_refused(app: App, bad: Any) -> None:
    refusal(lambda: app.schedule("rate(5 minutes)")(bad))
    assert app.handlers == []


@pytest.mark.parametrize(
    "environment",
    [{"AWS_REGION": "x"}, {"EVENTFW_X": "x"}, {"A": "x"}, {"A_B": 1}, {"1A": "x"}, {"BIG": "x" * 4096}, 5],
)
def test_an_environment_that_lambda_refuses_is_refused(app: App, environment: Any) -> None:
    refusal(lambda: app.function(environment=environment))


@pytest.mark.parametrize(
    "options",
    [{"memory": 127}, {"timeout": 901}, {"timeout": True}, {"uses": 5}, {"uses": ["x"]}, {"log_retention": []}],
)
def test_settings_out_of_range_are_refused(app: App, options: Any) -> None:
    refusal(lambda: app.function(**options))


def test_a_function_at_the_edge_has_no_environment(app: App) -> None:
    app.function(environment={"LEVEL": "1"})(app.edge_viewer_request("site")(nothing))
    assert "Remove environment" in refusal(lambda: app.functions).message


def test_a_decorator_above_nothing_is_refused_when_the_app_is_first_used() -> None:
    app = App("shop")
    app.http("/lost")
    with pytest.raises(RegistrationError, match=r"@app.http\(...\) decorates nothing") as caught:
        _ = app.functions
    assert "test_app.py" in caught.value.place


def test_a_grant_of_a_resource_that_no_app_owns_is_refused() -> None:
    app = App("shop")
    app.function(uses=[Queue("lost").send])(lambda_named("one"))
    with pytest.raises(RegistrationError, match="'lost', which no app owns"):
        _ = app.functions


def test_a_resource_is_no_decorator() -> None:
    app = App("shop")
    with pytest.raises(RegistrationError, match="decorates nothing"):
        app.queue(lambda_named("one"))  # type: ignore[arg-type]


def test_a_secret_of_the_wrong_type_is_not_printed() -> None:
    with pytest.raises(RegistrationError, match="'DB_PASSWORD' is of type int") as caught:
        App("shop").function(environment={"DB_PASSWORD": 5555})  # type: ignore[dict-item]
    assert "5555" not in caught.value.message


@pytest.mark.parametrize("options", [{"timeout": 31}, {"ephemeral_storage": 1024}, {"log_retention": 7}])
def test_settings_that_the_edge_does_not_have_are_refused(options: dict[str, int]) -> None:
    app = App("shop")
    app.edge_viewer_request("site")(app.function(**options)(lambda_named("home")))  # type: ignore[arg-type]
    with pytest.raises(RegistrationError, match="runs at the edge"):
        _ = app.functions


def test_settings_over_cloudfronts_older_limits_are_warned_of() -> None:
    app = App("shop")
    app.edge_viewer_request("site")(app.function(memory=1024)(lambda_named("home")))
    with pytest.warns(UserWarning, match="Until 2025|until 2025") as caught:
        _ = app.functions
    assert {Path(one.filename).name for one in caught} == {"test_app.py"}


def lambda_named(name: str) -> Any:
    def made(event: Any) -> Any: ...

    made.__name__ = name
    return made


def test_a_trigger_added_after_its_blueprint_was_mounted_joins_the_mounted_handler() -> None:
    app, blueprint = App("demo"), Blueprint("b")

    @blueprint.http("/a")
    def handle() -> None: ...

    app.mount(blueprint, name="p_")
    app.schedule("rate(1 minute)")(handle)
    (handler,) = app.handlers
    assert (handler.name, len(handler.triggers)) == ("p_handle", 2)
    assert {trigger.handler for trigger in handler.triggers} == {"p_handle"}


def test_a_registration_that_failed_leaves_nothing_behind() -> None:
    app = App("demo")
    orders = app.queue("orders")

    def handle(message: Any) -> None: ...

    with pytest.raises(RegistrationError, match="two resources"):
        app.sqs_consumer("orders")(handle)
    app.sqs_consumer(orders)(handle)
    assert len(app.handlers[0].triggers) == 1
