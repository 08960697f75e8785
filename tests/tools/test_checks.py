"""The check of an app's routing: ambiguous, shadowed, unreachable."""

from __future__ import annotations

from typing import Any

import pytest

from eventfw import App
from eventfw.errors import RoutingError
from eventfw.routing import Router
from eventfw.tools.checks import AMBIGUOUS, SHADOWED, UNCHECKED, UNREACHABLE, check


def kinds(app: App) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.kind, finding.handlers) for finding in check(app)]


def test_an_app_with_one_trigger_of_each_source_has_nothing_to_find() -> None:
    app = App("demo")

    @app.http("/")
    @app.http("/{rest:path}", methods="ANY")
    def site(request: Any, rest: str = "") -> None: ...

    @app.s3_trigger(app.bucket("uploads"), prefix="a/")
    def upload(record: Any) -> None: ...

    @app.sqs_consumer(app.queue("orders"))
    def order(message: Any) -> None: ...

    @app.schedule("rate(5 minutes)")
    @app.event_rule({"source": ["x"]})
    def tick(event: Any) -> None: ...

    @app.function()
    def direct(payload: Any) -> None: ...

    assert check(app) == []


def test_two_rules_of_one_function_that_take_the_same_event_are_ambiguous() -> None:
    app = App("demo")

    @app.event_rule({"source": ["shop"]})
    @app.function("orders")
    def every(event: Any) -> None: ...

    @app.event_rule({"source": ["shop"], "detail": {"total": [{"numeric": [">", 100]}]}})
    @app.function("orders")
    def large(event: Any) -> None: ...

    (found,) = check(app)
    assert (found.kind, found.handlers, found.refused) == (AMBIGUOUS, ("every", "large"), True)
    assert "test_checks.py" in found.place and "test_checks.py" in found.message
    assert found.example is not None and found.example["detail"]["total"] > 100
    assert {handler.name for handler in Router(app).route(found.example).reached} == {"every", "large"}


def test_two_rules_of_one_handler_that_take_the_same_event_are_ambiguous_too() -> None:
    app = App("demo")

    @app.event_rule({"source": ["shop"]})
    @app.event_rule({"detail": {"total": [5]}})
    def every(event: Any) -> None: ...

    (found,) = check(app)
    assert found.kind == AMBIGUOUS and "run it twice" in found.message


def test_rules_of_different_functions_may_take_the_same_event() -> None:
    app = App("demo")
    for name in ("one", "two"):

        def handler(event: Any) -> None: ...

        handler.__name__ = name
        app.event_rule({"source": ["shop"]})(handler)
    assert check(app) == []


def test_any_is_shadowed_where_every_method_has_a_route() -> None:
    app = App("demo")
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]

    @app.http("/x/{a}", methods="ANY")
    def rest(request: Any, a: str) -> None: ...

    @app.http("/x/{b}", methods=methods[:3])
    def some(request: Any, b: str) -> None: ...

    @app.http("/x/{c}", methods=methods[3:])
    def others(request: Any, c: str) -> None: ...

    assert kinds(app) == [(SHADOWED, ("rest",))]


