"""The template of an app's main stack, without making its zip."""

from __future__ import annotations

from typing import Any

from eventfw import App
from eventfw.tools.build.functions import Code, add_function
from eventfw.tools.build.template import Template
from eventfw.tools.checks import check
from eventfw.tools.project import Stage

CODE = Code("python3.12", "entry.handler", {"S3Bucket": "bucket", "S3Key": "key"})


def stack_of(app: App, stage: str = "dev", *, local: bool = False) -> dict[str, Any]:
    """What the verbs of an app's resources and triggers add, in one stack. What cannot be deployed is an error."""
    refused = [finding.message for finding in check(app) if finding.refused]
    assert not refused, refused
    template = Template(app.name, stage, local=local)
    for resource in app.resources:
        resource.resources(template)
    for function in app.functions.values():
        add_function(template, function, CODE, Stage(stage))
        for handler in function.handlers:
            for trigger in handler.triggers:
                trigger.resources(function, template)
    return template.body(app.name)


def properties_of(stack: dict[str, Any], logical_id: str) -> dict[str, Any]:
    """A resource's properties."""
    found: dict[str, Any] = stack["Resources"][logical_id]["Properties"]
    return found
