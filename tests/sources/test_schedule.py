"""Schedules: rules of EventBridge where these do, and schedules of EventBridge Scheduler where they do not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from templates import complaints, deployed, local, properties

from eventfw import App, Blueprint, Tick
from eventfw.errors import RegistrationError
from eventfw.routing import Router, identify
from eventfw.sources.schedule import Schedule, scheduled_event, scheduler_event
from eventfw.testing import Client

DAILY = "cron(0 6 * * ? *)"
BERLIN = "Europe/Berlin"
ARN = "arn:aws:scheduler:eu-west-1:123456789012:schedule/demo-dev/demo-dev-told"


def scheduled(expression: str = DAILY, **options: Any) -> tuple[App, list[Tick]]:
    app, seen = App("demo"), list[Tick]()
    if options.get("dead_letter") is True:
        options["dead_letter"] = app.queue("lost", kms_key=options.pop("kms_key", None))

    @app.schedule(expression, **options)
    def told(tick: Tick) -> None:
        seen.append(tick)

    return app, seen


def kinds(template: dict[str, Any]) -> set[str]:
    return {one["Type"] for one in template["Resources"].values() if one["Type"].startswith(("AWS::Ev", "AWS::Sch"))}


@pytest.mark.parametrize("options", [{}, {"timezone": "UTC"}])
def test_what_a_rule_can_do_stays_a_rule(options: dict[str, Any]) -> None:
    app, _ = scheduled(**options)
    template = deployed(app)
    assert properties(template, "ToldSchedule") == {
        "Name": "demo-dev-told",
        "ScheduleExpression": DAILY,
        "State": "ENABLED",
        "Targets": [{"Id": "function", "Arn": {"Fn::GetAtt": ["ToldFunction", "Arn"]}}],
    }
    assert kinds(template) == {"AWS::Events::Rule"}


def test_a_rule_says_how_its_ticks_are_delivered() -> None:
    app, _ = scheduled(maximum_retry_attempts=3, maximum_event_age=600, dead_letter=True, description="Daily")
    template = deployed(app)
    rule = properties(template, "ToldSchedule")
    [target] = rule["Targets"]
    assert rule["Description"] == "Daily"
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 600}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["LostQueue", "Arn"]}}
    statements = properties(template, "LostQueuePolicy")["PolicyDocument"]["Statement"]
    [statement] = [one for one in statements if one["Principal"] == {"Service": "events.amazonaws.com"}]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["ToldSchedule", "Arn"]}}}
    assert complaints(template) == []


@pytest.mark.parametrize(
    ("expression", "options"),
    [
        (DAILY, {"timezone": BERLIN}),
        (DAILY, {"flexible_window": 15}),
        (DAILY, {"start": "2030-01-01T00:00:00Z"}),
        (DAILY, {"end": "2030-01-01T00:00:00Z"}),
        ("rate(1 hour)", {"input": False}),
        ("at(2030-01-31T09:00:00)", {}),
    ],
)
def test_what_a_rule_cannot_do_is_a_schedule_under_another_id(expression: str, options: dict[str, Any]) -> None:
    app, _ = scheduled(expression, **options)
    template = deployed(app)
    assert kinds(template) == {"AWS::Scheduler::Schedule", "AWS::Scheduler::ScheduleGroup"}
    assert properties(template, "ToldSchedulerSchedule")["ScheduleExpression"] == expression
    assert "AWS::Lambda::Permission" not in [one["Type"] for one in template["Resources"].values()]
    assert complaints(template) == []


def test_a_schedule_has_all_its_options_and_a_role_of_its_own() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/0000"
    app, _ = scheduled(
        timezone=BERLIN,
        flexible_window=15,
        start=datetime(2030, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        end="2031-01-01T00:00:00+00:00",
        input={"full": True},
        description="Daily",
        enabled=False,
        maximum_retry_attempts=0,
        maximum_event_age=60,
        dead_letter=True,
        kms_key=key,
    )
    template = deployed(app)
    made = properties(template, "ToldSchedulerSchedule")
    target = made["Target"]
    assert made == {
        "Target": target,
        "Name": "demo-dev-told",
        "GroupName": {"Ref": "ScheduleGroup"},
        "ScheduleExpression": DAILY,
        "ScheduleExpressionTimezone": BERLIN,
        "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15},
        "State": "DISABLED",
        "StartDate": "2030-01-01T00:00:00.000Z",
        "EndDate": "2031-01-01T00:00:00.000Z",
        "Description": "Daily",
    }
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": ["LostQueue", "Arn"]}}
    assert target["RoleArn"] == {"Fn::GetAtt": ["ToldSchedulerRole", "Arn"]}
    assert complaints(template) == []
    role = properties(template, "ToldSchedulerRole")
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["scheduler.amazonaws.com"]}
    assert trust["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert trust["Condition"]["StringEquals"]["aws:SourceArn"]["Fn::Sub"].endswith(":schedule-group/demo-dev")
    allowed = {one["Action"][0]: one["Resource"] for one in role["Policies"][0]["PolicyDocument"]["Statement"]}
    assert allowed == {
        "lambda:InvokeFunction": [{"Fn::GetAtt": ["ToldFunction", "Arn"]}],
        "sqs:SendMessage": [{"Fn::GetAtt": ["LostQueue", "Arn"]}],
        "kms:Decrypt": [key],
    }


def test_schedules_of_a_blueprints_stack_are_in_the_apps_group() -> None:
    from eventfw.tools.build import assemble
    from eventfw.tools.build.assemble import handler_of
    from eventfw.tools.build.functions import Code, code_in_bucket
    from eventfw.tools.project import Stage

    app, _ = scheduled(timezone=BERLIN)
    admin = Blueprint("admin")
    admin.schedule(DAILY, timezone=BERLIN)(lambda_called("mine"))
    app.mount(admin, stack=True)

    def code(function: Any) -> Code:
        return Code("python3.13", handler_of(function), code_in_bucket(app.name, "0" * 64))

    main, own = (one.body("") for one in assemble._main_templates(app, Stage("dev"), code).values())
    assert "ScheduleGroup" not in own["Resources"]
    assert properties(own, "MineSchedulerSchedule")["GroupName"] == {"Ref": "ScheduleGroup"}
    assert main["Outputs"]["ScheduleGroup"]["Value"] == {"Ref": "ScheduleGroup"}


def lambda_called(name: str) -> Any:
    def func(tick: Tick) -> None: ...

    func.__name__ = name
    return func


def test_what_a_schedule_sends_is_read_like_what_a_rule_sends() -> None:
    app, seen = scheduled(timezone=BERLIN, input=[1, {"a": "b"}])
    text = properties(deployed(app), "ToldSchedulerSchedule")["Target"]["Input"]
    at = "2026-03-01T05:00:00Z"
    raw = json.loads(text.replace("<aws.scheduler.schedule-arn>", ARN).replace("<aws.scheduler.scheduled-time>", at))
    assert identify(raw) == "eventbridge"
    route = Router(app).route(raw)
    assert [handler.name for handler in route.reached] == ["told"]
    Client(app).invoke("told", raw)
    [tick] = seen
    assert (tick.time, tick.rule) == (datetime(2026, 3, 1, 5, tzinfo=UTC), "demo-dev-told")
    assert tick.input == [1, {"a": "b"}]
    assert tick.id == f"{ARN}/{at}"


def test_what_scheduler_sends_by_itself_is_read_too() -> None:
    app, seen = scheduled(timezone=BERLIN)
    raw = scheduler_event(ARN, "2026-03-01T05:00:00Z") | {"detail": "{}", "id": "x", "account": "123456789012"}
    Client(app).invoke("told", raw)
    assert (seen[0].input, seen[0].id) == (None, "x")


def test_a_handler_of_several_schedules_gets_each_ones_input() -> None:
    app, seen = App("demo"), []

    @app.schedule("rate(1 day)", input={"part": "a"})
    @app.schedule("rate(1 hour)", input={"part": "b"})
    @app.schedule("rate(5 minutes)")
    def told(tick: Tick) -> None:
        seen.append(tick.input)

    for trigger in app.handlers[0].triggers:
        Client(app).invoke("told", trigger.sample())
    assert seen == [None, {"part": "b"}, {"part": "a"}]
    made = deployed(app)["Resources"]
    assert {"ToldSchedule", "Told2SchedulerSchedule", "Told3SchedulerSchedule"} <= set(made)


def test_samples_take_an_input_only_where_there_is_one() -> None:
    app, seen = scheduled(input={"a": 1})
    Client(app).send("told", input={"a": 2}, time="2026-03-01T06:00:00Z", id="x")
    assert (seen[0].input, seen[0].id, seen[0].time.month) == ({"a": 2}, "x", 3)
    app, _ = scheduled()
    with pytest.raises(RegistrationError, match="has no field 'input'"):
        Client(app).send("told", input={"a": 2})


@dataclass
class Job:
    part: str


def test_a_model_is_made_of_the_input() -> None:
    app, seen = App("demo"), []

    @app.schedule("rate(1 day)", input={"part": "a"})
    def told(job: Job) -> None:
        seen.append(job)

    Client(app).send(told)
    assert seen == [Job("a")]


def test_ticks_of_others_are_not_taken() -> None:
    app, _ = scheduled(timezone=BERLIN)
    router = Router(app)
    other = router.route(scheduled_event("demo-dev-other", "2026-03-01T05:00:00Z", id_="x"))
    assert other.why == {"told": "rule `demo-dev-other` is not the one of `told`"}
    plain = {"source": "my.shop", "detail-type": "x", "detail": {}}
    assert router.route(plain).why == {"told": "source `my.shop` is not `aws.scheduler`"}


def test_the_embedded_aws_fires_no_schedule_and_the_local_server_is_told_all_of_it() -> None:
    app, _ = scheduled("rate(5 minutes)", timezone=BERLIN, start="2030-01-01T00:00:00Z", input={"a": 1})
    assert properties(local(app), "ToldSchedulerSchedule")["State"] == "DISABLED"
    assert app.handlers[0].triggers[0].local() == (
        "schedules",
        {
            "rule": "told",
            "expression": "rate(5 minutes)",
            "enabled": True,
            "scheduler": True,
            "timezone": BERLIN,
            "start": "2030-01-01T00:00:00.000Z",
            "end": None,
            "input": {"a": 1},
        },
    )


@pytest.mark.parametrize(
    ("expression", "options", "said"),
    [
        (DAILY, {"timezone": "Europe/Berln"}, "time zone"),
        ("at(2030-01-31)", {}, "yyyy-mm-ddThh:mm:ss"),
        (DAILY, {"flexible_window": 1441}, "must be 1 to 1440"),
        (DAILY, {"start": "soon"}, "a datetime with a time zone"),
        (DAILY, {"start": datetime(2030, 1, 1)}, "a datetime with a time zone"),
        (DAILY, {"end": 5}, "a datetime with a time zone"),
        (DAILY, {"start": "2030-01-02T00:00:00Z", "end": "2030-01-01T00:00:00Z"}, "end must be after start"),
        ("at(2030-01-31T09:00:00)", {"start": "2030-01-01T00:00:00Z"}, "start is not for at"),
        (DAILY, {"input": {1}}, "written as JSON"),
        (DAILY, {"input": "x" * 262_144}, "takes 255 KB"),
        (DAILY, {"description": "x" * 513}, "at most 512"),
        (DAILY, {"maximum_retry_attempts": -1}, "must be 0 to 185"),
        (DAILY, {"maximum_event_age": 86_401}, "must be 60 to 86400"),
        (DAILY, {"dead_letter": "lost"}, "a standard queue of the app"),
        ("rate(1 minutes)", {}, "must agree with its value"),
        (5, {}, "expression must be text"),
    ],
)
def test_what_aws_refuses_is_refused_on_the_users_line(expression: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        App("demo").schedule(expression, **options)
    assert "test_schedule.py" in caught.value.place


@pytest.mark.parametrize(
    ("expression", "options", "left"),
    [
        ("at(2020-01-31T09:00:00)", {}, False),
        ("at(2199-01-31T09:00:00)", {}, True),
        (DAILY, {"end": "2020-01-01T00:00:00Z"}, False),
        (DAILY, {"start": "2190-01-01T00:00:00Z", "end": "2190-01-01T05:00:00Z"}, False),
        (DAILY, {"start": "2190-01-01T00:00:00Z", "end": "2190-01-01T06:00:00Z"}, True),
        ("rate(1 day)", {"start": "2190-01-01T00:00:00Z", "end": "2190-01-01T01:00:00Z"}, True),
    ],
)
def test_a_schedule_that_never_fires_again_is_found(expression: str, options: dict[str, Any], left: bool) -> None:
    assert bool(Schedule(expression, **options).faults()) is not left
