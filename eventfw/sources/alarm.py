"""``@app.alarm``: a CloudWatch alarm changes its state."""

from __future__ import annotations

from ..options import by_name, one_of, printable, refused, text, texts, whole
from ..resources.names import pascal, unstaged
from ..trigger import Trigger, filed
from .alarm_events import AlarmChange as AlarmChange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..app import App, Handler
    from ..function import Function
    from ..resources.resource import Resource, Template
    from ..trigger import Finder

STATES = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
STATISTICS = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")
COMPARISONS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanThreshold",
)
MISSING = ("missing", "notBreaching", "breaching", "ignore")
NAMED = ("bucket", "event_bus", "lambda_function", "log_group", "queue", "stream", "table", "topic")  # in metrics
NAME_MAX = 255  # characters
DIMENSIONS_MAX = 30
HOUR, DAY = 3600, 86_400  # seconds


class Alarm(Trigger):
    """Run when an alarm changes its state: one made here for a metric, or an existing one.

    ``alarm``: the name or ARN of an existing alarm, whose owner adds the function to its actions: CloudFormation does
    not change alarms that it did not make. The stack's output has the ARN to add.

    Or a new alarm. ``metric`` and ``namespace``: what to watch; ``dimensions``: of which thing, as text or as a
    resource of the app, which stands for its name. ``threshold``: the number it is compared to. ``comparison``:
    ``GreaterThanOrEqualToThreshold`` (unless said), ``GreaterThanThreshold``, ``LessThanOrEqualToThreshold`` or
    ``LessThanThreshold``. ``statistic``: ``Average`` (unless said), ``Sum``, ``Minimum``, ``Maximum``, ``SampleCount``
    or a percentile such as ``p99``. ``period``: seconds, 10, 20, 30 or a multiple of 60; 60 unless said.
    ``evaluation_periods``: how many periods are looked at, 1 unless said; ``datapoints_to_alarm``: in how many of them
    the threshold must be crossed, all unless said. ``treat_missing_data``: ``missing`` (unless said), ``notBreaching``,
    ``breaching`` or ``ignore``. ``states``: which changes run the handler: into ``ALARM`` (unless said), ``OK``,
    ``INSUFFICIENT_DATA``. ``description``: at most 1024 characters.

    Invoked asynchronously: when the handler raises, Lambda tries the event again after one and after two more minutes.
    A change may be told twice.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions-Lambda.html
    """

    decorator = "alarm"
    example = '@app.alarm(metric="ApproximateAgeOfOldestMessage", namespace="AWS/SQS", threshold=600)'
    kinds = ("cloudwatch_alarm",)

    def __init__(
        self,
        alarm: str | None = None,
        *,
        metric: str | None = None,
        namespace: str | None = None,
        dimensions: Mapping[str, str | Resource] | None = None,
        threshold: float | None = None,
        comparison: str = COMPARISONS[0],
        statistic: str = STATISTICS[0],
        period: int = 60,
        evaluation_periods: int = 1,
        datapoints_to_alarm: int | None = None,
        treat_missing_data: str = MISSING[0],
        states: Sequence[str] = ("ALARM",),
        description: str = "",
    ) -> None:
        super().__init__()
        self.alarm = alarm
        self.metric = metric
        self.namespace = namespace
        self.dimensions = by_name("alarm", "dimensions", dimensions, "{'QueueName': orders}")
        self.threshold = threshold
        self.comparison = comparison
        self.statistic = statistic
        self.period = period
        self.evaluation_periods = evaluation_periods
        self.datapoints_to_alarm = datapoints_to_alarm
        self.treat_missing_data = treat_missing_data
        self.states = states
        self.description = description
        self.app = ""
        self.validate()

    def validate(self) -> None:
        texts("alarm", "states", self.states, '["ALARM", "OK"]', least=1)
        if self.alarm is None:
            refuse_watch(self)
            return
        text("alarm", "alarm", self.alarm, "Give the name or ARN of an existing alarm.")
        if self.alarm.startswith("arn:") and ":alarm:" not in self.alarm:
            raise refused(
                f"{self.alarm!r} is not the ARN of an alarm. Write arn:aws:cloudwatch:REGION:ACCOUNT:alarm:NAME."
            )
        if self.metric is not None or self.namespace is not None or self.threshold is not None or self.dimensions:
            raise refused(
                f"The alarm {self.alarm!r} is there already, and what it watches is its own affair. Remove metric, "
                f"namespace, dimensions and threshold, or the name to make a new alarm."
            )
        if tuple(self.states) != ("ALARM",):
            raise refused(
                f"The alarm {self.alarm!r} is there already: which states run the function is said by its own "
                f"actions. Remove states."
            )

    @property
    def name(self) -> str:
        """The name of an existing alarm."""
        return (self.alarm or "").split(":alarm:")[-1]

    def settle(self, app: App, handler: Handler) -> None:
        self.app = app.name

    def title(self) -> str:
        if self.alarm is not None:
            return f"alarm {self.name}"
        return f"alarm {self.namespace} {self.metric} {self.comparison} {self.threshold:g}"

    def parse(self, raw: Any, context: Any) -> AlarmChange:
        return AlarmChange(raw, context)

    def payload(self, event: AlarmChange) -> Any:
        """What the alarm says of itself, for a parameter of a model's type."""
        return event.raw["alarmData"]

    def encode(self, result: Any, event: AlarmChange) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        name = str(raw["alarmData"]["alarmName"])
        if self.alarm is None:
            own = unstaged(name, self.app) == self.own_name
            return "" if own else f"alarm `{printable(name)}` is not the one of `{self.own_name}`"
        if name != self.name:
            return f"alarm `{printable(name)}` is not `{self.name}`"
        arn = str(raw["alarmArn"])
        return f"alarm `{printable(arn)}` is not `{self.alarm}`" if self.alarm not in (name, arn) else ""

    @classmethod
    def index(cls, triggers: Sequence[Alarm]) -> Finder:
        """By the alarm's name: an existing one's whole, of one made here the part that is the trigger's own."""
        app = triggers[0].app

        def leads(raw: Any) -> Sequence[tuple[str, str]]:
            name = str(raw["alarmData"]["alarmName"])
            return ("existing", name), ("own", unstaged(name, app))

        return filed(([trigger._filed()] for trigger in triggers), leads)

    def _filed(self) -> tuple[str, str]:
        return ("own", self.own_name) if self.alarm is None else ("existing", self.name)

    def resources(self, function: Function, template: Template) -> None:
        """The alarm, after the permission of it, whose ARN is built from its name; of an existing one, the permission
        alone, and an output with what its owner is to add to its actions."""
        prefix = pascal(self.own_name) + "Alarm"
        principal = "lambda.alarms.cloudwatch.amazonaws.com"
        name = self.name if self.alarm is not None else template.physical(self.own_name)
        arn: Any = f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{name}"
        if self.alarm is not None and self.alarm.startswith("arn:"):
            account = self.alarm.split(":")[4]
            template.permit(function, prefix, principal, self.alarm, SourceAccount=account)
        else:
            template.permit(function, prefix, principal, {"Fn::Sub": arn}, source_account=True)
        action = template.function_arn(function)
        if self.alarm is not None:
            template.output(prefix + "Action", action, f"To be added to the actions of the alarm {name}")
            return
        if len(name) > NAME_MAX:
            raise self.refused(
                f"The alarm name {name!r} is longer than the {NAME_MAX} characters CloudWatch takes. Shorten it."
            )
        properties = {"AlarmName": name, **watch(self, template)}
        properties.update({STATES[state]: [action] for state in self.states})
        template.add(prefix, "AWS::CloudWatch::Alarm", properties, depends_on=[prefix + "Permission"])

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A change into ``ALARM``. Fields: ``state``, ``previous_state``, ``reason``, ``reason_data`` (a dict)."""
        from json import dumps

        self.fields_among(fields, ("state", "previous_state", "reason", "reason_data"))
        name = self.name if self.alarm is not None else self.own_name
        arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
        if self.alarm is not None and self.alarm.startswith("arn:"):
            arn = self.alarm
        data = fields.get("reason_data", {"version": "1.0", "recentDatapoints": [self.threshold or 1.0]})
        metric = {"namespace": self.namespace or "Example", "name": self.metric or "Example", "dimensions": {}}
        stat = {"metric": metric, "period": self.period, "stat": self.statistic}
        return {
            "source": "aws.cloudwatch",
            "alarmArn": arn,
            "accountId": arn.split(":")[4],
            "time": "2026-01-01T00:00:00.000+0000",
            "region": arn.split(":")[3],
            "alarmData": {
                "alarmName": name,
                "state": {
                    "value": str(fields.get("state", "ALARM")),
                    "reason": str(fields.get("reason", "An example.")),
                    "reasonData": dumps(data),
                    "timestamp": "2026-01-01T00:00:00.000+0000",
                },
                "previousState": {
                    "value": str(fields.get("previous_state", "OK")),
                    "reason": "An example.",
                    "timestamp": "2025-12-31T00:00:00.000+0000",
                },
                "configuration": {
                    "description": self.description,
                    "metrics": [{"id": "m1", "metricStat": stat, "returnData": True}],
                },
            },
        }


def watch(alarm: Alarm, template: Template) -> dict[str, Any]:
    """What a new alarm watches, as its properties."""
    extended = alarm.statistic not in STATISTICS
    properties: dict[str, Any] = {
        "Namespace": alarm.namespace,
        "MetricName": alarm.metric,
        "ExtendedStatistic" if extended else "Statistic": alarm.statistic,
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "Threshold": alarm.threshold,
        "ComparisonOperator": alarm.comparison,
        "TreatMissingData": alarm.treat_missing_data,
    }
    if alarm.dimensions:
        properties["Dimensions"] = [
            {"Name": name, "Value": name_in(value, template)} for name, value in sorted(alarm.dimensions.items())
        ]
    if alarm.datapoints_to_alarm is not None:
        properties["DatapointsToAlarm"] = alarm.datapoints_to_alarm
    if alarm.description:
        properties["AlarmDescription"] = alarm.description
    return properties


def name_in(value: str | Resource, template: Template) -> Any:
    """A dimension's value as a template writes it: of a resource, the real name."""
    if isinstance(value, str):
        return value
    if value.type == "bucket":
        return value.reference(template)
    return value.real(template.physical(value.key) if value.owned or value.type == "lambda_function" else value.key)


