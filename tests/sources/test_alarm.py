"""Alarms: what a change says, whose it is, and what CloudWatch would refuse."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from templates import complaints, deployed, properties

from eventfw import AlarmChange, App
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.testing import Client

ARN = "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:cpu-high"
WATCH: dict[str, Any] = {"metric": "Errors", "namespace": "AWS/Lambda", "threshold": 1}
COMPOSITE = {
    "source": "aws.cloudwatch",
    "alarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:shop",
    "accountId": "123456789012",
    "time": "2026-03-01T06:00:46.138+0000",
    "region": "us-east-1",
    "alarmData": {
        "alarmName": "shop",
        "state": {
            "value": "ALARM",
            "reason": "A child changed.",
            "reasonData": json.dumps({"triggeringAlarms": [{"arn": "arn:child", "state": {"value": "ALARM"}}]}),
            "timestamp": "2026-03-01T06:00:45.000+0000",
            "actionsSuppressedBy": "WaitPeriod",
        },
        "configuration": {"alarmRule": "ALARM(child)"},
    },
}


def changed(name: str, arn: str = "") -> Any:
    return {**COMPOSITE, "alarmArn": arn or f"arn:x:alarm:{name}", "alarmData": {"alarmName": name}}


def handler(name: str) -> Any:
    def func(change: AlarmChange) -> None: ...

    func.__name__ = name
    return func


def watched(**options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The template of an app with an alarm, and the alarm's properties."""
    app = App("demo")
    app.alarm(**{**WATCH, **options})(handler("told"))
    template = deployed(app)
    return template, properties(template, "ToldAlarm")


def test_a_metric_alarms_change_is_read() -> None:
    app, seen = App("demo"), list[AlarmChange]()
    app.alarm(**WATCH, description="Errors!")(seen.append)
    Client(app).send("append", state="OK", previous_state="ALARM", reason="Fine.", reason_data={"threshold": 1.0})
    [change] = seen
    assert (change.alarm_name, change.state, change.previous_state) == ("append", "OK", "ALARM")
    assert (change.reason, change.reason_data, change.description) == ("Fine.", {"threshold": 1.0}, "Errors!")
    assert change.metrics[0]["metricStat"]["metric"]["name"] == "Errors"
    assert (change.alarm_rule, change.suppressed_by) == (None, None)
    assert change.changed_at == change.time == datetime(2026, 1, 1, tzinfo=UTC)
    assert (change.account, change.region) == ("123456789012", "us-east-1")


def test_a_composite_alarms_change_is_read_and_what_it_leaves_out_is_empty() -> None:
    change = AlarmChange(COMPOSITE)
    assert change.alarm_rule == "ALARM(child)"
    assert change.reason_data["triggeringAlarms"][0]["arn"] == "arn:child"
    assert (change.suppressed_by, change.previous_state, change.metrics) == ("WaitPeriod", "", [])
    assert change.time == datetime(2026, 3, 1, 6, 0, 46, 138000, UTC)
    bare = AlarmChange(changed("bare"))
    assert (bare.state, bare.reason, bare.reason_data, bare.changed_at, bare.description) == ("", "", {}, None, "")


def test_each_alarm_runs_its_own_handler_of_a_function() -> None:
    app = App("demo")
    for name, options in (("high", WATCH), ("there", {"alarm": "cpu-high"}), ("far", {"alarm": ARN})):
        app.function("all")(app.alarm(**options)(handler(name)))
    router = Router(app)

    def reached(raw: Any) -> list[str]:
        return [one.name for one in router.route(raw).reached]

    assert reached(changed("demo-dev-high")) == ["high"]
    assert reached(changed("cpu-high")) == ["there"]
    assert reached(changed("cpu-high", ARN)) == ["there", "far"]
    assert router.route(changed("other")).why == {
        "high": "alarm `other` is not the one of `high`",
        "there": "alarm `other` is not `cpu-high`",
        "far": "alarm `other` is not `cpu-high`",
    }
    assert router.route(changed("cpu-high")).why["far"] == f"alarm `arn:x:alarm:cpu-high` is not `{ARN}`"


def test_a_new_alarm_invokes_the_function_and_waits_for_the_permission() -> None:
    template, alarm = watched(states=["ALARM", "OK"], evaluation_periods=3, datapoints_to_alarm=2, description="x")
    action = [{"Fn::GetAtt": ["ToldFunction", "Arn"]}]
    assert alarm == {
        "AlarmName": "demo-dev-told",
        "Namespace": "AWS/Lambda",
        "MetricName": "Errors",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "TreatMissingData": "missing",
        "AlarmDescription": "x",
        "AlarmActions": action,
        "OKActions": action,
    }
    permission = properties(template, "ToldAlarmPermission")
    assert permission["Principal"] == "lambda.alarms.cloudwatch.amazonaws.com"
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":alarm:demo-dev-told")
    assert template["Resources"]["ToldAlarm"]["DependsOn"] == ["ToldAlarmPermission"]
    assert complaints(template) == []


