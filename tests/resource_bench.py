"""Templates of apps that own or name resources."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eventfw import App
from eventfw.resources.resource import Grant
from eventfw.tools.build.artifacts import Artifacts
from eventfw.tools.build.assemble import LocalVariant, build
from eventfw.tools.build.template import Template
from eventfw.tools.project import Config, Project, Stage

LOCAL = LocalVariant("http://127.0.0.1:1/push")


def artifacts(app: App, stage: str = "dev") -> Artifacts:
    """What is built of an app for the embedded AWS, without a zip."""
    return build(Project(Path("/nowhere"), Config(), app, "app", "app"), Stage(stage), local=LOCAL)


def resources(app: App, stage: str = "dev", *, local: bool = False) -> dict[str, Any]:
    """What the resources of an app alone add to its stack's template."""
    template = Template(app.name, stage, local=local)
    for resource in app.resources:
        resource.resources(template)
    return template.body("test").get("Resources", {})  # type: ignore[no-any-return]


def granted(*grants: Grant) -> dict[str, dict[str, set[str]]]:
    """The actions of grants by verb and scope."""
    return {grant.verb: {scope: set(actions) for scope, actions in grant.actions_by_scope.items()} for grant in grants}
