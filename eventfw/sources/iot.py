"""``@app.iot_rule``: MQTT messages that a rule of AWS IoT selects."""

from __future__ import annotations

from ..events import Event
from ..options import flag, one_of, refused, text
from ..resources.names import pascal
from ..resources.queue import Queue
from ..trigger import Trigger, guarded_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort

NAME_MAX = 128  # characters of a rule's name


class IotRule(Trigger):
    """Run for every message that a rule selects; the handler receives what the SQL makes of it.

    ``sql``: the rule, such as ``SELECT * FROM 'sensors/+/temperature'``. ``error_queue``: a queue for the messages that
    could not be handed to the function. ``sql_version``: of the SQL language, ``2016-03-23`` unless said. ``enabled``:
    ``False`` deploys the rule switched off.

    Such an event has no mark of its own, so a function has one handler of this kind: it gets what no other trigger of
    the function takes. Invoked asynchronously: when the handler raises, Lambda tries the message again after one and
    after two more minutes. https://docs.aws.amazon.com/iot/latest/developerguide/lambda-rule-action.html
    """

    decorator = "iot_rule"
    example = "@app.iot_rule(\"SELECT * FROM 'sensors/+/temperature'\")"

    def __init__(
        self,
        sql: str,
        *,
        error_queue: Queue | str | None = None,
        sql_version: str = "2016-03-23",
        enabled: bool = True,
    ) -> None:
        super().__init__()
        self.sql = sql
        self.error_queue = self.resource = None if error_queue is None else Queue.of("iot_rule", error_queue)
        self.sql_version = sql_version
        self.enabled = enabled
        self.validate()

    def validate(self) -> None:
        text("iot_rule", "sql", self.sql, "Write @app.iot_rule(\"SELECT * FROM 'sensors/+/temperature'\").")
        if self.sql.split()[:1] == [] or self.sql.split()[0].upper() != "SELECT":
            raise refused(
                f"The SQL of a rule begins with SELECT, not with {self.sql[:40]!r}. "
                f"Write SELECT * FROM 'topic' for whole messages."
            )
        one_of("iot_rule", "sql_version", self.sql_version, ("2015-10-08", "2016-03-23", "beta"))
        if self.error_queue is not None and self.error_queue.fifo:
            raise refused(
                "error_queue must be a standard queue for iot_rule: AWS IoT sends to no FIFO queue. Remove fifo."
            )
        flag("iot_rule", "enabled", self.enabled)

    def title(self) -> str:
        sql = " ".join(self.sql.split())
        return "iot " + (sql if len(sql) <= 80 else sql[:77] + "...") + (" (disabled)" if not self.enabled else "")

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A route with an authorizer: the message is the whole event, which a device writes."""
        return guarded_request(other)  # type: ignore[no-any-return]

    def call(self, binding: Binding, event: Event) -> Any:
        return binding(event.raw, event.context)

    def payload(self, event: Any) -> Any:
        return event

    def encode(self, result: Any, event: Event) -> None:
        return None

    def resources(self, function: Function, template: Template) -> None:
        """The rule, its permission, and the role with which it sends to the queue."""
        name = template.physical(self.own_name).replace("-", "_").replace(".", "_")
        if len(name) > NAME_MAX:
            raise self.refused(
                f"The rule name {name!r} is longer than the {NAME_MAX} characters AWS IoT takes. Shorten it."
            )
        rule = pascal(self.own_name) + "TopicRule"
        payload: dict[str, Any] = {
            "Sql": self.sql,
            "AwsIotSqlVersion": self.sql_version,
            "RuleDisabled": not self.enabled,
            "Actions": [{"Lambda": {"FunctionArn": template.function_arn(function)}}],
        }
        # From the name: the permission's ARN, in the role's trust too, must not wait for the rule.
        arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:iot:${{AWS::Region}}:${{AWS::AccountId}}:rule/{name}"}
        if self.error_queue is not None:
            payload["ErrorAction"] = {"Sqs": self._error_action(self.error_queue, template, rule, arn)}
        template.add(rule, "AWS::IoT::TopicRule", {"RuleName": name, "TopicRulePayload": payload})
        permission = template.permit(function, rule, "iot.amazonaws.com", arn, source_account=True)
        template.depend(rule, permission)

    def _error_action(self, queue: Queue, template: Template, rule: str, arn: Any) -> dict[str, Any]:
        ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}, "ArnLike": {"aws:SourceArn": arn}}
        role = template.role(rule + "ErrorRole", "iot.amazonaws.com", queue.sending(template), conditions=ours)
        return {
            "QueueUrl": queue.reference(template),
            "RoleArn": template.reference(role, "Arn"),
            "UseBase64": False,
        }

    def sample(self, **fields: Any) -> Any:
        """What the SQL makes of a message. Fields: ``payload``."""
        self.fields_among(fields, ("payload",))
        return fields.get("payload", {})
