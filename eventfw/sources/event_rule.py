"""``@app.event_rule``: events of an EventBridge bus that match a pattern."""

from __future__ import annotations

from ..errors import RuleError
from ..events import Event, instant
from ..options import closest, flag, refused
from ..resources.names import pascal
from ..rules.pattern import EventPattern
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.fields import Field
    from ..rules.witness import Effort

#: The fields every event has beside ``detail`` and ``resources``, each of them text.
ENVELOPE = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "Example",
    "source": "example",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
}
_FIELDS = [*ENVELOPE, "resources", "detail", "replay-name"]


class EventBridgeEvent(Event):
    """An event of a bus. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html"""

    def summary(self) -> str:
        return f"{self.detail_type} from {self.source}"

    @property
    def id(self) -> str:
        """The event's id; the same when it is delivered again."""
        return str(self.raw["id"])

    @property
    def source(self) -> str:
        """Who sent it: ``aws.ec2``, or a name of yours."""
        return str(self.raw["source"])

    @property
    def detail_type(self) -> str:
        """What kind of thing happened; together with ``source`` it says what ``detail`` looks like."""
        return str(self.raw["detail-type"])

    @property
    def detail(self) -> dict[str, Any]:
        """What happened."""
        return self.raw["detail"]  # type: ignore[no-any-return]

    @property
    def resources(self) -> list[str]:
        """ARNs of what it happened to; may be empty."""
        return self.raw.get("resources") or []

    @property
    def account(self) -> str:
        """The account it happened in."""
        return str(self.raw["account"])

    @property
    def region(self) -> str:
        """The region it happened in."""
        return str(self.raw["region"])

    @property
    def time(self) -> datetime:
        """When it happened, with time zone, to the second."""
        return instant(self.raw["time"])  # type: ignore[no-any-return]


class EventRule(Trigger):
    """Run for every event of the account's default bus that matches a pattern.

    ``pattern``: which events, as a dict or its JSON text, with all operators of EventBridge; at most 4096 characters,
    and 2048 until that quota is raised. ``enabled``: ``False`` deploys the rule switched off.

    Invoked asynchronously: when the handler raises, Lambda tries the event again after one and after two more minutes.
    An event may come twice. An event does not say which rule it came by: of the handlers of one function only one may
    match an event. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    decorator = "event_rule"
    example = '@app.event_rule({"source": ["my.shop"]})'
    kinds = ("eventbridge",)

    def __init__(self, pattern: Mapping[str, Any] | str, *, enabled: bool = True) -> None:
        super().__init__()
        try:
            self.pattern = EventPattern(pattern)
        except RuleError as error:
            raise refused(f"The event pattern is not valid: {error.message}") from None
        if not written(self.pattern.text):
            raise refused(
                "The event pattern has what no template can hold: half a character (a lone surrogate), or a number "
                "beyond what a double holds. Write the character, or a smaller number."
            )
        self.enabled = flag("event_rule", "enabled", enabled)

    def title(self) -> str:
        text = self.pattern.text if len(self.pattern.text) <= 80 else self.pattern.text[:77] + "..."
        return f"event {text}" + (" (disabled)" if not self.enabled else "")

    def parse(self, raw: Any, context: Any) -> EventBridgeEvent:
        return EventBridgeEvent(raw, context)

    def payload(self, event: EventBridgeEvent) -> Any:
        return event.detail

    def encode(self, result: Any, event: EventBridgeEvent) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        if is_tick(raw):
            return "a schedule's event goes to the target of its own rule only"
        return self.pattern.mismatch(raw)

    @classmethod
    def index(cls, triggers: Sequence[EventRule]) -> Finder:
        """By what the patterns ask for."""
        if len(triggers) == 1:
            return Finder(lambda raw: (0,))
        from ..rules.patternset import PatternSet

        patterns = PatternSet(trigger.pattern for trigger in triggers)
        return Finder(lambda raw: () if is_tick(raw) else patterns.matching(raw), exact=True)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        from ..rules.witness import witness

        theirs = getattr(other, "pattern", None)  # of another source, perhaps, that has a rule on the bus
        if not isinstance(theirs, EventPattern) or not (self.enabled and other.enabled):
            return None
        return witness([self.pattern, theirs], base_event(), ENVELOPE, effort)

    def faults(self) -> Collection[str]:
        """Every branch must have a fault, for no event to match."""
        from ..rules.witness import witness

        found = [unmatchable(branch) for branch in self.pattern.branches]
        if "" not in found:
            return found[:1]
        event = witness([self.pattern], base_event(), ENVELOPE)
        if event is not None and is_tick(event):
            return ["A schedule's events go to the target of its own rule only. Use @app.schedule."]
        return []

    def resources(self, function: Function, template: Template) -> None:
        """The rule, with the function as its target, and its permission."""
        from json import loads

        rule = pascal(self.own_name) + "Rule"
        properties = {
            "EventPattern": loads(self.pattern.text),
            "State": "ENABLED" if self.enabled else "DISABLED",
            "Targets": [{"Id": "function", "Arn": template.function_arn(function)}],
        }
        template.add(rule, "AWS::Events::Rule", properties)
        template.permit(function, rule, "events.amazonaws.com", {"Fn::GetAtt": [rule, "Arn"]})

    def sample(self, **fields: Any) -> dict[str, Any]:
        """An event that matches the pattern. Fields: ``source``, ``detail_type``, ``detail``, ``resources``, ``id``,
        ``time``, ``account``, ``region``."""
        from ..rules.witness import witness

        self.fields_among(fields, ("source", "detail_type", "detail", "resources", "id", "time", "account", "region"))
        event = witness([self.pattern], base_event(), ENVELOPE)
        if event is None and not fields:
            raise self.refused(f"No sample was found for {self.title()}. Send one of yours with `eventfw invoke`.")
        return (event or base_event()) | {name.replace("_", "-"): value for name, value in fields.items()}


def unmatchable(branch: Mapping[str, Field]) -> str:
    """Why no event satisfies a branch of a pattern, as far as the envelope shows."""
    from ..rules.pattern import wanted
    from ..rules.witness import satisfiable

    for full, field in branch.items():
        name = full.partition(".")[0]
        if name in ENVELOPE and name != full and not field.absent:
            inner = full.partition(".")[2]
            return f"`{name}` is a string, and has no field {inner!r}. A condition is an object in a list: [{{...}}]."
        if name not in _FIELDS and not field.absent:
            return f"Events have no field {name!r}.{closest(name, _FIELDS)} What happened is told in `detail`."
        if full in ENVELOPE and not satisfiable(field, text=True):
            return f"No event matches: `{full}` is always there and a string, and wanted {wanted(field)}."
    return ""


def base_event() -> dict[str, Any]:
    """The envelope of an event about nothing."""
    return {**ENVELOPE, "resources": [], "detail": {}}


def written(text: str) -> bool:
    """Whether a template can hold a pattern: its numbers as JSON numbers, its strings as UTF-8."""
    from json import dumps, loads

    try:
        dumps(loads(text), allow_nan=False, ensure_ascii=False).encode()
    except ValueError:
        return False
    return True


def is_tick(raw: Any) -> bool:
    """Whether an event is the firing of a scheduled rule, which no other rule sees."""
    return bool(raw.get("source") == "aws.events") and raw.get("detail-type") == "Scheduled Event"
