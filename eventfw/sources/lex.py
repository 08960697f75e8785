"""``@app.lex_hook``: the code hook of an Amazon Lex V2 bot."""

from __future__ import annotations

from ..answering.choosing import Choosing, only_one
from ..events import Event
from ..options import one_of, text
from ..resources.elsewhere import arn_of, check_named, id_in
from ..resources.names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

SOURCES = ("DialogCodeHook", "FulfillmentCodeHook")
ACTIONS = ("Close", "ConfirmIntent", "Delegate", "ElicitIntent", "ElicitSlot")
SPEAKING = ("ElicitIntent", "ConfirmIntent")  # which need a message


class LexEvent(Event):
    """A turn of a conversation. https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html"""

    def summary(self) -> str:
        return f"{self.intent} {self.invocation_source}"

    @property
    def _state(self) -> dict[str, Any]:
        return self.raw["sessionState"]  # type: ignore[no-any-return]

    @property
    def intent(self) -> str:
        """The intent's name."""
        return str((self._state.get("intent") or {}).get("name", ""))

    @property
    def intent_state(self) -> str:
        """How far the intent is: ``InProgress``, ``ReadyForFulfillment``, ``Fulfilled``, ``Failed``, ``Waiting``..."""
        return str((self._state.get("intent") or {}).get("state", ""))

    @property
    def confirmation(self) -> str:
        """``Confirmed``, ``Denied`` or ``None``, as text."""
        return str((self._state.get("intent") or {}).get("confirmationState", "None"))

    @property
    def slots(self) -> dict[str, Any]:
        """The slots' values by name, as Lex interpreted them: text, a list for a slot of several values, ``None`` for
        an empty one."""
        found = (self._state.get("intent") or {}).get("slots") or {}
        return {name: interpreted(slot) for name, slot in found.items()}

    def set_slot(self, name: str, value: str | None) -> None:
        """Fill a slot, or empty it with ``None``, for what the response says."""
        filled = {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]}
        slot = None if value is None else {"shape": "Scalar", "value": filled}
        self._state.setdefault("intent", {}).setdefault("slots", {})[name] = slot

    @property
    def session_attributes(self) -> dict[str, str]:
        """What is kept for the session: change it, and the next turn has it."""
        return self._state.setdefault("sessionAttributes", {})  # type: ignore[no-any-return]

    @property
    def request_attributes(self) -> dict[str, str]:
        """What the client sent with this turn, and channels such as ``x-amz-lex:channels:platform``."""
        return self.raw.get("requestAttributes") or {}

    @property
    def invocation_source(self) -> str:
        """``DialogCodeHook`` while the slots are filled, ``FulfillmentCodeHook`` to carry the intent out."""
        return str(self.raw["invocationSource"])

    @property
    def transcript(self) -> str:
        """What the user said."""
        return str(self.raw.get("inputTranscript", ""))

    @property
    def input_mode(self) -> str:
        """``Text``, ``Speech`` or ``DTMF``."""
        return str(self.raw.get("inputMode", ""))

    @property
    def interpretations(self) -> list[dict[str, Any]]:
        """The intents that Lex considered, the likeliest first."""
        return self.raw.get("interpretations") or []

    @property
    def session_id(self) -> str:
        """The session's id."""
        return str(self.raw.get("sessionId", ""))

    @property
    def bot_id(self) -> str:
        """The bot's id."""
        return str(self.raw["bot"].get("id", ""))

    @property
    def alias_id(self) -> str:
        """The id of the bot's alias."""
        return str(self.raw["bot"].get("aliasId", ""))

    @property
    def locale(self) -> str:
        """The language: ``en_US``."""
        return str(self.raw["bot"]["localeId"])

    def close(self, message: str | Sequence[str] = (), *, state: str = "Fulfilled") -> dict[str, Any]:
        """End the intent: ``Fulfilled``, or ``Failed``. Without a message Lex says what the bot has for it."""
        if state not in ("Fulfilled", "Failed"):
            raise ValueError(f"state must be Fulfilled or Failed, not {state!r}.")
        return self._answer({"type": "Close"}, message, state)

    def delegate(self, message: str | Sequence[str] = ()) -> dict[str, Any]:
        """Let Lex go on as the bot says."""
        return self._answer({"type": "Delegate"}, message)

    def elicit_slot(self, slot: str, message: str | Sequence[str] = ()) -> dict[str, Any]:
        """Ask for a slot. Without a message Lex asks as the bot says."""
        return self._answer({"type": "ElicitSlot", "slotToElicit": slot}, message, "InProgress")

    def confirm_intent(self, message: str | Sequence[str]) -> dict[str, Any]:
        """Ask whether the intent is right."""
        return self._answer({"type": "ConfirmIntent"}, message, "InProgress")

    def elicit_intent(self, message: str | Sequence[str]) -> dict[str, Any]:
        """Ask what the user wants."""
        return self._answer({"type": "ElicitIntent"}, message)

    def _answer(self, action: dict[str, Any], message: str | Sequence[str], state: str = "") -> dict[str, Any]:
        session = {"sessionAttributes": self.session_attributes, "dialogAction": action}
        if self._state.get("activeContexts"):
            session["activeContexts"] = self._state["activeContexts"]
        if action["type"] != "ElicitIntent":
            intent = self._state.get("intent") or {}
            session["intent"] = {**intent, "state": state} if state else intent
        answer: dict[str, Any] = {"sessionState": session}
        texts = [message] if isinstance(message, str) else list(message)
        if texts:
            answer["messages"] = [said(each) for each in texts]
        if self.request_attributes:
            answer["requestAttributes"] = self.request_attributes
        return answer


