"""Alexa: what is said, sessions, and which handler takes a request."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import AlexaRequest, App
from eventfw.errors import RegistrationError
from eventfw.testing import Client

SKILL = "amzn1.ask.skill.0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d"


def skill(func: Any, **options: Any) -> App:
    app = App("demo")
    app.alexa_skill(SKILL, **options)(func)
    return app


def returning(result: Any, **fields: Any) -> Any:
    def answer(request: AlexaRequest) -> Any:
        return result

    return Client(skill(answer)).send(answer, **fields)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Hello", {"type": "PlainText", "text": "Hello"}),
        ("<speak>Hello</speak>", {"type": "SSML", "ssml": "<speak>Hello</speak>"}),
    ],
)
def test_text_is_said_and_ends_the_session(text: str, spoken: dict[str, str]) -> None:
    response = returning(text)["response"]
    assert response == {"outputSpeech": spoken, "shouldEndSession": True}


def test_a_reprompt_keeps_the_session_open() -> None:
    def answer(request: AlexaRequest) -> Any:
        return request.say("Which?", reprompt="Well?")

    response = Client(skill(answer)).send(answer)["response"]
    assert response["shouldEndSession"] is False
    assert response["reprompt"] == {"outputSpeech": {"type": "PlainText", "text": "Well?"}}


def test_what_is_kept_for_the_session_is_sent_back() -> None:
    def answer(request: AlexaRequest) -> str:
        request.session_attributes["count"] = request.session_attributes.get("count", 0) + 1
        return "ok"

    assert Client(skill(answer)).send(answer, session_attributes={"count": 2})["sessionAttributes"] == {"count": 3}


def test_alexas_own_forms_are_taken() -> None:
    assert returning({"directives": []}) == {"version": "1.0", "sessionAttributes": {}, "response": {"directives": []}}
    assert returning({"response": {}, "sessionAttributes": {"a": 1}})["sessionAttributes"] == {"a": 1}
    assert returning(None)["response"] == {}


@pytest.mark.parametrize("result", [5, ["Hello"], {"speech": "Hello"}])
def test_what_alexa_would_not_say_is_an_error(result: Any) -> None:
    with pytest.raises(TypeError):
        returning(result)


@pytest.mark.parametrize("request_type", ["SessionEndedRequest", "System.ExceptionEncountered"])
def test_what_alexa_only_tells_takes_no_response(request_type: str) -> None:
    assert returning(None, request_type=request_type)["response"] == {}
    with pytest.raises(TypeError, match="takes no response"):
        returning("Bye", request_type=request_type)


def test_a_slot_has_the_value_its_type_knows() -> None:
    request = AlexaRequest(
        {
            "request": {
                "type": "IntentRequest",
                "intent": {
                    "name": "A",
                    "slots": {
                        "size": {
                            "value": "wee",
                            "resolutions": {
                                "resolutionsPerAuthority": [{"values": [{"value": {"name": "small", "id": "S"}}]}]
                            },
                        },
                        "photo": {"value": "cat", "resolutions": {"resolutionsPerAuthority": [{"status": {}}]}},
                        "frame": {"name": "frame"},
                    },
                },
            }
        }
    )
    assert request.slots == {"size": "small", "photo": "cat", "frame": None}


def test_the_handler_that_asks_for_most_takes_a_request() -> None:
    app = App("demo")

    def add(name: str, **options: Any) -> None:
        def made(request: Any) -> str:
            return name

        made.__name__ = name
        app.alexa_skill(SKILL, **options)(app.function("skill")(made))

    add("rest")
    add("intents", request_type="IntentRequest")
    add("show", intent="Show")
    client = Client(app)
    event = app.handlers[0].triggers[0].sample

    def said(**fields: Any) -> str:
        return str(client.invoke("skill", event(**fields))["response"]["outputSpeech"]["text"])

    assert said(intent="Show") == "show"
    assert said(intent="Other") == "intents"
    assert said(request_type="LaunchRequest") == "rest"
    assert stack_of(app)["Outputs"]


def test_two_handlers_that_ask_for_the_same_are_refused() -> None:
    app = skill(lambda_named("one"), intent="Show")
    with pytest.raises(RegistrationError, match="is there already"):
        app.alexa_skill(SKILL, intent="Show")(lambda_named("two"))


def lambda_named(name: str) -> Any:
    def made(request: Any) -> None: ...

    made.__name__ = name
    return made


def test_handlers_of_a_skill_in_two_functions_are_refused() -> None:
    app = skill(lambda_named("one"), intent="Show")
    app.alexa_skill(SKILL, intent="Hide")(lambda_named("two"))
    with pytest.raises(RegistrationError, match=r"A skill invokes one function.*@app.function\('two'\)"):
        stack_of(app)


def test_only_the_skill_may_invoke() -> None:
    permission = properties_of(stack_of(skill(lambda_named("one"))), "AlexaSkill2a3b4c5dPermission")
    assert permission["Principal"] == "alexa-appkit.amazon.com"
    assert permission["EventSourceToken"] == SKILL


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("my skill",), {}, "takes a skill's id"),
        ((SKILL,), {"intent": ""}, "intent must be a name"),
        ((SKILL,), {"intent": "Show", "request_type": "LaunchRequest"}, "has no intent"),
    ],
)
def test_wrong_options_are_refused(arguments: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        App("demo").alexa_skill(*arguments, **options)


def test_a_request_is_read_and_what_it_lacks_is_empty() -> None:
    system = {"user": {"userId": "u", "accessToken": "t"}, "device": {"deviceId": "d"}}
    raw = {"context": {"System": system}, "request": {"type": "IntentRequest", "dialogState": "STARTED"}}
    request = AlexaRequest(raw)
    assert (request.user_id, request.access_token, request.device_id, request.dialog_state) == (
        "u",
        "t",
        "d",
        "STARTED",
    )
    bare = AlexaRequest({"request": {"type": "LaunchRequest"}, "session": None})
    assert (bare.user_id, bare.access_token, bare.dialog_state, bare.session_attributes) == ("", "", "", {})
