"""``@app.log_subscription``: log events of a CloudWatch log group."""

from __future__ import annotations

from ..calling import all_or_error
from ..events import Event
from ..options import flag, printable, refused
from ..polling.batches import Batch
from ..resources.log_group import LogGroup
from ..resources.names import pascal, unstaged
from ..resources.resource import within
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from ..app import App, Handler
    from ..calling import Binding
    from ..function import Function
    from ..resources.lambda_function import LambdaFunction
    from ..resources.resource import Template

PATTERN_MAX = 1024  # characters of a filter pattern
REGEX_MAX = 2  # regular expressions in one filter pattern
FILTERS_MAX = 2  # subscription filters of one log group
CONTROL = "CONTROL_MESSAGE"
FUNCTIONS = "/aws/lambda/"  # before a function's name, the name of its log group


class LogEvent(Event):
    """One log event. https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html"""

    def __init__(self, raw: Any, context: Any = None, sent: dict[str, Any] | None = None) -> None:
        super().__init__(raw, context)
        self._sent = sent or {}

    def summary(self) -> str:
        return self.id

    @property
    def id(self) -> str:
        """The log event's id; the same when it is delivered again."""
        return str(self.raw["id"])

    @property
    def timestamp(self) -> datetime:
        """When it happened, as whoever wrote it said: with time zone, to the millisecond."""
        from datetime import UTC, datetime

        return datetime.fromtimestamp(int(self.raw["timestamp"]) / 1000, UTC)

    @property
    def message(self) -> str:
        """What was logged."""
        return str(self.raw["message"])

    @property
    def json(self) -> Any:
        """The message read as JSON. Raises ``ValueError`` where it is not JSON."""
        from json import loads

        return loads(self.message)

    @property
    def extracted_fields(self) -> dict[str, str]:
        """What a filter pattern in brackets made of the message, by the names it gives; empty with other patterns."""
        return self.raw.get("extractedFields") or {}

    @property
    def log_group(self) -> str:
        """The name of the log group."""
        return str(self._sent.get("logGroup", ""))

    @property
    def log_stream(self) -> str:
        """The name of the log stream."""
        return str(self._sent.get("logStream", ""))

    @property
    def owner(self) -> str:
        """The account that the log group is in."""
        return str(self._sent.get("owner", ""))

    @property
    def subscription_filters(self) -> list[str]:
        """The names of the subscription filters that it passed."""
        return self._sent.get("subscriptionFilters") or []


class LogBatch(Batch):
    """The log events of one invocation: all are of one log stream."""

    one = "log event"

    def __init__(self, raw: Any, context: Any = None) -> None:
        self.sent = decoded(raw)
        """What CloudWatch Logs sent, unpacked."""
        records = self.sent["logEvents"] if not is_control(self.sent) else ()
        super().__init__(raw, context, [LogEvent(record, context, self.sent) for record in records])

    def __iter__(self) -> Iterator[LogEvent]:
        return iter(self.records)

    @property
    def log_group(self) -> str:
        """The name of the log group."""
        return str(self.sent["logGroup"])

    @property
    def log_stream(self) -> str:
        """The name of the log stream."""
        return str(self.sent["logStream"])

    @property
    def owner(self) -> str:
        """The account that the log group is in."""
        return str(self.sent["owner"])

    @property
    def subscription_filters(self) -> list[str]:
        """The names of the subscription filters that they passed."""
        return self.sent.get("subscriptionFilters") or []


class FunctionLogs(LogGroup):
    """The log group of a function of the app, which is made with the function."""

    def __init__(self, function: LambdaFunction) -> None:
        super().__init__(FUNCTIONS + function.key)
        self.owned, self.function = False, function.key

    @property
    def logical_id(self) -> str:
        return pascal(self.function) + self.suffix

    @property
    def claims(self) -> set[str]:
        return {self.variable}

    def mismatch(self, arn: str) -> str:
        real = self.name_in(arn)
        own = real.startswith(FUNCTIONS) and unstaged(real.removeprefix(FUNCTIONS), self.app) == self.function
        return "" if own else f"log group `{printable(real)}` is not `{self.key}`"

    def made_by(self, template: Template) -> bool:
        return True

    def real_name(self, template: Template) -> str:
        return FUNCTIONS + template.physical(self.function)

    def resources(self, template: Template) -> None:
        """None: the function's are these."""


