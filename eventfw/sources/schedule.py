"""``@app.schedule``: an EventBridge rule with a schedule, or a schedule of EventBridge Scheduler."""

from __future__ import annotations

from ..events import Event, instant
from ..options import flag, printable, refused
from ..resources.names import pascal
from ..trigger import Trigger, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.queue import Queue
    from ..resources.resource import Template
    from ..trigger import Finder

RULE_NAME_MAX = 64
DESCRIPTION_MAX = 512  # characters
INPUT_MAX = 256 * 1024  # bytes
WINDOW_MAX = 1440  # minutes
SOURCES = ("aws.events", "aws.scheduler")
#: What Scheduler writes over these words when a schedule fires.
SCHEDULE_ARN, SCHEDULED_TIME = "<aws.scheduler.schedule-arn>", "<aws.scheduler.scheduled-time>"


class Tick(Event):
    """One firing of a schedule.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
    """

    def summary(self) -> str:
        return str(self.raw.get("time", ""))

    @property
    def time(self) -> datetime:
        """When the schedule fired, with time zone, to the second."""
        return instant(self.raw["time"])  # type: ignore[no-any-return]

    @property
    def id(self) -> str:
        """The event's id; the same when it is delivered again."""
        return str(self.raw["id"])

    @property
    def rule(self) -> str:
        """The name of the rule or the schedule that fired."""
        return rule_name(self.raw)

    @property
    def input(self) -> Any:
        """What the schedule was given as ``input``; ``None`` without."""
        return self.raw.get("input")


