"""Rotation of secrets: the steps, and who may do what with which secret."""

from __future__ import annotations

from typing import Any

import pytest
from templates import allowed, complaints, deployed, local, properties, types

from eventfw import App, SecretStep
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.runtime import entry
from eventfw.testing import Client

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:database-a1b2c3"


def handle(step: Any) -> None: ...


def test_the_handler_receives_each_step() -> None:
    app, seen = App("demo"), []

    @app.secret_rotation("database")
    def rotate(step: SecretStep) -> str:
        seen.append((step.step, step.secret_id.rpartition(":")[2], step.token))
        return "ignored"

    assert Client(app).send(rotate, step="setSecret", token="t-1") is None
    assert seen == [("setSecret", "database-a1b2c3", "t-1")]


def test_a_step_that_no_rotation_has_is_an_error() -> None:
    app = App("demo")
    app.secret_rotation("database")(handle)
    with pytest.raises(ValueError, match="createSecret, setSecret, testSecret, finishSecret"):
        Client(app).send(handle, step="destroySecret")


def test_an_exception_fails_the_step() -> None:
    app = App("demo")

    @app.secret_rotation("database")
    def rotate(step: SecretStep) -> None:
        raise ConnectionError("no database")

    with pytest.raises(ConnectionError):
        entry(app, "rotate")(app.handlers[0].triggers[0].sample(), None)


@pytest.mark.parametrize(
    ("secret", "arn", "taken"),
    [
        ("database", ARN, True),
        (ARN, ARN, True),
        (ARN.rpartition("-")[0], ARN, True),
        ("data", ARN, False),
        ("database-a1b2c3", ARN, True),
        (ARN, ARN.replace("database", "mailbox"), False),
        (ARN.rpartition("-")[0], ARN.replace("database", "database-copy"), False),
    ],
)
def test_a_secret_is_known_by_its_name_and_by_its_arn(secret: str, arn: str, taken: bool) -> None:
    app = App("demo")
    app.secret_rotation(secret)(handle)
    event = app.handlers[0].triggers[0].sample(secret_id=arn)
    assert bool(Router(app).route(event).reached) is taken


@pytest.mark.parametrize(
    ("options", "rules"),
    [
        ({}, {"AutomaticallyAfterDays": 30}),
        ({"days": 7}, {"AutomaticallyAfterDays": 7}),
        ({"schedule": "rate(12 hours)", "duration": "3h"}, {"ScheduleExpression": "rate(12 hours)", "Duration": "3h"}),
    ],
)
def test_the_schedule_waits_for_a_permission_of_this_secret(options: Any, rules: Any) -> None:
    app = App("demo")
    app.secret_rotation("database", immediately=False, **options)(handle)
    template = deployed(app)
    schedule = properties(template, "HandleRotationSchedule")
    assert (schedule["SecretId"], schedule["RotationRules"]) == ("database", rules)
    assert schedule["RotateImmediatelyOnUpdate"] is False
    assert template["Resources"]["HandleRotationSchedule"]["DependsOn"] == ["HandleRotationSchedulePermission"]
    permission = properties(template, "HandleRotationSchedulePermission")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":secret:database-??????")
    assert complaints(template) == []


def test_the_function_may_rotate_this_secret_and_no_other() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1"
    app = App("demo")
    app.secret_rotation(ARN, kms_key=key)(handle)
    assert allowed(deployed(app), "HandleRole") == [
        (
            [
                "secretsmanager:DescribeSecret",
                "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue",
                "secretsmanager:UpdateSecretVersionStage",
            ],
            [ARN],
        ),
        (["secretsmanager:GetRandomPassword"], ["*"]),
        (["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], [key]),
    ]


def test_an_arn_without_the_characters_that_secrets_manager_adds_is_completed() -> None:
    app = App("demo")
    app.secret_rotation(ARN.rpartition("-")[0])(handle)
    template = deployed(app)
    arn = ARN.rpartition("-")[0] + "-??????"
    assert properties(template, "HandleRotationSchedulePermission")["SourceArn"] == arn
    assert allowed(template, "HandleRole")[0][1] == [arn]


def test_the_embedded_aws_gets_no_schedule() -> None:
    app = App("demo")
    app.secret_rotation("database")(handle)
    assert "AWS::SecretsManager::RotationSchedule" not in types(local(app)).values()


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        ("", {}),
        ("a b", {}),
        ("arn:aws:secretsmanager:us-east-1:123456789012:database", {}),
        ("arn:aws:s3:::database", {}),
        ("database", {"days": 0}),
        ("database", {"days": 1001}),
        ("database", {"days": 7, "schedule": "rate(1 day)"}),
        ("database", {"schedule": "daily"}),
        ("database", {"duration": "3 hours"}),
        ("database", {"duration": "25h"}),
        ("database", {"immediately": "no"}),
        ("database", {"kms_key": "alias/mine"}),
    ],
)
def test_what_secrets_manager_refuses_is_refused(secret: str, options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").secret_rotation(secret, **options)


def test_a_secret_has_one_rotation() -> None:
    app = App("demo")
    app.secret_rotation("database")(handle)
    with pytest.raises(RegistrationError, match="rotation of secret 'database' is there already"):
        app.secret_rotation("database")(print)
