"""EventBus: an EventBridge bus."""

from __future__ import annotations

from ..options import refused, text
from .keys import checked_key
from .named import Named, named_with
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .resource import Template

DEFAULT = "default"


class EventBus(Named):
    """An EventBridge bus that the app owns, or (``EventBus.existing``) one that is there already.

    ``EventBus.existing("default")`` is the account's default bus, where the events of AWS's services are.

    Options
        ``description``: at most 512 characters.
        ``kms_key``: the ARN of a KMS key to encrypt events with; with AWS's own unless said.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus.html
    """

    type = "event_bus"
    service = "events"
    path = "event-bus/"
    suffix = "EventBus"
    name_max = 256

    def __init__(self, name: str, *, description: str = "", kms_key: str | None = None) -> None:
        super().__init__(name)
        self.description = description
        self.kms_key = kms_key
        self.validate()

    def validate(self) -> None:
        text("event_bus", "name", self.key, 'Write app.event_bus("shop").')
        named_with("event bus", self.key, "._-/", 1, 256)
        if not isinstance(self.description, str) or len(self.description) > 512:
            raise refused(
                f"description must be a string of at most 512 characters for event_bus, not {self.description!r}."
            )
        checked_key("event_bus", self.kms_key)

    @property
    def default(self) -> bool:
        """Whether it is the account's default bus."""
        return not self.owned and self.key == DEFAULT

    @property
    def put_events(self) -> Grant:
        """Leave to put events on the bus."""
        return Grant(self, "put_events", {"": ("events:PutEvents",)})

    def made_by(self, template: Template) -> bool:
        return super().made_by(template) and not self.default

    def name_in_template(self, template: Template) -> Any:
        """What ``EventBusName`` of a rule says: a name, or the ARN of a bus, perhaps in another account."""
        return super().name_in_template(template) if self.made_by(template) else self.arn_text or self.key

    def resources(self, template: Template) -> None:
        """The bus. In the local variant an existing bus is made under its own name; the default one is there."""
        if self.owned and ("/" in self.key or self.key == DEFAULT):
            said = f"EventBus.existing({self.key!r})"
            raise self.refused(f"An event bus of one's own has no '/' and is not called 'default'. Write {said}.")
        if not self.made_by(template):
            return
        properties: dict[str, Any] = {"Name": self.real_name(template).replace("/", "-")}
        if self.description:
            properties["Description"] = self.description
        if self.kms_key:
            properties["KmsKeyIdentifier"] = self.kms_key
        template.add(self.logical_id, "AWS::Events::EventBus", properties)
