"""Taking back data that has no name to be found by: user pools, which Cognito gives an id.

``ImportExistingResources`` finds what a template names. A pool that an earlier stack kept is taken into the new one by
an import of its own, by id, before the rest of the stack is made: an import may change nothing else
(https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/import-resources-manually.html).
"""

from __future__ import annotations

import json
from typing import Any

from eventfw.tools.deploy.access import Clients
from eventfw.tools.deploy.data import Template, is_data
from eventfw.tools.deploy.kept import Resource, last_kept

IDENTIFIERS = {"AWS::Cognito::UserPool": "UserPoolId"}


def adoptable(
    clients: Clients, owner: tuple[str, str], region: str, before: Template, after: Template
) -> dict[str, Resource]:
    """What earlier stacks of the ``owner``, app and stage, kept and a template has anew, by logical id."""
    old = before.get("Resources", {})
    wanted = {
        logical: resource["Type"]
        for logical, resource in after.get("Resources", {}).items()
        if resource["Type"] in IDENTIFIERS and is_data(resource) and logical not in old
    }
    if not wanted:
        return {}
    kept = last_kept(clients, *owner, region)
    return {logical: kept[logical, type_] for logical, type_ in wanted.items() if (logical, type_) in kept}


def with_adopted(before: Template, after: Template, adopted: dict[str, Resource]) -> Template:
    """The deployed template and nothing new but what is adopted, without what it says of resources to come."""
    resources = dict(before.get("Resources", {}))
    for logical in adopted:
        resource = after["Resources"][logical]
        alone = {name: value for name, value in resource.get("Properties", {}).items() if not _refers(value)}
        resources[logical] = {**{key: resource[key] for key in resource if key != "DependsOn"}, "Properties": alone}
    return {**before, "Resources": resources}


def to_import(adopted: dict[str, Resource]) -> list[dict[str, Any]]:
    """``ResourcesToImport`` of CreateChangeSet."""
    return [
        {
            "ResourceType": resource.type,
            "LogicalResourceId": logical,
            "ResourceIdentifier": {IDENTIFIERS[resource.type]: resource.physical_id},
        }
        for logical, resource in sorted(adopted.items())
    ]


def _refers(value: Any) -> bool:
    text = json.dumps(value)
    return any(f'"{function}"' in text for function in ("Ref", "Fn::GetAtt", "Fn::Sub"))
