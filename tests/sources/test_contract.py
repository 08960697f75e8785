"""One contract for every source in the table: a new source passes it or is not finished."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from examples import Names, add, example
from reading import never_none, properties_of, read_all, within

import eventfw
from eventfw import App
from eventfw.errors import RegistrationError
from eventfw.events import Event
from eventfw.routing import Router, identify
from eventfw.sources import table

FOLDER = Path(table.__file__).parent
WITHOUT_A_DECORATOR = {"__init__", "table", "function"}  # `function` is what a handler without a source has


# What handlers receive of sources that are written in another way than in their examples.
OTHER_FORMS = {"AppSyncBatch", "AppSyncChannelEvent", "StepTask"}
SOURCES = pytest.mark.parametrize("name", sorted(table.SOURCES))
MARKED = pytest.mark.parametrize(  # those whose events have a mark of their own, that they are routed by
    "name", [name for name in sorted(table.SOURCES) if table.load(table.SOURCES[name]).kinds]
)


@SOURCES
def test_the_class_names_its_decorator_and_shows_it(name: str) -> None:
    source = table.load(table.SOURCES[name])
    assert source.decorator == name
    assert source.example.startswith(f"@app.{name}(")
    assert source.__doc__ and "https://docs.aws.amazon.com/" in source.__doc__


@SOURCES
def test_the_sample_is_recognised_as_one_of_its_kinds(name: str) -> None:
    _, trigger = example(name)
    assert identify(trigger.sample()) in (trigger.kinds or ("unknown",))
    json.dumps(trigger.sample(), allow_nan=False)


@MARKED
def test_the_sample_reaches_the_handler_and_no_other(name: str) -> None:
    app, trigger = example(name)

    @app.function()
    def bystander(event: Any) -> None: ...

    route = Router(app).route(trigger.sample())
    assert [handler.name for handler in route.reached] == ["handler"]
    assert route.why == {"bystander": "invoked directly only"}


@SOURCES
def test_the_function_runs_its_handler_for_the_sample(name: str) -> None:
    app, trigger = example(name)
    router = Router(app)
    assert router.pick(app.handlers[0].function, trigger.sample())[1] is trigger


@SOURCES
@pytest.mark.parametrize(
    "written",
    ["def {handler}(): ran.append(1)", "async def {handler}(event, context): ran.append(context)"],
    ids=["without parameters", "async"],
)
def test_a_handler_may_be_async_and_takes_what_it_names(name: str, written: str) -> None:
    app, ran = App("demo"), list[int]()
    names = Names(app)
    names["ran"] = ran
    trigger = add(app, name, names=names, written=written)
    trigger.call(app.handlers[0].bindings[0], trigger.parse(trigger.sample(), 1))
    assert ran == [1]


@SOURCES
def test_the_title_is_a_line(name: str) -> None:
    title = example(name)[1].title()
    assert title and "\n" not in title


@SOURCES
def test_events_have_a_summary(name: str) -> None:
    _, trigger = example(name)
    assert trigger.parse(trigger.sample(), None).summary() in repr(trigger.parse(trigger.sample(), None))


@SOURCES
def test_a_field_that_the_sample_has_not_is_refused(name: str) -> None:
    with pytest.raises(Exception, match="has no field 'nonsense'"):
        example(name)[1].sample(nonsense=1)


@SOURCES
def test_other_sources_events_are_not_taken(name: str) -> None:
    app, _ = example(name)
    router = Router(app)
    for other in table.SOURCES:
        if table.SOURCES[other][0] != table.SOURCES[name][0]:
            assert not router.route(example(other)[1].sample()).reached, other


@SOURCES
def test_every_property_of_an_event_can_be_read_off_the_sample(name: str) -> None:
    _, trigger = example(name)
    read_all(trigger.parse(trigger.sample(), None))


def test_the_samples_have_all_that_handlers_receive() -> None:
    read = set()
    for name in table.SOURCES:
        _, trigger = example(name)
        read.update(type(one).__name__ for one in within(trigger.parse(trigger.sample(), None)))
    assert {event for _, _, *events in table.SOURCES.values() for event in events} - read == OTHER_FORMS


@SOURCES
def test_what_may_be_none_is_none_where_its_key_is_missing(name: str) -> None:
    assert never_none(example(name)[1]) == set()


@SOURCES
@pytest.mark.parametrize(
    "wrong", [None, 7, 1.5, b"x", [None], {"x": None}, object(), print], ids=lambda value: type(value).__name__
)
def test_a_value_of_a_wrong_type_is_refused_or_nothing(name: str, wrong: Any) -> None:
    """An option may be ``None``, and a few take numbers: what it does not take must not be another error."""
    options = list(inspect.signature(table.load(table.SOURCES[name])).parameters)
    for option in options:
        tree = ast.parse(table.load(table.SOURCES[name]).example.removeprefix("@"), mode="eval")
        assert isinstance(tree.body, ast.Call)
        arguments, given = tree.body.args, ast.Name("wrong", ast.Load())
        if options.index(option) < len(arguments):
            arguments[options.index(option)] = given
        else:
            others = [keyword for keyword in tree.body.keywords if keyword.arg != option]
            tree.body.keywords = [*others, ast.keyword(option, given)]
        names = Names(App("demo"))
        names["wrong"] = wrong
        try:
            eval(compile(ast.fix_missing_locations(tree), __file__, "eval"), {"__builtins__": {}}, names)
        except RegistrationError as error:
            assert error.place.endswith(f"{Path(__file__).name}:1"), option
        except Exception as error:
            pytest.fail(f"{option}={wrong!r}: {error!r}")


@SOURCES
def test_the_events_a_row_names_are_public_and_documented(name: str) -> None:
    _, _, *events = table.SOURCES[name]
    for event in events:
        cls = getattr(eventfw, event)
        assert issubclass(cls, Event) and cls.__doc__
        for attribute in properties_of(cls):
            assert getattr(cls, attribute).__doc__, f"{event}.{attribute}"


def declared() -> set[str]:
    """The decorators that type checkers see."""
    tree = ast.parse(Path(table.__file__).read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)]
    lazy = [node for node in calls if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "lazy"]
    return {ast.unparse(node.targets[0]) for node in lazy}


def test_type_checkers_and_python_see_the_same_decorators() -> None:
    assert declared() == {*table.SOURCES, "function"}


def test_every_file_of_the_folder_is_in_the_table() -> None:
    files = {path.stem.removesuffix("_events") for path in FOLDER.glob("*.py")} - WITHOUT_A_DECORATOR
    assert files == {row[0].rpartition(".")[2] for row in table.SOURCES.values()}
