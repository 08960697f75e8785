"""``@app.event_rule``: events of an EventBridge bus that match a pattern."""

from __future__ import annotations

from ..errors import RuleError
from ..events import Event, instant
from ..options import borrowed, closest, flag, refused
from ..resources.names import pascal
from ..rules.pattern import EventPattern
from ..trigger import Finder, Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from ..app import App, Handler
    from ..calling import Binding
    from ..function import Function
    from ..resources.event_bus import EventBus
    from ..resources.queue import Queue
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
DESCRIPTION_MAX = 512  # characters
INPUTS = ("input", "input_path", "input_transformer")
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
    """Run for every event of a bus that matches a pattern.

    ``pattern``: which events, as a dict or its JSON text, with all operators of EventBridge; at most 4096 characters,
    and 2048 until that quota is raised. ``bus``: a bus that the app owns, or the name or ARN of an existing one; the
    account's default bus unless said. ``enabled``: ``False`` deploys the rule switched off. ``description``: at most
    512 characters.

    ``maximum_retry_attempts``: how often EventBridge tries to hand an event over, 0-185; 185 unless said.
    ``maximum_event_age``: for how many seconds, 60-86400; 24 hours unless said. ``dead_letter``: a queue of the app for
    events that it could not hand over; those whose handler failed go to the function's own.

    ``input``: what the handler gets in place of every event: anything that is written as JSON. ``input_path``: the part
    of the event that it gets, such as ``$.detail``. ``input_transformer``: what EventBridge is to make of the event:
    ``input_template``, JSON with ``<names>`` in it, and ``input_paths_map``, the paths they stand for. The handler then
    gets that and no event; nothing tells it from what else there is, so its function takes nothing else.

    Invoked asynchronously: when the handler raises, Lambda tries the event again after one and after two more minutes.
    An event may come twice. An event does not say which rule it came by, nor which bus: of the handlers of one function
    only one may match an event. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html
    """

    decorator = "event_rule"
    example = '@app.event_rule({"source": ["my.shop"]})'
    kinds: Collection[str] = ("eventbridge",)

    def __init__(
        self,
        pattern: Mapping[str, Any] | str,
        *,
        bus: EventBus | str | None = None,
        enabled: bool = True,
        description: str = "",
        maximum_retry_attempts: int | None = None,
        maximum_event_age: int | None = None,
        dead_letter: Queue | None = None,
        input: Any = None,
        input_path: str | None = None,
        input_transformer: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        try:
            self.pattern = EventPattern(pattern)
        except RuleError as error:
            raise refused(f"The event pattern is not valid: {error.message}") from None
        self.bus = self.resource = None if bus is None else bus_of(bus)
        self.enabled = enabled
        self.description = description
        self.maximum_retry_attempts = maximum_retry_attempts
        self.maximum_event_age = maximum_event_age
        self.dead_letter = dead_letter
        self.input = input
        self.input_path = input_path
        self.input_transformer = input_transformer
        given = {"input": input, "input_path": input_path, "input_transformer": input_transformer}
        #: The option that has the handler get something else than the event, or ``""``.
        self.changed = next((name for name, value in given.items() if value is not None), "")
        if self.changed:
            self.kinds = ()
            self.kinds_in_words = f"what its rule makes of an event ({self.changed}), which has no mark"
        self.validate()

    def validate(self) -> None:
        from ..resources.delivery import check_delivery

        if not written(self.pattern.text):
            raise refused(
                "The event pattern has what no template can hold: half a character (a lone surrogate), or a number "
                "beyond what a double holds. Write the character, or a smaller number."
            )
        flag("event_rule", "enabled", self.enabled)
        if not isinstance(self.description, str) or len(self.description) > DESCRIPTION_MAX:
            raise refused(f"description must be a string of at most {DESCRIPTION_MAX} characters for event_rule.")
        check_delivery("event_rule", self.maximum_retry_attempts, self.maximum_event_age, self.dead_letter)
        refuse_input(self)

    def settle(self, app: App, handler: Handler) -> None:
        if self.changed:
            refuse_company(self, app, handler)

    def title(self) -> str:
        text = self.pattern.text if len(self.pattern.text) <= 80 else self.pattern.text[:77] + "..."
        words = [f"event {text}", *([f"on bus {self.bus.key}"] if self.bus is not None else [])]
        words += [f"changed by {self.changed}"] if self.changed else []
        return " ".join(words) + (" (disabled)" if not self.enabled else "")

    def parse(self, raw: Any, context: Any) -> Event:
        return Event(raw, context) if self.changed else EventBridgeEvent(raw, context)

    def call(self, binding: Binding, event: Event) -> Any:
        return binding(event.raw if self.changed else event, event.context)

    def payload(self, event: Any) -> Any:
        return event if self.changed else event.detail

    def encode(self, result: Any, event: Event) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        if is_tick(raw):
            return "a schedule's event goes to the target of its own rule only"
        return self.pattern.mismatch(raw)

    @classmethod
    def index(cls, triggers: Sequence[EventRule]) -> Finder:
        """By what the patterns ask for."""
        plain = [at for at, trigger in enumerate(triggers) if not trigger.changed]
        if len(plain) < 2:
            return Finder(lambda raw: plain)
        from ..rules.patternset import PatternSet

        patterns = PatternSet(triggers[at].pattern for at in plain)

        def find(raw: Any) -> Sequence[int]:
            return () if is_tick(raw) else [plain[at] for at in patterns.matching(raw)]

        return Finder(find, exact=True)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        from ..rules.witness import witness

        theirs = getattr(other, "pattern", None)  # of another source, perhaps, that has a rule on the bus
        if not isinstance(theirs, EventPattern) or not (self.enabled and other.enabled):
            return None
        if self.handler == other.handler and self._bus() != (other._bus() if isinstance(other, EventRule) else ""):
            return None  # an event is on one bus, so it runs the handler once
        return witness([self.pattern, theirs], base_event(), ENVELOPE, effort)

    def _bus(self) -> str:
        """What tells the bus from others; ``""`` for the default one."""
        return "" if self.bus is None or self.bus.default else self.bus.arn_text or self.bus.key

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

        from ..resources.delivery import add_rule, delivery, let_rule_send

        rule = pascal(self.own_name) + "Rule"
        target: dict[str, Any] = {"Id": "function", "Arn": template.function_arn(function)}
        target |= delivery(self.maximum_retry_attempts, self.maximum_event_age, self.dead_letter, template)
        properties: dict[str, Any] = {
            "EventPattern": loads(self.pattern.text),
            "State": "ENABLED" if self.enabled else "DISABLED",
            "Targets": [target | target_input(self)],
        }
        if self.bus is not None and not self.bus.default:
            properties["EventBusName"] = self.bus.name_in_template(template)
        if self.description:
            properties["Description"] = self.description
        add_rule(self, rule, properties, template)
        template.permit(function, rule, "events.amazonaws.com", {"Fn::GetAtt": [rule, "Arn"]})
        if self.dead_letter is not None:
            let_rule_send(self, self.dead_letter, rule, template)

    def sample(self, **fields: Any) -> Any:
        """An event that matches the pattern, or what the rule makes of it. Fields: ``source``, ``detail_type``,
        ``detail``, ``resources``, ``id``, ``time``, ``account``, ``region``."""
        from ..rules.witness import witness

        self.fields_among(fields, ("source", "detail_type", "detail", "resources", "id", "time", "account", "region"))
        event = witness([self.pattern], base_event(), ENVELOPE)
        if event is None and not fields:
            raise self.refused(f"No sample was found for {self.title()}. Send one of yours with `eventfw invoke`.")
        event = (event or base_event()) | {name.replace("_", "-"): value for name, value in fields.items()}
        return handed_over(self, event)


def bus_of(bus: object) -> EventBus:
    """The bus that a rule is given. Apps whose rules are all on the default one have nothing of buses in their zip."""
    return borrowed("resources.event_bus", "EventBus").of("event_rule", bus)  # type: ignore[no-any-return]


def target_input(rule: EventRule) -> dict[str, Any]:
    """What a target's properties say of what it gets in place of the event."""
    from json import dumps

    if rule.input is not None:
        return {"Input": dumps(rule.input)}
    if rule.input_path is not None:
        return {"InputPath": rule.input_path}
    if rule.input_transformer is not None:
        found: dict[str, Any] = {"InputTemplate": rule.input_transformer["input_template"]}
        if paths := rule.input_transformer.get("input_paths_map"):
            found["InputPathsMap"] = dict(paths)
        return {"InputTransformer": found}
    return {}


def handed_over(rule: EventRule, event: dict[str, Any]) -> Any:
    """What a function gets of an event by a rule."""
    from ..rules.transform import at, transformed

    if rule.input is not None:
        return rule.input
    if rule.input_path is not None:
        return at(rule.input_path, event)
    if rule.input_transformer is not None:
        given = rule.input_transformer
        return transformed(given.get("input_paths_map") or {}, given["input_template"], event, rule.own_name)
    return event


def refuse_input(rule: EventRule) -> None:
    """Refuse what EventBridge could not make of an event."""
    from ..rules.transform import TEMPLATE_MAX, check_path, check_transformer

    given = [name for name in INPUTS if getattr(rule, name) is not None]
    if len(given) > 1:
        raise refused(f"A rule changes its events in one way: {' and '.join(given)} exclude one another. Keep one.")
    try:
        if rule.input is not None and len(dumped(rule.input)) > TEMPLATE_MAX:
            raise RuleError(f"it has at most {TEMPLATE_MAX} characters as JSON.")
        if rule.input_path is not None:
            check_path(rule.input_path)
        if rule.input_transformer is not None:
            transformer = rule.input_transformer
            names = ("input_template", "input_paths_map")
            if not isinstance(transformer, dict) or not {"input_template"} <= set(transformer) <= set(names):
                raise RuleError(f"it is a dict with input_template and perhaps input_paths_map, not {transformer!r}.")
            check_transformer(transformer.get("input_paths_map") or {}, transformer["input_template"])
    except RuleError as error:
        raise refused(f"{given[0]} is not valid for event_rule: {error.message}") from None


def dumped(value: object) -> str:
    """A value as JSON. Raises RuleError where it cannot be written so."""
    from json import dumps

    try:
        return dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise RuleError(f"it is something that is written as JSON, and {value!r:.80} is not: {error}.") from None


def refuse_company(rule: EventRule, app: App, handler: Handler) -> None:
    """Refuse other triggers in the function of a rule that changes its events: these might look like theirs."""
    for other in app.handlers:
        if other.function != handler.function:
            continue
        marked = next((trigger for trigger in other.triggers if trigger.kinds), None)
        if marked is not None:
            raise rule.refused(
                f"{handler.name} gets {rule.kinds_in_words}, and its function {handler.function!r} also runs "
                f"{other.name} ({marked.title()}). Give {handler.name} a function of its own, or remove {rule.changed}."
            )


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
    """Whether an event is the firing of a schedule, which no other rule sees."""
    return raw.get("source") in ("aws.events", "aws.scheduler") and raw.get("detail-type") == "Scheduled Event"