class LogSubscription(Trigger):
    """Run for the log events of a log group, once for each.

    ``log_group``: a log group that the app owns, a function of the app, for what that logs, or the name or ARN of an
    existing log group. ``filter_pattern``: only log
    events that match it, in CloudWatch's own language (at most 1024 characters): ``ERROR``, ``{ $.status = 500 }``,
    ``[ip, user, time]``. ``batch``: hand over all log events of an invocation in one call.

    CloudWatch Logs packs log events together and invokes the function asynchronously: when a handler raises for one of
    them, Lambda tries them all again after one and after two more minutes. A log group has two subscriptions at most.
    A function cannot subscribe to its own log group: each log line would lead to the next.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    """

    decorator = "log_subscription"
    example = '@app.log_subscription(audit, filter_pattern="ERROR")'
    kinds = ("cloudwatch_logs",)

    def __init__(
        self, log_group: LogGroup | LambdaFunction | str, *, filter_pattern: str = "", batch: bool = False
    ) -> None:
        super().__init__()
        self.log_group = self.resource = group_of(log_group)
        self.filter_pattern = filter_pattern
        self.batch = batch
        self.validate()

    def validate(self) -> None:
        if self.log_group.log_class != "STANDARD":
            raise refused(
                f"A log group of the class {self.log_group.log_class} sends nothing to functions. Leave log_class "
                f"away: it is STANDARD then."
            )
        refuse_pattern(self.filter_pattern)
        flag("log_subscription", "batch", self.batch)

    def settle(self, app: App, handler: Handler) -> None:
        if isinstance(self.log_group, FunctionLogs):
            refuse_apart(self, self.log_group.function, app, handler)

    def title(self) -> str:
        pattern = self.filter_pattern if len(self.filter_pattern) <= 60 else self.filter_pattern[:57] + "..."
        return f"logs {self.log_group.key}" + (f" filter={pattern!r}" if pattern else "")

    def parse(self, raw: Any, context: Any) -> LogBatch:
        return LogBatch(raw, context)

    def call(self, binding: Binding, event: LogBatch) -> None:
        if is_control(event.sent):
            return
        if self.batch:
            binding(event, event.context)
        else:
            all_or_error(binding, event, event.context)

    def payload(self, event: LogEvent) -> Any:
        return event.json

    def encode(self, result: Any, event: LogBatch) -> None:
        if event.failures:
            raise RuntimeError(f"{len(event.failures)} log events failed, and Lambda takes no word of single ones.")

    def mismatch(self, raw: Any) -> str:
        return self._elsewhere(decoded(raw))

    def _elsewhere(self, sent: dict[str, Any]) -> str:
        """Why what was sent is not of this trigger's subscription filter, or ``""``."""
        if is_control(sent):
            return ""
        arn = self.log_group.sample_arn().split(":")[:4]  # an event does not tell its region
        elsewhere = self.log_group.mismatch(":".join([*arn, str(sent["owner"]), "log-group", str(sent["logGroup"])]))
        names = ", ".join(map(str, sent["subscriptionFilters"]))
        # A filter is called <app>-<stage>-<own name>; own names have no hyphen.
        if not elsewhere and self.own_name not in map(own_name, sent["subscriptionFilters"]):
            return f"subscription filter `{printable(names)}` is not the one of `{self.own_name}`"
        return elsewhere

    @classmethod
    def index(cls, triggers: Sequence[LogSubscription]) -> Finder:
        """By the subscription filter's name. What CloudWatch tests the function with, any of them takes and drops."""

        def find(raw: Any) -> Sequence[int]:
            sent = decoded(raw)
            if is_control(sent):
                return (0,)
            names = set(map(own_name, sent["subscriptionFilters"]))
            near = [at for at, trigger in enumerate(triggers) if trigger.own_name in names]
            return [at for at in near if not triggers[at]._elsewhere(sent)]

        return Finder(find, exact=True)

    def resources(self, function: Function, template: Template) -> None:
        """The subscription filter, made after its permission: CloudWatch tests whether it may invoke the function."""
        name = self.log_group.name_in_template(template)
        if self.log_group.real_name(template) == FUNCTIONS + template.physical(function.name):
            raise self.refused(
                f"The log group {self.log_group.key!r} is the function's own: each line that it logs would invoke it "
                f"again. Subscribe another function."
            )
        filters = template.of_type("AWS::Logs::SubscriptionFilter").values()
        if sum(one["LogGroupName"] == name for one in filters) == FILTERS_MAX:
            raise self.refused(
                f"The log group {self.log_group.key!r} has {FILTERS_MAX} subscriptions already, which is all that "
                f"CloudWatch gives it. Do both in one handler."
            )
        group = pascal(function.name) + pascal(self.log_group.key)
        arn = within(self.log_group.arn_in(template), ":*")
        permission = template.permit(function, group + "Logs", "logs.amazonaws.com", arn, source_account=True)
        properties = {
            "LogGroupName": name,
            "FilterName": template.physical(self.own_name),
            "FilterPattern": self.filter_pattern,
            "DestinationArn": template.function_arn(function),
        }
        made = pascal(self.own_name) + "LogSubscription"
        template.add(made, "AWS::Logs::SubscriptionFilter", properties, depends_on=[permission])

    def sample(self, **fields: Any) -> dict[str, Any]:
        """One log event. Fields: ``message`` (text, or anything that is written as JSON), ``id``, ``timestamp``
        (milliseconds since 1970), ``log_stream``, ``extracted_fields``."""
        self.fields_among(fields, ("message", "id", "timestamp", "log_stream", "extracted_fields"))
        message = fields.get("message", passing(self.filter_pattern))
        if not isinstance(message, str):
            from json import dumps

            message = dumps(message)
        record = {
            "id": str(fields.get("id", "39438126420613024193428117000000000000000000000000000000")),
            "timestamp": int(fields.get("timestamp", 1767225600000)),
            "message": message,
        }
        if "extracted_fields" in fields:
            record["extractedFields"] = fields["extracted_fields"]
        arn = self.log_group.sample_arn()
        return encoded(
            {
                "messageType": "DATA_MESSAGE",
                "owner": arn.split(":")[4],
                "logGroup": self.log_group.name_in(arn),
                "logStream": str(fields.get("log_stream", "example")),
                "subscriptionFilters": [self.own_name],
                "logEvents": [record],
            }
        )


