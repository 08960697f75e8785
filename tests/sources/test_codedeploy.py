"""CodeDeploy hooks: a verdict, always."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from endpoint import Context, Endpoint, aws_endpoint
from templates import allowed, deployed

from eventfw import App, DeploymentHook
from eventfw.errors import RegistrationError
from eventfw.runtime import entry


@pytest.fixture
def codedeploy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with aws_endpoint(monkeypatch) as found:
        yield found


def verdict(handler: Any, to: Endpoint, context: Any = None) -> str:
    app = App("demo")
    app.codedeploy_hook()(handler)
    event = app.handlers[0].triggers[0].sample(deployment_id="d-1", execution_id="e-1")
    assert entry(app, handler.__name__)(event, context) is None
    [(operation, parameters)] = to.calls
    assert operation == "PutLifecycleEventHookExecutionStatus"
    assert (parameters["deploymentId"], parameters["lifecycleEventHookExecutionId"]) == ("d-1", "e-1")
    return str(parameters["status"])


@pytest.mark.parametrize(
    ("result", "expected"), [(None, "Succeeded"), (True, "Succeeded"), (False, "Failed"), ("yes", "Failed")]
)
def test_the_handlers_result_is_the_verdict(codedeploy: Endpoint, result: Any, expected: str) -> None:
    def check(hook: DeploymentHook) -> Any:
        return result

    assert verdict(check, codedeploy) == expected


@pytest.mark.parametrize(("result", "logged"), [("yes", 1), (False, 0), (True, 0), (None, 0)])
def test_a_result_that_is_no_verdict_is_logged(
    codedeploy: Endpoint, caplog: pytest.LogCaptureFixture, result: Any, logged: int
) -> None:
    def check(hook: DeploymentHook) -> Any:
        return result

    verdict(check, codedeploy)
    assert [record.getMessage() for record in caplog.records].count(
        "<DeploymentHook d-1> failed: a hook returns True, False or nothing, not 'yes'."
    ) == logged


def test_an_exception_is_a_verdict_and_does_not_fail_the_invocation(codedeploy: Endpoint) -> None:
    def check(hook: DeploymentHook) -> None:
        raise ConnectionError("the new version does not answer")

    assert verdict(check, codedeploy) == "Failed"


def test_running_out_of_time_is_a_verdict(codedeploy: Endpoint) -> None:
    def check(hook: DeploymentHook) -> None:
        while not codedeploy.requests:
            time.sleep(0.005)

    assert verdict(check, codedeploy, Context(80)) == "Failed"


@pytest.mark.parametrize(("application", "groups"), [("", "*"), ("shop", "shop/*")])
def test_the_function_may_judge_the_deployments_of_its_application(application: str, groups: str) -> None:
    app = App("demo")

    @app.codedeploy_hook(application=application)
    def check(hook: DeploymentHook) -> None: ...

    [(actions, [arn])] = allowed(deployed(app), "CheckRole")
    assert actions == ["codedeploy:PutLifecycleEventHookExecutionStatus"]
    assert arn["Fn::Sub"].endswith(f":deploymentgroup:{groups}")


@pytest.mark.parametrize("application", ["*", "a/b", "x" * 101, 7])
def test_what_is_no_applications_name_is_refused(application: Any) -> None:
    with pytest.raises(RegistrationError, match="application must be"):
        App("demo").codedeploy_hook(application=application)
