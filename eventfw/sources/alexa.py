"""``@app.alexa_skill``: requests of a custom Alexa skill."""

from __future__ import annotations

from ..answering.choosing import Choosing, only_one
from ..events import Event, instant
from ..options import refused
from ..resources.elsewhere import check_skill, end_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

UNANSWERED = ("SessionEndedRequest", "System.ExceptionEncountered")  # Alexa takes no response to these
INTENT_REQUESTS = ("IntentRequest", "CanFulfillIntentRequest")
#: What a response may hold, inside ``response``.
ANSWERS = frozenset(
    ["outputSpeech", "card", "reprompt", "directives", "shouldEndSession", "canFulfillIntent", "apiResponse"]
)


class AlexaRequest(Event):
    """A request. https://developer.amazon.com/docs/alexa/custom-skills/request-and-response-json-reference.html"""

    def summary(self) -> str:
        return f"{self.request_type} {self.intent}".strip()

    @property
    def request(self) -> dict[str, Any]:
        """The request, as Alexa sent it: what it holds depends on its type."""
        return self.raw["request"]  # type: ignore[no-any-return]

    @property
    def request_type(self) -> str:
        """``LaunchRequest``, ``IntentRequest``, ``SessionEndedRequest``, ``AudioPlayer.PlaybackStarted``..."""
        return str(self.request["type"])

    @property
    def intent(self) -> str:
        """The intent's name; ``""`` in a request that has none."""
        return str((self.request.get("intent") or {}).get("name", ""))

    @property
    def slots(self) -> dict[str, str | None]:
        """The slots' values by name, as they were heard; ``None`` for an empty one. Where the slot's type resolved the
        value to one of its own, it is that one's name."""
        found = (self.request.get("intent") or {}).get("slots") or {}
        return {name: _resolved(slot) for name, slot in found.items()}

    @property
    def dialog_state(self) -> str:
        """``STARTED``, ``IN_PROGRESS`` or ``COMPLETED`` where the skill has a dialog model, else ``""``."""
        return str(self.request.get("dialogState") or "")

    @property
    def reason(self) -> str:
        """Why the session ended: ``USER_INITIATED``, ``ERROR`` or ``EXCEEDED_MAX_REPROMPTS``; else ``""``."""
        return str(self.request.get("reason") or "")

    @property
    def request_id(self) -> str:
        """The request's id."""
        return str(self.request.get("requestId", ""))

    @property
    def locale(self) -> str:
        """The user's language: ``en-US``."""
        return str(self.request.get("locale", ""))

    @property
    def time(self) -> datetime:
        """When it was sent, with time zone."""
        return instant(self.request["timestamp"])  # type: ignore[no-any-return]

    @property
    def session_id(self) -> str:
        """The session's id; ``""`` in a request outside any session."""
        return str((self.raw.get("session") or {}).get("sessionId", ""))

    @property
    def new_session(self) -> bool:
        """Whether the session begins with this request."""
        return bool((self.raw.get("session") or {}).get("new"))

    @property
    def session_attributes(self) -> dict[str, Any]:
        """What the skill keeps for the session: change it, and the next request has it."""
        session = self.raw.get("session")
        if session is None:
            session = self.raw["session"] = {}
        if session.get("attributes") is None:
            session["attributes"] = {}
        return session["attributes"]  # type: ignore[no-any-return]

    @property
    def skill_id(self) -> str:
        """The skill's id."""
        return str(_application(self.raw) or "")

    @property
    def user_id(self) -> str:
        """Who speaks, as the skill knows the account."""
        return str((self._part("user")).get("userId", ""))

    @property
    def access_token(self) -> str:
        """The token of the linked account; ``""`` where none is linked."""
        return str((self._part("user")).get("accessToken") or "")

    @property
    def device_id(self) -> str:
        """The device's id."""
        return str(self._part("device").get("deviceId", ""))

    def _part(self, name: str) -> dict[str, Any]:
        system = (self.raw.get("context") or {}).get("System") or {}
        return system.get(name) or (self.raw.get("session") or {}).get(name) or {}

    def say(self, text: str, *, reprompt: str = "", end: bool | None = None) -> dict[str, Any]:
        """The response that says ``text`` (SSML where it begins with ``<speak>``).

        ``reprompt`` is said when the user does not answer. ``end`` closes the session: unless said, it is closed where
        there is no ``reprompt``.
        """
        answer: dict[str, Any] = {"outputSpeech": speech(text)}
        if reprompt:
            answer["reprompt"] = {"outputSpeech": speech(reprompt)}
        answer["shouldEndSession"] = not reprompt if end is None else end
        return answer


