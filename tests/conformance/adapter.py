"""Questions of the conformance cases, answered by eventfw: one function per file of cases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from eventfw.errors import RuleError
from eventfw.rules.edge import check_edge
from eventfw.rules.schedule import ScheduleExpression


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
