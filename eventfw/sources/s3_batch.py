"""``@app.s3_batch``: the objects of an S3 Batch Operations job, one task at a time."""

from __future__ import annotations

from ..errors import PayloadError, users_traceback
from ..events import Event
from ..options import one_of
from ..resources.bucket import Bucket
from ..resources.names import pascal
from ..trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

RESULT_CODES = ("Succeeded", "TemporaryFailure", "PermanentFailure")


class PermanentFailure(Exception):
    """Raised by a handler whose task is not to be tried again; its text stands in the job's completion report."""


class S3BatchTask(Event):
    """One object of a job's manifest. https://docs.aws.amazon.com/lambda/latest/dg/services-s3-batch.html

    ``raw`` is the task alone; what the whole invocation says of the job is read off ``invocation``.
    """

    PermanentFailure = PermanentFailure
    """``raise S3BatchTask.PermanentFailure("why")``: S3 does not try the task again."""

    def __init__(self, raw: Any, context: Any = None, invocation: Any = None) -> None:
        super().__init__(raw, context)
        self.invocation = invocation or {}

    def summary(self) -> str:
        return f"{self.bucket}/{self.key}"

    @property
    def task_id(self) -> str:
        """What S3 knows the task by."""
        return str(self.raw["taskId"])

    @property
    def bucket(self) -> str:
        """The bucket's name. Invocation schema 1.0 sends its ARN, 2.0 its name."""
        return str(self.raw.get("s3Bucket") or self.raw["s3BucketArn"].rpartition(":")[2])

    @property
    def key(self) -> str:
        """The object's key, decoded: manifests name keys URL-encoded, with ``+`` or ``%20`` for a space."""
        key = str(self.raw["s3Key"])
        if "%" not in key and "+" not in key:
            return key
        from urllib.parse import unquote_plus

        return unquote_plus(key)

    @property
    def version_id(self) -> str | None:
        """The object's version, where the manifest names one."""
        return self.raw.get("s3VersionId")  # type: ignore[no-any-return]

    @property
    def job_id(self) -> str:
        """The job's id."""
        return str((self.invocation.get("job") or {}).get("id", ""))

    @property
    def user_arguments(self) -> dict[str, str]:
        """What the job passes to every task, at most 10 pairs; only invocation schema 2.0 has them."""
        return (self.invocation.get("job") or {}).get("userArguments") or {}


class S3BatchInvocation(Event):
    """An invocation by a job: its tasks, of which S3 sends one."""

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self.results: list[dict[str, str]] = []

    def summary(self) -> str:
        return f"{len(self.tasks)} task{'s' * (len(self.tasks) != 1)}"

    @property
    def tasks(self) -> list[S3BatchTask]:
        """The tasks; S3 sends one at a time, but the format allows more."""
        return [S3BatchTask(task, self.context, self.raw) for task in self.raw["tasks"]]


