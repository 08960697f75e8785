"""``@app.schedule``: an EventBridge rule with a schedule."""

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
    from ..resources.resource import Template
    from ..trigger import Finder

RULE_NAME_MAX = 64


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
        """The name of the rule that fired."""
        return rule_name(self.raw)


class Schedule(Trigger):
    """Run on a schedule, in UTC, to the minute.

    ``expression``: ``rate(5 minutes)`` or ``cron(0 6 * * ? *)`` (minute, hour, day of month, month, day of week, year).
    ``enabled``: ``False`` deploys the rule switched off.

    Invoked asynchronously: when it raises, Lambda tries the event again after one and after two more minutes. A tick
    may come twice. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
    """

    decorator = "schedule"
    example = '@app.schedule("rate(5 minutes)")'
    kinds = ("eventbridge",)

    def __init__(self, expression: str, *, enabled: bool = True) -> None:
        super().__init__()
        self.expression = expression
        self.enabled = enabled
        self.validate()

    def validate(self) -> None:
        from ..errors import RuleError
        from ..rules.schedule import ScheduleExpression

        if not isinstance(self.expression, str):
            raise refused(f'expression must be text such as "rate(5 minutes)" for schedule, not {self.expression!r}.')
        try:
            ScheduleExpression(self.expression)
        except RuleError as error:
            raise refused(error.message) from None
        flag("schedule", "enabled", self.enabled)

    def title(self) -> str:
        return f"schedule {self.expression}" + (" (disabled)" if not self.enabled else "")

    def parse(self, raw: Any, context: Any) -> Tick:
        return Tick(raw, context)

    def encode(self, result: Any, event: Tick) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        source = raw.get("source")
        if source != "aws.events":
            return f"source `{printable(source)}` is not `aws.events`"
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
        from datetime import UTC, datetime

        from ..rules.schedule import ScheduleExpression

        if ScheduleExpression(self.expression).next(datetime.now(UTC)) is None:
            return [f"The schedule {self.expression} has no run left in the future. Give it a later year."]
        return ()

    def resources(self, function: Function, template: Template) -> None:
        """The rule and its permission. The local server fires schedules itself, so there the rule is switched off."""
        name = template.physical(self.own_name)
        if len(name) > RULE_NAME_MAX:
            raise self.refused(
                f"The rule name {name!r} is longer than the {RULE_NAME_MAX} characters EventBridge takes. "
                f"Shorten the handler's, the app's or the stage's name."
            )
        rule = pascal(self.own_name) + "Schedule"
        properties = {
            "Name": name,
            "ScheduleExpression": self.expression,
            "State": "ENABLED" if self.enabled and not template.local else "DISABLED",
            "Targets": [{"Id": "function", "Arn": template.function_arn(function)}],
        }
        template.add(rule, "AWS::Events::Rule", properties)
        template.permit(function, rule, "events.amazonaws.com", {"Fn::GetAtt": [rule, "Arn"]})

    def local(self) -> tuple[str, dict[str, Any]]:
        return "schedules", {"rule": self.own_name, "expression": self.expression, "enabled": self.enabled}

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A tick. Fields: ``time`` (ISO 8601), ``id``."""
        self.fields_among(fields, ("time", "id"))
        return scheduled_event(
            self.own_name,
            str(fields.get("time", "2026-01-01T06:00:00Z")),
            id_=str(fields.get("id", "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa")),
        )


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


def rule_name(raw: Any) -> str:
    """The name of the rule behind an event; ``""`` where it names none."""
    resources = raw.get("resources") or [""]
    return str(resources[0]).rpartition("/")[2]
