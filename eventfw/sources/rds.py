"""``@app.rds_event``: what happens to databases, through EventBridge."""

from __future__ import annotations

from ..events import Event, instant
from ..options import closest, flag, refused, texts
from ..resources.names import pascal
from ..rules.pattern import EventPattern
from ..trigger import Trigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

DETAIL_TYPES = {  # by source type, as RDS's API spells it
    "blue-green-deployment": "RDS Blue Green Deployment Event",
    "custom-engine-version": "RDS Custom Engine Version Event",
    "db-cluster": "RDS DB Cluster Event",
    "db-cluster-snapshot": "RDS DB Cluster Snapshot Event",
    "db-instance": "RDS DB Instance Event",
    "db-parameter-group": "RDS DB Parameter Group Event",
    "db-proxy": "RDS DB Proxy Event",
    "db-security-group": "RDS DB Security Group Event",
    "db-shard-group": "RDS DB Shard Group Event",
    "db-snapshot": "RDS DB Snapshot Event",
    "zero-etl": "RDS Zero ETL Event",
}
TEXTS = ("version", "id", "detail-type", "source", "account", "time", "region")  # of an event, always there


class DatabaseEvent(Event):
    """Something that happened. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloudwatch-events.sample.html"""

    def summary(self) -> str:
        return f"{self.event_id} {self.source_id}"

    @property
    def detail(self) -> dict[str, Any]:
        """What happened, as RDS tells it."""
        return self.raw["detail"]  # type: ignore[no-any-return]

    @property
    def message(self) -> str:
        """What happened, in words; empty without."""
        return str(self.detail.get("Message") or "")

    @property
    def event_id(self) -> str:
        """What kind of thing happened, such as ``RDS-EVENT-0049``; empty in events that have none."""
        return str(self.detail.get("EventID") or "")

    @property
    def categories(self) -> list[str]:
        """The event's categories, such as ``failover``."""
        return self.detail.get("EventCategories") or []

    @property
    def source_type(self) -> str:
        """What it happened to: ``DB_INSTANCE``, ``CLUSTER``..."""
        return str(self.detail["SourceType"])

    @property
    def source_id(self) -> str:
        """The name of what it happened to."""
        return str(self.detail["SourceIdentifier"])

    @property
    def source_arn(self) -> str:
        """The ARN of what it happened to."""
        return str(self.detail["SourceArn"])

    @property
    def tags(self) -> dict[str, str]:
        """The tags it had then."""
        return self.detail.get("Tags") or {}

    @property
    def id(self) -> str:
        """The event's id; the same when it is delivered again."""
        return str(self.raw["id"])

    @property
    def time(self) -> datetime:
        """When it happened, with time zone."""
        return instant(self.raw["time"])  # type: ignore[no-any-return]


