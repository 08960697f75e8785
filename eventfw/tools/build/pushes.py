"""The local variant's part of what SNS and EventBridge hand to functions, where the embedded AWS is not exact.

It reads some filter policies and patterns otherwise than AWS does, and makes something else of paths and templates. So
the local server decides: a subscription of a function has no policy of its own, which is told to the server, and a rule
hands over the whole event with what is to be made of it, which the server finds in what arrives.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from eventfw.errors import BuildError, RuleError
from eventfw.rules.transform import WHOLE_EVENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eventfw.tools.build.template import Template


def subscriptions(template: Template, told: Callable[[str, Any], Any]) -> Iterator[dict[str, Any]]:
    """The functions' subscriptions in a stack: their ARNs and filter policies, ``{}`` for none, which are taken out.

    ``told`` makes of a resource's logical id and a value with expressions what the local server is told.
    """
    for logical_id, properties in sorted(template.own("AWS::SNS::Subscription").items()):
        if properties.get("Protocol") != "lambda":
            continue
        one: dict[str, Any] = {"arn": {"Ref": logical_id}, "policy": {}, "scope": "MessageAttributes"}
        if _constant(properties.get("FilterPolicy", {})):
            one["policy"] = properties.pop("FilterPolicy", {})
            one["scope"] = properties.pop("FilterPolicyScope", one["scope"])
            _check_policy(logical_id, one["policy"], one["scope"])
        yield told(logical_id, one)


def _check_policy(logical_id: str, policy: Any, scope: str) -> None:
    from eventfw.rules.policy import FilterPolicy  # which most apps have no use for

    try:
        if policy:
            FilterPolicy(policy, scope)
    except RuleError as error:
        raise BuildError(f"The FilterPolicy of {logical_id} is not valid: {error.message}") from None


def hand_whole_events(template: Template) -> None:
    """Have rules hand whole events to the stack's functions, where the server has to change or to match them itself."""
    functions = template.own("AWS::Lambda::Function")
    for rule in template.own("AWS::Events::Rule").values():
        pattern = rule.get("EventPattern")
        if not isinstance(pattern, dict):
            continue
        ours = [target for target in rule.get("Targets", ()) if _function_of(target) in functions]
        misread = dotted(pattern) and _constant(pattern) and len(ours) == len(rule["Targets"])
        for target in ours:
            _hand_whole(target, pattern if misread else None)
        if misread:
            rule["EventPattern"] = widened(pattern)


def _hand_whole(target: dict[str, Any], pattern: dict[str, Any] | None) -> None:
    """Have a target get the whole event, where something is to be made of it, or it is still to be matched."""
    names = ("InputPath", "InputTransformer", *(["Input"] if pattern else []))
    how = {name: target[name] for name in names if name in target}
    if pattern:
        how["EventPattern"] = pattern
    if how and _constant(how):
        for name in names:
            target.pop(name, None)
        target["InputTransformer"] = {"InputTemplate": _template(how)}


def dotted(pattern: Any) -> bool:
    """Whether a name in a pattern has a dot, which stands for a step in AWS, and for itself in the embedded one."""
    if isinstance(pattern, list):
        return any(dotted(one) for one in pattern if isinstance(one, dict))
    return isinstance(pattern, dict) and any("." in name or dotted(value) for name, value in pattern.items())


def widened(pattern: dict[str, Any]) -> dict[str, Any]:
    """A pattern that takes all events that ``pattern`` takes: without the conditions that the embedded AWS misreads."""
    return _read_well(pattern) or {"source": [{"exists": True}]}


def _read_well(pattern: dict[str, Any]) -> dict[str, Any]:
    left: dict[str, Any] = {}
    for name, value in pattern.items():
        kept = _read_well(value) if isinstance(value, dict) else [] if dotted(value) else value
        if kept and "." not in name:
            left[name] = kept
    return left


def _constant(value: Any) -> bool:
    """Whether CloudFormation has nothing to resolve in a value."""
    if isinstance(value, list):
        return all(map(_constant, value))
    if not isinstance(value, dict):
        return True
    return all(name != "Ref" and not name.startswith("Fn::") and _constant(one) for name, one in value.items())


def _function_of(target: dict[str, Any]) -> str:
    """The logical id that a target's ARN is of."""
    arn = target.get("Arn")
    found = arn.get("Fn::GetAtt") if isinstance(arn, dict) else None
    return str(found[0]) if isinstance(found, list) and found else ""


def _template(how: dict[str, Any]) -> str:
    """What tells the server of the rule, in the form of an input template: a ``<`` of it would begin a placeholder."""
    said = json.dumps(how, sort_keys=True).replace("<", "\\u003c")
    rule = '{"name":<aws.events.rule-name>,"arn":<aws.events.rule-arn>,"target":' + said + "}"
    return f'{{"{WHOLE_EVENT}":{rule},"event":<aws.events.event.json>}}'
