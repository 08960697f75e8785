"""Alexa smart home: answers that belong to their directive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import AlexaDirective, App
from eventfw.errors import RegistrationError
from eventfw.testing import Client

SKILL = "amzn1.ask.skill.0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d"


def returning(result: Any, **fields: Any) -> Any:
    app = App("demo")

    def answer(directive: AlexaDirective) -> Any:
        return result(directive) if callable(result) else result

    app.alexa_smart_home(SKILL)(answer)
    return Client(app).send(answer, **fields)


@pytest.mark.parametrize(
    ("namespace", "name", "answer"),
    [
        ("Alexa.PowerController", "TurnOn", ("Alexa", "Response")),
        ("Alexa", "ReportState", ("Alexa", "StateReport")),
        ("Alexa.Discovery", "Discover", ("Alexa.Discovery", "Discover.Response")),
        ("Alexa.Authorization", "AcceptGrant", ("Alexa.Authorization", "AcceptGrant.Response")),
    ],
)
def test_each_directive_has_its_own_answer(namespace: str, name: str, answer: tuple[str, str]) -> None:
    header = returning(None, namespace=namespace, name=name)["event"]["header"]
    assert (header["namespace"], header["name"]) == answer
    assert header["payloadVersion"] == "3"


def test_an_answer_repeats_the_token_and_the_device_and_tells_the_state() -> None:
    answer = returning(lambda directive: directive.respond(properties=[directive.state("powerState", "ON")]))
    assert answer["event"]["header"]["correlationToken"] == "ZXhhbXBsZQ=="
    assert answer["event"]["endpoint"] == {"endpointId": "lamp"}
    state = answer["context"]["properties"][0]
    assert (state["namespace"], state["name"], state["value"]) == ("Alexa.PowerController", "powerState", "ON")
    assert state["timeOfSample"].endswith("Z")


def test_a_failure_has_alexas_type() -> None:
    event = returning(lambda directive: directive.fail("ENDPOINT_UNREACHABLE", "No power"))["event"]
    assert event["header"]["name"] == "ErrorResponse"
    assert event["payload"] == {"type": "ENDPOINT_UNREACHABLE", "message": "No power"}


@pytest.mark.parametrize(
    "result",
    ["ON", {"payload": {}}, {"event": "ON"}, {"event": {"header": "ON"}}, {"event": {"header": {"name": "Response"}}}],
)
def test_an_answer_that_alexa_would_refuse_is_an_error(result: Any) -> None:
    with pytest.raises(TypeError, match=r"directive\.respond"):
        returning(result)


def test_a_deferred_answer_needs_no_token() -> None:
    answer = {"event": {"header": {"namespace": "Alexa", "name": "DeferredResponse"}}}
    assert returning(answer) == answer


def test_the_token_of_a_discovery_stands_elsewhere() -> None:
    seen = []
    returning(lambda directive: seen.append(directive.token), namespace="Alexa.Discovery", name="Discover", token="t")
    assert seen == ["t"]


def test_only_the_skill_may_invoke_one_function() -> None:
    app = App("demo")

    @app.alexa_smart_home(SKILL, namespace="Alexa.Discovery")
    def discover(directive: AlexaDirective) -> None: ...

    permission = properties_of(stack_of(app), "AlexaSmartHome2a3b4c5dPermission")
    assert permission["Principal"] == "alexa-connectedhome.amazon.com"
    assert permission["EventSourceToken"] == SKILL

    other = App("demo")
    other.alexa_smart_home(SKILL, namespace="Alexa.Discovery")(discover)

    @other.alexa_smart_home(SKILL)
    def rest(directive: AlexaDirective) -> None: ...

    with pytest.raises(RegistrationError, match="A skill invokes one function"):
        stack_of(other)


@pytest.mark.parametrize(("skill", "options"), [("my skill", {}), (SKILL, {"namespace": ""}), (SKILL, {"name": 5})])
def test_wrong_options_are_refused(skill: str, options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError, match="alexa_smart_home"):
        App("demo").alexa_smart_home(skill, **options)


@dataclass
class Brightness:
    brightness: int


def test_a_model_receives_what_the_directive_says() -> None:
    app = App("demo")

    @app.alexa_smart_home(SKILL, namespace="Alexa.BrightnessController")
    def dim(wanted: Brightness) -> Any:
        seen.append(wanted)

    seen: list[Brightness] = []
    Client(app).send(dim, payload={"brightness": 42})
    assert seen == [Brightness(42)]
    assert app.handlers[0].triggers[0].title() == "alexa home 0e1f2a3b4c5d Alexa.BrightnessController"
