"""Questions of the conformance cases, answered by eventfw: one function per file of cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from eventfw.errors import RuleError
from eventfw.routing import HttpTable
from eventfw.rules.edge import check_edge
from eventfw.rules.schedule import ScheduleExpression
from eventfw.tools.local.asgi import HttpRequest
from eventfw.tools.local.http_api import gateway_error, http_event, http_response

#: Of files whose cases come in flavours, those that are answered so far.
FLAVOURS = {"http_semantics": {"apigw_http_v2"}}


def edge(question: dict[str, Any]) -> dict[str, Any]:
    """Would CloudFront accept what the function returned?"""
    return {"valid": not check_edge(question["event_type"], question["event"], question["result"])}


def schedules(question: dict[str, Any]) -> dict[str, Any]:
    """The next three runs."""
    at_or_zone = question["kind"] == "at" or "timezone" in question
    service = question.get("service") or ("scheduler" if at_or_zone else "rule")
    try:
        schedule = ScheduleExpression(question["expression"], question.get("timezone"), service=service)
    except RuleError:
        return {"invalid": True}
    anchor = datetime.fromisoformat(question["anchor"]) if "anchor" in question else None
    runs: list[str] = []
    moment = schedule.next(datetime.fromisoformat(question["after"]), anchor)
    while moment is not None and len(runs) < 3:
        runs.append(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        moment = schedule.next(moment, anchor)
    return {"next": runs}


def http_semantics(question: dict[str, Any]) -> dict[str, Any]:
    """What event a request becomes, or what response a result becomes."""
    if question["flavour"] not in FLAVOURS["http_semantics"]:
        raise NotImplementedError(question["flavour"])
    return _http_event(question) if question["direction"] == "request" else _http_response(question)


def _http_event(question: dict[str, Any]) -> dict[str, Any]:
    http, config = question["http"], question.get("config") or {}
    path, _, query = http["target"].partition("?")
    stage = config.get("stage", "$default")
    keys = config.get("routes") or [config.get("routeKey", "$default")]
    table = HttpTable([(*key.split(" "), "api", key) for key in keys if key != "$default"])
    found = table.match(http["method"], path if stage == "$default" else path.removeprefix(f"/{stage}"))
    if found is None and "$default" not in keys:
        return {"$http": {"status": 404}}
    route_key, parameters = found[:2] if found else ("$default", {})
    request = HttpRequest(
        http["method"],
        path,
        query,
        [(name.lower(), value) for name, value in http.get("headers", [])],
        (http.get("body") or "").encode(),
    )
    return http_event(request, route_key, parameters, stage=stage, request_id="id", received=datetime.now(UTC))


def _http_response(question: dict[str, Any]) -> dict[str, Any]:
    returned = question["handler_return"]
    raised = isinstance(returned, dict) and "$raises" in returned
    payload = json.dumps(returned, separators=(",", ":")).encode()
    response = gateway_error(500) if raised else http_response(payload)
    return {
        "status": response.status,
        "headers": [list(header) for header in response.headers],
        "body": response.body.decode(errors="replace"),
    }
