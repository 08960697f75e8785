"""``eventfw list``: functions, handlers and triggers."""

from __future__ import annotations

import json
from typing import Any

import click

from .options import json_option, project_options


@click.command()
@project_options
@json_option
def command(directory: str, app: str | None, as_json: bool) -> None:
    """List functions, handlers and triggers."""
    from eventfw.resources.names import LOCAL_STAGE, Names
    from eventfw.tools.project import describe, load_project

    project = load_project(directory, app)
    data = describe(project.app, Names(project.app.name, LOCAL_STAGE))
    if as_json:
        functions = [
            {"name": name, **{key: function[key] for key in ("memory", "timeout", "edge", "handlers", "place")}}
            for name, function in data["functions"].items()
        ]
        click.echo(json.dumps({"app": data["app"], "functions": functions, "handlers": data["handlers"]}, indent=2))
        return
    click.echo(table(data))


def table(data: dict[str, Any]) -> str:
    """The app as people read it: a function a line, its handlers and triggers below it."""
    if not data["handlers"]:
        return f"{data['app']} has no handlers yet."
    handlers = {handler["name"]: handler for handler in data["handlers"]}
    width = max(len(name) for name in handlers)
    lines = [data["app"]]
    for name, function in data["functions"].items():
        where = "Lambda@Edge, " if function["edge"] else ""
        lines.append(f"  {name}  ({where}{function['memory']} MB, {function['timeout']} s)")
        for handler in (handlers[each] for each in function["handlers"]):
            for index, trigger in enumerate(handler["triggers"]):
                label = handler["name"] if index == 0 else ""
                place = f"  {handler['place']}" if index == 0 else ""
                lines.append(f"    {label:{width}}  {trigger}{place}")
    return "\n".join(lines)
