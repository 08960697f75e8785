"""Templates of an app, made in this process: as AWS gets them, and as the embedded AWS does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from eventfw import App
from eventfw.tools.build import assemble
from eventfw.tools.build.artifacts import Asset
from eventfw.tools.build.assemble import LocalVariant, build, handler_of
from eventfw.tools.build.functions import Code, code_in_bucket
from eventfw.tools.project import Config, Project, Stage


def deployed(app: App) -> dict[str, Any]:
    """The main stack's template in stage ``dev``, without the zip that its functions name."""
    [template] = _main(app)
    return template


def _main(app: App) -> list[dict[str, Any]]:
    def code(function: Any) -> Code:
        return Code("python3.13", handler_of(function), code_in_bucket(app.name, "0" * 64))

    return [template.body("test") for template in assemble._main_templates(app, Stage("dev"), code).values()]


def every(app: App) -> list[dict[str, Any]]:
    """The templates of all its stacks, that of Lambda@Edge among them."""
    edge = [function for function in app.functions.values() if function.edge]
    found = _main(app)
    if edge:
        asset = Asset(Path("/nowhere"), "0" * 64, 0)
        found.append(assemble._edge_template(app, Stage("dev"), edge, "python3.13", asset))
    return found


def local(app: App) -> dict[str, Any]:
    """The same for the embedded AWS."""
    project = Project(Path("/nowhere"), Config(), app, "app", "app")
    return build(project, Stage("local"), local=LocalVariant("http://127.0.0.1:1/push")).stacks[0].template


def types(template: dict[str, Any]) -> dict[str, str]:
    """The type of each resource, by logical id."""
    return {name: resource["Type"] for name, resource in template["Resources"].items()}


def properties(template: dict[str, Any], logical_id: str) -> dict[str, Any]:
    """A resource's properties."""
    found: dict[str, Any] = template["Resources"][logical_id]["Properties"]
    return found


def allowed(template: dict[str, Any], role: str) -> list[tuple[list[str], list[Any]]]:
    """What a role may do, and with what, besides writing logs."""
    statements = properties(template, role)["Policies"][0]["PolicyDocument"]["Statement"]
    return [(one["Action"], one["Resource"]) for one in statements if "logs:PutLogEvents" not in one["Action"]]


def complaints(template: dict[str, Any]) -> list[str]:
    """What cfn-lint says of a template, warnings included."""
    from json import dumps

    from cfnlint.api import lint

    return [f"{match.rule.id} {match.message}" for match in lint(dumps(template), rules(), ["us-east-1"])]


@cache
def rules() -> Any:
    """Those of cfn-lint that find errors and warnings: to load them takes longer than to ask them all."""
    from cfnlint.core import get_rules

    return get_rules([], [], ["E", "W"])