def group_of(given: LogGroup | LambdaFunction | str) -> LogGroup:
    """The log group that a subscription is given."""
    if getattr(given, "type", "") != "lambda_function":
        return LogGroup.of("log_subscription", given)
    function: Any = given
    return LogGroup.existing(FUNCTIONS + function.key) if function.arn_text else FunctionLogs(function)


def refuse_apart(trigger: LogSubscription, function: str, app: App, handler: Handler) -> None:
    """Refuse a function's logs from another stack: the log group would not be there yet, or not any more."""
    other = next((one for one in app.handlers if one.function == function and one.stack != handler.stack), None)
    if other is not None:
        raise trigger.refused(
            f"{handler.name} and the function {function!r} are in different stacks. Mount both with one blueprint, or "
            f"name the log group."
        )


def decoded(raw: Any) -> dict[str, Any]:
    """What CloudWatch Logs sent, out of base64, gzip and JSON. Raises ``ValueError`` where that is not what it is."""
    from base64 import b64decode
    from json import loads
    from zlib import decompress, error

    try:
        found = loads(decompress(b64decode(raw["awslogs"]["data"]), 47))  # 47: with the header of gzip, or zlib
    except error as fault:
        raise ValueError(f"awslogs.data is not packed with gzip: {fault}") from None
    if not isinstance(found, dict):
        raise ValueError("awslogs.data has no object in it")
    return found


def passing(pattern: str) -> str:
    """A message that passes a pattern of plain terms, all of which must be in it; an example for any other pattern."""
    from re import fullmatch

    terms = r"[\w./:]+"
    return pattern if fullmatch(rf"{terms}( {terms})*", pattern) else "an example"


def encoded(sent: dict[str, Any]) -> dict[str, Any]:
    """The event in which CloudWatch Logs sends something."""
    from base64 import b64encode
    from gzip import compress
    from json import dumps

    return {"awslogs": {"data": b64encode(compress(dumps(sent).encode(), mtime=0)).decode()}}


def is_control(sent: dict[str, Any]) -> bool:
    """Whether it is CloudWatch's own question whether the function can be reached."""
    return sent.get("messageType") == CONTROL


def own_name(filter_name: object) -> str:
    """What ends a subscription filter's name: the name of the trigger that it is for."""
    return str(filter_name).rpartition("-")[2]


def refuse_pattern(pattern: object) -> None:
    """Refuse a filter pattern that CloudWatch would not take, as far as shows without knowing its whole language."""
    from re import findall, sub

    if not isinstance(pattern, str) or len(pattern) > PATTERN_MAX:
        raise refused(
            f"filter_pattern must be a string of at most {PATTERN_MAX} characters for log_subscription, not "
            f"{printable(repr(pattern))}."
        )
    plain = sub(r'"(?:[^"\\]|\\.)*"', "", pattern)
    if '"' in plain:
        raise refused(f'filter_pattern has a quotation mark without its second: {pattern!r}. Write \\" for one.')
    for first, last in ("{}", "[]"):
        text = plain.strip()
        if text.startswith(first) and not text.endswith(last):
            raise refused(f"filter_pattern begins with {first} and does not end with {last}: {pattern!r}.")
    found = findall(r"%[^%]+%", plain)
    if len(found) > REGEX_MAX:
        raise refused(
            f"filter_pattern has {len(found)} regular expressions, and CloudWatch takes {REGEX_MAX}: "
            f"{', '.join(found)}. Join some with |."
        )
