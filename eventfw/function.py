"""Function: one Lambda function, its settings and the handlers it runs."""

from __future__ import annotations

from .errors import RegistrationError, user_place
from .options import LOG_RETENTION_DAYS, refused, text, whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .app import Handler
    from .resources.resource import Grant

RESERVED_VARIABLES = frozenset(
    [
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    ]
)
OLD_EDGE_MEMORY, OLD_EDGE_TIMEOUT = 128, 5  # MB and seconds, for viewer events, before the guide of 2025
ENVIRONMENT_LIMIT = 4096  # bytes, names and values together


class Settings:
    """What ``@app.function(...)`` says of a function.

    Options
        ``name``: the function's short name; handlers under one name share one function. The handler's own unless said.
        ``memory``: MB, 128-10240; 256 unless said (Lambda@Edge: 128).
        ``timeout``: seconds, 1-900; 30 unless said (``api``: 29, Lambda@Edge: 5).
        ``environment``: variables, at most 4 KB together.
        ``uses``: what the function may do, as grants of resources: ``uses=[orders.send, uploads.read]``.
        ``ephemeral_storage``: MB of ``/tmp``, 512-10240.
        ``reserved_concurrency``: environments at most, and kept for it; 0 switches the function off.
        ``log_retention``: days its logs are kept, 30 unless said.
        ``description``: at most 256 characters.

    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        memory: int | None = None,
        timeout: int | None = None,
        environment: Mapping[str, str] | None = None,
        uses: Sequence[Grant] = (),
        ephemeral_storage: int | None = None,
        reserved_concurrency: int | None = None,
        log_retention: int = 30,
        description: str = "",
    ) -> None:
        self.place = user_place()
        self.name = None if name is None else checked_name(name)
        self.memory = (
            memory if memory is None else whole("function", "memory", memory, 128, 10_240, "Remove it for 256 MB.")
        )
        self.timeout = (
            timeout if timeout is None else whole("function", "timeout", timeout, 1, 900, "Remove it for 30 s.")
        )
        self.environment = checked_environment(environment or {})
        self.uses = checked_uses(uses)
        if ephemeral_storage is not None:
            whole("function", "ephemeral_storage", ephemeral_storage, 512, 10_240, "Remove it for 512 MB.")
        self.ephemeral_storage = ephemeral_storage
        if reserved_concurrency is not None:
            whole("function", "reserved_concurrency", reserved_concurrency, 0, 1_000_000, "Remove it to reserve none.")
        self.reserved_concurrency = reserved_concurrency
        if type(log_retention) is not int or log_retention not in LOG_RETENTION_DAYS:
            days = ", ".join(map(str, sorted(LOG_RETENTION_DAYS)))
            raise refused(f"log_retention must be one of {days} days for function, not {log_retention!r}.")
        self.log_retention = log_retention
        if not isinstance(description, str) or len(description) > 256:
            raise refused(f"description must be a string of at most 256 characters for function, not {description!r}.")
        self.description = description
        self.says_anything = (
            bool(
                memory
                or timeout
                or self.environment
                or self.uses
                or ephemeral_storage
                or description
                or log_retention != 30
            )
            or reserved_concurrency is not None
        )


class Function:
    """One Lambda function of the app, made when the app is first routed or built."""

    def __init__(self, name: str, handlers: list[Handler], settings: Settings) -> None:
        self.name = name
        self.handlers = handlers
        self.settings = settings
        self.edge = any(trigger.edge for handler in handlers for trigger in handler.triggers)
        self.stack = "edge" if self.edge else handlers[0].stack
        self.memory = settings.memory or (128 if self.edge else 256)
        self.timeout = settings.timeout or (5 if self.edge else 29 if name == "api" else 30)
        self.environment = settings.environment
        self.ephemeral_storage = settings.ephemeral_storage
        self.reserved_concurrency = settings.reserved_concurrency
        self.log_retention = settings.log_retention
        self.description = settings.description
        self.place = handlers[0].place
        self._check()

    def __repr__(self) -> str:
        return f"<Function {self.name!r}>"

    @property
    def uses(self) -> list[Grant]:
        """Every grant, once: what ``uses`` says and what the triggers imply."""
        grants = [*self.settings.uses]
        for handler in self.handlers:
            for trigger in handler.triggers:
                grants.extend(trigger.grants())
        return list({(grant.resource.variable, grant.verb): grant for grant in grants}.values())

    def _check(self) -> None:
        if not self.edge:
            if len({handler.stack for handler in self.handlers}) > 1:
                raise RegistrationError(
                    f"The handlers of function {self.name!r} are in different stacks. Name one of the functions apart.",
                    place=self.place,
                )
            return
        for handler in self.handlers:
            for trigger in handler.triggers:
                if not trigger.edge:
                    raise RegistrationError(
                        f"Function {self.name!r} runs at the edge and cannot also have @app.{trigger.decorator}. "
                        f"Move it to a handler of its own.",
                        place=trigger.place,
                    )
        if self.environment or self.settings.uses:
            option = "environment" if self.environment else "uses"
            raise RegistrationError(
                f"Function {self.name!r} is a Lambda@Edge function, which has no environment variables: "
                f"{option} cannot reach it. Remove {option}.",
                place=self.settings.place,
            )
        said = self.settings
        if self.timeout > 30:
            raise self._not_at_the_edge(f"timeout must be at most 30, not {self.timeout}")
        if (said.ephemeral_storage or 512) > 512:
            raise self._not_at_the_edge(f"ephemeral_storage must be 512, not {said.ephemeral_storage}")
        if said.log_retention != 30:
            raise self._not_at_the_edge("log_retention cannot be said: each region keeps its own log group")
        if self.memory > OLD_EDGE_MEMORY or self.timeout > OLD_EDGE_TIMEOUT:
            import warnings

            warnings.warn(
                f"{said.place}: {self.name} has {self.memory} MB, {self.timeout} s at the edge: until 2025 CloudFront "
                f"refused viewer functions over {OLD_EDGE_MEMORY} MB or {OLD_EDGE_TIMEOUT} s.",
                stacklevel=2,
            )

    def _not_at_the_edge(self, what: str) -> RegistrationError:
        return RegistrationError(f"Function {self.name!r} runs at the edge: {what}.", place=self.settings.place)


def checked_name(name: object) -> str:
    """A function's short name: letters, digits, hyphens and underscores; Lambda allows 64 with app and stage."""
    if callable(name):
        label = getattr(name, "__name__", "handler")
        raise refused(f"@app.function needs parentheses: write @app.function() above def {label}.")
    text("function", "name", name, "Remove it to use the handler's own name.")
    word = str(name)
    if len(word) > 64 or not all(char.isascii() and (char.isalnum() or char in "-_") for char in word):
        raise refused(
            f"Lambda refuses the function name {word!r}: use 1 to 64 letters, digits, hyphens and underscores."
        )
    if not word[0].isalpha():
        raise refused(f"The function name {word!r} must begin with a letter.")
    return word