def refuse_watch(alarm: Alarm) -> None:
    """Refuse a new alarm that CloudWatch would not take."""
    remedy = 'Write @app.alarm(metric="Errors", namespace="AWS/Lambda", threshold=1), or name an existing alarm.'
    text("alarm", "metric", alarm.metric, remedy)
    text("alarm", "namespace", alarm.namespace, remedy)
    number = isinstance(alarm.threshold, (int, float)) and not isinstance(alarm.threshold, bool)
    if not number or not abs(alarm.threshold or 0) < 1e308:
        raise refused(f"threshold must be a number for alarm, not {alarm.threshold!r:.80}. {remedy}")
    one_of("alarm", "comparison", alarm.comparison, COMPARISONS)
    one_of("alarm", "treat_missing_data", alarm.treat_missing_data, MISSING)
    refuse_statistic(alarm.statistic)
    refuse_dimensions(alarm.dimensions)
    if alarm.period not in (10, 20, 30) and (
        not isinstance(alarm.period, int) or alarm.period < 60 or alarm.period % 60
    ):
        raise refused(
            f"period must be 10, 20, 30 or a multiple of 60 seconds for alarm, not {alarm.period!r}. Remove it for 60."
        )
    longest = 7 * DAY if alarm.period >= HOUR else DAY
    most = longest // alarm.period
    whole("alarm", "evaluation_periods", alarm.evaluation_periods, 1, most, f"They last {longest // DAY} days at most.")
    if alarm.datapoints_to_alarm is not None:
        remedy = "It is part of evaluation_periods; remove it for all of them."
        whole("alarm", "datapoints_to_alarm", alarm.datapoints_to_alarm, 1, alarm.evaluation_periods, remedy)
    for state in alarm.states:
        one_of("alarm", "states", state, STATES)
    if not isinstance(alarm.description, str) or len(alarm.description) > 1024:
        raise refused("description must be a string of at most 1024 characters for alarm.")


