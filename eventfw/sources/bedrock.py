"""``@app.bedrock_action``: an action group of an Amazon Bedrock agent."""

from __future__ import annotations

from ..answering.choosing import Choosing, only_one
from ..events import Event
from ..models import built_in
from ..options import refused, text
from ..resources.elsewhere import arn_of, check_named, id_in
from ..resources.names import pascal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from ..function import Function
    from ..resources.resource import Template

STATES = ("FAILURE", "REPROMPT")


class BedrockAction(Event):
    """An action the agent asks for. https://docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html"""

    def summary(self) -> str:
        return f"{self.action_group} {self.function or self.method + ' ' + self.api_path}"

    @property
    def action_group(self) -> str:
        """The action group's name."""
        return str(self.raw["actionGroup"])

    @property
    def function(self) -> str:
        """The function's name, in a group defined by function details; else ``""``."""
        return str(self.raw.get("function", ""))

    @property
    def api_path(self) -> str:
        """The operation's path, such as ``/orders/{id}``, in a group defined by an API schema; else ``""``."""
        return str(self.raw.get("apiPath", ""))

    @property
    def method(self) -> str:
        """The operation's HTTP method, in a group defined by an API schema; else ``""``."""
        return str(self.raw.get("httpMethod", ""))

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, of the types the group gives them: an ``integer`` is an int."""
        return {each["name"]: typed(each) for each in self.raw.get("parameters") or ()}

    @property
    def body(self) -> dict[str, Any]:
        """The properties of the request's body by name, of the types the schema gives them."""
        for content in ((self.raw.get("requestBody") or {}).get("content") or {}).values():
            return {each["name"]: typed(each) for each in content.get("properties") or ()}
        return {}

    @property
    def session_attributes(self) -> dict[str, Any]:
        """What is kept for the session: change it, and the next turn has it."""
        return self.raw.setdefault("sessionAttributes", {})  # type: ignore[no-any-return]

    @property
    def prompt_session_attributes(self) -> dict[str, Any]:
        """What is kept for this turn, and may stand in the prompt."""
        return self.raw.setdefault("promptSessionAttributes", {})  # type: ignore[no-any-return]

    @property
    def input_text(self) -> str:
        """What the user said in this turn."""
        return str(self.raw.get("inputText", ""))

    @property
    def session_id(self) -> str:
        """The session's id."""
        return str(self.raw.get("sessionId", ""))

    @property
    def agent_id(self) -> str:
        """The agent's id."""
        return str(self.raw["agent"].get("id", ""))

    @property
    def agent_alias(self) -> str:
        """The alias the agent was reached by."""
        return str(self.raw["agent"].get("alias", ""))

    def respond(self, body: Any, *, status: int = 200, state: str = "") -> dict[str, Any]:
        """The response, with ``body`` as text, or as JSON where it is anything else.

        ``status`` is the HTTP status, for an operation of an API schema. ``state`` is for a function: ``REPROMPT`` has
        the model try again with what ``body`` says, ``FAILURE`` ends the turn with an error.
        """
        from json import dumps

        written = {"body": body if isinstance(body, str) else dumps(body, default=built_in)}
        answer: dict[str, Any] = {"actionGroup": self.action_group}
        if self.function:
            answer |= {"function": self.function, "functionResponse": {"responseBody": {"TEXT": written}}}
            if state:
                if state not in STATES:
                    raise ValueError(
                        f"state must be one of {', '.join(STATES)}, not {state!r}. Leave it out otherwise."
                    )
                answer["functionResponse"]["responseState"] = state
        elif state:
            raise ValueError(f"An operation of an API schema has no state. Use status=, not state={state!r}.")
        else:
            answer |= {"apiPath": self.api_path, "httpMethod": self.method, "httpStatusCode": status}
            answer["responseBody"] = {"application/json": written}
        return {
            "messageVersion": "1.0",
            "response": answer,
            "sessionAttributes": self.session_attributes,
            "promptSessionAttributes": self.prompt_session_attributes,
        }


