"""``@app.step``: a task of a Step Functions state machine."""

from __future__ import annotations

from ..events import Event
from ..http import plain
from ..models import built_in
from ..options import flag, printable, text
from ..reporting import Reported, Reporting, aws
from ..trigger import guarded_request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

    from ..calling import Binding
    from ..function import Function
    from ..resources.resource import Template
    from ..rules.witness import Effort
    from ..trigger import Trigger

DATA_MAX = 262_144  # bytes: "256 KiB of data as a UTF-8 encoded string", into and out of a state
ERROR_MAX, CAUSE_MAX = 256, 32_768  # characters: SendTaskFailure's error and cause


class ResultTooLarge(ValueError):
    """What a handler returned to a state machine is more than a state may hold."""


class StepTask(Reported):
    """A task that waits until Step Functions is told, with its token, how it went; by whomever, up to a year later.

    Somewhere else, ``StepTask.waiting(token)`` is the same task.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
    """

    def __init__(self, raw: Any, context: Any = None, token_key: str = "token") -> None:
        super().__init__(raw, context)
        self._token_key = token_key

    @classmethod
    def waiting(cls, token: str) -> Self:
        """The task of a token that was kept: to report how it went from another function."""
        return cls({"token": token})

    def summary(self) -> str:
        return f"{printable(self._token, 12)}"

    @property
    def _token(self) -> str:
        found = self.raw.get(self._token_key) if isinstance(self.raw, dict) else None
        return found if isinstance(found, str) else ""

    @property
    def token(self) -> str:
        """What names the task to Step Functions. Whoever has it can end the task."""
        if not self._token:
            raise KeyError(
                f'The state sends no {self._token_key}. Write "{self._token_key}.$": "$$.Task.Token" in its Payload.'
            )
        return self._token

    @property
    def input(self) -> dict[str, Any]:
        """What the state sends beside the token."""
        return {name: value for name, value in self.raw.items() if name != self._token_key}

    def succeed(self, output: Any = None) -> None:
        """The task is done, and ``output`` (JSON, or a model, up to 256 KiB) its result. Raises ``RuntimeError`` where
        it was reported before, by this object."""
        body = json_text(output)
        self._report(lambda: aws("stepfunctions").send_task_success(taskToken=self.token, output=body))

    def fail(self, error: str, cause: str = "") -> None:
        """The task has failed: ``error`` is the name that Retry and Catch match."""
        more = {"error": error[:ERROR_MAX], "cause": cause[:CAUSE_MAX]}
        self._report(lambda: aws("stepfunctions").send_task_failure(taskToken=self.token, **more))

    def heartbeat(self) -> None:
        """It goes on: the state's ``HeartbeatSeconds`` begin again."""
        aws("stepfunctions").send_task_heartbeat(taskToken=self.token)

    def _report(self, report: Any) -> None:
        if not self._once(report):
            raise RuntimeError(f"{self!r} was reported before.")


class Step(Reporting):
    """Run for a task of a state machine: it receives what the state sends, and returns the task's result.

    ``wait_for_task_token``: the state waits (``.waitForTaskToken``): the handler receives a
    :class:`~eventfw.StepTask`, and what it returns does not count; when it raises, the task has failed.
    ``token_key``: the field of the state's ``Payload`` that has the token.

    Such an event has no mark of its own, so a function has one handler of this kind: it gets what no other trigger of
    the function takes. An exception's class name is the error that ``Retry`` and ``Catch`` match.
    https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
    """

    decorator = "step"
    example = "@app.step()"

    def __init__(self, *, wait_for_task_token: bool = False, token_key: str = "token") -> None:
        super().__init__()
        self.wait_for_task_token = wait_for_task_token
        self.token_key = token_key
        if not wait_for_task_token:
            self.answers = ()  # Lambda tells the state what was raised
        self.validate()

    def validate(self) -> None:
        flag("step", "wait_for_task_token", self.wait_for_task_token)
        text("step", "token_key", self.token_key, 'Remove it for "token".')

    def overlap(self, other: Trigger, effort: Effort) -> dict[str, Any] | None:
        """A route with an authorizer: the input is the whole event, and may be what somebody sent."""
        return guarded_request(other)  # type: ignore[no-any-return]

    def title(self) -> str:
        return "step that waits for its token" if self.wait_for_task_token else "step"

    def parse(self, raw: Any, context: Any) -> Event:
        return StepTask(raw, context, self.token_key) if self.wait_for_task_token else Event(raw, context)

    def call(self, binding: Binding, event: Event) -> Any:
        return super().call(binding, event) if self.wait_for_task_token else binding(event.raw, event.context)

    def payload(self, event: Any) -> Any:
        """The input, without the token, for a parameter of a model's type."""
        return event.input if self.wait_for_task_token else event

    def encode(self, result: Any, event: Any) -> Any:
        if not self.wait_for_task_token:
            return within_limit(plain(result))
        if isinstance(result, self.answers):
            if not event._token:
                raise result  # nobody but Lambda can tell the state
            self._log(result, event)
            event._once(lambda: self.report(result, event))
        return None

    def report(self, result: Any, event: StepTask) -> None:
        """Tell Step Functions what was raised, as Lambda would."""
        from json import dumps

        name = type(result).__name__
        cause = dumps({"errorMessage": str(result), "errorType": name})
        client = aws("stepfunctions")
        client.send_task_failure(taskToken=event.token, error=name[:ERROR_MAX], cause=cause[:CAUSE_MAX])

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        """Tasks have no ARN: IAM knows these actions for ``*`` only."""
        actions = ["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"]
        return [(actions, ["*"])] if self.wait_for_task_token else []

    def resources(self, function: Function, template: Template) -> None:
        """None: the state machine's role may invoke the function. Another such trigger of the handler is refused."""
        for handler in function.handlers:
            for other in handler.triggers if self in handler.triggers else ():
                if other is not self and not other.kinds:
                    raise self.refused(
                        f"{handler.name} is run for {other.title()}, too, and nothing in the events tells them apart. "
                        f"Give one of them a handler and a function of its own."
                    )

    def sample(self, **fields: Any) -> Any:
        """What a state sends. Fields: ``input``, and ``token`` where the state waits for one."""
        self.fields_among(fields, ("input", "token") if self.wait_for_task_token else ("input",))
        sent = fields.get("input", {})
        if not self.wait_for_task_token:
            return sent
        return {**sent, self.token_key: str(fields.get("token", "AQBEXAMPLEtokenOfATask"))}


def within_limit(result: Any) -> Any:
    """The result, where a state can hold it."""
    if isinstance(result, (str, dict, list, tuple)):
        json_text(result)
    return result


def json_text(output: Any) -> str:
    """A result as JSON. Raises :class:`ResultTooLarge` where it is more than Step Functions takes."""
    from json import dumps

    body = dumps(output, default=built_in, ensure_ascii=False, separators=(",", ":"))
    size = len(body.encode())
    if size > DATA_MAX:
        raise ResultTooLarge(
            f"The result has {size} bytes, and Step Functions takes {DATA_MAX} from a state. Keep it in S3, and return "
            f"its key."
        )
    return body
