"""The fields of states in Amazon States Language, and what each may hold.

https://docs.aws.amazon.com/step-functions/latest/dg/statemachine-structure.html
"""

from __future__ import annotations

from ..options import closest, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

TOP = ("Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage")
INNER = ("ItemProcessor", "Iterator")

_ANY = "Type Comment QueryLanguage"
_FLOW = "Next End Assign"
_ERRORS = "Retry Catch"
FIELDS = {  # by type: in both query languages, in JSONPath only, in JSONata only
    "Task": (f"Resource Credentials TimeoutSeconds HeartbeatSeconds {_FLOW} {_ERRORS}",
             "InputPath OutputPath Parameters ResultSelector ResultPath TimeoutSecondsPath HeartbeatSecondsPath",
             "Arguments Output"),
    "Pass": (_FLOW, "InputPath OutputPath Parameters Result ResultPath", "Output"),
    "Choice": ("Choices Default Assign", "InputPath OutputPath", "Output"),
    "Wait": (f"Seconds Timestamp {_FLOW}", "InputPath OutputPath SecondsPath TimestampPath", "Output"),
    "Succeed": ("", "InputPath OutputPath", "Output"),
    "Fail": ("Error Cause", "ErrorPath CausePath", ""),
    "Parallel": (f"Branches {_FLOW} {_ERRORS}",
                 "InputPath OutputPath Parameters ResultSelector ResultPath", "Arguments Output"),
    "Map": (f"ItemProcessor Iterator ItemReader ItemSelector ItemBatcher ResultWriter MaxConcurrency Label "
            f"ToleratedFailurePercentage ToleratedFailureCount {_FLOW} {_ERRORS}",
            "InputPath OutputPath Parameters ItemsPath ResultSelector ResultPath MaxConcurrencyPath "
            "ToleratedFailurePercentagePath ToleratedFailureCountPath", "Items Output"),
}  # fmt: skip
REQUIRED = {"Task": "Resource", "Choice": "Choices", "Parallel": "Branches"}
ONE_OF = {"Wait": ("Seconds", "Timestamp", "SecondsPath", "TimestampPath"), "Map": INNER}
PATHS = ("InputPath", "OutputPath", "ResultPath", "ItemsPath")
TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
SECONDS_MAX = 99_999_999
RESERVED = frozenset(
    (
        "ALL",
        "BranchFailed",
        "DataLimitExceeded",
        "ExceedToleratedFailureThreshold",
        "HeartbeatTimeout",
        "Http.Socket",
        "IntrinsicFailure",
        "ItemReaderFailed",
        "NoChoiceMatched",
        "ParameterPathFailure",
        "Permissions",
        "QueryEvaluationError",
        "ResultPathMatchFailure",
        "ResultWriterFailed",
        "Runtime",
        "TaskFailed",
        "Timeout",
    )
)
EXPRESS_REFUSES = {
    ".sync": "an express execution does not wait for a job",
    ".waitForTaskToken": "an express execution does not wait for a token",
    ":activity:": "an express execution runs no activities",
}
_COMPARED = [
    kind + how
    for kind in ("String", "Numeric", "Timestamp")
    for how in ("Equals", "LessThan", "GreaterThan", "LessThanEquals", "GreaterThanEquals")
]
COMPARISONS = frozenset(
    [*_COMPARED, *(one + "Path" for one in _COMPARED), "BooleanEquals", "BooleanEqualsPath", "StringMatches"]
    + [f"Is{kind}" for kind in ("Null", "Present", "Numeric", "String", "Boolean", "Timestamp")]
)


def inner_of(state: dict[str, Any]) -> list[dict[str, Any]]:
    """The machines within a ``Map`` or ``Parallel`` state."""
    found = [state[field] for field in INNER if isinstance(state.get(field), dict)]
    return found + listed(state.get("Branches"))


def listed(value: object) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def field_faults(state: dict[str, Any], *, query: bool) -> Iterator[str]:
    """What Step Functions would refuse of a state's own fields; ``query`` says that its language is JSONata."""
    kind = state.get("Type")
    if kind not in FIELDS:
        yield f"Type is one of {', '.join(FIELDS)}, not {kind!r}.{closest(str(kind), FIELDS)}"
        return
    both, path, jsonata = (words.split() for words in FIELDS[kind])
    known = [*_ANY.split(), *both, *(jsonata if query else path)]
    for name in state:
        if name in (path if query else jsonata):
            yield f"{name} is of {'JSONPath' if query else 'JSONata'}, and its language is the other."
        elif name not in known:
            yield f"a {kind} state has no field {name!r}.{closest(str(name), known)}"
    if kind in REQUIRED and not state.get(REQUIRED[kind]):
        yield f"{REQUIRED[kind]} is missing."
    if kind in ONE_OF and sum(name in state for name in ONE_OF[kind]) != 1:
        yield f"it has one of {', '.join(name for name in ONE_OF[kind] if name in known)}."
    if "Next" in both and ("Next" in state) == bool(state.get("End")):
        yield "it has either Next or 'End': true."
    yield from _values(state, query=query)
    yield from _retries(state)
    for rule in listed(state.get("Choices")):
        yield from _rule(rule, query=query, top=True)


