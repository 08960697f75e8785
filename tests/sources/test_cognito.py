"""Cognito: each trigger's response, what pools are told of functions, and the circle that a pool would close."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from stacks import stack_of

from eventfw import App, Blueprint, CognitoEvent
from eventfw.answering.cognito import TRIGGERS
from eventfw.errors import RegistrationError
from eventfw.routing import Router
from eventfw.runtime import entry
from eventfw.testing import Client
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.project import Config, Project, Stage

EXISTING = "eu-west-1_AbCdEf123"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d"


def nothing(event: Any) -> None: ...


def app_with(name: str, func: Any = nothing, **options: Any) -> App:
    app = App("demo")
    app.cognito_trigger(name, app.user_pool("people"), **options)(func)
    return app


def options_of(name: str) -> dict[str, Any]:
    return {"kms_key": KEY} if name.endswith("sender") else {}


@pytest.mark.parametrize("name", sorted(TRIGGERS))
def test_every_trigger_takes_its_own_sources_and_no_others(name: str) -> None:
    app = App("demo")
    people = app.user_pool("people")
    for each in TRIGGERS:
        app.cognito_trigger(each, people, **options_of(each))(named(each))
    triggers = {handler.name: handler.triggers[0] for handler in app.handlers}
    event = triggers[name].sample()
    assert [handler.name for handler in Router(app).route(event).reached] == [name]
    assert Client(app).invoke(name, event) is event


def named(name: str) -> Any:
    def made(event: Any) -> None: ...

    made.__name__ = name
    return made


@pytest.mark.parametrize("last", ["SignUp", "AdminCreateUser", "ExternalProvider", "NewInFuture"])
def test_all_sources_of_a_trigger_reach_it(last: str) -> None:
    client = Client(app_with("pre_sign_up"))
    assert client.send(nothing, trigger_source=f"PreSignUp_{last}")["triggerSource"] == f"PreSignUp_{last}"


def test_both_names_of_the_answers_check_reach_it() -> None:
    def check(event: CognitoEvent) -> None:
        event.response.answer_correct = True

    client = Client(app_with("verify_auth_challenge_response", check))
    for begin in ("VerifyAuthChallengeResponse", "VerifyAuthChallenge"):
        answer = client.send(check, trigger_source=f"{begin}_Authentication")
        assert answer["response"] == {"answerCorrect": True}


def test_the_whole_event_is_returned_with_the_response_filled() -> None:
    def confirm(event: CognitoEvent) -> None:
        event.response.auto_confirm_user = True

    app = app_with("pre_sign_up", confirm)
    event = app.handlers[0].triggers[0].sample(user_name="bob")
    answer = Client(app).invoke("confirm", event)
    assert answer == {**event, "response": {**event["response"], "autoConfirmUser": True}}
    assert answer["userName"] == "bob"


@pytest.mark.parametrize("whole", [False, True])
def test_a_returned_dict_fills_the_response(whole: bool) -> None:
    def confirm(event: CognitoEvent) -> dict[str, Any]:
        answer = {"autoConfirmUser": True}
        return {"triggerSource": event.trigger_source, "response": answer} if whole else answer

    answer = Client(app_with("pre_sign_up", confirm)).send(confirm)
    assert answer["response"]["autoConfirmUser"] is True
    assert answer["userPoolId"]


@pytest.mark.parametrize(
    "result",
    [
        {"autoConfirmUsers": True},
        {"autoConfirmUser": "yes"},
        {"triggerSource": "PreSignUp_SignUp"},
        {"triggerSource": "PreSignUp_SignUp", "response": "yes"},
        True,
        "no",
    ],
)
def test_a_result_that_cognito_would_refuse_is_an_error(result: Any) -> None:
    def confirm(event: Any) -> Any:
        return result

    with pytest.raises(TypeError):
        Client(app_with("pre_sign_up", confirm)).send(confirm)


def test_an_attribute_of_another_trigger_is_refused() -> None:
    def confirm(event: CognitoEvent) -> None:
        event.response.answer_correct = True

    with pytest.raises(AttributeError, match="PreSignUp has no 'answer_correct'; it has auto_confirm_user"):
        Client(app_with("pre_sign_up", confirm)).send(confirm)


def test_items_of_the_response_have_awss_own_names() -> None:
    app = App("demo")

    @app.cognito_trigger("pre_sign_up", app.user_pool("people"))
    def welcome(event: CognitoEvent) -> None:
        event.response["autoConfirmUser"] = True
        assert event.response["autoConfirmUser"] is event.response.auto_confirm_user is True
        with pytest.raises(TypeError, match="has no 'autoConfirm'"):
            event.response["autoConfirm"] = True

    answer = entry(app, "welcome")(app.handlers[0].triggers[0].sample(), None)
    assert answer["response"]["autoConfirmUser"] is True


def test_a_value_of_another_type_is_refused() -> None:
    def confirm(event: Any) -> None:
        event.response.auto_confirm_user = "yes"

    with pytest.raises(TypeError, match="auto_confirm_user is of type bool"):
        Client(app_with("pre_sign_up", confirm)).send(confirm)


def test_an_exception_denies_with_its_message() -> None:
    def refuse(event: Any) -> None:
        raise ValueError("Not you")

    with pytest.raises(ValueError, match="Not you"):
        Client(app_with("pre_sign_up", refuse)).send(refuse)


def test_a_message_must_hold_its_code() -> None:
    def mail(event: CognitoEvent) -> None:
        event.response.email_message = event.request.get("text", f"Your code is {event.code}")

    client = Client(app_with("custom_message", mail))
    assert client.send(mail)["response"]["emailMessage"] == "Your code is {####}"
    assert client.send(mail, request={"text": "{##here##}"})["response"]["emailMessage"] == "{##here##}"
    with pytest.raises(ValueError, match=r"\{####\}"):
        client.send(mail, request={"text": "hello"})
    with pytest.raises(ValueError, match=r"\{username\}"):
        client.send(mail, trigger_source="CustomMessage_AdminCreateUser")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("pre_signup", {}, "Did you mean 'pre_sign_up'"),
        ("PreSignUp", {}, "name must be one of"),
        ("pre_sign_up", {"version": "V2_0"}, "Only pre_token_generation"),
        ("pre_token_generation", {"version": "V4_0"}, "version must be one of"),
        ("custom_email_sender", {}, "needs kms_key"),
        ("custom_email_sender", {"kms_key": "alias/mine"}, "kms_key must be arn:aws:kms"),
        ("pre_sign_up", {"kms_key": KEY}, "Remove kms_key"),
        ("pre_sign_up", {"uses": ["people"]}, "uses must be a list of grants"),
    ],
)
def test_wrong_options_are_refused_where_they_are_written(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said) as caught:
        app_with(name, **options)
    assert "test_cognito.py" in str(caught.value.place)


def test_a_grant_of_something_else_is_refused() -> None:
    app = App("demo")
    orders = app.queue("orders")
    with pytest.raises(RegistrationError, match="is not of the pool"):
        app.cognito_trigger("pre_sign_up", app.user_pool("people"), uses=[orders.send])


def test_two_functions_for_a_trigger_of_a_pool_are_refused() -> None:
    app = app_with("pre_sign_up")
    with pytest.raises(RegistrationError, match="The pre_sign_up trigger of user pool 'people' is there already"):
        app.cognito_trigger("pre_sign_up", app.resources[0])(named("other"))


def test_two_pools_cannot_share_a_function_for_one_trigger() -> None:
    app = App("demo")
    for key in ("people", "members"):
        app.cognito_trigger("pre_sign_up", app.user_pool(key))(app.function("both")(named(key)))
    with pytest.raises(Exception, match="take the same event"):
        stack_of(app)


def test_a_pool_is_told_of_its_functions() -> None:
    app = App("demo")
    people = app.user_pool("people")
    app.cognito_trigger("pre_sign_up", people)(named("one"))
    app.cognito_trigger("pre_token_generation", people)(named("two"))
    app.cognito_trigger("custom_sms_sender", people, kms_key=KEY)(named("three"))
    app.cognito_trigger("inbound_federation", people)(named("four"))
    resources = stack_of(app)["Resources"]
    arn = {word: {"Fn::GetAtt": [f"{word}Function", "Arn"]} for word in ("One", "Two", "Three", "Four")}
    assert resources["PeopleUserPool"]["Properties"]["LambdaConfig"] == {
        "PreSignUp": arn["One"],
        "PreTokenGeneration": arn["Two"],
        "CustomSMSSender": {"LambdaArn": arn["Three"], "LambdaVersion": "V1_0"},
        "KMSKeyID": KEY,
        "InboundFederation": {"LambdaArn": arn["Four"], "LambdaVersion": "V1_0"},
    }
    permission = resources["OnePeopleUserPoolPermission"]["Properties"]
    assert permission["Principal"] == "cognito-idp.amazonaws.com"
    assert permission["SourceArn"] == {"Fn::GetAtt": ["PeopleUserPool", "Arn"]}
    statements = resources["ThreeRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert {"Effect": "Allow", "Action": ["kms:Decrypt"], "Resource": [KEY]} in statements


@pytest.mark.parametrize("version", ["V2_0", "V3_0"])
def test_later_versions_of_tokens_are_asked_for(version: str) -> None:
    app = app_with("pre_token_generation", version=version)
    config = stack_of(app)["Resources"]["PeopleUserPool"]["Properties"]["LambdaConfig"]
    assert config["PreTokenGenerationConfig"]["LambdaVersion"] == version
    assert app.handlers[0].triggers[0].sample()["response"] == {"claimsAndScopeOverrideDetails": None}


def test_two_senders_have_one_key() -> None:
    app = App("demo")
    people = app.user_pool("people")
    app.cognito_trigger("custom_sms_sender", people, kms_key=KEY)(named("one"))
    app.cognito_trigger("custom_email_sender", people, kms_key=KEY + "0")(named("two"))
    with pytest.raises(RegistrationError, match="one key for its senders"):
        stack_of(app)


def test_a_function_may_use_its_own_pool_without_a_circle() -> None:
    app = App("demo")
    people = app.user_pool("people")
    app.cognito_trigger("post_confirmation", people, uses=[people.write])(named("one"))
    resources = stack_of(app)["Resources"]
    policy = resources["OnePeopleUserPoolPolicy"]["Properties"]
    assert policy["Roles"] == [{"Ref": "OneRole"}]
    assert policy["PolicyDocument"]["Statement"][0]["Resource"] == [{"Fn::GetAtt": ["PeopleUserPool", "Arn"]}]
    assert "PeopleUserPool" not in str(resources["OneRole"]) + str(resources["OneFunction"])


def test_a_grant_that_would_close_a_circle_is_refused_with_the_way_out() -> None:
    app = App("demo")
    people = app.user_pool("people")
    app.cognito_trigger("post_confirmation", people)(app.function(uses=[people.write])(named("one")))
    with pytest.raises(RegistrationError, match=r"would wait for its own pool.*uses=\[\.\.\.\]"):
        stack_of(app)


def test_a_function_of_another_stack_is_refused() -> None:
    app, blueprint = App("demo"), Blueprint("admin")
    blueprint.cognito_trigger("pre_sign_up", app.user_pool("people"))(named("one"))
    app.mount(blueprint, stack=True)
    with pytest.raises(RegistrationError, match="without stack=True"):
        build(Project(Path("/nowhere"), Config(), app, "app", "app"), Stage("dev"), local=LocalVariant("http://x"))


def test_in_the_embedded_aws_an_existing_pool_is_told_of_its_functions() -> None:
    app = App("demo")
    app.cognito_trigger("pre_sign_up", EXISTING)(named("one"))
    pool = stack_of(app, local=True)["Resources"]["EuWest1AbCdEf123UserPool"]["Properties"]
    assert pool["LambdaConfig"] == {"PreSignUp": {"Fn::GetAtt": ["OneFunction", "Arn"]}}


def test_of_an_existing_pool_the_function_is_an_output() -> None:
    app = App("demo")
    app.cognito_trigger("pre_sign_up", EXISTING)(named("one"))
    made = stack_of(app)
    assert "AWS::Cognito::UserPool" not in {each["Type"] for each in made["Resources"].values()}
    assert made["Outputs"]["EuWest1AbCdEf123UserPoolPreSignUpFunctionArn"]["Value"] == {
        "Fn::GetAtt": ["OneFunction", "Arn"]
    }
    source = made["Resources"]["OneEuWest1AbCdEf123UserPoolPermission"]["Properties"]["SourceArn"]
    assert source["Fn::Sub"].endswith(f":userpool/{EXISTING}")


def test_an_event_is_read_and_what_it_lacks_is_empty() -> None:
    raw = {
        "triggerSource": "PreSignUp_SignUp",
        "callerContext": {"clientId": "c"},
        "request": {"userAttributes": {"email": "a@example.com"}, "groupConfiguration": {"groupsToOverride": ["g"]}},
    }
    event = CognitoEvent(raw)
    assert (event.client_id, event.user_attributes, event.groups) == ("c", {"email": "a@example.com"}, ["g"])
    bare = CognitoEvent({"triggerSource": "PreSignUp_SignUp", "callerContext": None, "request": None})
    assert (bare.client_id, bare.user_attributes, bare.groups, bare.user_name) == ("", {}, [], "")
