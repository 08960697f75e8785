"""CodePipeline: every job is answered, once, through the API."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from endpoint import Context, Endpoint, aws_endpoint
from templates import allowed, deployed

from eventfw import App, PipelineArtifact, PipelineJob
from eventfw.runtime import entry


@pytest.fixture
def codepipeline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    with aws_endpoint(monkeypatch) as found:
        yield found


def send(handler: Any, to: Endpoint, context: Any = None, **fields: Any) -> tuple[str, Any]:
    """Have a handler do a job; gives the one operation that was called, with its parameters."""
    app = App("demo")
    app.codepipeline_action()(handler)
    assert entry(app, handler.__name__)(app.handlers[0].triggers[0].sample(**fields), context) is None
    [call] = to.calls
    return call


def test_a_handler_that_returns_nothing_succeeds(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> None: ...

    operation, parameters = send(release, codepipeline, id="job-1")
    assert (operation, parameters["jobId"], parameters["outputVariables"]) == ("PutJobSuccessResult", "job-1", {})


def test_a_dict_becomes_output_variables(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> Any:
        return {"Version": job.json["version"]}

    _, parameters = send(release, codepipeline, user_parameters={"version": "1.2"})
    assert parameters["outputVariables"] == {"Version": "1.2"}


@dataclass
class Release:
    version: str


@pytest.mark.parametrize(
    ("parameters", "told"), [({"version": "1.2"}, "PutJobSuccessResult"), ("{", "PutJobFailureResult")]
)
def test_a_model_receives_the_user_parameters(codepipeline: Endpoint, parameters: Any, told: str) -> None:
    def release(wanted: Release) -> Any:
        return {"Version": wanted.version}

    operation, said = send(release, codepipeline, user_parameters=parameters)
    assert operation == told
    assert said.get("outputVariables", {"Version": "1.2"}) == {"Version": "1.2"}


@pytest.mark.parametrize("result", [7, ["a"], {"Version": 1}, {"the version": "1"}, {"": "1"}])
def test_what_is_no_output_variables_fails_the_job(codepipeline: Endpoint, result: Any) -> None:
    def release(job: PipelineJob) -> Any:
        return result

    operation, parameters = send(release, codepipeline)
    assert operation == "PutJobFailureResult" and "output variable" in parameters["failureDetails"]["message"]


def test_an_exception_fails_the_job_and_not_the_invocation(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> None:
        raise ValueError("no such version " + "x" * 6000)

    operation, parameters = send(release, codepipeline, Context(60_000))
    details = parameters["failureDetails"]
    assert (operation, details["type"]) == ("PutJobFailureResult", "JobFailed")
    assert details["message"].startswith("ValueError: no such version") and len(details["message"]) == 5000
    assert details["externalExecutionId"] == Context.aws_request_id


def test_a_success_that_codepipeline_does_not_take_is_reported_as_a_failure(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> None: ...

    codepipeline.answers = [(400, b'{"__type": "InvalidJobStateException"}'), (200, b"{}")]
    app = App("demo")
    app.codepipeline_action()(release)
    entry(app, "release")(app.handlers[0].triggers[0].sample(), None)
    (first, _), (second, parameters) = codepipeline.calls
    assert (first, second) == ("PutJobSuccessResult", "PutJobFailureResult")
    assert "InvalidJobState" in parameters["failureDetails"]["message"]


def test_a_report_that_is_never_taken_fails_the_invocation(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> None: ...

    codepipeline.answers = [(400, b'{"__type": "JobNotFoundException"}')]
    app = App("demo")
    app.codepipeline_action()(release)
    with pytest.raises(Exception, match="JobNotFound"):
        entry(app, "release")(app.handlers[0].triggers[0].sample(), None)


def test_a_job_is_continued_with_the_token(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> None:
        assert job.continuation_token == "asked once"
        job.continue_later("asked twice")

    operation, parameters = send(release, codepipeline, continuation_token="asked once")
    assert (operation, parameters["continuationToken"]) == ("PutJobSuccessResult", "asked twice")
    assert "outputVariables" not in parameters


@pytest.mark.parametrize("token", ["", "x" * 2049, 7])
def test_a_token_that_codepipeline_refuses_is_refused(token: Any) -> None:
    with pytest.raises(ValueError, match="1 to 2048"):
        PipelineJob({}).continue_later(token)


def test_a_job_never_hangs_because_the_function_runs_out_of_time(codepipeline: Endpoint) -> None:
    def release(job: PipelineJob) -> None:
        while not codepipeline.requests:
            time.sleep(0.005)

    operation, parameters = send(release, codepipeline, Context(80))
    assert operation == "PutJobFailureResult" and "out of time" in parameters["failureDetails"]["message"]


def test_artifacts_say_where_they_are() -> None:
    app = App("demo")
    app.codepipeline_action()(print)
    job = PipelineJob(app.handlers[0].triggers[0].sample())
    [source] = job.input_artifacts
    assert isinstance(source, PipelineArtifact)
    assert (source.name, source.bucket) == ("SourceArtifact", "codepipeline-us-east-1-example")
    assert source.key.startswith("release/") and source.revision
    assert set(job.credentials) == {"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}


def test_the_function_may_report_and_nothing_else() -> None:
    app = App("demo")
    app.codepipeline_action()(lambda_named())
    [(actions, resources)] = allowed(deployed(app), "ReleaseRole")
    assert actions == ["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"]
    assert resources == ["*"]


def lambda_named() -> Any:
    def release(job: Any) -> None: ...

    return release
