"""Amazon States Language: what Step Functions would refuse of a definition, and which states it has.

It reads level by level: the definition, then the branches of ``Parallel`` and the processors of ``Map`` states.
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from __future__ import annotations

from ..options import closest, printable
from .state_fields import EXPRESS_REFUSES, TOP, field_faults, inner_of, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

JSONPATH, JSONATA = "JSONPath", "JSONata"
NAME_MAX = 80  # characters of a state's name


def states_of(definition: dict[str, Any], language: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every state, within ``Map`` and ``Parallel`` states too: its name, itself and its query language."""
    default = language or str(definition.get("QueryLanguage", JSONPATH))
    states = definition.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            yield str(name), state, str(state.get("QueryLanguage", default))
            for inner in inner_of(state):
                yield from states_of(inner, default)


def faults(definition: object, *, express: bool = False) -> list[str]:
    """What Step Functions would refuse, each in a sentence; of an ``express`` machine also what only others have."""
    if not isinstance(definition, dict):
        return [f"It must be an object with StartAt and States, not {printable(repr(definition))}."]
    found = [f"It has no field {name!r}.{closest(str(name), TOP)}" for name in definition if name not in TOP]
    default = definition.get("QueryLanguage", JSONPATH)
    if default not in (JSONPATH, JSONATA):
        return [*found, f"QueryLanguage is JSONPath or JSONata, not {default!r}."]
    if definition.get("Version", "1.0") != "1.0":
        found.append(f"Version is '1.0', not {definition['Version']!r}.")
    found += _level(definition, "", default)
    names = [name for name, _, _ in states_of(definition)]
    found += [f"Two states are called {name!r}." for name in sorted({one for one in names if names.count(one) > 1})]
    if express:
        found += [told for name, state, _ in states_of(definition) for told in _express(name, state)]
    return found


def remarks(definition: dict[str, Any]) -> list[str]:
    """What Step Functions takes, and may not be meant."""
    return [
        f"The Choice state {name!r} has no Default: an execution fails there with States.NoChoiceMatched where no rule "
        f"fits."
        for name, state, _ in states_of(definition)
        if state.get("Type") == "Choice" and "Default" not in state
    ]


def _level(machine: dict[str, Any], inside: str, default: str) -> list[str]:
    """The faults of one level, and of those within; ``inside`` says which it is."""
    states = machine.get("States")
    if not isinstance(states, dict) or not states or not all(isinstance(one, dict) for one in states.values()):
        return [f"{inside}States must be an object with a state, an object, by each name."]
    found = _leads(f"{inside}StartAt", machine.get("StartAt"), states)
    for name, state in states.items():
        label = f"{inside}state {name!r}: "
        if not 0 < len(name) <= NAME_MAX:
            found.append(f"{label}a name has 1 to {NAME_MAX} characters.")
        language = state.get("QueryLanguage", default)
        if language not in (JSONPATH, JSONATA) or (default == JSONATA != language):
            found.append(f"{label}QueryLanguage {language!r} does not go with the definition's {default}.")
            continue
        found += [label + told for told in field_faults(state, query=language == JSONATA)]
        for what, target in _targets(state):
            found += _leads(label + what, target, states)
        for number, inner in enumerate(inner_of(state), 1):
            found += _level(inner, f"in {name!r}{f', branch {number}' if 'Branches' in state else ''}: ", default)
    return found + _unreached(machine.get("StartAt"), states, inside)


def _targets(state: dict[str, Any]) -> list[tuple[str, Any]]:
    """The names of states that a state leads to, each with where it stands."""
    found: list[tuple[str, Any]] = [(field, state[field]) for field in ("Next", "Default") if field in state]
    for field in ("Choices", "Catch"):
        found += [(f"Next in {field}", one.get("Next")) for one in listed(state.get(field))]
    return found


def _leads(what: str, target: object, states: dict[str, Any]) -> list[str]:
    if isinstance(target, str) and target in states:
        return []
    if target is None:
        return [f"{what} is missing."]
    near = closest(str(target), states)
    return [f"{what}: there is no state {printable(repr(target))} on this level.{near}"]


def _unreached(start: object, states: dict[str, Any], inside: str) -> list[str]:
    """States that no way from the first leads to, and a level that no way leads out of."""
    if start not in states:
        return []
    reached: dict[Any, None] = {start: None}
    for name in reached_from(reached, states):
        reached.setdefault(name)
    found = [f"{inside}no state leads to {name!r}." for name in states if name not in reached]
    ends = [name for name in reached if states[name].get("Type") in ("Succeed", "Fail") or states[name].get("End")]
    return found if ends else [*found, f"{inside}no state ends: write End, or a Succeed or Fail state."]


def reached_from(reached: dict[Any, None], states: dict[str, Any]) -> Iterator[Any]:
    """The states that those ``reached`` lead to, while it grows."""
    waiting = list(reached)
    while waiting:
        for _, target in _targets(states[waiting.pop()]):
            if isinstance(target, str) and target in states and target not in reached:
                waiting.append(target)
                yield target


def _express(name: str, state: dict[str, Any]) -> list[str]:
    resource = str(state.get("Resource", ""))
    found = [
        f"state {name!r}: {resource} needs type='STANDARD'; {why}."
        for mark, why in EXPRESS_REFUSES.items()
        if mark in resource
    ]
    processor = state.get("ItemProcessor")
    mode = processor.get("ProcessorConfig", {}).get("Mode") if isinstance(processor, dict) else None
    if mode == "DISTRIBUTED":
        found.append(f"state {name!r}: a distributed Map needs type='STANDARD'.")
    return found
