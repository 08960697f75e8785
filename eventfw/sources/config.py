"""``@app.config_rule``: whether resources comply with a rule of AWS Config."""

from __future__ import annotations

from ..events import Event, instant
from ..options import one_of, printable, refused, texts
from ..reporting import aws
from ..resources.names import pascal
from ..trigger import Trigger, filed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..trigger import Finder

COMPLIANCES = ("COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE")
FREQUENCIES = ("One_Hour", "Three_Hours", "Six_Hours", "Twelve_Hours", "TwentyFour_Hours")
BATCH_MAX = 100  # evaluations of one PutEvaluations
ANNOTATION_MAX = 256  # characters
NAME_MAX = 128  # characters of a rule's name
TYPES_MAX = 100  # resource types of a scope
PARAMETERS_MAX = 1024  # characters of InputParameters
GONE = ("ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded")


class ConfigNotification(Event):
    """Something to evaluate: a resource that changed, or on schedule, whatever the rule is about.

    https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
    """

    def __init__(self, raw: Any, context: Any = None) -> None:
        super().__init__(raw, context)
        self._invoking: dict[str, Any] | None = None

    def summary(self) -> str:
        return f"{self.rule} {self.resource_type} {self.resource_id}"

    @property
    def invoking_event(self) -> dict[str, Any]:
        """Config's own message, read from its JSON when it is first asked for."""
        if self._invoking is None:
            from json import loads

            self._invoking = loads(self.raw["invokingEvent"])
        return self._invoking

    @property
    def message_type(self) -> str:
        """``ConfigurationItemChangeNotification``, ``OversizedConfigurationItemChangeNotification`` or
        ``ScheduledNotification``."""
        return str(self.invoking_event["messageType"])

    @property
    def scheduled(self) -> bool:
        """Whether it is time, rather than that a resource changed."""
        return self.message_type == "ScheduledNotification"

    @property
    def oversized(self) -> bool:
        """Whether the resource was too large for the message: ``item`` has no ``configuration`` then."""
        return self.message_type == "OversizedConfigurationItemChangeNotification"

    @property
    def item(self) -> dict[str, Any]:
        """The resource's configuration item, or its summary where it is oversized; empty on schedule."""
        event = self.invoking_event
        return event.get("configurationItem") or event.get("configurationItemSummary") or {}

    @property
    def configuration(self) -> dict[str, Any]:
        """How the resource is configured; empty where it is gone, oversized or on schedule."""
        return self.item.get("configuration") or {}

    def full_item(self) -> dict[str, Any]:
        """The whole configuration item of an oversized notification, asked of Config (GetResourceConfigHistory)."""
        from json import loads

        history = aws("config").get_resource_config_history(
            resourceType=self.resource_type, resourceId=self.resource_id, laterTime=self.captured_at, limit=1
        )
        item: dict[str, Any] = history["configurationItems"][0]
        return {**item, "configuration": loads(item.get("configuration") or "{}")}

    @property
    def resource_type(self) -> str:
        """The resource's type, such as ``AWS::S3::Bucket``; on schedule, the account: ``AWS::::Account``."""
        return str(self.item.get("resourceType") or "AWS::::Account")

    @property
    def resource_id(self) -> str:
        """The resource's id; on schedule, the account's."""
        return str(self.item.get("resourceId") or self.account)

    @property
    def captured_at(self) -> datetime:
        """When it was so, with time zone."""
        event = self.invoking_event
        return instant(self.item.get("configurationItemCaptureTime") or event["notificationCreationTime"])  # type: ignore[no-any-return]

    @property
    def gone(self) -> bool:
        """Whether the resource was deleted, or is no longer within the rule's scope. The handler is not called then."""
        return bool(self.raw.get("eventLeftScope")) or self.item.get("configurationItemStatus") in GONE

    @property
    def parameters(self) -> dict[str, Any]:
        """The rule's parameters, as text by name."""
        from json import loads

        return loads(self.raw.get("ruleParameters") or "{}")  # type: ignore[no-any-return]

    @property
    def rule(self) -> str:
        """The rule's name."""
        return str(self.raw["configRuleName"])

    @property
    def account(self) -> str:
        """The account that the rule is in."""
        return str(self.raw["accountId"])

    def evaluation(
        self, compliance: bool | str, *, annotation: str = "", resource_type: str = "", resource_id: str = ""
    ) -> dict[str, Any]:
        """A verdict on this resource or another, with a reason of at most 256 characters, for the handler to return."""
        word = compliance
        if isinstance(compliance, bool):
            word = "COMPLIANT" if compliance else "NON_COMPLIANT"
        if word not in COMPLIANCES:
            raise TypeError(f"A verdict is True, False or one of {', '.join(COMPLIANCES)}, not {compliance!r}.")
        found = {
            "ComplianceResourceType": resource_type or self.resource_type,
            "ComplianceResourceId": resource_id or self.resource_id,
            "ComplianceType": word,
            "OrderingTimestamp": self.captured_at,
        }
        return {**found, "Annotation": annotation[:ANNOTATION_MAX]} if annotation else found