def refuse_statistic(statistic: object) -> None:
    """Refuse what is neither a statistic nor a percentile, a trimmed mean or the like."""
    from re import fullmatch

    number = r"\d{1,3}(\.\d{1,10})?"
    forms = rf"(p|tm|tc|ts|wm){number}|(PR|TM|TC|TS|WM)\([\d.%]*:[\d.%]*\)|IQM"
    if not isinstance(statistic, str) or (statistic not in STATISTICS and not fullmatch(forms, statistic)):
        one_of("alarm", "statistic", statistic, (*STATISTICS, "p99"))


def refuse_dimensions(dimensions: Mapping[str, object]) -> None:
    """Refuse what is no dimension of a metric."""
    from ..resources.resource import Resource

    if len(dimensions) > DIMENSIONS_MAX:
        raise refused(f"A metric has at most {DIMENSIONS_MAX} dimensions, not {len(dimensions)}.")
    for name, value in dimensions.items():
        if not isinstance(name, str) or not ((isinstance(value, str) and value) or isinstance(value, Resource)):
            raise refused(
                f"dimensions must have text or resources by name for alarm, such as "
                f'{{"QueueName": orders}}, not {name!r}: {value!r}.'
            )
        if isinstance(value, Resource) and value.type not in NAMED:
            raise refused(f"The metrics of a {value.words()} do not go by its name. Write {name!r} as text.")
