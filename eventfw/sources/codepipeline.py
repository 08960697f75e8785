"""``@app.codepipeline_action``: a step of a pipeline, which waits until it is told how the step went."""

from __future__ import annotations

from ..events import Event
from ..reporting import Reported, Reporting, aws, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..resources.resource import Template

MESSAGE_MAX = 5000  # characters: FailureDetails.message


class PipelineArtifact(Event):
    """An artifact that a job takes or makes: a zip in the pipeline's bucket.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_Artifact.html
    """

    def summary(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Its name in the pipeline."""
        return str(self.raw["name"])

    @property
    def revision(self) -> str | None:
        """What revision it is of, such as a commit; ``None`` for what the job makes."""
        return self.raw.get("revision")  # type: ignore[no-any-return]

    @property
    def bucket(self) -> str:
        """The bucket it is in, or is to be put in."""
        return str(self.raw["location"]["s3Location"]["bucketName"])

    @property
    def key(self) -> str:
        """The key it has, or is to get."""
        return str(self.raw["location"]["s3Location"]["objectKey"])


class PipelineJob(Reported):
    """One run of the action. Do not log ``raw``: it has credentials.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-Lambda.html
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self._next_token = ""

    def summary(self) -> str:
        return self.id

    @property
    def _job(self) -> dict[str, Any]:
        return self.raw["CodePipeline.job"]  # type: ignore[no-any-return]

    @property
    def id(self) -> str:
        """The job's id."""
        return str(self._job["id"])

    @property
    def account(self) -> str:
        """The account that the pipeline is in."""
        return str(self._job["accountId"])

    @property
    def user_parameters(self) -> str:
        """``UserParameters`` of the action, as it was written; empty without."""
        configuration = self._job["data"]["actionConfiguration"]["configuration"]
        return str(configuration.get("UserParameters") or "")

    @property
    def json(self) -> Any:
        """``UserParameters`` read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.user_parameters)

    @property
    def input_artifacts(self) -> list[PipelineArtifact]:
        """What the action takes; at most 5."""
        return [PipelineArtifact(each, self.context) for each in self._job["data"].get("inputArtifacts") or []]

    @property
    def output_artifacts(self) -> list[PipelineArtifact]:
        """What the action is to make, and to put where it says; at most 5."""
        return [PipelineArtifact(each, self.context) for each in self._job["data"].get("outputArtifacts") or []]

    @property
    def credentials(self) -> dict[str, str]:
        """For the bucket of the artifacts, as boto3 takes them: ``boto3.client("s3", **job.credentials)``."""
        given = self._job["data"].get("artifactCredentials") or {}
        names = {
            "aws_access_key_id": "accessKeyId",
            "aws_secret_access_key": "secretAccessKey",
            "aws_session_token": "sessionToken",
        }
        return {ours: given[theirs] for ours, theirs in names.items() if given.get(theirs)}

    @property
    def encryption_key(self) -> str | None:
        """The id or ARN of the KMS key that artifacts are encrypted with, where the pipeline has one of its own."""
        return (self._job["data"].get("encryptionKey") or {}).get("id")

    @property
    def continuation_token(self) -> str | None:
        """What :meth:`continue_later` was given the time before; ``None`` the first time."""
        return self._job["data"].get("continuationToken")  # type: ignore[no-any-return]

    def continue_later(self, token: str) -> None:
        """The action is not done when the handler returns: CodePipeline sends the job again, with ``token``."""
        if not isinstance(token, str) or not 0 < len(token) <= 2048:
            raise ValueError(f"A continuation token is text of 1 to 2048 characters, not {token!r}.")
        self._next_token = token


class CodePipelineAction(Reporting):
    """Run for an action of a pipeline, of the category ``Invoke`` and the provider ``Lambda``.

    The pipeline is told, once: that the job succeeded, with the dict the handler returns as output variables; that it
    is to be continued, after ``job.continue_later(token)``; that it failed, when the handler raises or the function is
    about to run out of time. https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html
    """

    decorator = "codepipeline_action"
    example = "@app.codepipeline_action()"
    kinds = ("codepipeline",)

    def title(self) -> str:
        return "codepipeline action"

    def parse(self, raw: Any, context: Any) -> PipelineJob:
        return self.begun(PipelineJob(raw, context))

    def payload(self, event: PipelineJob) -> Any:
        """The user parameters, for a parameter that is a data class."""
        return event.json

    def report(self, result: Any, event: PipelineJob) -> None:
        client = aws("codepipeline")
        more: dict[str, Any] = {}
        if not isinstance(result, BaseException):
            if event._next_token:
                more["continuationToken"] = event._next_token
            else:
                try:
                    more["outputVariables"] = output_variables(result)
                except TypeError as error:
                    result = error
        run = getattr(event.context, "aws_request_id", None) or event.id
        if not isinstance(result, BaseException):
            try:
                client.put_job_success_result(jobId=event.id, executionDetails={"externalExecutionId": run}, **more)
                return
            except Exception as error:  # the job must not hang because of what CodePipeline does not take
                result = error
        details = {"type": "JobFailed", "message": reason(result, MESSAGE_MAX), "externalExecutionId": run}
        client.put_job_failure_result(jobId=event.id, failureDetails=details)

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """Jobs have no ARN: IAM knows these actions for ``*`` only."""
        return [(["codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult"], ["*"])]

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A job. Fields: ``id``, ``user_parameters`` (text, or anything that is written as JSON),
        ``continuation_token``."""
        self.fields_among(fields, ("id", "user_parameters", "continuation_token"))
        parameters = fields.get("user_parameters", "{}")
        if not isinstance(parameters, str):
            from json import dumps

            parameters = dumps(parameters)
        stored = {"bucketName": "codepipeline-us-east-1-example", "objectKey": "release/SourceArti/example"}
        data: dict[str, Any] = {
            "actionConfiguration": {"configuration": {"FunctionName": "example", "UserParameters": parameters}},
            "inputArtifacts": [
                {
                    "name": "SourceArtifact",
                    "revision": "5e493c6f3067653f3d04eca608b4901eb2270789",
                    "location": {"type": "S3", "s3Location": stored},
                }
            ],
            "outputArtifacts": [],
            "artifactCredentials": {
                "accessKeyId": "AKIAIOSFODNN7EXAMPLE",
                "secretAccessKey": "example",
                "sessionToken": "example",
            },
        }
        if "continuation_token" in fields:
            data["continuationToken"] = str(fields["continuation_token"])
        job_id = str(fields.get("id", "11111111-abcd-1111-abcd-111111abcdef"))
        return {"CodePipeline.job": {"id": job_id, "accountId": "123456789012", "data": data}}


def output_variables(result: Any) -> dict[str, str]:
    """What the handler returned, if it is variables by name."""
    if result is None:
        return {}
    if not isinstance(result, dict) or not all(isinstance(name, str) for name in result):
        raise TypeError(f"A pipeline action returns a dict of output variables, or nothing, not {result!r}.")
    for name, value in result.items():
        if not isinstance(value, str):
            raise TypeError(f"The output variable {name!r} must be text, not {value!r}.")
        if not name or not all(c.isascii() and (c.isalnum() or c in "@-_") for c in name):
            raise TypeError(f"The name of an output variable has letters, digits, @, - and _, not {name!r}.")
    return result
