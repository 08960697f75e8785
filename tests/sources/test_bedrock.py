"""Bedrock: both forms of an action, types of parameters, and the response's form."""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import App, BedrockAction
from eventfw.errors import RegistrationError
from eventfw.testing import Client

AGENT = "ABCDEFGHIJ"
ARN = f"arn:aws:bedrock:us-west-2:123456789012:agent/{AGENT}"


def returning(result: Any, **options: Any) -> Any:
    app = App("demo")

    def answer(action: BedrockAction) -> Any:
        return result(action) if callable(result) else result

    app.bedrock_action(AGENT, "orders", **options)(answer)
    return Client(app).send(answer)


def test_a_functions_result_is_text_for_the_agent() -> None:
    assert returning({"status": "shipped"}, function="status") == {
        "messageVersion": "1.0",
        "response": {
            "actionGroup": "orders",
            "function": "status",
            "functionResponse": {"responseBody": {"TEXT": {"body": '{"status": "shipped"}'}}},
        },
        "sessionAttributes": {},
        "promptSessionAttributes": {},
    }


def test_an_operations_result_has_its_path_and_status() -> None:
    def missing(action: BedrockAction) -> Any:
        return action.respond({"error": "none"}, status=404)

    assert returning(missing, api_path="/orders/{id}", method="GET")["response"] == {
        "actionGroup": "orders",
        "apiPath": "/orders/{id}",
        "httpMethod": "GET",
        "httpStatusCode": 404,
        "responseBody": {"application/json": {"body": '{"error": "none"}'}},
    }


@pytest.mark.parametrize("result", ["done", 5, ["a"], None, True])
def test_any_json_is_told(result: Any) -> None:
    body = returning(result)["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert (body if isinstance(result, str) else loads(body)) == result


@dataclass
class Order:
    number: int


def test_a_model_is_told_as_json_and_what_is_none_is_an_error_that_says_so() -> None:
    said = returning([Order(7)])["response"]["functionResponse"]["responseBody"]["TEXT"]["body"]
    assert loads(said) == [{"number": 7}]
    with pytest.raises(TypeError, match="object is not JSON"):
        returning(object())


def test_a_function_may_be_tried_again() -> None:
    def again(action: BedrockAction) -> Any:
        return action.respond("Which order?", state="REPROMPT")

    assert returning(again)["response"]["functionResponse"]["responseState"] == "REPROMPT"
    with pytest.raises(ValueError, match="has no state"):
        returning(again, api_path="/orders", method="GET")
    with pytest.raises(ValueError, match="state must be one of"):
        returning(lambda action: action.respond("x", state="AGAIN"))


def test_what_is_kept_for_the_session_is_sent_back() -> None:
    def remember(action: BedrockAction) -> str:
        action.session_attributes["last"] = "7"
        return "ok"

    assert returning(remember)["sessionAttributes"] == {"last": "7"}


def test_a_whole_response_of_another_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="functionResponse"):
        returning({"messageVersion": "1.0", "response": {"responseBody": {}}})


def test_parameters_have_their_types() -> None:
    parameters = [
        {"name": "text", "type": "string", "value": "5"},
        {"name": "count", "type": "integer", "value": "5"},
        {"name": "price", "type": "number", "value": "1.5"},
        {"name": "paid", "type": "boolean", "value": "True"},
        {"name": "sizes", "type": "array", "value": '["S", "M"]'},
        {"name": "odd", "type": "integer", "value": "five"},
    ]
    expected = {"text": "5", "count": 5, "price": 1.5, "paid": True, "sizes": ["S", "M"], "odd": "five"}
    content = {"application/json": {"properties": parameters}}
    action = BedrockAction({"parameters": parameters, "requestBody": {"content": content}})
    assert action.parameters == action.body == expected


def test_the_handler_that_asks_for_most_takes_an_action() -> None:
    app = App("demo")

    @app.bedrock_action(AGENT, "orders", function="status")
    @app.function("shop")
    def status(action: BedrockAction) -> str:
        return "status"

    @app.bedrock_action(ARN, "orders")
    @app.function("shop")
    def rest(action: BedrockAction) -> str:
        return "rest"

    def said(**fields: Any) -> str:
        answer = Client(app).invoke("shop", app.handlers[1].triggers[0].sample(**fields))
        return str(answer["response"]["functionResponse"]["responseBody"]["TEXT"]["body"])

    assert (said(function="status"), said(function="cancel")) == ("status", "rest")


def test_handlers_of_a_group_in_two_functions_are_refused() -> None:
    app = App("demo")
    for name in ("status", "cancel"):

        def made(action: Any) -> None: ...

        made.__name__ = name
        app.bedrock_action(AGENT, "orders", function=name)(made)
    with pytest.raises(RegistrationError, match="An action group invokes one function"):
        stack_of(app)


def test_only_the_agent_may_invoke() -> None:
    app = App("demo")

    @app.bedrock_action(ARN, "orders")
    def all_of(action: BedrockAction) -> None: ...

    stack = stack_of(app)
    permission = properties_of(stack, "AgentABCDEFGHIJOrdersPermission")
    assert (permission["Principal"], permission["SourceArn"]) == ("bedrock.amazonaws.com", ARN)
    assert stack["Outputs"]["AgentABCDEFGHIJOrdersFunctionArn"]["Value"] == {"Fn::GetAtt": ["AllOfFunction", "Arn"]}


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("my agent", "orders"), {}, "takes an agent"),
        ((AGENT, ""), {}, "action_group must be a non-empty string"),
        ((AGENT, "orders"), {"function": "a", "api_path": "/a"}, "Keep function, or api_path"),
        ((AGENT, "orders"), {"method": "get"}, "method='GET'"),
    ],
)
def test_wrong_options_are_refused(arguments: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RegistrationError, match=said):
        App("demo").bedrock_action(*arguments, **options)
