"""A function's published version with the alias ``live`` on it, and what becomes of its asynchronous events."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from eventfw.resources.names import pascal
from eventfw.tools.build.configuration import target_arn

if TYPE_CHECKING:
    from eventfw.function import Function
    from eventfw.tools.build.template import Template

ALIAS = "live"


def is_published(function: Function) -> bool:
    """Whether it is invoked through an alias: what it asks for exists on versions only."""
    return any(function.said.get(option) for option in ("provisioned_concurrency", "snap_start", "durable"))


def digest_of(properties: dict[str, Any]) -> str:
    """A hash of code and settings: another one is another version."""
    return sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()


def add_published(template: Template, function: Function, properties: dict[str, Any]) -> None:
    """Add the version of this code and these settings, and the alias that every trigger invokes.

    The version before it is deleted once the alias has moved on: a snapshot of it would go on costing money. Versions
    of a durable function stay, since its executions go on, for up to a year, in the version they began in.
    """
    function_id, base = template.function_id(function), pascal(function.name)
    version = template.add(
        f"{base}Version{digest_of(properties)[:8]}",
        "AWS::Lambda::Version",
        {"FunctionName": {"Ref": function_id}},
        keep_old="durable" in function.said,
    )
    alias: dict[str, Any] = {
        "FunctionName": {"Ref": function_id},
        "FunctionVersion": {"Fn::GetAtt": [version, "Version"]},
        "Name": ALIAS,
    }
    if "provisioned_concurrency" in function.said:
        ready = {"ProvisionedConcurrentExecutions": function.said["provisioned_concurrency"]}
        alias["ProvisionedConcurrencyConfig"] = ready
    template.add(template.alias_id(function), "AWS::Lambda::Alias", alias)


def add_asynchronous(template: Template, function: Function) -> None:
    """Add how often and how long Lambda tries asynchronous events, and where it sends records of them."""
    said = function.said
    properties: dict[str, Any] = {}
    if "maximum_retry_attempts" in said:
        properties["MaximumRetryAttempts"] = said["maximum_retry_attempts"]
    if "maximum_event_age" in said:
        properties["MaximumEventAgeInSeconds"] = said["maximum_event_age"]
    options = (("on_success", "OnSuccess"), ("on_failure", "OnFailure"))
    destinations = {
        name: {"Destination": target_arn(template, said[option])} for option, name in options if option in said
    }
    if destinations:
        properties["DestinationConfig"] = destinations
    if properties:
        properties["FunctionName"] = {"Ref": template.function_id(function)}
        published = function.name in template.published
        properties["Qualifier"] = ALIAS if published else "$LATEST"
        waits = [template.alias_id(function)] if published else []
        template.add(
            pascal(function.name) + "InvokeConfig", "AWS::Lambda::EventInvokeConfig", properties, depends_on=waits
        )