def test_resources_stand_for_their_real_names_in_dimensions() -> None:
    app = App("demo")
    dimensions = {
        "QueueName": app.queue("orders", fifo=True),
        "FunctionName": app.lambda_function("told"),
        "BucketName": app.bucket("uploads"),
        "Currency": "USD",
    }
    app.alarm(**WATCH, dimensions=dimensions)(handler("told"))
    given = {one["Name"]: one["Value"] for one in properties(deployed(app), "ToldAlarm")["Dimensions"]}
    assert given["BucketName"]["Fn::Sub"].startswith("demo-dev-uploads-")
    del given["BucketName"]
    assert given == {"QueueName": "demo-dev-orders.fifo", "FunctionName": "demo-dev-told", "Currency": "USD"}


@pytest.mark.parametrize("statistic", ["p99", "p99.9", "tm90", "IQM", "TM(5%:95%)", "PR(:100)"])
def test_a_percentile_is_an_extended_statistic(statistic: str) -> None:
    _, alarm = watched(statistic=statistic)
    assert alarm["ExtendedStatistic"] == statistic
    assert "Statistic" not in alarm


def test_an_existing_alarm_is_permitted_and_its_owner_told_what_to_add() -> None:
    app = App("demo")
    app.alarm("cpu-high")(handler("told"))
    app.alarm(ARN)(handler("far"))
    template = deployed(app)
    assert template["Outputs"]["ToldAlarmAction"]["Value"] == {"Fn::GetAtt": ["ToldFunction", "Arn"]}
    permission = properties(template, "ToldAlarmPermission")
    assert permission["SourceArn"]["Fn::Sub"].endswith(":alarm:cpu-high")
    far = properties(template, "FarAlarmPermission")
    assert (far["SourceArn"], far["SourceAccount"]) == (ARN, "111122223333")
    assert not [one for one in template["Resources"].values() if one["Type"] == "AWS::CloudWatch::Alarm"]
    assert complaints(template) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "metric must be"),
        ({"metric": "Errors"}, "namespace must be"),
        ({"metric": "Errors", "namespace": "AWS/Lambda"}, "threshold must be a number"),
        ({**WATCH, "threshold": True}, "threshold must be a number"),
        ({**WATCH, "threshold": float("nan")}, "threshold must be a number"),
        ({**WATCH, "threshold": 10**400}, "threshold must be a number"),
        ({**WATCH, "comparison": "GreaterThan"}, "Did you mean 'GreaterThanThreshold'"),
        ({**WATCH, "statistic": "Median"}, "statistic must be one of 'Average'"),
        ({**WATCH, "period": 45}, "a multiple of 60"),
        ({**WATCH, "evaluation_periods": 1441}, "must be 1 to 1440"),
        ({**WATCH, "period": 3600, "evaluation_periods": 169}, "must be 1 to 168"),
        ({**WATCH, "datapoints_to_alarm": 2}, "must be 1 to 1"),
        ({**WATCH, "treat_missing_data": "ok"}, "treat_missing_data must be one of"),
        ({**WATCH, "states": "ALARM"}, "states must be a list"),
        ({**WATCH, "states": ["OKAY"]}, "Did you mean 'OK'"),
        ({**WATCH, "description": "x" * 1025}, "at most 1024"),
        ({**WATCH, "dimensions": {"A": 5}}, "text or resources"),
        ({**WATCH, "dimensions": {f"a{n}": "x" for n in range(31)}}, "at most 30"),
        ({"alarm": ""}, "alarm must be"),
        ({"alarm": "arn:aws:sns:eu-west-1:111122223333:x"}, "not the ARN of an alarm"),
        ({"alarm": "cpu-high", "threshold": 1}, "is there already"),
        ({"alarm": "cpu-high", "states": ["OK"]}, "Remove states"),
    ],
)
def test_what_cloudwatch_refuses_is_refused_on_the_users_line(options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        App("demo").alarm(**options)
    assert "test_alarm.py" in caught.value.place


def test_a_resource_whose_metrics_do_not_go_by_its_name_is_refused() -> None:
    app = App("demo")
    with pytest.raises(RegistrationError, match="The metrics of a user pool do not go by its name"):
        app.alarm(**WATCH, dimensions={"UserPool": app.user_pool("people")})


def test_a_name_that_is_too_long_is_refused() -> None:
    app = App("a" * 40)
    app.function("short")(app.alarm(**WATCH)(handler("t" * 230)))
    with pytest.raises(RegistrationError, match="255 characters CloudWatch takes"):
        deployed(app)