class S3Batch(Trigger):
    """Run for every object of an S3 Batch Operations job that invokes the function.

    ``treat_missing_keys_as``: the result code of tasks that an answer leaves out; eventfw answers every task, so it
    counts only where S3 itself adds some. ``manifest`` and ``report``: the buckets, by object, name or ARN, that the
    jobs' manifests are read from and the completion reports written to, for the role that jobs run with.

    What the handler returns (text, or anything that is written as JSON) is the task's result in the report. When it
    raises, the task is a ``TemporaryFailure``, which S3 tries again before the job ends;
    ``S3BatchTask.PermanentFailure`` ends the task. Jobs are made by ``s3control create-job``: CloudFormation has none.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
    """

    decorator = "s3_batch"
    example = "@app.s3_batch()"
    kinds = ("s3_batch",)

    def __init__(
        self,
        *,
        treat_missing_keys_as: str = "PermanentFailure",
        manifest: Bucket | str | None = None,
        report: Bucket | str | None = None,
    ) -> None:
        super().__init__()
        self.treat_missing_keys_as = treat_missing_keys_as
        self.manifest = None if manifest is None else Bucket.of("manifest of s3_batch", manifest)
        self.report = None if report is None else Bucket.of("report of s3_batch", report)
        self.validate()

    def validate(self) -> None:
        one_of("s3_batch", "treat_missing_keys_as", self.treat_missing_keys_as, RESULT_CODES)

    def title(self) -> str:
        return "s3 batch operations"

    def parse(self, raw: Any, context: Any) -> S3BatchInvocation:
        return S3BatchInvocation(raw, context)

    def call(self, binding: Binding, event: S3BatchInvocation) -> None:
        for task in event.tasks:
            try:
                code, text = "Succeeded", told(binding(task, event.context))
            except (PermanentFailure, PayloadError) as error:
                code, text = "PermanentFailure", str(error)
            except Exception as error:
                # The invocation succeeds and reports the task, so nobody else would log why.
                import logging

                reason = (type(error), error, users_traceback(error))
                logging.getLogger("eventfw").error("Task %s failed for now.", task.task_id, exc_info=reason)
                code, text = "TemporaryFailure", f"{type(error).__name__}: {error}"
            event.results.append({"taskId": task.task_id, "resultCode": code, "resultString": text})

    def payload(self, event: S3BatchTask) -> Any:
        """What a manifest says of a task may be JSON in the place of the key."""
        from json import loads

        return loads(event.key)

    def encode(self, result: Any, event: S3BatchInvocation) -> dict[str, Any]:
        return {
            "invocationSchemaVersion": event.raw["invocationSchemaVersion"],
            "treatMissingKeysAs": self.treat_missing_keys_as,
            "invocationId": event.raw["invocationId"],
            "results": event.results,
        }

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A task does not say which job, and so which handler, it is for."""
        return self.sample() if isinstance(other, S3Batch) and other.handler != self.handler else None

    def resources(self, function: Function, template: Template) -> None:
        """The role that jobs run with, and what ``create-job`` asks for, as outputs."""
        from ..resources.resource import within

        arn = template.function_arn(function)
        statements = [(["lambda:InvokeFunction"], [arn])]
        if self.manifest is not None:
            objects = within(self.manifest.arn_in(template), "/*")
            statements.append((["s3:GetObject", "s3:GetObjectVersion"], [objects]))
        if self.report is not None:
            statements.append((["s3:PutObject"], [within(self.report.arn_in(template), "/*")]))
        base = pascal(self.own_name) + "Batch"
        role = template.role(base + "JobRole", "batchoperations.s3.amazonaws.com", statements)
        template.output(base + "JobRoleArn", {"Fn::GetAtt": [role, "Arn"]}, "The role of jobs: RoleArn of create-job")
        template.output(base + "FunctionArn", arn, "The function of jobs: Operation.LambdaInvoke of create-job")

    def sample(self, **fields: Any) -> dict[str, Any]:
        """An invocation for one object. Fields: ``key``, ``bucket``, ``version_id``, ``task_id``, ``job_id`` and
        ``user_arguments``, which makes it one of schema 2.0."""
        from urllib.parse import quote_plus

        self.fields_among(fields, ("key", "bucket", "version_id", "task_id", "job_id", "user_arguments"))
        job: dict[str, Any] = {"id": str(fields.get("job_id", "f3cc4f60-61f6-4a2b-8a21-d07600c373ce"))}
        bucket = str(fields.get("bucket", "uploads"))
        task: dict[str, Any] = {
            "taskId": str(fields.get("task_id", "dGFzay0x")),
            "s3Key": quote_plus(str(fields.get("key", "example")), safe="/"),
            "s3VersionId": fields.get("version_id"),
        }
        arguments = fields.get("user_arguments")
        if arguments is None:
            task["s3BucketArn"] = f"arn:aws:s3:::{bucket}"
        else:
            job["userArguments"] = dict(arguments)
            task["s3Bucket"] = bucket
        return {
            "invocationSchemaVersion": "1.0" if arguments is None else "2.0",
            "invocationId": "aW52b2NhdGlvbi0x",
            "job": job,
            "tasks": [task],
        }


def told(result: Any) -> str:
    """A handler's result as the text that the completion report shows."""
    if result is None:
        return ""
    if isinstance(result, str):
        return result
    from json import dumps

    return dumps(result, ensure_ascii=False)
