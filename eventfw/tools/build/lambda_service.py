"""The local variant's part of Lambda, which eventfw is itself: event source mappings and asynchronous destinations; and
of what SNS and EventBridge hand to functions, see :mod:`.pushes`.

The embedded AWS has the mappings, switched off. What they say, and where functions send what became of asynchronous
events, is told to the local server as data: an expression of CloudFormation's in it is an output of the stack, which
the embedded AWS resolves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventfw.tools.build.configuration import target_arn
from eventfw.tools.build.pushes import hand_whole_events, subscriptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from eventfw.app import App
    from eventfw.function import Function
    from eventfw.tools.build.template import Template

OUTPUT = "eventfw.output"  # marks, in the data, the place of an output: {OUTPUT: [stack, name]}
DESTINATIONS = ("dead_letter", "on_success", "on_failure")


def taken_over(app: App, templates: Mapping[str, Template], stack_of: Callable[[Function], str]) -> dict[str, Any]:
    """Switch the mappings of the app's stacks off, and tell what the local server needs to take their place.

    ``{"functions": [name], "mappings": [{"name", "properties"}], "destinations": {function: {"dead_letter": ARN, ...}},
    "subscriptions": [{"arn", "policy", "scope"}]}``
    """
    for template in templates.values():
        hand_whole_events(template)
    return {
        "functions": sorted(app.functions),
        "mappings": [one for stack, template in templates.items() for one in _mappings(stack, template)],
        "destinations": dict(_destinations(app, templates, stack_of)),
        "subscriptions": [one for stack, template in templates.items() for one in _subscriptions(stack, template)],
    }


def resolved(told: Any, outputs: Mapping[str, Mapping[str, str]]) -> Any:
    """What :func:`taken_over` told, with the outputs that the stacks have by now."""
    if isinstance(told, dict):
        if OUTPUT in told:
            stack, name = told[OUTPUT]
            return outputs[stack][name]
        return {key: resolved(value, outputs) for key, value in told.items()}
    if isinstance(told, list):
        return [resolved(value, outputs) for value in told]
    return told


def _mappings(stack: str, template: Template) -> Iterator[dict[str, Any]]:
    for logical_id, properties in sorted(template.own("AWS::Lambda::EventSourceMapping").items()):
        told = _Outputs(stack, template, logical_id).of(properties)
        properties["Enabled"] = False
        yield {"name": logical_id, "properties": told}


def _subscriptions(stack: str, template: Template) -> Iterator[dict[str, Any]]:
    return subscriptions(template, lambda logical_id, value: _Outputs(stack, template, logical_id).of(value))


def _destinations(
    app: App, templates: Mapping[str, Template], stack_of: Callable[[Function], str]
) -> Iterator[tuple[str, Any]]:
    for function in app.functions.values():
        said = {option: function.said[option] for option in DESTINATIONS if option in function.said}
        if said and not function.edge:
            stack = stack_of(function)
            template = templates[stack]
            outputs = _Outputs(stack, template, template.function_id(function))
            yield function.name, {option: outputs.of(target_arn(template, one)) for option, one in said.items()}


class _Outputs:
    """Makes outputs of what only CloudFormation knows."""

    def __init__(self, stack: str, template: Template, prefix: str) -> None:
        self.stack = stack
        self.template = template
        self.prefix = prefix
        self.made = 0

    def of(self, value: Any) -> Any:
        """The value, with each expression replaced by the place of its output."""
        if isinstance(value, dict):
            if len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::")):
                self.made += 1
                name = f"{self.prefix}Value{self.made}"
                self.template.output(name, value)
                return {OUTPUT: [self.stack, name]}
            return {key: self.of(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.of(one) for one in value]
        return value
