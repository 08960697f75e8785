"""S3 Batch Operations: every task answered, with the result code that S3 acts on."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest

from eventfw import App, S3BatchTask
from eventfw.errors import RegistrationError
from eventfw.runtime import entry
from eventfw.tools.build.template import Template
from eventfw.tools.checks import check


def app_with(answer: Any = None, **options: Any) -> tuple[App, list[S3BatchTask]]:
    app, seen = App("demo"), list[S3BatchTask]()

    @app.s3_batch(**options)
    def convert(task: S3BatchTask) -> Any:
        seen.append(task)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return app, seen


def sample(app: App, **fields: Any) -> Any:
    return app.handlers[0].triggers[0].sample(**fields)


def test_schema_1_has_the_buckets_arn_and_an_encoded_key() -> None:
    app, seen = app_with("done")
    answer = entry(app, "convert")(sample(app, key="in/a b+ü.png", task_id="t-1"), None)
    assert (seen[0].bucket, seen[0].key, seen[0].version_id) == ("uploads", "in/a b+ü.png", None)
    assert answer == {
        "invocationSchemaVersion": "1.0",
        "treatMissingKeysAs": "PermanentFailure",
        "invocationId": "aW52b2NhdGlvbi0x",
        "results": [{"taskId": "t-1", "resultCode": "Succeeded", "resultString": "done"}],
    }


def test_schema_2_has_the_buckets_name_and_the_jobs_arguments() -> None:
    app, seen = app_with()
    event = sample(app, user_arguments={"size": "big"}, bucket="pictures", job_id="j-1", version_id="v-1")
    answer = entry(app, "convert")(event, None)
    [task] = seen
    assert "s3BucketArn" not in event["tasks"][0]
    assert (task.bucket, task.job_id, task.user_arguments, task.version_id) == (
        "pictures",
        "j-1",
        {"size": "big"},
        "v-1",
    )
    assert answer["invocationSchemaVersion"] == "2.0"


@pytest.mark.parametrize(
    ("answer", "code", "text"),
    [
        (None, "Succeeded", ""),
        ({"rows": 2}, "Succeeded", '{"rows": 2}'),
        (S3BatchTask.PermanentFailure("no such person"), "PermanentFailure", "no such person"),
        (ValueError("throttled"), "TemporaryFailure", "ValueError: throttled"),
    ],
)
def test_what_the_handler_does_is_the_tasks_result(
    answer: Any, code: str, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    app, _ = app_with(answer)
    [result] = entry(app, "convert")(sample(app), None)["results"]
    assert (result["resultCode"], result["resultString"]) == (code, text)
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert bool(logged) is (code == "TemporaryFailure")


@dataclass
class Copy:
    source: str
    target: str


def test_json_in_the_place_of_the_key_may_be_a_model() -> None:
    app, seen = App("demo"), list[Copy]()

    @app.s3_batch()
    def convert(copy: Copy) -> None:
        seen.append(copy)

    answer = entry(app, "convert")(sample(app, key='{"source": "a b", "target": "c"}'), None)
    assert answer["results"][0]["resultCode"] == "Succeeded" and seen == [Copy("a b", "c")]
    answer = entry(app, "convert")(sample(app, key='{"source": 1}'), None)
    assert answer["results"][0]["resultCode"] == "PermanentFailure"


def test_every_task_of_an_invocation_is_answered() -> None:
    app, seen = app_with()
    event = sample(app)
    event["tasks"] = [{**event["tasks"][0], "taskId": str(number)} for number in range(3)]
    answer = entry(app, "convert")(event, None)
    assert [result["taskId"] for result in answer["results"]] == ["0", "1", "2"]
    assert len(seen) == 3


def test_the_role_of_jobs_may_invoke_the_function_read_the_manifest_and_write_the_report() -> None:
    app, _ = app_with(manifest="manifests", report="arn:aws:s3:::reports")
    template = Template("demo", "dev")
    app.handlers[0].triggers[0].resources(app.functions["convert"], template)
    role = template.properties("ConvertBatchJobRole")
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": ["batchoperations.s3.amazonaws.com"]}
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    assert {tuple(one["Action"]): one["Resource"] for one in statements} == {
        ("lambda:InvokeFunction",): [{"Fn::GetAtt": ["ConvertFunction", "Arn"]}],
        ("s3:GetObject", "s3:GetObjectVersion"): [{"Fn::Sub": "arn:${AWS::Partition}:s3:::manifests/*"}],
        ("s3:PutObject",): [{"Fn::Sub": "arn:${AWS::Partition}:s3:::reports/*"}],
    }
    outputs = template.body("")["Outputs"]
    assert outputs["ConvertBatchJobRoleArn"]["Value"] == {"Fn::GetAtt": ["ConvertBatchJobRole", "Arn"]}


@pytest.mark.parametrize("same", [True, False])
def test_two_handlers_of_one_function_are_refused_because_a_task_names_neither(same: bool) -> None:
    app = App("demo")

    def one(task: Any) -> None: ...

    def two(task: Any) -> None: ...

    for handler in (one, two):
        app.s3_batch()(app.function("jobs" if same else handler.__name__)(handler))
    assert [finding.refused for finding in check(app)] == [True] * same


@pytest.mark.parametrize("options", [{"treat_missing_keys_as": "Failed"}, {"report": 7}, {"manifest": "Not A Bucket"}])
def test_options_that_cannot_be_are_refused_on_the_users_line(options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError) as caught:
        App("demo").s3_batch(**options)
    assert "test_s3_batch.py" in caught.value.place


def test_a_plus_in_a_manifest_is_a_space() -> None:
    app, seen = app_with()
    event = sample(app, key="a b")
    assert event["tasks"][0]["s3Key"] == "a+b"
    entry(app, "convert")(event, None)
    assert seen[0].key == "a b"


@pytest.mark.parametrize("job", [None, {"id": "j-1"}, {"id": "j-1", "userArguments": None}])
def test_a_job_without_arguments_has_none(job: Any) -> None:
    app, seen = app_with()
    entry(app, "convert")({**sample(app), "job": job or {}}, None)
    assert seen[0].user_arguments == {}


def test_the_role_of_jobs_does_no_more_than_it_was_told_to() -> None:
    app, _ = app_with()
    template = Template("demo", "dev")
    app.handlers[0].triggers[0].resources(app.functions["convert"], template)
    [statement] = template.properties("ConvertBatchJobRole")["Policies"][0]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["lambda:InvokeFunction"]
