"""Reports to services that the embedded AWS has not: the SDK is answered, and the developer told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eventfw.tools.local.cloud.reports import reported, taken
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse

EVALUATIONS = [{"ComplianceType": "COMPLIANT"}, {"ComplianceType": "NON_COMPLIANT"}, {"ComplianceType": "COMPLIANT"}]


def report(target: str, body: Any) -> tuple[HttpResponse, list[str]]:
    request = HttpRequest("POST", "/", headers=[("x-amz-target", target)])
    assert reported(request)
    said: list[str] = []
    return taken(request, body if isinstance(body, bytes) else json.dumps(body).encode(), said.append), said


@pytest.mark.parametrize(
    ("target", "sent", "said"),
    [
        ("CodePipeline_20150709.PutJobSuccessResult", {"jobId": "1", "outputVariables": {}}, "job 1 succeeded."),
        ("CodePipeline_20150709.PutJobSuccessResult", {"jobId": "1", "outputVariables": {"V": "2"}}, "{'V': '2'}"),
        ("CodePipeline_20150709.PutJobSuccessResult", {"jobId": "1", "continuationToken": "t"}, "continued with 't'"),
        (
            "CodePipeline_20150709.PutJobFailureResult",
            {"jobId": "1", "failureDetails": {"message": "no such version"}},
            "job 1 failed. no such version",
        ),
        (
            "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus",
            {"deploymentId": "d-1", "lifecycleEventHookExecutionId": "e", "status": "Failed"},
            "Failed for deployment d-1",
        ),
        ("StarlingDoveService.PutEvaluations", {"Evaluations": EVALUATIONS}, "2 COMPLIANT, 1 NON_COMPLIANT"),
    ],
)
def test_a_report_is_answered_and_said(target: str, sent: Any, said: str) -> None:
    response, noted = report(target, sent)
    assert response.status == 200
    assert len(noted) == 1 and said in noted[0]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"7", b"\xff", b'{"Evaluations": [7]}'])
def test_what_is_no_whole_report_is_refused(body: bytes) -> None:
    response, noted = report("StarlingDoveService.PutEvaluations", body)
    assert response.status == 400 and b"ValidationException" in response.body
    assert noted == []


@pytest.mark.parametrize("target", ["", "StarlingDoveService.PutConfigRule", "DynamoDB_20120810.PutItem"])
def test_other_requests_are_no_reports(target: str) -> None:
    assert not reported(HttpRequest("POST", "/", headers=[("x-amz-target", target)]))