def _values(state: dict[str, Any], *, query: bool) -> Iterator[str]:
    for name in PATHS:
        value = state.get(name)
        if value is not None and not (isinstance(value, str) and value.startswith("$")):
            yield f"{name} is a path that begins with '$', or null, not {printable(repr(value))}."
    for name in ("TimeoutSeconds", "HeartbeatSeconds"):
        value = state.get(name)
        if value is not None and not (query and isinstance(value, str)) and not whole(value, 1):
            yield f"{name} is 1 to {SECONDS_MAX} seconds, not {value!r}."
    if query:
        broken = [text for text in texts(state) if text.startswith("{%") and not text.endswith("%}")]
        yield from (f"the expression {printable(text)} does not end with '%}}'." for text in broken)
        return
    for name in TEMPLATES:
        for key, value in dynamic(state.get(name)):
            if not isinstance(value, str) or not value.startswith(("$", "States.")):
                yield f"{key!r} in {name} takes a path that begins with '$' or a States function, not {value!r}."


def _retries(state: dict[str, Any]) -> Iterator[str]:
    for field in ("Retry", "Catch"):
        rules = state.get(field, [])
        if not isinstance(rules, list) or len(listed(rules)) != len(rules):
            yield f"{field} is a list of objects with ErrorEquals."
            continue
        for position, rule in enumerate(rules):
            yield from _errors(field, rule.get("ErrorEquals"), last=position == len(rules) - 1)
            if field == "Retry":
                yield from _numbers(rule)


def _errors(field: str, names: object, *, last: bool) -> Iterator[str]:
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        yield f"ErrorEquals in {field} is a list of names of errors, not {printable(repr(names))}."
        return
    for name in names:
        if name.startswith("States.") and name.removeprefix("States.") not in RESERVED:
            known = [f"States.{one}" for one in sorted(RESERVED)]
            yield f"{field} names {name!r}, and Step Functions has no such error.{closest(name, known)}"
    if "States.ALL" in names and (len(names) > 1 or not last):
        yield f"States.ALL stands alone, and in the last rule of {field}."


def _numbers(rule: dict[str, Any]) -> Iterator[str]:
    bounds = (("IntervalSeconds", 1), ("MaxAttempts", 0), ("MaxDelaySeconds", 1))
    for name, low in bounds:
        if name in rule and not whole(rule[name], low):
            yield f"{name} in Retry is {low} to {SECONDS_MAX}, not {rule[name]!r}."
    rate = rule.get("BackoffRate", 1)
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or rate < 1:
        yield f"BackoffRate in Retry is at least 1, not {rate!r}."
    if rule.get("JitterStrategy", "NONE") not in ("FULL", "NONE"):
        yield f"JitterStrategy in Retry is FULL or NONE, not {rule['JitterStrategy']!r}."


def _rule(rule: dict[str, Any], *, query: bool, top: bool) -> Iterator[str]:
    """One rule of a ``Choice`` state; only those at the ``top`` lead to a state, which is looked for elsewhere."""
    if query:
        if not isinstance(rule.get("Condition"), (str, bool)):
            yield "a rule in Choices has a Condition."
        return
    named = [name for name in rule if name in COMPARISONS or name in ("And", "Or", "Not")]
    if len(named) != 1:
        yield f"a rule in Choices has one comparison, And, Or or Not, not {', '.join(named) or 'none'}."
        return
    inner = [rule[named[0]]] if named[0] == "Not" else rule[named[0]]
    if named[0] in COMPARISONS:
        if not str(rule.get("Variable", "")).startswith("$"):
            yield f"a rule with {named[0]} has a Variable that begins with '$'."
    elif not listed(inner):
        yield f"{named[0]} in Choices takes {'a rule' if named[0] == 'Not' else 'a list of rules'}."
    for one in listed(inner):
        yield from _rule(one, query=False, top=False)
    if not top and "Next" in rule:
        yield "Next stands at the top of a rule, not within And, Or or Not."


def whole(value: object, low: int) -> bool:
    """Whether it is a whole number from ``low`` to the most that Step Functions takes."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= SECONDS_MAX


def texts(value: object) -> Iterator[str]:
    """Every text in a state, but not those of states within it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name not in (*INNER, "Branches", "Comment"):
                yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def dynamic(value: object) -> Iterator[tuple[str, Any]]:
    """The fields of a payload template whose value is a path: their names end in ``.$``."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.endswith(".$"):
                yield name, inner
            else:
                yield from dynamic(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from dynamic(inner)
