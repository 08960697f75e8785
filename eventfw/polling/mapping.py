"""What Lambda polls: sources with an event source mapping, and the options that all of these have."""

from __future__ import annotations

from ..errors import RuleError
from ..options import borrowed, flag, one_of, refused, texts, whole
from ..resources.names import pascal
from ..trigger import Trigger, filed, taken_by_both

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.criteria import FilterCriteria
    from ..rules.witness import Effort
    from ..trigger import Finder

    Filters = Sequence[Mapping[str, Any] | str]

LONGEST = 840  # seconds: 14 minutes, the longest function that a mapping of a cluster or broker invokes
# Lambda makes network interfaces in a cluster's subnets. EC2 names no resource for some of these actions.
VPC_ACTIONS = (
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
METRICS = ("EventCount", "ErrorCount", "KafkaMetrics")


class Polled(Trigger):
    """A source that Lambda polls with the function's role.

    Its events name the resource they come from, by which they are routed; :attr:`resource` is never ``None`` here.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
    """

    resource: Any
    batch_default = 100
    """Records an invocation takes at most, unless said."""
    filter_kind = ""
    """The kind by which :class:`~eventfw.rules.criteria.FilterCriteria` knows the source; ``""`` without filters."""
    metrics_known: Collection[str] = METRICS[:1]
    """The metrics that the source's mapping can publish."""
    partial = True
    """Whether the function reports single records as failed."""

    def __init__(
        self,
        *,
        batch_size: int,
        batching_window: int,
        filters: Filters = (),
        kms_key: str | None = None,
        batch: bool = False,
        enabled: bool = True,
        metrics: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.kms_key = kms_key
        self.batch_size = batch_size
        self.batching_window = batching_window
        self.batch = batch
        self.enabled = enabled
        self.metrics = metrics
        self.filters = self._checked(filters) if filters else None

    def _checked(self, filters: Filters) -> FilterCriteria:
        try:
            return borrowed("rules.criteria", "FilterCriteria")(filters, self.filter_kind)  # type: ignore[no-any-return]
        except RuleError as error:
            raise refused(f"filters are not valid for {self.decorator}: {error.message}") from None

    def validate(self) -> None:
        name, default = self.decorator, self.batch_default
        whole(name, "batch_size", self.batch_size, 1, 10_000, f"Remove it to use {default}.")
        whole(name, "batching_window", self.batching_window, 0, 300, "Remove it for none.")
        flag(name, "batch", self.batch)
        if self.kms_key is not None:
            if not isinstance(self.kms_key, str) or ":kms:" not in self.kms_key:
                raise refused(f"kms_key must be the ARN of a KMS key for {name}, not {self.kms_key!r}.")
            if self.filters is None:
                raise refused(f"kms_key encrypts filters, and {name} has none. Remove it.")
        flag(name, "enabled", self.enabled)
        texts(name, "metrics", self.metrics, "['EventCount']")
        if len(set(self.metrics)) != len(self.metrics):
            raise refused(f"metrics must be a list such as ['EventCount'] for {name}, not {self.metrics!r}.")
        for metric in self.metrics:
            one_of(name, "metrics", metric, self.metrics_known)

    def describe(self) -> list[str]:
        """What :meth:`title` says behind the resource's name."""
        parts = [f"batch_size={self.batch_size}"]
        if self.filters is not None:
            parts.append(f"filters={len(self.filters.filters)}")
        return parts + ["(disabled)"] * (not self.enabled)

    def title(self) -> str:
        return " ".join([self.kinds_title(), str(self.resource.real(self.resource.key)), *self.describe()])

    def kinds_title(self) -> str:
        """The source in a word."""
        return str(next(iter(self.kinds)))

    @classmethod
    def source_arn(cls, raw: Any) -> str:
        """The ARN of the resource an event comes from."""
        return str(raw["Records"][0]["eventSourceARN"])

    @classmethod
    def records_in(cls, raw: Any) -> list[Any]:
        """The records of an event, as filters see them."""
        return raw["Records"]  # type: ignore[no-any-return]

    def mismatch(self, raw: Any) -> str:
        elsewhere: str = self.resource.mismatch(self.source_arn(raw))
        if elsewhere or self.filters is None:
            return elsewhere
        return str(next(filter(None, map(self.filters.mismatch, self.records_in(raw))), ""))

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A record does not say which mapping read it."""
        both = (trigger.sample() for trigger in (self, other)) if isinstance(other, Polled) else ()
        return taken_by_both(self, other, both)  # type: ignore[no-any-return]

    @classmethod
    def index(cls, triggers: Sequence[Polled]) -> Finder:
        """By the name of what is polled."""
        one = triggers[0].resource
        return filed(([trigger.resource.filed()] for trigger in triggers), lambda raw: one.leads(cls.source_arn(raw)))

    def call(self, binding: Binding, event: Any) -> Any:
        if self.batch:
            return binding(event, event.context)
        from .batches import each

        each(binding, event)
        return None

    def source_in(self, template: Template) -> Any:
        """The mapping's ``EventSourceArn``."""
        return self.resource.arn_in(template)

    def wanted(self, base: dict[str, Any]) -> dict[str, Any]:
        """What a sample has: ``base`` with what the first of the filters asks for that can be told."""
        from ..rules.witness import witness

        patterns = [one.pattern for one in self.filters.filters] if self.filters is not None else []
        found = (witness([pattern], base) for pattern in patterns)
        return next((one for one in found if one is not None), base)

    def check_timeout(self, function: Function) -> None:
        """Refuse a function that may run longer than the mapping of a cluster or broker lets it."""
        if function.timeout > LONGEST:
            raise self.refused(
                f"timeout must be at most {LONGEST} s for the function {function.name!r}, not {function.timeout}: "
                f"the mapping of {self.decorator} invokes no longer ones."
            )

    def mapping_name(self, function: Function) -> str:
        """The mapping's logical id."""
        return pascal(function.name) + pascal(self.resource.key) + "Mapping"

    def mapping(self, function: Function, template: Template) -> dict[str, Any]:
        """The properties of the mapping."""
        properties: dict[str, Any] = {
            "EventSourceArn": self.source_in(template),
            "FunctionName": template.function_arn(function),
            "BatchSize": self.batch_size,
        }
        if self.partial:
            properties["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
        if self.batching_window:
            properties["MaximumBatchingWindowInSeconds"] = self.batching_window
        if self.filters is not None:
            patterns = [{"Pattern": one.pattern.text} for one in self.filters.filters]
            properties["FilterCriteria"] = {"Filters": patterns}
        if self.kms_key:
            properties["KmsKeyArn"] = self.kms_key
        if not self.enabled:
            properties["Enabled"] = False
        if self.metrics:
            properties["MetricsConfig"] = {"Metrics": list(self.metrics)}
        return properties

    def resources(self, function: Function, template: Template) -> None:
        """The mapping, which polls with the function's role: so it needs no permission."""
        name = self.mapping_name(function)
        if template.has(name):
            raise self.refused(
                f"Function {function.name!r} reads {self.title()!r} twice: two handlers of one function would need two "
                f"mappings of it. Give one of the handlers a function of its own."
            )
        template.add(name, "AWS::Lambda::EventSourceMapping", self.mapping(function, template))


def checked_pollers(owner: str, pollers: object, least: int, most: int) -> None:
    """Refuse what is not ``(minimum, maximum)`` of provisioned pollers."""
    if not isinstance(pollers, tuple) or len(pollers) != 2:
        raise refused(f"pollers must be (minimum, maximum), such as ({least}, 10), for {owner}, not {pollers!r}.")
    for option, value in zip(("the minimum of pollers", "the maximum of pollers"), pollers, strict=True):
        whole(owner, option, value, least, most, "Remove pollers for Lambda's own scaling.")
    if pollers[0] > pollers[1]:
        raise refused(f"pollers must have the smaller number first for {owner}, not {pollers!r}.")


def pollers_of(pollers: tuple[int, int]) -> dict[str, Any]:
    """``(minimum, maximum)`` as a template writes it."""
    return {"MinimumPollers": pollers[0], "MaximumPollers": pollers[1]}
