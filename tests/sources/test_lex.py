"""Lex: the actions of a dialog, slots, and which handler takes a turn."""

from __future__ import annotations

from typing import Any

import pytest
from stacks import properties_of, stack_of

from eventfw import App, LexEvent
from eventfw.errors import RegistrationError
from eventfw.rules.witness import Effort
from eventfw.testing import Client

BOT = "ABCDEFGHIJ/TSTALIASID"
ARN = f"arn:aws:lex:us-east-1:123456789012:bot-alias/{BOT}"
DIALOG, FULFILMENT = "DialogCodeHook", "FulfillmentCodeHook"


def returning(result: Any, **fields: Any) -> Any:
    app = App("demo")

    def answer(event: LexEvent) -> Any:
        return result(event) if callable(result) else result

    app.lex_hook(BOT)(answer)
    return Client(app).send(answer, **fields)


def test_nothing_goes_on_in_a_dialog_and_fulfils_in_fulfilment() -> None:
    assert returning(None, invocation_source=DIALOG)["sessionState"]["dialogAction"] == {"type": "Delegate"}
    state = returning(None, invocation_source=FULFILMENT)["sessionState"]
    assert (state["dialogAction"], state["intent"]["state"]) == ({"type": "Close"}, "Fulfilled")


def test_text_fulfils_with_a_message() -> None:
    answer = returning("Done", invocation_source=FULFILMENT)
    assert answer["messages"] == [{"contentType": "PlainText", "content": "Done"}]
    with pytest.raises(TypeError, match=r"event\.close"):
        returning("Done", invocation_source=DIALOG)


@pytest.mark.parametrize(
    ("make", "action", "state"),
    [
        (lambda event: event.close("No", state="Failed"), {"type": "Close"}, "Failed"),
        (lambda event: event.elicit_slot("Size"), {"type": "ElicitSlot", "slotToElicit": "Size"}, "InProgress"),
        (lambda event: event.confirm_intent("Sure?"), {"type": "ConfirmIntent"}, "InProgress"),
        (lambda event: event.delegate(), {"type": "Delegate"}, "InProgress"),
    ],
)
def test_each_action_has_its_form(make: Any, action: dict[str, Any], state: str) -> None:
    answer = returning(make, invocation_source=DIALOG, intent="Order", session_attributes={"a": "1"})
    assert answer["sessionState"]["dialogAction"] == action
    assert answer["sessionState"]["intent"]["name"] == "Order"
    assert answer["sessionState"]["intent"]["state"] == state
    assert answer["sessionState"]["sessionAttributes"] == {"a": "1"}


def test_eliciting_an_intent_names_none() -> None:
    answer = returning(lambda event: event.elicit_intent(["What?", "<speak>Well?</speak>"]))
    assert "intent" not in answer["sessionState"]
    assert [each["contentType"] for each in answer["messages"]] == ["PlainText", "SSML"]


@pytest.mark.parametrize(
    "result",
    [
        {"messages": []},
        {"sessionState": "Close"},
        {"sessionState": {"dialogAction": "Close"}},
        {"sessionState": {"dialogAction": {"type": "Ask"}}},
        {"sessionState": {"dialogAction": {"type": "ConfirmIntent"}}},
        {"sessionState": {"dialogAction": {"type": "ElicitSlot"}}},
        ["Done"],
    ],
)
def test_what_lex_would_refuse_is_an_error(result: Any) -> None:
    with pytest.raises(TypeError):
        returning(result)


def test_lexs_own_form_is_taken() -> None:
    answer = {"sessionState": {"dialogAction": {"type": "Delegate"}, "intent": {"name": "Order"}}}
    assert returning(answer) == answer


def test_slots_are_read_as_interpreted_and_can_be_set() -> None:
    many = {"shape": "List", "values": [{"shape": "Scalar", "value": {"interpretedValue": "a"}}]}
    one = {"value": {"originalValue": "wee", "interpretedValue": "small"}}
    event = LexEvent({"sessionState": {"intent": {"name": "A", "slots": {"One": one, "Many": many, "None": None}}}})
    assert event.slots == {"One": "small", "Many": ["a"], "None": None}
    event.set_slot("None", "x")
    event.set_slot("One", None)
    assert event.slots == {"One": None, "Many": ["a"], "None": "x"}
    assert event.raw["sessionState"]["intent"]["slots"]["None"]["shape"] == "Scalar"