class LexHook(Choosing):
    """Run for the turns of a bot's conversations.

    ``bot_alias``: the bot's alias, by ARN or as ``BOTID/ALIASID``. ``intent``: only turns with this intent. ``locale``:
    only turns in this language, such as ``en_US``. ``invocation_source``: only ``DialogCodeHook``, or only
    ``FulfillmentCodeHook``.

    The handler returns a response of the event's methods (``event.elicit_slot(...)``), or Lex's own form of one.
    Nothing lets Lex go on in a dialog, and fulfils the intent in fulfilment; there, text does so with a message. When
    it raises, Lex's API answers 424. https://docs.aws.amazon.com/lexv2/latest/dg/lambda-response-format.html
    """

    decorator = "lex_hook"
    example = '@app.lex_hook("ABCDEFGHIJ/TSTALIASID")'
    kinds = ("lex_v2",)
    choices = ("bot_id", "alias_id", "locale", "intent", "invocation_source")

    def __init__(
        self,
        bot_alias: str,
        *,
        intent: str | None = None,
        locale: str | None = None,
        invocation_source: str | None = None,
    ) -> None:
        super().__init__()
        self.bot_alias = bot_alias
        self.bot_id, _, self.alias_id = id_in(bot_alias, "bot-alias").partition("/")
        self.intent = intent
        self.locale = locale
        self.invocation_source = invocation_source
        self.validate()

    def validate(self) -> None:
        check_named("lex_hook", "a bot's alias", self.bot_alias, "lex", "bot-alias", "BOTID/ALIASID")
        for option in ("intent", "locale"):
            if getattr(self, option) is not None:
                text("lex_hook", option, getattr(self, option), "Remove it to take any.")
        if self.invocation_source is not None:
            one_of("lex_hook", "invocation_source", self.invocation_source, SOURCES)

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"lex {self.asked}", f"A handler for {self.title()}")]

    def title(self) -> str:
        asked = [each for each in (self.locale, self.intent, self.invocation_source) if each]
        return " ".join(["lex", f"{self.bot_id}/{self.alias_id}", *asked])

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        bot, intent = raw["bot"], raw["sessionState"].get("intent") or {}
        return bot.get("id"), bot.get("aliasId"), bot["localeId"], intent.get("name"), raw["invocationSource"]

    def parse(self, raw: Any, context: Any) -> LexEvent:
        return LexEvent(raw, context)

    def payload(self, event: LexEvent) -> Any:
        """The slots' values."""
        return event.slots

    def encode(self, result: Any, event: LexEvent) -> dict[str, Any]:
        fulfilment = event.invocation_source == "FulfillmentCodeHook"
        if result is None:
            return event.close() if fulfilment else event.delegate()
        if isinstance(result, str) and fulfilment:
            return event.close(result)
        if not isinstance(result, dict):
            raise TypeError(
                f"A lex_hook handler returns what event.close(), delegate(), elicit_slot(), elicit_intent() or "
                f"confirm_intent() makes, not {result!r:.80}."
            )
        return checked(result)

    def resources(self, function: Function, template: Template) -> None:
        """The permission, for the alias only, and the ARN that the alias takes."""
        name = f"Lex{pascal(self.bot_id)}{pascal(self.alias_id)}{pascal(self.locale or '')}"
        only_one(self, function, template, name + "Permission", "A language of a bot's alias")
        template.permit(function, name, "lexv2.amazonaws.com", arn_of(self.bot_alias, "lex", "bot-alias"))
        template.output(name + "FunctionArn", template.function_arn(function), f"The code hook of {self.bot_alias}")

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A turn. Fields: ``intent``, ``slots`` (name: text or None), ``invocation_source``, ``locale``,
        ``transcript``, ``session_attributes``, ``bot_id``, ``alias_id``."""
        self.fields_among(fields, (*self.choices, "slots", "transcript", "session_attributes"))
        source = fields.get("invocation_source", self.invocation_source) or "FulfillmentCodeHook"
        slots = {
            name: None
            if value is None
            else {
                "shape": "Scalar",
                "value": {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]},
            }
            for name, value in dict(fields.get("slots") or {}).items()
        }
        intent = {
            "name": fields.get("intent", self.intent) or "Example",
            "slots": slots,
            "state": "ReadyForFulfillment" if source == "FulfillmentCodeHook" else "InProgress",
            "confirmationState": "None",
        }
        return {
            "messageVersion": "1.0",
            "invocationSource": source,
            "inputMode": "Text",
            "responseContentType": "text/plain; charset=utf-8",
            "sessionId": "12345678901234567",
            "inputTranscript": fields.get("transcript", "example"),
            "bot": {
                "id": fields.get("bot_id", self.bot_id),
                "name": "example",
                "aliasId": fields.get("alias_id", self.alias_id),
                "aliasName": "TestBotAlias",
                "localeId": fields.get("locale", self.locale) or "en_US",
                "version": "DRAFT",
            },
            "interpretations": [{"intent": intent, "interpretationSource": "Lex", "nluConfidence": 0.9}],
            "requestAttributes": {},
            "sessionState": {
                "sessionAttributes": dict(fields.get("session_attributes") or {}),
                "activeContexts": [],
                "intent": intent,
                "originatingRequestId": "a0b1c2d3-0000-4000-8000-000000000000",
            },
            "transcriptions": [],
        }


def interpreted(slot: Any) -> Any:
    """A slot's value."""
    if slot is None:
        return None
    if slot.get("shape") == "List":
        return [interpreted(each) for each in slot.get("values") or ()]
    return (slot.get("value") or {}).get("interpretedValue")


def said(text: str) -> dict[str, str]:
    """A message as Lex takes it."""
    kind = "SSML" if text.lstrip().startswith("<speak>") else "PlainText"
    return {"contentType": kind, "content": text}


def checked(answer: dict[str, Any]) -> dict[str, Any]:
    """Refuse a response in Lex's own form that Lex would refuse."""
    session = answer.get("sessionState")
    given = session.get("dialogAction") if isinstance(session, dict) else None
    action = given.get("type") if isinstance(given, dict) else None
    if action not in ACTIONS:
        raise TypeError(
            f"A response to Lex has sessionState.dialogAction.type, one of {', '.join(ACTIONS)}, not {action!r}. "
            f"event.close() and the like make one."
        )
    if action in SPEAKING and not answer.get("messages"):
        raise TypeError(f"Lex needs messages for {action}: it has nothing to ask with.")
    if action == "ElicitSlot" and not answer["sessionState"]["dialogAction"].get("slotToElicit"):
        raise TypeError("Lex needs sessionState.dialogAction.slotToElicit for ElicitSlot.")
    return answer
