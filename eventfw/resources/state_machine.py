"""StateMachine: a Step Functions state machine, whose tasks are functions of the app."""

from __future__ import annotations

import os

from ..options import LOG_RETENTION_DAYS, flag, one_of, printable, refused, text
from .named import Named, named_with
from .resource import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self

    from ..function import Function
    from .resource import Template

DEFINITION_MAX = 1_048_576  # bytes: "Maximum state machine definition size"
FAULTS_SHOWN = 5
DELIVERY = (  # what it takes to log: these actions are known for all resources only
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
TRACING = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)


class StateMachine(Named):
    """A state machine that the app owns, or (``StateMachine.existing``) one that is there already.

    Options
        ``definition``: in Amazon States Language: a dict, or the path of a JSON file, relative to the file that says
        so. A task names a function of the app, or a handler, by its short name: ``"Resource": "resize"``. In any text,
        ``${orders.url}``, ``${orders.arn}`` and ``${orders.name}`` stand for those of a resource that ``uses`` names.
        ``type``: ``STANDARD``, or ``EXPRESS`` for executions of at most 5 minutes, which run at least once.
        ``uses``: what its states may do, as grants of resources: ``uses=[orders.send]``. The functions that it names it
        may invoke anyway.
        ``logging``: what is logged: ``ALL``, ``ERROR`` or ``FATAL``; nothing unless said. ``log_execution_data``:
        ``True`` to log what goes in and comes out of states. ``log_retention``: days its logs are kept, 30 unless said.
        ``tracing``: ``True`` to trace executions with X-Ray.

    https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
    """

    type = "state_machine"
    service = "states"
    path = "stateMachine:"
    suffix = "StateMachine"
    attribute = ""
    name_attribute = "Name"
    name_max = 80

    def __init__(
        self,
        name: str,
        definition: Mapping[str, Any] | str,
        *,
        type: str = "STANDARD",
        uses: Sequence[Grant] = (),
        logging: str | None = None,
        log_execution_data: bool = False,
        log_retention: int = 30,
        tracing: bool = False,
    ) -> None:
        super().__init__(name)
        self.definition = definition
        self.folder = os.getcwd() if isinstance(definition, str) else ""  # noqa: PTH109 (pathlib costs its import)
        self.machine_type = type
        self.uses = uses
        self.logging = logging
        self.log_execution_data = log_execution_data
        self.log_retention = log_retention
        self.tracing = tracing
        self.functions: Mapping[str, Function] = {}
        self.validate()

    def validate(self) -> None:
        text("state_machine", "name", self.key, 'Write app.state_machine("thumbnails", {...}).')
        named_with("state machine", self.key, "-_", 1, self.name_max)
        one_of("state_machine", "type", self.machine_type, ("STANDARD", "EXPRESS"))
        if not isinstance(self.uses, (list, tuple)) or not all(isinstance(grant, Grant) for grant in self.uses):
            raise refused(f"uses must be a list of grants such as [orders.send] for state_machine, not {self.uses!r}.")
        if self.logging is not None:
            one_of("state_machine", "logging", self.logging, ("ALL", "ERROR", "FATAL"))
        if flag("state_machine", "log_execution_data", self.log_execution_data) and self.logging is None:
            raise refused("log_execution_data needs logging. Write logging='ALL', or remove it.")
        one_of("state_machine", "log_retention", self.log_retention, sorted(LOG_RETENTION_DAYS))
        flag("state_machine", "tracing", self.tracing)
        from ..rules.states import faults

        if not isinstance(self.definition, (dict, str)):
            raise refused(
                f"definition must be a dict, or the path of a JSON file, for state_machine, not {self.definition!r}."
            )
        found = faults(loaded(self), express=self.machine_type == "EXPRESS")
        if found:
            more = f" And {len(found) - FAULTS_SHOWN} more." if len(found) > FAULTS_SHOWN else ""
            raise refused(f"The definition of {self.key!r} is not right. {' '.join(map(sentence, found[:5]))}{more}")

    @classmethod
    def existing(cls, name: str) -> Self:
        """One that is there already, by name or ARN. It is never created, not by ``eventfw local`` either."""
        short, arn = cls.named(name)
        return cls.there(short, arn, definition={"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})

    @property
    def claims(self) -> set[str]:
        more = {f"{self.logical_id}{part}" for part in ("Role", "LogGroup")} if self.owned else set()
        return super().claims | more

    @property
    def start_execution(self) -> Grant:
        """Leave to start executions."""
        return Grant(self, "start_execution", {"": ("states:StartExecution",)})

    @property
    def start_sync_execution(self) -> Grant:
        """Leave to start executions of an ``EXPRESS`` machine and to wait for their results."""
        if self.owned and self.machine_type != "EXPRESS":
            raise refused(f"start_sync_execution is for type='EXPRESS', and {self.key!r} is STANDARD.")
        return Grant(self, "start_sync_execution", {"": ("states:StartSyncExecution",)})

    @property
    def send_task_results(self) -> Grant:
        """Leave to tell Step Functions how tasks went that wait for a token. IAM knows these actions for ``*`` only."""
        actions = ("states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess")
        return Grant(self, "send_task_results", {"": actions}, arn="*")

    def made_by(self, template: Template) -> bool:
        return self.owned

    def arn_in(self, template: Template) -> Any:
        """From the name: a function may be a task of the machine, and start it."""
        if not self.owned:
            return super().arn_in(template)
        return self._arn(template, "stateMachine")

    def _arn(self, template: Template, kind: str) -> Any:
        arn = f"arn:${{AWS::Partition}}:states:${{AWS::Region}}:${{AWS::AccountId}}:{kind}:{self.real_name(template)}"
        return {"Fn::Sub": arn}

    def check(self, functions: Mapping[str, Function]) -> None:
        """Keep the functions that its tasks may name."""
        self.functions = functions

    def remarks(self) -> list[str]:
        from ..rules.states import remarks

        return remarks(loaded(self)) if self.owned else []

    def resources(self, template: Template) -> None:
        """The machine and its log group. What its tasks are is told when all functions are there."""
        if not self.owned:
            return
        properties: dict[str, Any] = {
            "StateMachineName": self.real_name(template),
            "StateMachineType": self.machine_type,
        }
        if self.logging is not None:
            name = (
                f"/aws/vendedlogs/states/{self.real_name(template)}"  # other names are listed in a policy, up to 5120
            )
            group = template.add(
                f"{self.logical_id}LogGroup",
                "AWS::Logs::LogGroup",
                {"LogGroupName": name, "RetentionInDays": self.log_retention},
            )
            properties["LoggingConfiguration"] = {
                "Level": self.logging,
                "IncludeExecutionData": self.log_execution_data,
                "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": {"Fn::GetAtt": [group, "Arn"]}}}],
            }
        if self.tracing:
            properties["TracingConfiguration"] = {"Enabled": True}
        template.add(self.logical_id, "AWS::StepFunctions::StateMachine", properties)

    def conclude(self, template: Template) -> None:
        """The definition, with the functions and resources that it names, and the role that may do just that."""
        if not self.owned:
            return
        from json import dumps

        from .state_tasks import Rewriting

        self._use(template)
        made = Rewriting(self, template)
        body = dumps(made.definition, ensure_ascii=False, separators=(",", ":"))
        if len(body.encode()) > DEFINITION_MAX:
            raise self.refused(f"The definition of {self.key!r} has {len(body.encode())} bytes, over {DEFINITION_MAX}.")
        machines = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine:*"
        role = template.role(
            f"{self.logical_id}Role",
            "states.amazonaws.com",
            self._allowed(template, made.invoked, distributed=made.distributed),
            conditions={
                "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
                "ArnLike": {"aws:SourceArn": {"Fn::Sub": machines}},
            },
        )
        properties = template.properties(self.logical_id)
        properties["RoleArn"] = {"Fn::GetAtt": [role, "Arn"]}
        properties["DefinitionString"] = body
        if made.substitutions:
            properties["DefinitionSubstitutions"] = dict(sorted(made.substitutions.items()))

    def _use(self, template: Template) -> None:
        """Refuse uses of what would never be made, and have the embedded AWS make existing ones."""
        for resource in (grant.resource for grant in self.uses):
            if template.has(resource.logical_id):
                continue
            if template.local and not resource.owned:
                resource.resources(template)
            elif resource.owned and not template.local:
                raise self.refused(
                    f"{self.key} uses {resource.words()} {resource.key!r}, which no app owns. "
                    f"Make it with app.{resource.type}({resource.key!r}), or mount its blueprint."
                )

    def _allowed(
        self, template: Template, invoked: list[Any], *, distributed: bool
    ) -> list[tuple[list[str], list[Any]]]:
        """What the machine's role may do."""
        statements: list[tuple[list[str], list[Any]]] = []
        if invoked:
            statements.append((["lambda:InvokeFunction"], invoked))
        for grant in self.uses:
            statements += grant.statements(template)
        if distributed:  # a distributed map starts, and minds, executions of its own
            runs = self._arn(template, "execution")["Fn::Sub"]
            statements.append((["states:StartExecution"], [self.arn_in(template)]))
            statements.append((["states:DescribeExecution", "states:StopExecution"], [{"Fn::Sub": f"{runs}:*"}]))
            statements.append((["states:RedriveExecution"], [{"Fn::Sub": f"{runs}/*:*"}]))
        if self.logging is not None:
            statements.append((list(DELIVERY), ["*"]))
        if self.tracing:
            statements.append((list(TRACING), ["*"]))
        return statements


def loaded(machine: StateMachine) -> Any:
    """The definition: itself, or what its file says, whose path is relative to the file of the code that names it."""
    definition = machine.definition
    if not isinstance(definition, str):
        return definition
    from json import loads
    from pathlib import Path

    path = Path(machine.folder, machine.place.rpartition(":")[0]).parent / definition
    try:
        return loads(path.read_text("utf-8"))
    except OSError as error:
        raise refused(f"The definition {definition!r} cannot be read: {error.strerror}, {path}.") from None
    except ValueError as error:
        raise refused(f"The definition {definition!r} is not JSON: {printable(error)}.") from None


def sentence(fault: str) -> str:
    """A fault with a capital letter."""
    return fault[:1].upper() + fault[1:]