def bot(**options: dict[str, Any]) -> App:
    app = App("demo")
    for name, asked in options.items():

        def made(event: Any, name: str = name) -> str:
            return name

        made.__name__ = name
        app.lex_hook(BOT, **asked)(app.function("bot")(made))
    return app


def test_the_handler_that_asks_for_most_takes_a_turn() -> None:
    app = bot(rest={}, order={"intent": "Order"}, order_german={"intent": "Order", "locale": "de_DE"})

    def said(**fields: Any) -> str:
        answer = Client(app).invoke("bot", app.handlers[0].triggers[0].sample(**fields))
        return str(answer["messages"][0]["content"])

    assert said(intent="Other") == "rest"
    assert said(intent="Order", locale="en_US") == "order"
    assert said(intent="Order", locale="de_DE") == "order_german"


def test_handlers_that_may_ask_for_as_much_are_refused() -> None:
    app = bot(order={"intent": "Order"}, german={"locale": "de_DE"})
    with pytest.raises(AssertionError, match="take the same event"):
        stack_of(app)


def test_handlers_of_a_language_in_two_functions_are_refused() -> None:
    app = bot(order={"intent": "Order"})
    app.lex_hook(BOT, intent="Cancel")(lambda_named("cancel"))
    with pytest.raises(RegistrationError, match="invokes one function"):
        stack_of(app)


def test_languages_may_have_functions_of_their_own() -> None:
    app = App("demo")
    app.lex_hook(BOT, locale="en_US")(lambda_named("english"))
    app.lex_hook(BOT, locale="de_DE")(lambda_named("german"))
    outputs = stack_of(app)["Outputs"]
    assert outputs["LexABCDEFGHIJTSTALIASIDDeDEFunctionArn"]["Value"] == {"Fn::GetAtt": ["GermanFunction", "Arn"]}


def lambda_named(name: str) -> Any:
    def made(event: Any) -> None: ...

    made.__name__ = name
    return made


@pytest.mark.parametrize("alias", [BOT, ARN])
def test_only_the_alias_may_invoke(alias: str) -> None:
    app = App("demo")
    app.lex_hook(alias)(lambda_named("answer"))
    permission = properties_of(stack_of(app), "LexABCDEFGHIJTSTALIASIDPermission")
    assert permission["Principal"] == "lexv2.amazonaws.com"
    assert str(permission["SourceArn"]).rstrip("'}").endswith(f":bot-alias/{BOT}")


@pytest.mark.parametrize(
    ("alias", "options"),
    [("ABCDEFGHIJ", {}), (ARN + "/x", {}), (BOT, {"invocation_source": "Dialog"}), (BOT, {"intent": ""})],
)
def test_wrong_options_are_refused(alias: str, options: dict[str, Any]) -> None:
    with pytest.raises(RegistrationError, match="lex_hook"):
        App("demo").lex_hook(alias, **options)


def test_a_turn_is_read_and_what_it_lacks_is_empty() -> None:
    raw = {"sessionState": {"intent": {"state": "InProgress"}}, "inputMode": "Speech", "requestAttributes": {"a": "b"}}
    event = LexEvent(raw)
    assert (event.intent_state, event.input_mode, event.request_attributes) == ("InProgress", "Speech", {"a": "b"})
    bare = LexEvent({"sessionState": {"intent": None}, "requestAttributes": None})
    assert (bare.intent, bare.intent_state, bare.slots, bare.request_attributes) == ("", "", {}, {})


def test_active_contexts_are_kept_where_there_are_any() -> None:
    raw: dict[str, Any] = {"sessionState": {"intent": {"name": "Order"}, "activeContexts": []}}
    assert "activeContexts" not in LexEvent(raw).delegate()["sessionState"]
    raw["sessionState"]["activeContexts"] = [{"name": "paid"}]
    assert LexEvent(raw).delegate()["sessionState"]["activeContexts"] == [{"name": "paid"}]


def test_a_turn_that_two_handlers_ask_as_much_of_is_found() -> None:
    app = App("demo")
    app.lex_hook(BOT, intent="Order")(returning)
    app.lex_hook(BOT, locale="de_DE")(returning)
    one, other = app.handlers[0].triggers
    turn = one.overlap(other, Effort())
    assert turn is not None and (one.mismatch(turn), other.mismatch(turn)) == ("", "")
