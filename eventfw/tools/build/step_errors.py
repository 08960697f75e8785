"""State machines in the embedded AWS, which calls every error of a function by one name: errors by their own names.

A task of the app's becomes one that waits for a token. What the function is sent has the token in it, and the local
server, which runs the function, tells the embedded AWS how it went: what was raised, by its own name, so that Retry and
Catch match it.

Left as they are: tasks within ``Parallel`` states, whose branches share one token there, and express machines, which do
not wait for one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventfw.resources.state_tasks import MARK

if TYPE_CHECKING:
    from eventfw.tools.build.template import Template

INVOKE = "arn:aws:states:::lambda:invoke"


def named_errors(template: Template) -> None:
    """Rewrite the definitions of a stack's state machines."""
    functions = {f"${{{logical_id}}}" for logical_id in template.of_type("AWS::Lambda::Function")}
    for machine in template.of_type("AWS::StepFunctions::StateMachine").values():
        if machine["StateMachineType"] == "STANDARD":
            definition = json.loads(machine["DefinitionString"])
            _level(definition, definition.get("QueryLanguage", "JSONPath"), functions)
            machine["DefinitionString"] = json.dumps(definition, ensure_ascii=False, separators=(",", ":"))


def _level(machine: dict[str, Any], default: str, functions: set[str]) -> None:
    for state in machine["States"].values():
        language = state.get("QueryLanguage", default)
        if state["Type"] == "Task":
            _rewrite(state, "Arguments" if language == "JSONata" else "Parameters", functions)
        elif state["Type"] == "Map":
            _level(state.get("ItemProcessor") or state["Iterator"], default, functions)


def _rewrite(state: dict[str, Any], field: str, functions: set[str]) -> None:
    """Have a task that runs a function of the app's send a token with its input, and wait for it."""
    whole = state["Resource"] in functions
    given: Any = state.get(field)
    if whole:
        function, sent = state["Resource"], _sent(field, "input", given)
    elif (
        state["Resource"] == INVOKE
        and given.get("FunctionName") in functions
        and not {"InvocationType", "InvocationType.$"} & set(given)
    ):
        function = given["FunctionName"]
        path = given.get("Payload.$")
        sent = {"input.$": path} if path is not None else {"input": given.get("Payload", {})}
    else:
        return
    token = {"token": "{% $states.context.Task.Token %}"} if field == "Arguments" else {"token.$": "$$.Task.Token"}
    state["Resource"] = f"{INVOKE}.waitForTaskToken"
    state[field] = {"FunctionName": function, "Payload": {MARK: {"whole": whole, **token, **sent}}}


def _sent(field: str, name: str, given: Any) -> dict[str, Any]:
    """What a function is sent whose name stands in Resource: its parameters, or the state's input."""
    if given is not None:
        return {name: given}
    return {name: "{% $states.input %}"} if field == "Arguments" else {f"{name}.$": "$"}
