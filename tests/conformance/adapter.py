"""Questions of the conformance cases, answered by eventfw: one function per file of cases."""

from __future__ import annotations

from typing import Any

from eventfw.rules.edge import check_edge


def edge(question: dict[str, Any]) -> dict[str, Any]:
    """Would CloudFront accept what the function returned?"""
    return {"valid": not check_edge(question["event_type"], question["event"], question["result"])}
