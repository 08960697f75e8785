"""Log subscriptions: what is unpacked, whose log events they are, and what CloudWatch would refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from templates import complaints, deployed, properties

from eventfw import App, Blueprint, LambdaFunction, LogBatch, LogEvent
from eventfw.errors import RegistrationError, RoutingError
from eventfw.routing import Router
from eventfw.runtime import entry
from eventfw.sources.logs import encoded
from eventfw.testing import Client

CONTROL = {
    "messageType": "CONTROL_MESSAGE",
    "owner": "CloudwatchLogs",
    "logGroup": "",
    "logStream": "",
    "subscriptionFilters": [],
    "logEvents": [{"id": "", "timestamp": 1767225600000, "message": "CWL CONTROL MESSAGE: Checking health."}],
}


def sent(*messages: str, group: str = "demo-dev-audit", filters: tuple[str, ...] = ("demo-dev-told",)) -> Any:
    events = [{"id": str(n), "timestamp": 1767225600123 + n, "message": text} for n, text in enumerate(messages)]
    return encoded(
        {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": group,
            "logStream": "web/1",
            "subscriptionFilters": list(filters),
            "logEvents": events,
        }
    )


def subscribed(**options: Any) -> tuple[App, list[Any]]:
    app, seen = App("demo"), list[Any]()

    @app.log_subscription(app.log_group("audit"), **options)
    def told(event: Any) -> None:
        seen.append(event)
        if isinstance(event, LogEvent) and event.message == "bad":
            raise ValueError("no")

    return app, seen


def test_a_handler_gets_each_log_event_unpacked() -> None:
    app, seen = subscribed()
    assert entry(app, "told")(sent('{"a": 1}', "plain"), None) is None
    one, other = seen
    assert (one.json, other.message, one.id) == ({"a": 1}, "plain", "0")
    assert one.timestamp == datetime(2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC)
    assert (one.log_group, one.log_stream, one.owner) == ("demo-dev-audit", "web/1", "123456789012")
    assert one.subscription_filters == ["demo-dev-told"]
    assert one.extracted_fields == {}


def test_a_batch_is_one_call() -> None:
    app, seen = subscribed(batch=True)
    entry(app, "told")(sent("a", "b"), None)
    [batch] = seen
    assert isinstance(batch, LogBatch)
    assert [event.message for event in batch] == ["a", "b"]
    assert (batch.log_group, batch.log_stream, batch.owner) == ("demo-dev-audit", "web/1", "123456789012")


def test_a_failed_log_event_fails_the_invocation_after_the_others_ran() -> None:
    app, seen = subscribed()
    with pytest.raises(ValueError, match="no"):
        entry(app, "told")(sent("bad", "good"), None)
    assert [event.message for event in seen] == ["bad", "good"]


def test_what_a_batch_was_told_failed_is_not_lost() -> None:
    app = App("demo")

    @app.log_subscription(app.log_group("audit"), batch=True)
    def told(batch: LogBatch) -> None:
        batch.fail(batch.records[1])

    with pytest.raises(RuntimeError, match="1 log events failed"):
        entry(app, "told")(sent("a", "b"), None)


@pytest.mark.parametrize("batch", [False, True])
def test_a_control_message_reaches_no_handler(batch: bool) -> None:
    app, seen = App("demo"), []
    for name in ("audit", "other"):

        def told(event: object) -> None:
            seen.append(event)

        told.__name__ = name
        app.function("both")(app.log_subscription(app.log_group(name), batch=batch)(told))
    assert entry(app, "both")(encoded(CONTROL), None) is None
    assert seen == []


def test_two_subscriptions_of_one_function_are_told_apart_by_the_filter() -> None:
    app, seen = App("demo"), []
    audit = app.log_group("audit")

    @app.log_subscription(audit, filter_pattern="ERROR")
    @app.function("both")
    def told(event: LogEvent) -> None:
        seen.append(("told", event.message))

    @app.log_subscription(audit, filter_pattern="WARN")
    @app.function("both")
    def other(event: LogEvent) -> None:
        seen.append(("other", event.message))

    run = entry(app, "both")
    run(sent("ERROR WARN", filters=("demo-dev-other",)), None)
    run(sent("ERROR WARN", filters=("demo-dev-told",)), None)
    assert seen == [("other", "ERROR WARN"), ("told", "ERROR WARN")]


def test_log_events_of_another_group_are_not_taken() -> None:
    app, _ = subscribed()
    assert Router(app).route(sent("x", group="demo-dev-other")).why == {
        "told": "log group `demo-dev-other` is not `audit`"
    }
    said = Router(app).route(sent("x", filters=("by-hand",))).why["told"]
    assert said == "subscription filter `by-hand` is not the one of `told`"


@pytest.mark.parametrize("data", ["!", "AAAA", "H4sIAAAAAAAC/4uOBQApu0wNAgAAAA=="])
def test_what_is_not_packed_as_cloudwatch_packs_is_said(data: str) -> None:
    app, _ = subscribed()
    with pytest.raises(RoutingError, match="not a whole cloudwatch_logs event"):
        entry(app, "told")({"awslogs": {"data": data}}, None)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("x" * 1025, "at most 1024"),
        (5, "a string"),
        ('"ERROR', "without its second"),
        ("{ $.a = 1", "does not end with }"),
        ("[ip, user", "does not end with ]"),
        ("%a% %b% %c%", "takes 2"),
    ],
)
def test_patterns_that_cloudwatch_refuses_are_refused_on_the_users_line(pattern: Any, said: str) -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match=said) as caught:
        app.log_subscription(app.log_group("audit"), filter_pattern=pattern)
    assert "test_logs.py" in caught.value.place


@pytest.mark.parametrize("pattern", ['{ $.a = "x\\"y}" }', "[a, b=4*, c]", "50% off", '"%a% %b% %c%"', "{$.a=%x%}"])
def test_patterns_that_cloudwatch_takes_are_taken(pattern: str) -> None:
    assert subscribed(filter_pattern=pattern)


def test_a_class_without_subscriptions_is_refused() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="INFREQUENT_ACCESS sends nothing"):
        app.log_subscription(app.log_group("audit", log_class="INFREQUENT_ACCESS"))


def test_the_filter_waits_for_its_permission_which_names_the_group() -> None:
    app, _ = subscribed(filter_pattern="ERROR")
    template = deployed(app)
    made = template["Resources"]["ToldLogSubscription"]
    assert made["DependsOn"] == ["ToldAuditLogsPermission"]
    assert made["Properties"] == {
        "LogGroupName": {"Ref": "AuditLogGroup"},
        "FilterName": "demo-dev-told",
        "FilterPattern": "ERROR",
        "DestinationArn": {"Fn::GetAtt": ["ToldFunction", "Arn"]},
    }
    permission = properties(template, "ToldAuditLogsPermission")
    assert permission["Principal"] == "logs.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":log-group:demo-dev-audit:*")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert complaints(template) == []


def test_an_existing_group_is_named_and_not_made() -> None:
    app = App("demo")
    app.log_subscription("arn:aws:logs:eu-west-1:123456789012:log-group:/my/audit:*")(lambda_of("told"))
    template = deployed(app)
    assert properties(template, "ToldLogSubscription")["LogGroupName"] == "/my/audit"
    permission = properties(template, "ToldMyAuditLogsPermission")
    assert permission["SourceArn"] == "arn:aws:logs:eu-west-1:123456789012:log-group:/my/audit:*"
    assert not [name for name in template["Resources"] if "MyAuditLogGroup" in name]


def lambda_of(name: str) -> Any:
    def handler(event: LogEvent) -> None: ...

    handler.__name__ = name
    return handler


def test_a_function_cannot_subscribe_to_its_own_log_group() -> None:
    app = App("demo")
    app.log_subscription("/aws/lambda/demo-dev-told")(lambda_of("told"))
    with pytest.raises(RegistrationError, match="is the function's own") as caught:
        deployed(app)
    assert "test_logs.py" in caught.value.place


def test_a_third_subscription_of_a_group_is_refused() -> None:
    app = App("demo")
    audit = app.log_group("audit")
    for name in ("one", "two"):
        app.log_subscription(audit)(lambda_of(name))
    assert len([one for one in deployed(app)["Resources"] if one.endswith("LogSubscription")]) == 2
    app = App("demo")
    audit = app.log_group("audit")
    for name in ("one", "two", "three"):
        app.log_subscription(audit)(lambda_of(name))
    with pytest.raises(RegistrationError, match="has 2 subscriptions already"):
        deployed(app)


def test_a_sample_says_what_its_fields_say() -> None:
    app, seen = subscribed()
    fields = {"id": "7", "timestamp": 0, "log_stream": "s", "extracted_fields": {"ip": "::1"}}
    Client(app).send("told", message={"x": 1}, **fields)
    [event] = seen
    assert (event.json, event.id, event.log_stream) == ({"x": 1}, "7", "s")
    assert (event.timestamp, event.extracted_fields) == (datetime(1970, 1, 1, tzinfo=UTC), {"ip": "::1"})


def test_the_logs_of_a_function_of_the_app_go_by_its_name() -> None:
    app, seen = App("demo"), []
    app.function()(lambda_of("resize"))

    @app.log_subscription(app.lambda_function("resize"))
    def told(event: LogEvent) -> None:
        seen.append(event.message)

    template = deployed(app)
    assert properties(template, "ToldLogSubscription")["LogGroupName"] == {"Ref": "ResizeLogGroup"}
    [permission] = [one for one in template["Resources"].values() if one["Type"] == "AWS::Lambda::Permission"]
    assert permission["Properties"]["SourceArn"]["Fn::Sub"].endswith(":log-group:/aws/lambda/demo-dev-resize:*")
    assert complaints(template) == []
    entry(app, "told")(sent("x", group="/aws/lambda/demo-dev-resize"), None)
    assert seen == ["x"]
    Client(app).send(told, message="y")
    assert seen == ["x", "y"]
    other = Router(app).route(sent("x", group="/aws/lambda/demo-dev-other"))
    assert other.why["told"] == "log group `/aws/lambda/demo-dev-other` is not `/aws/lambda/resize`"


def test_a_functions_own_logs_are_refused_by_its_name_too() -> None:
    app = App("demo")
    app.log_subscription(app.lambda_function("told"))(lambda_of("told"))
    with pytest.raises(RegistrationError, match="is the function's own"):
        deployed(app)


def test_an_existing_functions_logs_are_those_of_its_name() -> None:
    app = App("demo")
    function = LambdaFunction.existing("arn:aws:lambda:eu-west-1:123456789012:function:theirs")
    app.log_subscription(function)(lambda_of("told"))
    assert properties(deployed(app), "ToldLogSubscription")["LogGroupName"] == "/aws/lambda/theirs"


def test_the_logs_of_a_function_in_another_stack_are_refused() -> None:
    app, admin = App("demo"), Blueprint("admin")
    admin.function()(lambda_of("resize"))
    app.log_subscription(app.lambda_function("resize"))(lambda_of("told"))
    app.mount(admin, stack=True)
    with pytest.raises(RegistrationError, match="are in different stacks"):
        Router(app)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("ERROR", "ERROR"), ("ERROR timeout", "ERROR timeout"), ("", "an example"), ("-INFO", "an example")],
)
def test_a_sample_has_the_terms_that_the_pattern_asks_for(pattern: str, message: str) -> None:
    app, seen = subscribed(filter_pattern=pattern)
    Client(app).send("told")
    assert seen[0].message == message