class RdsEvent(Trigger):
    """Run for events of RDS and Aurora in this account and region.

    ``source_types``: only what happens to these, as RDS's API calls them: ``db-instance``, ``db-cluster``,
    ``db-snapshot``...; all unless said. ``sources``: only these, by name or ARN. ``categories``: only these, such as
    ``failover``. ``event_ids``: only these, such as ``RDS-EVENT-0049``. ``enabled``: ``False`` deploys the rule
    switched off.

    RDS sends its events as well as it can, and Lambda invokes the function asynchronously: one may be missing, come
    twice or in another order. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-cloud-watch-events.html
    """

    decorator = "rds_event"
    example = '@app.rds_event(source_types=["db-instance"], categories=["failover"])'
    kinds = ("eventbridge",)

    def __init__(
        self,
        *,
        source_types: Sequence[str] = (),
        sources: Sequence[str] = (),
        categories: Sequence[str] = (),
        event_ids: Sequence[str] = (),
        enabled: bool = True,
    ) -> None:
        super().__init__()
        self.source_types = source_types
        self.sources = sources
        self.categories = categories
        self.event_ids = event_ids
        self.enabled = enabled
        self.validate()
        self.pattern = EventPattern(self._pattern())

    def validate(self) -> None:
        examples = {"source_types": "db-instance", "sources": "shop", "categories": "failover"}
        examples["event_ids"] = "RDS-EVENT-0049"
        for option, example in examples.items():
            texts("rds_event", option, getattr(self, option), f"[{example!r}]")
        for each in self.source_types:
            if each not in DETAIL_TYPES:
                known = ", ".join(DETAIL_TYPES)
                raise refused(f"RDS has no source type {each!r}.{closest(each, DETAIL_TYPES)} It has: {known}.")
        for each in self.event_ids:
            number = each.removeprefix("RDS-EVENT-")
            if number == each or len(number) != 4 or not number.isdigit():
                raise refused(f"An event id of RDS is written RDS-EVENT-0049, not {each!r}.")
        flag("rds_event", "enabled", self.enabled)

    def _pattern(self) -> dict[str, Any]:
        pattern: dict[str, Any] = {
            "source": ["aws.rds"],
            "detail-type": [DETAIL_TYPES[each] for each in self.source_types or sorted(DETAIL_TYPES)],
        }
        detail: dict[str, Any] = {}
        if self.categories:
            detail["EventCategories"] = list(self.categories)
        if self.event_ids:
            detail["EventID"] = list(self.event_ids)
        if self.sources:
            # The identifier is not told the same way in all events: the ARN ends with the name in each.
            detail["SourceArn"] = [each if each.startswith("arn:") else {"suffix": f":{each}"} for each in self.sources]
        return pattern | ({"detail": detail} if detail else {})

    def title(self) -> str:
        words = [*self.source_types, *self.sources, *self.categories, *self.event_ids]
        return "rds " + (" ".join(words) or "everything") + (" (disabled)" if not self.enabled else "")

    def parse(self, raw: Any, context: Any) -> DatabaseEvent:
        return DatabaseEvent(raw, context)

    def payload(self, event: DatabaseEvent) -> Any:
        """The detail, for a parameter that is a data class."""
        return event.detail

    def encode(self, result: Any, event: DatabaseEvent) -> None:
        return None

    def mismatch(self, raw: Any) -> str:
        return self.pattern.mismatch(raw)

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        from ..rules.witness import witness

        pattern = getattr(other, "pattern", None)
        if not isinstance(pattern, EventPattern) or not (self.enabled and other.enabled):
            return None
        return witness([self.pattern, pattern], self.sample(), TEXTS, effort)

    def resources(self, function: Function, template: Template) -> None:
        """The rule on the account's default bus, with the function as its target, and its permission."""
        from json import loads

        rule = pascal(self.own_name) + "RdsRule"
        properties = {
            "EventPattern": loads(self.pattern.text),
            "State": "ENABLED" if self.enabled else "DISABLED",
            "Targets": [{"Id": "function", "Arn": template.function_arn(function)}],
        }
        template.add(rule, "AWS::Events::Rule", properties)
        template.permit(function, rule, "events.amazonaws.com", {"Fn::GetAtt": [rule, "Arn"]})

    def sample(self, **fields: Any) -> dict[str, Any]:
        """An event. Fields: ``source_type`` (as ``db-instance``), ``source``, ``categories``, ``event_id``,
        ``message``."""
        self.fields_among(fields, ("source_type", "source", "categories", "event_id", "message"))
        kind = str(fields.get("source_type", (self.source_types or ("db-instance",))[0]))
        source = str(fields.get("source", (self.sources or ("example",))[0]))
        arn = source if source.startswith("arn:") else f"arn:aws:rds:us-east-1:123456789012:{short(kind)}:{source}"
        return {
            "version": "0",
            "id": "68f6e973-1a0c-d37b-f2f2-94a7f62ffd4e",
            "detail-type": DETAIL_TYPES[kind],
            "source": "aws.rds",
            "account": "123456789012",
            "time": "2026-01-01T00:00:00Z",
            "region": "us-east-1",
            "resources": [arn],
            "detail": {
                "EventCategories": list(fields.get("categories", self.categories or ["failover"])),
                "SourceType": {"db-cluster": "CLUSTER"}.get(kind, kind.upper().replace("-", "_")),
                "SourceArn": arn,
                "Date": "2026-01-01T00:00:00.000Z",
                "SourceIdentifier": arn.rpartition(":")[2],
                "Message": str(fields.get("message", "An example.")),
                "EventID": str(fields.get("event_id", (self.event_ids or ("RDS-EVENT-0049",))[0])),
            },
        }


def short(kind: str) -> str:
    """What ARNs call a source type."""
    return {"db-instance": "db", "db-cluster": "cluster", "db-snapshot": "snapshot"}.get(kind, kind)