class BedrockActionGroup(Choosing):
    """Run for the actions of an action group.

    ``agent``: the agent, by ARN or id. ``action_group``: the group's name. ``function``: only this function of a group
    defined by function details. ``api_path`` and ``method``: only this operation of a group defined by an API schema.

    The handler returns what the agent is told: text, or anything that is written as JSON; or a response of
    :meth:`BedrockAction.respond`. When it raises, the agent's turn fails.
    https://docs.aws.amazon.com/bedrock/latest/userguide/agents-lambda.html
    """

    decorator = "bedrock_action"
    example = '@app.bedrock_action("ABCDEFGHIJ", "orders")'
    kinds = ("bedrock_agent",)
    choices = ("agent_id", "action_group", "function", "api_path", "method")

    def __init__(
        self,
        agent: str,
        action_group: str,
        *,
        function: str | None = None,
        api_path: str | None = None,
        method: str | None = None,
    ) -> None:
        super().__init__()
        self.agent = agent
        self.agent_id = id_in(agent, "agent")
        self.action_group = action_group
        self.function = function
        self.api_path = api_path
        self.method = method
        self.validate()

    def validate(self) -> None:
        check_named("bedrock_action", "an agent", self.agent, "bedrock", "agent")
        text("bedrock_action", "action_group", self.action_group, "Write the name that the agent has it under.")
        for option in ("function", "api_path", "method"):
            value = getattr(self, option)
            if value is not None:
                text("bedrock_action", option, value, "Remove it to take any.")
        if self.function and (self.api_path or self.method):
            raise refused(
                "An action group is defined by function details or by an API schema. Keep function, or api_path and "
                "method."
            )
        if self.method and self.method != self.method.upper():
            raise refused(f"Bedrock sends the method in capitals. Write method={self.method.upper()!r}.")

    def key(self) -> Collection[tuple[str, str]]:
        return [(f"bedrock {self.asked}", f"A handler for {self.title()}")]

    def title(self) -> str:
        asked = [each for each in (self.function, self.method, self.api_path) if each]
        return " ".join(["bedrock", self.agent_id, self.action_group, *asked])

    @classmethod
    def told(cls, raw: Any) -> tuple[str | None, ...]:
        return raw["agent"]["id"], raw["actionGroup"], raw.get("function"), raw.get("apiPath"), raw.get("httpMethod")

    def parse(self, raw: Any, context: Any) -> BedrockAction:
        return BedrockAction(raw, context)

    def payload(self, event: BedrockAction) -> Any:
        """The parameters, and the properties of the body."""
        return {**event.parameters, **event.body}

    def encode(self, result: Any, event: BedrockAction) -> dict[str, Any]:
        if not isinstance(result, dict) or "messageVersion" not in result:
            return event.respond(result)
        answer = result.get("response")
        wanted = "functionResponse" if event.function else "responseBody"
        if not isinstance(answer, dict) or wanted not in answer:
            raise TypeError(f"A response to Bedrock has `response` with `{wanted}`. Return the body itself instead.")
        return result

    def resources(self, function: Function, template: Template) -> None:
        """The permission, for the agent only, and the ARN that the action group takes."""
        name = f"Agent{pascal(self.agent_id)}{pascal(self.action_group)}"
        only_one(self, function, template, name + "Permission", "An action group")
        template.permit(function, name, "bedrock.amazonaws.com", arn_of(self.agent, "bedrock", "agent"))
        said = f"The function of action group {self.action_group} of agent {self.agent_id}"
        template.output(name + "FunctionArn", template.function_arn(function), said)

    def sample(self, **fields: Any) -> dict[str, Any]:
        """An action. Fields: ``parameters`` and ``body`` (name: value, of any JSON type), ``function``, ``api_path``,
        ``method``, ``action_group``, ``agent_id``, ``input_text``, ``session_attributes``."""
        known = (*self.choices, "parameters", "body", "input_text", "session_attributes")
        self.fields_among(fields, known)
        event: dict[str, Any] = {
            "messageVersion": "1.0",
            "agent": {
                "name": "example",
                "id": fields.get("agent_id", self.agent_id),
                "alias": "TSTALIASID",
                "version": "DRAFT",
            },
            "inputText": fields.get("input_text", "Example"),
            "sessionId": "222233334444555",
            "actionGroup": fields.get("action_group", self.action_group),
            "parameters": written(fields.get("parameters")),
            "sessionAttributes": dict(fields.get("session_attributes") or {}),
            "promptSessionAttributes": {},
        }
        path, method = fields.get("api_path", self.api_path), fields.get("method", self.method)
        if path or method or "body" in fields:
            event |= {"apiPath": path or "/example", "httpMethod": method or "GET"}
            if "body" in fields:
                event["requestBody"] = {"content": {"application/json": {"properties": written(fields["body"])}}}
        else:
            event["function"] = fields.get("function", self.function) or "example"
        return event


def typed(parameter: Any) -> Any:
    """A parameter's value, which comes as text, in its own type; as text where it does not look like that type."""
    from json import loads

    kind, value = parameter.get("type", "string"), parameter.get("value")
    if not isinstance(value, str) or kind == "string":
        return value
    try:
        if kind == "integer":
            return int(value)
        if kind == "boolean":
            return {"true": True, "false": False}.get(value.lower(), value)
        return loads(value)
    except ValueError:
        return value


def written(values: Any) -> list[dict[str, str]]:
    """Parameters as Bedrock sends them, from their values."""
    from json import dumps

    kinds = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return [
        {"name": name, "type": kinds.get(type(value), "object"), "value": value if type(value) is str else dumps(value)}
        for name, value in dict(values or {}).items()
    ]
