"""``@app.codedeploy_hook``: a check in the middle of a deployment, which waits for its verdict."""

from __future__ import annotations

from ..options import refused, text
from ..reporting import Reported, Reporting, aws

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..resources.resource import Template


class DeploymentHook(Reported):
    """A deployment that waits for a verdict.

    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
    """

    def summary(self) -> str:
        return self.deployment_id

    @property
    def deployment_id(self) -> str:
        """The deployment's id, such as ``d-EXAMPLE1``."""
        return str(self.raw["DeploymentId"])

    @property
    def execution_id(self) -> str:
        """What names this run of the hook."""
        return str(self.raw["LifecycleEventHookExecutionId"])


class CodeDeployHook(Reporting):
    """Run as a lifecycle hook of a deployment by CodeDeploy (Lambda or ECS).

    ``application``: the CodeDeploy application whose deployments it may judge; any of the account's unless said.

    CodeDeploy is told, once: ``Succeeded`` when the handler returns nothing or ``True``; ``Failed`` when it returns
    ``False``, raises, or the function is about to run out of time. A failed hook rolls the deployment back.
    https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
    """

    decorator = "codedeploy_hook"
    example = "@app.codedeploy_hook()"
    kinds = ("codedeploy_hook",)

    def __init__(self, *, application: str = "") -> None:
        super().__init__()
        self.application = application
        self.validate()

    def validate(self) -> None:
        if self.application == "":
            return
        text("codedeploy_hook", "application", self.application, "Remove it for any application of the account.")
        if len(self.application) > 100 or set(self.application) & set("*?:/"):
            raise refused(
                f"application must be the name of a CodeDeploy application, at most 100 characters without * ? : /, "
                f"not {self.application!r}."
            )

    def title(self) -> str:
        return "codedeploy hook" + (f" of {self.application}" if self.application else "")

    def parse(self, raw: Any, context: Any) -> DeploymentHook:
        return self.begun(DeploymentHook(raw, context))

    def report(self, result: Any, event: DeploymentHook) -> None:
        fine = result is None or result is True
        if not fine and result is not False and not isinstance(result, BaseException):
            import logging

            logging.getLogger("eventfw").error(
                "%r failed: a hook returns True, False or nothing, not %r.", event, result
            )
        aws("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=event.deployment_id,
            lifecycleEventHookExecutionId=event.execution_id,
            status="Succeeded" if fine else "Failed",
        )

    def statements(self, template: Template) -> list[tuple[list[str], list[Any]]]:
        groups = f"deploymentgroup:{self.application}/*" if self.application else "deploymentgroup:*"
        arn = f"arn:${{AWS::Partition}}:codedeploy:${{AWS::Region}}:${{AWS::AccountId}}:{groups}"
        return [(["codedeploy:PutLifecycleEventHookExecutionStatus"], [{"Fn::Sub": arn}])]

    def sample(self, **fields: Any) -> dict[str, Any]:
        """A hook's event. Fields: ``deployment_id``, ``execution_id``."""
        self.fields_among(fields, ("deployment_id", "execution_id"))
        return {
            "DeploymentId": str(fields.get("deployment_id", "d-EXAMPLE1A")),
            "LifecycleEventHookExecutionId": str(fields.get("execution_id", "eyJlbmNyeXB0ZWREYXRhIjoiZXhhbXBsZSJ9")),
        }
