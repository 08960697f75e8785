"""Questions of the conformance cases, answered by eventfw: one function per file of cases."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from eventfw.errors import RuleError
from eventfw.paths import HttpTable
from eventfw.rules.batch import BatchResponse
from eventfw.rules.criteria import FilterCriteria
from eventfw.rules.edge import check_edge
from eventfw.rules.pattern import EventPattern
from eventfw.rules.policy import FilterPolicy
from eventfw.rules.schedule import ScheduleExpression
from eventfw.tools.local.web.alb import alb_error, alb_event, alb_refusal, alb_response
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse, respond
from eventfw.tools.local.web.function_url import url_error, url_event, url_response
from eventfw.tools.local.web.http_api import gateway_error, http_event, http_response
from eventfw.tools.local.web.http_api_v1 import http_v1_event, http_v1_response
from eventfw.tools.local.web.lattice import lattice_error, lattice_response, lattice_v1_event, lattice_v2_event
from eventfw.tools.local.web.rest_api import (
    RestStage,
    matched_path,
    rest_error,
    rest_event,
    rest_no_stage,
    rest_not_found,
    rest_response,
    stage_paths,
)


def eventbridge_patterns(question: dict[str, Any]) -> dict[str, Any]:
    """Does the pattern match, or is it refused?"""
    event = question["event_text"] if "event_text" in question else question.get("event", {})
    try:
        pattern = EventPattern(question["pattern_text"] if "pattern_text" in question else question["pattern"])
    except RuleError:
        return {"invalid": True}
    return {"matches": pattern.matches(event)}


def sns_filter_policies(question: dict[str, Any]) -> dict[str, Any]:
    """Does the subscription take the message, or is its policy refused?"""
    try:
        policy = FilterPolicy(question["policy"], question["scope"])
    except RuleError:
        return {"invalid": True}
    return {"matches": policy.matches(question.get("attributes"), question.get("body"))}


def lambda_filter_criteria(question: dict[str, Any]) -> dict[str, Any]:
    """Does the record reach the function, or are the filters refused?"""
    try:
        criteria = FilterCriteria(question["filter_criteria"], question["source_kind"])
    except RuleError:
        return {"outcome": "invalid"}
    return {"outcome": "deliver" if criteria.matches(question.get("record", {})) else "drop"}


def batch_failures(question: dict[str, Any]) -> dict[str, Any]:
    """Which records come again?"""
    ids, returned = question["record_ids"], question["handler_return"]
    if isinstance(returned, dict) and "$raises" in returned:
        response = BatchResponse.failed(ids, returned["$raises"])
    else:
        reports = "ReportBatchItemFailures" in question["function_response_types"]
        kind = question["source_kind"]
        groups = ["group"] * len(ids) if kind.endswith("_fifo") else None
        response = BatchResponse.read(kind.removesuffix("_fifo"), ids, returned, reports=reports, groups=groups)
    return {"result": response.result, "retried": response.retried}


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
    config = question.get("config") or {}
    if question["direction"] == "request":
        return _REQUESTS[question["flavour"]](_request(question["http"]), config)
    returned = question["handler_return"]
    answer, failed = _RESPONSES[question["flavour"]]
    if isinstance(returned, dict) and "$raises" in returned:
        response = failed()
    else:
        response = answer(json.dumps(returned, separators=(",", ":")).encode(), question)
    return asyncio.run(_sent(response))


async def _sent(response: HttpResponse) -> dict[str, Any]:
    """The response as it goes over the wire, with its Content-Length."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    await respond(send, response)
    head, body = messages
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in head["headers"]]
    return {"status": head["status"], "headers": headers, "body": body["body"].decode(errors="replace")}


def _request(http: dict[str, Any]) -> HttpRequest:
    path, _, query = http["target"].partition("?")
    body = b64decode(http["body_base64"]) if "body_base64" in http else (http.get("body") or "").encode()
    return HttpRequest(http["method"], path, query, [(name, value) for name, value in http.get("headers", [])], body)


def _lower(request: HttpRequest) -> HttpRequest:
    """The request as a server has it: REST APIs alone show the client's case."""
    return replace(request, headers=[(name.lower(), value) for name, value in request.headers])