class Schedule(Trigger):
    """Run on a schedule, to the minute.

    ``expression``: ``rate(5 minutes)``, ``cron(0 6 * * ? *)`` (minute, hour, day of month, month, day of week, year) or
    ``at(2030-01-31T09:00:00)``, once. ``enabled``: ``False`` deploys it switched off. ``description``: at most 512
    characters. ``maximum_retry_attempts``: how often AWS tries to hand a tick over, 0-185; 185 unless said.
    ``maximum_event_age``: for how many seconds, 60-86400; 24 hours unless said. ``dead_letter``: a queue of the app for
    ticks that could not be handed over; those whose handler failed go to the function's own.

    It is a rule of EventBridge, in UTC. With ``at`` and with any of these options, which rules do not know, it is a
    schedule of EventBridge Scheduler. ``timezone``: of the expression, such as ``Europe/Berlin``. ``flexible_window``:
    minutes, 1-1440, within which it may fire. ``start``, ``end``: between which it fires, as ``datetime`` with a time
    zone or its ISO text; not for ``at``. ``input``: what comes with each tick, anything that is written as JSON; at
    most 255 KB.

    Invoked asynchronously: when it raises, Lambda tries the event again after one and after two more minutes. A tick
    may come twice. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
    """

    decorator = "schedule"
    example = '@app.schedule("rate(5 minutes)")'
    kinds = ("eventbridge",)

    def __init__(
        self,
        expression: str,
        *,
        timezone: str | None = None,
        enabled: bool = True,
        flexible_window: int | None = None,
        start: datetime | str | None = None,
        end: datetime | str | None = None,
        input: Any = None,
        description: str = "",
        maximum_retry_attempts: int | None = None,
        maximum_event_age: int | None = None,
        dead_letter: Queue | None = None,
    ) -> None:
        super().__init__()
        self.expression = expression
        self.timezone = timezone
        self.enabled = enabled
        self.flexible_window = flexible_window
        self.start = start
        self.end = end
        self.input = input
        self.description = description
        self.maximum_retry_attempts = maximum_retry_attempts
        self.maximum_event_age = maximum_event_age
        self.dead_letter = dead_letter
        #: Whether it is a schedule of EventBridge Scheduler. A rule is what it was before there were other options, and
        #: what is deployed as one stays one.
        self.scheduler = any(given is not None for given in (flexible_window, start, end, input)) or (
            timezone not in (None, "UTC") or str(expression).startswith("at(")
        )
        self.validate()

    def validate(self) -> None:
        from ..resources.delivery import check_delivery

        if not isinstance(self.expression, str):
            raise refused(f'expression must be text such as "rate(5 minutes)" for schedule, not {self.expression!r}.')
        flag("schedule", "enabled", self.enabled)
        refuse_expression(self)
        refuse_dates(self)
        refuse_extras(self)
        check_delivery("schedule", self.maximum_retry_attempts, self.maximum_event_age, self.dead_letter)

    def title(self) -> str:
        zone = [self.timezone] if self.timezone else []
        return " ".join(["schedule", self.expression, *zone]) + (" (disabled)" if not self.enabled else "")

    def parse(self, raw: Any, context: Any) -> Tick:
        return Tick(raw, context)

    def payload(self, event: Tick) -> Any:
        """The ``input``, where there is one, for a parameter of a model's type."""
        return event.raw.get("input", event.raw)

    def encode(self, result: Any, event: Tick) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        source = raw.get("source")
        if source not in SOURCES:
            return f"source `{printable(source)}` is not `{SOURCES[self.scheduler]}`"
        # A rule is called <app>-<stage>-<own name>; own names have no hyphen.
        rule = rule_name(raw)
        return (
            ""
            if rule.rpartition("-")[2] == self.own_name
            else f"rule `{printable(rule)}` is not the one of `{self.own_name}`"
        )

    @classmethod
    def index(cls, triggers: Sequence[Schedule]) -> Finder:
        """By the rule's name, of which the last word is the trigger's own name."""
        return filed(([trigger.own_name] for trigger in triggers), lambda raw: (rule_name(raw).rpartition("-")[2],))

    def faults(self) -> Collection[str]:
        from datetime import UTC, datetime, timedelta

        now, start, end = datetime.now(UTC), moment(self.start), moment(self.end)
        begin = start - timedelta(seconds=1) if start is not None and start > now else now
        due = plan(self).next(begin, start)
        if due is None or (end is not None and due > end):
            return [
                f"The schedule {self.expression} has no run left in the future. Give it a later date, or remove it."
            ]
        return ()

    def resources(self, function: Function, template: Template) -> None:
        """The rule and its permission, or the schedule and the role it invokes the function with. The local server
        fires schedules itself, so there they are switched off."""
        name = template.physical(self.own_name)
        if len(name) > RULE_NAME_MAX:
            raise self.refused(
                f"The rule name {name!r} is longer than the {RULE_NAME_MAX} characters EventBridge takes. "
                f"Shorten the handler's, the app's or the stage's name."
            )
        (add_schedule if self.scheduler else add_rule)(self, name, function, template)

    def local(self) -> tuple[str, dict[str, Any]]:
        how = {"rule": self.own_name, "expression": self.expression, "enabled": self.enabled}
        if self.scheduler:
            dates = {"start": written(self.start), "end": written(self.end)}
            how |= {"scheduler": True, "timezone": self.timezone or "UTC", **dates, "input": self.input}
        return "schedules", how

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A tick. Fields: ``time`` (ISO 8601), ``id``; and ``input``, where the schedule has one."""
        self.fields_among(fields, ("time", "id", *(["input"] if self.input is not None else [])))
        time = str(fields.get("time", "2026-01-01T06:00:00Z"))
        if not self.scheduler:
            given = str(fields.get("id", "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa"))
            return scheduled_event(self.own_name, time, id_=given)
        arn = f"arn:aws:scheduler:us-east-1:123456789012:schedule/default/{self.own_name}"
        tick = scheduler_event(arn, time, fields.get("input", self.input))
        return tick | ({"id": str(fields["id"])} if "id" in fields else {})


def plan(schedule: Schedule) -> Any:
    """The expression, checked. Raises RuleError."""
    from ..rules.schedule import ScheduleExpression

    service = "scheduler" if schedule.scheduler else "rule"
    return ScheduleExpression(schedule.expression, schedule.timezone, service=service)


def refuse_expression(schedule: Schedule) -> None:
    """Refuse an expression or a time zone that AWS does not know."""
    from ..errors import RuleError

    try:
        plan(schedule)
    except RuleError as error:
        raise refused(error.message) from None


def refuse_dates(schedule: Schedule) -> None:
    """Refuse dates between which nothing could fire."""
    given = {"start": schedule.start, "end": schedule.end}
    for option, value in given.items():
        if value is None:
            continue
        if schedule.expression.startswith("at("):
            raise refused(f"{option} is not for at(...), which fires once: Scheduler would not heed it. Remove it.")
        try:
            found: Any = moment(value)
        except ValueError:
            found = None
        if not hasattr(found, "utcoffset") or found.utcoffset() is None:
            raise refused(
                f"{option} must be a datetime with a time zone, or its ISO text such as '2030-01-31T09:00:00Z', for "
                f"schedule, not {value!r}."
            )
    start, end = moment(schedule.start), moment(schedule.end)
    if start is not None and end is not None and end <= start:
        raise refused(f"end must be after start for schedule, and {schedule.end!r} is not after {schedule.start!r}.")


def refuse_extras(schedule: Schedule) -> None:
    """Refuse a window, an input or a description that AWS would not take."""
    from json import dumps

    from ..options import whole

    if schedule.flexible_window is not None:
        remedy = "It is in minutes. Remove it to fire on time."
        whole("schedule", "flexible_window", schedule.flexible_window, 1, WINDOW_MAX, remedy)
    if not isinstance(schedule.description, str) or len(schedule.description) > DESCRIPTION_MAX:
        raise refused(f"description must be a string of at most {DESCRIPTION_MAX} characters for schedule.")
    try:
        size = len(dumps(schedule.input, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        raise refused(f"input must be something that is written as JSON for schedule: {error}.") from None
    if size > INPUT_MAX - 1024:  # less the words around it
        raise refused(f"input has {size} bytes as JSON, and a schedule takes 255 KB. Put it into a bucket.")


def moment(value: datetime | str | None) -> datetime | None:
    """A date as it was given. Raises ``ValueError`` for text that is none."""
    from datetime import datetime

    return datetime.fromisoformat(value) if isinstance(value, str) else value


def written(value: datetime | str | None) -> str | None:
    """A date as CloudFormation takes it, in UTC."""
    from datetime import UTC

    found = moment(value)
    return None if found is None else f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def add_rule(schedule: Schedule, name: str, function: Function, template: Template) -> None:
    """A rule with a schedule, in UTC, and its permission."""
    from ..resources.delivery import delivery, let_rule_send

    rule = pascal(schedule.own_name) + "Schedule"
    target: dict[str, Any] = {"Id": "function", "Arn": template.function_arn(function)}
    attempts, age = schedule.maximum_retry_attempts, schedule.maximum_event_age
    properties: dict[str, Any] = {
        "Name": name,
        "ScheduleExpression": schedule.expression,
        "State": "ENABLED" if schedule.enabled and not template.local else "DISABLED",
        "Targets": [target | delivery(attempts, age, schedule.dead_letter, template)],
    }
    if schedule.description:
        properties["Description"] = schedule.description
    template.add(rule, "AWS::Events::Rule", properties)
    template.permit(function, rule, "events.amazonaws.com", {"Fn::GetAtt": [rule, "Arn"]})
    if schedule.dead_letter is not None:
        let_rule_send(schedule, schedule.dead_letter, rule, template)


def add_schedule(schedule: Schedule, name: str, function: Function, template: Template) -> None:
    """A schedule of Scheduler. Its logical id is not the rule's: CloudFormation never changes the type behind one.

    It is not deleted when it has fired for the last time: CloudFormation would miss it at the next change.
    """
    from json import dumps

    from ..resources.delivery import delivery

    made = pascal(schedule.own_name) + "SchedulerSchedule"
    arn = template.function_arn(function)
    window = {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": schedule.flexible_window}
    attempts, age = schedule.maximum_retry_attempts, schedule.maximum_event_age
    properties: dict[str, Any] = {
        "Name": name,
        "GroupName": group_of(template),
        "ScheduleExpression": schedule.expression,
        "ScheduleExpressionTimezone": schedule.timezone or "UTC",
        "FlexibleTimeWindow": window if schedule.flexible_window is not None else {"Mode": "OFF"},
        "State": "ENABLED" if schedule.enabled and not template.local else "DISABLED",
        "Target": {
            "Arn": arn,
            "RoleArn": template.reference(role_of(schedule, arn, template), "Arn"),
            "Input": dumps(scheduler_event(SCHEDULE_ARN, SCHEDULED_TIME, schedule.input)),
            **delivery(attempts, age, schedule.dead_letter, template),
        },
    }
    optional = {"StartDate": written(schedule.start), "EndDate": written(schedule.end)}
    optional["Description"] = schedule.description or None
    properties.update({key: value for key, value in optional.items() if value is not None})
    template.add(made, "AWS::Scheduler::Schedule", properties)


def group_of(template: Template) -> Any:
    """The app's schedule group, which is in its main stack. Roles are for the schedules of one group."""
    group = template.main
    if not group.has("ScheduleGroup"):
        group.add("ScheduleGroup", "AWS::Scheduler::ScheduleGroup", {"Name": group_name(template)})
    return template.reference("ScheduleGroup")


