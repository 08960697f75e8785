"""Amazon States Language: each thing that Step Functions refuses is told, and what it takes is not."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from eventfw.rules.states import faults, remarks, states_of

END = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": "measure", "End": True}


def machine(*states: dict[str, Any], **more: Any) -> dict[str, Any]:
    """States called A, B, C..., of which A is the first."""
    return {"StartAt": "A", "States": {chr(ord("A") + at): state for at, state in enumerate(states)}, **more}


def choice(rule: dict[str, Any], **more: Any) -> dict[str, Any]:
    return machine({"Type": "Choice", "Choices": [{"Next": "B", **rule}], **more}, END)


def parallel(start: str, **states: Any) -> dict[str, Any]:
    return machine({"Type": "Parallel", "Branches": [{"StartAt": start, "States": states}], "End": True})


IS_NULL = {"Variable": "$.a", "IsNull": True}
QUERY = {"Arguments": "{% $states.input %}", "Output": "{% 5 %}", "TimeoutSeconds": "{% 9 %}"}
EACH = {"Type": "Map", "ItemsPath": "$.all", "ItemProcessor": {"StartAt": "X", "States": {"X": END}}, "End": True}
LOOP = {"Type": "Choice", "Choices": [{**IS_NULL, "Next": "A"}], "Default": "C"}
RIGHT = [
    machine(TASK),
    machine({"Type": "Wait", "Seconds": 5, "Next": "B"}, {"Type": "Succeed"}),
    machine({"Type": "Wait", "TimestampPath": "$.at", "Next": "B"}, {"Type": "Fail", "Error": "E", "CausePath": "$.c"}),
    machine({**TASK, "Retry": [{"ErrorEquals": ["A"], "MaxAttempts": 0}, {"ErrorEquals": ["States.ALL"]}]}),
    machine({**TASK, "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "B", "ResultPath": "$.error"}]}, END),
    machine({**TASK, "Parameters": {"a.$": "$.b", "c": {"d.$": "States.UUID()"}}, "ResultPath": None}),
    choice({"Variable": "$.a", "NumericGreaterThan": 5}, Default="B"),
    choice({"And": [{"Variable": "$.a", "IsPresent": True}, {"Not": {"Variable": "$.a", "StringEquals": "x"}}]}),
    choice({"Condition": "{% $states.input.a > 5 %}"}, QueryLanguage="JSONata"),
    machine(EACH),
    parallel("X", X=END),
    machine({**TASK, **QUERY}, QueryLanguage="JSONata"),
    machine({"Type": "Pass", "Assign": {"a.$": "$.b"}, "Next": "B"}, LOOP, END),
]


@pytest.mark.parametrize("definition", RIGHT)
def test_what_step_functions_takes_has_no_fault(definition: dict[str, Any]) -> None:
    assert faults(definition) == []


WRONG: list[tuple[Any, str]] = [
    ([], "It must be an object with StartAt and States"),
    ({"StartAt": "A", "States": {}}, "States must be an object with a state"),
    ({"StartAt": "A", "States": {"A": []}}, "States must be an object with a state"),
    ({"States": {"A": END}}, "StartAt is missing"),
    ({"StartAt": "Measured", "States": {"Measure": END}}, "Did you mean 'Measure'?"),
    (machine(END, Versoin="1.0"), "no field 'Versoin'. Did you mean 'Version'?"),
    (machine(END, Version="2.0"), "Version is '1.0'"),
    (machine(END, QueryLanguage="jsonata"), "QueryLanguage is JSONPath or JSONata"),
    (machine({"Type": "Tsak", "End": True}), "Did you mean 'Task'?"),
    (machine({"Type": "Pass", "Next": "Z"}, END), "no state 'Z' on this level"),
    (machine({**TASK, "Catch": [{"ErrorEquals": ["A"], "Next": "Z"}]}), "Next in Catch: there is no state 'Z'"),
    (choice({"Variable": "$.a", "IsNull": True}, Default="Z"), "Default: there is no state 'Z'"),
    (choice({"Variable": "$.a", "IsNull": True, "Next": "Z"}), "Next in Choices: there is no state 'Z'"),
    (machine({"Type": "Pass"}), "either Next or 'End': true"),
    (machine({"Type": "Pass", "Next": "B", "End": True}, END), "either Next or 'End': true"),
    (machine(END, END), "no state leads to 'B'"),
    (machine({"Type": "Pass", "Next": "B"}, {"Type": "Pass", "Next": "A"}), "no state ends"),
    (machine({"Type": "Task", "End": True}), "Resource is missing"),
    (machine({**TASK, "Resourse": "x"}), "a Task state has no field 'Resourse'"),
    (machine({"Type": "Fail", "Next": "A"}), "a Fail state has no field 'Next'"),
    (machine({**TASK, "Arguments": {}}), "Arguments is of JSONata"),
    (machine({**TASK, "ResultPath": "$"}, QueryLanguage="JSONata"), "ResultPath is of JSONPath"),
    (machine({**TASK, "QueryLanguage": "JSONPath"}, QueryLanguage="JSONata"), "does not go with"),
    (machine({**TASK, "Arguments": "{% $states.input"}, QueryLanguage="JSONata"), "does not end with '%}'"),
    (machine({**TASK, "InputPath": "a.b"}), "InputPath is a path"),
    (machine({**TASK, "Parameters": {"a.$": "b"}}), "'a.$' in Parameters"),
    (machine({**TASK, "TimeoutSeconds": 0}), "TimeoutSeconds is 1 to"),
    (machine({**TASK, "Retry": {}}), "Retry is a list"),
    (machine({**TASK, "Retry": [{"ErrorEquals": []}]}), "ErrorEquals in Retry is a list of names"),
    (machine({**TASK, "Retry": [{"ErrorEquals": ["States.TimeOut"]}]}), "Did you mean 'States.Timeout'?"),
    (machine({**TASK, "Retry": [{"ErrorEquals": ["States.ALL", "A"]}]}), "States.ALL stands alone"),
    (machine({**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["A"]}]}), "States.ALL stands alone"),
    (machine({**TASK, "Retry": [{"ErrorEquals": ["A"], "BackoffRate": 0.5}]}), "BackoffRate"),
    (machine({**TASK, "Retry": [{"ErrorEquals": ["A"], "IntervalSeconds": 0}]}), "IntervalSeconds"),
    (machine({**TASK, "Retry": [{"ErrorEquals": ["A"], "JitterStrategy": "SOME"}]}), "JitterStrategy"),
    (choice({"Variable": "$.a"}), "one comparison"),
    (choice({"Variable": "$.a", "IsNull": True, "IsString": True}), "one comparison"),
    (choice({"IsNull": True}), "Variable"),
    (choice({"And": []}), "And in Choices takes a list"),
    (choice({"And": [{"Variable": "$.a", "IsNull": True, "Next": "B"}]}), "Next stands at the top"),
    (choice({"Variable": "$.a", "IsNull": True}, QueryLanguage="JSONata"), "has a Condition"),
    (machine({"Type": "Choice", "Choices": []}), "Choices is missing"),
    (machine({"Type": "Wait", "Seconds": 5, "Timestamp": "x", "End": True}), "one of Seconds"),
    (machine({"Type": "Map", "End": True}), "one of ItemProcessor, Iterator"),
    (parallel("X", A=END), "in 'A', branch 1"),
    (parallel("A", A=END), "Two states are called 'A'"),
    (parallel("X", X={"Type": "Pass", "Next": "A"}), "no state 'A' on this level"),
    ({"StartAt": "A" * 81, "States": {"A" * 81: END}}, "1 to 80 characters"),
]


@pytest.mark.parametrize(("definition", "told"), WRONG)
def test_what_step_functions_refuses_is_told(definition: Any, told: str) -> None:
    before = deepcopy(definition)
    assert any(told in one for one in faults(definition)), faults(definition)
    assert definition == before


@pytest.mark.parametrize(
    "state",
    [
        {**TASK, "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken"},
        {**TASK, "Resource": "arn:aws:states:::ecs:runTask.sync"},
        {
            "Type": "Map",
            "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "X", "States": {"X": END}},
            "End": True,
        },
    ],
)
def test_what_only_standard_machines_have_is_told_of_express_ones(state: dict[str, Any]) -> None:
    assert faults(machine(state)) == []
    assert "needs type='STANDARD'" in faults(machine(state), express=True)[0]


def test_a_choice_without_a_default_is_remarked() -> None:
    assert "States.NoChoiceMatched" in remarks(choice({"Variable": "$.a", "IsNull": True}))[0]
    assert remarks(choice({"Variable": "$.a", "IsNull": True}, Default="B")) == []


def test_states_within_states_have_the_query_language_of_the_definition() -> None:
    inner = {"StartAt": "X", "States": {"X": END}}
    definition = machine({"Type": "Map", "QueryLanguage": "JSONata", "ItemProcessor": inner, "End": True})
    assert [(name, language) for name, _, language in states_of(definition)] == [("A", "JSONata"), ("X", "JSONPath")]
