"""Function: one Lambda function, its settings and the handlers it runs."""

from __future__ import annotations

from .errors import user_place
from .options import Checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from .app import Handler
    from .resources.resource import Grant, Resource
    from .rules import settings as lambdas


class Settings(Checked):
    """What ``@app.function(...)`` says of a function.

    Options
        ``name``: the function's short name; handlers under one name share one function. The handler's own unless said.
        ``memory``: MB, 128-10240; 256 unless said (Lambda@Edge: 128).
        ``timeout``: seconds, 1-900; 30 unless said (``api``: 29, Lambda@Edge: 5).
        ``environment``: variables, at most 4 KB together.
        ``uses``: what the function may do, as grants of resources: ``uses=[orders.send, uploads.read]``.
        ``description``: at most 256 characters.
        ``tags``: at most 48 tags of the function.
        ``role``: the ARN of an existing role; none is made then, and what the function may do is that role's affair.
        ``architecture``: ``x86_64`` (unless said) or ``arm64``.
        ``runtime``: such as ``python3.13``; that of ``eventfw.toml`` unless said.
        ``layers``: at most 5 ARNs of layer versions.
        ``ephemeral_storage``: MB of ``/tmp``, 512-10240.
        ``vpc``: ``subnet_ids`` (1-16), ``security_group_ids`` (1-5) and ``ipv6_allowed_for_dual_stack``.
        ``file_system``: ``arn`` of an EFS access point and its ``local_mount_path`` below ``/mnt/``; needs ``vpc``.
        ``reserved_concurrency``: environments at most, and kept for it; 0 switches the function off.
        ``provisioned_concurrency``: environments kept ready, at most those reserved.
        ``snap_start``: ``True`` to start from a snapshot; Python 3.12 and later.
        ``log_retention``: days its logs are kept, 30 unless said.
        ``log_format``: ``Text`` (unless said) or ``JSON``.
        ``application_log_level``, ``system_log_level``: what is logged at the least; both need ``JSON``.
        ``tracing``: ``Active`` or ``PassThrough``, for X-Ray.
        ``dead_letter``: the queue or topic that gets asynchronous events which failed for good.
        ``on_success``, ``on_failure``: what gets a record of asynchronous invocations: a queue, topic, event bus or
        function, for failures also a bucket.
        ``maximum_retry_attempts``: how often an asynchronous event is tried again, 0-2; 2 unless said.
        ``maximum_event_age``: seconds an asynchronous event is kept, 60-21600; 6 hours unless said.
        ``kms_key``: the ARN of the key for environment variables and snapshots.
        ``recursive_loop``: ``Terminate`` (unless said) or ``Allow``, where the function seems to run itself.
        ``durable``: ``execution_timeout`` in seconds, ``retention_period_in_days``, ``kms_key_arn``; Python 3.13 and
        later.
        ``tenant_isolation_mode``: ``PER_TENANT`` for environments that serve one tenant each.

    https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        memory: int | None = None,
        timeout: int | None = None,
        environment: Mapping[str, str] | None = None,
        uses: Sequence[Grant] | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        role: str | None = None,
        architecture: lambdas.Architecture | None = None,
        runtime: lambdas.Runtime | None = None,
        layers: Sequence[str] | None = None,
        ephemeral_storage: int | None = None,
        vpc: lambdas.VpcConfig | None = None,
        file_system: lambdas.FileSystem | None = None,
        reserved_concurrency: int | None = None,
        provisioned_concurrency: int | None = None,
        snap_start: bool | None = None,
        log_retention: int | None = None,
        log_format: lambdas.LogFormat | None = None,
        application_log_level: lambdas.LogLevel | None = None,
        system_log_level: lambdas.SystemLogLevel | None = None,
        tracing: lambdas.Tracing | None = None,
        dead_letter: Resource | str | None = None,
        on_success: Resource | str | None = None,
        on_failure: Resource | str | None = None,
        maximum_retry_attempts: int | None = None,
        maximum_event_age: int | None = None,
        kms_key: str | None = None,
        recursive_loop: lambdas.RecursiveLoop | None = None,
        durable: lambdas.DurableConfig | None = None,
        tenant_isolation_mode: lambdas.TenantIsolationMode | None = None,
    ) -> None:
        given: dict[str, Any] = locals()
        #: What was said, by option.
        self.said = {key: value for key, value in given.items() if value is not None and key not in ("self", "name")}
        self.name = name
        self.place = user_place()
        self.validate()

    def validate(self) -> None:
        from .rules.function import check_settings

        check_settings(self.name, self.said)


class Function(Checked):
    """One Lambda function of the app, made when the app is first routed or built.

    ``said`` are the options of its ``@app.function``; those that triggers ask for are attributes.
    """

    def __init__(self, name: str, handlers: list[Handler], settings: Settings) -> None:
        self.name = name
        self.handlers = handlers
        self.settings = settings
        self.said = said = settings.said
        self.edge = any(trigger.edge for handler in handlers for trigger in handler.triggers)
        self.stack = "edge" if self.edge else handlers[0].stack
        self.memory: int = said.get("memory", 128 if self.edge else 256)
        self.timeout: int = said.get("timeout", 5 if self.edge else 29 if name == "api" else 30)
        self.environment: dict[str, str] = dict(said.get("environment", {}))
        self.place = handlers[0].place
        self.validate()

    def __repr__(self) -> str:
        return f"<Function {self.name!r}>"

    @property
    def uses(self) -> list[Grant]:
        """Every grant, once: what ``uses`` says and what the triggers imply."""
        grants: list[Grant] = [*self.said.get("uses", ())]
        for handler in self.handlers:
            for trigger in handler.triggers:
                grants.extend(trigger.grants())
        return list({(grant.resource.variable, grant.verb): grant for grant in grants}.values())

    @property
    def targets(self) -> list[Resource]:
        """The resources that Lambda itself sends to for the function."""
        named = [self.said.get(option) for option in ("dead_letter", "on_success", "on_failure")]
        return [resource for resource in named if resource is not None and not isinstance(resource, str)]

    def validate(self) -> None:
        from .rules.function import check_function

        check_function(self)
