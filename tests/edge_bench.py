"""A distribution in front of the gateway, without a server, and functions that are called in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from asgi_client import Answer, asked

from eventfw.paths import HttpTable
from eventfw.tools.local.cdn.front import EdgeFront
from eventfw.tools.local.cdn.sites import Association
from eventfw.tools.local.web.gateway import Gateway

SITE = Association("redirect", "viewer-request", "site")
BODY = Association("redirect", "viewer-request", "site", include_body=True)


@dataclass
class Result:
    payload: bytes
    error: bool = False


class Lambda:
    """Stands for the workers: ``edge`` makes the edge function's result of its request, ``api`` shows its event."""

    def __init__(self, edge: Callable[[dict[str, Any]], Any]) -> None:
        self.edge = edge
        self.edge_events: list[dict[str, Any]] = []
        self.api_events: list[dict[str, Any]] = []

    async def __call__(self, function: str, event: bytes) -> Result:
        raw = json.loads(event)
        if function == "api":
            self.api_events.append(raw)
            return Result(b'{"statusCode": 200, "headers": {"via": "1.0 origin", "x-a": "1"}, "body": "origin"}')
        self.edge_events.append(raw)
        result = self.edge(raw["Records"][0]["cf"]["request"])
        return result if isinstance(result, Result) else Result(json.dumps(result).encode())


def front(functions: Any, *associations: Association, **options: Any) -> EdgeFront:
    origin = Gateway(HttpTable([["ANY", "/{rest+}", "api", "all"]]), functions)
    chosen = associations or (() if "described" in options else (SITE,))
    return EdgeFront(chosen, functions, origin, origin_host="127.0.0.1:8000", **options)


def ask(app: Any, method: str = "GET", target: str = "/a", body: bytes = b"", **headers: str) -> Answer:
    """One request of a viewer, without a server between."""

    async def answered() -> Answer:
        answer = await asked(app, method, target, body, headers, port=9000)
        await app.close()
        return answer

    return asyncio.run(answered())


def same(request: dict[str, Any]) -> dict[str, Any]:
    return request


def event_of(functions: Lambda, event_type: str) -> Any:
    """The one event of a type that functions were given."""
    [cf] = [cf for cf in edge_records(functions) if cf["config"]["eventType"] == event_type]
    return cf


def edge_records(functions: Lambda) -> list[Any]:
    return [event["Records"][0]["cf"] for event in functions.edge_events]


class Edge(Lambda):
    """Stands for edge functions of every type, each under the name of its event type."""

    def __init__(self, **results: Callable[[Any], Any]) -> None:
        super().__init__(same)
        self.results = {name.replace("_", "-"): result for name, result in results.items()}

    async def __call__(self, function: str, event: bytes) -> Result:
        if function == "api":
            return await super().__call__(function, event)
        raw = json.loads(event)
        self.edge_events.append(json.loads(event))
        cf = raw["Records"][0]["cf"]
        change = self.results.get(function)
        result = change(cf) if change else cf.get("response") or cf["request"]
        return result if isinstance(result, Result) else Result(json.dumps(result).encode())


TYPES = ("viewer-request", "origin-request", "origin-response", "viewer-response")
ALL = [Association(event_type, event_type, "site") for event_type in TYPES]


def kinds(functions: Lambda) -> list[str]:
    return [cf["config"]["eventType"] for cf in edge_records(functions)]
