"""The context object of an invocation, with what AWS's own runtime client puts there. stdlib only: workers import it.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Fields:
    """An object of named fields; those nobody sent are ``None``."""

    names: tuple[str, ...] = ()

    def __init__(self, values: dict[str, Any] | None = None) -> None:
        for name in self.names:
            setattr(self, name, (values or {}).get(name))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self)})"


class CognitoIdentity(Fields):
    """Who called, when a Cognito identity did: the local server has none, so the fields are ``None``."""

    names = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(Fields):
    """The mobile app that called."""

    names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(Fields):
    """What the caller sent as ``ClientContext``."""

    names = ("custom", "env", "client")

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__(values)
        self.client = Client(values["client"]) if isinstance(values.get("client"), dict) else None


class Execution:
    """What all invocations of one environment have in common."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")  # text, as on AWS
        self.log_group = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")

    def take(self, version: str) -> None:
        """Be of a version from now on. On AWS each has environments of its own; here all run the same code."""
        if version != self.version:
            self.version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"] = version


class LambdaContext:
    """One invocation: which function, which request, and how long it has left.

    ``arn`` is the one that was invoked, where that is an alias's or a version's.
    """

    def __init__(
        self,
        request_id: str,
        execution: Execution,
        deadline: int,
        client_context: dict[str, Any] | None = None,
        arn: str | None = None,
        tenant: str | None = None,
    ) -> None:
        self.aws_request_id = request_id
        self.invoked_function_arn = arn or execution.arn
        self.function_name = execution.name
        self.function_version = execution.version
        self.memory_limit_in_mb = execution.memory
        self.log_group_name = execution.log_group
        self.log_stream_name = execution.log_stream
        self.identity = CognitoIdentity()
        self.client_context = None if client_context is None else ClientContext(client_context)
        self.tenant_id = tenant
        self._deadline = deadline

    def pause(self, milliseconds: int) -> None:
        """The invocation stood still for so long: its deadline is put off."""
        self._deadline += milliseconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the server ends the invocation; never below 0."""
        return max(0, self._deadline - int(time.time() * 1000))

    def log(self, message: object) -> None:
        """Write to the function's log, without a line end of its own."""
        print(message, end="", flush=True)

    def __repr__(self) -> str:
        return f"LambdaContext({', '.join(f'{name}={value}' for name, value in vars(self).items())})"