def group_name(template: Template) -> str:
    """The name of the app's schedule group in this stage."""
    return f"{template.app_name}-{template.stage}"


def role_of(schedule: Schedule, function_arn: Any, template: Template) -> str:
    """The logical id of the role that Scheduler invokes the function with, and sends to the queue."""
    group = "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/"
    ours = {
        "aws:SourceAccount": {"Ref": "AWS::AccountId"},
        "aws:SourceArn": {"Fn::Sub": group + group_name(template)},
    }
    allowed = [(["lambda:InvokeFunction"], [function_arn])]
    queue = schedule.dead_letter
    if queue is not None:
        allowed += queue.sending(template)
    name = pascal(schedule.own_name) + "SchedulerRole"
    return template.role(name, "scheduler.amazonaws.com", allowed, conditions={"StringEquals": ours})


def scheduled_event(
    rule: str, time: str, *, id_: str, account: str = "123456789012", region: str = "us-east-1"
) -> dict[str, Any]:
    """What a scheduled rule sends to its target."""
    return {
        "version": "0",
        "id": id_,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": account,
        "time": time,
        "region": region,
        "resources": [f"arn:aws:events:{region}:{account}:rule/{rule}"],
        "detail": {},
    }


def scheduler_event(arn: str, time: str, input_: Any = None) -> dict[str, Any]:
    """What a schedule of Scheduler sends: of the form of a rule's event, with the input beside it.

    Its id is made of what does not change when it is delivered again; Scheduler's own differs for each attempt.
    """
    return {
        "version": "0",
        "id": f"{arn}/{time}",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "time": time,
        "resources": [arn],
        "detail": {},
        **({"input": input_} if input_ is not None else {}),
    }


def rule_name(raw: Any) -> str:
    """The name of the rule behind an event; ``""`` where it names none."""
    resources = raw.get("resources") or [""]
    return str(resources[0]).rpartition("/")[2]
