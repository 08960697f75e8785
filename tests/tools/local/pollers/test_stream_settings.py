"""What a mapping of a stream says, and Lambda's defaults."""

from __future__ import annotations

from typing import Any

from eventfw.tools.local.lambdas.configuration import EventSourceMapping
from eventfw.tools.local.pollers.stream_settings import StreamSettings

ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"


def settings(**properties: Any) -> StreamSettings:
    return StreamSettings.of(EventSourceMapping("A", "count", ARN, properties))


def test_what_is_not_said_is_as_lambda_has_it() -> None:
    assert settings() == StreamSettings("kinesis")
    assert (settings().batch_size, settings().maximum_retry_attempts, settings().maximum_record_age) == (100, -1, -1)


def test_all_that_is_said_counts() -> None:
    found = settings(
        BatchSize=7,
        MaximumBatchingWindowInSeconds=3,
        ParallelizationFactor=4,
        MaximumRetryAttempts=0,
        MaximumRecordAgeInSeconds=60,
        BisectBatchOnFunctionError=True,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        TumblingWindowInSeconds=30,
        DestinationConfig={"OnFailure": {"Destination": "arn"}},
        StartingPosition="AT_TIMESTAMP",
        StartingPositionTimestamp=9.5,
    )
    assert found == StreamSettings("kinesis", 7, 3.0, 4, 0, 60.0, True, True, 30, "arn", "AT_TIMESTAMP", 9.5)


def test_filters_are_those_of_the_source() -> None:
    filters = settings(FilterCriteria={"Filters": [{"Pattern": '{"data": {"a": [1]}}'}]}).filters
    assert filters and filters.kind == "kinesis"