class ConfigRule(Trigger):
    """Run for resources that change, or on schedule, and say whether they comply.

    ``resource_types``: such as ``["AWS::S3::Bucket"]``; ``tag``: ``(key,)`` or ``(key, value)`` instead; without either
    and without ``frequency`` all that Config records. ``frequency``: on schedule, ``One_Hour`` to ``TwentyFour_Hours``.
    ``input_parameters``: text by name, for the handler. ``description``: at most 256 characters.

    The handler returns ``True``, ``False``, ``"NOT_APPLICABLE"``, or one or many ``notification.evaluation(...)``; they
    are handed to Config, a hundred at a time. A resource that is gone is not applicable, without a call. When the
    handler raises, Lambda tries the event again after one and after two more minutes.
    https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_lambda-functions.html
    """

    decorator = "config_rule"
    example = '@app.config_rule(resource_types=["AWS::S3::Bucket"])'
    kinds = ("config_rule",)

    def __init__(
        self,
        *,
        resource_types: Sequence[str] = (),
        tag: Sequence[str] = (),
        frequency: str = "",
        input_parameters: Mapping[str, str] | None = None,
        description: str = "",
    ) -> None:
        super().__init__()
        self.resource_types = resource_types
        self.tag = tag
        self.frequency = frequency
        self.input_parameters: Mapping[str, str] = {} if input_parameters is None else input_parameters
        self.description = description
        self.validate()

    def validate(self) -> None:
        types = self.resource_types
        texts("config_rule", "resource_types", types, "['AWS::S3::Bucket']")
        if not all(each.count("::") == 2 for each in types):
            raise refused(f"resource_types must be a list such as ['AWS::S3::Bucket'] for config_rule, not {types!r}.")
        if len(types) > TYPES_MAX:
            raise refused(f"resource_types must be at most {TYPES_MAX} for config_rule, not {len(types)}.")
        tag = self.tag
        if not isinstance(tag, (list, tuple)) or len(tag) > 2 or not all(isinstance(part, str) for part in tag):
            raise refused(f"tag must be (key,) or (key, value) for config_rule, not {tag!r}.")
        if self.tag and types:
            raise refused("Config refuses tag beside resource_types. Keep one of them.")
        if self.frequency != "":
            one_of("config_rule", "frequency", self.frequency, FREQUENCIES)
        given = self.input_parameters
        if not isinstance(given, dict) or not all(isinstance(each, str) for pair in given.items() for each in pair):
            raise refused(f"input_parameters must be a dict of text by name for config_rule, not {given!r}.")
        if len(str(dict(given))) > PARAMETERS_MAX:
            raise refused(f"input_parameters must be at most {PARAMETERS_MAX} characters of JSON for config_rule.")
        if not isinstance(self.description, str) or len(self.description) > 256:
            raise refused("description must be text of at most 256 characters for config_rule.")

    def title(self) -> str:
        words = [*self.resource_types, *(["tag " + "=".join(self.tag)] if self.tag else []), self.frequency]
        return "config rule " + (" ".join(filter(None, words)) or "for every resource")

    def parse(self, raw: Any, context: Any) -> ConfigNotification:
        return ConfigNotification(raw, context)

    def payload(self, event: ConfigNotification) -> Any:
        """The resource's configuration, for a parameter that is a data class."""
        return event.configuration

    def call(self, binding: Binding, event: ConfigNotification) -> Any:
        return "NOT_APPLICABLE" if event.gone else binding(event, event.context)

    def encode(self, result: Any, event: ConfigNotification) -> None:
        found = list(evaluations(result, event))
        token = event.raw["resultToken"]
        client = aws("config")
        refusals: list[Any] = []
        for begin in range(0, len(found), BATCH_MAX):
            batch = found[begin : begin + BATCH_MAX]
            more = {"TestMode": True} if token == "TESTMODE" else {}
            answer = client.put_evaluations(Evaluations=batch, ResultToken=token, **more)
            refusals += answer.get("FailedEvaluations") or []
        if refusals:
            first = refusals[0].get("ComplianceResourceId")
            raise RuntimeError(f"Config did not take {len(refusals)} of {len(found)} evaluations, of {first!r} first.")

    def mismatch(self, raw: Any) -> str:
        rule = str(raw["configRuleName"])
        # A rule is called <app>-<stage>-<own name>; own names have no hyphen.
        fits = rule.rpartition("-")[2] == self.own_name
        return "" if fits else f"rule `{printable(rule)}` is not the one of `{self.own_name}`"

    @classmethod
    def index(cls, triggers: Sequence[ConfigRule]) -> Finder:
        """By the rule's name, of which the last word is the trigger's own name."""
        return filed(([each.own_name] for each in triggers), lambda raw: (raw["configRuleName"].rpartition("-")[2],))

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """IAM knows these actions for ``*`` only."""
        return [(["config:GetResourceConfigHistory", "config:PutEvaluations"], ["*"])]

    def resources(self, function: Function, template: Template) -> None:
        """The permission, and the rule, which Config refuses without it. The embedded AWS has no rules."""
        name = template.physical(self.own_name)
        if len(name) > NAME_MAX:
            raise self.refused(
                f"The rule name {name!r} is longer than the {NAME_MAX} characters Config takes. Shorten it."
            )
        if template.local:
            return
        rule = pascal(self.own_name) + "ConfigRule"
        details: list[dict[str, str]] = []
        if self.resource_types or self.tag or not self.frequency:
            for kind in ("ConfigurationItemChangeNotification", "OversizedConfigurationItemChangeNotification"):
                details.append({"EventSource": "aws.config", "MessageType": kind})
        if self.frequency:
            scheduled = {"MessageType": "ScheduledNotification", "MaximumExecutionFrequency": self.frequency}
            details.append({"EventSource": "aws.config", **scheduled})
        source = {
            "Owner": "CUSTOM_LAMBDA",
            "SourceIdentifier": template.function_arn(function),
            "SourceDetails": details,
        }
        properties: dict[str, Any] = {"ConfigRuleName": name, "Source": source}
        if self.resource_types:
            properties["Scope"] = {"ComplianceResourceTypes": list(self.resource_types)}
        elif self.tag:
            properties["Scope"] = dict(zip(("TagKey", "TagValue"), self.tag, strict=False))
        if self.input_parameters:
            properties["InputParameters"] = dict(self.input_parameters)
        if self.description:
            properties["Description"] = self.description
        # With the account only: Config checks the permission before there is a rule to name.
        permission = template.permit(function, rule, "config.amazonaws.com", source_account=True)
        template.add(rule, "AWS::Config::ConfigRule", properties, depends_on=[permission])

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A resource that changed, or where the rule knows nothing but a schedule, its time. Fields: ``resource_type``,
        ``resource_id``, ``configuration``, ``status``, ``left_scope``, ``result_token``, ``parameters``."""
        from json import dumps

        known = ("resource_type", "resource_id", "configuration", "status", "left_scope", "result_token", "parameters")
        self.fields_among(fields, known)
        happened = "2026-01-01T00:00:00.000Z"
        if self.frequency and not (self.resource_types or self.tag):
            event: dict[str, Any] = {"messageType": "ScheduledNotification", "awsAccountId": "123456789012"}
        else:
            default = self.resource_types[0] if self.resource_types else "AWS::S3::Bucket"
            item = {
                "configurationItemCaptureTime": happened,
                "configurationItemStatus": str(fields.get("status", "OK")),
                "awsAccountId": "123456789012",
                "awsRegion": "us-east-1",
                "resourceType": str(fields.get("resource_type", default)),
                "resourceId": str(fields.get("resource_id", "example")),
                "tags": {},
                "configuration": fields.get("configuration", {}),
            }
            event = {"messageType": "ConfigurationItemChangeNotification", "configurationItem": item}
        return {
            "version": "1.0",
            "invokingEvent": dumps({**event, "notificationCreationTime": happened, "recordVersion": "1.3"}),
            "ruleParameters": dumps(fields.get("parameters", dict(self.input_parameters))),
            "resultToken": str(fields.get("result_token", "TESTMODE")),
            "eventLeftScope": bool(fields.get("left_scope", False)),
            "executionRoleArn": "arn:aws:iam::123456789012:role/config",
            "configRuleArn": "arn:aws:config:us-east-1:123456789012:config-rule/config-rule-0123456",
            "configRuleName": self.own_name,
            "configRuleId": "config-rule-0123456",
            "accountId": "123456789012",
        }


def evaluations(result: Any, event: ConfigNotification) -> Iterator[dict[str, Any]]:
    """What a handler returned, as Config takes it."""
    if isinstance(result, (bool, str)):
        yield event.evaluation(result)
    elif isinstance(result, dict) and "ComplianceType" in result:
        yield result
    elif isinstance(result, (list, tuple)):
        for each in result:
            yield from evaluations(each, event)
    else:
        raise TypeError(
            f"A config rule returns True, False, one of {', '.join(COMPLIANCES)}, or evaluations, not {result!r}."
        )
