"""AWS IoT rules: what the SQL makes reaches the handler; what does not arrive, a queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from templates import allowed, complaints, deployed, properties

from eventfw import App
from eventfw.errors import RegistrationError
from eventfw.testing import Client
from eventfw.tools.checks import check

SQL = "SELECT * FROM 'sensors/+/temperature'"


def test_the_handler_receives_what_the_sql_makes() -> None:
    app, seen = App("demo"), []

    @app.iot_rule(SQL)
    def measured(reading: Any) -> None:
        seen.append(reading)

    assert Client(app).send(measured, payload={"celsius": 21}) is None
    assert seen == [{"celsius": 21}]


@dataclass
class Reading:
    celsius: int


def test_a_parameter_of_a_models_type_receives_what_the_sql_makes() -> None:
    app, seen = App("demo"), []

    @app.iot_rule(SQL)
    def measured(reading: Reading) -> None:
        seen.append(reading)

    Client(app).send(measured, payload={"celsius": 21})
    assert seen == [Reading(21)]


def test_a_function_runs_it_for_what_no_other_trigger_takes() -> None:
    app, seen = App("demo"), []

    @app.iot_rule(SQL)
    @app.function("both")
    def measured(reading: Any) -> None:
        seen.append("measured")

    @app.schedule("rate(5 minutes)")
    @app.function("both")
    def tick(event: Any) -> None:
        seen.append("tick")

    client = Client(app)
    client.send(tick)
    client.send(measured)
    assert seen == ["tick", "measured"]


def test_two_handlers_without_a_mark_in_one_function_are_refused() -> None:
    app = App("demo")

    @app.iot_rule(SQL)
    @app.function("both")
    def measured(reading: Any) -> None: ...

    @app.iot_rule("SELECT * FROM 'doors'")
    @app.function("both")
    def opened(reading: Any) -> None: ...

    [finding] = check(app)
    assert finding.refused and "nothing in their events tells them apart" in finding.message


def test_one_handler_may_have_two_rules() -> None:
    app = App("demo")

    @app.iot_rule(SQL)
    @app.iot_rule("SELECT * FROM 'doors'")
    def measured(reading: Any) -> None: ...

    assert check(app) == []
    assert {"Measured2TopicRule", "MeasuredTopicRule"} <= set(deployed(app)["Resources"])


def test_the_rule_may_invoke_the_function_and_send_to_the_error_queue() -> None:
    app = App("my-home")

    @app.iot_rule(SQL, error_queue=app.queue("lost"), enabled=False)
    def measured(reading: Any) -> None: ...

    template = deployed(app)
    rule = properties(template, "MeasuredTopicRule")
    assert rule["RuleName"] == "my_home_dev_measured"
    assert (rule["TopicRulePayload"]["Sql"], rule["TopicRulePayload"]["RuleDisabled"]) == (SQL, True)
    action = rule["TopicRulePayload"]["ErrorAction"]["Sqs"]
    assert action["QueueUrl"] == {"Ref": "LostQueue"}
    permission = properties(template, "MeasuredTopicRulePermission")
    assert permission["SourceArn"]["Fn::Sub"].endswith(":rule/my_home_dev_measured")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    role = properties(template, "MeasuredTopicRuleErrorRole")
    assert role["Policies"][0]["PolicyDocument"]["Statement"][0]["Action"] == ["sqs:SendMessage"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": permission["SourceArn"]}
    assert complaints(template) == []


@pytest.mark.parametrize(
    ("sql", "options"),
    [
        ("", {}),
        ("   ", {}),
        ("FROM 'a'", {}),
        (7, {}),
        (SQL, {"sql_version": "2020-01-01"}),
        (SQL, {"enabled": 1}),
        (SQL, {"error_queue": 7}),
        (SQL, {"error_queue": "lost.fifo"}),
    ],
)
def test_what_aws_iot_refuses_is_refused(sql: Any, options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").iot_rule(sql, **options)


def test_a_long_rule_is_shortened_in_its_title() -> None:
    app = App("demo")
    app.iot_rule("SELECT\n  " + "temperature, " * 20 + "humidity FROM 'sensors'")(handler)
    title = app.handlers[0].triggers[0].title()
    assert "\n" not in title and len(title) < 100


def handler(reading: Any) -> None: ...


def test_the_role_for_an_encrypted_queue_may_use_its_key() -> None:
    app, key = App("demo"), "arn:aws:kms:us-east-1:123456789012:key/shop"
    app.iot_rule(SQL, error_queue=app.queue("lost", kms_key=key))(handler)
    assert (["kms:Decrypt", "kms:GenerateDataKey"], [key]) in allowed(deployed(app), "HandlerTopicRuleErrorRole")


@pytest.mark.parametrize(
    ("decorator", "arguments"),
    [("iot_rule", ("SELECT * FROM 'a'",)), ("step", ()), ("postgres_function", ("shop",))],
)
def test_nobody_writes_a_request_around_an_authorizer(decorator: str, arguments: Any) -> None:
    def app_with(authorizer: Any) -> list[str]:
        app = App("demo")
        app.authorizer()(lambda_named("check"))
        app.get("/x", authorizer=authorizer)(app.function("both")(lambda_named("secret")))
        app.get("/y", authorizer="check")(lambda_named("other"))
        getattr(app, decorator)(*arguments)(app.function("both")(lambda_named("device")))
        return [finding.message for finding in check(app)]

    for authorizer in ("check", "iam"):
        [said] = app_with(authorizer)
        assert "secret" in said and "device" in said and "Give one of them a function of its own" in said
    assert app_with(None) == []


def lambda_named(name: str) -> Any:
    def handler(event: Any) -> None: ...

    handler.__name__ = name
    return handler
