"""What handlers report to CodePipeline, CodeDeploy and AWS Config, which the embedded AWS has not: taken, and said.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from eventfw.tools.local.cloud.faults import fault
from eventfw.tools.local.web.asgi import HttpRequest, HttpResponse

REPORT_LIMIT = 1024 * 1024  # bytes: a hundred evaluations have a tenth of it


def reported(request: HttpRequest) -> bool:
    """Whether a request is such a report."""
    return request.header("x-amz-target") in _REPORTS


def taken(request: HttpRequest, body: bytes, note: Callable[[str], None]) -> HttpResponse:
    """The service's answer to a report, which ``note`` is told in words."""
    say, answer = _REPORTS[request.header("x-amz-target")]
    try:
        sent = json.loads(body)
        text, given = say(sent), answer(sent)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return fault(request, 400, "ValidationException", f"The report is not whole ({type(error).__name__}: {error}).")
    note(text)
    return HttpResponse(200, [("content-type", "application/x-amz-json-1.1")], json.dumps(given).encode())


def _succeeded(sent: dict[str, Any]) -> str:
    if token := sent.get("continuationToken"):
        return f"CodePipeline was told: job {sent['jobId']} is to be continued with {token!r}."
    variables = sent.get("outputVariables") or {}
    return f"CodePipeline was told: job {sent['jobId']} succeeded{f' with {variables}' if variables else ''}."


def _failed(sent: dict[str, Any]) -> str:
    return f"CodePipeline was told: job {sent['jobId']} failed. {sent['failureDetails']['message']}"


def _judged(sent: dict[str, Any]) -> str:
    return f"CodeDeploy was told: {sent['status']} for deployment {sent['deploymentId']}."


def _evaluated(sent: dict[str, Any]) -> str:
    counted = Counter(str(each["ComplianceType"]) for each in sent["Evaluations"])
    told = ", ".join(f"{number} {compliance}" for compliance, number in sorted(counted.items()))
    return f"AWS Config was told: {told or 'no evaluation'}."


_Say = Callable[[dict[str, Any]], str]
_Answer = Callable[[dict[str, Any]], dict[str, Any]]
_REPORTS: dict[str, tuple[_Say, _Answer]] = {
    "CodePipeline_20150709.PutJobSuccessResult": (_succeeded, lambda sent: {}),
    "CodePipeline_20150709.PutJobFailureResult": (_failed, lambda sent: {}),
    "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus": (
        _judged,
        lambda sent: {"lifecycleEventHookExecutionId": sent["lifecycleEventHookExecutionId"]},
    ),
    "StarlingDoveService.PutEvaluations": (_evaluated, lambda sent: {"FailedEvaluations": []}),
}
