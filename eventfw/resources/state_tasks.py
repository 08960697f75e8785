"""What a state machine's definition names of the app: functions as tasks, and resources in ``${...}``."""

from __future__ import annotations

from ..errors import RegistrationError
from ..options import closest, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import Handler
    from ..function import Function
    from .resource import Resource, Template
    from .state_machine import StateMachine

INVOKE = ":states:::lambda:invoke"
WAITING = ".waitForTaskToken"
MARK = "eventfw.step"  # in the local variant, the field of an event that says how to tell the embedded AWS of it
TOKENS = {"JSONPath": "$$.Task.Token", "JSONata": "$states.context.Task.Token"}


class Rewriting:
    """A copy of a machine's definition, as CloudFormation takes it.

    ``substitutions`` are what stands for the names in it, ``invoked`` the ARNs of the functions that it invokes, and
    ``distributed`` says that it has a distributed map.
    """

    def __init__(self, machine: StateMachine, template: Template) -> None:
        from json import dumps, loads

        from ..rules.states import states_of
        from .state_machine import loaded

        self.machine = machine
        self.template = template
        self.substitutions: dict[str, Any] = {}
        self.invoked: list[Any] = []
        self.distributed = False
        self.definition: dict[str, Any] = self._filled(loads(dumps(loaded(machine))))
        for name, state, language in list(states_of(self.definition)):
            if state["Type"] == "Task":
                self._task(name, state, language)
            mode = state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode")
            self.distributed = self.distributed or mode == "DISTRIBUTED"

    def _filled(self, value: Any) -> Any:
        """``${orders.url}`` in every text as a substitution of the template."""
        if isinstance(value, dict):
            return {name: self._filled(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner) for inner in value]
        if not isinstance(value, str) or "${" not in value:
            return value
        from re import sub

        return sub(r"\$\{([^}]*)\}", lambda found: "${" + self._resource(found[1]) + "}", value)

    def _resource(self, named: str) -> str:
        """The key of the substitution that stands for ``orders.url``."""
        key, _, attribute = named.rpartition(".")
        known = {id(grant.resource): grant.resource for grant in self.machine.uses}.values()
        found = [one for one in known if key in (one.key, one.logical_id)]
        if len(found) != 1:
            keys = [one.key for one in known]
            ids = " or ".join(f"${{{one.logical_id}.{attribute}}}" for one in found)
            remedy = f"Write {ids}." if found else f"It has: {', '.join(keys) or 'none'}.{closest(key, keys)}"
            raise self._refused(
                f"${{{printable(named)}}} names {'several' if found else 'no'} resources in uses. {remedy}"
            )
        value = attribute_of(found[0], attribute, self.template)
        if value is None:
            raise self._refused(f"${{{printable(named)}}}: {found[0]!r} is told of by its arn or name, a queue by url.")
        substitution = found[0].logical_id + attribute.capitalize()
        self.substitutions[substitution] = value
        return substitution

    def _task(self, name: str, state: dict[str, Any], language: str) -> None:
        """The function that a task invokes: the ARN in the place of its name, and leave to invoke it."""
        resource = str(state["Resource"])
        if INVOKE in resource:
            arguments = state.get("Arguments" if language == "JSONata" else "Parameters")
            if not isinstance(arguments, dict) or not ({"FunctionName", "FunctionName.$"} & set(arguments)):
                raise self._refused(f"The task {name!r} says no FunctionName.")
            wanted = str(arguments.get("FunctionName", "$"))
            if self._is_name(wanted):
                function, handler = self._function(name, wanted)
                self._check_token(name, resource, arguments, language, handler)
                arguments["FunctionName"] = self._arn(function)
            elif wanted.startswith("arn:"):
                self._invoke(wanted)
        elif self._is_name(resource):
            function, handler = self._function(name, resource)
            self._check_token(name, resource, {}, language, handler)
            state["Resource"] = self._arn(function)
        elif ":lambda:" in resource and ":function:" in resource:
            self._invoke(resource)

    def _is_name(self, wanted: str) -> bool:
        """Whether it can only be the name of a function of the app: no ARN, path, expression or substitution."""
        return bool(wanted) and all(char.isascii() and (char.isalnum() or char in "-_") for char in wanted)

    def _function(self, state: str, wanted: str) -> tuple[Function, Handler]:
        """The function, and the handler in it that receives what a state sends."""
        functions = self.machine.functions
        handlers = {one.name: one for function in functions.values() for one in function.handlers}
        if wanted not in functions and wanted not in handlers:
            names = sorted({*functions, *handlers})
            near = closest(wanted, names) or f" It has: {', '.join(names)}."
            raise self._refused(f"The task {state!r} names {wanted!r}, which is no function of the app.{near}")
        named = handlers.get(wanted)
        function = functions[wanted] if named is None else functions[named.function]
        for handler in [named] if named is not None else function.handlers:
            if any(not trigger.kinds for trigger in handler.triggers):
                return function, handler
        raise self._refused(
            f"The task {state!r} names {wanted!r}, which takes no input of a state. Write @app.step() above it."
        )

    def _check_token(
        self, name: str, resource: str, arguments: dict[str, Any], language: str, handler: Handler
    ) -> None:
        """Refuse a task whose handler would wait for a token that the state does not send."""
        waiting: list[Any] = [one for one in handler.triggers if getattr(one, "wait_for_task_token", False)]
        if not waiting:
            return
        key = waiting[0].token_key
        token = TOKENS[language]
        line = f'"{key}": "{{% {token} %}}"' if language == "JSONata" else f'"{key}.$": "{token}"'
        payload = arguments.get("Payload")
        sent = payload.get(key if language == "JSONata" else f"{key}.$") if isinstance(payload, dict) else None
        if not resource.endswith(WAITING) or token not in str(sent):
            raise self._refused(
                f"The task {name!r} runs {handler.name}, which waits for a task token. Its Resource must be "
                f"arn:aws:states:::lambda:invoke.waitForTaskToken, with {line} in the Payload."
            )

    def _arn(self, function: Function) -> str:
        """The substitution that stands for a function's ARN: its alias's, where it has one."""
        template, logical_id = self.template, self.template.function_id(function)
        if template.has(logical_id):
            arn = template.function_arn(function)
        else:  # in a blueprint's own stack, which is deployed after this one
            real = template.physical(function.name) + (":live" if function.name in template.published else "")
            arn = {"Fn::Sub": f"arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:{real}"}
        self.substitutions[logical_id] = arn
        self._invoke(arn)
        return f"${{{logical_id}}}"

    def _invoke(self, arn: Any) -> None:
        if arn not in self.invoked:
            self.invoked.append(arn)

    def _refused(self, message: str) -> RegistrationError:
        return self.machine.refused(f"In the definition of {self.machine.key!r}: {message}")


def attribute_of(resource: Resource, attribute: str, template: Template) -> Any:
    """A resource's ``arn``, ``name`` or ``url`` as a template writes it; ``None`` where it has none."""
    if attribute == "arn":
        return resource.arn_in(template)
    if attribute == "name" and hasattr(resource, "name_in_template"):
        return resource.name_in_template(template)
    if attribute == ("url" if resource.type == "queue" else "name" if resource.type in ("bucket", "resource") else ""):
        return resource.reference(template)
    return None