def test_any_is_not_shadowed_while_one_method_is_left() -> None:
    app = App("demo")

    @app.http("/x", methods="ANY")
    def rest(request: Any) -> None: ...

    @app.http("/x", methods=["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
    def some(request: Any) -> None: ...

    assert check(app) == []


def test_what_no_event_reaches_is_unreachable() -> None:
    app = App("demo")
    plain, versioned = app.bucket("plain"), app.bucket("versioned", versioned=True)

    @app.schedule("cron(0 0 1 1 ? 2001)")
    def past(tick: Any) -> None: ...

    @app.s3_trigger(plain, events="s3:ObjectRemoved:DeleteMarkerCreated")
    def marker(record: Any) -> None: ...

    @app.s3_trigger(versioned, events="s3:ObjectRemoved:DeleteMarkerCreated")
    def fine(record: Any) -> None: ...

    @app.event_rule({"sauce": ["x"]})
    def typo(event: Any) -> None: ...

    assert kinds(app) == [(UNREACHABLE, (name,)) for name in ("past", "marker", "typo")]
    assert not any(finding.refused for finding in check(app))


def test_rules_that_are_switched_off_are_no_ambiguity() -> None:
    app = App("demo")
    for name, enabled in (("old", False), ("new", True)):

        def handler(event: Any) -> None: ...

        handler.__name__ = name
        app.event_rule({"source": ["shop"]}, enabled=enabled)(handler)
        app.function("both")(handler)
    assert check(app) == []


def test_what_takes_too_long_to_compare_is_given_up_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App("demo")
    for number in range(4):

        def handler(event: Any) -> None: ...

        handler.__name__ = f"h{number}"
        long = [{"prefix": f"{number}{letter * 300}"} for letter in "bcdefg"]
        app.event_rule({"detail": {"x": long}})(handler)
        app.function("one")(handler)
    monkeypatch.setattr("eventfw.tools.checks.EFFORT", 10_000)
    (found,) = check(app)
    assert (found.kind, found.refused) == (UNCHECKED, False)
    assert "function 'one' are too many or too involved" in found.message


SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-AbCdEf"
BROKER = "arn:aws:mq:us-east-1:123456789012:broker:shop:b-1"
CLUSTER = "arn:aws:rds:us-east-1:123456789012:cluster:shop"


@pytest.mark.parametrize(
    ("decorator", "arguments", "one", "other", "ambiguous"),
    [
        ("ses_receiver", (), {}, {"recipients": ["a@example.com"]}, True),
        ("ses_receiver", (), {"recipients": ["x.com", "example.com"]}, {"recipients": ["a@example.com"]}, True),
        ("ses_receiver", (), {"recipients": [".example.com"]}, {"recipients": ["mail.example.com"]}, True),
        ("ses_receiver", (), {"recipients": [".example.com"]}, {"recipients": ["example.com"]}, False),
        ("ses_receiver", (), {}, {"enabled": False}, False),
        ("codecommit_trigger", ("web",), {}, {"branches": ["main"]}, True),
        ("codecommit_trigger", ("web",), {"branches": ["a", "b"]}, {"branches": ["c", "b"]}, True),
        ("codecommit_trigger", ("web",), {"branches": ["a"]}, {"branches": ["b"]}, False),
        ("codecommit_trigger", ("web",), {"events": ["deleteReference"]}, {"events": ["createReference"]}, False),
        ("codecommit_trigger", ("web",), {"create": True}, {"create": True}, False),
        ("documentdb_stream", (CLUSTER, "shop"), {"secret": SECRET}, {"secret": SECRET, "collection": "a"}, True),
        (
            "documentdb_stream",
            (CLUSTER, "shop"),
            {"secret": SECRET, "collection": "b"},
            {"secret": SECRET, "collection": "a"},
            False,
        ),
        ("kinesis_consumer", ("clicks",), {}, {"filters": [{"data": {"kind": ["x"]}}]}, True),
        ("kafka_consumer", (["one:1", "two:1"], "orders"), {}, {}, True),
        ("mq_consumer", (BROKER, "orders"), {"secret": SECRET}, {"secret": SECRET}, True),
        ("sns_subscriber", ("news",), {}, {"filter_policy": {"kind": ["x"]}}, True),
        ("secret_rotation", (), {"secret": "shop"}, {"secret": SECRET}, True),
        ("secret_rotation", (), {"secret": "cart"}, {"secret": SECRET}, False),
    ],
)
def test_two_handlers_of_one_function_that_one_event_reaches_are_ambiguous(
    decorator: str, arguments: Any, one: Any, other: Any, ambiguous: bool
) -> None:
    app = App("demo")
    for name, options in (("first", one), ("second", other)):

        def made(event: Any) -> None: ...

        made.__name__ = name
        getattr(app, decorator)(*arguments, **options)(app.function("both")(made))
    found = [finding for finding in check(app) if finding.refused]
    assert bool(found) is ambiguous
    if found:
        with pytest.raises(RoutingError, match="an invocation runs one handler"):
            Router(app).pick("both", found[0].example)


@pytest.mark.parametrize(("via", "ambiguous"), [("eventbridge", True), ("notification", False)])
def test_an_object_reaches_two_handlers_of_one_function_in_one_way_only(via: str, ambiguous: bool) -> None:
    app = App("demo")
    uploads = app.bucket("uploads")

    @app.s3_trigger(uploads, via="eventbridge", suffix=".png")
    @app.function("both")
    def first(upload: Any) -> None: ...

    @app.s3_trigger(uploads, via=via, prefix="photos/")
    @app.function("both")
    def second(upload: Any) -> None: ...

    assert any(finding.refused for finding in check(app)) is ambiguous
