"""AWS Config: verdicts reach PutEvaluations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from endpoint import Endpoint, aws_endpoint
from templates import allowed, complaints, deployed, local, properties, types

from eventfw import App, ConfigNotification
from eventfw.errors import RegistrationError
from eventfw.runtime import entry


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with aws_endpoint(monkeypatch) as found:
        yield found


def send(handler: Any, *, options: Any = (), **fields: Any) -> None:
    app = App("demo")
    app.config_rule(**dict(options))(handler)
    assert entry(app, handler.__name__)(app.handlers[0].triggers[0].sample(**fields), None) is None


def returning(result: Any) -> Any:
    def private(notification: ConfigNotification) -> Any:
        return result

    return private


@pytest.mark.parametrize(
    ("result", "compliance"),
    [
        (True, "COMPLIANT"),
        (False, "NON_COMPLIANT"),
        ("COMPLIANT", "COMPLIANT"),
        ("NOT_APPLICABLE", "NOT_APPLICABLE"),
    ],
)
def test_a_verdict_is_of_the_resource_that_changed(config: Endpoint, result: Any, compliance: str) -> None:
    send(returning(result), resource_type="AWS::S3::Bucket", resource_id="photos", result_token="token-1")
    [(operation, parameters)] = config.calls
    [evaluation] = parameters["Evaluations"]
    assert operation == "PutEvaluations" and parameters["ResultToken"] == "token-1"
    assert (evaluation["ComplianceResourceType"], evaluation["ComplianceResourceId"]) == ("AWS::S3::Bucket", "photos")
    assert evaluation["ComplianceType"] == compliance and evaluation["OrderingTimestamp"] == 1767225600
    assert "TestMode" not in parameters


@pytest.mark.parametrize("fields", [{"status": "ResourceDeleted"}, {"left_scope": True}])
def test_a_resource_that_is_gone_is_not_applicable_without_a_call(config: Endpoint, fields: Any) -> None:
    def private(notification: ConfigNotification) -> bool:
        raise AssertionError("called")

    send(private, **fields)
    assert config.calls[0][1]["Evaluations"][0]["ComplianceType"] == "NOT_APPLICABLE"


def test_many_evaluations_go_a_hundred_at_a_time(config: Endpoint) -> None:
    def private(notification: ConfigNotification) -> Any:
        return [notification.evaluation(True, resource_id=str(each), annotation="x" * 300) for each in range(250)]

    send(private, options={"frequency": "One_Hour"}.items())
    sent = [parameters["Evaluations"] for _, parameters in config.calls]
    assert [len(each) for each in sent] == [100, 100, 50]
    assert len({one["ComplianceResourceId"] for each in sent for one in each}) == 250
    assert len(sent[0][0]["Annotation"]) == 256


def test_on_schedule_a_bare_verdict_is_of_the_account(config: Endpoint) -> None:
    send(returning(False), options={"frequency": "TwentyFour_Hours"}.items())
    [evaluation] = config.calls[0][1]["Evaluations"]
    assert (evaluation["ComplianceResourceType"], evaluation["ComplianceResourceId"]) == (
        "AWS::::Account",
        "123456789012",
    )


def test_a_test_token_is_a_test(config: Endpoint) -> None:
    send(returning(True), result_token="TESTMODE")
    assert config.calls[0][1]["TestMode"] is True


@pytest.mark.parametrize("result", [None, 7, "FINE", "INSUFFICIENT_DATA", [None]])
def test_what_is_no_verdict_fails_the_invocation(config: Endpoint, result: Any) -> None:
    with pytest.raises(TypeError, match="COMPLIANT, NON_COMPLIANT"):
        send(returning(result))
    assert config.calls == []


def test_an_exception_fails_the_invocation_so_that_lambda_tries_again(config: Endpoint) -> None:
    def private(notification: ConfigNotification) -> bool:
        raise KeyError("acl")

    with pytest.raises(KeyError):
        send(private)
    assert config.calls == []


def test_evaluations_that_config_does_not_take_fail_the_invocation(config: Endpoint) -> None:
    config.answers = [(200, json.dumps({"FailedEvaluations": [{"ComplianceResourceId": "photos"}]}).encode())]
    with pytest.raises(RuntimeError, match="did not take 1 of 1 evaluations, of 'photos'"):
        send(returning(True))


def test_an_oversized_item_is_asked_for(config: Endpoint) -> None:
    summary = {
        "resourceType": "AWS::S3::Bucket",
        "resourceId": "photos",
        "configurationItemCaptureTime": "2026-01-01T00:00:00.000Z",
        "configurationItemStatus": "OK",
    }
    message = {"messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": summary}
    notification = ConfigNotification({"invokingEvent": json.dumps(message), "accountId": "1", "configRuleName": "r"})
    assert notification.oversized and notification.configuration == {}
    config.answers = [(200, json.dumps({"configurationItems": [{"configuration": '{"acl": "private"}'}]}).encode())]
    assert notification.full_item()["configuration"] == {"acl": "private"}
    assert config.calls[0][0] == "GetResourceConfigHistory" and config.calls[0][1]["resourceId"] == "photos"


def test_the_message_is_read_when_it_is_first_asked_for() -> None:
    notification = ConfigNotification({"invokingEvent": "not JSON", "ruleParameters": '{"acl": "private"}'})
    assert notification.parameters == {"acl": "private"}
    with pytest.raises(ValueError):
        notification.message_type  # noqa: B018


def test_the_rule_waits_for_a_permission_of_this_account() -> None:
    app = App("demo")

    @app.config_rule(resource_types=["AWS::S3::Bucket"], frequency="Six_Hours", input_parameters={"acl": "private"})
    def private(notification: ConfigNotification) -> bool:
        return True

    template = deployed(app)
    rule = properties(template, "PrivateConfigRule")
    assert rule["ConfigRuleName"] == "demo-dev-private"
    assert rule["Scope"] == {"ComplianceResourceTypes": ["AWS::S3::Bucket"]}
    assert [each["MessageType"] for each in rule["Source"]["SourceDetails"]] == [
        "ConfigurationItemChangeNotification",
        "OversizedConfigurationItemChangeNotification",
        "ScheduledNotification",
    ]
    assert template["Resources"]["PrivateConfigRule"]["DependsOn"] == ["PrivateConfigRulePermission"]
    permission = properties(template, "PrivateConfigRulePermission")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"} and "SourceArn" not in permission
    assert allowed(template, "PrivateRole") == [(["config:GetResourceConfigHistory", "config:PutEvaluations"], ["*"])]
    assert complaints(template) == []


def test_a_rule_on_schedule_only_has_no_other_messages() -> None:
    app = App("demo")
    app.config_rule(frequency="One_Hour")(returning(True))
    [details] = properties(deployed(app), "PrivateConfigRule")["Source"]["SourceDetails"]
    assert details["MaximumExecutionFrequency"] == "One_Hour"


def test_the_embedded_aws_gets_no_rule() -> None:
    app = App("demo")
    app.config_rule()(returning(True))
    assert "AWS::Config::ConfigRule" not in types(local(app)).values()


@pytest.mark.parametrize(
    "options",
    [
        {"resource_types": "AWS::S3::Bucket"},
        {"resource_types": ["bucket"]},
        {"resource_types": ["AWS::S3::Bucket"], "tag": ("team",)},
        {"tag": ("a", "b", "c")},
        {"frequency": "hourly"},
        {"input_parameters": {"size": 3}},
        {"input_parameters": {"text": "x" * 1100}},
        {"description": "x" * 257},
    ],
)
def test_what_config_refuses_is_refused(options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").config_rule(**options)


def test_a_rule_takes_its_own_notifications_only() -> None:
    app = App("demo")

    @app.config_rule(description="Buckets")
    def first(notification: ConfigNotification) -> bool:
        return True

    trigger: Any = app.handlers[0].triggers[0]
    assert trigger.mismatch({**trigger.sample(), "configRuleName": "demo-dev-first"}) == ""
    assert trigger.mismatch({**trigger.sample(), "configRuleName": "demo-dev-other"}) != ""
    assert properties(deployed(app), "FirstConfigRule")["Description"] == "Buckets"


@pytest.mark.parametrize(("options", "scheduled"), [({}, False), ({"frequency": "One_Hour"}, True)])
def test_a_notification_says_whether_it_is_time(options: Any, scheduled: bool) -> None:
    app = App("demo")

    @app.config_rule(**options)
    def rule(notification: ConfigNotification) -> bool:
        return True

    assert ConfigNotification(app.handlers[0].triggers[0].sample()).scheduled is scheduled
