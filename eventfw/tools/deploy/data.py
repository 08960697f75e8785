"""Which resources of a template are data, and the names by which CloudFormation finds data that was kept.

Data is what the template retains: ``DeletionPolicy`` is ``Retain`` or ``RetainExceptOnCreate``. ``destroy`` keeps it,
and a later ``deploy`` takes it back with ``ImportExistingResources``, which knows a resource only by a name written
out, not by ``Fn::Sub``
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-automatically.html).
"""

from __future__ import annotations

import re
from typing import Any

Template = dict[str, Any]

_RETAINED = ("Retain", "RetainExceptOnCreate")
#: Retained, but nobody's data: a distribution may still run an old version, and all go with their function.
CODE_TYPES = ("AWS::Lambda::Version",)
_PSEUDO = re.compile(r"\$\{(AWS::[A-Za-z]+)\}")


def is_data(resource: dict[str, Any]) -> bool:
    """Whether a template's resource is data, which outlives its stack."""
    return resource.get("DeletionPolicy") in _RETAINED and resource.get("Type") not in CODE_TYPES


def data_ids(template: Template) -> set[str]:
    """The logical ids of a template's data."""
    return {logical for logical, resource in template.get("Resources", {}).items() if is_data(resource)}


def with_literal_names(template: Template, account: str, region: str, partition: str) -> Template:
    """The template with the names of its data written out for this account and region.

    Only a property that is nothing but ``Fn::Sub`` over account, region and partition changes; its value is what
    CloudFormation would have computed, so a stack made from either form does not differ.
    """
    known = {"AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": partition}
    resources = {
        logical: {**resource, "Properties": _literal(resource.get("Properties", {}), known)}
        if is_data(resource) and resource.get("Properties")
        else resource
        for logical, resource in template.get("Resources", {}).items()
    }
    return {**template, "Resources": resources}


def _literal(properties: dict[str, Any], known: dict[str, str]) -> dict[str, Any]:
    return {name: _written_out(value, known) if name.endswith("Name") else value for name, value in properties.items()}


def _written_out(value: Any, known: dict[str, str]) -> Any:
    if not (isinstance(value, dict) and set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str)):
        return value
    text = _PSEUDO.sub(lambda match: known.get(match[1], match[0]), value["Fn::Sub"])
    return value if "${" in text else text