class AlexaSkill(Choosing):
    """Run for the requests of a skill.

    ``skill_id``: the skill, ``amzn1.ask.skill.`` and a UUID. ``intent``: only requests for this intent.
    ``request_type``: only requests of this type, such as ``LaunchRequest``.

    The handler returns what Alexa says, or a response of :meth:`AlexaRequest.say`, or Alexa's own form of one. Alexa
    waits 8 seconds, and tells the user of a problem when the handler raises.
    https://docs.aws.amazon.com/lambda/latest/dg/services-alexa.html
    """

    decorator = "alexa_skill"
    example = '@app.alexa_skill("amzn1.ask.skill.0a1b2c3d-4e5f-4a7b-8c9d-0e1f2a3b4c5d")'
    kinds = ("alexa_skill",)
    choices = ("skill_id", "request_type", "intent")

    def __init__(self, skill_id: str, *, intent: str | None = None, request_type: str | None = None) -> None:
        super().__init__()
        self.skill_id = skill_id
        self.intent = intent
        self.request_type = request_type or (INTENT_REQUESTS[0] if intent else None)
        self.validate()

    def validate(self) -> None:
        check_skill("alexa_skill", self.skill_id)
        for option in ("intent", "request_type"):
            value = getattr(self, option)
            if value is not None and (not isinstance(value, str) or not value):
                raise refused(f"{option} must be a name for alexa_skill, not {value!r}. Remove it to take any.")
        if self.intent and self.request_type not in INTENT_REQUESTS:
            raise refused(
                f"A {self.request_type} has no intent, so intent={self.intent!r} is never there. Remove one of the two."
            )

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"alexa {self.asked}", f"A handler for {self.title()}")]

    def title(self) -> str:
        asked = [self.skill_id[-12:], *(["type " + self.request_type] if self.request_type and not self.intent else [])]
        return " ".join(["alexa", *asked, *(["intent " + self.intent] if self.intent else [])])

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        request = raw["request"]
        return _application(raw), request["type"], (request.get("intent") or {}).get("name")

    def parse(self, raw: Any, context: Any) -> AlexaRequest:
        return AlexaRequest(raw, context)

    def payload(self, event: AlexaRequest) -> Any:
        """The slots' values."""
        return event.slots

    def encode(self, result: Any, event: AlexaRequest) -> dict[str, Any]:
        if event.request_type in UNANSWERED:
            if result is not None:
                raise TypeError(
                    f"Alexa takes no response to a {event.request_type}: return nothing, not {result!r:.80}."
                )
            return {"version": "1.0", "response": {}}
        if isinstance(result, str):
            result = event.say(result)
        elif result is None:
            result = {}
        if not isinstance(result, dict):
            raise TypeError(f"An alexa_skill handler returns text, request.say(...) or a response, not {result!r:.80}.")
        if "response" in result:
            return {"version": "1.0", "sessionAttributes": event.session_attributes, **result}
        unknown = sorted(result.keys() - ANSWERS)
        if unknown:
            raise TypeError(
                f"A response to Alexa has no {unknown[0]!r}; it has {', '.join(sorted(ANSWERS))}. Return text, or "
                f"{{'response': {{...}}}} for a whole one."
            )
        return {"version": "1.0", "sessionAttributes": event.session_attributes, "response": result}

    def resources(self, function: Function, template: Template) -> None:
        """The permission, for this skill only, and the ARN that the skill's endpoint takes."""
        name = "AlexaSkill" + end_of(self.skill_id)
        only_one(self, function, template, name + "Permission", "A skill")
        template.permit(function, name, "alexa-appkit.amazon.com", EventSourceToken=self.skill_id)
        template.output(name + "FunctionArn", template.function_arn(function), f"The endpoint of {self.skill_id}")

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A request. Fields: ``request_type``, ``intent``, ``slots`` (name: value), ``session_attributes``, ``locale``,
        ``skill_id``."""
        self.fields_among(fields, ("request_type", "intent", "slots", "session_attributes", "locale", "skill_id"))
        intent = fields.get("intent", self.intent)
        default = INTENT_REQUESTS[0] if intent or "slots" in fields else "LaunchRequest"
        request: dict[str, Any] = {
            "type": fields.get("request_type", self.request_type) or default,
            "requestId": "amzn1.echo-api.request.11111111-2222-4333-8444-555555555555",
            "timestamp": "2026-01-01T00:00:00Z",
            "locale": fields.get("locale", "en-US"),
        }
        if request["type"] in INTENT_REQUESTS:
            values = dict(fields.get("slots") or {})
            slots = {
                name: {"name": name, "value": value, "confirmationStatus": "NONE"} for name, value in values.items()
            }
            request["intent"] = {"name": intent or "AMAZON.HelpIntent", "confirmationStatus": "NONE", "slots": slots}
        elif request["type"] == "SessionEndedRequest":
            request["reason"] = "USER_INITIATED"
        application = {"applicationId": fields.get("skill_id", self.skill_id)}
        user = {"userId": "amzn1.ask.account.EXAMPLE"}
        session = {
            "new": request["type"] == "LaunchRequest",
            "sessionId": "amzn1.echo-api.session.66666666-7777-4888-8999-000000000000",
            "application": application,
            "attributes": dict(fields.get("session_attributes") or {}),
            "user": user,
        }
        system = {
            "application": application,
            "user": user,
            "device": {"deviceId": "amzn1.ask.device.EXAMPLE", "supportedInterfaces": {}},
            "apiEndpoint": "https://api.amazonalexa.com",
        }
        return {"version": "1.0", "session": session, "context": {"System": system}, "request": request}


def speech(text: str) -> dict[str, str]:
    """Text as Alexa takes it."""
    if text.lstrip().startswith("<speak>"):
        return {"type": "SSML", "ssml": text}
    return {"type": "PlainText", "text": text}


def _application(raw: Any) -> str | None:
    """The skill's id; a request outside a session has it in its context only."""
    system = (raw.get("context") or {}).get("System") or {}
    found = system.get("application") or (raw.get("session") or {}).get("application") or {}
    return found.get("applicationId")


def _resolved(slot: Any) -> str | None:
    """A slot's value: what its type resolved it to, or what was heard."""
    for authority in (slot.get("resolutions") or {}).get("resolutionsPerAuthority") or ():
        values = authority.get("values") or ()
        if values:
            return str(values[0]["value"]["name"])
    heard = slot.get("value")
    return None if heard is None else str(heard)
