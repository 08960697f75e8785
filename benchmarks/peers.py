"""The same routes in Chalice and in Powertools, as Lambda calls them: ``handler(event, context)``.

Chalice takes a REST API's events, Powertools' HTTP resolver an HTTP API's. Neither debugs, and both log from
the level that they have in Lambda.
"""

from __future__ import annotations

import os
from typing import Any

NAMES = ("chalice", "aws_lambda_powertools")
INSTALL = "Install them with: pip install -r benchmarks/requirements.txt. Or leave them out: --no-peers."


def absent() -> list[str]:
    """The peers that are not installed."""
    from importlib.util import find_spec

    return [name for name in NAMES if find_spec(name) is None]


def parametrised(name: str) -> dict[str, str]:
    return {"name": name}


def static() -> dict[str, str]:
    return {"name": "static"}


def chalice(routes: list[str]) -> Any:
    """An app of Chalice with these routes."""
    from chalice import Chalice

    app = Chalice(app_name="bench")
    for position, route in enumerate(routes):
        app.route(route, name=f"handler{position}")(parametrised if "{" in route else static)
    return app


def powertools(routes: list[str]) -> Any:
    """A resolver of Powertools with these routes."""
    os.environ.pop("POWERTOOLS_DEV", None)
    os.environ.pop("POWERTOOLS_DEBUG", None)
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

    app = APIGatewayHttpResolver(debug=False)
    for route in routes:
        app.get(route.replace("{name}", "<name>"))(parametrised if "{" in route else static)
    return app
