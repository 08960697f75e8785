"""What an event source mapping of a stream says, with Lambda's defaults for what it does not say.

https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
"""

from __future__ import annotations

from dataclasses import dataclass

from eventfw.rules.criteria import FilterCriteria
from eventfw.tools.local.lambdas.configuration import EventSourceMapping

BATCH_SIZE = 100
UNLIMITED = -1


@dataclass(frozen=True)
class StreamSettings:
    """How the records of a shard reach the function.

    ``kind``: ``kinesis`` or ``dynamodb``. ``batching_window``, ``tumbling_window`` and ``maximum_record_age`` are in
    seconds; ``maximum_retry_attempts`` and ``maximum_record_age`` are -1 where there is no limit. ``reports``: whether
    the function tells which records failed. ``starting_timestamp``, in seconds since 1970, is for ``AT_TIMESTAMP``.
    ``destination`` is an ARN, or empty.
    """

    kind: str
    batch_size: int = BATCH_SIZE
    batching_window: float = 0.0
    parallelization_factor: int = 1
    maximum_retry_attempts: int = UNLIMITED
    maximum_record_age: float = UNLIMITED
    bisect: bool = False
    reports: bool = False
    tumbling_window: int = 0
    destination: str = ""
    starting_position: str = "TRIM_HORIZON"
    starting_timestamp: float = 0.0
    filters: FilterCriteria | None = None

    @classmethod
    def of(cls, mapping: EventSourceMapping) -> StreamSettings:
        """The settings of a mapping. Raises RuleError for filters that Lambda refuses."""
        said = mapping.properties
        on_failure = (said.get("DestinationConfig") or {}).get("OnFailure") or {}
        criteria = said.get("FilterCriteria")
        return cls(
            mapping.service,
            batch_size=int(said.get("BatchSize") or BATCH_SIZE),
            batching_window=float(said.get("MaximumBatchingWindowInSeconds") or 0),
            parallelization_factor=int(said.get("ParallelizationFactor") or 1),
            maximum_retry_attempts=int(said.get("MaximumRetryAttempts", UNLIMITED)),
            maximum_record_age=float(said.get("MaximumRecordAgeInSeconds", UNLIMITED)),
            bisect=bool(said.get("BisectBatchOnFunctionError")),
            reports="ReportBatchItemFailures" in (said.get("FunctionResponseTypes") or ()),
            tumbling_window=int(said.get("TumblingWindowInSeconds") or 0),
            destination=str(on_failure.get("Destination") or ""),
            starting_position=str(said.get("StartingPosition") or "TRIM_HORIZON"),
            starting_timestamp=float(said.get("StartingPositionTimestamp") or 0),
            filters=FilterCriteria(criteria, mapping.service) if criteria else None,
        )
