"""``@app.alexa_smart_home``: directives of an Alexa smart home skill."""

from __future__ import annotations

from ..answering.choosing import Choosing, only_one
from ..events import Event
from ..options import refused
from ..resources.elsewhere import check_skill, end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

#: What answers a directive, where it is not a ``Response`` of ``Alexa``: (namespace, name).
ANSWERS = {
    ("Alexa.Discovery", "Discover"): ("Alexa.Discovery", "Discover.Response"),
    ("Alexa.Authorization", "AcceptGrant"): ("Alexa.Authorization", "AcceptGrant.Response"),
    ("Alexa", "ReportState"): ("Alexa", "StateReport"),
}


class AlexaDirective(Event):
    """What a device is to do. https://developer.amazon.com/docs/alexa/device-apis/message-guide.html"""

    def summary(self) -> str:
        return f"{self.namespace} {self.name}"

    @property
    def directive(self) -> dict[str, Any]:
        """The directive, as Alexa sent it."""
        return self.raw["directive"]  # type: ignore[no-any-return]

    @property
    def namespace(self) -> str:
        """The interface: ``Alexa.PowerController``."""
        return str(self.directive["header"]["namespace"])

    @property
    def name(self) -> str:
        """The directive's name: ``TurnOn``."""
        return str(self.directive["header"]["name"])

    @property
    def payload(self) -> dict[str, Any]:
        """What else it says, by interface."""
        return self.directive.get("payload") or {}

    @property
    def endpoint_id(self) -> str:
        """The device, as the skill called it; ``""`` where the directive is for none."""
        return str((self.directive.get("endpoint") or {}).get("endpointId", ""))

    @property
    def cookie(self) -> dict[str, str]:
        """What the skill said of the device when it was discovered."""
        return (self.directive.get("endpoint") or {}).get("cookie") or {}

    @property
    def token(self) -> str:
        """The access token of the linked account."""
        scope = (self.directive.get("endpoint") or {}).get("scope") or self.payload.get("scope") or {}
        return str(scope.get("token") or (self.payload.get("grantee") or {}).get("token") or "")

    @property
    def message_id(self) -> str:
        """The directive's id."""
        return str(self.directive["header"].get("messageId", ""))

    @property
    def correlation_token(self) -> str:
        """What the answer repeats; ``""`` where there is none to repeat."""
        return str(self.directive["header"].get("correlationToken") or "")

    def state(self, name: str, value: Any, *, namespace: str = "", uncertainty: int = 0) -> dict[str, Any]:
        """A property that the device has now, for ``respond``: ``directive.state("powerState", "ON")``.

        ``namespace`` is the interface it belongs to, the directive's own unless said; ``uncertainty`` is how old the
        value may be, in milliseconds.
        """
        from datetime import UTC, datetime

        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        found = {"namespace": namespace or self.namespace, "name": name, "value": value}
        return {**found, "timeOfSample": now, "uncertaintyInMilliseconds": uncertainty}

    def respond(
        self, payload: dict[str, Any] | None = None, *, properties: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        """The answer: ``payload`` is for ``Discover``, ``properties`` tell what the device is like now."""
        namespace, name = ANSWERS.get((self.namespace, self.name), ("Alexa", "Response"))
        return self._answer(namespace, name, payload or {}, properties)

    def fail(self, type: str, message: str, **details: Any) -> dict[str, Any]:
        """The answer that the device cannot: ``type`` is Alexa's, such as ``ENDPOINT_UNREACHABLE``."""
        return self._answer("Alexa", "ErrorResponse", {"type": type, "message": message, **details})

    def _answer(
        self, namespace: str, name: str, payload: dict[str, Any], properties: Sequence[dict[str, Any]] = ()
    ) -> dict[str, Any]:
        from uuid import uuid4

        header = {"namespace": namespace, "name": name, "messageId": str(uuid4()), "payloadVersion": "3"}
        event: dict[str, Any] = {"header": header, "payload": payload}
        if self.correlation_token:
            header["correlationToken"] = self.correlation_token
        if self.endpoint_id:
            event["endpoint"] = {"endpointId": self.endpoint_id}
        return {"event": event, **({"context": {"properties": list(properties)}} if properties else {})}


class AlexaSmartHome(Choosing):
    """Run for the directives of a smart home skill, of payload version 3.

    ``skill_id``: the skill, ``amzn1.ask.skill.`` and a UUID. ``namespace``: only directives of this interface, such as
    ``Alexa.PowerController``. ``name``: only directives of this name.

    The handler returns an answer of :meth:`AlexaDirective.respond` or ``fail``, or nothing, for an answer without
    properties. Alexa waits 8 seconds. https://docs.aws.amazon.com/lambda/latest/dg/services-alexa.html
    """

    decorator = "alexa_smart_home"
    example = '@app.alexa_smart_home("amzn1.ask.skill.0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5e")'
    kinds = ("alexa_smart_home",)
    choices = ("namespace", "name")

    def __init__(self, skill_id: str, *, namespace: str | None = None, name: str | None = None) -> None:
        super().__init__()
        self.skill_id = skill_id
        self.namespace = namespace
        self.name = name
        self.validate()

    def validate(self) -> None:
        check_skill("alexa_smart_home", self.skill_id)
        for option in self.choices:
            value = getattr(self, option)
            if value is not None and (not isinstance(value, str) or not value):
                raise refused(f"{option} must be a name for alexa_smart_home, not {value!r}. Remove it to take any.")

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"alexa home {self.skill_id} {self.asked}", f"A handler for {self.title()}")]

    def title(self) -> str:
        return " ".join(["alexa home", self.skill_id[-12:], *(each for each in self.asked if each)])

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        header = raw["directive"]["header"]
        return header["namespace"], header["name"]

    def parse(self, raw: Any, context: Any) -> AlexaDirective:
        return AlexaDirective(raw, context)

    def payload(self, event: AlexaDirective) -> Any:
        """What the directive says."""
        return event.payload

    def encode(self, result: Any, event: AlexaDirective) -> dict[str, Any]:
        if result is None:
            return event.respond()
        answer = result.get("event") if isinstance(result, dict) else None
        header = answer.get("header") if isinstance(answer, dict) else None
        if not isinstance(header, dict) or not header.get("name"):
            raise TypeError(
                f"An alexa_smart_home handler returns directive.respond(...) or fail(...), or nothing, not "
                f"{result!r:.80}."
            )
        token = header.get("correlationToken") or ""
        if event.correlation_token and header["name"] != "DeferredResponse" and token != event.correlation_token:
            raise TypeError("The answer to a directive has its correlationToken. directive.respond(...) repeats it.")
        return result  # type: ignore[no-any-return]

    def resources(self, function: Function, template: Template) -> None:
        """The permission, for this skill only, and the ARN that the skill's endpoint takes."""
        name = "AlexaSmartHome" + end_of(self.skill_id)
        only_one(self, function, template, name + "Permission", "A skill")
        template.permit(function, name, "alexa-connectedhome.amazon.com", EventSourceToken=self.skill_id)
        template.output(name + "FunctionArn", template.function_arn(function), f"The endpoint of {self.skill_id}")

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A directive. Fields: ``namespace``, ``name``, ``endpoint_id``, ``payload``, ``token``."""
        self.fields_among(fields, ("namespace", "name", "endpoint_id", "payload", "token"))
        scope = {"type": "BearerToken", "token": fields.get("token", "example-token")}
        header = {
            "namespace": fields.get("namespace", self.namespace) or "Alexa.PowerController",
            "name": fields.get("name", self.name) or "TurnOn",
            "messageId": "11111111-2222-4333-8444-555555555555",
            "correlationToken": "ZXhhbXBsZQ==",
            "payloadVersion": "3",
        }
        directive: dict[str, Any] = {"header": header, "payload": dict(fields.get("payload") or {})}
        if header["namespace"] in ("Alexa.Discovery", "Alexa.Authorization"):
            directive["payload"].setdefault("scope", scope)
            del header["correlationToken"]
        else:
            directive["endpoint"] = {"scope": scope, "endpointId": fields.get("endpoint_id", "lamp"), "cookie": {}}
        return {"directive": directive}
