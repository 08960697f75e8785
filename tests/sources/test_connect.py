"""Connect: a flat map of strings, and the instance's list of functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import App, ConnectEvent
from eventfw.errors import RegistrationError
from eventfw.testing import Client

INSTANCE = "0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d"
ARN = f"arn:aws:connect:eu-west-2:123456789012:instance/{INSTANCE}"


def returning(result: Any, **options: Any) -> Any:
    app = App("demo")

    def answer(event: ConnectEvent) -> Any:
        return result

    app.connect_flow(INSTANCE, **options)(answer)
    return Client(app).send(answer)


def test_numbers_and_booleans_become_text() -> None:
    assert returning({"a": "x", "n": 3, "b": True, "f": 1.5}) == {"a": "x", "n": "3", "b": "true", "f": "1.5"}
    assert returning(None) == {}


@pytest.mark.parametrize("result", [{"a": {"b": "c"}}, {"a": ["b"]}, {"a": None}, {1: "a"}, "text", ["a"]])
def test_what_is_not_a_flat_map_is_an_error(result: Any) -> None:
    with pytest.raises(TypeError):
        returning(result)


def test_a_block_that_takes_json_takes_nested_objects() -> None:
    assert returning({"a": {"b": [1]}}, response="JSON") == {"a": {"b": [1]}}


def test_too_long_a_response_is_an_error() -> None:
    with pytest.raises(ValueError, match="over the 32768"):
        returning({"a": "x" * 32768})


def test_the_length_of_a_response_is_that_of_its_utf_8() -> None:
    assert len(returning({"a": "ж" * 16000})["a"]) == 16000
    with pytest.raises(ValueError, match="over the 32768"):
        returning({"a": "ж" * 16384})


@pytest.mark.parametrize("instance", [INSTANCE, ARN])
def test_the_instance_may_invoke_and_lists_the_function(instance: str) -> None:
    app = App("demo")

    @app.connect_flow(instance)
    def caller(event: ConnectEvent) -> None: ...

    stack = stack_of(app)
    permission = properties_of(stack, "CallerConnect2a3b4c5dPermission")
    association = properties_of(stack, "CallerConnect2a3b4c5dAssociation")
    assert permission["Principal"] == "connect.amazonaws.com"
    assert permission["SourceArn"] == association["InstanceId"]
    assert str(association["InstanceId"]).rstrip("'}").endswith(f"instance/{INSTANCE}")
    assert association["IntegrationArn"] == {"Fn::GetAtt": ["CallerFunction", "Arn"]}
    assert "AWS::Connect" not in str(stack_of(app, local=True))


@pytest.mark.parametrize(
    ("instance", "options"),
    [("my instance", {}), ("arn:aws:lex:eu-west-2:123456789012:instance/x", {}), (INSTANCE, {"response": "TEXT"})],
)
def test_wrong_options_are_refused(instance: str, options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError, match="connect_flow"):
        App("demo").connect_flow(instance, **options)


def test_a_contact_is_read_and_what_it_lacks_is_empty() -> None:
    contact = {
        "Channel": "VOICE",
        "CustomerEndpoint": {"Address": "+12065550100"},
        "SystemEndpoint": {"Address": "+12065550199"},
        "Queue": {"Name": "orders"},
    }
    event = ConnectEvent({"Details": {"ContactData": contact, "Parameters": {"number": "7"}}})
    assert (event.customer, event.system, event.queue) == ("+12065550100", "+12065550199", "orders")
    assert event.parameters == {"number": "7"}
    bare = ConnectEvent({"Details": {"ContactData": {"Queue": None}, "Parameters": None}})
    assert (bare.customer, bare.system, bare.queue, bare.parameters) == ("", "", "", {})


@dataclass
class Asked:
    number: str


def test_a_model_receives_the_parameters() -> None:
    app = App("demo")

    @app.connect_flow(INSTANCE)
    def answer(asked: Asked) -> Any:
        return {"number": asked.number}

    assert Client(app).send(answer, parameters={"number": "7"}) == {"number": "7"}