def _rest_event(request: HttpRequest, config: dict[str, Any]) -> dict[str, Any]:
    stage = _stage(config)
    paths = stage_paths(request.path, stage.name)
    if paths is None:
        return _refused(rest_no_stage())
    table = HttpTable(_resources(config.get("resource", "/{proxy+}")))
    found = table.match(request.method, matched_path(paths[1]))
    if found is None:
        return _refused(rest_not_found())
    resource = found[0].partition(" ")[2]
    return rest_event(
        request, resource, found[1], stage, request_id="id", extended_request_id="id", received=datetime.now(UTC)
    )


def _stage(config: dict[str, Any]) -> RestStage:
    return RestStage(config.get("stage", "stage"), binary_media_types=config.get("binaryMediaTypes", ()))


def _resources(text: str) -> list[tuple[str, str, str, str]]:
    """The rows of a resource with a remark, such as ``/a (GET only)`` or ``/a (sibling of /{proxy+})``."""
    rows = []
    for path, remark in re.findall(r"(/[^\s,;()]*)([^/]*)", text):
        for method in re.findall(r"\b(?:ANY|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT)\b", remark) or ["ANY"]:
            rows.append((method, path, "api", path))
    return rows


def _http_api_event(build: Any) -> Any:
    def event(request: HttpRequest, config: dict[str, Any]) -> dict[str, Any]:
        stage = config.get("stage", "$default")
        keys = config.get("routes") or [config.get("routeKey", "$default")]
        table = HttpTable([(*key.split(" "), "api", key) for key in keys if key != "$default"])
        below = request.path if stage == "$default" else request.path.removeprefix(f"/{stage}")
        found = table.match(request.method, below)
        if found is None and "$default" not in keys:
            return _refused(gateway_error(404))
        key, parameters = found[:2] if found else ("$default", {})
        return build(_lower(request), key, parameters, stage=stage, request_id="id", received=datetime.now(UTC))

    return event


def _url_event(request: HttpRequest, config: dict[str, Any]) -> dict[str, Any]:
    return url_event(_lower(request), request_id="id", received=datetime.now(UTC))


def _alb_event(multi_value: bool) -> Any:
    def event(request: HttpRequest, config: dict[str, Any]) -> dict[str, Any]:
        request = _lower(request)
        refusal = alb_refusal(request)
        return _refused(refusal) if refusal else alb_event(request, multi_value=multi_value)

    return event


def _lattice_v1_event(request: HttpRequest, config: dict[str, Any]) -> dict[str, Any]:
    return lattice_v1_event(_lower(request))


def _lattice_v2_event(request: HttpRequest, config: dict[str, Any]) -> dict[str, Any]:
    return lattice_v2_event(_lower(request), received=datetime.now(UTC))


def _refused(response: HttpResponse) -> dict[str, Any]:
    return {"$http": {"status": response.status}}


def _rest_response(payload: bytes, question: dict[str, Any]) -> HttpResponse:
    accept = [value for name, value in question.get("request_headers") or () if name.lower() == "accept"]
    return rest_response(payload, _stage(question.get("config") or {}), accept=accept[0] if accept else "")


_REQUESTS: dict[str, Any] = {
    "apigw_rest": _rest_event,
    "apigw_http_v1": _http_api_event(http_v1_event),
    "apigw_http_v2": _http_api_event(http_event),
    "function_url": _url_event,
    "alb": _alb_event(multi_value=False),
    "alb_multi": _alb_event(multi_value=True),
    "vpc_lattice_v1": _lattice_v1_event,
    "vpc_lattice_v2": _lattice_v2_event,
}

_LATTICE = (lambda payload, question: lattice_response(payload), lattice_error)
#: How a result becomes a response, and what a client gets of a function that raises.
_RESPONSES: dict[str, tuple[Any, Any]] = {
    "apigw_rest": (_rest_response, partial(rest_error, 502)),
    "apigw_http_v1": (lambda payload, question: http_v1_response(payload), partial(gateway_error, 500)),
    "apigw_http_v2": (lambda payload, question: http_response(payload), partial(gateway_error, 500)),
    "function_url": (lambda payload, question: url_response(payload), url_error),
    "alb": (lambda payload, question: alb_response(payload), partial(alb_error, 502)),
    "alb_multi": (lambda payload, question: alb_response(payload, multi_value=True), partial(alb_error, 502)),
    "vpc_lattice_v1": _LATTICE,
    "vpc_lattice_v2": _LATTICE,
}
