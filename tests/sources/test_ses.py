"""SES: which mail, in which rule set, and what SES is told to do next."""

from __future__ import annotations

from typing import Any

import pytest
from templates import complaints, deployed, local, properties, types

from eventfw import App, ReceivedMail
from eventfw.errors import RegistrationError
from eventfw.sources.ses import matches
from eventfw.testing import Client


def test_the_handler_receives_the_mail() -> None:
    app, seen = App("demo"), []

    @app.ses_receiver(recipients=["help@example.com"])
    def support(mail: ReceivedMail) -> str:
        seen.append((mail.sender, mail.subject, mail.recipients, mail.verdicts["spam"]))
        return "ignored"

    assert Client(app).send(support, sender="jane@example.net", subject="Lost") is None
    assert seen == [("jane@example.net", "Lost", ["help@example.com"], "PASS")]


@pytest.mark.parametrize(("result", "told"), [(None, "CONTINUE"), ("STOP_RULE", "STOP_RULE"), ("CONTINUE", "CONTINUE")])
def test_a_handler_that_ses_waits_for_says_what_comes_next(result: Any, told: str) -> None:
    app = App("demo")

    @app.ses_receiver(sync=True)
    def screen(mail: ReceivedMail) -> Any:
        return result

    assert Client(app).send(screen) == {"disposition": told}


@pytest.mark.parametrize("result", ["STOP", True, {"disposition": "STOP_RULE"}])
def test_what_is_no_disposition_is_an_error(result: Any) -> None:
    app = App("demo")

    @app.ses_receiver(sync=True)
    def screen(mail: ReceivedMail) -> Any:
        return result

    with pytest.raises(TypeError, match="CONTINUE, STOP_RULE, STOP_RULE_SET"):
        Client(app).send(screen)


@pytest.mark.parametrize(
    ("rule", "address", "expected"),
    [
        ("help@example.com", "Help@Example.com", True),
        ("help@example.com", "help+42@example.com", True),
        ("help@example.com", "sales@example.com", False),
        ("example.com", "any@example.com", True),
        ("example.com", "any@mail.example.com", False),
        (".example.com", "any@mail.example.com", True),
        (".example.com", "any@example.com", False),
    ],
)
def test_recipients_of_a_rule(rule: str, address: str, expected: bool) -> None:
    assert matches(rule, address) is expected


def test_handlers_of_one_function_are_told_apart_by_recipient() -> None:
    app, seen = App("demo"), []

    @app.ses_receiver(recipients=["help@example.com"])
    @app.function("mail")
    def support(mail: Any) -> None:
        seen.append("support")

    @app.ses_receiver(recipients=["example.org"])
    @app.function("mail")
    def other(mail: Any) -> None:
        seen.append("other")

    client = Client(app)
    client.send(other)
    client.send(support)
    assert seen == ["other", "support"]


def test_the_rule_waits_for_its_permission_and_for_leave_to_write() -> None:
    app = App("demo")

    @app.ses_receiver(recipients=["example.com"], bucket=app.bucket("mail"), prefix="in/", tls_policy="Require")
    def support(mail: Any) -> None: ...

    template = deployed(app)
    rule = properties(template, "SupportReceiptRule")
    assert template["Resources"]["SupportReceiptRule"]["DependsOn"] == [
        "MailBucketPolicy",
        "SupportReceiptRulePermission",
    ]
    assert rule["RuleSetName"] == {"Ref": "MailRuleSet"} and rule["Rule"]["TlsPolicy"] == "Require"
    stored, invoked = rule["Rule"]["Actions"]
    assert stored == {"S3Action": {"BucketName": {"Ref": "MailBucket"}, "ObjectKeyPrefix": "in/"}}
    assert invoked["LambdaAction"]["InvocationType"] == "Event"
    permission = properties(template, "SupportReceiptRulePermission")
    assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"} and "SourceArn" not in permission
    statements = properties(template, "MailBucketPolicy")["PolicyDocument"]["Statement"]
    assert [one["Sid"] for one in statements] == ["TlsOnly", "Mail"]
    assert complaints(template) == []


def test_rules_of_the_apps_own_set_follow_one_another() -> None:
    app = App("demo")

    @app.ses_receiver(sync=True)
    def screen(mail: Any) -> None: ...

    @app.ses_receiver(after="screen")
    def support(mail: Any) -> None: ...

    template = deployed(app)
    assert properties(template, "SupportReceiptRule")["After"] == {"Ref": "ScreenReceiptRule"}
    [action] = properties(template, "ScreenReceiptRule")["Rule"]["Actions"]
    assert action["LambdaAction"]["InvocationType"] == "RequestResponse"
    assert list(types(template).values()).count("AWS::SES::ReceiptRuleSet") == 1


def test_rules_of_an_existing_set_are_added_to_it() -> None:
    app = App("demo")

    @app.ses_receiver(rule_set="inbound", after="spam")
    def support(mail: Any) -> None: ...

    template = deployed(app)
    rule = properties(template, "SupportReceiptRule")
    assert (rule["RuleSetName"], rule["After"]) == ("inbound", "spam")
    assert "AWS::SES::ReceiptRuleSet" not in types(template).values()


def test_a_rule_cannot_follow_one_that_is_not_above_it() -> None:
    app = App("demo")

    @app.ses_receiver(after="screen")
    def support(mail: Any) -> None: ...

    with pytest.raises(RegistrationError, match="'screen' is none"):
        deployed(app)


@pytest.mark.parametrize("name", ["x" * 64, "support_"])
def test_a_name_that_ses_refuses_is_refused(name: str) -> None:
    app = App("demo")

    def support(mail: Any) -> None: ...

    support.__name__ = name
    app.ses_receiver()(app.function("support")(support))
    with pytest.raises(RegistrationError, match="SES refuses the rule name"):
        deployed(app)


def test_the_embedded_aws_gets_no_rules() -> None:
    app = App("demo")

    @app.ses_receiver(bucket=app.bucket("mail"))
    def support(mail: Any) -> None: ...

    assert not [type_ for type_ in types(local(app)).values() if type_.startswith("AWS::SES")]


def test_a_function_that_ses_does_not_wait_for_is_refused() -> None:
    app = App("demo")

    @app.ses_receiver(sync=True)
    @app.function(timeout=31)
    def screen(mail: Any) -> None: ...

    with pytest.raises(RegistrationError, match="SES waits 30 s"):
        deployed(app)


@pytest.mark.parametrize(
    "options",
    [
        {"recipients": "help@example.com"},
        {"recipients": [""]},
        {"rule_set": 7},
        {"bucket": "mail"},
        {"prefix": "in/"},
        {"tls_policy": "require"},
        {"sync": "yes"},
        {"scan": None},
    ],
)
def test_what_ses_refuses_is_refused(options: Any) -> None:
    with pytest.raises(RegistrationError):
        App("demo").ses_receiver(**options)


def test_a_rule_for_everybody_names_nobody() -> None:
    app = App("demo")

    @app.ses_receiver()
    def every(mail: Any) -> None: ...

    @app.ses_receiver(recipients=["help@example.com"])
    def some(mail: Any) -> None: ...

    template = deployed(app)
    assert "Recipients" not in properties(template, "EveryReceiptRule")["Rule"]
    assert properties(template, "SomeReceiptRule")["Rule"]["Recipients"] == ["help@example.com"]
