"""RDS events: the pattern that selects them, and what handlers read off them."""

from __future__ import annotations

from typing import Any

import pytest
from templates import complaints, deployed, properties

from eventfw import App, DatabaseEvent
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.testing import Client
from eventfw.tools.checks import check


def handle(event: Any) -> None: ...


def test_the_handler_receives_what_happened() -> None:
    app, seen = App("demo"), []

    @app.rds_event(sources=["orders"], event_ids=["RDS-EVENT-0049"])
    def failed_over(event: DatabaseEvent) -> None:
        seen.append((event.source_id, event.event_id, event.message, event.categories, event.source_type))

    Client(app).send(failed_over, message="Done.")
    assert seen == [("orders", "RDS-EVENT-0049", "Done.", ["failover"], "DB_INSTANCE")]


@pytest.mark.parametrize(
    ("options", "fields", "taken"),
    [
        ({}, {"source_type": "db-cluster"}, True),
        ({"source_types": ["db-cluster"]}, {"source_type": "db-instance"}, False),
        ({"source_types": ["db-snapshot"]}, {}, True),
        ({"sources": ["orders"]}, {"source": "orders"}, True),
        ({"sources": ["orders"]}, {"source": "my-orders"}, False),
        ({"sources": ["arn:aws:rds:us-east-1:123456789012:db:orders"]}, {"source": "orders"}, True),
        ({"categories": ["failover"]}, {"categories": ["backup"]}, False),
        ({"categories": ["failover", "backup"]}, {"categories": ["x", "backup"]}, True),
        ({"event_ids": ["RDS-EVENT-0001"]}, {"event_id": "RDS-EVENT-0002"}, False),
    ],
)
def test_which_events_a_rule_takes(options: Any, fields: Any, taken: bool) -> None:
    app = App("demo")
    app.rds_event(**options)(handle)
    route = Router(app).route(app.handlers[0].triggers[0].sample(**fields))
    assert bool(route.reached) is taken


def test_api_calls_that_cloudtrail_tells_of_are_not_taken() -> None:
    app = App("demo")
    app.rds_event()(handle)
    event = {**app.handlers[0].triggers[0].sample(), "detail-type": "AWS API Call via CloudTrail"}
    assert not Router(app).route(event).reached


def test_the_rule_has_the_pattern_and_leave_to_invoke() -> None:
    app = App("demo")
    app.rds_event(source_types=["db-instance"], categories=["failover"], sources=["orders"], enabled=False)(handle)
    template = deployed(app)
    rule = properties(template, "HandleRdsRule")
    assert rule["State"] == "DISABLED"
    assert rule["EventPattern"] == {
        "source": ["aws.rds"],
        "detail-type": ["RDS DB Instance Event"],
        "detail": {"EventCategories": ["failover"], "SourceArn": [{"suffix": ":orders"}]},
    }
    assert properties(template, "HandleRdsRulePermission")["SourceArn"] == {"Fn::GetAtt": ["HandleRdsRule", "Arn"]}
    assert complaints(template) == []


def test_two_handlers_of_one_function_that_would_get_one_event_are_found() -> None:
    app = App("demo")

    @app.rds_event(categories=["failover"])
    @app.function("db")
    def first(event: Any) -> None: ...

    @app.rds_event(source_types=["db-cluster"])
    @app.function("db")
    def second(event: Any) -> None: ...

    assert [finding.refused for finding in check(app)] == [True]


@pytest.mark.parametrize("rds_first", [True, False])
def test_an_event_rule_of_the_same_function_that_would_get_one_event_is_found(rds_first: bool) -> None:
    app = App("demo")

    def first(event: Any) -> None: ...

    def second(event: Any) -> None: ...

    decorators = [app.rds_event(categories=["failover"]), app.event_rule({"source": ["aws.rds"]})]
    for decorate, func in zip(decorators if rds_first else decorators[::-1], (first, second), strict=True):
        decorate(app.function("db")(func))
    assert [finding.refused for finding in check(app)] == [True]


@pytest.mark.parametrize(
    "options",
    [
        {"source_types": "db-instance"},
        {"source_types": ["instance"]},
        {"sources": [""]},
        {"categories": [7]},
        {"event_ids": ["0049"]},
        {"event_ids": ["RDS-EVENT-49"]},
        {"enabled": "no"},
    ],
)
def test_what_rds_does_not_have_is_refused(options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").rds_event(**options)