def checked_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Environment variables that Lambda accepts."""
    if not hasattr(environment, "items"):
        raise refused(f"environment must be a dict of strings for function, not of type {type(environment).__name__}.")
    for name, value in environment.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise refused(
                f"environment must map strings to strings for function; {name!r} is of type {type(value).__name__}."
            )
        if len(name) < 2 or not name[0].isalpha() or not all(c.isascii() and (c.isalnum() or c == "_") for c in name):
            raise refused(
                f"Lambda refuses the variable name {name!r}: use two or more letters, digits and _, a letter first."
            )
        if name in RESERVED_VARIABLES or name.startswith("EVENTFW_"):
            owner = "eventfw" if name.startswith("EVENTFW_") else "Lambda"
            raise refused(f"The environment variable {name!r} is reserved by {owner}. Use another name.")
    size = sum(len(name.encode()) + len(value.encode()) for name, value in environment.items())
    if size > ENVIRONMENT_LIMIT:
        raise refused(f"environment must be at most {ENVIRONMENT_LIMIT} bytes for function, not {size}. Use SSM or S3.")
    return dict(environment)


def checked_uses(uses: object) -> list[Grant]:
    """Grants, and nothing that only looks like one."""
    if not isinstance(uses, (list, tuple)):
        raise refused(f"uses must be a list of grants such as [orders.send] for function, not {uses!r}.")
    for grant in uses:
        if not hasattr(grant, "actions_by_scope"):
            raise refused(f"uses takes grants such as orders.send or uploads.read, not {grant!r}.")
    return list(uses)
