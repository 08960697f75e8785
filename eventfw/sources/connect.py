"""``@app.connect_flow``: the "Invoke AWS Lambda function" block of an Amazon Connect flow."""

from __future__ import annotations

from ..answering.choosing import Choosing
from ..events import Event
from ..options import one_of
from ..resources.elsewhere import arn_of, check_named, end_of, id_in
from ..resources.names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

RESPONSES = ("STRING_MAP", "JSON")
RESPONSE_MAX = 32 * 1024  # bytes


class ConnectEvent(Event):
    """A flow's call. https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html"""

    def summary(self) -> str:
        return f"{self.channel} contact {self.contact_id}"

    @property
    def parameters(self) -> dict[str, str]:
        """What the block sends, by name."""
        return self.raw["Details"].get("Parameters") or {}

    @property
    def contact(self) -> dict[str, Any]:
        """The contact, as Connect sent it."""
        return self.raw["Details"]["ContactData"]  # type: ignore[no-any-return]

    @property
    def contact_id(self) -> str:
        """The contact's id."""
        return str(self.contact.get("ContactId", ""))

    @property
    def initial_contact_id(self) -> str:
        """The id of the contact that this one goes back to, after transfers."""
        return str(self.contact.get("InitialContactId", ""))

    @property
    def attributes(self) -> dict[str, str]:
        """The contact's attributes, as the flow has set them."""
        return self.contact.get("Attributes") or {}

    @property
    def channel(self) -> str:
        """``VOICE``, ``CHAT``, ``TASK`` or ``EMAIL``."""
        return str(self.contact.get("Channel", ""))

    @property
    def initiation_method(self) -> str:
        """How the contact began: ``INBOUND``, ``OUTBOUND``, ``TRANSFER``, ``CALLBACK``, ``API``..."""
        return str(self.contact.get("InitiationMethod", ""))

    @property
    def customer(self) -> str:
        """The customer's address, such as a phone number; ``""`` where it is withheld."""
        return str((self.contact.get("CustomerEndpoint") or {}).get("Address", ""))

    @property
    def system(self) -> str:
        """The address that the customer reached."""
        return str((self.contact.get("SystemEndpoint") or {}).get("Address", ""))

    @property
    def queue(self) -> str:
        """The name of the queue that the contact is in; ``""`` where it is in none."""
        return str((self.contact.get("Queue") or {}).get("Name", ""))

    @property
    def instance_arn(self) -> str:
        """The Connect instance's ARN."""
        return str(self.contact.get("InstanceARN", ""))


class ConnectFlow(Choosing):
    """Run for a block of a flow.

    ``instance``: the Connect instance, by ARN or id. ``response``: what the block expects, as its response validation
    says: ``STRING_MAP``, a flat object of strings, or ``JSON``, any object.

    The handler returns a dict; numbers and booleans become strings for a ``STRING_MAP``. Connect waits as long as the
    block says, 8 seconds at most. When the handler raises, the contact takes the block's error branch.
    https://docs.aws.amazon.com/connect/latest/adminguide/invoke-lambda-function-block.html
    """

    decorator = "connect_flow"
    example = '@app.connect_flow("0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d")'
    kinds = ("connect",)
    choices = ("instance_id",)

    def __init__(self, instance: str, *, response: str = "STRING_MAP") -> None:
        super().__init__()
        self.instance = instance
        self.instance_id = id_in(instance, "instance")
        self.response = response
        self.validate()

    def validate(self) -> None:
        check_named("connect_flow", "a Connect instance", self.instance, "connect", "instance")
        one_of("connect_flow", "response", self.response, RESPONSES)

    def title(self) -> str:
        return f"connect {self.instance_id}" + (" JSON" if self.response == "JSON" else "")

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        return (str(raw["Details"]["ContactData"]["InstanceARN"]).rpartition("/")[2],)

    def parse(self, raw: Any, context: Any) -> ConnectEvent:
        return ConnectEvent(raw, context)

    def payload(self, event: ConnectEvent) -> Any:
        """What the block sends."""
        return event.parameters

    def encode(self, result: Any, event: ConnectEvent) -> dict[str, Any]:
        if result is None:
            result = {}
        if not isinstance(result, dict):
            raise TypeError(f"A connect_flow handler returns a dict of strings, not {result!r:.80}.")
        answer = result if self.response == "JSON" else {name: flat(name, value) for name, value in result.items()}
        from json import dumps

        size = len(dumps(answer, ensure_ascii=False).encode(errors="replace"))
        if size > RESPONSE_MAX:
            raise ValueError(f"The response has {size} bytes, over the {RESPONSE_MAX} that Connect takes. Return less.")
        return answer

    def resources(self, function: Function, template: Template) -> None:
        """The permission, for the instance only, and the function in the instance's list."""
        named = arn_of(self.instance, "connect", "instance")
        name = f"{pascal(function.name)}Connect{end_of(self.instance_id)}"
        template.permit(function, name, "connect.amazonaws.com", named, source_account=True)
        if not template.local and not template.has(name + "Association"):
            properties = {
                "InstanceId": named,
                "IntegrationType": "LAMBDA_FUNCTION",
                "IntegrationArn": template.function_arn(function),
            }
            template.add(name + "Association", "AWS::Connect::IntegrationAssociation", properties)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A call for a voice contact. Fields: ``parameters``, ``attributes`` (name: text), ``customer``, ``channel``,
        ``instance_id``."""
        self.fields_among(fields, ("parameters", "attributes", "customer", "channel", "instance_id"))
        instance = fields.get("instance_id", self.instance_id)
        contact = {
            "Attributes": dict(fields.get("attributes") or {}),
            "Channel": fields.get("channel", "VOICE"),
            "ContactId": "4a573372-1f28-4e26-b97b-000000000001",
            "CustomerEndpoint": {"Address": fields.get("customer", "+12065550100"), "Type": "TELEPHONE_NUMBER"},
            "InitialContactId": "4a573372-1f28-4e26-b97b-000000000001",
            "InitiationMethod": "INBOUND",
            "InstanceARN": f"arn:aws:connect:us-east-1:123456789012:instance/{instance}",
            "MediaStreams": {},
            "PreviousContactId": "4a573372-1f28-4e26-b97b-000000000001",
            "Queue": None,
            "SystemEndpoint": {"Address": "+12065550199", "Type": "TELEPHONE_NUMBER"},
        }
        return {
            "Details": {"ContactData": contact, "Parameters": dict(fields.get("parameters") or {})},
            "Name": "ContactFlowEvent",
        }


def flat(name: object, value: object) -> str:
    """A value of a STRING_MAP."""
    if not isinstance(name, str):
        raise TypeError(f"The names of a STRING_MAP are strings, not {name!r}.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise TypeError(
        f"{name!r} is {value!r:.80}, and a flow takes strings only. Make it one, leave it out, or write "
        f"response='JSON' and set the block's response validation to JSON."
    )
